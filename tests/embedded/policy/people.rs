//! Somebody of each role in one organization, with things that are theirs, and an owner of another.

use serde_json::{Value, json};
use studio_kernel::{Env, Role};
use studio_sdk::{Client, Upload};

use super::calls::Ids;
use crate::support::{
    EMAIL, Installation, PASSWORD, Server, adopt, create_project, import_builtin, mutate, query,
    until,
};

/// Somebody who calls.
pub(super) struct Person {
    /// The heading of their column.
    pub(super) column: String,
    pub(super) client: Client,
    /// What is their own; for what cannot be, what is the owner's.
    pub(super) own: Ids,
}

/// Everybody, and everything that can be named in a call.
pub(super) struct Stage {
    _installation: Installation,
    pub(super) server: Server,
    /// What is the owner's and nobody else's.
    pub(super) things: Ids,
    /// Of a second project, which may be archived without hindering the others.
    pub(super) spare_project: String,
    /// One for each role, the owner first.
    pub(super) people: Vec<Person>,
    pub(super) stranger: Client,
    pub(super) elsewhere: Client,
}

const ELSEWHERE: &str = "grace@example.net";

impl Stage {
    pub(super) async fn set() -> Self {
        let installation = with_mail();
        let (server, _) = installation.set_up().await;
        server.stop();
        let arguments =
            ["organization", "create", "--name", "Rival", "--owner-name", "Grace Hopper"];
        let arguments = [&arguments[..], &["--owner-email", ELSEWHERE]].concat();
        installation.run_with_password(&arguments, PASSWORD);
        let server = installation.start();
        let owner = signed_in(&server, EMAIL).await;
        let project = create_project(&owner, "Production").await;
        let spare_project = create_project(&owner, "Spare").await;
        let mut things = things(&installation, &owner, &project, "victim@example.org").await;
        things.insert("prj", project);
        let mut people = Vec::new();
        for role in Role::ALL {
            people.push(match role {
                Role::Owner => {
                    Person { column: column(role), client: owner.clone(), own: things.clone() }
                }
                other => person(&server, &owner, other, &things).await,
            });
        }
        let elsewhere = signed_in(&server, ELSEWHERE).await;
        let stranger = Client::new(&server.url).unwrap();
        Self {
            _installation: installation,
            server,
            things,
            spare_project,
            people,
            stranger,
            elsewhere,
        }
    }
}

fn column(role: Role) -> String {
    role.as_str().replace('_', " ")
}

pub(super) async fn signed_in(server: &Server, email: &str) -> Client {
    let client = Client::new(&server.url).unwrap();
    client.log_in(email, PASSWORD).await.unwrap();
    client
}

/// One thing of each kind that belongs to the owner, or to nobody; whoever is to be erased has that address.
pub(super) async fn things(
    installation: &Installation,
    owner: &Client,
    project: &str,
    victim: &str,
) -> Ids {
    let framework = import_builtin(owner, "soc2-2017").await;
    adopt(owner, project, &framework).await;
    let text = b"Whoever leaves loses every access on the same day.".to_vec();
    let uploaded = owner.upload_document(project, "a.md", "text/markdown", Upload::Bytes(text));
    let document = id(&uploaded.await.unwrap()["document"]["id"]);
    let scan = installation.run(&["demo", "scan"]).into_bytes();
    let run = owner.ingest_prowler(project, Upload::Bytes(scan)).await.unwrap().run;
    let path = format!("/v1/ingest/runs/{}", id(&run["id"]));
    until("the run to be matched", || async {
        let run = owner.get(&path).await.unwrap();
        (run["state"] == "COMPLETED" && run["matching"]["state"] == "done").then_some(())
    })
    .await;
    let user = add_user(owner, victim, json!({ "roles": ["VIEWER"] })).await;
    let (control, test) = control(owner, project, "OWNERS", None).await;
    let data = query(
        owner,
        "query($p: ID!, $f: ID!) {
            findings(projectId: $p, first: 1) { nodes { id } }
            assets(projectId: $p, first: 1) { nodes { id } }
            framework(id: $f) { requirements(first: 1) { nodes { id } } }
        }",
        json!({ "p": project, "f": framework }),
    )
    .await;
    let asked = mutate(
        owner,
        "mutation($input: AskInput!) { ask(input: $input) { answer { id } userErrors { code message path } } }",
        json!({ "question": "Who loses access?", "projectId": project }),
    )
    .await;
    let requirement = id(&data["framework"]["requirements"]["nodes"][0]["id"]);
    let departures = departures(owner, project, &requirement, (&control, &test)).await;
    let review = mutate(
        owner,
        "mutation($input: StartAccessReviewInput!) { startAccessReview(input: $input) { review { id } userErrors { code message path } } }",
        json!({ "title": "Who has what" }),
    )
    .await;
    let [declaration, found, exception] = departures;
    let mapping = mapping(owner, project, &requirement).await;
    let alert = alert(owner, project, &framework).await;
    let result = pending_result(owner, &control).await;
    Ids::from([
        ("sal", alert),
        ("arv", id(&review["review"]["id"])),
        ("nap", declaration),
        ("ncf", found),
        ("exc", exception),
        ("map", mapping),
        ("frw", framework),
        ("rqm", requirement),
        ("ctl", control),
        ("tst", test),
        ("tsr", result),
        ("doc", document),
        ("run", id(&run["id"])),
        ("evd", id(&run["evidence"]["id"])),
        ("fnd", id(&data["findings"]["nodes"][0]["id"])),
        ("ast", id(&data["assets"]["nodes"][0]["id"])),
        ("ans", id(&asked["answer"]["id"])),
        ("ses", session(owner.url(), EMAIL).await),
        ("tea", team(owner, victim, &user).await),
        ("usr", user),
        ("key", api_key(owner).await),
        ("cli", oauth_client(owner).await),
        ("dir", directory(owner).await),
        ("inv", invitation(owner, &format!("invited-{victim}")).await),
    ])
}

/// Somebody of that role, signed in, with what can be their own.
async fn person(server: &Server, owner: &Client, role: Role, things: &Ids) -> Person {
    let email = format!("{}@example.org", role.as_str());
    let roles = json!({ "roles": [role.as_str().to_uppercase()] });
    let user = add_user(owner, &email, roles).await;
    let client = signed_in(server, &email).await;
    let project = &things["prj"];
    let (control, test) = control(owner, project, role.as_str(), Some(&user)).await;
    let mut own = things.clone();
    own.insert("tea", team(owner, &email, &user).await);
    own.insert("ncf", nonconformity(owner, &control).await);
    own.extend([("ctl", control), ("tst", test), ("usr", user)]);
    own.insert("ses", session(&server.url, &email).await);
    own.insert("key", api_key(&client).await);
    let text = Upload::Bytes(role.as_str().as_bytes().to_vec());
    if let Ok(uploaded) = client.upload_document(project, "own.md", "text/markdown", text).await {
        own.insert("doc", id(&uploaded["document"]["id"]));
    }
    Person { column: column(role), client, own }
}

/// Adds a person with what the input says of roles.
pub(super) async fn add_user(owner: &Client, email: &str, roles: Value) -> String {
    let mut input = json!({ "name": email, "email": email, "password": PASSWORD });
    input.as_object_mut().unwrap().extend(roles.as_object().unwrap().clone());
    let made = mutate(
        owner,
        "mutation($input: CreateUserInput!) { createUser(input: $input) { user { id } userErrors { code message path } } }",
        input,
    )
    .await;
    id(&made["user"]["id"])
}

/// A control with a test.
async fn control(owner: &Client, project: &str, code: &str, of: Option<&str>) -> (String, String) {
    let made = mutate(
        owner,
        "mutation($input: CreateControlInput!) { createControl(input: $input) { control { id } userErrors { code message path } } }",
        json!({ "projectId": project, "code": code, "title": "A control", "ownerId": of }),
    )
    .await;
    let control = id(&made["control"]["id"]);
    let test = mutate(
        owner,
        "mutation($input: AddTestInput!) { addTest(input: $input) { test { id } userErrors { code message path } } }",
        json!({ "controlId": control, "title": "Look" }),
    )
    .await;
    (control, id(&test["test"]["id"]))
}

/// What departs from the rule in a project: a requirement that does not apply, a nonconformity of a
/// control, and an exception on its failure.
async fn departures(
    owner: &Client,
    project: &str,
    requirement: &str,
    (control, test): (&str, &str),
) -> [String; 3] {
    let declared = mutate(
        owner,
        "mutation($input: MarkNotApplicableInput!) { markNotApplicable(input: $input) { notApplicable { id } userErrors { code message path } } }",
        json!({ "projectId": project, "requirementId": requirement, "reason": "We have none." }),
    )
    .await;
    let failed = "mutation($input: RecordTestResultInput!) { recordTestResult(input: $input) { test { id } userErrors { code message path } } }";
    mutate(owner, failed, json!({ "testId": test, "outcome": "FAILED" })).await;
    let excepted = mutate(
        owner,
        "mutation($input: ProposeExceptionInput!) { proposeException(input: $input) { exception { id } userErrors { code message path } } }",
        json!({ "projectId": project, "testId": test, "reason": "It is put off.",
            "expiresAt": Env::system().now().plus_days(30).to_string() }),
    )
    .await;
    [
        id(&declared["notApplicable"]["id"]),
        nonconformity(owner, control).await,
        id(&excepted["exception"]["id"]),
    ]
}

/// A mapping from a requirement to one of another framework, which the project adopts for that.
async fn mapping(owner: &Client, project: &str, requirement: &str) -> String {
    let framework = import_builtin(owner, "iso27001-2022").await;
    mutate(
        owner,
        "mutation($input: AdoptFrameworkInput!) { adoptFramework(input: $input) { userErrors { code message path } } }",
        json!({ "projectId": project, "frameworkId": framework, "controls": "NONE" }),
    )
    .await;
    let asked = "query($f: ID!) { framework(id: $f) { requirements(first: 1) { nodes { id } } } }";
    let other = query(owner, asked, json!({ "f": framework })).await;
    let other = &other["framework"]["requirements"]["nodes"][0]["id"];
    let made = mutate(
        owner,
        "mutation($input: ProposeMappingInput!) { proposeMapping(input: $input) { mapping { id } userErrors { code message path } } }",
        json!({ "projectId": project, "sourceRequirementId": requirement, "targetRequirementId": other,
            "relation": "EQUIVALENT", "rationale": "They ask for the same." }),
    )
    .await;
    id(&made["mapping"]["id"])
}

/// An alert that is raised at once, which was changed since it was made.
async fn alert(owner: &Client, project: &str, framework: &str) -> String {
    let made = mutate(
        owner,
        "mutation($input: CreateScoreAlertInput!) { createScoreAlert(input: $input) { alert { id } userErrors { code message path } } }",
        json!({ "projectId": project, "frameworkId": framework, "name": "Low", "when": { "below": 100.0 } }),
    )
    .await;
    let changed = mutate(
        owner,
        "mutation($input: ChangeScoreAlertInput!) { changeScoreAlert(input: $input) { alert { id } userErrors { code message path } } }",
        json!({ "id": made["alert"]["id"], "expectedVersion": 1, "name": "It is low" }),
    )
    .await;
    id(&changed["alert"]["id"])
}

/// A pass of a test of a control that has to be signed off.
async fn pending_result(owner: &Client, control: &str) -> String {
    let test = mutate(
        owner,
        "mutation($input: AddTestInput!) { addTest(input: $input) { test { id } userErrors { code message path } } }",
        json!({ "controlId": control, "title": "Ask", "signOff": "REQUIRED" }),
    )
    .await;
    let test = id(&test["test"]["id"]);
    let made = mutate(
        owner,
        "mutation($input: RecordTestResultInput!) { recordTestResult(input: $input) {
            test { results { nodes { id } } } userErrors { code message path } } }",
        json!({ "testId": test, "outcome": "PASSED" }),
    )
    .await;
    id(&made["test"]["results"]["nodes"][0]["id"])
}

/// A nonconformity of a control.
async fn nonconformity(owner: &Client, control: &str) -> String {
    let opened = mutate(
        owner,
        "mutation($input: OpenNonconformityInput!) { openNonconformity(input: $input) { nonconformity { id } userErrors { code message path } } }",
        json!({ "controlId": control, "grade": "MINOR", "description": "It is late.", "observed": "A date." }),
    )
    .await;
    id(&opened["nonconformity"]["id"])
}

/// A session of theirs that nobody uses.
async fn session(url: &str, email: &str) -> String {
    let client = Client::new(url).unwrap();
    client.log_in(email, PASSWORD).await.unwrap();
    let data = query(&client, "{ me { sessions { nodes { id current } } } }", json!({})).await;
    let sessions = data["me"]["sessions"]["nodes"].as_array().unwrap();
    id(&sessions.iter().find(|session| session["current"] == true).unwrap()["id"])
}

/// A key of theirs that no program has.
async fn api_key(client: &Client) -> String {
    let made = mutate(
        client,
        "mutation($input: CreateApiKeyInput!) { createApiKey(input: $input) { apiKey { id } userErrors { code message path } } }",
        json!({ "name": "spare", "scopes": ["*:*:read"] }),
    )
    .await;
    id(&made["apiKey"]["id"])
}

/// A team of one, which was changed since it was made.
async fn team(owner: &Client, name: &str, of: &str) -> String {
    let made = mutate(
        owner,
        "mutation($input: CreateTeamInput!) { createTeam(input: $input) { team { id } userErrors { code message path } } }",
        json!({ "name": name }),
    )
    .await;
    let team = id(&made["team"]["id"]);
    mutate(
        owner,
        "mutation($input: ChangeTeamMembersInput!) { changeTeamMembers(input: $input) { team { id } userErrors { code message path } } }",
        json!({ "teamId": team, "add": [of] }),
    )
    .await;
    team
}

/// Somebody who was invited.
async fn invitation(owner: &Client, email: &str) -> String {
    let made = mutate(
        owner,
        "mutation($input: InviteUserInput!) { inviteUser(input: $input) { invitation { id } userErrors { code message path } } }",
        json!({ "email": email, "roles": ["VIEWER"] }),
    )
    .await;
    id(&made["invitation"]["id"])
}

/// An installation that sends mail to a server that is away: it waits.
pub(super) fn with_mail() -> Installation {
    Installation::empty()
        .with_setting("STUDIO_MAIL__HOST", "127.0.0.1")
        .with_setting("STUDIO_MAIL__PORT", "9")
        .with_setting("STUDIO_MAIL__FROM", "Studio <studio@example.org>")
        .with_setting("STUDIO_MAIL__SECURITY", "none")
}

/// A program of the organization.
async fn oauth_client(owner: &Client) -> String {
    let made = mutate(
        owner,
        "mutation($input: CreateOAuthClientInput!) { createOAuthClient(input: $input) { client { id } userErrors { code message path } } }",
        json!({ "name": "spare", "roles": ["VIEWER"], "scopes": ["*:*:read"] }),
    )
    .await;
    id(&made["client"]["id"])
}

/// A directory that nobody has.
async fn directory(owner: &Client) -> String {
    let made = mutate(
        owner,
        "mutation($input: ConnectDirectoryInput!) { connectDirectory(input: $input) { directory { id } userErrors { code message path } } }",
        json!({ "name": "spare", "emailDomains": ["example.org"] }),
    )
    .await;
    id(&made["directory"]["id"])
}

fn id(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no id")).to_owned()
}

//! Teams: what they give counts like any other role, at once, and goes with them.

use serde_json::{Value, json};
use studio_kernel::{Actor, ProjectRoles, Role};

use crate::support::{CREATE_USER, PASSWORD, Server, Tokens, fault, faults};

const CREATE: &str = "mutation($input: CreateTeamInput!) { createTeam(input: $input) {
    team { id version } userErrors { code message path } } }";
const RENAME: &str = "mutation($input: RenameTeamInput!) { renameTeam(input: $input) {
    team { name version } userErrors { code message path } } }";
const MEMBERS: &str =
    "mutation($input: ChangeTeamMembersInput!) { changeTeamMembers(input: $input) {
    team { version members(first: 100) { nodes { id } } } userErrors { code message path } } }";
const ROLES: &str = "mutation($input: ChangeTeamRolesInput!) { changeTeamRoles(input: $input) {
    team { version roles projectRoles { projectId role } } userErrors { code message path } } }";
const DELETE: &str = "mutation($input: DeleteTeamInput!) { deleteTeam(input: $input) {
    deletedId userErrors { code message path } } }";
const A: &str = "prj_0000000000007000800000000000000a";
const NOWHERE: &str = "tea_00000000000070008000000000000001";

/// What a mutation answers.
async fn told(server: &Server, by: &Tokens, text: &str, input: Value) -> Value {
    let data = server.data(Some(&by.access), text, json!({ "input": input })).await;
    data.as_object().unwrap().values().next().unwrap().clone()
}

/// The team after a mutation that worked.
async fn done(server: &Server, by: &Tokens, text: &str, input: Value) -> Value {
    let payload = told(server, by, text, input).await;
    assert_eq!(payload["userErrors"], json!([]), "{payload}");
    payload["team"].clone()
}

async fn team(server: &Server, owner: &Tokens, name: &str) -> String {
    // Ids sort by the millisecond.
    server.clock.advance_micros(1000);
    let team = done(server, owner, CREATE, json!({ "name": name })).await;
    team["id"].as_str().unwrap().to_owned()
}

async fn add(server: &Server, owner: &Tokens, team: &str, user: &str) {
    done(server, owner, MEMBERS, json!({ "teamId": team, "add": [user] })).await;
}

async fn give(server: &Server, owner: &Tokens, team: &str, role: &str, project: Option<&str>) {
    let input = json!({ "teamId": team, "give": [role], "projectId": project });
    done(server, owner, ROLES, input).await;
}

/// Somebody with these roles, signed in: their id and tokens.
async fn somebody(server: &Server, owner: &Tokens, name: &str, roles: Value) -> (String, Tokens) {
    server.clock.advance_micros(1000);
    let email = format!("{name}@example.org");
    let mut input = json!({ "name": name, "email": email, "password": PASSWORD });
    input.as_object_mut().unwrap().extend(roles.as_object().unwrap().clone());
    let data = server.data(Some(&owner.access), CREATE_USER, json!({ "input": input })).await;
    let payload = &data["createUser"];
    assert_eq!(payload["userErrors"], json!([]));
    let id = payload["user"]["id"].as_str().unwrap().to_owned();
    (id, Tokens::of(&server.log_in(&email, PASSWORD).await))
}

fn may(actor: &Actor) -> (Vec<Role>, Vec<ProjectRoles>) {
    (actor.roles.clone(), actor.projects.clone())
}

#[tokio::test]
async fn what_a_team_gives_counts_at_once_and_goes_with_it() {
    let (server, owner) = Server::set_up().await;
    let beside = server.beside().await;
    let (id, viewer) = server.viewer(&owner).await;
    let key = "mutation { createApiKey(input: { name: \"k\", scopes: [\"*:*:*\"] }) { secret } }";
    let key = server.data(Some(&viewer.access), key, json!({})).await;
    let key = key["createApiKey"]["secret"].as_str().unwrap().to_owned();
    let connected = server.verifier.verify(&viewer.access).unwrap();

    let red = team(&server, &owner, "Red").await;
    give(&server, &owner, &red, "AUDITOR", None).await;
    assert!(server.verifier.still_valid(&connected), "nobody is in it");
    add(&server, &owner, &red, &id).await;
    give(&server, &owner, &red, "CONTROL_OWNER", Some(A)).await;
    let there = ProjectRoles { project: A.parse().unwrap(), roles: vec![Role::ControlOwner] };
    let wanted = (vec![Role::Auditor, Role::Viewer], vec![there]);
    assert!(!server.verifier.still_valid(&connected), "a subscription begins anew");
    let everywhere = async |server: &Server| {
        for token in [&viewer.access, &key] {
            assert_eq!(may(&server.verifier.verify(token).unwrap()), wanted);
        }
    };
    everywhere(&server).await;
    // Another process hears of it with what comes after it.
    let later = Tokens::of(&server.log_in("charles@example.org", PASSWORD).await);
    assert_eq!(may(&beside.heard_of(&later).await), wanted);
    for model in ["identity.users", "identity.teams"] {
        server.store.rebuild(model).await.unwrap();
    }
    beside.stop().await;
    let server = server.restart().await;
    everywhere(&server).await;

    let me = "{ me { roles projectRoles { role teamId } teams { id name roles } } }";
    let me = server.data(Some(&viewer.access), me, json!({})).await["me"].clone();
    assert_eq!(
        me,
        json!({
            "roles": ["AUDITOR", "VIEWER"],
            "projectRoles": [{ "role": "CONTROL_OWNER", "teamId": red }],
            "teams": [{ "id": red, "name": "Red", "roles": ["AUDITOR"] }],
        })
    );
    // What is theirs alone is apart from it.
    let change = "mutation($input: ChangeRolesInput!) { changeRoles(input: $input) {
        user { roles } userErrors { code path } } }";
    let input = json!({ "userId": id, "take": ["VIEWER", "AUDITOR"] });
    let changed = server.data(Some(&owner.access), change, json!({ "input": input })).await;
    assert_eq!(
        changed["changeRoles"],
        json!({ "user": { "roles": ["AUDITOR"] }, "userErrors": [] })
    );
    let input = json!({ "teamId": red, "take": ["AUDITOR"] });
    done(&server, &owner, ROLES, input).await;
    let now = server.verifier.verify(&viewer.access).unwrap();
    assert_eq!((now.roles.len(), now.projects.len()), (0, 1));
    give(&server, &owner, &red, "VIEWER", None).await;
    let version = {
        let asked = "query($id: ID!) { team(id: $id) { version } }";
        server.data(Some(&viewer.access), asked, json!({ "id": red })).await["team"]["version"]
            .clone()
    };
    let input = json!({ "teamId": red, "expectedVersion": version });
    assert_eq!(told(&server, &owner, DELETE, input).await["deletedId"], json!(red));
    assert_eq!(may(&server.verifier.verify(&viewer.access).unwrap()), (vec![], vec![]));
    let gone = json!({ "input": { "teamId": red, "add": [id] } });
    assert_eq!(server.code(Some(&owner.access), MEMBERS, gone).await, "NOT_FOUND");
    server.store.verify().await.unwrap();
}

#[tokio::test]
async fn what_cannot_be_is_refused() {
    let (server, owner) = Server::set_up().await;
    let (id, _) = server.viewer(&owner).await;
    let (red, blue) = (team(&server, &owner, "Red").await, team(&server, &owner, "Blue").await);
    let before = server.changes().await;
    for (text, input, code, field) in [
        (CREATE, json!({ "name": " " }), "INVALID_NAME", "name"),
        (CREATE, json!({ "name": " rEd " }), "NAME_TAKEN", "name"),
        (
            RENAME,
            json!({ "teamId": blue, "expectedVersion": 1, "name": "RED" }),
            "NAME_TAKEN",
            "name",
        ),
        (ROLES, json!({ "teamId": red, "give": ["OWNER"] }), "NO_OWNER_BY_A_TEAM", "give"),
        (
            ROLES,
            json!({ "teamId": red, "give": ["OWNER"], "projectId": A }),
            "NO_OWNER_BY_A_TEAM",
            "give",
        ),
        (
            ROLES,
            json!({ "teamId": red, "give": ["ADMIN"], "projectId": A }),
            "NOT_FOR_A_PROJECT",
            "give",
        ),
    ] {
        let payload = told(&server, &owner, text, input).await;
        assert_eq!(faults(&payload), [(code.into(), field.into())], "{payload}");
        assert_eq!(payload["team"], json!(null));
    }
    for (text, input, code) in [
        (RENAME, json!({ "teamId": red, "expectedVersion": 2, "name": "Crimson" }), "CONFLICT"),
        (RENAME, json!({ "teamId": red, "expectedVersion": -1, "name": "Crimson" }), "BAD_REQUEST"),
        (DELETE, json!({ "teamId": red, "expectedVersion": 2 }), "CONFLICT"),
        (MEMBERS, json!({ "teamId": NOWHERE, "add": [id] }), "NOT_FOUND"),
        (
            MEMBERS,
            json!({ "teamId": red, "add": [id, "usr_00000000000070008000000000000001"] }),
            "NOT_FOUND",
        ),
        (ROLES, json!({ "teamId": NOWHERE, "give": ["VIEWER"] }), "NOT_FOUND"),
    ] {
        let told = server.code(Some(&owner.access), text, json!({ "input": input })).await;
        assert_eq!(told, code, "{text} {input}");
    }
    assert_eq!(server.changes().await, before);
    // What is so already is nothing new; the name of one's own is not taken.
    let input = json!({ "teamId": red, "expectedVersion": 1, "name": "RED" });
    assert_eq!(done(&server, &owner, RENAME, input).await, json!({ "name": "RED", "version": 2 }));
    let twice = json!({ "teamId": red, "add": [id, id], "remove": [id] });
    for _ in 0..2 {
        let team = done(&server, &owner, MEMBERS, twice.clone()).await;
        assert_eq!(team, json!({ "version": 3, "members": { "nodes": [{ "id": id }] } }));
    }
    // Nobody has more roles in projects than travel with a request, and nothing is half given.
    for number in 0..100 {
        let project = format!("prj_0000000000007000900000{number:010x}");
        give(&server, &owner, &red, "VIEWER", Some(&project)).await;
    }
    let input = json!({ "teamId": red, "give": ["VIEWER"], "projectId": A });
    let payload = told(&server, &owner, ROLES, input.clone()).await;
    assert_eq!(fault(&payload), "TOO_MANY_ROLES");
    assert!(payload["userErrors"][0]["message"].as_str().unwrap().contains(&id), "{payload}");
    done(&server, &owner, MEMBERS, json!({ "teamId": red, "remove": [id] })).await;
    done(&server, &owner, ROLES, input).await;
    assert_eq!(fault(&told(&server, &owner, MEMBERS, twice).await), "TOO_MANY_ROLES");
}

#[tokio::test]
async fn nobody_rises_or_looks_further_by_a_team() {
    let (server, owner) = Server::set_up().await;
    let elsewhere = server.second_organization().await;
    let me = "{ me { id } }";
    let stranger = server.data(Some(&elsewhere.access), me, json!({})).await["me"]["id"].clone();
    let red = team(&server, &owner, "Red").await;
    let blue = team(&server, &owner, "Blue").await;
    let (viewer_id, viewer) = server.viewer(&owner).await;
    let roles = json!({ "roles": ["INTEGRATOR"] });
    let (integrator_id, integrator) = somebody(&server, &owner, "grace", roles).await;
    let roles = json!({ "roles": ["AUDITOR"], "projectId": A });
    let (auditor_id, auditor) = somebody(&server, &owner, "lin", roles).await;
    for user in [&viewer_id, &integrator_id, &auditor_id] {
        add(&server, &owner, &red, user).await;
    }
    // Another organization's people and teams do not exist.
    let foreign = json!({ "input": { "teamId": red, "add": [stranger] } });
    assert_eq!(server.code(Some(&owner.access), MEMBERS, foreign).await, "NOT_FOUND");
    let foreign = json!({ "input": { "teamId": red, "give": ["VIEWER"] } });
    assert_eq!(server.code(Some(&elsewhere.access), ROLES, foreign).await, "NOT_FOUND");
    let asked =
        "query($id: ID!) { team(id: $id) { name } organization { teams { nodes { name } } } }";
    let seen = server.data(Some(&elsewhere.access), asked, json!({ "id": red })).await;
    assert_eq!(seen, json!({ "team": null, "organization": { "teams": { "nodes": [] } } }));

    let all = "{ organization { teams(first: 100) { nodes { id members { nodes { id } } } } } }";
    let seen = async |by: &Tokens| {
        let data = server.data(Some(&by.access), all, json!({})).await;
        data["organization"]["teams"]["nodes"].clone()
    };
    let members = |ids: &[&String]| json!({ "nodes": ids.iter().map(|id| json!({ "id": id })).collect::<Vec<_>>() });
    let everybody = members(&[&viewer_id, &integrator_id, &auditor_id]);
    let none = members(&[]);
    let both = json!([{ "id": red, "members": everybody }, { "id": blue, "members": none }]);
    assert_eq!(seen(&viewer).await, both);
    for (by, id) in [(&integrator, &integrator_id), (&auditor, &auditor_id)] {
        assert_eq!(seen(by).await, json!([{ "id": red, "members": members(&[id]) }]));
        let own = server.data(Some(&by.access), "{ me { teams { id } } }", json!({})).await;
        assert_eq!(own["me"]["teams"], json!([{ "id": red }]));
        let other = "query($id: ID!) { team(id: $id) { id } }";
        for (team, told) in [(&blue, "FORBIDDEN"), (&NOWHERE.to_owned(), "FORBIDDEN")] {
            let id = json!({ "id": team });
            assert_eq!(server.code(Some(&by.access), other, id).await, told);
        }
    }
    for by in [&viewer, &integrator, &auditor] {
        let own = json!({ "input": { "teamId": red, "give": ["ADMIN"] } });
        assert_eq!(server.code(Some(&by.access), ROLES, own).await, "FORBIDDEN");
        let into = json!({ "input": { "teamId": blue, "add": [viewer_id] } });
        assert_eq!(server.code(Some(&by.access), MEMBERS, into).await, "FORBIDDEN");
    }

    // An admin by a team is one for as long as they are in it, whatever their token says.
    give(&server, &owner, &blue, "ADMIN", None).await;
    add(&server, &owner, &blue, &viewer_id).await;
    let admin = Tokens::of(&server.refresh(&viewer.refresh).await);
    let as_admin = server.verifier.verify(&admin.access).unwrap();
    assert!(as_admin.roles.contains(&Role::Admin));
    give(&server, &admin, &red, "VIEWER", None).await;
    let owners = json!({ "input": { "userId": viewer_id, "give": ["OWNER"] } });
    let change = "mutation($input: ChangeRolesInput!) { changeRoles(input: $input) { userErrors { code } } }";
    assert_eq!(server.code(Some(&admin.access), change, owners).await, "FORBIDDEN");
    done(&server, &owner, MEMBERS, json!({ "teamId": blue, "remove": [viewer_id] })).await;
    let back = json!({ "input": { "teamId": blue, "add": [viewer_id] } });
    let answer = server.ask_as(as_admin, MEMBERS, back).await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "FORBIDDEN", "{answer}");
}

#[tokio::test]
async fn a_review_decides_of_a_membership_as_one() {
    let (server, owner) = Server::set_up().await;
    let (id, viewer) = server.viewer(&owner).await;
    let red = team(&server, &owner, "Red").await;
    for (role, project) in [("AUDITOR", None), ("VIEWER", None), ("AUDITOR", Some(A))] {
        give(&server, &owner, &red, role, project).await;
    }
    add(&server, &owner, &red, &id).await;
    let start = "mutation { startAccessReview(input: { title: \"Q1\" }) { review { id } } }";
    let review = server.data(Some(&owner.access), start, json!({})).await;
    let review = review["startAccessReview"]["review"]["id"].clone();
    let items = "query($id: ID!) { accessReview(id: $id) { items(first: 100) { nodes {
        userId role projectId teamId decision } } } }";
    let read = async || {
        let data = server.data(Some(&owner.access), items, json!({ "id": review })).await;
        let nodes = data["accessReview"]["items"]["nodes"].as_array().unwrap().clone();
        let theirs = nodes.into_iter().filter(|it| it["userId"] == json!(id));
        theirs
            .map(|it| {
                [
                    it["role"].clone(),
                    it["projectId"].clone(),
                    it["teamId"].clone(),
                    it["decision"].clone(),
                ]
            })
            .collect::<Vec<_>>()
    };
    let item = |role: &str, project: Option<&str>, team: Option<&str>, decision: Option<&str>| {
        [json!(role), json!(project), json!(team), json!(decision)]
    };
    let of_team = |decision| {
        [
            item("AUDITOR", None, Some(&red), decision),
            item("VIEWER", None, Some(&red), decision),
            item("AUDITOR", Some(A), Some(&red), decision),
        ]
    };
    let mut found = vec![item("VIEWER", None, None, None)];
    found.extend(of_team(None));
    assert_eq!(read().await, found);
    let decide = "mutation($input: DecideAccessInput!) { decideAccess(input: $input) {
        userErrors { code path } } }";
    let decided = async |role: &str, team: Option<&str>, decision: &str| {
        let input = json!({ "reviewId": review, "userId": id, "role": role, "teamId": team, "decision": decision });
        let data = server.data(Some(&owner.access), decide, json!({ "input": input })).await;
        data["decideAccess"].clone()
    };
    assert_eq!(fault(&decided("AUDITOR", None, "REMOVE").await), "NO_SUCH_ITEM");
    assert_eq!(fault(&decided("AUDITOR", Some(NOWHERE), "REMOVE").await), "NO_SUCH_ITEM");
    for (decision, left) in
        [("CONFIRM", vec![Role::Auditor, Role::Viewer]), ("REMOVE", vec![Role::Viewer])]
    {
        assert_eq!(decided("VIEWER", Some(&red), decision).await["userErrors"], json!([]));
        let mut found = vec![item("VIEWER", None, None, None)];
        found.extend(of_team(Some(decision)));
        assert_eq!(read().await, found);
        assert_eq!(server.verifier.verify(&viewer.access).unwrap().roles, left);
    }
    assert_eq!(fault(&decided("AUDITOR", Some(&red), "CONFIRM").await), "REMOVED_ALREADY");
    let asked = "query($id: ID!) { team(id: $id) { members { nodes { id } } } }";
    let team = server.data(Some(&owner.access), asked, json!({ "id": red })).await;
    assert_eq!(team["team"]["members"]["nodes"], json!([]));
}

#[tokio::test]
async fn whoever_is_erased_is_in_no_team_and_hinders_no_change() {
    let (server, owner) = Server::set_up().await;
    let (gone, _) = server.viewer(&owner).await;
    let (stays, grace) = somebody(&server, &owner, "grace", json!({ "roles": ["VIEWER"] })).await;
    let red = team(&server, &owner, "Red").await;
    for user in [&gone, &stays] {
        add(&server, &owner, &red, user).await;
    }
    let erase =
        "mutation($input: EraseUserInput!) { eraseUser(input: $input) { userErrors { code } } }";
    let owner = Tokens::of(&server.log_in(crate::support::EMAIL, PASSWORD).await);
    server.data(Some(&owner.access), erase, json!({ "input": { "userId": gone } })).await;
    give(&server, &owner, &red, "AUDITOR", None).await;
    let roles = server.verifier.verify(&grace.access).unwrap().roles;
    assert_eq!(roles, [Role::Auditor, Role::Viewer]);
    server.store.rebuild("identity.teams").await.unwrap();
    let asked = "query($id: ID!) { team(id: $id) { members { nodes { id } } } }";
    let team = server.data(Some(&owner.access), asked, json!({ "id": red })).await;
    assert_eq!(team["team"]["members"]["nodes"], json!([{ "id": stays }]));
    let back = json!({ "input": { "teamId": red, "add": [gone] } });
    assert_eq!(server.code(Some(&owner.access), MEMBERS, back).await, "NOT_FOUND");
}

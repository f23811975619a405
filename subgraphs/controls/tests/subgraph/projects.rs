//! Names of projects, and archiving them.

use futures::future::join_all;
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};
use studio_events::{Append, EventData, Expected, Metadata, StreamAppend};
use studio_kernel::{Id, Payload, Role, kind, published::controls::ProjectCreated};

use super::support::{World, code, member, results, summary};

const CREATE: &str = "mutation($name: String!) { createProject(input: { name: $name }) {
    project { id name version archivedAt } userErrors { code path message } } }";

fn change(mutation: &str, input: &str) -> String {
    format!(
        "mutation($input: {input}!) {{ {mutation}(input: $input) {{
            project {{ id name version archivedAt }} userErrors {{ code path message }} }} }}"
    )
}

impl World {
    async fn create(&self, name: &str) -> Value {
        self.ask(CREATE, json!({ "name": name })).await["createProject"].clone()
    }

    async fn rename(&self, id: &str, version: u32, name: &str) -> Value {
        let input = json!({ "id": id, "expectedVersion": version, "name": name });
        let query = change("renameProject", "RenameProjectInput");
        self.ask(&query, json!({ "input": input })).await["renameProject"].clone()
    }

    async fn archive(&self, id: &str, version: u32) -> Value {
        let query = change("archiveProject", "ArchiveProjectInput");
        let input = json!({ "id": id, "expectedVersion": version });
        self.ask(&query, json!({ "input": input })).await["archiveProject"].clone()
    }

    async fn restore(&self, id: &str, version: u32, name: Option<&str>) -> Value {
        let query = change("restoreProject", "RestoreProjectInput");
        let input = json!({ "id": id, "expectedVersion": version, "name": name });
        self.ask(&query, json!({ "input": input })).await["restoreProject"].clone()
    }

    async fn names(&self, arguments: &str) -> Vec<String> {
        let query = format!("{{ projects{arguments} {{ nodes {{ name }} }} }}");
        let listed = self.ask(&query, json!({})).await;
        let nodes = listed["projects"]["nodes"].as_array().unwrap().iter();
        nodes.map(|node| node["name"].as_str().unwrap().to_owned()).collect()
    }

    /// Records a project as Studio did before names were claimed.
    async fn recorded_without_claim(&self, name: &str) -> String {
        let project: Id<kind::Project> = self.env.id();
        let created = ProjectCreated { project, name: name.to_owned() };
        let stream = StreamAppend {
            stream_type: "controls.project".into(),
            stream_id: project.to_string(),
            expected: Expected::NoStream,
            events: vec![EventData {
                event_type: ProjectCreated::TYPE.into(),
                schema_version: ProjectCreated::VERSION,
                payload: serde_json::to_value(created).unwrap().into(),
            }],
        };
        let metadata = Metadata::by(&self.owner);
        self.store.append(Append::new(self.owner.tenant, metadata, vec![stream])).await.unwrap();
        project.to_string()
    }
}

/// The id of the project that a mutation answered with.
fn id(answer: &Value) -> String {
    assert_eq!(answer["userErrors"], json!([]), "{answer}");
    answer["project"]["id"].as_str().unwrap().to_owned()
}

/// The code and the path of the only user error.
fn refused(answer: &Value) -> (&str, Value) {
    assert_eq!(answer["project"], Value::Null, "{answer}");
    assert_eq!(answer["userErrors"].as_array().unwrap().len(), 1, "{answer}");
    let error = &answer["userErrors"][0];
    (error["code"].as_str().unwrap(), error["path"].clone())
}

const NAME: [&str; 2] = ["input", "name"];

#[tokio::test]
async fn a_name_belongs_to_one_project_in_use() {
    let directory = tempfile::tempdir().unwrap();
    let world = World::open(directory.path()).await;
    let first = id(&world.create("  Zahlungen Ä ").await);
    for same in ["Zahlungen Ä", "zahlungen ä", "\tZAHLUNGEN Ä "] {
        let answer = world.create(same).await;
        assert_eq!(refused(&answer), ("ALREADY_EXISTS", json!(NAME)));
        let message = answer["userErrors"][0]["message"].as_str().unwrap();
        assert!(message.contains(&first) && message.contains("another name"), "{message}");
    }
    for bad in ["", " \t ", "two\nlines", &"x".repeat(121)] {
        assert_eq!(refused(&world.create(bad).await), ("INVALID", json!(NAME)));
    }
    let second = id(&world.create(&"ü".repeat(120)).await);
    assert_eq!(refused(&world.rename(&second, 1, "ZAHLUNGEN ä").await).0, "ALREADY_EXISTS");

    // Another organization may have a project of that name.
    let stranger = member(2, Role::Owner);
    let theirs = world.ask_as(Some(&stranger), CREATE, json!({ "name": "Zahlungen Ä" })).await;
    assert_eq!(theirs.data.into_json().unwrap()["createProject"]["userErrors"], json!([]));
    world.close().await;

    let world = World::open(directory.path()).await;
    assert_eq!(refused(&world.create("zahlungen Ä").await).0, "ALREADY_EXISTS");
    world.close().await;
}

#[tokio::test]
async fn of_those_who_want_a_name_at_once_one_gets_it() {
    let directory = tempfile::tempdir().unwrap();
    let world = World::open(directory.path()).await;
    let other = id(&world.create("Other").await);
    let (shared, renamed) = (&world, &other);
    let wanted = (0..24).map(|n| async move {
        let (world, other) = (shared, renamed);
        let (query, variables) = if n % 8 == 0 {
            let input = json!({ "id": other, "expectedVersion": 1, "name": "PAYMENTS" });
            (change("renameProject", "RenameProjectInput"), json!({ "input": input }))
        } else {
            (CREATE.to_owned(), json!({ "name": if n % 2 == 0 { "Payments" } else { "payments" } }))
        };
        let answer = world.ask_as(Some(&world.owner), &query, variables).await;
        if answer.is_err() {
            // The renaming that came second, of the same project.
            assert_eq!(code(&answer), "CONFLICT");
            return false;
        }
        let data = answer.data.into_json().unwrap();
        let answer = data.as_object().unwrap().values().next().unwrap().clone();
        let got = answer["userErrors"] == json!([]);
        assert!(got || refused(&answer).0 == "ALREADY_EXISTS", "{answer}");
        got
    });
    let got = join_all(wanted).await;
    assert_eq!(got.iter().filter(|got| **got).count(), 1);
    let mut names = world.names("").await;
    names.retain(|name| name.to_lowercase() == "payments");
    assert_eq!(names.len(), 1);
    world.close().await;
}

#[tokio::test]
async fn a_project_is_renamed_by_who_has_seen_its_version() {
    let directory = tempfile::tempdir().unwrap();
    let world = World::open(directory.path()).await;
    let project = id(&world.create("Payments").await);
    // The name itself, and the same in other letters.
    let same = world.rename(&project, 1, " Payments ").await;
    assert_eq!((id(&same), same["project"]["version"].clone()), (project.clone(), json!(1)));
    let louder = world.rename(&project, 1, "PAYMENTS").await;
    assert_eq!(louder["project"]["version"], 2);
    assert_eq!(world.recorded("controls.project_name.claimed").await.len(), 1);

    let query = change("renameProject", "RenameProjectInput");
    let stale = json!({ "input": { "id": project, "expectedVersion": 1, "name": "Other" } });
    assert_eq!(world.code(&query, stale).await, "CONFLICT");
    let viewer = member(1, Role::Viewer);
    let input = json!({ "input": { "id": project, "expectedVersion": 2, "name": "Other" } });
    assert_eq!(code(&world.ask_as(Some(&viewer), &query, input.clone()).await), "FORBIDDEN");
    let stranger = member(2, Role::Owner);
    let unseen = world.ask_as(Some(&stranger), &query, input).await.data.into_json().unwrap();
    assert_eq!(refused(&unseen["renameProject"]), ("NOT_FOUND", json!(["input", "id"])));

    let renamed = world.rename(&project, 2, "Other").await;
    assert_eq!(renamed["project"]["name"], "Other");
    // The name that was left is free.
    id(&world.create("payments").await);
    assert_eq!(world.names("").await, ["Other", "payments"]);
    world.close().await;
}

#[tokio::test]
async fn an_archived_project_takes_no_change_and_stays_readable() {
    let directory = tempfile::tempdir().unwrap();
    let world = World::open(directory.path()).await;
    let project = id(&world.create("Payments").await);
    let soc2 = world.builtin("soc2").await;
    world.adopt(&project, &soc2, "ONE_PER_REQUIREMENT", "IMPLEMENTED").await;
    let scan = |version| results(&project, version, vec![summary("root_mfa", 1, 0, world.now())]);
    world.matched(world.publish(&scan(1)).await).await;
    world.settled(&project, &soc2).await;
    let known = "query($p: ID!) { controls(projectId: $p, first: 1) { nodes { id version } } }";
    let known = world.ask(known, json!({ "p": project })).await;
    let control = known["controls"]["nodes"][0].clone();
    let before = world.now();
    let score = world.score(&project, &soc2, "").await["exact"].clone();

    let archived = world.archive(&project, 1).await;
    assert_eq!(id(&archived), project);
    assert_eq!(archived["project"]["version"], 2);
    assert_ne!(archived["project"]["archivedAt"], Value::Null);
    assert_eq!(refused(&world.archive(&project, 2).await), ("ARCHIVED", json!(["input", "id"])));
    assert_eq!(refused(&world.rename(&project, 2, "X").await).0, "ARCHIVED");

    // Out of the lists, and there for whoever asks for it.
    assert_eq!(world.names("").await, Vec::<String>::new());
    assert_eq!(world.names("(includeArchived: true)").await, ["Payments"]);
    let organization = world.owner.tenant.to_string();
    let entities = world
        .ask(
            "query($r: [_Any!]!) { _entities(representations: $r) { ... on Organization {
                projects { nodes { id } } } } }",
            json!({ "r": [{ "__typename": "Organization", "id": organization }] }),
        )
        .await;
    assert_eq!(entities["_entities"][0]["projects"]["nodes"], json!([]));
    let one = "query($p: ID!) { project(id: $p) { name archivedAt } }";
    assert_eq!(world.ask(one, json!({ "p": project })).await["project"]["name"], "Payments");
    assert_eq!(world.score(&project, &soc2, "").await["exact"], score);
    let then = world.score(&project, &soc2, &format!(", asOf: \"{before}\"")).await;
    assert_eq!(then["exact"], score);

    let (c, v) = (&control["id"], &control["version"]);
    for (mutation, input, field) in [
        (
            "createControl",
            format!("projectId: \"{project}\", code: \"X\", title: \"X\""),
            "projectId",
        ),
        ("updateControl", format!("id: {c}, expectedVersion: {v}, title: \"X\""), "id"),
        ("retireControl", format!("id: {c}, expectedVersion: {v}, reason: \"X\""), "id"),
        ("addTest", format!("controlId: {c}, title: \"X\""), "controlId"),
        ("addDependency", format!("controlId: {c}, dependsOnId: {c}"), "controlId"),
    ] {
        let query = format!(
            "mutation {{ {mutation}(input: {{ {input} }}) {{ userErrors {{ code path }} }} }}"
        );
        let answer = world.ask(&query, json!({})).await;
        let wanted = json!([{ "code": "ARCHIVED", "path": ["input", field] }]);
        assert_eq!(answer[mutation]["userErrors"], wanted, "{mutation}");
    }
    // A scan that was accepted before is taken in to its end.
    world.matched(world.publish(&scan(2)).await).await;
    world.close().await;

    let world = World::open(directory.path()).await;
    let other = id(&world.create("payments").await);
    assert_eq!(refused(&world.restore(&project, 2, None).await), ("ALREADY_EXISTS", json!(NAME)));
    assert_eq!(
        refused(&world.restore(&other, 1, None).await),
        ("NOT_ARCHIVED", json!(["input", "id"]))
    );
    let restored = world.restore(&project, 2, Some("Payments 2026")).await;
    assert_eq!(id(&restored), project);
    assert_eq!(restored["project"]["archivedAt"], Value::Null);
    assert_eq!(restored["project"]["version"], 4);
    assert_eq!(world.names("").await, ["Payments 2026", "payments"]);
    let query = "mutation($p: ID!) { createControl(input: { projectId: $p, code: \"X-1\",
        title: \"X\" }) { control { id } userErrors { code } } }";
    let made = world.ask(query, json!({ "p": project })).await;
    assert_eq!(made["createControl"]["userErrors"], json!([]));
    world.close().await;
}

#[tokio::test]
async fn a_log_from_before_names_were_claimed_still_loads() {
    let directory = tempfile::tempdir().unwrap();
    let world = World::open(directory.path()).await;
    let one = world.recorded_without_claim("Payments").await;
    let two = world.recorded_without_claim("payments").await;
    // As the read model was then.
    let writer = world.store.database().writer();
    for sql in [
        "UPDATE checkpoints SET version = 1 WHERE projection = 'projects'",
        "UPDATE controls_projects SET name_key = ''",
    ] {
        writer.execute_unprepared(sql).await.unwrap();
    }
    world.close().await;

    let world = World::open(directory.path()).await;
    assert_eq!(world.names("").await, ["Payments", "payments"]);
    assert_eq!(refused(&world.create("PAYMENTS").await).0, "ALREADY_EXISTS");
    // Both have the name; who is called otherwise, or archived, gives it up.
    assert_eq!(id(&world.rename(&two, 1, "Billing").await), two);
    assert_eq!(refused(&world.create("Payments").await).0, "ALREADY_EXISTS");
    assert_eq!(id(&world.archive(&one, 1).await), one);
    let three = id(&world.create("Payments").await);
    assert_eq!(refused(&world.restore(&one, 2, None).await).0, "ALREADY_EXISTS");
    assert_eq!(id(&world.archive(&three, 1).await), three);
    assert_eq!(id(&world.restore(&one, 2, None).await), one);
    assert_eq!(refused(&world.rename(&two, 2, "payments").await).0, "ALREADY_EXISTS");
    world.close().await;
}

//! How closely documents and evidence are kept, through the whole product: what each role is told by lists,
//! searches, references between subgraphs and downloads, and what an operator's rule makes of it.

use std::{collections::BTreeSet, fs};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use studio_sdk::{Client, Upload};

use crate::support::{Installation, PASSWORD, Server, create_project, mutate, query, until};

/// Sends something by REST.
async fn send(client: &Client, method: Method, path: &str, body: &str) -> (StatusCode, Value) {
    let token = client.tokens().unwrap().access;
    let request = reqwest::Client::new()
        .request(method, format!("{}{path}", client.url()))
        .bearer_auth(token)
        .header("content-type", "text/markdown")
        .body(body.to_owned());
    let response = request.send().await.unwrap();
    let status = response.status();
    (status, response.json().await.unwrap_or_default())
}

/// Somebody with a role.
async fn person(server: &Server, owner: &Client, role: &str) -> Client {
    let email = format!("{}@example.org", role.to_lowercase());
    let input = json!({ "name": role, "email": email, "password": PASSWORD, "roles": [role] });
    let create = "mutation($input: CreateUserInput!) { createUser(input: $input) {
        user { id } userErrors { code message path } } }";
    mutate(owner, create, input).await;
    let client = Client::new(&server.url).unwrap();
    client.log_in(&email, PASSWORD).await.unwrap();
    client
}

fn names(nodes: &Value) -> BTreeSet<String> {
    let nodes = nodes.as_array().unwrap_or_else(|| panic!("{nodes}"));
    nodes
        .iter()
        .map(|it| it["documentName"].as_str().or(it["name"].as_str()).unwrap().into())
        .collect()
}

/// A project with a document of each class, one control that all of them speak of, and a scan.
struct Kept {
    project: String,
    documents: Vec<(String, String)>,
    run: String,
    evidence: String,
}

impl Kept {
    async fn of(installation: &Installation, owner: &Client) -> Self {
        let project = create_project(owner, "Production").await;
        let made = mutate(
            owner,
            "mutation($input: CreateControlInput!) { createControl(input: $input) { control { id } userErrors { code message path } } }",
            json!({ "projectId": project, "code": "VAULT", "title": "The vault is locked" }),
        )
        .await;
        let mut documents = Vec::new();
        for class in ["PUBLIC", "INTERNAL", "CONFIDENTIAL", "RESTRICTED"] {
            let path = format!("/v1/documents?project={project}&name={class}.md&dataClass={class}");
            let text = format!("The vault of {class} things has a lock.");
            let (status, made_of) = send(owner, Method::POST, &path, &text).await;
            assert_eq!(status, StatusCode::CREATED, "{made_of}");
            let id = made_of["document"]["id"].as_str().unwrap().to_owned();
            mutate(
                owner,
                "mutation($input: LinkDocumentInput!) { linkDocument(input: $input) { document { id } userErrors { code message path } } }",
                json!({ "documentId": id, "controlId": made["control"]["id"] }),
            )
            .await;
            documents.push((format!("{class}.md"), id));
        }
        let scan = installation.run(&["demo", "scan"]).into_bytes();
        let run = owner.ingest_prowler(&project, Upload::Bytes(scan)).await.unwrap().run;
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let (run, evidence) = (text(&run["id"]), text(&run["evidence"]["id"]));
        let classify =
            "mutation($input: ClassifyEvidenceInput!) { classifyEvidence(input: $input) {
            evidence { dataClass } userErrors { code message path } } }";
        let input =
            json!({ "evidenceId": evidence, "dataClass": "CONFIDENTIAL", "expectedVersion": 1 });
        let classified = mutate(owner, classify, input).await;
        assert_eq!(classified["evidence"]["dataClass"], "CONFIDENTIAL");
        Self { project, documents, run, evidence }
    }

    /// The documents that somebody finds, by each way to them; all must tell the same.
    async fn found(&self, client: &Client) -> BTreeSet<String> {
        let text = "query($p: ID!) {
            documents(projectId: $p) { nodes { name dataClass } }
            search(query: \"vault\") { nodes { documentName document { name dataClass } } }
            controls(projectId: $p, first: 100) { nodes { code documents { nodes { name } } } }
        }";
        let data = query(client, text, json!({ "p": self.project })).await;
        let listed = names(&data["documents"]["nodes"]);
        assert_eq!(names(&data["search"]["nodes"]), listed);
        for hit in data["search"]["nodes"].as_array().unwrap() {
            assert_eq!(hit["document"]["name"], hit["documentName"], "what is found is there");
        }
        let controls = data["controls"]["nodes"].as_array().unwrap();
        let vault = controls.iter().find(|it| it["code"] == "VAULT").unwrap();
        assert_eq!(names(&vault["documents"]["nodes"]), listed);
        for (name, id) in &self.documents {
            let data = query(
                client,
                "query($id: ID!) { document(id: $id) { name } }",
                json!({ "id": id }),
            )
            .await;
            assert_eq!(!data["document"].is_null(), listed.contains(name), "{name}");
            let path = format!("/v1/documents/{id}/versions/1/content");
            let expected =
                if listed.contains(name) { StatusCode::OK } else { StatusCode::NOT_FOUND };
            assert_eq!(send(client, Method::GET, &path, "").await.0, expected, "{name}");
        }
        listed
    }

    /// Whether somebody sees the evidence, by each way to it.
    async fn sees_evidence(&self, client: &Client) -> bool {
        let text = "query($p: ID!, $run: ID!, $id: ID!) {
            evidence(id: $id) { id }
            findings(projectId: $p, first: 1) { totalCount nodes { id } }
            ingestRun(id: $run) { evidence { id } }
        }";
        let variables = json!({ "p": self.project, "run": self.run, "id": self.evidence });
        let data = query(client, text, variables).await;
        let sees = !data["evidence"].is_null();
        assert_eq!(data["findings"]["totalCount"].as_i64().unwrap() > 0, sees, "{data}");
        assert_eq!(data["findings"]["nodes"].as_array().unwrap().len(), usize::from(sees));
        assert_eq!(!data["ingestRun"]["evidence"].is_null(), sees);
        let path = format!("/v1/evidence/{}/versions/1/content", self.evidence);
        let expected = if sees { StatusCode::OK } else { StatusCode::NOT_FOUND };
        assert_eq!(send(client, Method::GET, &path, "").await.0, expected);
        sees
    }
}

#[tokio::test]
async fn a_class_narrows_what_each_role_is_told_everywhere() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("rules.rego"), "package studio.access\nimport rego.v1\n").unwrap();
    let installation = Installation::empty()
        .with_setting("STUDIO_POLICY__BUNDLE", folder.path().to_str().unwrap())
        .with_setting("STUDIO_POLICY__WATCH_SECONDS", "0.05");
    let (server, owner) = installation.set_up().await;
    let kept = Kept::of(&installation, &owner).await;
    let up_to = |count: usize| -> BTreeSet<String> {
        kept.documents[..count].iter().map(|(name, _)| name.clone()).collect()
    };
    let mut auditor = None;
    for (role, documents, evidence) in [
        ("ADMIN", 4, true),
        ("COMPLIANCE_MANAGER", 4, true),
        ("CONTROL_OWNER", 3, true),
        ("CONTRIBUTOR", 3, true),
        ("VIEWER", 2, false),
        ("AUDITOR", 3, true),
    ] {
        let client = person(&server, &owner, role).await;
        let found = || async { (kept.found(&client).await == up_to(documents)).then_some(()) };
        until("what is read to be found", found).await;
        assert_eq!(kept.sees_evidence(&client).await, evidence, "{role}");
        auditor = Some(client);
    }
    let auditor = auditor.unwrap();

    // Raised, it is gone for those; what is asked of the policies says why.
    let (name, id) = &kept.documents[1];
    let classify = "mutation($input: ClassifyDocumentInput!) { classifyDocument(input: $input) {
        document { dataClass dataClassVersion } userErrors { code message path } } }";
    let input = |class: &str, version: i64| json!({ "documentId": id, "dataClass": class, "expectedVersion": version });
    mutate(&owner, classify, input("RESTRICTED", 1)).await;
    until("the search to know", || async {
        let found = kept.found(&auditor).await;
        (!found.contains(name) && found.len() == 2).then_some(())
    })
    .await;
    let asked =
        "{ policyDecision(action: \"documents:document:read\", resource: { kind: \"Document\",
        ownership: OTHERS, dataClass: RESTRICTED }) { allow } }";
    let decision = |client: &Client| {
        let client = client.clone();
        async move { query(&client, asked, json!({})).await["policyDecision"]["allow"].clone() }
    };
    assert_eq!((decision(&auditor).await, decision(&owner).await), (json!(false), json!(true)));

    // An operator opens it to auditors, and what is confidential to nobody but owners.
    let rules = "package studio.access
import rego.v1
grants contains {\"scope\": \"tenant\", \"reason\": \"auditors read what is restricted\"} if {
	has_role(\"auditor\")
	verb == \"read\"
	input.resource.data_class == \"restricted\"
}
denials contains \"what is confidential is for owners\" if {
	input.resource.data_class == \"confidential\"
	input.actor.kind == \"user\"
	not has_role(\"owner\")
}
";
    let new = folder.path().join(".rules");
    fs::write(&new, rules).unwrap();
    fs::rename(new, folder.path().join("rules.rego")).unwrap();
    until("the new rules", || async { (decision(&auditor).await == true).then_some(()) }).await;
    let expected: BTreeSet<_> =
        ["PUBLIC.md", "INTERNAL.md", "RESTRICTED.md"].map(str::to_owned).into();
    assert_eq!(kept.found(&auditor).await, expected);
    assert!(!kept.sees_evidence(&auditor).await && kept.sees_evidence(&owner).await);
    assert_eq!(kept.found(&owner).await, up_to(4));

    // The audit log tells of the change and of no name.
    until("the audit log to tell of it", || async {
        let text = "{ auditEntries(first: 50) { nodes { action details { name value } } } }";
        let entries = query(&owner, text, json!({})).await;
        let entries = entries["auditEntries"]["nodes"].as_array().unwrap().clone();
        let told = entries.iter().find(|it| it["action"] == "documents.document.classified")?;
        assert!(told["details"].to_string().contains("restricted"), "{told}");
        assert!(!told["details"].to_string().contains(".md"), "{told}");
        Some(())
    })
    .await;
    server.stop();
}

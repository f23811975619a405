//! Something of everything, and what can be seen of it: to prove that an installation is the same
//! after it was moved.

use serde_json::{Value, json};
use studio_sdk::{Client, Upload};

use super::{
    Installation, Shape, adopt, create_project, import_builtin, mutate, query, score,
    server::PASSWORD, until,
};

/// What was put into an installation.
pub(crate) struct World {
    project: String,
    framework: String,
    document: String,
    scan: Vec<u8>,
    /// A person who is there to be erased.
    pub(crate) person: String,
}

pub(crate) const PERSON: &str = "grace@example.org";
const DOCUMENT: &[u8] = b"# Access policy\n\nWhoever leaves loses every access on the same day.\n";

impl World {
    /// An installation on embedded stores with something of everything, in which no server runs.
    pub(crate) async fn at_rest() -> Installation {
        let installation = Installation::of(Shape::Embedded);
        let (server, client) = installation.set_up().await;
        Self::make(&installation, &client).await;
        server.stop();
        installation
    }

    /// A project with a framework, a document, a person and a scan that is worked through.
    pub(crate) async fn make(installation: &Installation, client: &Client) -> Self {
        let world = Self::prepare(installation, client).await;
        world.ingest(client).await;
        world
    }

    /// The same before the scan.
    pub(crate) async fn prepare(installation: &Installation, client: &Client) -> Self {
        let project = create_project(client, "Production").await;
        let framework = import_builtin(client, "soc2-2017").await;
        adopt(client, &project, &framework).await;
        let content = Upload::Bytes(DOCUMENT.to_vec());
        let uploaded = client.upload_document(&project, "policy.md", "text/markdown", content);
        let document = uploaded.await.unwrap()["document"]["id"].as_str().unwrap().to_owned();
        let made = mutate(
            client,
            "mutation($input: CreateUserInput!) { createUser(input: $input) { user { id } userErrors { code message path } } }",
            json!({ "name": "Grace Hopper", "email": PERSON, "password": PASSWORD, "roles": ["VIEWER"] }),
        )
        .await;
        let person = made["user"]["id"].as_str().unwrap().to_owned();
        let scan = installation.run(&["demo", "scan"]).into_bytes();
        Self { project, framework, document, scan, person }
    }

    /// Brings the scan in and waits until everything has followed from it. Answers whether it was
    /// new.
    pub(crate) async fn ingest(&self, client: &Client) -> bool {
        let upload = Upload::Bytes(self.scan.clone());
        let answer = client.ingest_prowler(&self.project, upload).await.unwrap();
        let path = format!("/v1/ingest/runs/{}", answer.run["id"].as_str().unwrap());
        until("the run to be matched", || async {
            let run = client.get(&path).await.unwrap();
            (run["state"] == "COMPLETED" && run["matching"]["state"] == "done").then_some(())
        })
        .await;
        answer.created
    }

    /// Begins to bring the scan in, and does not wait for what follows.
    pub(crate) async fn begin_ingest(&self, client: &Client) {
        client.ingest_prowler(&self.project, Upload::Bytes(self.scan.clone())).await.unwrap();
    }

    /// Everything that a person would look at: scores to the last digit, findings, the document
    /// and its bytes, the people.
    pub(crate) async fn seen(&self, client: &Client) -> Value {
        let content = self.content(client).await;
        let data = query(
            client,
            "query($project: ID!) {
                findings(projectId: $project, first: 100) {
                    nodes { id uid check account region status lastSeen }
                }
                documents(projectId: $project, first: 10) {
                    nodes { id name newest { number sha256 } }
                }
                controls(projectId: $project, first: 100) {
                    nodes { code tests(first: 100) { nodes { id check } } }
                }
                ingestRuns(projectId: $project, first: 10) { nodes { id } }
                users(first: 10) { nodes { id name email } }
            }",
            json!({ "project": self.project }),
        )
        .await;
        json!({
            "score": score(client, &self.project, &self.framework, json!({})).await,
            "data": data,
            "content": content,
        })
    }

    /// The document's bytes, which must match the hash on record.
    async fn content(&self, client: &Client) -> String {
        let url = format!("{}/v1/documents/{}/versions/1/content", client.url(), self.document);
        let token = client.tokens().unwrap().access;
        let response = reqwest::Client::new().get(url).bearer_auth(token).send().await.unwrap();
        let response = response.error_for_status().unwrap();
        let etag = response.headers()["etag"].to_str().unwrap().trim_matches('"').to_owned();
        let bytes = response.bytes().await.unwrap();
        assert_eq!(bytes, DOCUMENT);
        assert_eq!(studio_stores::blobs::ContentHash::of(&bytes).to_string(), etag);
        etag
    }
}

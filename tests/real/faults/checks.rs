//! What must hold after every fault.

use std::{
    collections::BTreeSet,
    sync::{Arc, atomic::AtomicU64},
};

use futures::StreamExt;
use serde_json::{Value, json};
use studio_sdk::{
    Client, Error,
    operations::{ScoreChanged, score_changed},
};
use tokio::sync::watch;

use super::load::{Change, Done};
use crate::support::{
    EMAIL, PASSWORD, PATIENCE, Server, adopt, create_project, import_builtin, mutate, query, until,
};

/// A project whose score the load moves.
#[derive(Clone)]
pub(super) struct Scene {
    pub(super) client: Arc<Client>,
    pub(super) project: String,
    framework: String,
    /// Manual tests, one for each writer.
    pub(super) tests: Vec<String>,
    /// A control that others may rest on.
    control: String,
    /// How many requests have failed so far.
    pub(super) failures: Arc<AtomicU64>,
    /// Whether sessions may be over because a clock jumped.
    pub(super) clocks_jump: bool,
    /// From where subscribers follow.
    pub(super) first_cursor: String,
    /// Up to where; known once the writers have ended.
    pub(super) last_cursor: watch::Sender<Option<String>>,
}

/// What was found to hold.
pub(super) struct Checked {
    pub(super) score_changes: usize,
}

impl Scene {
    pub(super) async fn prepare(client: Client) -> Self {
        let project = create_project(&client, "Under load").await;
        let framework = import_builtin(&client, "soc2-2017").await;
        adopt(&client, &project, &framework).await;
        let data = query(
            &client,
            "query($p: ID!) { controls(projectId: $p, first: 3) { nodes { id } } }",
            json!({ "p": project }),
        )
        .await;
        let control = data["controls"]["nodes"][0]["id"].as_str().unwrap().to_owned();
        let mut tests = Vec::new();
        for control in data["controls"]["nodes"].as_array().unwrap() {
            let made = mutate(
                &client,
                "mutation($input: AddTestInput!) { addTest(input: $input) { test { id } userErrors { code message path } } }",
                json!({ "controlId": control["id"], "title": "Looked at by hand" }),
            )
            .await;
            tests.push(made["test"]["id"].as_str().unwrap().to_owned());
        }
        let mut scene = Self {
            client: Arc::new(client),
            project,
            framework,
            tests,
            control,
            failures: Arc::default(),
            clocks_jump: false,
            first_cursor: String::new(),
            last_cursor: watch::Sender::new(None),
        };
        scene.settled().await;
        scene.first_cursor = scene.newest_cursor().await;
        scene
    }

    /// Waits until the newest recorded score is the live one.
    pub(super) async fn settled(&self) {
        until("the recorded score to be the live one", || async {
            let live = self.live().await?;
            let newest = self.newest().await?;
            (newest.1 == live["headline"]).then_some(())
        })
        .await;
    }

    /// Signs in anew, for when the clock that the session is measured by has jumped.
    pub(super) async fn sign_in(&self) {
        until("signing in", || async { self.client.log_in(EMAIL, PASSWORD).await.ok() }).await;
    }

    /// Asks the graph what a loss of the control can reach.
    pub(super) async fn impact(&self, client: &Client) -> Result<Value, Error> {
        let text = "query($id: ID!) { control(id: $id) {
            impact { frameworks(first: 1) { nodes { framework { id } } } } } }";
        client.query_text::<Value>(text, json!({ "id": self.control })).await
    }

    /// The score, and the instant up to which facts are in it.
    async fn score(&self, client: &Client, as_of: Option<&str>) -> Value {
        let text = "query($p: ID!, $f: ID!, $asOf: DateTime) { project(id: $p) {
            score(frameworkId: $f, asOf: $asOf) { asOf exact { lo hi coverage } } } }";
        let variables = json!({ "p": self.project, "f": self.framework, "asOf": as_of });
        query(client, text, variables).await["project"]["score"].clone()
    }

    async fn live(&self) -> Option<Value> {
        let text =
            "query($p: ID!, $f: ID!) { project(id: $p) { score(frameworkId: $f) { headline } } }";
        let variables = json!({ "p": self.project, "f": self.framework });
        let data = self.client.query_text::<Value>(text, variables).await.ok()?;
        Some(data["project"]["score"].clone())
    }

    async fn newest(&self) -> Option<Change> {
        let variables = score_changed::Variables { project_id: self.project.clone(), after: None };
        let mut changes = Box::pin(self.client.subscribe::<ScoreChanged>(variables).await.ok()?);
        let change = tokio::time::timeout(PATIENCE, changes.next()).await.ok()??.ok()?;
        Some((change.score_changed.cursor, change.score_changed.headline))
    }

    pub(super) async fn newest_cursor(&self) -> String {
        until("the newest score change", || async { self.newest().await }).await.0
    }

    /// Every change from the first cursor to the last one, read anew.
    async fn every_change(&self) -> Vec<Change> {
        let last = self.last_cursor.borrow().clone().unwrap();
        let mut all = Vec::new();
        if last == self.first_cursor {
            return all;
        }
        let variables = score_changed::Variables {
            project_id: self.project.clone(),
            after: Some(self.first_cursor.clone()),
        };
        let mut changes = Box::pin(self.client.subscribe::<ScoreChanged>(variables).await.unwrap());
        loop {
            let change = tokio::time::timeout(PATIENCE, changes.next()).await.unwrap();
            let change = change.unwrap().unwrap().score_changed;
            let done = change.cursor == last;
            all.push((change.cursor, change.headline));
            if done {
                return all;
            }
        }
    }

    /// The names of all projects.
    async fn projects(&self) -> Vec<String> {
        let text = "query($after: String) { projects(first: 100, after: $after) {
            nodes { name } pageInfo { hasNextPage endCursor } } }";
        self.names(text, json!({}), "/projects").await
    }

    /// The names of all documents of the project.
    async fn documents(&self) -> Vec<String> {
        let text =
            "query($p: ID!, $after: String) { documents(projectId: $p, first: 100, after: $after) {
            nodes { name } pageInfo { hasNextPage endCursor } } }";
        self.names(text, json!({ "p": self.project }), "/documents").await
    }

    async fn names(&self, text: &str, variables: Value, at: &str) -> Vec<String> {
        let nodes = self.nodes(text, variables, at).await.unwrap();
        nodes.iter().map(|node| node["name"].as_str().unwrap().to_owned()).collect()
    }

    /// Every node of a connection, page by page.
    pub(super) async fn nodes(
        &self,
        text: &str,
        mut variables: Value,
        at: &str,
    ) -> Result<Vec<Value>, Error> {
        let mut nodes = Vec::new();
        loop {
            let data: Value = self.client.query_text(text, variables.clone()).await?;
            let page = data.pointer(at).unwrap();
            nodes.extend(page["nodes"].as_array().unwrap().iter().cloned());
            if page["pageInfo"]["hasNextPage"] == false {
                return Ok(nodes);
            }
            variables["after"] = page["pageInfo"]["endCursor"].clone();
        }
    }
}

/// Checks all of it.
pub(super) async fn all(scene: &Scene, server: &Server, done: &Done) -> Checked {
    assert!(!done.projects.is_empty(), "nothing was written");
    acknowledged_once("project", &done.projects, &scene.projects().await);
    let uploaded: Vec<String> =
        done.documents.iter().map(|(name, _)| format!("{name}.txt")).collect();
    acknowledged_once("document", &uploaded, &scene.documents().await);
    scene.scans_are_there(done).await;

    let every = scene.every_change().await;
    assert!(!every.is_empty(), "no score moved");
    let cursors: BTreeSet<_> = every.iter().map(|(cursor, _)| cursor).collect();
    assert_eq!(cursors.len(), every.len(), "a change is there twice");
    for seen in &done.seen {
        assert_eq!(*seen, every, "a subscriber missed a change, or saw one twice");
    }

    // Live on either router, and by replay of the whole log.
    let live = scene.score(&scene.client, None).await;
    let replayed = scene.score(&scene.client, live["asOf"].as_str()).await;
    assert_eq!(live["exact"], replayed["exact"], "live and replayed scores differ");
    for url in &server.urls {
        let client = Client::new(url).unwrap();
        client.set_tokens(scene.client.tokens());
        let here = scene.score(&client, None).await;
        assert_eq!(here["exact"], live["exact"], "{url} tells another score");
        let reached = scene.impact(&client).await.unwrap();
        let reached = &reached["control"]["impact"]["frameworks"]["nodes"];
        assert_eq!(
            reached,
            &json!([{ "framework": { "id": scene.framework } }]),
            "{url}: the graph has lost it"
        );
    }
    Checked { score_changes: every.len() }
}

/// Everything acknowledged is there, and nothing is there twice.
fn acknowledged_once(kind: &str, acknowledged: &[String], there: &[String]) {
    let unique: BTreeSet<_> = there.iter().collect();
    assert_eq!(unique.len(), there.len(), "a {kind} is there twice");
    for name in acknowledged {
        assert!(unique.contains(name), "{kind} {name} was acknowledged and is lost");
    }
}

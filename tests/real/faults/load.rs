//! The load: clients that write and remember what was acknowledged, and clients that follow the
//! scores and go on from their cursor when their stream breaks. Each goes to another router when the
//! one it talks to is away, as a client behind a load balancer does.

use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use futures::StreamExt;
use serde_json::{Value, json};
use studio_sdk::{
    Client, Error, Upload,
    operations::{ScoreChanged, score_changed},
};
use tokio::{sync::watch, task::JoinHandle};

use super::{checks::Scene, scans::scan};
use crate::support::{EMAIL, PASSWORD, PATIENCE};

/// How many of each there are.
const WRITERS: usize = 3;
const SUBSCRIBERS: usize = 3;

/// The codes with which a request may fail while a part is away (docs/reliability.md).
const DOCUMENTED: [&str; 2] = ["SUBGRAPH_UNAVAILABLE", "TIMEOUT"];
/// The one with which it may fail beside those when clocks jump: sign in again.
const SIGNED_OUT: &str = "UNAUTHENTICATED";

/// A change as a subscriber sees it: cursor and headline.
pub(super) type Change = (String, String);

/// What the clients did.
#[derive(Default)]
pub(super) struct Done {
    /// The names of projects whose creation was acknowledged.
    pub(super) projects: Vec<String>,
    /// The names of documents whose upload was acknowledged, with their text.
    pub(super) documents: Vec<(String, String)>,
    /// Per test, the last outcome that was acknowledged with nothing unanswered after it.
    pub(super) results: u64,
    /// The runs of scans that were acknowledged, each with its writer.
    pub(super) scans: Vec<(usize, String)>,
    /// How often each documented code was seen; connections that broke are counted apart.
    pub(super) failures: BTreeMap<String, u64>,
    /// What each subscriber saw.
    pub(super) seen: Vec<Vec<Change>>,
}

/// Clients at work.
pub(super) struct Load {
    stop: watch::Sender<bool>,
    writers: Vec<JoinHandle<Done>>,
    subscribers: Vec<JoinHandle<Vec<Change>>>,
    scene: Scene,
}

/// Begins the load against these routers.
pub(super) fn begin(urls: &[String], scene: &Scene) -> Load {
    let (stop, stopped) = watch::channel(false);
    let clients = |first: usize| -> Vec<Arc<Client>> {
        (0..urls.len())
            .map(|turn| {
                let client = Client::new(&urls[(first + turn) % urls.len()]).unwrap();
                client.set_tokens(scene.client.tokens());
                Arc::new(client)
            })
            .collect()
    };
    let writers = (0..WRITERS)
        .map(|number| {
            let writer =
                Writer { number, clients: Turn::of(clients(number)), scene: scene.clone() };
            tokio::spawn(writer.run(stopped.clone()))
        })
        .collect();
    let subscribers = (0..SUBSCRIBERS)
        .map(|number| tokio::spawn(follow(Turn::of(clients(number)), scene.clone())))
        .collect();
    Load { stop, writers, subscribers, scene: scene.clone() }
}

impl Load {
    /// Lets the writers end, waits until the subscribers have seen everything, and gives what they
    /// did.
    pub(super) async fn finish(self) -> Done {
        self.stop.send_replace(true);
        let mut all = Done::default();
        for writer in self.writers {
            let done = writer.await.unwrap();
            all.projects.extend(done.projects);
            all.documents.extend(done.documents);
            all.results += done.results;
            all.scans.extend(done.scans);
            for (code, count) in done.failures {
                *all.failures.entry(code).or_default() += count;
            }
        }
        self.scene.recorded().await;
        self.scene.settled().await;
        self.scene.last_cursor.send_replace(Some(self.scene.newest_cursor().await));
        for subscriber in self.subscribers {
            let seen = tokio::time::timeout(PATIENCE, subscriber).await;
            all.seen.push(seen.expect("a subscriber sees every change").unwrap());
        }
        all
    }
}

/// Clients of several routers, one of them in use.
struct Turn {
    clients: Vec<Arc<Client>>,
    now: usize,
}

impl Turn {
    fn of(clients: Vec<Arc<Client>>) -> Self {
        Self { clients, now: 0 }
    }

    fn client(&self) -> Arc<Client> {
        self.clients[self.now].clone()
    }

    fn next(&mut self) {
        self.now = (self.now + 1) % self.clients.len();
    }

    /// Goes to another router after a failure; where it was that the session is over, signs in
    /// there, for which a clock must have jumped.
    async fn after(&mut self, error: &Error, scene: &Scene) {
        self.next();
        if error.code() == Some(SIGNED_OUT) {
            assert!(scene.clocks_jump, "nobody signed this client out: {error:?}");
            // Where that fails, the next request says so again.
            self.client().log_in(EMAIL, PASSWORD).await.ok();
        }
    }
}

struct Writer {
    number: usize,
    clients: Turn,
    scene: Scene,
}

impl Writer {
    async fn run(mut self, stopped: watch::Receiver<bool>) -> Done {
        let mut done = Done::default();
        let mut round = 0_u64;
        while !*stopped.borrow() {
            round += 1;
            let name = format!("w{}-{round}", self.number);
            if self.create_project(&name, &mut done).await {
                done.projects.push(name.clone());
            }
            if self.record_result(round, &mut done).await {
                done.results += 1;
            }
            let text = format!("Document {name} of the load.");
            if round.is_multiple_of(2) && self.upload(&name, &text, &mut done).await {
                done.documents.push((name, text));
            }
            if round.is_multiple_of(4) {
                self.ask_the_graph(&mut done).await;
                self.scan(round, &mut done).await;
            }
        }
        done
    }

    async fn create_project(&mut self, name: &str, done: &mut Done) -> bool {
        let text = "mutation($input: CreateProjectInput!) { createProject(input: $input) {
            project { id } userErrors { code message } } }";
        let input = json!({ "input": { "name": name } });
        let answer = self.clients.client().query_text::<Value>(text, input).await;
        self.acknowledged(answer, done).await
    }

    async fn ask_the_graph(&mut self, done: &mut Done) {
        let asked = self.scene.impact(&self.clients.client()).await;
        self.acknowledged(asked, done).await;
    }

    async fn record_result(&mut self, round: u64, done: &mut Done) -> bool {
        let test = &self.scene.tests[self.number % self.scene.tests.len()];
        let outcome = if round.is_multiple_of(2) { "PASSED" } else { "FAILED" };
        let text = "mutation($input: RecordTestResultInput!) { recordTestResult(input: $input) {
            test { id } userErrors { code message } } }";
        let input = json!({ "input": { "testId": test, "outcome": outcome } });
        let answer = self.clients.client().query_text::<Value>(text, input).await;
        self.acknowledged(answer, done).await
    }

    async fn upload(&mut self, name: &str, text: &str, done: &mut Done) -> bool {
        let bytes = Upload::Bytes(text.as_bytes().to_vec());
        let client = self.clients.client();
        let name = format!("{name}.txt");
        let answer = client.upload_document(&self.scene.project, &name, "text/plain", bytes).await;
        self.acknowledged(answer, done).await
    }

    async fn scan(&mut self, round: u64, done: &mut Done) {
        let scan = Upload::Bytes(scan(self.number, round.is_multiple_of(8)));
        let answer = self.clients.client().ingest_prowler(&self.scene.project, scan).await;
        let run = answer.as_ref().ok().and_then(|answer| answer.run["id"].as_str());
        let acknowledged = run.map(|run| (self.number, run.to_owned()));
        if self.acknowledged(answer.map(|answer| answer.run), done).await {
            done.scans.push(acknowledged.unwrap());
        }
    }

    /// Whether it was acknowledged. A failure must be a documented one, and the next request goes
    /// to another router.
    async fn acknowledged(&mut self, answer: Result<Value, Error>, done: &mut Done) -> bool {
        let error = match answer {
            Ok(answer) => {
                let text = answer.to_string();
                assert!(!text.contains("\"userErrors\":[{"), "{text}");
                return true;
            }
            Err(error) => error,
        };
        let code = match &error {
            Error::Unreachable { .. } | Error::Broken(_) => "(no connection)",
            error => match error.code() {
                Some(code) if DOCUMENTED.contains(&code) || code == SIGNED_OUT => code,
                _ => panic!("a request failed with something undocumented: {error:?}"),
            },
        };
        *done.failures.entry(code.to_owned()).or_default() += 1;
        self.scene.failures.fetch_add(1, Relaxed);
        self.clients.after(&error, &self.scene).await;
        false
    }
}

/// Follows the scores of the scene's project until its last cursor is known and seen.
async fn follow(mut clients: Turn, scene: Scene) -> Vec<Change> {
    let mut seen: Vec<Change> = Vec::new();
    let mut last = scene.last_cursor.subscribe();
    let complete = |seen: &[Change], last: &Option<String>| {
        last.as_ref().is_some_and(|last| seen.last().is_some_and(|(cursor, _)| cursor == last))
    };
    loop {
        let after = seen.last().map_or(scene.first_cursor.clone(), |(cursor, _)| cursor.clone());
        let variables =
            score_changed::Variables { project_id: scene.project.clone(), after: Some(after) };
        let subscribed = clients.client().subscribe::<ScoreChanged>(variables).await;
        let changes = match subscribed {
            Ok(changes) => changes,
            Err(error) => {
                clients.after(&error, &scene).await;
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let mut changes = Box::pin(changes);
        loop {
            if complete(&seen, &last.borrow()) {
                return seen;
            }
            tokio::select! {
                _ = last.changed() => {}
                change = changes.next() => match change {
                    Some(Ok(change)) => {
                        let change = change.score_changed;
                        seen.push((change.cursor, change.headline));
                    }
                    Some(Err(error)) => {
                        clients.after(&error, &scene).await;
                        break;
                    }
                    None => {
                        clients.next();
                        break;
                    }
                }
            }
        }
    }
}

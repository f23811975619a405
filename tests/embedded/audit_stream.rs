//! The audit log on its way to a SIEM: in HTTP requests, and in syslog messages over TCP and TLS.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::{Router, extract::State, http::HeaderMap, http::StatusCode, routing::post};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader},
    net::TcpListener,
    sync::mpsc,
};

use crate::{
    support::{EMAIL, Installation, PASSWORD, config_check, create_project, until},
    tls_server::Authority,
};

/// A SIEM that takes requests.
#[derive(Clone, Default)]
struct Siem(Arc<Mutex<Taken>>);

#[derive(Default)]
struct Taken {
    lines: Vec<String>,
    /// What it answers first, in the place of 204.
    answers: VecDeque<StatusCode>,
    refused: usize,
}

impl Siem {
    async fn start(self) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let routes = Router::new().route("/studio", post(take)).with_state(self);
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        address
    }

    fn entries(&self) -> Vec<Value> {
        let taken = self.0.lock().unwrap();
        taken.lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

async fn take(State(siem): State<Siem>, headers: HeaderMap, body: String) -> StatusCode {
    let mut taken = siem.0.lock().unwrap();
    if headers.get("authorization").is_none_or(|value| value != "Splunk hunter2") {
        return StatusCode::UNAUTHORIZED;
    }
    if let Some(answer) = taken.answers.pop_front() {
        taken.refused += 1;
        return answer;
    }
    assert_eq!(headers["content-type"], "application/x-ndjson");
    taken.lines.extend(body.lines().map(str::to_owned));
    StatusCode::NO_CONTENT
}

fn action(entry: &Value) -> &str {
    entry["action"].as_str().unwrap()
}

#[tokio::test]
async fn requests_bring_every_entry_once() {
    let siem = Siem::default();
    siem.0.lock().unwrap().answers =
        [StatusCode::SERVICE_UNAVAILABLE, StatusCode::FOUND, StatusCode::BAD_REQUEST].into();
    let address = siem.clone().start().await;
    let url = format!("http://{address}/studio?key=in-the-address");
    let installation = Installation::empty()
        .with_setting("STUDIO_AUDIT__STREAM__URL", &url)
        .with_setting("STUDIO_AUDIT__STREAM__AUTHORIZATION", "Splunk hunter2");
    let (server, owner) = installation.set_up().await;
    let project = create_project(&owner, "A name that is nobody's business").await;
    let created = || siem.entries().iter().any(|entry| action(entry) == "controls.project.created");
    until("the project to be sent", || async { created().then_some(()) }).await;
    assert_eq!(siem.0.lock().unwrap().refused, 3);
    let logged = server.logged();
    assert!(logged.contains("the audit log is not sent for now"), "{logged}");
    assert!(logged.contains("it answers 503"), "{logged}");
    assert!(!logged.contains("hunter2") && !logged.contains("in-the-address"), "{logged}");

    // They are what the command prints, each once.
    installation.run_with_password(&["login", "--server", &server.url, "--email", EMAIL], PASSWORD);
    let exported = || -> Vec<Value> {
        let printed = installation.run(&["audit", "export"]);
        printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let sent = || {
        let mut entries = siem.entries();
        for entry in &mut entries {
            let organization = entry.as_object_mut().unwrap().remove("organization").unwrap();
            assert!(organization.as_str().unwrap().starts_with("org_"), "{organization}");
        }
        entries
    };
    let sorted = |mut entries: Vec<Value>| {
        entries.sort_by_key(|entry| (entry["log"].to_string(), entry["position"].as_i64()));
        entries
    };
    // Reading goes on being recorded: compare once both have the sign-in of the command.
    until("both to be the same", || async {
        let exported = sorted(exported());
        (exported.len() > 5 && exported == sorted(sent())).then_some(())
    })
    .await;
    assert!(sent().iter().any(|entry| entry["target"] == project.as_str()));

    // A stop in between loses nothing and repeats nothing.
    let before = siem.entries().len();
    server.stop();
    let server = installation.start();
    let owner = server.client().await;
    create_project(&owner, "Another").await;
    let projects = || {
        let entries = siem.entries();
        entries.iter().filter(|entry| action(entry) == "controls.project.created").count()
    };
    until("the other project to be sent", || async { (projects() == 2).then_some(()) }).await;
    let entries = siem.entries();
    assert!(entries.len() > before);
    let mut ids: Vec<_> = entries.iter().map(|entry| entry["id"].to_string()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), entries.len(), "an entry came twice");
    server.stop();
}

/// Reads messages with their lengths before them, for as long as `tell` wants more.
async fn messages(stream: impl AsyncRead + Unpin, mut tell: impl FnMut(String) -> bool) {
    let mut stream = BufReader::new(stream);
    loop {
        let mut length = Vec::new();
        if stream.read_until(b' ', &mut length).await.unwrap_or(0) == 0 {
            return;
        }
        let length: usize = std::str::from_utf8(&length).unwrap().trim_end().parse().unwrap();
        let mut message = vec![0; length];
        stream.read_exact(&mut message).await.unwrap();
        if !tell(String::from_utf8(message).unwrap()) {
            return;
        }
    }
}

/// Waits for a message that tells of the action.
async fn heard(messages: &mut mpsc::UnboundedReceiver<String>, action: &str) -> String {
    loop {
        let message = messages.recv().await.unwrap();
        if message.contains(action) {
            return message;
        }
    }
}

#[tokio::test]
async fn syslog_over_tcp_goes_on_after_the_connection_broke() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("syslog+tcp://{}", listener.local_addr().unwrap());
    let (told, received) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        for number in 0.. {
            let (stream, _) = listener.accept().await.unwrap();
            messages(stream, |message| {
                let ends = number == 0 && message.contains("controls.project.created");
                told.send((number, message)).unwrap();
                !ends
            })
            .await;
        }
    });
    let installation = Installation::empty()
        .with_setting("STUDIO_AUDIT__STREAM__URL", &url)
        .with_setting("STUDIO_AUDIT__STREAM__FORMAT", "ocsf");
    let (server, owner) = installation.set_up().await;
    let received = tokio::sync::Mutex::new(received);
    let (_, first) = received.lock().await.recv().await.unwrap();
    assert!(first.starts_with("<110>1 20"), "{first}");
    let words: Vec<&str> = first.splitn(8, ' ').collect();
    assert_eq!((words[2], &words[3..7]), ("127.0.0.1", &["studio", "-", "audit", "-"][..]));
    let event: Value = serde_json::from_str(words[7]).unwrap();
    assert!(event["class_uid"].is_number(), "{event}");
    assert!(event["metadata"]["tenant_uid"].as_str().unwrap().starts_with("org_"), "{event}");
    create_project(&owner, "The last of this connection").await;
    // What is on its way when a connection ends may be lost; what comes later is not.
    let made = std::cell::Cell::new(0);
    until("another connection", || async {
        made.set(made.get() + 1);
        create_project(&owner, &format!("Another, number {}", made.get())).await;
        let received = &mut received.lock().await;
        while let Ok((number, message)) = received.try_recv() {
            if number > 0 && message.contains("controls.project.created") {
                return Some(());
            }
        }
        None
    })
    .await;
    server.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn syslog_over_tls_asks_for_a_certificate_that_is_trusted() {
    let authority = Authority::new("The SIEM's");
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, authority.pem()).unwrap();
    let acceptor = authority.acceptor("127.0.0.1", &[]);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("syslog+tls://{}", listener.local_addr().unwrap());
    let (told, mut received) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            // A client that does not trust us goes away.
            if let Ok(stream) = acceptor.accept(stream).await {
                messages(stream, |message| told.send(message).is_ok()).await;
            }
        }
    });
    let url_setting = ("STUDIO_AUDIT__STREAM__URL", std::path::Path::new(&url));
    let (fine, printed) = config_check(&[url_setting]);
    assert!(!fine && printed.contains("audit.stream"), "{printed}");
    let (fine, printed) = config_check(&[url_setting, ("STUDIO_AUDIT__STREAM__CA", &ca)]);
    assert!(fine && printed.contains("audit.stream"), "{printed}");

    let installation = Installation::empty()
        .with_setting("STUDIO_AUDIT__STREAM__URL", &url)
        .with_setting("STUDIO_AUDIT__STREAM__CA", ca.to_str().unwrap());
    let (server, owner) = installation.set_up().await;
    create_project(&owner, "A name that is nobody's business").await;
    let message = heard(&mut received, "controls.project.created").await;
    assert!(message.starts_with("<110>1 ") && !message.contains("business"), "{message}");
    let refused = owner.log_in(EMAIL, "not at all the right one").await;
    assert!(refused.is_err());
    let message = heard(&mut received, "identity.sign_in.failed").await;
    assert!(message.starts_with("<109>1 "), "{message}");
    server.stop();
}

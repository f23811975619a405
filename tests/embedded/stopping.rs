//! SIGTERM while clients are connected, follow changes and read on: the server ends by itself. The
//! limit of the drain is an hour, so that a server which waits for its clients never ends here. And
//! what cannot end by itself is cut off: when its time is over, or when the server is asked again.

use futures::{StreamExt, stream::BoxStream};
use serde_json::{Value, json};
use studio_sdk::{
    Error,
    operations::{ScoreChanged, score_changed},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::oneshot,
};

use crate::support::{
    Installation, PATIENCE, Server, Shape, adopt, create_project, import_builtin, until,
};

type Changes = BoxStream<'static, Result<score_changed::ResponseData, Error>>;

/// The last that a stream says; it must have begun.
async fn last(mut changes: Changes) -> Error {
    let mut last = None;
    while let Some(change) = changes.next().await {
        last = Some(change);
    }
    last.unwrap().expect_err("an end that tells to subscribe again")
}

/// Stops the server in a thread of its own, which a test that fails does not wait for.
fn stop(server: Server) -> oneshot::Receiver<()> {
    let (ended, told) = oneshot::channel();
    std::thread::spawn(move || {
        server.stop();
        ended.send(()).ok();
    });
    told
}

#[tokio::test]
async fn open_subscriptions_do_not_hold_up_the_end() {
    let installation = Installation::empty().with_setting("STUDIO_DRAIN_SECONDS", "3600");
    let (server, client) = installation.set_up().await;
    let project = create_project(&client, "Production").await;
    let framework = import_builtin(&client, "soc2-2017").await;
    adopt(&client, &project, &framework).await;
    let variables = || score_changed::Variables { project_id: project.clone(), after: None };
    let mut over_sse = client.subscribe::<ScoreChanged>(variables()).await.unwrap();
    let mut over_websocket = client.subscribe_websocket::<ScoreChanged>(variables()).await.unwrap();
    for changes in [&mut over_sse, &mut over_websocket] {
        changes.next().await.unwrap().unwrap();
    }

    let told = stop(server);
    let broken = tokio::time::timeout(PATIENCE, last(over_sse)).await.unwrap();
    assert!(tells_to_come_back(&broken), "{broken}");
    let closed = tokio::time::timeout(PATIENCE, last(over_websocket)).await.unwrap();
    assert!(tells_to_come_back(&closed), "{closed}");
    tokio::time::timeout(PATIENCE, told).await.unwrap().unwrap();
}

/// The server that serves the stream breaks it off, or says that the one behind it is away.
fn tells_to_come_back(error: &Error) -> bool {
    match error {
        Error::Broken(reason) => {
            reason == "the server closed the connection" || reason.contains("(1001)")
        }
        other => other.code() == Some("SUBGRAPH_UNAVAILABLE"),
    }
}

/// Begins a request whose body is still to come, and waits until the server reads it: the server
/// says so by asking for it.
async fn begin_request(server: &Server, token: &str, length: usize) -> TcpStream {
    let address = server.url.trim_start_matches("http://");
    let head = format!(
        "POST /graphql HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\
         Expect: 100-continue\r\n\r\n"
    );
    let mut connection = TcpStream::connect(address).await.unwrap();
    connection.write_all(head.as_bytes()).await.unwrap();
    let mut taken = [0; 25];
    connection.read_exact(&mut taken).await.unwrap();
    assert_eq!(std::str::from_utf8(&taken).unwrap(), "HTTP/1.1 100 Continue\r\n\r\n");
    connection
}

#[tokio::test]
async fn a_request_under_way_still_gets_the_score_that_it_changes() {
    let installation =
        Installation::of(Shape::Embedded).with_setting("STUDIO_DRAIN_SECONDS", "3600");
    let (server, client) = installation.set_up().await;
    let project = create_project(&client, "Production").await;
    let framework = import_builtin(&client, "soc2-2017").await;
    let adopt = "mutation($input: AdoptFrameworkInput!, $framework: ID!) {
        adoptFramework(input: $input) { project { score(frameworkId: $framework) { lo hi } } }
    }";
    let input = json!({
        "projectId": project,
        "frameworkId": framework,
        "controls": "ONE_PER_REQUIREMENT",
        "implementation": "IMPLEMENTED",
    });
    let variables = json!({ "input": input, "framework": framework });
    let body = json!({ "query": adopt, "variables": variables }).to_string();

    let address = server.url.trim_start_matches("http://").to_owned();
    let token = client.tokens().unwrap().access;
    let mut connection = begin_request(&server, &token, body.len()).await;
    let told = stop(server);
    until("a server that takes nothing more", || async {
        TcpStream::connect(&address).await.err()
    })
    .await;
    connection.write_all(body.as_bytes()).await.unwrap();
    let mut answer = String::new();
    tokio::time::timeout(PATIENCE, connection.read_to_string(&mut answer)).await.unwrap().unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    let (_, answer) = answer.split_once("\r\n\r\n").unwrap();
    let answer: Value = serde_json::from_str(answer).unwrap();
    let score = &answer["data"]["adoptFramework"]["project"]["score"];
    assert!(score["hi"].is_number() && answer.get("errors").is_none(), "{answer}");
    tokio::time::timeout(PATIENCE, told).await.unwrap().unwrap();
}

#[tokio::test]
async fn asked_a_second_time_it_ends_at_once() {
    let installation =
        Installation::of(Shape::Embedded).with_setting("STUDIO_DRAIN_SECONDS", "3600");
    let (server, client) = installation.set_up().await;
    let _open = begin_request(&server, &client.tokens().unwrap().access, 100).await;
    server.terminate();
    server.wait_for_line("Stopping");
    server.terminate();
    let (ended, told) = oneshot::channel();
    // A thread of its own: a process that waits for the request would be waited for for an hour.
    std::thread::spawn(move || ended.send(server.ended()).ok());
    assert_eq!(tokio::time::timeout(PATIENCE, told).await.unwrap().unwrap(), Some(143));
    installation.start().stop();
}

#[tokio::test]
async fn without_a_drain_only_what_was_cut_off_is_warned_of() {
    let installation = Installation::of(Shape::Embedded).with_setting("STUDIO_DRAIN_SECONDS", "0");
    let log = || std::fs::read_to_string(installation.path().join("server.log")).unwrap();
    let (server, client) = installation.set_up().await;
    server.stop();
    assert!(!log().contains("cut off"), "{}", log());
    let server = installation.start();
    let _open = begin_request(&server, &client.tokens().unwrap().access, 100).await;
    server.stop();
    assert!(log().contains("requests are still under way: they are cut off"), "{}", log());
}

//! SIGTERM while clients are connected, follow changes and read on: the server ends by itself. The
//! limit of the drain is an hour, so that a server which waits for its clients never ends here.

use futures::{StreamExt, stream::BoxStream};
use studio_sdk::{
    Error,
    operations::{ScoreChanged, score_changed},
};
use tokio::sync::oneshot;

use crate::support::{Installation, PATIENCE, adopt, create_project, import_builtin};

type Changes = BoxStream<'static, Result<score_changed::ResponseData, Error>>;

/// The last that a stream says; it must have begun.
async fn last(mut changes: Changes) -> Error {
    let mut last = None;
    while let Some(change) = changes.next().await {
        last = Some(change);
    }
    last.unwrap().expect_err("an end that tells to subscribe again")
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

    let (ended, told) = oneshot::channel();
    // A thread of its own, which a test that fails does not wait for.
    std::thread::spawn(move || {
        server.stop();
        ended.send(()).ok();
    });
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

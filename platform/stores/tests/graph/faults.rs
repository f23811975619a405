//! A server of the test's own, killed and started again.

use std::{path::Path, process::Command};

use studio_stores::graph::{
    Applied, Batch, BoltGraph, BoltOptions, Graph, GraphError, State, dependencies,
};

use crate::support::{bolt, control, mark, rests, tenant};

/// A Bolt server that is stopped with the test.
struct OwnServer {
    state: tempfile::TempDir,
    address: String,
}

fn services(state: &Path, arguments: &[&str]) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/services");
    let output = Command::new(script)
        .args(arguments)
        .env("STUDIO_TEST_SERVICES_DIR", state)
        .stderr(std::process::Stdio::inherit())
        .output()
        .unwrap();
    assert!(output.status.success(), "tests/services {arguments:?}");
    String::from_utf8(output.stdout).unwrap()
}

impl OwnServer {
    fn start() -> Self {
        let state = tempfile::tempdir().unwrap();
        let printed = services(&state.path().join("services"), &["start", "bolt"]);
        let address =
            printed.lines().find_map(|line| line.strip_prefix("export STUDIO_TEST_BOLT="));
        Self { address: address.unwrap().to_owned(), state }
    }

    fn tell(&self, verb: &str) {
        services(&self.state.path().join("services"), &[verb, "bolt"]);
    }
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        services(&self.state.path().join("services"), &["stop"]);
    }
}

#[tokio::test]
async fn what_was_applied_is_there_after_a_kill_and_the_rest_goes_on() {
    if bolt("faults").is_none() {
        return;
    }
    let server = OwnServer::start();
    let graph = BoltGraph::connect(&BoltOptions::parse(&server.address).unwrap()).await.unwrap();
    let batch = |after: i64| Batch {
        after: (after > 0).then(|| mark(after)),
        mark: mark(after + 1),
        changes: vec![(
            tenant(1),
            rests(u128::try_from(after).unwrap(), 10, u128::try_from(after + 1).unwrap()),
        )],
    };
    for after in 0..5 {
        assert_eq!(graph.apply(&batch(after)).await.unwrap(), Applied::Yes);
    }
    server.tell("pause");
    let error = graph.apply(&batch(5)).await.unwrap_err();
    assert!(matches!(error, GraphError::Unavailable { .. }), "{error:?}");
    let said = error.to_string();
    assert!(said.contains("bolt://127.0.0.1:") && !said.contains("root:"), "{said}");

    server.tell("resume");
    assert_eq!(graph.state().await.unwrap(), State::At(mark(5)));
    assert_eq!(graph.apply(&batch(5)).await.unwrap(), Applied::Yes);
    let view = graph.view(tenant(1)).await.unwrap();
    let reach = dependencies(&*view, control(0), 16).await.unwrap();
    assert_eq!(reach.controls.len(), 6);
}

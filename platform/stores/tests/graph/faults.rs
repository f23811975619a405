//! A server of the test's own, killed and started again.

use studio_stores::graph::{
    Applied, Batch, BoltGraph, BoltOptions, Graph, GraphError, State, dependencies,
};

use crate::{
    services::OwnServers,
    support::{control, mark, rests, tenant},
};

#[tokio::test]
async fn what_was_applied_is_there_after_a_kill_and_the_rest_goes_on() {
    let Some(server) = OwnServers::start("bolt", "STUDIO_TEST_BOLT") else { return };
    let address = server.variable("STUDIO_TEST_BOLT");
    let graph = BoltGraph::connect(&BoltOptions::parse(&address).unwrap()).await.unwrap();
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
    server.services(&["pause", "bolt"]);
    let error = graph.apply(&batch(5)).await.unwrap_err();
    assert!(matches!(error, GraphError::Unavailable { .. }), "{error:?}");
    let said = error.to_string();
    assert!(said.contains("bolt://127.0.0.1:") && !said.contains("root:"), "{said}");

    server.services(&["resume", "bolt"]);
    assert_eq!(graph.state().await.unwrap(), State::At(mark(5)));
    assert_eq!(graph.apply(&batch(5)).await.unwrap(), Applied::Yes);
    let view = graph.view(tenant(1)).await.unwrap();
    let reach = dependencies(&*view, control(0), 16).await.unwrap();
    assert_eq!(reach.controls.len(), 6);
}

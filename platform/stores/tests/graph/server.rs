//! What only a server can do: be away, have two writers, hold what is no id.

use std::sync::Arc;

use studio_kernel::kind;
use studio_stores::graph::{
    Applied, Batch, BoltGraph, BoltOptions, Change, Graph, GraphError, Link, State, coverage_paths,
    dependencies,
};

use crate::support::{bolt, control, covers, edge, id, mark, rests, tenant};

#[tokio::test]
async fn a_server_that_is_not_there_stops_the_start_with_a_sentence() {
    let options = BoltOptions::parse("bolt://root:secret@127.0.0.1:9").unwrap();
    let Err(error) = BoltGraph::connect(&options).await else { panic!("who listens on port 9?") };
    let sentence = error.to_string();
    assert!(matches!(error, GraphError::Unreachable { .. }));
    assert!(sentence.contains("stores.graph") && sentence.contains("bolt://127.0.0.1:9"));
    assert!(!sentence.contains("secret"), "{sentence}");
}

#[tokio::test]
async fn a_wrong_password_stops_the_start_and_is_not_repeated() {
    let Some(options) = bolt("password") else { return };
    let place = options.address().replace("bolt://", "");
    let options = BoltOptions::parse(&format!("bolt://root:not-the-one@{place}")).unwrap();
    let Err(error) = BoltGraph::connect(&options).await else { panic!("it let us in") };
    assert!(matches!(error, GraphError::Unreachable { .. }), "{error:?}");
    assert!(!error.to_string().contains("not-the-one"), "{error}");
}

#[tokio::test]
async fn texts_stay_data() {
    let Some(options) = bolt("texts") else { return };
    let graph = BoltGraph::connect(&options).await.unwrap();
    let hostile = "'}) DETACH DELETE n //\\\u{0}\"`";
    let changes = vec![
        (tenant(1), covers(1, 10, 50, hostile)),
        (tenant(1), covers(1, 5, 50, "")),
        (tenant(1), edge(control(1), Link::BelongsTo, id::<kind::Project>(80))),
    ];
    let batch = Batch { after: None, mark: mark(1), changes };
    assert_eq!(graph.apply(&batch).await.unwrap(), Applied::Yes);
    let view = graph.view(tenant(1)).await.unwrap();
    let paths = coverage_paths(&*view, id(50), id(80), &Default::default()).await.unwrap();
    assert_eq!(paths.paths.len(), 1);
}

/// Two writers, each of which believes to be the only one: every batch is in the graph once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_writers_never_apply_twice_or_out_of_order() {
    let Some(options) = bolt("writers") else { return };
    const LAST: i64 = 30;
    let write = async |graph: Arc<BoltGraph>| {
        loop {
            let at = match graph.state().await.unwrap() {
                State::Empty => 0,
                State::At(mark) if mark.position >= LAST => return,
                State::At(mark) => mark.position,
                State::Clearing => panic!("nobody clears"),
            };
            let number = u128::try_from(at).unwrap();
            let batch = Batch {
                after: (at > 0).then(|| mark(at)),
                mark: mark(at + 1),
                changes: vec![(tenant(1), rests(number, 10, number + 1))],
            };
            graph.apply(&batch).await.unwrap();
        }
    };
    let one = Arc::new(BoltGraph::connect(&options).await.unwrap());
    let other = Arc::new(BoltGraph::connect(&options).await.unwrap());
    let (one_did, other_did) = tokio::join!(
        tokio::spawn(async move { write(one).await }),
        tokio::spawn({
            let other = other.clone();
            async move { write(other).await }
        })
    );
    one_did.unwrap();
    other_did.unwrap();
    assert_eq!(writes(&options).await, LAST, "transactions that moved the mark");
    let view = other.view(tenant(1)).await.unwrap();
    assert_eq!(dependencies(&*view, control(20), 16).await.unwrap().controls.len(), 10);
}

/// How many transactions have written to the graph.
async fn writes(options: &BoltOptions) -> i64 {
    let address = std::env::var("STUDIO_TEST_BOLT").unwrap();
    let password = address.split(['@', ':']).nth(2).unwrap();
    let server = neo4rs::Graph::new(options.address(), "root", password).unwrap();
    let mark = neo4rs::query("MATCH (m:StudioMark {name: $name}) RETURN m.writes AS writes")
        .param("name", options.name());
    let mut rows = server.execute(mark).await.unwrap();
    rows.next().await.unwrap().unwrap().get("writes").unwrap()
}

/// Whoever began to empty the graph first must not remove what is written after the second did.
#[tokio::test]
async fn a_clearing_that_was_overtaken_removes_nothing_more() {
    let Some(options) = bolt("clearing") else { return };
    let one = BoltGraph::connect(&options).await.unwrap();
    let other = BoltGraph::connect(&options).await.unwrap();
    let changes: Vec<_> = (0..500).map(|n| (tenant(1), rests(n, 10, n + 1))).collect();
    let batch = Batch { after: None, mark: mark(1), changes };
    assert_eq!(one.apply(&batch).await.unwrap(), Applied::Yes);
    let both = tokio::join!(one.clear(), other.clear());
    let fenced = |cleared: &Result<(), GraphError>| matches!(cleared, Err(GraphError::Fenced));
    assert!(!(fenced(&both.0) && fenced(&both.1)), "one of them must come through: {both:?}");
    if one.state().await.unwrap() == State::Clearing {
        one.clear().await.unwrap();
    }
    assert_eq!(one.state().await.unwrap(), State::Empty);
    let view = one.view(tenant(1)).await.unwrap();
    assert!(dependencies(&*view, control(1), 16).await.unwrap().controls.is_empty());
    assert_eq!(one.apply(&batch).await.unwrap(), Applied::Yes);
}

#[tokio::test]
async fn graphs_of_two_names_do_not_meet() {
    let (Some(options), Some(elsewhere)) = (bolt("here"), bolt("there")) else { return };
    let here = BoltGraph::connect(&options).await.unwrap();
    let there = BoltGraph::connect(&elsewhere).await.unwrap();
    let batch = Batch { after: None, mark: mark(1), changes: vec![(tenant(1), rests(1, 10, 2))] };
    assert_eq!(here.apply(&batch).await.unwrap(), Applied::Yes);
    assert_eq!(there.state().await.unwrap(), State::Empty);
    let node = Batch {
        after: None,
        mark: mark(1),
        changes: vec![(tenant(1), Change::RemoveNode(control(2).into()))],
    };
    assert_eq!(there.apply(&node).await.unwrap(), Applied::Yes);
    there.clear().await.unwrap();
    let view = here.view(tenant(1)).await.unwrap();
    assert_eq!(dependencies(&*view, control(1), 16).await.unwrap().controls.len(), 1);
}

//! Random graphs with circles and several organizations, changed at random: every question gives
//! equal answers in memory and on the Bolt server.

use std::{collections::BTreeSet, sync::Arc};

use proptest::{
    collection::vec,
    prelude::{Just, Strategy, any, prop_oneof},
    strategy::ValueTree,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use studio_kernel::{TenantId, kind};
use studio_stores::graph::{
    BoltGraph, Change, Edge, EdgeKey, EdgeKind, Link, Mapping, Node, NodeId, NodeKind, PetGraph,
    Relation, View, Weight, coverage_gaps, coverage_paths, dependencies, dependency_cycles,
    dependents, impact, single_points, who_is_behind,
};

use crate::support::{Subject, bolt, id, tenant, tenths};

/// Graphs that are compared; a part of them starts from what the one before left.
const GRAPHS: usize = 300;
/// Things of each kind.
const FEW: u128 = 6;

fn node(kind: NodeKind, n: u128) -> NodeId {
    match kind {
        NodeKind::Organization => id::<kind::Organization>(n).into(),
        NodeKind::User => id::<kind::User>(n).into(),
        NodeKind::Project => id::<kind::Project>(n % 2).into(),
        NodeKind::Framework => id::<kind::Framework>(n % 2).into(),
        NodeKind::Requirement => id::<kind::Requirement>(n).into(),
        NodeKind::Control => id::<kind::Control>(n).into(),
        NodeKind::ControlTest => id::<kind::ControlTest>(n).into(),
        NodeKind::Evidence => NodeId::evidence(id(n / 2), u32::try_from(n % 2).unwrap() + 1),
    }
}

fn link(kind: EdgeKind, a: u128, b: u32, yes: bool) -> Link {
    match kind {
        EdgeKind::BelongsTo => Link::BelongsTo,
        EdgeKind::Adopts => Link::Adopts,
        EdgeKind::Owns => Link::Owns,
        EdgeKind::Created => Link::Created,
        EdgeKind::Recorded => Link::Recorded,
        EdgeKind::Uploaded => Link::Uploaded,
        EdgeKind::Tests => Link::Tests,
        EdgeKind::RestsOn => Link::RestsOn,
        EdgeKind::DependsOn => Link::DependsOn { strength: [10, 5, 3].map(tenths)[b as usize % 3] },
        EdgeKind::Covers => Link::Covers {
            share: Weight::from_units(i64::from(b + 1) * 137_000_000_001),
            group: ["", "", "either", "the \"other\""][a as usize % 4].to_owned(),
        },
        EdgeKind::MapsTo => Link::MapsTo(Mapping {
            project: id(u128::from(yes)),
            relation: Relation::ALL[b as usize % 5],
            strength: (a > 0).then_some(b),
        }),
    }
}

fn edges() -> impl Strategy<Value = Edge> {
    // Dependencies are what circles are made of: as many as of everything else together.
    let kinds = prop_oneof![
        4 => Just(EdgeKind::DependsOn),
        2 => Just(EdgeKind::Covers),
        2 => Just(EdgeKind::MapsTo),
        2 => Just(EdgeKind::BelongsTo),
        5 => (0..EdgeKind::ALL.len()).prop_map(|at| EdgeKind::ALL[at]),
    ];
    (kinds, any::<usize>(), 0..FEW, 0..FEW, 0..4_u128, 0..10_u32, any::<bool>()).prop_map(
        |(kind, shape, from, to, a, b, yes)| {
            let shapes = kind.shapes();
            let (start, end) = shapes[shape % shapes.len()];
            Edge::new(node(start, from), link(kind, a, b, yes), node(end, to)).unwrap()
        },
    )
}

fn changes() -> impl Strategy<Value = Change> {
    let kinds = (0..NodeKind::ALL.len()).prop_map(|at| NodeKind::ALL[at]);
    let nodes = (kinds, 0..FEW, any::<bool>(), 0..4_u32);
    prop_oneof![
        12 => edges().prop_map(Change::Edge),
        2 => (edges(), any::<bool>()).prop_map(|(edge, group)| {
            let key = key_of(&edge).of_project(id(u128::from(group)));
            Change::RemoveEdge(if group { key.in_group("either") } else { key })
        }),
        2 => nodes.clone().prop_map(|(kind, n, retired, importance)| {
            let id = node(kind, n);
            let plain = Node::plain(id);
            Change::Node(match kind {
                NodeKind::Control => Node { retired, ..plain },
                NodeKind::Requirement => Node { importance, ..plain },
                _ => plain,
            })
        }),
        1 => nodes.prop_map(|(kind, n, ..)| Change::RemoveNode(node(kind, n))),
    ]
}

fn key_of(edge: &Edge) -> EdgeKey {
    let (kind, from, to) = (edge.kind(), edge.from(), edge.to());
    EdgeKey::new(kind, from, to).unwrap()
}

fn batches() -> impl Strategy<Value = Vec<Vec<(TenantId, Change)>>> {
    let change = (1..3_u128, changes()).prop_map(|(of, change)| (tenant(of), change));
    vec(vec(change, 1..60), 1..4)
}

/// The answers to every question about some of the things, as text.
async fn answers(view: Arc<dyn View>, number: usize) -> Vec<String> {
    let view = &*view;
    let number = u128::try_from(number).unwrap();
    let (one, other) = (id(number % FEW), id(number / 2 % FEW));
    let (project, framework) = (id(number % 2), id(number / 2 % 2));
    let depth = [16, 3, 1, 16][(number % 4) as usize];
    let source = id(number / 3 % FEW);
    let (some, without) =
        ((0..FEW).map(id).collect(), BTreeSet::from([id(number / 5 % (2 * FEW))]));
    vec![
        format!("{:?}", dependencies(view, one, depth).await.unwrap()),
        format!("{:?}", dependents(view, other, depth).await.unwrap()),
        format!("{:?}", impact(view, one, project).await.unwrap()),
        format!("{:?}", dependency_cycles(view, project).await.unwrap()),
        format!("{:?}", single_points(view, project, &some, 1).await.unwrap()),
        format!("{:?}", coverage_paths(view, source, project, &without).await.unwrap()),
        format!("{:?}", coverage_gaps(view, project, &some, &without).await.unwrap()),
        format!("{:?}", who_is_behind(view, project, framework).await.unwrap()),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_adapters_answer_alike() {
    let Some(options) = bolt("same") else { return };
    let seed = std::env::var("STUDIO_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed: u64 = seed.unwrap_or(20_261_125);
    println!("seed {seed}: set STUDIO_TEST_SEED for another one");
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let mut server =
        Subject::new(Arc::new(BoltGraph::connect(&options).await.unwrap()), "a Bolt server");
    let mut memory = Subject::new(Arc::new(PetGraph::new()), "in memory");
    let mut interesting = 0;
    for number in 0..GRAPHS {
        if number % 5 == 0 {
            server.clear().await;
            memory.clear().await;
        }
        let batches = batches().new_tree(&mut runner).unwrap().current();
        for batch in &batches {
            server.tell(batch).await;
            memory.tell(batch).await;
        }
        for of in 1..3 {
            let expected = answers(memory.view(of).await, number).await;
            let found = answers(server.view(of).await, number).await;
            interesting += usize::from(expected.iter().any(|text| text.contains("cycles: [[")));
            for (expected, found) in expected.iter().zip(&found) {
                assert_eq!(found, expected, "graph {number} of seed {seed}: {batches:#?}");
            }
            assert_eq!(expected.len(), found.len());
        }
    }
    assert!(interesting > GRAPHS / 4, "{interesting} graphs with circles are too few");
}

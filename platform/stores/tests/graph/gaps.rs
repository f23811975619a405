//! What nothing proves, and circles by project.

use std::collections::BTreeSet;

use studio_kernel::kind;
use studio_stores::graph::{
    Change, GapReason, Link, Node, NodeId, Relation, coverage_gaps, dependency_cycles,
};

use crate::support::{control, covers, edge, id, inside, maps, rests, subjects, tenant};

#[tokio::test]
async fn a_gap_is_where_a_chain_ends_and_nothing_is_inherited() {
    for mut subject in subjects("gaps").await {
        let test = |n| id::<kind::ControlTest>(n);
        subject
            .one([
                // 50 is proven by a scan, 51 by hand, 52 by a program; 53 has a test without a result, 54
                // no test, 55 a control of another project, 56 a retired one, 57 nothing.
                covers(1, 10, 50, ""),
                edge(test(31), Link::Tests, control(1)),
                edge(test(31), Link::RestsOn, NodeId::evidence(id(40), 1)),
                covers(2, 10, 51, "either"),
                covers(4, 10, 51, "either"),
                edge(test(32), Link::Tests, control(2)),
                edge(id::<kind::User>(90), Link::Recorded, test(32)),
                covers(3, 10, 52, ""),
                edge(test(33), Link::Tests, control(3)),
                edge(tenant(1), Link::Recorded, test(33)),
                covers(4, 10, 53, ""),
                edge(test(34), Link::Tests, control(4)),
                covers(5, 10, 54, ""),
                covers(6, 10, 55, ""),
                covers(7, 10, 56, ""),
                Change::Node(Node::control(control(7), true)),
            ])
            .await;
        subject.one([1, 2, 3, 4, 5, 7].map(|n| inside(n, 80))).await;
        subject.one([inside(6, 81)]).await;
        let all: BTreeSet<_> = (50..58).map(id).collect();
        let applies = BTreeSet::new();
        let view = subject.view(1).await;
        let found = coverage_gaps(&*view, id(80), &all, &applies).await.unwrap();
        let seen: Vec<_> = found.gaps.iter().map(|gap| (gap.requirement, gap.reason)).collect();
        let expected = [
            (id(53), GapReason::NoEvidence),
            (id(54), GapReason::NoTest),
            (id(55), GapReason::NoControl),
            (id(56), GapReason::NoControl),
            (id(57), GapReason::NoControl),
        ];
        assert_eq!(seen, expected, "{}", subject.name);
        assert!(!found.truncated);

        // 53 is what 60 asks for, 60 a part of 50: over two mappings 53 inherits. 54 inherits from 57, of
        // which nothing is proven; 55 in another project; 56 only intersects with what inherits.
        subject
            .one([
                maps(60, Relation::Equal, None, 80, 53),
                maps(50, Relation::Superset, None, 80, 60),
                maps(57, Relation::Equal, None, 80, 54),
                maps(50, Relation::Equal, None, 81, 55),
                maps(56, Relation::Intersects, Some(5), 80, 60),
            ])
            .await;
        let view = subject.view(1).await;
        let gaps = async |without: &BTreeSet<_>| {
            let found = coverage_gaps(&*view, id(80), &all, without).await.unwrap();
            found.gaps.iter().map(|gap| gap.requirement).collect::<Vec<_>>()
        };
        assert_eq!(gaps(&applies).await, [54, 55, 56, 57].map(id), "{}", subject.name);
        // What does not apply carries nothing.
        assert_eq!(gaps(&BTreeSet::from([id(50)])).await, [53, 54, 55, 56, 57].map(id));
    }
}

#[tokio::test]
async fn each_knot_of_a_project_is_named_once() {
    for mut subject in subjects("knots").await {
        let edges = [(1, 2), (2, 3), (3, 1), (2, 1), (3, 4), (5, 6), (6, 5), (7, 8), (8, 7)];
        subject.one(edges.map(|(from, on)| rests(from, 3, on))).await;
        subject.one([1, 2, 3, 4, 5, 6].map(|n| inside(n, 80))).await;
        subject.one([7, 8].map(|n| inside(n, 81))).await;
        let view = subject.view(1).await;
        let found = dependency_cycles(&*view, id(80)).await.unwrap();
        assert_eq!(found.cycles, [[1, 2], [5, 6]].map(|ids| ids.map(control).to_vec()));
        // A retired control is in no circle.
        subject.one([Change::Node(Node::control(control(2), true))]).await;
        let view = subject.view(1).await;
        let found = dependency_cycles(&*view, id(80)).await.unwrap();
        assert_eq!(found.cycles, [[5, 6].map(control).to_vec()], "{}", subject.name);
    }
}

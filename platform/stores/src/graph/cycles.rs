//! Circles of dependencies, named by one circle for each knot of controls that rest on each other.

use std::collections::{BTreeMap, BTreeSet, VecDeque, btree_map::Entry};

use petgraph::{algo::kosaraju_scc, graph::DiGraph};

use super::node::NodeId;

/// For each knot the shortest circle through its first id, starting there; of several, the first in
/// the order of ids. The last of a circle rests on the first. Sorted by their first ids.
pub(super) fn cycles(edges: &BTreeSet<(NodeId, NodeId)>) -> Vec<Vec<NodeId>> {
    let mut graph: DiGraph<NodeId, ()> = DiGraph::new();
    let mut index = BTreeMap::new();
    for (from, to) in edges {
        let from = *index.entry(*from).or_insert_with(|| graph.add_node(*from));
        let to = *index.entry(*to).or_insert_with(|| graph.add_node(*to));
        graph.add_edge(from, to, ());
    }
    // Not Tarjan's: that one recurses, as deep as a hostile graph wants.
    let mut found: Vec<Vec<NodeId>> = kosaraju_scc(&graph)
        .into_iter()
        .filter_map(|knot| {
            let knot: BTreeSet<NodeId> = knot.into_iter().map(|index| graph[index]).collect();
            shortest_through_first(&knot, edges)
        })
        .collect();
    found.sort_unstable();
    found
}

fn shortest_through_first(
    knot: &BTreeSet<NodeId>,
    edges: &BTreeSet<(NodeId, NodeId)>,
) -> Option<Vec<NodeId>> {
    let first = *knot.first()?;
    let onward = |from: NodeId| {
        let start = knot.first().map(|least| (from, *least));
        start
            .into_iter()
            .flat_map(|start| edges.range(start..))
            .take_while(move |(start, _)| *start == from)
            .map(|(_, to)| *to)
    };
    let mut before: BTreeMap<NodeId, NodeId> = BTreeMap::new();
    let mut queue = VecDeque::from([first]);
    while let Some(at) = queue.pop_front() {
        for to in onward(at).filter(|to| knot.contains(to)) {
            if to == first {
                let mut circle = vec![at];
                while let Some(earlier) = circle.last().and_then(|last| before.get(last)) {
                    circle.push(*earlier);
                }
                circle.reverse();
                return Some(circle);
            }
            if let Entry::Vacant(unseen) = before.entry(to) {
                unseen.insert(at);
                queue.push_back(to);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use studio_kernel::{Id, kind};
    use uuid::Uuid;

    use super::*;

    fn node(n: u128) -> NodeId {
        Id::<kind::Control>::from_uuid(Uuid::from_u128(n)).into()
    }

    fn named(edges: &[(u128, u128)]) -> Vec<Vec<NodeId>> {
        cycles(&edges.iter().map(|(from, to)| (node(*from), node(*to))).collect())
    }

    #[test]
    fn one_circle_for_each_knot() {
        assert!(named(&[(1, 2), (2, 3), (1, 3)]).is_empty());
        assert_eq!(named(&[(4, 4)]), [vec![node(4)]]);
        let found = named(&[(1, 2), (2, 3), (3, 1), (2, 1), (3, 7), (7, 8), (8, 9), (9, 7)]);
        assert_eq!(found, [vec![node(1), node(2)], vec![node(7), node(8), node(9)]]);
    }

    #[test]
    fn a_circle_of_ten_thousand_is_found() {
        let long: Vec<_> = (0..10_000).map(|n| (n, (n + 1) % 10_000)).collect();
        assert_eq!(named(&long)[0].len(), 10_000);
    }
}

//! Single points of failure are what the formula makes of them: were a control worth nothing and all
//! others perfect, nothing of a requirement would be left. That is tried for each control here, over
//! random graphs.

use std::collections::{BTreeMap, BTreeSet};

use proptest::{collection::vec, prelude::*};
use studio_kernel::kind;
use studio_stores::graph::{Change, Node, NodeId, PetGraph, Relation, single_points};

use crate::support::{Subject, control, covers, id, inside, maps, rests, subjects};

const CONTROLS: u128 = 7;
const REQUIREMENTS: u128 = 4;

/// What a graph is made of.
#[derive(Debug, Clone)]
struct Scene {
    /// Who rests on whom, in tenths.
    rests: BTreeMap<(u128, u128), i64>,
    /// Which control meets which requirement, alone or in a group.
    covers: BTreeSet<(u128, u128, bool)>,
    retired: BTreeSet<u128>,
    elsewhere: BTreeSet<u128>,
}

fn scenes() -> impl Strategy<Value = Scene> {
    let strength = prop_oneof![4 => Just(10), 1 => Just(5), 1 => Just(3)];
    let one_of = || prop::collection::btree_set(0..CONTROLS, 0..2);
    (
        vec((0..CONTROLS, 1..CONTROLS, strength), 0..12),
        prop::collection::btree_set((0..CONTROLS, 0..REQUIREMENTS, any::<bool>()), 0..8),
        one_of(),
        one_of(),
    )
        .prop_map(|(rests, covers, retired, elsewhere)| Scene {
            rests: rests
                .into_iter()
                .map(|(from, step, tenths)| ((from, (from + step) % CONTROLS), tenths))
                .collect(),
            covers,
            retired,
            elsewhere,
        })
}

impl Scene {
    fn changes(&self) -> Vec<Change> {
        let requirement = |n: u128| 50 + n;
        let mut changes: Vec<Change> = (0..CONTROLS)
            .flat_map(|n| {
                let project = if self.elsewhere.contains(&n) { 81 } else { 80 };
                let node = Node::control(control(n), self.retired.contains(&n));
                [Change::Node(node), inside(n, project)]
            })
            .collect();
        changes.extend(self.rests.iter().map(|((from, on), tenths)| rests(*from, *tenths, *on)));
        changes.extend(self.covers.iter().map(|(from, of, grouped)| {
            covers(*from, 5, requirement(*of), if *grouped { "either" } else { "" })
        }));
        changes
    }

    /// What each control would be worth if one were worth nothing, and all others that are in force
    /// proved all that they are asked for.
    fn left_without(&self, lost: u128) -> BTreeMap<u128, f64> {
        let mut worth: BTreeMap<u128, f64> =
            (0..CONTROLS).map(|n| (n, if n == lost { 0.0 } else { 1.0 })).collect();
        for _ in 0..2 * CONTROLS {
            for ((from, on), tenths) in &self.rests {
                if self.retired.contains(from) || self.retired.contains(on) {
                    continue;
                }
                let let_be = 1.0 - *tenths as f64 / 10.0 * (1.0 - worth[on]);
                worth.insert(*from, worth[from].min(let_be));
            }
        }
        worth
    }

    fn members(&self, requirement: u128) -> BTreeSet<u128> {
        let covers = self.covers.iter().filter(|(_, of, _)| *of == requirement);
        let there = |n: &u128| !self.retired.contains(n) && !self.elsewhere.contains(n);
        covers.map(|(from, ..)| *from).filter(there).collect()
    }

    fn expected(&self, at_least: usize) -> BTreeMap<u128, Vec<u128>> {
        let mut expected = BTreeMap::new();
        for lost in (0..CONTROLS).filter(|n| !self.retired.contains(n)) {
            let left = self.left_without(lost);
            let nothing: Vec<u128> = (0..REQUIREMENTS)
                .filter(|requirement| {
                    let members = self.members(*requirement);
                    !members.is_empty() && members.iter().all(|member| left[member] == 0.0)
                })
                .collect();
            if nothing.len() >= at_least {
                expected.insert(lost, nothing);
            }
        }
        expected
    }
}

async fn found(scene: &Scene, at_least: usize) -> BTreeMap<u128, Vec<u128>> {
    let mut subject = Subject::new(std::sync::Arc::new(PetGraph::new()), "in memory");
    subject.one(scene.changes()).await;
    let view = subject.view(1).await;
    let requirements = (0..REQUIREMENTS).map(|n| id(50 + n)).collect();
    let found = single_points(&*view, id(80), &requirements, at_least).await.unwrap();
    assert!(!found.truncated);
    let number = |id: uuid::Uuid| id.as_u128();
    found
        .points
        .into_iter()
        .map(|point| {
            let of = point.requirements.iter().map(|resting| {
                let (way, end) = resting.path.split_at(resting.path.len() - 1);
                assert_eq!(end, [NodeId::from(resting.requirement)]);
                let way: Vec<u128> =
                    way.iter().map(|at| number(at.id::<kind::Control>().unwrap().uuid())).collect();
                assert_eq!(way[0], number(point.control.uuid()));
                assert!(way.windows(2).all(|step| scene.rests[&(step[1], step[0])] == 10));
                let requirement = number(resting.requirement.uuid()) - 50;
                assert!(scene.members(requirement).contains(way.last().unwrap()));
                requirement
            });
            (number(point.control.uuid()), of.collect())
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn they_are_what_takes_everything_along(scene in scenes(), at_least in 1..3_usize) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        prop_assert_eq!(runtime.block_on(found(&scene, at_least)), scene.expected(at_least));
    }
}

/// 1 and 2 meet 50, both rest on 3 at full strength; 4 meets 51, and so does 5 in its group.
#[tokio::test]
async fn each_alternative_of_a_group_counts_and_a_mapping_saves_nothing() {
    for mut subject in subjects("alternatives").await {
        subject
            .one([
                rests(1, 10, 3),
                rests(2, 10, 6),
                rests(6, 10, 3),
                rests(4, 10, 3),
                rests(5, 5, 3),
                covers(1, 5, 50, ""),
                covers(2, 5, 50, ""),
                covers(4, 10, 51, "either"),
                covers(5, 10, 51, "either"),
                maps(52, Relation::Equal, None, 80, 50),
            ])
            .await;
        subject.one([1, 2, 3, 4, 5, 6].map(|n| inside(n, 80))).await;
        let view = subject.view(1).await;
        let requirements = BTreeSet::from([id(50), id(51)]);
        let found = single_points(&*view, id(80), &requirements, 1).await.unwrap();
        let points: Vec<_> = found.points.iter().map(|point| point.control).collect();
        assert_eq!(points, [control(3)], "{}", subject.name);
        let of: Vec<_> = found.points[0].requirements.iter().map(|it| it.requirement).collect();
        assert_eq!(of, [id(50)], "5 would be left of 51");
        let way: [NodeId; 3] =
            [control(3).into(), control(1).into(), id::<kind::Requirement>(50).into()];
        assert_eq!(found.points[0].requirements[0].path, way);
        // Once 5 rests on it wholly, it takes both along.
        subject.one([rests(5, 10, 3)]).await;
        let view = subject.view(1).await;
        let found = single_points(&*view, id(80), &requirements, 2).await.unwrap();
        assert_eq!(found.points[0].requirements.len(), 2, "{}", subject.name);
        assert!(single_points(&*view, id(80), &requirements, 3).await.unwrap().points.is_empty());
    }
}

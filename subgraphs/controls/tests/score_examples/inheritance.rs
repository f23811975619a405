//! Example 14: what one framework proves counts for another.

use studio_controls::domain::score::{
    FrameworkId, Importance, Mapping, Relation, Statement, WeightedRequirement,
};

use super::{Project, first, id};

/// X, requirement 1 of framework 1, is 0.8 / 0.9 / 0.9. Y and Z, requirements 2 and 3 of framework 2,
/// have no members, and neither has W, requirement 4 of framework 3.
fn four() -> Project {
    let mut project = Project::default();
    project.scanned(1, [8, 1, 1]).member(1, 1, "1");
    for (framework, requirements) in [(1, vec![1]), (2, vec![2, 3]), (3, vec![4])] {
        let requirements = requirements.into_iter().map(|requirement| WeightedRequirement {
            requirement: id(requirement),
            importance: Importance::Normal,
        });
        let framework: FrameworkId = id(framework);
        project
            .say(Statement::FrameworkAdopted { framework, requirements: requirements.collect() });
    }
    project
}

impl Project {
    /// States mapping `number` from one requirement to another.
    pub(super) fn map(
        &mut self,
        number: u32,
        (source, target): (u32, u32),
        relation: Relation,
        strength: Option<u8>,
    ) -> &mut Self {
        let stated = Mapping { source: id(source), target: id(target), relation, strength };
        self.say(Statement::MappingStated { mapping: id(number), stated }).on(first())
    }
}

const NOTHING: [&str; 3] = ["0", "1", "0"];

#[test]
fn example_14_a_mapping_carries_what_its_relation_says() {
    let mut project = four();
    assert_eq!(project.on(first()).of_requirement(1), ["0.8", "0.9", "0.9"]);
    for (relation, strength, expected) in [
        (Relation::Equal, None, ["0.8", "1", "0.9"]),
        (Relation::Equivalent, None, ["0.8", "1", "0.9"]),
        (Relation::Superset, None, ["0.8", "1", "0.9"]),
        (Relation::Subset, Some(7), ["0.56", "1", "0.63"]),
        (Relation::Subset, None, NOTHING),
        (Relation::Intersects, Some(7), ["0.4", "1", "0.45"]),
        (Relation::Intersects, Some(3), ["0.24", "1", "0.27"]),
        (Relation::Intersects, None, NOTHING),
    ] {
        project.map(1, (1, 2), relation, strength);
        assert_eq!(project.of_requirement(2), expected, "{relation:?} {strength:?}");
    }
    // Read from the other end, a part is the whole of it.
    project.map(1, (2, 1), Relation::Subset, None);
    assert_eq!(project.of_requirement(2), ["0.8", "1", "0.9"]);
    let inherited = project.0.explain_requirement(id(2)).unwrap().inherited.unwrap();
    let hops: Vec<_> = inherited.hops.iter().map(|hop| (hop.from, hop.tenths)).collect();
    assert_eq!(hops, [(id(1), 10)]);
    assert!(project.0.is_mapped(id(2), id(1)) && !project.0.is_mapped(id(3), id(1)));
    project.say(Statement::MappingEnded { mapping: id(1) }).on(first());
    assert_eq!(project.of_requirement(2), NOTHING);
}

#[test]
fn example_14_two_mappings_may_be_joined_and_three_may_not() {
    let mut project = four();
    project.map(1, (1, 2), Relation::Equal, None);
    project.map(2, (2, 4), Relation::Subset, Some(5));
    assert_eq!(project.of_requirement(4), ["0.4", "1", "0.45"]);
    let inherited = project.0.explain_requirement(id(4)).unwrap().inherited.unwrap();
    let hops: Vec<_> = inherited.hops.iter().map(|hop| (hop.from, hop.tenths)).collect();
    assert_eq!(hops, [(id(2), 5), (id(1), 10)], "the nearest first");
    // What only intersects leads no further, on either side.
    project.map(1, (1, 2), Relation::Intersects, Some(9));
    assert_eq!(project.of_requirement(2), ["0.4", "1", "0.45"]);
    assert_eq!(project.of_requirement(4), NOTHING);
    // X, Y, W, Z in a row: Z is three mappings away from X.
    project.map(1, (1, 2), Relation::Equal, None);
    project.map(2, (2, 4), Relation::Equal, None);
    project.map(3, (4, 3), Relation::Equal, None);
    assert_eq!(project.of_requirement(4), ["0.8", "1", "0.9"]);
    assert_eq!(project.of_requirement(3), NOTHING);
    // A source that does not apply carries nothing.
    project.say(Statement::NotApplicableStated { requirement: id(1), declaration: id(1) });
    assert_eq!(project.on(first()).of_requirement(4), NOTHING);
}

#[test]
fn example_14_a_failure_of_its_own_stands_and_so_does_one_that_may_be_hidden() {
    let mut project = four();
    project.map(1, (1, 2), Relation::Equal, None);
    project.control(2, studio_controls::domain::score::Implementation::Implemented);
    project.test(2, 2, "1", false).member(2, 2, "1");
    for (counts, expected) in [
        ([10, 0, 0], ["1", "1", "1"]),
        ([5, 5, 0], ["0.5", "0.5", "1"]),
        // The same failures, muted: nothing is won by it.
        ([5, 0, 5], ["0.5", "1", "0.5"]),
    ] {
        project.scan(2, "eu-west-1", counts).on(first());
        assert_eq!(project.of_requirement(2), expected, "{counts:?}");
    }
    // Where nothing was looked at yet, what is proven elsewhere counts.
    let mut project = four();
    project.map(1, (1, 2), Relation::Equal, None);
    project.control(2, studio_controls::domain::score::Implementation::Implemented);
    project.test(2, 2, "1", false).member(2, 2, "1").on(first());
    assert_eq!(project.of_requirement(2), ["0.8", "1", "0.9"]);
}

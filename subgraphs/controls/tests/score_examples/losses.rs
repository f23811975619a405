//! Example 16: what would be left if a control failed entirely.

use studio_controls::domain::score::{
    FrameworkId, Importance, Loss, Relation, Statement, Strength, Verdict, WeightedRequirement,
};

use super::{Project, first, id};

impl Project {
    /// A framework of one requirement of the same number.
    fn adopt_one(&mut self, number: u32) -> &mut Self {
        let framework: FrameworkId = id(number);
        let requirement =
            WeightedRequirement { requirement: id(number), importance: Importance::Normal };
        self.say(Statement::FrameworkAdopted { framework, requirements: vec![requirement] })
    }
}

/// What `lo` and `hi` of a control would be; `None` where it would lose nothing.
fn of_control(loss: &Loss, control: u32) -> Option<[String; 2]> {
    let value = loss.controls.get(&id(control))?.after.value;
    Some([value.lo, value.hi].map(|digits| digits.to_string()))
}

fn numbers(lo: &str, hi: &str) -> Option<[String; 2]> {
    Some([lo.to_owned(), hi.to_owned()])
}

#[test]
fn example_16_a_loss_travels_as_values_do() {
    let mut project = Project::default();
    project.scanned(1, [10, 0, 0]).scanned(2, [8, 2, 0]).scanned(3, [4, 6, 0]);
    project.depends(1, 2, Strength::Full).depends(1, 3, Strength::Half);
    project.depends(3, 1, Strength::Weak).adopt_one(1).member(1, 1, "1").on(first());
    assert_eq!(project.of_control(1), ["0.7", "0.7", "1"]);

    for (lost, left, points) in [(1, "0", "70"), (2, "0", "70"), (3, "0.5", "20")] {
        let loss = project.0.loss(id(lost));
        assert_eq!(of_control(&loss, 1), numbers(left, left), "without {lost}");
        let requirement = loss.requirements[&id(1)];
        assert_eq!(requirement.after.value.lo.to_string(), left);
        assert_eq!(requirement.after.verdict, Verdict::OtherThanSatisfied);
        let lost = loss.frameworks[&id(1)].points();
        assert_eq!([lost.lo.to_string(), lost.hi.to_string()], [points, points]);
    }
    // C is 0.4 already, and would be 0.7 by A alone.
    assert_eq!(of_control(&project.0.loss(id(1)), 3), None);
    assert_eq!(of_control(&project.0.loss(id(3)), 3), numbers("0", "0"));
    assert_eq!(project.of_control(1), ["0.7", "0.7", "1"], "it stays what it is");

    // What is retired has nothing left to lose.
    project.say(Statement::ControlStated {
        control: id(2),
        implementation: studio_controls::domain::score::Implementation::Implemented,
        retired: true,
    });
    project.on(first());
    assert_eq!(project.0.loss(id(2)), Loss::default());
    assert_eq!(project.0.loss(id(99)), Loss::default(), "nor has what nobody stated");
}

#[test]
fn example_16_credit_is_lost_with_what_gives_it() {
    let mut project = Project::default();
    project.of_ten(1, 8, 2, false).of_ten(2, 6, 2, false).except(1, 1, 1, Some(2));
    project.adopt_one(1).member(1, 1, "1").on(first());
    assert_eq!(project.of_control(1), ["0.86", "0.88", "1"]);
    let loss = project.0.loss(id(2));
    assert_eq!(of_control(&loss, 1), numbers("0.8", "0.8"));
    let points = loss.frameworks[&id(1)].points();
    assert_eq!([points.lo, points.hi].map(|digits| digits.to_string()), ["6", "8"]);
}

#[test]
fn example_16_what_is_inherited_goes_along_and_nothing_is_inherited_instead() {
    let mut project = Project::default();
    project.scanned(1, [8, 1, 1]).adopt_one(1).adopt_one(2).adopt_one(3).member(1, 1, "1");
    project.map(1, (1, 2), Relation::Equal, None);
    assert_eq!(project.of_requirement(2), ["0.8", "1", "0.9"]);
    let loss = project.0.loss(id(1));
    let left = |requirement: u32| {
        let value = loss.requirements[&id(requirement)].after.value;
        [value.lo, value.hi].map(|digits| digits.to_string())
    };
    assert_eq!((left(1), left(2)), (["0", "0"].map(str::to_owned), ["0", "1"].map(str::to_owned)));
    assert_eq!(loss.frameworks.len(), 2);

    // Another requirement proves all that the first one asks for: while its own control fails it
    // inherits nothing.
    project.scanned(2, [10, 0, 0]).member(3, 2, "1").map(2, (3, 1), Relation::Equal, None);
    assert_eq!(project.0.loss(id(1)).requirements[&id(1)].after.value.lo.to_string(), "0");
}

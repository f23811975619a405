//! Examples 10 to 13: what people decided otherwise.

use std::collections::BTreeSet;

use studio_controls::domain::score::{
    Cap, Excepted, Exception, Grade, Implementation, Statement, TestId,
};
use studio_kernel::Timestamp;

use super::{Project, first, id, noon, small_company};

impl Project {
    /// The resources `r1`, `r2` … that the next scan of eu-west-1 counts as failing.
    fn failing(&mut self, test: u32, count: u32) -> &mut Self {
        self.say(Statement::FailingChanged {
            check: format!("check-{test}"),
            account: "1234".to_owned(),
            region: "eu-west-1".to_owned(),
            added: (1..=count).map(|number| format!("r{number}")).collect(),
            removed: BTreeSet::new(),
        })
    }

    /// A control with one test, of whose ten resources so many pass and fail.
    pub(super) fn of_ten(
        &mut self,
        control: u32,
        passed: u32,
        failed: u32,
        key: bool,
    ) -> &mut Self {
        self.control(control, Implementation::Implemented)
            .test(control, control, "1", key)
            .failing(control, failed)
            .scan(control, "eu-west-1", [passed, failed, 10 - passed - failed])
    }

    /// An exception from the day of the scans to 20 March.
    pub(super) fn except(
        &mut self,
        number: u32,
        test: u32,
        resource: u32,
        by: Option<u32>,
    ) -> &mut Self {
        self.except_until(number, test, resource, by, noon("2026-03-20"))
    }

    pub(super) fn except_until(
        &mut self,
        number: u32,
        test: u32,
        resource: u32,
        by: Option<u32>,
        until: Timestamp,
    ) -> &mut Self {
        let on = Excepted::Resource {
            check: format!("check-{test}"),
            resource: format!("r{resource}"),
            places: None,
        };
        let stated = Exception { on, compensating: by.map(id), from: first(), until };
        self.say(Statement::ExceptionStated { exception: id(number), stated })
    }
}

#[test]
fn example_10_a_requirement_that_does_not_apply() {
    let mut project = small_company();
    project.scan(1, "eu-west-1", [20, 0, 0]).scan(2, "eu-west-1", [2, 1, 1]);
    let does_not_apply = |project: &mut Project, requirement: u32| {
        project
            .say(Statement::NotApplicableStated {
                requirement: id(requirement),
                declaration: id(requirement),
            })
            .on(first());
    };
    does_not_apply(&mut project, 3);
    assert_eq!(
        project.headline(),
        "80.0 [80.0–90.0], coverage 90 %, 1 satisfied / 1 not / 0 undetermined"
    );
    let explained = project.0.explain_framework(id(1)).unwrap();
    assert_eq!((explained.weight_sum, explained.requirements.len()), (5, 2));
    let removed = &explained.removed[..];
    assert_eq!(removed.len(), 1);
    assert_eq!((removed[0].requirement, removed[0].weight), (id(3), 1));

    does_not_apply(&mut project, 1);
    does_not_apply(&mut project, 2);
    assert_eq!(project.0.framework(id(1)).unwrap().value, None);
    assert_eq!(project.headline(), "no requirement applies");
    for requirement in 1..=3 {
        let (requirement, declaration) = (id(requirement), id(requirement));
        project.say(Statement::NotApplicableEnded { requirement, declaration });
    }
    assert_eq!(
        project.on(first()).headline(),
        "66.6 [66.6–91.7], coverage 75 %, 1 satisfied / 1 not / 1 undetermined"
    );
}

#[test]
fn example_11_open_nonconformities() {
    let mut project = Project::default();
    project.scanned(1, [20, 0, 0]);
    let mut found = |number: u32, grade| {
        let (nonconformity, control) = (id(number), id(1));
        let from = first();
        project.say(Statement::NonconformityOpened { nonconformity, control, grade, from });
        project.on(first()).of_control(1)
    };
    assert_eq!(found(1, Grade::Minor), ["0.8", "0.8", "1"]);
    assert_eq!(found(2, Grade::Major), ["0.49", "0.49", "1"]);
    let caps = project.0.explain_control(id(1)).unwrap().caps;
    let caps_are = [
        Cap::MinorNonconformity { nonconformity: id(1) },
        Cap::MajorNonconformity { nonconformity: id(2) },
    ];
    assert_eq!(caps, caps_are);
    let mut close = |number: u32, on: &str| {
        let (nonconformity, control) = (id(number), id(1));
        project.say(Statement::NonconformityClosed { nonconformity, control, until: noon(on) });
        project.on(noon(on)).of_control(1)
    };
    assert_eq!(close(2, "2026-03-05"), ["0.8", "0.8", "1"]);
    assert_eq!(close(1, "2026-03-08"), ["1", "1", "1"]);
    // On the day before, they were open, and still are to whoever asks about that day.
    assert_eq!(project.on(noon("2026-03-07")).of_control(1), ["0.8", "0.8", "1"]);
    assert_eq!(project.on(noon("2026-03-04")).of_control(1), ["0.49", "0.49", "1"]);
}

#[test]
fn example_12_an_exception_counts_as_what_makes_up_for_it() {
    let mut project = Project::default();
    project.of_ten(1, 8, 2, false).of_ten(2, 6, 2, false).on(first());
    assert_eq!(project.of_control(1), ["0.8", "0.8", "1"]);
    assert_eq!(project.of_control(2), ["0.6", "0.8", "0.8"]);
    project.except(1, 1, 1, Some(2)).on(first());
    assert_eq!(project.of_control(1), ["0.86", "0.88", "1"]);
    // A risk that is accepted alone gives nothing, nor does a control without a test.
    project.control(3, Implementation::Implemented);
    project.except(2, 1, 2, None).except(3, 1, 2, Some(3)).on(first());
    assert_eq!(project.of_control(1), ["0.86", "0.88", "1"]);
    let explained = project.0.explain_control(id(1)).unwrap().tests.remove(0).excepted;
    let shown: Vec<_> = explained
        .iter()
        .map(|failure| (&*failure.resource, failure.lo.to_string(), failure.hi.to_string()))
        .collect();
    let line = |resource, lo: &str, hi: &str| (resource, lo.to_owned(), hi.to_owned());
    assert_eq!(shown, [line("r1", "0.6", "0.8"), line("r2", "0", "0")]);
    assert_eq!(explained[1].exceptions.len(), 2);

    // A key test is capped until each of its failures has credit.
    project.test(1, 1, "1", true).on(first());
    assert_eq!(project.of_control(1), ["0.49", "0.49", "1"]);
    project.except(2, 1, 2, Some(2)).on(first());
    assert_eq!(project.of_control(1), ["0.92", "0.96", "1"]);
    assert_eq!(project.0.explain_control(id(1)).unwrap().caps, []);

    // It ends by the clock, or when it is revoked.
    assert_eq!(project.0.next_change(), Some(noon("2026-03-20")));
    project.on(noon("2026-03-20"));
    assert_eq!(project.of_control(1), ["0.49", "0.49", "1"]);
    let until = noon("2026-03-10");
    project.say(Statement::ExceptionEnded { exception: id(2), until }).on(until);
    assert_eq!(project.of_control(1), ["0.49", "0.49", "1"]);
    assert_eq!(project.on(noon("2026-03-09")).of_control(1), ["0.92", "0.96", "1"]);
}

#[test]
fn example_12_nothing_proven_is_no_credit_for_what_is_proven() {
    let mut project = Project::default();
    // Of the second control nothing is known yet.
    project.of_ten(1, 9, 1, true).of_ten(2, 0, 0, false);
    project.except(1, 1, 1, Some(2)).on(first());
    assert_eq!(project.of_control(2), ["0", "1", "0"]);
    assert_eq!(project.of_control(1), ["0.49", "1", "1"]);
    let test: TestId = id(1);
    let caps = project.0.explain_control(id(1)).unwrap().caps;
    assert_eq!(caps, [Cap::KeyTestCreditUnproven { test }]);
}

#[test]
fn example_13_controls_that_make_up_for_each_other() {
    let mut project = Project::default();
    project.of_ten(1, 8, 2, false).of_ten(2, 5, 5, false);
    for resource in 1..=2 {
        project.except(resource, 1, resource, Some(2));
    }
    for resource in 1..=5 {
        project.except(10 + resource, 2, resource, Some(1));
    }
    project.on(first());
    assert_eq!(project.of_control(1), ["0.9", "0.9", "1"]);
    assert_eq!(project.of_control(2), ["0.9", "0.9", "1"]);
}

/// More names than failures that were counted name something that does not fail.
#[test]
fn resources_that_do_not_fit_the_counts_get_no_credit() {
    let mut project = Project::default();
    project.of_ten(1, 8, 2, false).of_ten(2, 10, 0, false).except(1, 1, 1, Some(2)).on(first());
    assert_eq!(project.of_control(1), ["0.9", "0.9", "1"]);
    let later = noon("2026-03-02");
    project.scan_on(later, 1, "eu-west-1", [9, 1, 0]).on(later);
    assert_eq!(project.of_control(1), ["0.9", "0.9", "1"], "one fails, and it is not told which");
}

#[test]
fn a_manual_test_and_single_places() {
    let mut project = Project::default();
    project.of_ten(2, 10, 0, false).control(1, Implementation::Implemented);
    project.say(Statement::TestStated {
        test: id(1),
        control: id(1),
        weight: "1".parse().unwrap(),
        key: true,
        validity_days: 90,
        check: None,
    });
    project.say(Statement::ManualResult {
        test: id(1),
        outcome: studio_controls::domain::score::Outcome::Failed,
        effective_from: first(),
        effective_to: None,
        collected_at: first(),
        recorded_at: first(),
        evidence: None,
    });
    assert_eq!(project.on(first()).of_control(1), ["0", "0", "1"]);
    let stated =
        |on| Exception { on, compensating: Some(id(2)), from: first(), until: noon("2026-03-20") };
    let exception = id(1);
    let manual = stated(Excepted::Manual { test: id(1) });
    project.say(Statement::ExceptionStated { exception, stated: manual });
    assert_eq!(project.on(first()).of_control(1), ["1", "1", "1"]);

    // Elsewhere the same resource still fails.
    let place = studio_controls::domain::score::Place {
        account: "1234".to_owned(),
        region: "eu-west-1".to_owned(),
    };
    project.control(3, Implementation::Implemented).test(3, 3, "1", false);
    for region in ["eu-west-1", "us-east-1"] {
        project.say(Statement::FailingChanged {
            check: "check-3".to_owned(),
            account: "1234".to_owned(),
            region: region.to_owned(),
            added: BTreeSet::from(["r1".to_owned()]),
            removed: BTreeSet::new(),
        });
        project.scan(3, region, [0, 1, 0]);
    }
    let here = Excepted::Resource {
        check: "check-3".to_owned(),
        resource: "r1".to_owned(),
        places: Some(BTreeSet::from([place])),
    };
    project.say(Statement::ExceptionStated { exception, stated: stated(here) });
    assert_eq!(project.on(first()).of_control(3), ["0.5", "0.5", "1"]);
    assert_eq!(project.of_control(1), ["0", "0", "1"], "the exception says something else now");
}

//! The worked examples of `docs/scores.md`, under the numbers that they have there.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test stops at what it does not expect"
)]

use std::collections::BTreeSet;

use studio_controls::domain::score::{
    Cap, ControlId, EvidenceRef, ExplainError, Fact, Implementation, Importance, Member, MemberKey,
    Model, Outcome, Reading, Statement, Strength, Triple, Verdict, WeightedRequirement,
};
use studio_kernel::{Id, Timestamp, id::Kind};

#[path = "score_examples/departures.rs"]
mod departures;
#[path = "score_examples/forecasts.rs"]
mod forecasts;
#[path = "score_examples/inheritance.rs"]
mod inheritance;
#[path = "score_examples/losses.rs"]
mod losses;

fn id<K: Kind>(number: u32) -> Id<K> {
    format!("{}_{number:032x}", K::PREFIX).parse().unwrap()
}

fn noon(day: &str) -> Timestamp {
    format!("{day}T12:00:00Z").parse().unwrap()
}

/// The day of the scans, 1 March 2026.
fn first() -> Timestamp {
    noon("2026-03-01")
}

fn evidence(version: u32) -> EvidenceRef {
    EvidenceRef { evidence: id(1), version, hash: format!("{version:064x}").parse().unwrap() }
}

/// A project that is told one thing after the other.
#[derive(Default)]
struct Project(Model);

impl Project {
    fn say(&mut self, statement: Statement) -> &mut Self {
        self.0.apply(&Fact::new(statement).unwrap());
        self
    }

    fn control(&mut self, control: u32, implementation: Implementation) -> &mut Self {
        self.say(Statement::ControlStated { control: id(control), implementation, retired: false })
    }

    /// A test of weight `weight` on a check of its own number, 30 days valid.
    fn test(&mut self, control: u32, test: u32, weight: &str, key: bool) -> &mut Self {
        self.say(Statement::TestStated {
            test: id(test),
            control: id(control),
            weight: weight.parse().unwrap(),
            key,
            validity_days: 30,
            check: Some(format!("check-{test}")),
        })
    }

    /// A scan of 1 March on evidence version 1, or version 2 in `us-east-1`.
    fn scan(&mut self, test: u32, region: &str, counts: [u32; 3]) -> &mut Self {
        self.scan_on(first(), test, region, counts)
    }

    fn scan_on(&mut self, on: Timestamp, test: u32, region: &str, counts: [u32; 3]) -> &mut Self {
        let [passed, failed, unknown] = counts;
        self.say(Statement::CheckSummarized {
            check: format!("check-{test}"),
            account: "1234".to_owned(),
            region: region.to_owned(),
            reading: Reading {
                rule_version: None,
                population: passed + failed + unknown,
                passed,
                failed,
                unknown,
                effective_from: on,
                effective_to: None,
                collected_at: on,
                recorded_at: on,
                evidence: Some(evidence(if region == "us-east-1" { 2 } else { 1 })),
            },
        })
    }

    /// A control with one test and one scan.
    fn scanned(&mut self, control: u32, counts: [u32; 3]) -> &mut Self {
        self.control(control, Implementation::Implemented).test(control, control, "1", false).scan(
            control,
            "eu-west-1",
            counts,
        )
    }

    fn depends(&mut self, control: u32, on: u32, strength: Strength) -> &mut Self {
        self.say(Statement::DependencyStated { control: id(control), on: id(on), strength })
    }

    fn member(&mut self, requirement: u32, control: u32, share: &str) -> &mut Self {
        self.say(Statement::MemberStated {
            requirement: id(requirement),
            member: Member::Control(id(control)),
            share: share.parse().unwrap(),
        })
    }

    fn on(&mut self, at: Timestamp) -> &mut Self {
        self.0.recompute(at).unwrap();
        self
    }

    fn of_control(&self, control: u32) -> [String; 3] {
        shown(self.0.control(id(control)).unwrap().value)
    }

    fn of_test(&self, test: u32) -> [String; 3] {
        let explained = self.0.explain_control(id(1)).unwrap();
        let line = explained.tests.into_iter().find(|line| line.test == id(test));
        shown(line.unwrap().value)
    }

    fn of_requirement(&self, requirement: u32) -> [String; 3] {
        shown(self.0.requirement(id(requirement)).unwrap().value)
    }

    fn headline(&self) -> String {
        self.0.framework(id(1)).unwrap().headline()
    }
}

fn shown(value: Triple) -> [String; 3] {
    [value.lo, value.hi, value.decided].map(|number| number.to_string())
}

#[test]
fn example_1_a_pass_grows_old() {
    let mut project = Project::default();
    project.scanned(1, [1, 0, 0]);
    for (day, f) in [
        ("2026-03-01", "1"),
        ("2026-03-31", "1"),
        ("2026-04-01", "0.866666666667"),
        ("2026-04-03", "0.6"),
        ("2026-04-07", "0.066666666667"),
        ("2026-04-08", "0"),
    ] {
        project.on(noon(day));
        assert_eq!(project.of_control(1), [f, "1", f], "{day}");
    }
    project.on(first());
    assert_eq!(project.0.next_change(), Some("2026-04-01T00:00:00Z".parse().unwrap()));
}

/// Examples 2 and 3 begin alike.
fn two_regions() -> Project {
    let mut project = Project::default();
    project
        .control(1, Implementation::Implemented)
        .test(1, 1, "1", false)
        .scan(1, "eu-west-1", [8, 2, 0])
        .scan(1, "us-east-1", [6, 1, 3]);
    project
}

#[test]
fn example_2_a_test_over_two_regions() {
    let mut project = two_regions();
    assert_eq!(project.on(first()).of_test(1), ["0.7", "0.85", "0.85"]);
    // The second region is scanned again, with the same result; the first grows old.
    let later = noon("2026-04-03");
    project.scan_on(later, 1, "us-east-1", [6, 1, 3]);
    assert_eq!(project.on(later).of_test(1), ["0.54", "0.85", "0.69"]);
    // An older observation that comes late does not override the newer one.
    project.scan_on(noon("2026-03-20"), 1, "us-east-1", [0, 10, 0]);
    assert_eq!(project.on(later).of_test(1), ["0.54", "0.85", "0.69"]);
}

#[test]
fn example_3_rejected_evidence_proves_nothing() {
    let mut project = two_regions();
    project.on(first()).say(Statement::EvidenceRejected { evidence: id(1), version: 1 });
    assert_eq!(project.on(first()).of_test(1), ["0.3", "0.85", "0.45"]);
}

#[test]
fn example_4_a_control_from_its_tests() {
    let mut project = Project::default();
    project
        .control(1, Implementation::Implemented)
        .test(1, 1, "3", false)
        .scan(1, "eu-west-1", [6, 1, 3])
        .test(1, 2, "1", false)
        .scan(2, "eu-west-1", [5, 0, 0]);
    assert_eq!(project.on(first()).of_control(1), ["0.7", "0.925", "0.775"]);
    project.control(1, Implementation::Partial);
    assert_eq!(project.on(first()).of_control(1), ["0.35", "0.4625", "0.775"]);
    project.control(1, Implementation::Planned);
    assert_eq!(project.on(first()).of_control(1), ["0", "0", "0.775"]);
    project.control(2, Implementation::Implemented);
    assert_eq!(project.on(first()).of_control(2), ["0", "1", "0"]);

    project.control(1, Implementation::Implemented).test(1, 1, "3", true);
    assert_eq!(project.on(first()).of_control(1), ["0.49", "0.49", "0.775"]);
    let caps = project.0.explain_control(id(1)).unwrap().caps;
    let test = id(1);
    assert_eq!(caps, [Cap::KeyTestFailing { test }, Cap::KeyTestUndecided { test }]);
}

#[test]
fn example_5_a_chain_is_as_strong_as_its_worst_path() {
    let mut project = Project::default();
    project
        .scanned(1, [10, 0, 0])
        .scanned(2, [8, 2, 0])
        .scanned(3, [4, 6, 0])
        .depends(1, 2, Strength::Full)
        .depends(1, 3, Strength::Half)
        .depends(3, 1, Strength::Weak)
        .on(first());
    assert_eq!(project.of_control(1), ["0.7", "0.7", "1"]);
    assert_eq!(project.of_control(2), ["0.8", "0.8", "1"]);
    assert_eq!(project.of_control(3), ["0.4", "0.4", "1"]);
    let path = project.0.explain_control(id(1)).unwrap().limited_lo.steps;
    let step = |at: usize| (path[at].control, path[at].strength, path[at].own.to_string());
    assert_eq!(path.len(), 2);
    assert_eq!(step(0), (id(1), Some(Strength::Half), "1".to_owned()));
    assert_eq!(step(1), (id(3), None, "0.4".to_owned()));

    project.say(Statement::ControlStated {
        control: id(2),
        implementation: Implementation::Implemented,
        retired: true,
    });
    assert_eq!(project.on(first()).of_control(1), ["0", "0", "1"]);
    project.say(Statement::DependencyRemoved { control: id(1), on: id(2) });
    assert_eq!(project.on(first()).of_control(1), ["0.7", "0.7", "1"]);
}

#[test]
fn example_6_a_requirement_from_its_members() {
    let mut project = Project::default();
    project.scanned(1, [8, 1, 1]).scanned(2, [6, 2, 2]).control(3, Implementation::Implemented);
    project.member(1, 1, "0.5").on(first());
    assert_eq!(project.of_requirement(1), ["0.4", "0.95", "0.45"]);
    project.member(2, 1, "1").member(2, 2, "0.5").on(first());
    assert_eq!(project.of_requirement(2), ["0.733333333333", "0.866666666667", "0.866666666667"]);
    project.say(Statement::MemberStated {
        requirement: id(3),
        member: Member::AnyOf {
            group: "second factor".to_owned(),
            controls: BTreeSet::from([id(1), id(2), id(3)] as [ControlId; 3]),
        },
        share: "1".parse().unwrap(),
    });
    assert_eq!(project.on(first()).of_requirement(3), ["0.8", "1", "0.9"]);
    let line = project.0.explain_requirement(id(3)).unwrap().members.remove(0);
    assert_eq!(line.member, MemberKey::Group("second factor".to_owned()));
    assert_eq!((line.decisive, line.controls.len()), (id(1), 3));
}

/// Example 7, the small company.
fn small_company() -> Project {
    let mut project = Project::default();
    let requirement =
        |number, importance| WeightedRequirement { requirement: id(number), importance };
    project
        .say(Statement::FrameworkAdopted {
            framework: id(1),
            requirements: vec![
                requirement(1, Importance::Critical),
                requirement(2, Importance::High),
                requirement(3, Importance::Normal),
            ],
        })
        .control(1, Implementation::Implemented)
        .control(2, Implementation::Implemented)
        .test(1, 1, "1", false)
        .test(2, 2, "1", false)
        .member(1, 1, "1")
        .member(2, 2, "1");
    project
}

#[test]
fn example_7_a_small_company() {
    let mut project = small_company();
    assert_eq!(
        project.on(first()).headline(),
        "0.0 [0.0–100.0], coverage 0 %, 0 satisfied / 0 not / 3 undetermined"
    );
    project.scan(1, "eu-west-1", [20, 0, 0]).scan(2, "eu-west-1", [2, 1, 1]);
    assert_eq!(
        project.on(first()).headline(),
        "66.6 [66.6–91.7], coverage 75 %, 1 satisfied / 1 not / 1 undetermined"
    );

    let explained = project.0.explain_framework(id(1)).unwrap();
    let value = explained.score.value.unwrap();
    assert_eq!(value.lo.to_string(), "66.666666666667");
    assert_eq!(value.hi.to_string(), "91.666666666667");
    let lost = |at: usize| {
        let line = &explained.requirements[at];
        (line.lost_lo.to_string(), line.lost_hi.to_string(), line.contributions.score.verdict)
    };
    let points = |lo: &str, hi: &str, verdict| (lo.to_owned(), hi.to_owned(), verdict);
    assert_eq!(lost(0), points("0", "0", Verdict::Satisfied));
    assert_eq!(lost(1), points("16.666666666667", "8.333333333333", Verdict::OtherThanSatisfied));
    assert_eq!(lost(2), points("16.666666666666", "0", Verdict::Undetermined));

    let backup = &explained.requirements[1].contributions.members[0].controls[0];
    let summary = &backup.tests[0].summaries[0];
    assert_eq!(summary.reading.evidence, Some(evidence(1)));
    assert_eq!((summary.age_days, summary.freshness.to_string()), (0, "1".to_owned()));
    assert_eq!((summary.reading.passed, summary.reading.population), (2, 4));
}

#[test]
fn example_8_time_passes() {
    let mut project = small_company();
    project.scan(1, "eu-west-1", [20, 0, 0]).scan(2, "eu-west-1", [2, 1, 1]).on(first());
    assert_eq!(
        project.on(noon("2026-04-03")).headline(),
        "40.0 [40.0–91.7], coverage 48 %, 0 satisfied / 1 not / 2 undetermined"
    );
    assert_eq!(
        project.on(noon("2027-03-01")).headline(),
        "0.0 [0.0–91.7], coverage 8 %, 0 satisfied / 1 not / 2 undetermined"
    );
    assert_eq!(project.0.next_change(), None);
}

#[test]
fn example_9_a_test_done_by_hand() {
    let mut project = Project::default();
    project.control(1, Implementation::Implemented).say(Statement::TestStated {
        test: id(1),
        control: id(1),
        weight: "1".parse().unwrap(),
        key: true,
        validity_days: 90,
        check: None,
    });
    let result = |outcome, until| Statement::ManualResult {
        test: id(1),
        outcome,
        effective_from: first(),
        effective_to: until,
        collected_at: first(),
        recorded_at: noon("2026-03-10"),
        evidence: None,
    };
    assert_eq!(project.on(first()).of_control(1), ["0", "1", "0"]);
    project.say(result(Outcome::Passed, None));
    assert_eq!(project.on(noon("2026-05-30")).of_control(1), ["1", "1", "1"]);
    // A day past its validity the pass is not whole, and a key test must be.
    assert_eq!(project.on(noon("2026-05-31")).of_control(1), ["0.49", "1", "0.955555555556"]);
    project.say(result(Outcome::Failed, None));
    assert_eq!(project.on(noon("2027-05-30")).of_control(1), ["0", "0", "1"]);
}

/// Example 15: a pass of 1 March that is signed off on 20 March, and a failure of the 10th.
#[test]
fn example_15_a_pass_that_is_signed_off_is_as_old_as_it_was() {
    let mut project = Project::default();
    project.control(1, Implementation::Implemented).say(Statement::TestStated {
        test: id(1),
        control: id(1),
        weight: "1".parse().unwrap(),
        key: false,
        validity_days: 30,
        check: None,
    });
    let result = |outcome, day| Statement::ManualResult {
        test: id(1),
        outcome,
        effective_from: noon(day),
        effective_to: None,
        collected_at: noon(day),
        recorded_at: noon(day),
        evidence: None,
    };
    // Until the 20th nothing is said of it; then it is told with the times of its recording.
    assert_eq!(project.on(noon("2026-03-20")).of_control(1), ["0", "1", "0"]);
    project.say(result(Outcome::Passed, "2026-03-01"));
    assert_eq!(project.on(noon("2026-03-20")).of_control(1), ["1", "1", "1"]);
    assert_eq!(project.on(noon("2026-04-03")).of_control(1), ["0.6", "1", "0.6"]);
    // A failure of the 10th counts at once, and before a pass that was recorded earlier.
    project.say(result(Outcome::Failed, "2026-03-10"));
    assert_eq!(project.on(noon("2026-04-03")).of_control(1), ["0", "0", "1"]);
    project.say(result(Outcome::Passed, "2026-03-05"));
    assert_eq!(project.on(noon("2026-04-03")).of_control(1), ["0", "0", "1"]);
    // The test is retired: what it knew goes with it, good or bad.
    project.say(Statement::TestRemoved { test: id(1) });
    assert_eq!(project.on(noon("2026-04-03")).of_control(1), ["0", "1", "0"]);
}

#[test]
fn an_explanation_is_of_what_is_known_and_up_to_date() {
    let mut project = small_company();
    assert_eq!(project.0.explain_framework(id(1)), Err(ExplainError::Outdated));
    project.on(first());
    assert_eq!(project.0.explain_framework(id(2)), Err(ExplainError::Unknown));
    assert_eq!(project.0.explain_requirement(id(9)), Err(ExplainError::Unknown));
    assert_eq!(project.0.explain_control(id(9)), Err(ExplainError::Unknown));
    project.control(2, Implementation::Partial);
    assert_eq!(project.0.explain_control(id(1)), Err(ExplainError::Outdated));
}

#[test]
fn a_requirement_that_no_framework_has_and_nobody_meets_is_not_scored() {
    let mut project = small_company();
    assert!(project.on(first()).0.requirement(id(3)).is_some());
    project.say(Statement::FrameworkAdopted { framework: id(1), requirements: Vec::new() });
    assert_eq!(project.on(first()).0.requirement(id(3)), None);
    assert!(project.0.requirement(id(1)).is_some(), "a control still meets it");
    assert_eq!(project.headline(), "no requirement applies");
}

#[test]
fn after_compacting_the_past_is_refused() {
    let mut project = small_company();
    project.on(first()).0.compact();
    let error = project.0.recompute(noon("2026-02-01")).unwrap_err();
    assert!(error.to_string().contains("replay the project's events"), "{error}");
    assert_eq!(project.0.recompute_all(noon("2026-02-01")), Err(error));
    project.on(noon("2026-03-02"));
}

use std::sync::Arc;

use studio_kernel::{
    DomainEvent, Env, FixedEntropy, ManualClock, Payload,
    published::evidence::{CheckResultsRecorded, CheckSummary},
};

use super::{
    events::{
        CheckResultsMatched, CheckSummariesRecorded, ChecksSeen, ControlTestAdded, ProjectCreated,
    },
    *,
};
use crate::domain::{
    catalog::{self, shipped},
    framework::{self, Framework},
    score::{Implementation, LONGEST_RESOURCE, Statement},
};

struct Ids(Env);

impl NewIds for Ids {
    fn control(&mut self) -> ControlId {
        self.0.id()
    }

    fn test(&mut self) -> TestId {
        self.0.id()
    }
}

struct Case {
    ids: Ids,
    id: ProjectId,
    project: Project,
    catalogs: Catalogs,
}

/// A project that adopted SOC 2 with a control for each requirement.
fn case() -> Case {
    let env = Env::new(ManualClock::at(Timestamp::default()), FixedEntropy::seeded(3));
    let catalog = catalog::read(shipped("soc2").unwrap().document, usize::MAX).unwrap();
    let mut soc2 = Framework::default();
    for event in framework::import(env.id(), "a".repeat(64), catalog, || env.id()) {
        soc2.apply(&event, Timestamp::default());
    }
    let imported = soc2.imported.as_ref().unwrap().framework;
    let catalogs = Catalogs::from([(imported, Arc::new(soc2.index().unwrap()))]);
    let (id, mut ids) = (env.id(), Ids(env));
    let mut project = Project::default();
    let created = project.create(id, " Payments ").unwrap();
    apply(&mut project, &created);
    let adoption = Adoption { one_control_each: true, implementation: Implementation::Implemented };
    let adopted = project.adopt(id, &soc2, adoption, &catalogs, &mut ids).unwrap();
    assert_eq!(adopted.len(), 1, "an adoption is one event");
    apply(&mut project, &adopted);
    Case { ids, id, project, catalogs }
}

fn apply(project: &mut Project, events: &[ProjectEvent]) {
    for event in events {
        // As it comes back from the log.
        let payload = event.to_payload().unwrap().to_string();
        let read =
            ProjectEvent::decode(event.event_type(), event.schema_version(), &payload).unwrap();
        project.apply(&read, Timestamp::default());
    }
}

fn results(case: &Case, checks: &[(&str, &[&str])]) -> CheckResultsRecorded {
    CheckResultsRecorded {
        project: case.id,
        run: case.ids.0.id(),
        evidence: case.ids.0.id(),
        evidence_version: 1,
        evidence_hash: "0".repeat(64),
        uploaded_by: None,
        summaries: checks
            .iter()
            .map(|(check, ids)| CheckSummary {
                rule_version: None,
                check: (*check).to_owned(),
                title: (*check).to_owned(),
                severity: "low".to_owned(),
                account: "1".to_owned(),
                region: "global".to_owned(),
                population: 3,
                passed: 1,
                failed: 1,
                unknown: 1,
                failing_added: Vec::new(),
                failing_removed: Vec::new(),
                effective_from: Timestamp::default(),
                effective_to: None,
                collected_at: Timestamp::default(),
                requirements: [
                    ("SOC2".to_owned(), ids.iter().map(|id| (*id).to_owned()).collect()),
                    ("PCI-4.0".to_owned(), vec!["1.2".to_owned()]),
                    ("Unheard-Of".to_owned(), vec!["x".to_owned()]),
                ]
                .into(),
            })
            .collect(),
    }
}

fn taken_in(case: &mut Case, results: &CheckResultsRecorded) -> Vec<ProjectEvent> {
    taken_in_from(case, results, 9)
}

fn taken_in_from(
    case: &mut Case,
    results: &CheckResultsRecorded,
    position: i64,
) -> Vec<ProjectEvent> {
    let from = TakenIn { event: case.ids.0.id(), position };
    let taken = take_in(&case.project, results, from, &case.catalogs, &mut case.ids).unwrap();
    assert!(!taken.part);
    apply(&mut case.project, &taken.events);
    taken.events
}

fn of_type<P: Payload>(events: &[ProjectEvent]) -> Vec<P> {
    let wanted = events.iter().filter(|event| event.event_type() == P::TYPE);
    wanted.map(|event| serde_json::from_value(event.to_payload().unwrap()).unwrap()).collect()
}

#[test]
fn results_make_one_test_for_each_control_and_check() {
    let mut case = case();
    let scan = results(&case, &[("a", &["cc_6_1", "cc_7_2", "cc_9_9"]), ("b", &["cc_6_1"])]);
    let events = taken_in(&mut case, &scan);
    let tests: Vec<ControlTestAdded> = of_type(&events);
    assert_eq!(tests.len(), 3);
    assert!(tests.iter().all(|test| (test.weight, test.key, test.validity_days) == (1, false, 30)));
    let [matched] = &of_type::<CheckResultsMatched>(&events)[..] else { panic!("one answer") };
    assert_eq!((matched.tests_added, matched.summaries_recorded), (3, 2));
    let unmatched = [("SOC2".to_owned(), vec!["cc_9_9".to_owned()])].into();
    assert_eq!(matched.unmatched, unmatched, "what is not adopted is not listed");
    let kept: Vec<&String> = case.project.checks["a"].requirements.keys().collect();
    assert_eq!(kept, ["PCI-4.0", "SOC2"], "frameworks of no known family are not kept");
    let again = taken_in(&mut case, &scan);
    assert!(of_type::<ControlTestAdded>(&again).is_empty());
}

#[test]
fn a_dead_letter_says_nothing_over_newer_results() {
    let mut case = case();
    let titled = |case: &Case, title: &str, checks: &[(&str, &[&str])]| {
        let mut scan = results(case, checks);
        scan.summaries.iter_mut().for_each(|summary| title.clone_into(&mut summary.title));
        scan
    };
    let now = titled(&case, "Now", &[("a", &["cc_6_1"])]);
    taken_in_from(&mut case, &now, 9);
    // They say the same, and are newer than what is taken again after them.
    assert!(of_type::<ChecksSeen>(&taken_in_from(&mut case, &now, 14)).is_empty());
    let known = case.project.checks["a"].clone();
    let late = titled(&case, "Before", &[("a", &["cc_7_2"]), ("b", &["cc_7_2"])]);
    let events = taken_in_from(&mut case, &late, 12);
    let [seen] = &of_type::<ChecksSeen>(&events)[..] else { panic!("b is new") };
    assert_eq!(seen.checks.keys().collect::<Vec<_>>(), ["b"]);
    assert_eq!(case.project.checks["a"], known);
    assert_eq!(case.project.checks["b"].title, "Before");
    let newest = titled(&case, "After", &[("a", &["cc_7_2"])]);
    taken_in_from(&mut case, &newest, 15);
    assert_eq!(case.project.checks["a"].title, "After");
}

/// So many checks that each name these ids.
fn wide(case: &Case, checks: usize) -> CheckResultsRecorded {
    const IDS: &[&str] = &["cc_1_1", "cc_2_1", "cc_3_1", "cc_6_1", "cc_6_2", "cc_6_3", "cc_7_2"];
    let checks: Vec<String> = (0..checks).map(|number| format!("check_{number}")).collect();
    let named: Vec<(&str, &[&str])> = checks.iter().map(|check| (&**check, IDS)).collect();
    results(case, &named)
}

#[test]
fn results_that_make_many_tests_are_taken_in_by_parts() {
    let mut case = case();
    let scan = wide(&case, 1_500);
    let from = TakenIn { event: case.ids.0.id(), position: 9 };
    let mut added = BTreeSet::new();
    for (tests, part) in [(5_000, true), (5_000, true), (500, false)] {
        let taken = take_in(&case.project, &scan, from, &case.catalogs, &mut case.ids).unwrap();
        assert_eq!(taken.part, part);
        assert!(taken.events.len() <= MOST_TESTS_AT_ONCE + 4);
        let new: Vec<ControlTestAdded> = of_type(&taken.events);
        assert_eq!(new.len(), tests);
        added.extend(new.into_iter().map(|test| (test.control, test.check)));
        let answers: Vec<CheckResultsMatched> = of_type(&taken.events);
        let told: Vec<u32> = answers.iter().map(|answer| answer.tests_added).collect();
        assert_eq!(told, if part { vec![] } else { vec![10_500] }, "told once, at the end");
        apply(&mut case.project, &taken.events);
        assert_eq!(case.project.taking_in.is_some(), part);
    }
    assert_eq!(added.len(), 10_500, "one for each control and check");
    let again = take_in(&case.project, &scan, from, &case.catalogs, &mut case.ids).unwrap();
    let [matched] = &of_type::<CheckResultsMatched>(&again.events)[..] else { panic!("one") };
    assert_eq!((again.part, matched.tests_added), (false, 0));
}

#[test]
fn a_retired_control_gets_no_test() {
    let mut case = case();
    let scan = results(&case, &[("a", &["cc_6_1"])]);
    let mut other = case.project.clone();
    let control = *other.controls.iter().find(|(_, control)| control.code == "CC6.1").unwrap().0;
    let retired = other.retire_control(case.id, control, 1, "Replaced").unwrap();
    apply(&mut other, &retired);
    std::mem::swap(&mut case.project, &mut other);
    assert!(of_type::<ControlTestAdded>(&taken_in(&mut case, &scan)).is_empty());
}

#[test]
fn counts_that_do_not_add_up_are_refused_whole() {
    let mut case = case();
    let mut scan = results(&case, &[("a", &["cc_6_1"]), ("b", &["cc_6_1"])]);
    scan.summaries[1].passed = 7;
    let from = TakenIn { event: case.ids.0.id(), position: 9 };
    let refused = take_in(&case.project, &scan, from, &case.catalogs, &mut case.ids);
    assert!(refused.unwrap_err().to_string().contains("must add up"));
}

/// Logs from before there were exceptions do not name the resources that fail.
#[test]
fn summaries_say_which_resources_fail_where_that_is_known() {
    let mut case = case();
    let mut scan = results(&case, &[("a", &["cc_6_1"])]);
    let told = |events: &[ProjectEvent]| {
        let [recorded] = &of_type::<CheckSummariesRecorded>(events)[..] else { panic!("one") };
        let text = serde_json::to_string(recorded).unwrap();
        let read = ProjectEvent::decode(CheckSummariesRecorded::TYPE, 1, &text).unwrap();
        let facts = facts(&read, Timestamp::default()).unwrap();
        (text.contains("failing"), facts)
    };
    let (named, facts) = told(&taken_in(&mut case, &scan));
    assert!(!named, "where nothing is named, it is written as it was before");
    assert_eq!(facts.len(), 1);
    let endless = "x".repeat(LONGEST_RESOURCE + 1);
    scan.summaries[0].failing_added = vec!["arn:one".to_owned(), String::new(), endless];
    let (named, facts) = told(&taken_in(&mut case, &scan));
    assert!(named);
    let [changed, _counted] = &facts[..] else { panic!("{facts:?}") };
    let Statement::FailingChanged { added, removed, .. } = changed.statement() else {
        panic!("{changed:?}")
    };
    assert_eq!((added.len(), removed.len()), (1, 0), "what is no name is left out");
}

#[test]
fn a_state_survives_its_snapshot() {
    let mut case = case();
    let scan = results(&case, &[("a", &["cc_6_1"])]);
    taken_in(&mut case, &scan);
    let text = serde_json::to_string(&case.project).unwrap();
    let read: Project = serde_json::from_str(&text).unwrap();
    assert_eq!(serde_json::to_string(&read).unwrap(), text);
    assert_eq!(read.controls, case.project.controls);
}

#[test]
fn names_are_trimmed_and_must_be_there() {
    let project = Project::default();
    let id = case().id;
    let created: Vec<ProjectCreated> = of_type(&project.create(id, " Payments ").unwrap());
    assert_eq!(created[0].name, "Payments");
    for bad in ["", "  ", "two\nlines", &"x".repeat(121)] {
        assert!(matches!(project.create(id, bad), Err(Refused::Line { field: "name", .. })));
    }
}

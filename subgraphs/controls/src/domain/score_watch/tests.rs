use std::collections::BTreeMap;

use super::*;
use crate::domain::{
    score::Fixed,
    score_log::{Cause, ScoreChanged, ScoreEvent, ScoreLog, ScoreNumbers, Values},
};

fn fixed(text: &str) -> Fixed {
    text.parse().unwrap()
}

fn framework() -> FrameworkId {
    "frw_00000000000000000000000000000001".parse().unwrap()
}

fn project() -> ProjectId {
    "prj_00000000000000000000000000000001".parse().unwrap()
}

fn alert() -> AlertId {
    "sal_00000000000000000000000000000001".parse().unwrap()
}

fn person() -> UserId {
    "usr_00000000000000000000000000000001".parse().unwrap()
}

fn noon(day: i64) -> Timestamp {
    Timestamp::default().plus_days(20_000 + day).plus_seconds(43_200)
}

fn adopted() -> Project {
    let frameworks = BTreeMap::from([(framework(), "a".to_owned())]);
    Project { frameworks, ..Project::default() }
}

/// A log and a watch that go on from one score to the next.
#[derive(Default)]
struct Lives {
    log: ScoreLog,
    watch: ScoreWatch,
}

impl Lives {
    fn with(when: Condition) -> Self {
        let mut lives = Self::default();
        let terms = AlertTerms { name: "Low".to_owned(), when };
        let of = &adopted();
        let created =
            lives.watch.create_alert((of, project(), framework()), alert(), terms, None).unwrap();
        lives.say(&created);
        lives
    }

    fn say(&mut self, events: &[ScoreWatchEvent]) {
        for event in events {
            self.watch.apply(event, noon(0));
        }
    }

    /// The score becomes that, and what it raises and clears: `+` and `-` with the how many-th time.
    fn score(&mut self, day: i64, lo: &str, coverage: &str) -> Vec<String> {
        let value = Values { lo: fixed(lo), hi: fixed("100"), coverage: fixed(coverage) };
        let now = ScoreNumbers {
            formula: 1,
            value: Some(value),
            satisfied: 0,
            other_than_satisfied: 0,
            undetermined: 1,
        };
        let changed = ScoreChanged {
            project: project(),
            framework: framework(),
            as_of: noon(day),
            at: noon(day),
            through: 1,
            before: self.log.newest.get(&framework()).cloned(),
            now,
            causes: Vec::new(),
            cause_count: 0,
        };
        self.log.take(&changed.into());
        self.look(day)
    }

    fn look(&mut self, day: i64) -> Vec<String> {
        let causes: &[Cause] = &[];
        let moment = Moment { project: project(), at: noon(day), causes, cause_count: 0 };
        let told = judge(&mut self.log, &self.watch, moment);
        // Asked twice, there is nothing more.
        assert!(judge(&mut self.log, &self.watch, moment).is_empty());
        let shown = told.into_iter().map(|event| match event {
            ScoreEvent::ScoreAlertRaised(raised) => format!("+{}", raised.raising),
            ScoreEvent::ScoreAlertCleared(cleared) => format!("-{}", cleared.raising),
            ScoreEvent::ScoreChanged(_) => unreachable!("no score is made here"),
        });
        shown.collect()
    }
}

#[test]
fn an_alert_is_raised_once_and_cleared_by_a_margin() {
    let mut lives = Lives::with(Condition::Below { score: fixed("80") });
    assert!(lives.look(0).is_empty(), "there is no score yet");
    let scores = [
        ("80", ""),
        // What no reader sees is no fall.
        ("79.999999999999", ""),
        ("79.9", "+1"),
        ("60", ""),
        ("80", ""),
        ("80.4", ""),
        ("79.9", ""),
        ("80.5", "-1"),
        ("79.9", "+2"),
        ("100", "-2"),
    ];
    for (lo, told) in scores {
        assert_eq!(lives.score(1, lo, "1").concat(), told, "{lo}");
    }
}

#[test]
fn an_alert_at_the_top_is_cleared_at_the_top() {
    let mut lives = Lives::with(Condition::Below { score: fixed("99.8") });
    assert_eq!(lives.score(1, "99", "1"), ["+1"]);
    assert!(lives.score(1, "99.9", "1").is_empty());
    assert_eq!(lives.score(1, "100", "1"), ["-1"]);
}

#[test]
fn coverage_has_a_margin_of_half_a_hundredth() {
    let mut lives = Lives::with(Condition::CoverageBelow { coverage: fixed("0.9") });
    for (coverage, told) in [("0.89", "+1"), ("0.904", ""), ("0.905", "-1"), ("0.9", "")] {
        assert_eq!(lives.score(1, "50", coverage).concat(), told, "{coverage}");
    }
}

#[test]
fn a_drop_is_measured_from_the_highest_score_of_the_last_days() {
    let mut lives = Lives::with(Condition::DropsBy { points: fixed("10"), within_days: 7 });
    for (day, lo, told) in [
        (0, "50", ""),
        (1, "90", ""),
        (2, "85", ""),
        (3, "80.1", ""),
        (4, "80", "+1"),
        // Back to less than ten points below 90, by the margin.
        (5, "80.4", ""),
        (6, "80.5", "-1"),
        (8, "80.2", ""),
        // 90 gave way on day 2: on day 9 it is seven days back, on day 10 it is not looked at.
        (9, "79", "+2"),
    ] {
        assert_eq!(lives.score(day, lo, "1").concat(), told, "day {day}");
    }
    assert_eq!(lives.look(10), ["-2"], "85 was live on day 3: six points are lost");
    assert_eq!(lives.score(11, "70", "1"), ["+3"], "80.5 was live on day 8");
}

#[test]
fn the_highest_scores_are_kept_for_as_long_as_alerts_look_back() {
    let mut lives = Lives::default();
    for day in 0..400 {
        lives.score(day, if day % 2 == 0 { "50" } else { "60" }, "1");
    }
    assert_eq!(lives.log.highest[&framework()].len(), 91);
    let json = serde_json::to_string(&lives.log).unwrap();
    let read: ScoreLog = serde_json::from_str(&json).unwrap();
    assert_eq!(read.highest, lives.log.highest);
}

#[test]
fn an_alert_that_is_removed_is_cleared_and_one_that_changes_is_looked_at_anew() {
    let mut lives = Lives::with(Condition::Below { score: fixed("80") });
    assert_eq!(lives.score(1, "70", "1"), ["+1"]);
    let lower =
        AlertTerms { name: "Low".to_owned(), when: Condition::Below { score: fixed("60") } };
    let changed = lives.watch.change_alert(project(), alert(), 1, lower.clone(), None).unwrap();
    lives.say(&changed);
    assert_eq!(lives.look(1), ["-1"]);
    assert_eq!(lives.score(2, "50", "1"), ["+2"]);
    let same = lives.watch.change_alert(project(), alert(), 2, lower, None).unwrap();
    assert!(same.is_empty());
    let removed = lives.watch.remove_alert(project(), alert(), 2, None).unwrap();
    lives.say(&removed);
    assert_eq!(lives.look(2), ["-2"]);
    assert!(lives.score(3, "1", "0").is_empty());
}

#[test]
fn only_what_is_raised_is_acknowledged_and_once() {
    let mut lives = Lives::with(Condition::Below { score: fixed("80") });
    let acknowledge = |lives: &Lives, raising: u32| {
        lives.watch.acknowledge_alert(project(), alert(), raising, &lives.log, person())
    };
    assert_eq!(acknowledge(&lives, 1).unwrap_err(), Refused::NotRaised { given: 1 });
    lives.score(1, "70", "1");
    assert_eq!(acknowledge(&lives, 2).unwrap_err(), Refused::NotRaised { given: 2 });
    let done = acknowledge(&lives, 1).unwrap();
    lives.say(&done);
    assert_eq!(acknowledge(&lives, 1).unwrap_err(), Refused::Acknowledged);
    lives.score(2, "90", "1");
    lives.score(3, "70", "1");
    assert_eq!(acknowledge(&lives, 1).unwrap_err(), Refused::NotRaised { given: 1 });
    assert_eq!(acknowledge(&lives, 2).unwrap().len(), 1);
}

#[test]
fn what_no_score_can_be_is_refused() {
    let (state, watch) = (adopted(), ScoreWatch::default());
    let of = (&state, project(), framework());
    let by = (noon(0), None);
    let terms = TargetTerms { score: fixed("80"), coverage: None, by: noon(1) };
    let set = |terms| watch.set_target(of, terms, 0, by).map(|events| events.len());
    assert_eq!(set(terms), Ok(1));
    let no = fixed("0");
    for (terms, field) in [
        (TargetTerms { score: no, ..terms }, "score"),
        (TargetTerms { score: fixed("100.1"), ..terms }, "score"),
        (TargetTerms { coverage: Some(no), ..terms }, "coverage"),
        (TargetTerms { coverage: Some(fixed("1.1")), ..terms }, "coverage"),
        (TargetTerms { by: noon(0), ..terms }, "by"),
    ] {
        let refused = set(terms).unwrap_err();
        assert_eq!((refused.code(), refused.field()), ("INVALID", field), "{refused}");
    }
    let stale = watch.set_target(of, terms, 1, by).unwrap_err();
    assert_eq!(stale.code(), "CONFLICT");
    let other: FrameworkId = "frw_00000000000000000000000000000002".parse().unwrap();
    let elsewhere = watch.set_target((&state, project(), other), terms, 0, by).unwrap_err();
    assert_eq!(elsewhere, Refused::NotAdopted(other));
    let gone = watch.remove_target(project(), framework(), 1, None).unwrap_err();
    assert_eq!(gone, Refused::NoTarget(framework()));

    let create = |name: &str, when| {
        let terms = AlertTerms { name: name.to_owned(), when };
        watch.create_alert(of, alert(), terms, None).map(|events| events.len())
    };
    let below = Condition::Below { score: fixed("1") };
    assert_eq!(create(" Low ", below), Ok(1));
    for (name, when) in [
        ("", below),
        ("a\nb", below),
        ("a", Condition::Below { score: no }),
        ("a", Condition::CoverageBelow { coverage: fixed("2") }),
        ("a", Condition::DropsBy { points: fixed("101"), within_days: 1 }),
        ("a", Condition::DropsBy { points: fixed("1"), within_days: 0 }),
        ("a", Condition::DropsBy { points: fixed("1"), within_days: 91 }),
    ] {
        assert_eq!(create(name, when).unwrap_err().code(), "INVALID", "{name} {when:?}");
    }
    let mut full = ScoreWatch::default();
    let created = watch
        .create_alert(of, alert(), AlertTerms { name: "a".to_owned(), when: below }, None)
        .unwrap();
    full.apply(&created[0], noon(0));
    let one = full.alerts[&alert()].clone();
    full.alerts
        .extend((2..=100_u32).map(|n| (format!("sal_{n:032x}").parse().unwrap(), one.clone())));
    let terms = AlertTerms { name: "a".to_owned(), when: below };
    assert_eq!(full.create_alert(of, alert(), terms, None).unwrap_err(), Refused::TooMany(100));
}

//! Rule 9 and its example in `docs/scores.md`; and what moves a score, step by step: against replays of
//! random histories.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test stops at what it does not expect"
)]

use proptest::prelude::*;
use studio_controls::domain::score::{
    ControlId, Days, Difference, Fact, Fixed, FrameworkScore, Gap, Held, Implementation, Model,
    Outcome, Passed, Statement, TestId, Walk, courses, least,
};
use studio_kernel::{Day, Timestamp};

#[path = "score_support/mod.rs"]
#[allow(dead_code, reason = "the formula is what the other properties are held against")]
mod score_support;
use score_support::{Step, controls, frameworks, history, requirements, start};

fn noon(day: &str) -> Timestamp {
    format!("{day}T12:00:00Z").parse().unwrap()
}

fn days(first: &str, last: &str) -> Days {
    Days { first: noon(first).day(), last: noon(last).day() }
}

#[test]
fn the_example_of_a_period() {
    let control: ControlId = "ctl_00000000000000000000000000000001".parse().unwrap();
    let test: TestId = "tst_00000000000000000000000000000001".parse().unwrap();
    let mut model = Model::default();
    let mut say = |statement| {
        model.apply(&Fact::new(statement).unwrap());
    };
    say(Statement::ControlStated {
        control,
        implementation: Implementation::Implemented,
        retired: false,
    });
    say(Statement::TestStated {
        test,
        control,
        weight: Fixed::ONE,
        key: false,
        validity_days: 30,
        check: None,
    });
    for day in ["2026-03-01", "2026-04-10"].map(noon) {
        say(Statement::ManualResult {
            test,
            outcome: Outcome::Passed,
            effective_from: day,
            effective_to: None,
            collected_at: day,
            recorded_at: day,
            evidence: None,
        });
    }
    let period = days("2026-03-01", "2026-04-30");
    let held = model.held(control, period, Fixed::ONE).unwrap().unwrap();
    assert_eq!((held.covered, period.count()), (52, 61));
    assert_eq!(held.share(period).to_string(), "0.852459016393");
    let gap = Gap { days: days("2026-04-01", "2026-04-09"), lowest: Fixed::ZERO };
    assert_eq!(held.gaps, [gap]);
    let half = model.held(control, period, "0.5".parse().unwrap()).unwrap().unwrap();
    assert_eq!(half.covered, 55);
    assert_eq!(half.gaps[0].days, days("2026-04-04", "2026-04-09"));
}

/// The facts of a history with the instants at which they were recorded.
fn recorded(steps: &[Step]) -> (Vec<(Fact, Timestamp)>, Timestamp) {
    let mut now = start();
    let mut facts = Vec::new();
    for step in steps {
        match step {
            Step::Say(said) => facts.push((said.now(now), now)),
            Step::Wait(seconds) => now = now.plus_seconds(*seconds),
        }
    }
    (facts, now)
}

fn replay(facts: &[(Fact, Timestamp)], known: Timestamp, at: Timestamp) -> Model {
    let mut model = Model::default();
    for (fact, _) in facts.iter().filter(|(_, recorded)| *recorded <= known) {
        model.apply(fact);
    }
    model.recompute(at).unwrap();
    model
}

/// Whether the days and gaps say of each day what is so.
fn says(held: &Held, period: Days, threshold: Fixed, lo: impl Fn(Day) -> Fixed) {
    let mut covered = 0;
    for day in (period.first.0..=period.last.0).map(Day) {
        let proven = lo(day);
        let gap = held.gaps.iter().find(|gap| gap.days.first <= day && day <= gap.days.last);
        assert_eq!(gap.is_none(), proven.units() >= threshold.units() - 1_000, "{day:?} {proven}");
        assert!(gap.is_none_or(|gap| gap.lowest <= proven));
        covered += i64::from(gap.is_none());
    }
    assert_eq!(held.covered, covered);
    assert!(held.gaps.windows(2).all(|pair| pair[0].days.last.0 + 1 < pair[1].days.first.0));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_period_is_what_each_of_its_days_was(
        steps in history(true),
        threshold in prop::sample::select(vec!["1", "0.5", "0.01"]),
    ) {
        let threshold: Fixed = threshold.parse().unwrap();
        let (facts, end) = recorded(&steps);
        let last = Day(end.day().0 + 20);
        let period = Days { first: Day(last.0 - 45), last };
        let by_day: Vec<Model> = (period.first.0..=period.last.0)
            .map(|day| replay(&facts, end, Day(day).end()))
            .collect();
        let on = |day: Day| &by_day[usize::try_from(day.0 - period.first.0).unwrap()];
        // From nothing, and from a model that has been elsewhere.
        let mut model = replay(&facts, end, end);
        for control in controls() {
            let held = model.held(control, period, threshold).unwrap().unwrap();
            says(&held, period, threshold, |day| on(day).control(control).unwrap().value.lo);
        }
        for requirement in requirements() {
            let Some(members) = model.members_held(requirement, period, threshold).unwrap() else {
                continue;
            };
            for member in &members {
                says(&member.held, period, threshold, |day| {
                    let explained = on(day).explain_requirement(requirement).unwrap();
                    let line = explained.members.iter().find(|line| line.member == member.member);
                    line.unwrap().value.lo
                });
            }
            let least_of = least(&members, period).covered;
            prop_assert!(members.iter().all(|member| member.held.covered >= least_of));
        }
    }

    #[test]
    fn what_moves_a_score_adds_up(steps in history(true), share in 0..100_usize) {
        let (facts, end) = recorded(&steps);
        let cut = facts.len() * share / 100;
        let from = facts.get(cut).map_or(end, |(_, recorded)| *recorded);
        let (until, later) = (end.plus_days(50), facts.iter().filter(|(_, at)| *at > from));
        let later: Vec<_> = later.collect();
        for framework in frameworks() {
            let before = replay(&facts, from, from);
            let mut walk = Walk::new(before.clone(), framework, from).unwrap();
            let mut moves = Vec::new();
            for (index, (fact, at)) in later.iter().enumerate() {
                moves.extend(walk.pass(*at).unwrap());
                moves.extend(walk.take(std::slice::from_ref(fact), *at).unwrap());
                // What was recorded at one instant is told apart here, and by no question.
                if later.get(index + 1).is_none_or(|(_, next)| next != at) {
                    let so_far = replay(&facts, *at, *at).framework(framework);
                    prop_assert_eq!(numbers(walk.score()), numbers(so_far));
                }
            }
            moves.extend(walk.pass(until).unwrap());
            let after = replay(&facts, end, until).framework(framework);
            prop_assert_eq!(numbers(walk.score()), numbers(after));
            let sum = moves.iter().map(|step| step.difference());
            let sum = sum.fold(Difference::default(), Difference::plus);
            let before = before.framework(framework);
            prop_assert_eq!(sum, Difference::between(before.as_ref(), after.as_ref()));
            prop_assert!(moves.windows(2).all(|pair| pair[0].at <= pair[1].at));
            prop_assert!(moves.windows(2).all(|pair| numbers(pair[0].after) == numbers(pair[1].before)));
            prop_assert!(moves.iter().all(|step| numbers(step.before) != numbers(step.after)));
        }
    }

    #[test]
    fn what_a_forecast_tells_apart_adds_up_to_what_time_does(steps in history(true)) {
        let (facts, end) = recorded(&steps);
        let model = replay(&facts, end, end);
        let until = end.plus_days(80);
        let later = replay(&facts, end, until);
        for framework in frameworks() {
            let walk = || Walk::new(model.clone(), framework, end).unwrap();
            let (mut whole, mut apart) = (walk(), walk());
            let (days, moves) = (whole.pass(until).unwrap(), apart.foresee(until).unwrap());
            prop_assert_eq!(numbers(apart.score()), numbers(later.framework(framework)));
            let sum = |moves: &mut dyn Iterator<Item = Difference>| {
                moves.fold(Difference::default(), Difference::plus)
            };
            for day in &days {
                let of_day = moves.iter().filter(|moved| moved.step.at.day() == day.at.day());
                prop_assert_eq!(
                    sum(&mut of_day.map(|moved| moved.step.difference())),
                    day.difference()
                );
            }
            let all = sum(&mut moves.iter().map(|moved| moved.step.difference()));
            prop_assert_eq!(all, sum(&mut days.iter().map(|day| day.difference())));
            prop_assert_eq!(all, sum(&mut courses(&moves).iter().map(|it| it.difference)));
            prop_assert!(moves.windows(2).all(|pair| pair[0].step.at <= pair[1].step.at));
            let follows = |pair: &[Passed]| {
                numbers(pair[0].step.after) == numbers(pair[1].step.before)
            };
            prop_assert!(moves.windows(2).all(follows));
        }
    }
}

/// A score without its instant.
fn numbers(score: Option<FrameworkScore>) -> Option<FrameworkScore> {
    score.map(|score| FrameworkScore { at: start(), ..score })
}

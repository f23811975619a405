//! Example 17: what time alone will do.

use studio_controls::domain::score::{
    Difference, Implementation, Passed, Passing, Statement, Walk, courses,
};
use studio_kernel::Timestamp;

use super::{Project, first, id, noon, small_company};

fn midnight(day: &str) -> Timestamp {
    noon(day).day().start()
}

/// What moves the score of the framework until an instant.
fn foreseen(project: &Project, until: Timestamp) -> Vec<Passed> {
    let mut walk = Walk::new(project.0.clone(), id(1), first()).unwrap();
    walk.foresee(until).unwrap()
}

fn shown(difference: Difference) -> [String; 3] {
    [difference.lo, difference.hi, difference.coverage]
        .map(|number| format!("{:.6}", number.to_f64()))
}

#[test]
fn example_17_what_expires_when() {
    let mut project = small_company();
    project.scan(1, "eu-west-1", [20, 0, 0]).scan(2, "eu-west-1", [2, 1, 1]).on(first());
    let moves = foreseen(&project, midnight("2027-03-01"));
    assert_eq!(moves.len(), 16, "two tests fade on eight days");
    let all = courses(&moves);
    let days = (midnight("2026-04-01"), midnight("2026-04-08"));
    for (course, test, took) in [
        (&all[0], 1, ["-50.000000", "0.000000", "-0.500000"]),
        (&all[1], 2, ["-16.666667", "0.000000", "-0.166667"]),
    ] {
        assert_eq!(course.thing, Passing::Fading(id(test)));
        assert_eq!((course.from, course.to), days);
        assert_eq!(shown(course.difference), took);
    }
    assert_eq!(all.len(), 2);
    let whole = all.iter().map(|course| course.difference);
    let whole = whole.fold(Difference::default(), Difference::plus);
    let before = project.0.framework(id(1));
    project.on(midnight("2027-03-01"));
    assert_eq!(whole, Difference::between(before.as_ref(), project.0.framework(id(1)).as_ref()));

    let line = project.on(first()).0.explain_test(id(1)).unwrap().summaries.remove(0);
    assert_eq!((line.fades_from, line.gone_from), days);
}

#[test]
fn example_17_an_exception_ends_before_what_fades_on_the_same_day() {
    let mut project = small_company();
    project
        .say(Statement::NotApplicableStated { requirement: id(2), declaration: id(2) })
        .say(Statement::NotApplicableStated { requirement: id(3), declaration: id(3) })
        .of_ten(1, 9, 1, false)
        .control(3, Implementation::Implemented)
        .test(3, 3, "1", false)
        .scan(3, "eu-west-1", [10, 0, 0])
        .except_until(1, 1, 1, Some(3), midnight("2026-04-01"))
        .on(first());
    let moves = foreseen(&project, midnight("2026-04-02"));
    let told: Vec<_> =
        moves.iter().map(|moved| (moved.thing, shown(moved.step.difference()))).collect();
    let of = |lo: &str, hi: &str, coverage: &str| [lo, hi, coverage].map(str::to_owned);
    // Nine of ten passes are worth 0.866667 from then on, and a day later 0.733333.
    assert_eq!(
        told,
        [
            (Passing::ExceptionEnding(id(1)), of("-10.000000", "-10.000000", "0.000000")),
            (Passing::Fading(id(1)), of("-12.000000", "0.000000", "-0.120000")),
            (Passing::Fading(id(1)), of("-12.000000", "0.000000", "-0.120000")),
        ]
    );
    assert_eq!(moves[0].step.at, moves[1].step.at);
}

//! What is counted, and how much of it is recorded.

use studio_kernel::{FixedEntropy, ManualClock};

use super::*;

const SECOND: i64 = 1_000_000;

fn env() -> (Arc<ManualClock>, Env) {
    let clock = ManualClock::at(Timestamp::from_micros(1_800_000_000 * SECOND));
    (clock.clone(), Env::new(clock, FixedEntropy::seeded(1)))
}

fn somebody(env: &Env) -> Actor {
    Actor::user(env.id(), env.id(), env.id(), vec![Role::Viewer])
}

fn deny(notices: &Notices, actor: &Actor, id: &str) -> Result<(), Overflow> {
    let target = AuditTarget { kind: "User".to_owned(), id: id.to_owned() };
    notices.note(actor, Notice::Denied, target, BTreeMap::new())
}

#[test]
fn the_first_is_due_at_once_and_the_others_ever_more_rarely() {
    let (clock, env) = env();
    let notices = Notices::new(env.clone());
    let actor = somebody(&env);
    let due = || -> Vec<u32> {
        notices.due(env.now()).into_iter().map(|(_, count)| count.times).collect()
    };
    deny(&notices, &actor, "usr_1").unwrap();
    assert_eq!(due(), [1]);
    for seconds in [60, 120, 240, 480, 960, 1_920, 3_600, 3_600] {
        for id in ["usr_1", "usr_1", "usr_2"] {
            deny(&notices, &actor, id).unwrap();
        }
        clock.advance_micros((seconds - 1) * SECOND);
        assert!(due().is_empty(), "{seconds}");
        clock.advance_micros(SECOND);
        let taken = notices.due(env.now());
        assert_eq!((taken[0].1.times, taken[0].1.id.as_str()), (3, ""), "of several things");
    }
    // What stops is forgotten, and begins anew.
    clock.advance_micros(3_600 * SECOND);
    assert!(due().is_empty());
    assert!(notices.kept().counts.is_empty());
    deny(&notices, &actor, "usr_1").unwrap();
    assert_eq!(due(), [1]);
}

#[test]
fn nobody_fills_the_log_or_the_memory() {
    let (clock, env) = env();
    let notices = Notices::new(env.clone());
    for _ in 0..MOST {
        deny(&notices, &somebody(&env), "").unwrap();
    }
    assert_eq!(deny(&notices, &somebody(&env), ""), Err(Overflow));
    let target = AuditTarget { kind: "evidence.evidence".to_owned(), id: String::new() };
    let refused = notices.exported(&somebody(&env), target, (1, "")).unwrap_err();
    assert_eq!(refused.code(), Code::SubgraphUnavailable);
    let hour = usize::try_from(AN_HOUR).unwrap();
    assert_eq!(notices.due(env.now()).len(), hour);
    clock.advance_micros(SECOND);
    assert_eq!(notices.due(env.now()).len(), 0);
    clock.advance_micros(3_600 * SECOND);
    assert_eq!(notices.due(env.now()).len(), hour);
}

#[test]
fn what_could_not_be_recorded_is_counted_again() {
    let (clock, env) = env();
    let notices = Notices::new(env.clone());
    let actor = somebody(&env);
    let first = env.now();
    deny(&notices, &actor, "").unwrap();
    let (key, count) = notices.due(env.now()).remove(0);
    clock.advance_micros(SECOND);
    deny(&notices, &actor, "").unwrap();
    notices.put_back(key, count);
    clock.advance_micros(60 * SECOND);
    let (_, count) = notices.due(env.now()).remove(0);
    assert_eq!((count.times, count.first), (2, first));
    assert_eq!(count.last, first.plus_seconds(1));
}

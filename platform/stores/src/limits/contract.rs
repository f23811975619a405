//! What every counter of requests must do.

use std::sync::Arc;

use proptest::{prelude::*, test_runner::TestRunner};
use studio_kernel::{Env, FixedEntropy, ManualClock, Timestamp};

use super::{gcra::Question, *};
use crate::{
    redis::{
        Redis, RedisOptions,
        testing::{self, on_each_redis},
    },
    testing::OwnServers,
};

/// As two processes have it.
type Ends = (Arc<dyn Limits>, Arc<dyn Limits>);

fn within() -> Ends {
    let limits = Arc::new(InProcessLimits::new(Env::system()));
    (limits.clone(), limits)
}

async fn on_redis(a: Redis, b: Redis) -> Ends {
    let env = Env::system();
    (Arc::new(RedisLimits::new(a, env.clone())), Arc::new(RedisLimits::new(b, env)))
}

const HOUR: Duration = Duration::from_secs(3_600);

async fn suite((a, b): Ends) {
    // A burst, shared by both sides, then no more; another key is another matter.
    let quota = Quota { burst: 3, per: HOUR };
    for (limits, remaining) in [(&a, 2), (&b, 1), (&a, 0)] {
        let decision = limits.check("login:{x}", quota, 1).await.unwrap();
        assert!(decision.allowed && decision.retry_after.is_zero(), "{decision:?}");
        assert_eq!(decision.remaining, remaining);
    }
    let third = HOUR / 3;
    let denied = b.check("login:{x}", quota, 1).await.unwrap();
    assert!(!denied.allowed && denied.remaining == 0, "{denied:?}");
    assert!(denied.retry_after <= third && denied.retry_after > third / 2, "{denied:?}");
    assert!(denied.reset <= HOUR && denied.reset > HOUR - third / 2, "{denied:?}");
    // A denied request uses nothing up, and one that costs nothing only asks.
    let asked = a.check("login:{x}", quota, 0).await.unwrap();
    assert!(asked.allowed && asked.remaining == 0, "{asked:?}");
    assert!(a.check("login:{y}", quota, 3).await.unwrap().allowed);
    assert!(!b.check("login:{y}", quota, 1).await.unwrap().allowed);

    // What was used is given back to both sides, and to no other key.
    b.forget("login:{y}").await;
    assert!(a.check("login:{y}", quota, 2).await.unwrap().allowed);
    assert!(b.check("login:{y}", quota, 1).await.unwrap().allowed);
    assert!(!a.check("login:{x}", quota, 1).await.unwrap().allowed);
    a.forget("never asked").await;

    // Questions without an answer.
    for nonsense in [
        Quota { burst: 0, per: HOUR },
        Quota { burst: 1, per: Duration::ZERO },
        Quota { burst: 1, per: HOUR * 24 * 367 },
    ] {
        assert_eq!(a.check("n", nonsense, 1).await, Err(LimitsError::Quota(nonsense)));
    }
    let too_much = a.check("n", quota, 4).await;
    assert_eq!(too_much, Err(LimitsError::Cost { cost: 4, burst: 3 }));

    // Many at once, from both sides: exactly the burst gets through.
    let quota = Quota { burst: 50, per: HOUR };
    let asking = (0..200).map(|number| {
        let limits = if number % 2 == 0 { a.clone() } else { b.clone() };
        tokio::spawn(async move { limits.check("many", quota, 1).await.unwrap().allowed })
    });
    let mut allowed = 0;
    for answer in asking.collect::<Vec<_>>() {
        allowed += u32::from(answer.await.unwrap());
    }
    assert_eq!(allowed, 50);

    // What was used becomes free again by and by.
    let quick = Quota { burst: 1, per: Duration::from_millis(20) };
    let through = async {
        for _ in 0..3 {
            while !b.check("quick", quick, 1).await.unwrap().allowed {
                tokio::task::yield_now().await;
            }
        }
    };
    let started = std::time::Instant::now();
    tokio::time::timeout(Duration::from_secs(20), through).await.unwrap();
    assert!(started.elapsed() >= Duration::from_millis(39), "{:?}", started.elapsed());
}

on_each_redis!(suite, within(), on_redis);

/// One question of a sequence: which key, what it costs, and how far the clock moves before it
/// (backwards, too: a clock may be put right).
fn questions() -> impl Strategy<Value = (Quota, Vec<(u8, u32, i64)>)> {
    (1_u32..20, 1_u64..100_000_000).prop_flat_map(|(burst, micros)| {
        let quota = Quota { burst, per: Duration::from_micros(micros) };
        let step = i64::try_from(micros).unwrap();
        let one = (0_u8..3, 0..=burst, prop_oneof![0..=step / 3 + 1, -step..step * 2]);
        (Just(quota), prop::collection::vec(one, 1..30))
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn decides_alike_everywhere_for_the_same_instants() {
    let mut servers = Vec::new();
    for pair in [testing::plain().await, testing::tls().await, testing::cluster().await] {
        servers.extend(pair.map(|(redis, _)| RedisLimits::new(redis, Env::system())));
    }
    if servers.is_empty() {
        return;
    }
    let mut runner = TestRunner::new(ProptestConfig { cases: 60, ..ProptestConfig::default() });
    let (runtime, number) = (tokio::runtime::Handle::current(), std::cell::Cell::new(0));
    let outcome = tokio::task::block_in_place(|| {
        runner.run(&questions(), |(quota, questions)| {
            number.set(number.get() + 1);
            runtime.block_on(async {
                // Far enough in the future that no key ends by the server's own clock meanwhile.
                let clock = ManualClock::at(Timestamp::from_micros(4_000_000_000_000_000));
                let env = Env::new(clock.clone(), FixedEntropy::seeded(1));
                let local = InProcessLimits::new(env.clone());
                for (key, cost, step) in &questions {
                    clock.advance_micros(*step);
                    let key = format!("{}-{key}", number.get());
                    let expected = local.check(&key, quota, *cost).await.unwrap();
                    let question = Question::new(quota, *cost).unwrap();
                    for server in &servers {
                        let now = Some(env.now().micros());
                        let found = server.ask(&key, question, now).await.unwrap();
                        prop_assert_eq!(found, expected);
                    }
                }
                Ok(())
            })
        })
    });
    outcome.unwrap();
}

proptest! {
    /// Of what was allowed, no stretch of time holds more than a burst and what became free in it.
    #[test]
    fn never_allows_more_than_the_quota((quota, questions) in questions()) {
        let question = |cost| Question::new(quota, cost).unwrap();
        let (mut now, mut arrival) = (0_i64, 0_i64);
        let mut passed: Vec<(i64, i64)> = Vec::new();
        for (_, cost, step) in questions {
            now += step.max(0);
            let (decision, moved) = question(cost).decide(arrival, now);
            if let Some(moved) = moved {
                arrival = moved;
                passed.push((now, i64::from(cost)));
            } else {
                // The promise holds: at that instant it is allowed, a microsecond before it is not.
                let later = now + i64::try_from(decision.retry_after.as_micros()).unwrap();
                prop_assert!(question(cost).decide(arrival, later).0.allowed);
                prop_assert!(!question(cost).decide(arrival, later - 1).0.allowed);
            }
        }
        let interval = question(0).interval;
        for (first, (from, _)) in passed.iter().enumerate() {
            let mut units = 0;
            for (until, cost) in &passed[first..] {
                units += cost;
                prop_assert!(units <= i64::from(quota.burst) + (until - from) / interval);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counts_within_the_process_while_the_server_is_away() {
    let Some(servers) = OwnServers::start("redis", "STUDIO_TEST_REDIS") else { return };
    let options = RedisOptions::new(servers.variable("STUDIO_TEST_REDIS"));
    let limits = RedisLimits::new(Redis::connect(options).await.unwrap(), Env::system());
    let quota = Quota { burst: 2, per: HOUR };
    assert_eq!(limits.check("k", quota, 1).await.unwrap().remaining, 1);
    servers.services(&["pause", "redis"]);
    assert!(limits.check("k", quota, 2).await.unwrap().allowed);
    assert!(!limits.check("k", quota, 1).await.unwrap().allowed);
    servers.services(&["resume", "redis"]);
    // The server, which forgot, counts again: another process would see it.
    let counted = async {
        while !limits.check("k", quota, 1).await.unwrap().allowed {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), counted).await.unwrap();
    assert!(limits.redis_is_up());
}

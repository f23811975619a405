//! What every giver of leases must do.

use std::sync::{
    Arc,
    atomic::{AtomicI64, AtomicUsize, Ordering},
};

use studio_kernel::Env;

use super::*;
use crate::{
    redis::{Redis, RedisOptions, testing::on_each_redis},
    testing::OwnServers,
};

/// As two processes have it.
type Ends = (Arc<dyn Locks>, Arc<dyn Locks>);

const LONG: Duration = Duration::from_secs(600);

fn within() -> Ends {
    let locks = Arc::new(InProcessLocks::new(Env::system()));
    (locks.clone(), locks)
}

async fn on_redis(a: Redis, b: Redis) -> Ends {
    (Arc::new(RedisLocks::new(a)), Arc::new(RedisLocks::new(b)))
}

/// Takes the name as soon as it is free.
async fn acquired(locks: &dyn Locks, name: &str, ttl: Duration) -> Lease {
    let waiting = async {
        loop {
            if let Ok(Some(lease)) = locks.acquire(name, ttl).await {
                return lease;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waiting).await.unwrap()
}

async fn suite((a, b): Ends) {
    // One holder, whichever side asks; names do not touch each other.
    let first = a.acquire("controls}:x", LONG).await.unwrap().unwrap();
    assert_eq!(b.acquire("controls}:x", LONG).await.unwrap(), None);
    assert_eq!(a.acquire("controls}:x", LONG).await.unwrap(), None);
    let other = b.acquire("evidence", LONG).await.unwrap().unwrap();
    assert!(b.renew(&other, LONG).await.unwrap());

    // Nobody but the holder renews or releases; what was released is free, with a greater token.
    let forged = Lease { token: first.token + 1, ..first.clone() };
    assert!(!b.renew(&forged, LONG).await.unwrap());
    assert!(!b.release(forged).await.unwrap());
    assert!(a.renew(&first, LONG).await.unwrap());
    assert!(a.release(first.clone()).await.unwrap());
    assert!(!a.release(first.clone()).await.unwrap());
    assert!(!a.renew(&first, LONG).await.unwrap());
    let second = b.acquire("controls}:x", Duration::from_millis(30)).await.unwrap().unwrap();
    assert!(second.token > first.token);

    // It ends by itself; its holder then cannot renew it, even while nobody else has it.
    let third = acquired(&*a, "controls}:x", Duration::from_millis(1)).await;
    assert!(third.token > second.token);
    assert!(!b.renew(&second, LONG).await.unwrap());
    let fourth = acquired(&*b, "controls}:x", LONG).await;
    assert!(fourth.token > third.token);
    assert!(!a.renew(&third, LONG).await.unwrap() && !a.release(third).await.unwrap());
    assert!(b.release(fourth).await.unwrap());

    // Sixteen that fight for it are never two at once, and tokens grow in the order of holding.
    let (inside, newest) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicI64::new(0)));
    let fighters = (0..16).map(|number| {
        let locks = if number % 2 == 0 { a.clone() } else { b.clone() };
        let (inside, newest) = (inside.clone(), newest.clone());
        tokio::spawn(async move {
            for _ in 0..5 {
                let lease = acquired(&*locks, "fought for", LONG).await;
                assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                assert!(newest.swap(lease.token, Ordering::SeqCst) < lease.token);
                tokio::task::yield_now().await;
                assert_eq!(inside.fetch_sub(1, Ordering::SeqCst), 1);
                assert!(locks.release(lease).await.unwrap());
            }
        })
    });
    for fighter in fighters.collect::<Vec<_>>() {
        fighter.await.unwrap();
    }
}

on_each_redis!(suite, within(), on_redis);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_grow_over_a_server_that_lost_its_memory() {
    let Some(servers) = OwnServers::start("redis", "STUDIO_TEST_REDIS") else { return };
    let options = RedisOptions::new(servers.variable("STUDIO_TEST_REDIS"));
    let locks = RedisLocks::new(Redis::connect(options).await.unwrap());
    let before = locks.acquire("controls", LONG).await.unwrap().unwrap();
    servers.services(&["pause", "redis"]);
    let error = locks.renew(&before, LONG).await.unwrap_err();
    assert!(error.to_string().contains("no lease can be had"), "{error}");
    locks.acquire("evidence", LONG).await.unwrap_err();
    servers.services(&["resume", "redis"]);
    let after = acquired(&locks, "controls", LONG).await;
    assert!(after.token > before.token);
    assert!(!locks.renew(&before, LONG).await.unwrap());
}

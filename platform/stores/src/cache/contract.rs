//! What every cache must do.

use std::sync::Arc;

use studio_kernel::Env;

use super::*;
use crate::{
    redis::{Redis, RedisOptions, testing::on_each_redis},
    testing::OwnServers,
};

/// As two processes have it.
type Ends = (Arc<dyn Cache>, Arc<dyn Cache>);

const LONG: Duration = Duration::from_secs(600);

fn options() -> CacheOptions {
    CacheOptions { largest_value: 10_000, longest_ttl: LONG * 2, ..CacheOptions::default() }
}

fn within() -> Ends {
    let cache = Arc::new(InProcessCache::new(options()));
    (cache.clone(), cache)
}

async fn on_redis(a: Redis, b: Redis) -> Ends {
    (Arc::new(RedisCache::new(a, options())), Arc::new(RedisCache::new(b, options())))
}

fn bytes(text: &'static str) -> Bytes {
    Bytes::from_static(text.as_bytes())
}

async fn suite((a, b): Ends) {
    let (ours, theirs): (TenantId, TenantId) = (Env::system().id(), Env::system().id());

    // Any bytes under any key, for this organization alone.
    let binary = Bytes::from((0..=255).collect::<Vec<u8>>());
    assert_eq!(a.get(ours, "k").await, None);
    a.set(ours, "k", binary.clone(), LONG, &[]).await;
    a.set(ours, "{}\u{0}:tag:", Bytes::new(), LONG, &["value"]).await;
    assert_eq!(b.get(ours, "k").await, Some(binary));
    assert_eq!(b.get(ours, "{}\u{0}:tag:").await, Some(Bytes::new()));
    assert_eq!(b.get(theirs, "k").await, None);
    b.set(ours, "k", bytes("newer"), LONG, &[]).await;
    assert_eq!(a.get(ours, "k").await, Some(bytes("newer")));

    // Deleting touches one entry.
    b.set(theirs, "k", bytes("theirs"), LONG, &[]).await;
    a.delete(ours, "k").await;
    assert_eq!(b.get(ours, "k").await, None);
    assert_eq!(a.get(theirs, "k").await, Some(bytes("theirs")));

    // A tag takes every entry that carries it, of this organization.
    a.set(ours, "1", bytes("one"), LONG, &["project", "score"]).await;
    b.set(ours, "2", bytes("two"), LONG, &["score"]).await;
    b.set(ours, "3", bytes("three"), LONG, &["project"]).await;
    a.set(theirs, "2", bytes("theirs"), LONG, &["score"]).await;
    b.invalidate(ours, "score").await;
    b.invalidate(ours, "nobody carries it").await;
    for key in ["1", "2"] {
        assert_eq!(a.get(ours, key).await, None);
        assert_eq!(b.get(ours, key).await, None);
    }
    assert_eq!(a.get(ours, "3").await, Some(bytes("three")));
    assert_eq!(a.get(theirs, "2").await, Some(bytes("theirs")));
    a.set(ours, "2", bytes("again"), LONG, &["score"]).await;
    assert_eq!(b.get(ours, "2").await, Some(bytes("again")));
    a.invalidate(ours, "score").await;
    assert_eq!(b.get(ours, "2").await, None);

    // What is too large is not kept, and what it would have replaced is gone.
    a.set(ours, "3", Bytes::from(vec![0; 10_001]), LONG, &[]).await;
    assert_eq!(b.get(ours, "3").await, None);
    a.set(ours, "3", Bytes::from(vec![0; 10_000]), LONG, &[]).await;
    assert_eq!(b.get(ours, "3").await.map(|value| value.len()), Some(10_000));
    a.set(ours, "3", bytes("never"), Duration::ZERO, &[]).await;
    assert_eq!(b.get(ours, "3").await, None);

    // Its time ends.
    a.set(ours, "short", bytes("x"), Duration::from_millis(50), &["t"]).await;
    let gone = async {
        while b.get(ours, "short").await.is_some() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), gone).await.unwrap();
}

on_each_redis!(suite, within(), on_redis);

#[tokio::test]
async fn keeps_no_more_than_its_capacity() {
    let cache = InProcessCache::new(CacheOptions { capacity: 100_000, ..options() });
    let tenant = Env::system().id();
    for number in 0..1_000 {
        cache.set(tenant, &number.to_string(), Bytes::from(vec![0; 900]), LONG, &[]).await;
    }
    let mut kept = 0;
    let settled = async {
        loop {
            kept = 0;
            for number in 0..1_000 {
                kept += usize::from(cache.get(tenant, &number.to_string()).await.is_some());
            }
            if kept <= 100 {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), settled).await.unwrap();
    assert!(kept > 10, "{kept}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn misses_while_the_server_is_away_and_forgets_what_it_was_told_meanwhile() {
    let Some(servers) = OwnServers::start("redis", "STUDIO_TEST_REDIS") else { return };
    let options_of = |name: &str| RedisOptions::new(servers.variable(name));
    let redis = Redis::connect(options_of("STUDIO_TEST_REDIS")).await.unwrap();
    let cache = RedisCache::new(redis.clone(), options());
    let tenant: TenantId = Env::system().id();
    cache.set(tenant, "tagged", bytes("old"), LONG, &["t"]).await;
    cache.set(tenant, "replaced", bytes("old"), LONG, &[]).await;
    assert_eq!(cache.get(tenant, "tagged").await, Some(bytes("old")));

    // It hangs and keeps its memory: what was in it must not come back.
    servers.services(&["freeze", "redis"]);
    cache.invalidate(tenant, "t").await;
    cache.set(tenant, "replaced", bytes("new"), LONG, &[]).await;
    assert_eq!(cache.get(tenant, "tagged").await, None);
    assert!(!redis.status().up && redis.status().failures > 0);
    servers.services(&["thaw", "redis"]);
    let back = async {
        while !cache.caught_up().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), back).await.unwrap();
    assert_eq!(cache.get(tenant, "tagged").await, None);
    assert_ne!(cache.get(tenant, "replaced").await, Some(bytes("old")));

    // It dies and comes back with nothing.
    servers.services(&["pause", "redis"]);
    cache.set(tenant, "tagged", bytes("lost"), LONG, &["t"]).await;
    assert_eq!(cache.get(tenant, "tagged").await, None);
    servers.services(&["resume", "redis"]);
    let works = async {
        loop {
            cache.set(tenant, "tagged", bytes("kept"), LONG, &["t"]).await;
            if cache.get(tenant, "tagged").await.is_some() {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), works).await.unwrap();
    assert_eq!(cache.get(tenant, "tagged").await, Some(bytes("kept")));
}

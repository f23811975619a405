//! What every bus must do.

use std::{sync::Arc, time::Duration};

use futures::{Stream, StreamExt};
use studio_kernel::Env;

use super::*;
use crate::{
    redis::{Redis, RedisOptions, testing::on_each_redis},
    testing::OwnServers,
};

/// Two ends of one bus.
type Ends = (Arc<dyn Bus>, Arc<dyn Bus>);

fn within() -> Ends {
    let bus = Arc::new(InProcessBus::new());
    (bus.clone(), bus)
}

async fn on_redis(a: Redis, b: Redis) -> Ends {
    let start = async |redis| Arc::new(RedisBus::start(redis, &Env::system()).await.unwrap());
    (start(a).await, start(b).await)
}

/// Whether the stream says, in time, that a log reached a position or that everything is to be
/// looked at.
async fn woken(stream: &mut (impl Stream<Item = Wake> + Unpin), log: &str, at_least: i64) -> bool {
    let waiting = async {
        loop {
            match stream.next().await {
                Some(Wake::LookAnew) => return true,
                Some(Wake::Grown { log: grown, position }) => {
                    if grown == log && position >= at_least {
                        return true;
                    }
                }
                None => return false,
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waiting).await.unwrap_or(false)
}

async fn suite((here, there): Ends) {
    // Both ends hear what one of them says, whole.
    let (mut near, mut far) = (here.subscribe(), there.subscribe());
    here.publish("a log", 7);
    let said = Wake::Grown { log: "a log".to_owned(), position: 7 };
    assert_eq!(near.next().await, Some(said.clone()));
    assert_eq!(far.next().await, Some(said));
    there.publish("controls", 8);
    assert!(woken(&mut near, "controls", 8).await && woken(&mut far, "controls", 8).await);

    // Once each: an end does not hear itself a second time. The next message is the marker.
    here.publish("controls", 9);
    there.publish("marker", 1);
    assert!(woken(&mut near, "marker", 1).await);
    here.publish("last", 1);
    assert_eq!(near.next().await, Some(Wake::Grown { log: "last".to_owned(), position: 1 }));

    // A burst: the newest position arrives, whatever was left out.
    for position in 1..=20_000 {
        here.publish("evidence", position);
    }
    assert!(woken(&mut far, "evidence", 20_000).await);

    // Whoever did not listen is told to look anew, or hears the newest.
    assert!(woken(&mut near, "evidence", 20_000).await);

    // A subscription that begins now hears nothing of before.
    let mut late = there.subscribe();
    here.publish("late", 1);
    assert!(woken(&mut late, "late", 1).await);

    drop((here, there));
    // Ends with the bus.
    let end = async { while far.next().await.is_some() {} };
    tokio::time::timeout(Duration::from_secs(20), end).await.unwrap();
}

on_each_redis!(suite, within(), on_redis);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn looks_anew_after_the_server_was_away() {
    let Some(servers) = OwnServers::start("redis", "STUDIO_TEST_REDIS") else { return };
    let options = RedisOptions::new(servers.variable("STUDIO_TEST_REDIS"));
    let a = Redis::connect(options.clone()).await.unwrap();
    let b = Redis::connect(options).await.unwrap();
    let (here, there) = on_redis(a, b).await;
    let (mut near, mut far) = (here.subscribe(), there.subscribe());
    here.publish("controls", 1);
    assert!(woken(&mut far, "controls", 1).await);
    assert_eq!(near.next().await, Some(Wake::Grown { log: "controls".to_owned(), position: 1 }));

    servers.services(&["pause", "redis"]);
    // Within a process, nothing is missing.
    here.publish("controls", 2);
    assert_eq!(near.next().await, Some(Wake::Grown { log: "controls".to_owned(), position: 2 }));
    servers.services(&["resume", "redis"]);
    assert_eq!(near.next().await, Some(Wake::LookAnew));
    assert_eq!(far.next().await, Some(Wake::LookAnew));

    // And it carries again: the sender's connection may need a moment more.
    let carried = async {
        let mut position = 3;
        loop {
            here.publish("controls", position);
            let heard = tokio::time::timeout(Duration::from_millis(100), far.next()).await;
            if let Ok(Some(Wake::Grown { .. })) = heard {
                return;
            }
            position += 1;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), carried).await.unwrap();
}

use std::path::PathBuf;

use super::{
    testing::{cluster_options, tls_options},
    *,
};
use crate::testing::{OwnServers, variable};

async fn refusal(options: RedisOptions) -> String {
    let error = Redis::connect(options).await.unwrap_err();
    let said = error.to_string();
    assert!(said.starts_with("stores.redis: "), "{said}");
    assert!(!said.contains("correct-horse") && !said.contains("wrong-horse"), "{said}");
    said
}

#[tokio::test]
async fn says_what_is_wrong_with_the_settings() {
    for url in ["", "127.0.0.1:6379", "http://:wrong-horse@host", "redis://", "redis://a:b:c"] {
        let said = refusal(RedisOptions::new(url)).await;
        assert!(said.contains("is no address of Redis"), "{url}: {said}");
    }
    let two = RedisOptions::new("redis://:wrong-horse@one:1,two:2");
    assert!(refusal(two.clone()).await.contains("one:1,two:2 names several servers"));
    assert!(!format!("{two:?}").contains("wrong-horse"));
    let prefix = RedisOptions { prefix: "{a}".to_owned(), ..RedisOptions::new("redis://host") };
    assert!(refusal(prefix).await.contains("cannot begin keys"));
    let file = PathBuf::from("/no/such/file");
    let plain = RedisOptions { ca_file: Some(file), ..RedisOptions::new("redis://host") };
    assert!(refusal(plain.clone()).await.contains("without TLS"));
    let missing = RedisOptions { url: "rediss://host".to_owned(), ..plain };
    let said = refusal(missing.clone()).await;
    assert!(said.contains("/no/such/file") && said.contains("stores.redis_ca_file"), "{said}");
    let empty = tempfile::NamedTempFile::new().unwrap();
    let nothing = RedisOptions { ca_file: Some(empty.path().to_owned()), ..missing };
    assert!(refusal(nothing).await.contains("no PEM certificate"));
}

#[tokio::test]
async fn says_that_nothing_answers() {
    for cluster in [false, true] {
        let options = RedisOptions {
            cluster,
            connect_timeout: Duration::from_millis(500),
            ..RedisOptions::new("redis://:wrong-horse@127.0.0.1:1")
        };
        let said = refusal(options).await;
        assert!(said.contains("127.0.0.1:1 cannot be reached"), "{said}");
    }
}

#[tokio::test]
async fn says_that_the_password_is_wrong() {
    let shapes =
        [variable("STUDIO_TEST_REDIS").map(RedisOptions::new), tls_options(), cluster_options()];
    for options in shapes.into_iter().flatten() {
        for wrong in [":wrong-horse@", ""] {
            let url = options.url.replace(":correct-horse@", wrong);
            let said = refusal(RedisOptions { url, ..options.clone() }).await;
            assert!(said.contains("refuses to let Studio in"), "{said}");
        }
    }
}

#[tokio::test]
async fn tells_a_cluster_from_a_single_server() {
    let Some(url) = variable("STUDIO_TEST_REDIS") else { return };
    let single = RedisOptions { cluster: true, ..RedisOptions::new(url) };
    let said = refusal(single).await;
    assert!(said.contains("stores.redis_cluster = false"), "{said}");
    let Some(mut nodes) = cluster_options() else { return };
    nodes.url.truncate(nodes.url.find(',').unwrap());
    let said = refusal(RedisOptions { cluster: false, ..nodes }).await;
    assert!(said.contains("stores.redis_cluster = true"), "{said}");
}

#[tokio::test]
async fn trusts_only_the_authority_that_it_is_given() {
    let Some(options) = tls_options() else { return };
    Redis::connect(options.clone()).await.unwrap();
    let said = refusal(RedisOptions { ca_file: None, ..options.clone() }).await;
    assert!(said.contains("cannot be reached") && said.contains("certificate"), "{said}");
}

#[tokio::test]
async fn survives_a_server_that_goes_away_and_comes_back() {
    let Some(servers) = OwnServers::start("redis", "STUDIO_TEST_REDIS") else { return };
    let redis =
        Redis::connect(RedisOptions::new(servers.variable("STUDIO_TEST_REDIS"))).await.unwrap();
    let ping = redis::cmd("PING");
    assert_eq!(redis.run::<String>(&ping).await.unwrap(), "PONG");
    assert_eq!(redis.status(), RedisStatus { up: true, failures: 0 });

    servers.services(&["pause", "redis"]);
    let error = redis.run::<String>(&ping).await.unwrap_err();
    assert!(matches!(error, RedisError::Away { .. }), "{error}");
    assert!(!redis.status().up);
    // Known to be away: no command waits.
    let started = std::time::Instant::now();
    for _ in 0..1_000 {
        redis.run::<String>(&ping).await.unwrap_err();
    }
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());

    servers.services(&["resume", "redis"]);
    let back = async {
        while redis.run::<String>(&ping).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), back).await.unwrap();
    assert!(redis.status().up);
}

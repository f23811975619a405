//! The Redis servers that the contract suites run against, started by `tests/services`.

use std::path::PathBuf;

use studio_kernel::Env;

use super::{Redis, RedisOptions};
use crate::testing::variable;

/// Makes tests `in_process`, `redis`, `redis_tls` and `redis_cluster` out of a suite that takes two
/// adapters, as two processes would have them on the same server.
macro_rules! on_each_redis {
    ($suite:ident, $in_process:expr, $redis:expr $(,)?) => {
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn in_process() {
            $suite($in_process).await;
        }
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn redis() {
            if let Some((a, b)) = $crate::redis::testing::plain().await {
                $suite($redis(a, b).await).await;
            }
        }
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn redis_tls() {
            if let Some((a, b)) = $crate::redis::testing::tls().await {
                $suite($redis(a, b).await).await;
            }
        }
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn redis_cluster() {
            if let Some((a, b)) = $crate::redis::testing::cluster().await {
                $suite($redis(a, b).await).await;
            }
        }
    };
}
pub(crate) use on_each_redis;

/// Two connections with keys of their own.
async fn pair(mut options: RedisOptions) -> (Redis, Redis) {
    options.prefix = format!("test-{}", Env::system().uuid().simple());
    let first = Redis::connect(options.clone()).await.unwrap();
    (first, Redis::connect(options).await.unwrap())
}

pub(crate) async fn plain() -> Option<(Redis, Redis)> {
    Some(pair(RedisOptions::new(variable("STUDIO_TEST_REDIS")?)).await)
}

pub(crate) fn tls_options() -> Option<RedisOptions> {
    Some(RedisOptions {
        ca_file: Some(PathBuf::from(variable("STUDIO_TEST_REDIS_CA")?)),
        ..RedisOptions::new(variable("STUDIO_TEST_REDIS_TLS")?)
    })
}

pub(crate) async fn tls() -> Option<(Redis, Redis)> {
    Some(pair(tls_options()?).await)
}

pub(crate) fn cluster_options() -> Option<RedisOptions> {
    let url = variable("STUDIO_TEST_REDIS_CLUSTER")?;
    Some(RedisOptions { cluster: true, ..RedisOptions::new(url) })
}

pub(crate) async fn cluster() -> Option<(Redis, Redis)> {
    Some(pair(cluster_options()?).await)
}

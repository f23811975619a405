//! For how long it is kept from where requests came: the key of a month is destroyed once its last day is
//! older than the configuration says, and what it sealed, in every log and copy, does not open any more.

use std::{sync::Arc, time::Duration};

use studio_events::Election;
use studio_kernel::Env;
use studio_stores::keyring::Keyring;
use tokio_util::sync::CancellationToken;

/// How often it is looked for months whose time is over,
const EVERY: Duration = Duration::from_secs(3_600);
/// and after a fault.
const AGAIN: Duration = Duration::from_secs(60);

/// Destroys keys whose time is over whenever this process is elected, until `shutdown`. Nothing is ever
/// destroyed where `days` is 0.
pub(crate) async fn keep(
    keyring: Arc<Keyring>,
    env: Env,
    days: u32,
    election: Election,
    shutdown: CancellationToken,
) {
    if days == 0 {
        return;
    }
    loop {
        let term = tokio::select! {
            () = shutdown.cancelled() => return,
            term = election.elected() => term,
        };
        // Two that do it at once destroy the same keys.
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = term.ended().cancelled() => {}
            _never = destroy(&keyring, &env, days) => {}
        }
    }
}

async fn destroy(keyring: &Keyring, env: &Env, days: u32) {
    loop {
        let until = env.now().plus_days(-i64::from(days));
        let pause = match keyring.destroy_origins(until).await {
            Ok(months) => {
                if months > 0 {
                    tracing::info!(months, days, "from where requests came is not kept any more");
                }
                EVERY
            }
            Err(error) => {
                tracing::warn!(%error, "keys whose time is over are not destroyed for now");
                AGAIN
            }
        };
        tokio::time::sleep(pause).await;
    }
}

//! The bus between processes, by publish/subscribe. A cluster passes messages between its nodes, so
//! one subscription to any of them is enough. A message carries who sent it: the sender's own
//! subscribers have heard already.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures::{StreamExt, stream::BoxStream};
use redis::aio::{PubSubSink, PubSubStream};
use studio_kernel::Env;
use tokio::sync::Notify;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{Bus, InProcessBus, Wake};
use crate::redis::{Redis, RedisError};

/// A subscription that was silent for so long is asked whether it still lives.
const SILENCE: Duration = Duration::from_secs(10);
/// Between two attempts to subscribe again.
const RETRY: Duration = Duration::from_millis(250);

/// Wake-ups by Redis publish/subscribe.
pub struct RedisBus {
    local: InProcessBus,
    outgoing: Arc<Outgoing>,
    _stop: DropGuard,
}

/// The newest position of each log that is still to be sent.
#[derive(Default)]
struct Outgoing {
    newest: Mutex<BTreeMap<String, i64>>,
    more: Notify,
}

struct Link {
    redis: Redis,
    channel: String,
    sender: String,
}

impl RedisBus {
    /// Subscribes, and goes on doing so whenever the connection breaks.
    pub async fn start(redis: Redis, env: &Env) -> Result<Self, RedisError> {
        let link = Arc::new(Link {
            channel: format!("{}:wake", redis.prefix()),
            sender: hex::encode(env.bytes::<8>()),
            redis,
        });
        let local = InProcessBus::new();
        let outgoing = Arc::new(Outgoing::default());
        let stop = CancellationToken::new();
        let first = link.subscribe().await?;
        tokio::spawn(stop.clone().run_until_cancelled_owned(listen(
            link.clone(),
            first,
            local.clone(),
        )));
        tokio::spawn(stop.clone().run_until_cancelled_owned(send(link, outgoing.clone())));
        Ok(Self { local, outgoing, _stop: stop.drop_guard() })
    }
}

impl Bus for RedisBus {
    fn publish(&self, log: &str, position: i64) {
        self.local.publish(log, position);
        let mut newest = self.outgoing.newest.lock().unwrap_or_else(PoisonError::into_inner);
        match newest.get_mut(log) {
            Some(waiting) => *waiting = position.max(*waiting),
            None => {
                newest.insert(log.to_owned(), position);
            }
        }
        drop(newest);
        self.outgoing.more.notify_one();
    }

    fn subscribe(&self) -> BoxStream<'static, Wake> {
        self.local.subscribe()
    }
}

impl Link {
    /// Subscribes at the first node that lets us.
    async fn subscribe(&self) -> Result<(PubSubSink, PubSubStream), RedisError> {
        let address = self.redis.address();
        let mut last = RedisError::silent(address);
        for node in self.redis.nodes() {
            let subscribing = async {
                let (mut sink, stream) = node.get_async_pubsub().await?.split();
                sink.subscribe(&self.channel).await?;
                redis::RedisResult::Ok((sink, stream))
            };
            last = match tokio::time::timeout(self.redis.connect_timeout(), subscribing).await {
                Ok(Ok(subscribed)) => return Ok(subscribed),
                Ok(Err(cause)) => RedisError::refused(address, cause),
                Err(_) => RedisError::silent(address),
            };
        }
        Err(last)
    }

    /// `sender position log`.
    fn encode(&self, log: &str, position: i64) -> String {
        format!("{} {position} {log}", self.sender)
    }

    /// What a message says, unless it is one of our own.
    fn decode(&self, message: &str) -> Option<Wake> {
        let mut parts = message.splitn(3, ' ');
        let sender = parts.next()?;
        let position = parts.next()?.parse().ok()?;
        let log = parts.next()?.to_owned();
        (sender != self.sender).then_some(Wake::Grown { log, position })
    }
}

/// Passes messages on, for ever.
async fn listen(link: Arc<Link>, first: (PubSubSink, PubSubStream), local: InProcessBus) {
    let mut subscribed = Some(first);
    loop {
        if let Some((sink, stream)) = subscribed.take() {
            pass_on(&link, sink, stream, &local).await;
            tracing::warn!(
                address = link.redis.address(),
                "the subscription to Redis broke: subscribing again"
            );
        }
        match link.subscribe().await {
            Ok(again) => {
                tracing::info!(address = link.redis.address(), "subscribed to Redis again");
                // Whatever was published meanwhile is lost.
                local.send(Wake::LookAnew);
                subscribed = Some(again);
            }
            Err(error) => {
                tracing::debug!(%error, "the subscription to Redis is still broken");
                tokio::time::sleep(RETRY).await;
            }
        }
    }
}

/// Passes messages on until the connection ends.
async fn pass_on(
    link: &Link,
    mut sink: PubSubSink,
    mut stream: PubSubStream,
    local: &InProcessBus,
) {
    loop {
        match tokio::time::timeout(SILENCE, stream.next()).await {
            Ok(Some(message)) => {
                let text = std::str::from_utf8(message.get_payload_bytes()).unwrap_or_default();
                if let Some(wake) = link.decode(text) {
                    local.send(wake);
                }
            }
            Ok(None) => return,
            Err(_) => {
                let ping = sink.ping::<redis::Value>();
                match tokio::time::timeout(link.redis.connect_timeout(), ping).await {
                    Ok(Ok(_)) => {}
                    Ok(Err(_)) | Err(_) => return,
                }
            }
        }
    }
}

/// Sends what is waiting, for ever. What cannot be sent is lost, as a bus may.
async fn send(link: Arc<Link>, outgoing: Arc<Outgoing>) {
    loop {
        outgoing.more.notified().await;
        let newest =
            std::mem::take(&mut *outgoing.newest.lock().unwrap_or_else(PoisonError::into_inner));
        for (log, position) in newest {
            let mut command = redis::cmd("PUBLISH");
            command.arg(&link.channel).arg(link.encode(&log, position));
            if let Err(error) = link.redis.run::<i64>(&command).await {
                tracing::debug!(%error, "a wake-up was lost");
            }
        }
    }
}

//! The replicas of a subgraph: which of them are up, and whose turn it is.
//!
//! A replica is down when a connection to it could not be made or broke, or when it does not answer
//! its health check with success; it is up again with the next check that succeeds. One that is
//! down is still asked where no other is left: the view of a check may be old.

use super::{
    http_subgraph::{AddressError, Connector, client},
    tls,
};
use bytes::Bytes;
use http::{Request, Uri};
use http_body_util::{BodyExt, Empty};
use hyper_util::client::legacy::Client;
use std::{
    fmt,
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

/// The replicas of one subgraph, shared by everything that talks to it.
pub struct Replicas {
    members: Vec<Replica>,
    next: AtomicUsize,
    client: Client<Connector, Empty<Bytes>>,
}

struct Replica {
    base: String,
    up: AtomicBool,
}

impl Replicas {
    /// Replicas at these addresses (`http://host:port`, no path), in the order of their numbers. All
    /// count as up at first.
    ///
    /// # Errors
    /// An address that is none, and an empty list.
    pub fn new<I: AsRef<str>>(
        addresses: impl IntoIterator<Item = I>,
    ) -> Result<Arc<Replicas>, AddressError> {
        let mut members = Vec::new();
        let mut secure = false;
        for address in addresses {
            let base = address.as_ref().trim_end_matches('/').to_owned();
            let uri: Uri =
                base.parse().map_err(|error| AddressError::new(&base, format!("{error}")))?;
            secure |= uri.scheme_str() == Some("https");
            members.push(Replica { base, up: AtomicBool::new(true) });
        }
        if members.is_empty() {
            return Err(AddressError::new("", "there is none".to_owned()));
        }
        let tls = tls::client_config(None, secure)
            .map_err(|reason| AddressError::new(&members[0].base, reason))?;
        let client = client(tls, Duration::from_secs(2), false);
        Ok(Arc::new(Replicas { members, next: AtomicUsize::new(0), client }))
    }

    /// The addresses, without a slash at their ends.
    pub fn addresses(&self) -> impl Iterator<Item = &str> {
        self.members.iter().map(|replica| replica.base.as_str())
    }

    /// The numbers of the replicas in the order in which a request should try them: those that are
    /// up in turn, and then the others.
    pub fn order(&self) -> Vec<usize> {
        let count = self.members.len();
        let start = self.next.fetch_add(1, Relaxed);
        let turn = (0..count).map(|offset| (start.wrapping_add(offset)) % count);
        let (mut up, down): (Vec<_>, Vec<_>) =
            turn.partition(|index| self.members[*index].up.load(Relaxed));
        up.extend(down);
        up
    }

    /// The address of a replica by its number.
    pub fn address(&self, index: usize) -> Option<&str> {
        self.members.get(index).map(|replica| replica.base.as_str())
    }

    /// Notes whether a replica is up.
    pub fn mark(&self, index: usize, up: bool) {
        let Some(replica) = self.members.get(index) else { return };
        if replica.up.swap(up, Relaxed) != up {
            let address = replica.base.as_str();
            if up {
                tracing::info!(address, "a replica is up");
            } else {
                tracing::warn!(address, "a replica is down");
            }
        }
    }

    /// Whether any replica is up.
    pub fn any_up(&self) -> bool {
        self.members.iter().any(|replica| replica.up.load(Relaxed))
    }

    /// Asks each replica for `path` every so often, until `stop`.
    pub async fn watch(
        self: Arc<Self>,
        path: &str,
        every: Duration,
        stop: impl Future<Output = ()>,
    ) {
        let mut stop = std::pin::pin!(stop);
        loop {
            let this = &self;
            let checks = (0..this.members.len()).map(|index| async move {
                let up = this.answers(index, path, every).await;
                this.mark(index, up);
            });
            futures::future::join_all(checks).await;
            tokio::select! {
                () = &mut stop => return,
                () = tokio::time::sleep(every) => {}
            }
        }
    }

    async fn answers(&self, index: usize, path: &str, within: Duration) -> bool {
        let address = format!("{}{path}", self.members[index].base);
        let Ok(request) = Request::get(address).body(Empty::new()) else { return false };
        let asked = async {
            let response = self.client.request(request).await.ok()?;
            let healthy = response.status().is_success();
            // Read to its end, so that the connection can be used again.
            response.into_body().collect().await.ok()?;
            Some(healthy)
        };
        let patience = within.max(Duration::from_secs(1));
        tokio::time::timeout(patience, asked).await.ok().flatten().unwrap_or(false)
    }
}

impl fmt::Debug for Replicas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.addresses()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_that_are_up_take_turns_and_the_others_come_last() {
        let replicas =
            Replicas::new(["http://127.0.0.1:1/", "http://127.0.0.1:2", "http://127.0.0.1:3"])
                .unwrap();
        assert_eq!(replicas.order(), [0, 1, 2]);
        assert_eq!(replicas.order(), [1, 2, 0]);
        replicas.mark(2, false);
        assert_eq!(replicas.order(), [0, 1, 2]);
        assert_eq!(replicas.order(), [0, 1, 2]);
        assert_eq!(replicas.order(), [1, 0, 2]);
        assert!(replicas.any_up());
    }

    #[test]
    fn addresses_must_be_some() {
        assert!(Replicas::new(Vec::<String>::new()).is_err());
        assert!(Replicas::new(["not an address"]).is_err());
    }
}

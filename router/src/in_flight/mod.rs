//! One answer for reads that are the same and under way at the same time.
//!
//! What joins a read that has begun may be given a state from before it was asked for itself. So that
//! nobody misses a write that the router told of, a read is joined only until the router next tells
//! somebody of a write: the answer to a mutation, or an event of a subscription.

mod flights;
mod queries;
mod requests;

pub(crate) use queries::{Answered, Query};
pub(crate) use requests::Sharer;

use crate::transport::{SubgraphResponse, TransportError};
use flights::Flights;
use requests::SubgraphRead;
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// Which reads share one answer while they are under way. Only callers whose
/// [`Authenticate::scope`](crate::Authenticate::scope) is the same share any, and a mutation is no
/// read. By default none are shared: see [`ShareInFlight::queries`] for what is given up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ShareInFlight {
    /// Requests to one subgraph over HTTP with the same document and the same variables. The subgraph
    /// sees the headers of the first, such as its `X-Request-Id`.
    pub subgraph_requests: bool,
    /// Queries of clients with the same document, operation and variables.
    ///
    /// A client may be given a state that is older than its request by as long as the shared read
    /// takes, but not older than the last write that this router told anybody of. What other routers
    /// told, and what another query showed before, may be missing in it.
    pub queries: bool,
}

/// The reads that are under way in one router, whichever graph they began with.
#[derive(Debug)]
pub(crate) struct InFlight {
    options: ShareInFlight,
    /// How often the router has told of a write.
    told: AtomicU64,
    subgraph_requests: Flights<SubgraphRead, Result<SubgraphResponse, TransportError>>,
    queries: Flights<Query, Answered>,
}

impl InFlight {
    pub(crate) fn new(options: ShareInFlight) -> Arc<InFlight> {
        Arc::new(InFlight {
            options,
            told: AtomicU64::new(0),
            subgraph_requests: Flights::default(),
            queries: Flights::default(),
        })
    }

    /// Whether anything is shared at all.
    pub(crate) fn is_on(&self) -> bool {
        self.options.subgraph_requests || self.options.queries
    }

    /// Called before a client is told of a write: no read that began before is joined any more.
    pub(crate) fn tells_of_a_write(&self) {
        self.told.fetch_add(1, Ordering::SeqCst);
    }

    /// Reads with the same number began after the same writes were told.
    fn now(&self) -> u64 {
        self.told.load(Ordering::SeqCst)
    }
}

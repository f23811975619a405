//! What comes of subgraphs that are subscribed to, and what is made of it. Clients whose answers
//! differ share the events of one stream where the subgraph is asked the same.

use super::{
    answer_key::AnswerKey,
    core::Prepared,
    fan::{Kept, Read},
    follow::too_slow,
    groups::{Events, Group, GroupKey, Groups, Item},
    sharing::{Sharing, UpstreamKey},
    timed_out,
};
use crate::{
    authenticate::Authenticate,
    error::{GraphqlError, code},
    execute::Execution,
    limits::Limits,
    plan::types::{Fetch, Steps},
    request::{Caller, GraphqlResponse},
    transport::{SubgraphResponse, TransportError},
};
use bytes::Bytes;
use futures::{
    StreamExt,
    stream::{self, BoxStream},
};
use std::sync::Arc;

/// What is followed of one supergraph.
pub(super) struct Subscriptions {
    /// By what clients are answered.
    pub(super) answers: Arc<Groups<AnswerKey, Answer, GraphqlResponse>>,
    /// By what subgraphs are asked.
    upstreams: Arc<Groups<UpstreamKey, Event, Arc<TransportError>>>,
}

impl Subscriptions {
    pub(super) fn new(limits: &Limits) -> Subscriptions {
        let keep = Kept { items: limits.events_behind, bytes: limits.event_bytes_behind };
        Subscriptions {
            answers: Groups::new(keep, |answer| answer.body.len()),
            upstreams: Groups::new(keep, |event| match event {
                // The size of values is not known: they are bounded by their number.
                Event::Answer(SubgraphResponse::Json(body)) => body.len(),
                _ => 0,
            }),
        }
    }
}

/// The answer to one event.
#[derive(Clone)]
pub(super) struct Answer {
    pub(super) body: Bytes,
    pub(super) has_errors: bool,
}

impl Answer {
    fn error(error: GraphqlError) -> Answer {
        Answer { body: GraphqlResponse::request_errors(&[error]).body, has_errors: true }
    }
}

/// What comes of a subgraph.
#[derive(Clone)]
enum Event {
    Answer(SubgraphResponse),
    /// Nothing follows.
    Failed(Arc<TransportError>),
    /// Others who follow the same are too far ahead.
    Behind,
}

/// Decides who shares.
#[derive(Clone)]
pub(super) struct Sharer {
    pub(super) authenticate: Arc<dyn Authenticate>,
    pub(super) sharing: Sharing,
}

impl Sharer {
    /// Whether the caller, who has the same scope, joins the stream now.
    pub(super) fn joins<K: GroupKey, T: Item, E: Item>(
        &self,
        group: &Group<K, T, E>,
        caller: &Caller,
    ) -> bool {
        self.read_for(group, caller) == 0 || self.sharing == Sharing::AnyTime
    }

    /// Has what is read for the stream's events show what the caller has seen, from now on, and gives
    /// the number of the first event of which that is so.
    pub(super) fn read_for<K: GroupKey, T: Item, E: Item>(
        &self,
        group: &Group<K, T, E>,
        caller: &Caller,
    ) -> u64 {
        self.authenticate.share(&group.opener, caller);
        group.events.so_far()
    }
}

/// The answers to a subscription. With a `sharer`, the subgraph's events are shared with others who
/// ask the same of it. `events` counts them.
///
/// # Errors
/// What the client is told where the subgraph cannot be subscribed to.
pub(super) async fn answers(
    prepared: Arc<Prepared>,
    sharer: Option<Sharer>,
    events: Events,
) -> Result<BoxStream<'static, Answer>, GraphqlResponse> {
    let Steps::Subscription(fetch, _) = &prepared.plan.steps else {
        return Ok(stream::empty().boxed());
    };
    let upstream = match listen(&prepared, fetch, sharer).await {
        Ok(upstream) => upstream,
        Err(error) => {
            let told = unavailable(&prepared.execution(), fetch, &error);
            return Err(GraphqlResponse::request_errors(&[told]));
        }
    };
    Ok(stream::unfold(Some(upstream), move |upstream| {
        let (prepared, events) = (prepared.clone(), events.clone());
        async move {
            let mut upstream = upstream?;
            let event = upstream.next().await?;
            events.count();
            let (answer, last) = answer(&prepared, event).await;
            Some((answer, (!last).then_some(upstream)))
        }
    })
    .boxed())
}

/// Begins to listen to the subgraph, or listens with others who have begun.
async fn listen(
    prepared: &Prepared,
    fetch: &Fetch,
    sharer: Option<Sharer>,
) -> Result<BoxStream<'static, Event>, Arc<TransportError>> {
    let caller = &prepared.caller;
    let request = prepared.execution().request(&fetch.operation, &fetch.variables, Vec::new());
    let scope = sharer.as_ref().and_then(|sharer| sharer.authenticate.scope(caller));
    let key = scope.and_then(|scope| UpstreamKey::new(&request, scope));
    let subgraph = prepared.core.shared.subgraphs[fetch.operation.subgraph].clone();
    let begin = async move |events: Events| {
        let upstream = subgraph.subscribe(request).await.map_err(Arc::new)?;
        let upstream = upstream.map(move |event| {
            events.count();
            event.map_or_else(|error| Event::Failed(Arc::new(error)), Event::Answer)
        });
        Ok(upstream.boxed())
    };
    let (Some(key), Some(sharer)) = (key, sharer) else { return begin(Events::default()).await };
    let groups = &prepared.core.subscriptions.upstreams;
    let group = groups.find_or_open(key, caller, |group| sharer.joins(group, caller), begin);
    let reader = match sharer.sharing {
        Sharing::AnyTime => group.reader().await?,
        _ => group.reader_of_all().await?,
    };
    Ok(stream::unfold(reader, |mut reader| async move {
        match reader.read().await {
            Read::Item(event) => Some((event, reader)),
            Read::Behind => Some((Event::Behind, reader)),
            Read::End => None,
        }
    })
    .boxed())
}

/// The answer to one event, and whether it is the last.
async fn answer(prepared: &Prepared, event: Event) -> (Answer, bool) {
    let Steps::Subscription(fetch, rest) = &prepared.plan.steps else {
        return (Answer { body: Bytes::new(), has_errors: true }, true);
    };
    let execution = prepared.execution();
    let event = match event {
        Event::Answer(event) => event,
        Event::Failed(error) => {
            return (Answer::error(unavailable(&execution, fetch, &error)), true);
        }
        Event::Behind => return (Answer::error(too_slow()), true),
    };
    let limit = prepared.core.limits.execution;
    let run = execution.run_event(fetch, event, rest);
    if tokio::time::timeout(limit, run).await.is_err() {
        // Others may follow: unlike an error with which a subscription ends, it is an answer.
        let body = timed_out(limit).with_data_null().body;
        return (Answer { body, has_errors: true }, false);
    }
    let (body, has_errors, _) = execution.answer();
    (Answer { body, has_errors }, false)
}

fn unavailable(execution: &Execution<'_>, fetch: &Fetch, error: &TransportError) -> GraphqlError {
    let error = execution.unavailable(&fetch.operation, error);
    let mut told = GraphqlError::new(code::SUBGRAPH_UNAVAILABLE, error.message);
    told.extensions = Box::new(error.extensions);
    told
}

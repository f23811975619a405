//! Answers in parts: what is not deferred first, and each deferred fragment when it is there.

use super::{Router, core::Prepared, timed_out, too_long};
use crate::{
    error::{GraphqlError, code},
    execute::Delivery,
    incremental::{Format, Part},
    plan::{OperationKind, defer::Deferred},
    request::{Caller, GraphqlResponse},
};
use bytes::Bytes;
use futures::{
    FutureExt, SinkExt, StreamExt,
    channel::mpsc,
    future::BoxFuture,
    stream::{self, BoxStream, FuturesUnordered},
};
use std::sync::Arc;

/// An answer to an operation that defers.
pub(crate) enum Answer {
    /// Nothing came of what is deferred, or nothing at all.
    Whole(GraphqlResponse),
    /// The first part, and those that follow.
    Parts(BoxStream<'static, Bytes>),
}

/// What a run says of itself.
enum Message {
    Whole(GraphqlResponse),
    Part(Bytes),
}

/// A step of a run: all that is not deferred, or a wave by its number.
type Step = Option<usize>;

impl Router {
    /// Executes an operation that defers, until its first part is there. Dropping the parts ends what is
    /// under way.
    pub(crate) async fn answer_in_parts(
        self: Arc<Self>,
        prepared: Prepared,
        format: Format,
    ) -> Answer {
        let (sender, receiver) = mpsc::channel(0);
        let caller = prepared.caller.clone();
        let run = async move { self.run_in_parts(&prepared, format, sender).await };
        // The run goes on while the stream is asked for its items.
        let run = stream::once(run).filter_map(|()| async { None });
        let mut messages = stream::select(receiver, run).boxed();
        let first = match messages.next().await {
            Some(Message::Part(first)) => first,
            Some(Message::Whole(answer)) => return Answer::Whole(answer),
            None => {
                return Answer::Whole(GraphqlResponse::request_errors(&[unfinished(&caller)]));
            }
        };
        let rest = messages.filter_map(|message| async move {
            match message {
                Message::Part(part) => Some(part),
                Message::Whole(_) => None,
            }
        });
        Answer::Parts(stream::once(async { first }).chain(rest).boxed())
    }

    async fn run_in_parts(
        &self,
        prepared: &Prepared,
        format: Format,
        mut sender: mpsc::Sender<Message>,
    ) {
        let Some(deferred) = &prepared.plan.deferred else { return };
        let execution = prepared.execution();
        let mut delivery = Delivery::new(&execution, deferred);
        let mut waves = Waves::new(deferred, prepared.kind() == OperationKind::Query);
        let mut running: FuturesUnordered<BoxFuture<'_, Step>> = FuturesUnordered::new();
        running.push(execution.run().map(|()| None).boxed());
        let limit = prepared.core.limits.execution;
        let deadline = tokio::time::sleep(limit);
        tokio::pin!(deadline);
        let mut begun = false;
        loop {
            for number in waves.begin() {
                let wave = execution.run_wave(&deferred.waves[number]);
                running.push(wave.map(move |()| Some(number)).boxed());
            }
            let ended = tokio::select! {
                step = running.next() => step.ok_or_else(|| unfinished(&prepared.caller)),
                () = &mut deadline => Err(too_long(limit)),
                () = self.stop.asked(), if begun => Err(stopped()),
            };
            let part = match ended {
                Ok(step) => {
                    waves.end(step);
                    step.iter().for_each(|wave| delivery.fetched(*wave));
                    if !waves.first {
                        continue;
                    }
                    if step.is_none() {
                        begun = true;
                        if prepared.kind() == OperationKind::Mutation {
                            self.in_flight.tells_of_a_write();
                        }
                        let first = delivery.first();
                        if !first.has_next {
                            sender.send(Message::Whole(whole(first))).await.ok();
                            return;
                        }
                        send(&mut sender, &first, format).await;
                    }
                    delivery.next()
                }
                Err(_) if !begun => {
                    sender.send(Message::Whole(timed_out(limit))).await.ok();
                    return;
                }
                Err(error) => delivery.end(&error),
            };
            send(&mut sender, &part, format).await;
            if !part.has_next {
                return;
            }
        }
    }
}

/// Sends a part that says anything. One that nobody takes any more is not missed: the run ends with the
/// stream that it fills.
async fn send(sender: &mut mpsc::Sender<Message>, part: &Part, format: Format) {
    if !part.is_empty() {
        sender.send(Message::Part(part.write(format).into())).await.ok();
    }
}

/// An answer of which nothing was deferred after all.
fn whole(part: Part) -> GraphqlResponse {
    let (data, errors) = part.first.unwrap_or_default();
    GraphqlResponse::of(&data, &errors)
}

fn stopped() -> GraphqlError {
    GraphqlError::new(
        code::SUBGRAPH_UNAVAILABLE,
        "the server stops before this is there; ask for it again",
    )
}

/// All fetches have ended and something is missing, which the plan rules out.
fn unfinished(caller: &Caller) -> GraphqlError {
    let id = caller.told_request_id();
    tracing::error!(request_id = %id, "a deferred fragment was not delivered by any fetch");
    GraphqlError::internal().of_request(id)
}

/// Which waves have begun and ended.
struct Waves<'a> {
    deferred: &'a Deferred,
    /// Whether what is not deferred is fetched.
    first: bool,
    /// Whether waves that wait for nothing begin at once: not those of mutations, which write first.
    early: bool,
    begun: Vec<bool>,
    ended: Vec<bool>,
}

impl Waves<'_> {
    fn new(deferred: &Deferred, early: bool) -> Waves<'_> {
        let none = vec![false; deferred.waves.len()];
        Waves { deferred, first: false, early, begun: none.clone(), ended: none }
    }

    /// The waves that begin now.
    fn begin(&mut self) -> Vec<usize> {
        let mut all = Vec::new();
        for (number, wave) in self.deferred.waves.iter().enumerate() {
            let waits = wave.after.iter().any(|before| match before.is_empty() {
                true => !self.first,
                false => {
                    let mut waves = self.deferred.waves.iter().zip(&self.ended);
                    waves.any(|(known, ended)| known.usages == *before && !ended)
                }
            });
            if !waits && (self.first || self.early) && !self.begun[number] {
                self.begun[number] = true;
                all.push(number);
            }
        }
        all
    }

    fn end(&mut self, step: Step) {
        match step {
            Some(wave) => self.ended[wave] = true,
            None => self.first = true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::RequestId;

    #[test]
    fn what_was_not_delivered_is_told_with_the_id_of_its_request() {
        let mut caller = Caller::default();
        caller.extensions.insert(RequestId("an id".into()));
        let error = unfinished(&caller);
        assert_eq!(error.code(), Some(code::INTERNAL));
        assert_eq!(error.extensions["requestId"], "an id");
    }
}

//! Subscriptions as each client follows them. Clients that would be given the same answers share
//! them: an event is executed and written once for all of them. Whether a client may go on is asked
//! for each by itself, and one that is too slow goes without the others noticing.

use super::{
    Router,
    answer_key::AnswerKey,
    core::Prepared,
    fan::Read,
    groups::{Events, Group, Reader},
    sharing::Sharing,
    upstream::{Answer, Sharer, answers},
};
use crate::{
    error::{GraphqlError, code},
    request::GraphqlResponse,
};
use bytes::Bytes;
use futures::{
    StreamExt,
    stream::{self, BoxStream},
};
use std::sync::{Arc, Weak};

pub(super) type Others = Group<AnswerKey, Answer, GraphqlResponse>;

/// One client that follows.
struct Follower {
    router: Arc<Router>,
    prepared: Arc<Prepared>,
    source: Source,
}

enum Source {
    /// With others, or so that others may join.
    Shared(Reader<AnswerKey, Answer, GraphqlResponse>),
    /// By itself.
    Own {
        answers: BoxStream<'static, Answer>,
        events: Events,
        meeting: Option<Meeting>,
    },
    Over,
}

/// Others with whom a client goes on once both have had the same event.
struct Meeting {
    key: AnswerKey,
    sharer: Sharer,
    /// The number of their first event for which everything was read for this client, too.
    others: Option<(Weak<Others>, u64)>,
}

impl Router {
    /// Follows a subscription.
    pub(super) async fn follow(
        self: Arc<Self>,
        prepared: Prepared,
    ) -> Result<BoxStream<'static, Bytes>, GraphqlResponse> {
        let prepared = Arc::new(prepared);
        let stop = self.stop.clone();
        let source = tokio::select! {
            begun = self.begin(&prepared) => begun?,
            () = stop.asked() => return Ok(stream::empty().boxed()),
        };
        let follower = Follower { router: self, prepared, source };
        let answers = stream::unfold(Some(follower), |follower| async move {
            let mut follower = follower?;
            match follower.next().await? {
                Ok(body) => Some((body, Some(follower))),
                Err(last) => Some((GraphqlResponse::request_errors(&[last]).body, None)),
            }
        });
        Ok(stop.cut(answers).boxed())
    }

    async fn begin(&self, prepared: &Arc<Prepared>) -> Result<Source, GraphqlResponse> {
        let (core, caller) = (&prepared.core, &prepared.caller);
        let sharing = Sharing::of(&prepared.plan, &self.sharings);
        let scope = match sharing {
            Sharing::Never => None,
            _ => self.authenticate.scope(caller),
        };
        let Some(scope) = scope else { return alone(prepared, None).await };
        let key = AnswerKey::new(&prepared.plan, &prepared.variables, scope);
        let groups = &core.subscriptions.answers;
        let sharer = Sharer { authenticate: self.authenticate.clone(), sharing };
        if matches!(sharer.sharing, Sharing::AtEvent { .. })
            && let Some(others) = groups.find(&key, |group| group.events.so_far() > 0)
        {
            let others = Some((Arc::downgrade(&others), sharer.read_for(&others, caller)));
            return alone(prepared, Some(Meeting { key, sharer, others })).await;
        }
        let begin = |events| answers(prepared.clone(), Some(sharer.clone()), events);
        let joins = |group: &Others| sharer.joins(group, caller);
        let group = groups.find_or_open(key, caller, joins, begin);
        Ok(Source::Shared(match sharer.sharing {
            Sharing::AnyTime => group.reader().await?,
            _ => group.reader_of_all().await?,
        }))
    }
}

async fn alone(
    prepared: &Arc<Prepared>,
    meeting: Option<Meeting>,
) -> Result<Source, GraphqlResponse> {
    let events = Events::default();
    let answers = answers(prepared.clone(), None, events.clone()).await?;
    Ok(Source::Own { answers, events, meeting })
}

impl Follower {
    /// The next answer, or the error with which this client's subscription ends.
    async fn next(&mut self) -> Option<Result<Bytes, GraphqlError>> {
        let answer = match &mut self.source {
            Source::Shared(reader) => match reader.read().await {
                Read::Item(answer) => answer,
                Read::Behind => return Some(Err(too_slow())),
                Read::End => return None,
            },
            Source::Own { answers, .. } => answers.next().await?,
            Source::Over => return None,
        };
        if !self.router.authenticate.still_valid(&self.prepared.caller).await {
            let message = "the session ended; sign in and subscribe again";
            return Some(Err(GraphqlError::new(code::UNAUTHENTICATED, message)));
        }
        self.router.in_flight.tells_of_a_write();
        if !answer.has_errors {
            self.meet(&answer);
        }
        Some(Ok(answer.body))
    }

    /// Goes on with others who have had this answer, too; where there are none, so that others can.
    fn meet(&mut self, answer: &Answer) {
        let Source::Own { meeting: Some(meeting), .. } = &mut self.source else { return };
        let (groups, caller) = (&self.prepared.core.subscriptions.answers, &self.prepared.caller);
        if let Some(others) = groups.find(&meeting.key, |_| true) {
            let from = match &meeting.others {
                Some((known, from)) if std::ptr::eq(known.as_ptr(), &*others) => *from,
                _ => meeting.sharer.read_for(&others, caller),
            };
            meeting.others = Some((Arc::downgrade(&others), from));
            let same = |theirs: &Answer| !theirs.has_errors && theirs.body == answer.body;
            if let Some(reader) = others.reader_behind(from.saturating_sub(1), same) {
                self.source = Source::Shared(reader);
            }
            return;
        }
        let key = meeting.key.clone();
        let Source::Own { answers, events, meeting } =
            std::mem::replace(&mut self.source, Source::Over)
        else {
            return;
        };
        self.source = match groups.open_late(&key, caller, &events, answers, answer.clone()) {
            Ok(reader) => Source::Shared(reader),
            Err(answers) => Source::Own { answers, events, meeting },
        };
    }
}

/// What a client is told that does not take its events in time.
pub(super) fn too_slow() -> GraphqlError {
    let message =
        "events came faster than they were taken; subscribe again after the last one that you have";
    GraphqlError::new(code::TOO_SLOW, message)
}

//! What a consumer does with the events that it is given: many together where that can be, and else
//! one after the other, for the first time or again, until each has had its effect or is given up on.

use studio_kernel::published::CloudEvent;
use tokio::time::Instant;

use super::{Consumer, End, Pause};
use crate::{
    dead_letters,
    error::{AppendError, StoreError},
    event::{Append, ConsumerCheckpoint, Metadata},
    prepare::DeadLetterChange,
    react::{Taken, Trouble, react, react_together, redrive},
};

impl Consumer {
    /// Takes marked dead letters again, looking for them as often as for events.
    pub(super) async fn take_again(&mut self) -> Result<(), End> {
        if self.looked.is_some_and(|looked| looked.elapsed() < self.options.poll) {
            return Ok(());
        }
        self.looked = Some(Instant::now());
        let again = redrive(&self.store, &self.name, self.handler.as_ref(), self.term.as_ref());
        let taken = tokio::select! {
            end = self.over() => return Err(end),
            taken = again => taken,
        };
        match taken {
            Ok(()) | Err(Trouble::Failed(_)) => Ok(()),
            Err(Trouble::Closed) => Err(End::Stop),
            Err(Trouble::Deposed) => Err(self.deposed()),
            Err(Trouble::Unavailable(why)) => {
                tracing::warn!(consumer = self.name, why, "dead letters wait to be taken again");
                Ok(())
            }
        }
    }

    /// Takes in as many events as go together, and leaves the others.
    pub(super) async fn take_together(&mut self, events: &[CloudEvent]) -> Result<(), End> {
        if events.len() < 2 || !self.handler.rests_on_the_event_alone() {
            return Ok(());
        }
        let (handler, term) = (self.handler.as_ref(), self.term.as_ref());
        let taken = tokio::select! {
            end = self.over() => return Err(end),
            taken = react_together(&self.store, handler, events, term, &self.name) => taken,
        };
        if let Some(position) = taken.recorded {
            self.moved_to(position);
        }
        if let Some(position) = taken.through {
            self.advance(position);
        }
        Ok(())
    }

    /// Takes one event in, whatever it takes.
    pub(super) async fn take(&mut self, event: &CloudEvent) -> Result<(), End> {
        let mut pause = Pause::of(&self.options);
        let mut attempts = 0;
        loop {
            let tried = tokio::select! {
                end = self.over() => return Err(end),
                tried = self.attempt(event) => tried,
            };
            let failure = match tried {
                Ok(Taken::Recorded) => {
                    self.moved_to(event.position);
                    return Ok(());
                }
                Ok(Taken::NoConcern) => {
                    self.advance(event.position);
                    return Ok(());
                }
                Ok(Taken::Elsewhere(stored)) => {
                    self.moved_to(stored);
                    return Ok(());
                }
                Err(Trouble::Closed) => return Err(End::Stop),
                Err(Trouble::Deposed) => return Err(self.deposed()),
                Err(Trouble::Unavailable(why)) => {
                    tracing::warn!(consumer = self.name, position = event.position, why, "waiting");
                    self.wait(pause.grow()).await?;
                    continue;
                }
                Err(Trouble::Failed(why)) => why,
            };
            attempts += 1;
            tracing::warn!(
                consumer = self.name,
                position = event.position,
                attempts,
                failure,
                "an event could not be taken in"
            );
            if attempts < self.options.attempts.max(1) {
                self.wait(pause.grow()).await?;
                continue;
            }
            match self.give_up(event, &failure, attempts).await {
                Ok(()) => return Ok(()),
                Err(AppendError::Store(StoreError::Closed)) => return Err(End::Stop),
                Err(AppendError::Deposed { .. }) => return Err(self.deposed()),
                Err(AppendError::CheckpointMoved { stored, .. }) => {
                    self.moved_to(stored);
                    return Ok(());
                }
                Err(error) => {
                    tracing::error!(consumer = self.name, %error, "a dead letter is not kept");
                    self.wait(pause.grow()).await?;
                }
            }
        }
    }

    async fn attempt(&self, event: &CloudEvent) -> Result<Taken, Trouble> {
        let checkpoint = ConsumerCheckpoint { name: self.name.clone(), position: event.position };
        let term = self.term.as_ref();
        react(&self.store, self.handler.as_ref(), event, term, Some(checkpoint), None).await
    }

    async fn give_up(
        &mut self,
        event: &CloudEvent,
        failure: &str,
        attempts: u32,
    ) -> Result<(), AppendError> {
        let append = Append {
            tenant: event.tenant,
            metadata: Metadata::system(self.name.as_str()),
            streams: Vec::new(),
            checkpoint: Some(ConsumerCheckpoint {
                name: self.name.clone(),
                position: event.position,
            }),
            fence: None,
        };
        let letter = DeadLetterChange::Add {
            consumer: self.name.clone(),
            source: event.source.clone(),
            position: event.position,
            event: serde_json::to_string(event).unwrap_or_default(),
            error: dead_letters::told(failure),
            attempts,
            recorded_at: self.store.env().now(),
        };
        self.store.append_with(self.fenced(append), Some(letter)).await?;
        self.moved_to(event.position);
        Ok(())
    }
}

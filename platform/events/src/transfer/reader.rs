//! The events of a log up to a cut, as they leave.

use studio_stores::sql::Database;

use crate::{
    event::Recorded,
    rows::{self, Slice},
    verify::Walk,
};

use super::{LogState, TransferError};

/// Events read at a time.
const PAGE: usize = 1_000;

/// Reads a log up to a cut, and computes its chain on the way.
pub struct Reader<'a> {
    database: &'a Database,
    state: &'a LogState,
    walk: Walk,
}

impl<'a> Reader<'a> {
    /// From the first event on.
    pub fn new(database: &'a Database, state: &'a LogState) -> Self {
        Self { database, state, walk: state.walk() }
    }

    /// The next events, in order; none once all were read, and then the last one was the head's.
    ///
    /// # Errors
    /// [`TransferError::Broken`] and its like when the log is not what was recorded.
    pub async fn next(&mut self) -> Result<Vec<Recorded>, TransferError> {
        let rest = self.state.position - self.walk.position();
        let limit = usize::try_from(rest).unwrap_or(0).min(PAGE);
        let mut events = Vec::new();
        if limit > 0 {
            // From the primary: a replica may not have come as far as the cut.
            let slice = Slice::All { after: self.walk.position() };
            events = rows::read(self.database.writer(), slice, limit).await?;
        }
        for event in &events {
            self.walk.step(event).map_err(|e| TransferError::of(&self.state.source, e))?;
        }
        if events.is_empty() {
            self.state.check_end(&self.walk)?;
        }
        Ok(events)
    }
}

//! Walking the log: every position is there, every event still has the hash that was written, each
//! link holds the one before, and the end is where the head, the signed checkpoints and everybody else
//! who has seen the log say.

use sea_orm::{ConnectionTrait, DatabaseConnection};
use serde::de::IgnoredAny;
use studio_kernel::Timestamp;

use crate::{
    chain,
    error::StoreError,
    event::Recorded,
    rows::{self, Slice},
    seen::Seen,
    signing::{self, SignedCheckpoint},
    tree::{HeadError, TreeWalk},
};

/// Events read at a time.
const PAGE: usize = 1_000;
/// Positions that are looked through at a time for events of one type.
const WINDOW: i64 = 2_000;

/// A log that is whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// How many events it holds, which is also the newest position.
    pub events: i64,
    /// The hash at the newest position.
    pub hash: [u8; 32],
    /// How many signed checkpoints agree with it.
    pub checkpoints: usize,
    /// How many signed tree heads do.
    pub tree_heads: usize,
}

/// The first place where the log is not what was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokenLink {
    /// The position of the event.
    pub position: i64,
    /// Its id, where it can still be read.
    pub event_id: Option<String>,
    /// What is wrong there.
    pub fault: Fault,
}

/// What is wrong with a link.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// There is no event at this position.
    #[error("the event is missing")]
    Missing,
    /// The row does not have the shape of an event.
    #[error("the event does not read: {0}")]
    Unreadable(String),
    /// `prev_hash` is not the hash of the event before.
    #[error("it does not follow from the event before it")]
    PrevHash,
    /// The hash is not that of the event's contents.
    #[error("its contents are not what was recorded")]
    Contents,
    /// It claims to be older than the event before.
    #[error("it claims to have been recorded before the event that precedes it")]
    Time,
    /// `log_head` names another position or hash.
    #[error("the log's head says that position {0} is the newest")]
    Head(i64),
    /// A signed checkpoint is of a position beyond the end.
    #[error("a signed checkpoint proves that the log once reached position {0}: it was cut off")]
    CutOff(i64),
    /// A signed checkpoint names another hash at its position.
    #[error("a signed checkpoint proves that another event was recorded at this position")]
    Checkpoint,
    /// Others have seen events beyond the end.
    #[error("the log ends at position {head} and was longer: {}", list(seen))]
    Beyond {
        /// Where it ends.
        head: i64,
        /// Who has seen which position.
        seen: Vec<(String, i64)>,
    },
    /// Others have seen another event here.
    #[error("{0} has seen another event at this position")]
    Seen(String),
    /// `log_head` names another instant than the newest event.
    #[error("the log's head says that it was recorded at {0}")]
    HeadTime(Timestamp),
    /// `log_head` is gone or does not read.
    #[error("the log has no readable head ({0})")]
    NoHead(String),
    /// A checkpoint is not signed by the store's key.
    #[error("the signed checkpoint of this position is not signed with this store's key")]
    Signature,
    /// A stored node of the tree is not that of the events up to here.
    #[error(
        "node {index} of level {level} of the log's tree is missing, or not that of these events. \
         The tree follows from the events: where they are whole, it is enough to empty the table \
         log_tree"
    )]
    TreeNode {
        /// The level, from 0 for the events themselves.
        level: u32,
        /// Its index in the level, from 0.
        index: u64,
    },
    /// The tree, or a signed head of it, is of more events than there are.
    #[error("the log's tree proves that the log once reached position {0}: it was cut off")]
    TreeBeyond(u64),
    /// A signed tree head has another root.
    #[error("a signed tree head proves that other events were recorded up to this position")]
    TreeRoot,
    /// What was kept as a tree head is none.
    #[error("the tree head that was kept of these events is not what was signed: {0}")]
    TreeHead(HeadError),
}

fn list(seen: &[(String, i64)]) -> String {
    let one = |(by, position): &(String, i64)| format!("{by} has seen position {position}");
    seen.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// What a log is held against besides itself.
#[derive(Debug, Clone, Copy, Default)]
pub struct Against<'a> {
    /// The public key that checkpoints must be signed with, where it is known.
    pub key: Option<&'a [u8]>,
    /// Signed checkpoints that were kept elsewhere.
    pub kept: &'a [SignedCheckpoint],
    /// What others have seen of it, read before this.
    pub seen: &'a [Seen],
}

/// Why a log could not be verified.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// It was changed from outside.
    #[error(
        "the log is broken at position {} ({}): {}",
        .0.position, .0.event_id.as_deref().unwrap_or("no event"), .0.fault
    )]
    Broken(BrokenLink),
    /// It could not be read, which says nothing of what it holds.
    #[error(transparent)]
    Store(StoreError),
}

impl From<StoreError> for VerifyError {
    /// What is stored in the wrong shape is a broken link, and no failure to read.
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NoHead(cause) => broken(0, None, Fault::NoHead(cause)),
            StoreError::Row { position, cause } => broken(position, None, Fault::Unreadable(cause)),
            other => Self::Store(other),
        }
    }
}

pub(crate) fn broken(position: i64, event: Option<&Recorded>, fault: Fault) -> VerifyError {
    let event_id = event.map(|event| event.event_id.to_string());
    VerifyError::Broken(BrokenLink { position, event_id, fault })
}

/// What is known of the event last looked at, while a log is walked from its first event on.
pub(crate) struct Walk {
    position: i64,
    hash: [u8; 32],
    recorded_at: Timestamp,
    bytes: String,
    /// What remains to be held against the log, oldest first.
    checkpoints: std::iter::Peekable<std::vec::IntoIter<SignedCheckpoint>>,
    seen: std::iter::Peekable<std::vec::IntoIter<Seen>>,
    agreeing: usize,
}

/// Walks the log that `connection` reads, and holds it against what else is known of it.
pub async fn verify(
    connection: &DatabaseConnection,
    source: &str,
    against: Against<'_>,
) -> Result<Verified, VerifyError> {
    let Against { key, kept, seen } = against;
    // The tree before the head: it is never of more events than were recorded. The head before the
    // events: what is appended during the walk is beyond it and left alone.
    let mut tree = TreeWalk::begin(connection, source, key).await?;
    let head = rows::read_head(connection).await?;
    let mut checkpoints = signing::stored(connection).await?;
    checkpoints.extend_from_slice(kept);
    checkpoints.sort_by_key(|checkpoint| checkpoint.position);
    // One of the empty log says nothing about any event.
    if let Some(forged) = checkpoints
        .iter()
        .filter(|checkpoint| checkpoint.position > 0)
        .find(|checkpoint| !checkpoint.is_signed_by(key.unwrap_or(&checkpoint.public_key), source))
    {
        return Err(broken(forged.position, None, Fault::Signature));
    }
    let mut walk = Walk::new(checkpoints).against(seen);
    loop {
        let events = page(connection, walk.position).await?;
        if events.is_empty() {
            break;
        }
        for event in &events {
            walk.step(event)?;
            tree.step(connection, event).await?;
        }
        if walk.position >= head.position && events.len() < PAGE {
            break;
        }
    }
    let tree_heads = tree.end()?;
    Ok(Verified { tree_heads, ..walk.end(&head, connection).await? })
}

/// Events of one type, or what is wrong with the row of one, and the position up to which they were
/// looked for.
pub type OfType = (Vec<Result<Recorded, StoreError>>, i64);

/// The events of one type among the next ones after a position; `None` at the end of the log. For who
/// looks up what a log names without opening its store, also of a log that is broken elsewhere.
///
/// # Errors
/// When the database does not answer.
pub async fn events_of_type(
    connection: &DatabaseConnection,
    event_type: &str,
    after: i64,
) -> Result<Option<OfType>, StoreError> {
    let newest = rows::newest_position(connection).await?;
    if after >= newest {
        return Ok(None);
    }
    // So few that no statement takes long, whatever is between them.
    let until = newest.min(after.saturating_add(WINDOW));
    let slice = Slice::Type { event_type, after, until };
    let most = usize::try_from(WINDOW).unwrap_or(usize::MAX);
    Ok(Some((rows::read_each(connection, slice, most).await?, until)))
}

/// One page; an unreadable row is a broken link and no failure to read.
async fn page<C: ConnectionTrait>(
    connection: &C,
    after: i64,
) -> Result<Vec<Recorded>, VerifyError> {
    match rows::read(connection, Slice::All { after }, PAGE).await {
        Err(StoreError::Row { .. }) => {}
        other => return Ok(other?),
    }
    // Once more one by one, so that a link broken before the unreadable row is named first.
    let mut events = Vec::new();
    loop {
        let at = events.last().map_or(after, |event: &Recorded| event.position);
        match rows::read(connection, Slice::All { after: at }, 1).await {
            Ok(next) if next.is_empty() || events.len() >= PAGE => return Ok(events),
            Ok(next) => events.extend(next),
            Err(StoreError::Row { .. }) if !events.is_empty() => return Ok(events),
            Err(StoreError::Row { position, cause }) => {
                return Err(broken(position.max(at + 1), None, Fault::Unreadable(cause)));
            }
            Err(error) => return Err(error.into()),
        }
    }
}

impl Walk {
    /// Before the first event. The checkpoints, oldest first, are held against the log on the way.
    pub(crate) fn new(mut checkpoints: Vec<SignedCheckpoint>) -> Self {
        checkpoints.retain(|checkpoint| checkpoint.position > 0);
        Self {
            position: 0,
            hash: chain::GENESIS,
            recorded_at: Timestamp::from_micros(i64::MIN),
            bytes: String::new(),
            checkpoints: checkpoints.into_iter().peekable(),
            seen: Vec::new().into_iter().peekable(),
            agreeing: 0,
        }
    }

    /// Held also against what others have seen.
    fn against(mut self, seen: &[Seen]) -> Self {
        let mut seen: Vec<Seen> = seen.iter().filter(|seen| seen.position > 0).cloned().collect();
        seen.sort_by_key(|seen| seen.position);
        self.seen = seen.into_iter().peekable();
        self
    }

    /// The position of the event last looked at, 0 before the first.
    pub(crate) fn position(&self) -> i64 {
        self.position
    }

    /// Its hash.
    pub(crate) fn hash(&self) -> [u8; 32] {
        self.hash
    }

    /// When it was recorded.
    pub(crate) fn recorded_at(&self) -> Timestamp {
        self.recorded_at
    }

    /// Whether the event follows from the one before.
    pub(crate) fn step(&mut self, event: &Recorded) -> Result<(), VerifyError> {
        let position = self.position + 1;
        if event.position != position {
            return Err(broken(position, None, Fault::Missing));
        }
        let fault = |fault| Err(broken(position, Some(event), fault));
        if event.prev_hash != self.hash {
            return fault(Fault::PrevHash);
        }
        // Each text must be one JSON value by itself, or bytes could be moved between the columns
        // without changing what is hashed.
        for (column, text) in [("payload", &event.payload), ("metadata", &event.metadata)] {
            if let Err(error) = serde_json::from_str::<IgnoredAny>(text) {
                return fault(Fault::Unreadable(format!("{column}: {error}")));
            }
        }
        chain::write_canonical(event, &mut self.bytes);
        if chain::link(&event.prev_hash, &self.bytes) != event.hash {
            return fault(Fault::Contents);
        }
        if event.recorded_at < self.recorded_at {
            return fault(Fault::Time);
        }
        while let Some(checkpoint) =
            self.checkpoints.next_if(|checkpoint| checkpoint.position <= position)
        {
            if checkpoint.position != position || checkpoint.hash != event.hash {
                return fault(Fault::Checkpoint);
            }
            self.agreeing += 1;
        }
        while let Some(seen) = self.seen.next_if(|seen| seen.position <= position) {
            if seen.hash.is_some_and(|hash| hash != event.hash) {
                return fault(Fault::Seen(seen.by));
            }
        }
        self.position = position;
        self.hash = event.hash;
        self.recorded_at = event.recorded_at;
        Ok(())
    }

    async fn end(
        mut self,
        head: &rows::Head,
        connection: &DatabaseConnection,
    ) -> Result<Verified, VerifyError> {
        if self.seen.peek().is_some() {
            let seen = self.seen.map(|seen| (seen.by, seen.position)).collect();
            let fault = Fault::Beyond { head: self.position, seen };
            return Err(broken(self.position + 1, None, fault));
        }
        if let Some(beyond) = self.checkpoints.next_back() {
            return Err(broken(self.position + 1, None, Fault::CutOff(beyond.position)));
        }
        // The head was read before the events: it may be behind, and is then read again.
        let head =
            if head.position < self.position { rows::read_head(connection).await? } else { *head };
        if head.position < self.position {
            return Err(broken(self.position, None, Fault::Head(head.position)));
        }
        if head.position > self.position {
            let newer = rows::read(connection, Slice::All { after: self.position }, 1).await?;
            if newer.is_empty() {
                return Err(broken(self.position + 1, None, Fault::Head(head.position)));
            }
        } else if head.hash != self.hash {
            return Err(broken(self.position, None, Fault::Head(head.position)));
        } else if self.position > 0 && head.recorded_at != self.recorded_at {
            return Err(broken(self.position, None, Fault::HeadTime(head.recorded_at)));
        }
        let Self { position: events, hash, agreeing: checkpoints, .. } = self;
        Ok(Verified { events, hash, checkpoints, tree_heads: 0 })
    }
}

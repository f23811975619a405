//! Holding the stored tree, and the heads that were signed of it, against a log that is walked.

use std::{collections::VecDeque, iter::Peekable, vec};

use sea_orm::ConnectionTrait;

use super::{
    error::TreeError,
    frontier::Frontier,
    hashing::{Hash, leaf_hash},
    head::{HeadError, SignedTreeHead, origin},
    kept,
    stored::{self, TILE},
};
use crate::{
    event::Recorded,
    verify::{Fault, VerifyError, broken},
};

/// Nodes that are read at a time.
const PAGE: u64 = 256;

/// The tree of a log while the log is walked from its first event on.
pub(crate) struct TreeWalk {
    frontier: Frontier,
    /// What is stored: levels 8, 16 and so on.
    levels: Vec<Level>,
    /// What was signed, the smallest first.
    heads: Peekable<vec::IntoIter<SignedTreeHead>>,
    agreeing: usize,
}

/// The stored nodes of a level.
struct Level {
    level: u32,
    /// How many there were when the walk began.
    stored: u64,
    /// Those that are looked at next.
    next: VecDeque<Hash>,
}

impl TreeWalk {
    /// Reads what is to be held against the log: the heads must be of this key, where it is known. A store
    /// from before there was a tree has nothing.
    pub(crate) async fn begin<C: ConnectionTrait>(
        connection: &C,
        source: &str,
        key: Option<&[u8]>,
    ) -> Result<Self, VerifyError> {
        let (mut levels, mut heads) = (Vec::new(), Vec::new());
        if stored::exists(connection).await? {
            for level in (TILE..u64::BITS).step_by(TILE as usize) {
                let stored = stored::count(connection, level).await?;
                if stored == 0 {
                    break;
                }
                levels.push(Level { level, stored, next: VecDeque::new() });
            }
            for kept in kept::all(connection).await? {
                let opened = kept.open().and_then(|head| of_this_log(head, source, key));
                let wrong = |cause| broken(position(kept.size), None, Fault::TreeHead(cause));
                heads.push(opened.map_err(wrong)?);
            }
        }
        let heads = heads.into_iter().peekable();
        Ok(Self { frontier: Frontier::default(), levels, heads, agreeing: 0 })
    }

    /// The next event, which was found to follow from the one before.
    pub(crate) async fn step<C: ConnectionTrait>(
        &mut self,
        connection: &C,
        event: &Recorded,
    ) -> Result<(), VerifyError> {
        let completed = self.frontier.push(leaf_hash(&event.hash));
        let size = self.frontier.size();
        for stored in &mut self.levels {
            let Some(root) = completed.get(stored.level as usize) else { break };
            let index = (size >> stored.level) - 1;
            if index < stored.stored && stored.node(connection, index).await? != Some(*root) {
                let fault = Fault::TreeNode { level: stored.level, index };
                return Err(broken(event.position, Some(event), fault));
            }
        }
        while let Some(head) = self.heads.next_if(|head| head.size() <= size) {
            if head.size() != size || *head.root() != self.frontier.root() {
                return Err(broken(event.position, Some(event), Fault::TreeRoot));
            }
            self.agreeing += 1;
        }
        Ok(())
    }

    /// The log has ended. Answers how many heads agree with it.
    pub(crate) fn end(self) -> Result<usize, VerifyError> {
        let size = self.frontier.size();
        let nodes =
            self.levels.iter().map(|stored| stored.stored.saturating_mul(1 << stored.level));
        let heads = self.heads.map(|head| head.size());
        match nodes.chain(heads).max().filter(|reached| *reached > size) {
            Some(reached) => Err(broken(position(size) + 1, None, Fault::TreeBeyond(reached))),
            None => Ok(self.agreeing),
        }
    }
}

impl Level {
    /// The node with this index, each of which is asked for in turn; `None` where there is none that
    /// reads.
    async fn node<C: ConnectionTrait>(
        &mut self,
        connection: &C,
        index: u64,
    ) -> Result<Option<Hash>, VerifyError> {
        if self.next.is_empty() {
            let until = self.stored.min(index + PAGE);
            self.next = match stored::nodes(connection, self.level, index..until).await {
                Ok(nodes) => nodes.into(),
                Err(TreeError::Store(error)) => return Err(error.into()),
                // One of them: the ones before it are found to be right first.
                Err(_) if until > index + 1 => {
                    match stored::nodes(connection, self.level, index..index + 1).await {
                        Ok(nodes) => nodes.into(),
                        Err(TreeError::Store(error)) => return Err(error.into()),
                        Err(_) => return Ok(None),
                    }
                }
                Err(_) => return Ok(None),
            };
        }
        Ok(self.next.pop_front())
    }
}

fn of_this_log(
    head: SignedTreeHead,
    source: &str,
    key: Option<&[u8]>,
) -> Result<SignedTreeHead, HeadError> {
    let Some(key) = key else { return Ok(head) };
    let key: &[u8; 32] =
        key.try_into().map_err(|_| HeadError::Form("its key is no Ed25519 key"))?;
    let head = SignedTreeHead::open(head.note(), key)?;
    if head.origin() != origin(key, source) {
        return Err(HeadError::Origin { origin: head.origin().to_owned() });
    }
    Ok(head)
}

fn position(size: u64) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}

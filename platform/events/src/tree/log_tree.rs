//! The tree of one log: signs heads of it and makes proofs.

use sea_orm::ConnectionTrait as _;
use studio_kernel::Timestamp;
use studio_stores::sql::Database;

use super::{
    error::TreeError,
    file::{EventContents, Hex, ProofFile, to_hex},
    hashing::{Hash, leaf_hash},
    head::SignedTreeHead,
    kept::{self, Kept},
    proof::{verify_consistency, verify_inclusion},
    shape, stored,
};
use crate::{
    chain,
    error::StoreError,
    event::Recorded,
    rows::{self, Slice, statement},
    signing::CheckpointSigner,
    transfer,
};

/// The Merkle tree over the log of a store whose migrations were run. It may be used beside whoever
/// appends to the log, in the same process or in another.
#[derive(Debug, Clone, Copy)]
pub struct LogTree<'a> {
    database: &'a Database,
    source: &'a str,
}

impl<'a> LogTree<'a> {
    /// The tree of a database's log; `source` is the subgraph's name.
    pub fn new(database: &'a Database, source: &'a str) -> Self {
        Self { database, source }
    }

    /// Signs the log as it is now, and keeps the head in the store, too.
    ///
    /// # Errors
    /// [`TreeError::Contradiction`] where the log no longer begins with what was signed last,
    /// [`TreeError::Empty`] where there is nothing to sign, and what else goes wrong.
    pub async fn sign(
        &self,
        signer: &dyn CheckpointSigner,
        now: Timestamp,
    ) -> Result<SignedTreeHead, TreeError> {
        let newest = self.prepare(signer).await?;
        self.sign_first(newest, signer, now).await
    }

    /// The head of the first `size` events: the one that was signed when there were so many, or else one
    /// that is signed now.
    ///
    /// # Errors
    /// As [`LogTree::sign`], and [`TreeError::Beyond`] where there are not so many.
    pub async fn head(
        &self,
        size: u64,
        signer: &dyn CheckpointSigner,
        now: Timestamp,
    ) -> Result<SignedTreeHead, TreeError> {
        let newest = self.prepare(signer).await?;
        if size > newest {
            return Err(TreeError::Beyond { size, newest });
        }
        if size == 0 {
            return Err(TreeError::Empty);
        }
        let public_key = signer.public_key();
        let wanted = i64::try_from(size).unwrap_or(i64::MAX);
        match kept::of_size(self.database.primary(), &public_key, wanted).await? {
            Some(kept) => self.still_true(&kept, newest).await,
            None => self.sign_first(size, signer, now).await,
        }
    }

    /// Brings the stored tree up to date, and makes sure that the log still begins with what was signed
    /// last. Answers how many events there are.
    async fn prepare(&self, signer: &dyn CheckpointSigner) -> Result<u64, TreeError> {
        let connection = self.database.primary();
        if !stored::exists(connection).await? {
            return Err(TreeError::NoTables);
        }
        transfer::refuse_half_filled(connection).await?;
        let newest = rows::read_head(connection).await?.position.max(0).unsigned_abs();
        if newest == 0 {
            return Err(TreeError::Empty);
        }
        stored::catch_up(self.database, newest).await?;
        if let Some(kept) = kept::largest(connection, &signer.public_key()).await? {
            self.still_true(&kept, newest).await?;
        }
        Ok(newest)
    }

    async fn still_true(&self, kept: &Kept, newest: u64) -> Result<SignedTreeHead, TreeError> {
        let size = kept.size;
        let head = kept.open().map_err(|cause| TreeError::Kept { size, cause })?;
        if size > newest || self.root(size).await? != *head.root() {
            return Err(TreeError::Contradiction { size });
        }
        Ok(head)
    }

    async fn sign_first(
        &self,
        size: u64,
        signer: &dyn CheckpointSigner,
        now: Timestamp,
    ) -> Result<SignedTreeHead, TreeError> {
        let root = self.root(size).await?;
        let head = SignedTreeHead::sign(signer, self.source, size, root, now);
        let head = head.ok_or(TreeError::Key)?;
        kept::keep(self.database.writer(), &head, &signer.public_key()).await?;
        Ok(head)
    }

    async fn root(&self, size: u64) -> Result<Hash, TreeError> {
        stored::root(self.database.primary(), 0..size).await
    }

    async fn path(&self, subtrees: Vec<std::ops::Range<u64>>) -> Result<Vec<Hash>, TreeError> {
        let mut path = Vec::with_capacity(subtrees.len());
        for subtree in subtrees {
            path.push(stored::root(self.database.primary(), subtree).await?);
        }
        Ok(path)
    }

    /// The position of an event, if it is in the log.
    ///
    /// # Errors
    /// [`StoreError`] when the database does not answer.
    pub async fn position_of(&self, event_id: &str) -> Result<Option<u64>, StoreError> {
        let sql = "SELECT position FROM events WHERE event_id = $1";
        let query = statement(self.database.backend(), sql, vec![event_id.into()]);
        let row = self.database.primary().query_one_raw(query).await?;
        let position: Option<i64> = row.map(|row| row.try_get_by_index(0)).transpose()?;
        Ok(position.map(|position| position.max(0).unsigned_abs()))
    }

    /// Proves that the event at a position (from 1) is in the tree of a head of this log, with or without
    /// what the event says.
    ///
    /// # Errors
    /// [`TreeError::Outside`] where it is not, and what goes wrong.
    pub async fn prove_inclusion(
        &self,
        head: &SignedTreeHead,
        position: u64,
        with_contents: bool,
    ) -> Result<ProofFile, TreeError> {
        let size = head.size();
        if position == 0 || position > size {
            return Err(TreeError::Outside { position, size });
        }
        let index = position - 1;
        let after = i64::try_from(index).unwrap_or(i64::MAX);
        let slice = Slice::All { after };
        let event = rows::read(self.database.primary(), slice, 1).await?.into_iter().next();
        let event = event
            .filter(|event| event.position == after + 1)
            .ok_or(StoreError::Missing(after + 1))?;
        let path = self.path(shape::inclusion(index, size)).await?;
        verify_inclusion(&leaf_hash(&event.hash), index, size, &path, head.root())
            .map_err(|_| TreeError::Tree)?;
        let contents = with_contents.then(|| contents(&event)).transpose()?;
        Ok(ProofFile::Inclusion {
            head: head.note().to_owned(),
            position,
            hash: Hex(event.hash),
            event: contents,
            path: to_hex(path),
        })
    }

    /// Proves that the log of the newer head begins with that of the older one, both of this log.
    ///
    /// # Errors
    /// [`TreeError::Order`] where the older one is the larger, and what goes wrong.
    pub async fn prove_consistency(
        &self,
        older: &SignedTreeHead,
        newer: &SignedTreeHead,
    ) -> Result<ProofFile, TreeError> {
        let (first, second) = (older.size(), newer.size());
        if first > second {
            return Err(TreeError::Order { older: first, newer: second });
        }
        let path = self.path(shape::consistency(first, second)).await?;
        verify_consistency(first, second, &path, older.root(), newer.root())
            .map_err(|_| TreeError::Tree)?;
        let (older, newer) = (older.note().to_owned(), newer.note().to_owned());
        Ok(ProofFile::Consistency { older, newer, path: to_hex(path) })
    }
}

/// What an event says, if that is what its hash is of.
fn contents(event: &Recorded) -> Result<EventContents, TreeError> {
    let mut canonical = String::new();
    chain::write_canonical(event, &mut canonical);
    if chain::link(&event.prev_hash, &canonical) != event.hash {
        return Err(TreeError::Contents { position: event.position.max(0).unsigned_abs() });
    }
    Ok(EventContents { prev_hash: Hex(event.prev_hash), canonical })
}

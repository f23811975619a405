//! What a scan says, noted while it is read for the first time, so that recording it needs neither
//! the scan nor its JSON again. Notes are a spool, encrypted where blobs are, and live as long as
//! the request that brings the scan: a run that was cut is read again from the scan that is kept.
//!
//! The file is one frame for each batch: its length as 4 bytes, big endian, and the batch in JSON.

use std::io::{self, Read};

use bytes::Bytes;
use studio_stores::blobs::{BlobError, BlobReader, Spool, Spooled};
use tokio::runtime::Handle;

use super::batch::Batch;
use crate::error::EvidenceError;

/// No frame is so long: a batch comes to about a mebibyte.
const LONGEST: usize = 64 * 1024 * 1024;

/// Notes that are being written, by a thread that may block.
pub(super) struct Taking {
    spool: Spool,
    runtime: Handle,
}

/// Notes of a whole scan. Dropped, they are gone.
#[derive(Debug)]
pub(super) struct Notes(Spooled);

impl Taking {
    /// Called where a runtime is.
    pub(super) fn new(spool: Spool) -> Self {
        Self { spool, runtime: Handle::current() }
    }

    pub(super) fn note(&mut self, batch: &Batch) -> Result<(), EvidenceError> {
        let frame = frame(batch)?;
        Ok(self.runtime.block_on(self.spool.take(frame))?)
    }

    pub(super) async fn finish(self) -> Result<Notes, BlobError> {
        self.spool.finish().await.map(Notes)
    }
}

impl Notes {
    pub(super) async fn open(&self) -> Result<BlobReader, BlobError> {
        self.0.reader().await
    }
}

fn frame(batch: &Batch) -> Result<Bytes, EvidenceError> {
    let broken = |error: String| EvidenceError::Broken(format!("a note cannot be made: {error}"));
    let mut frame = vec![0; 4];
    serde_json::to_writer(&mut frame, batch).map_err(|error| broken(error.to_string()))?;
    let length = u32::try_from(frame.len() - 4).map_err(|error| broken(error.to_string()))?;
    frame[..4].copy_from_slice(&length.to_be_bytes());
    Ok(frame.into())
}

/// Gives what is noted from an item on to `give`, until it wants no more.
pub(super) fn read(
    mut source: impl Read,
    from: u64,
    mut give: impl FnMut(Batch) -> Result<bool, EvidenceError>,
) -> Result<(), EvidenceError> {
    let mut frame = Vec::new();
    let mut length = [0; 4];
    loop {
        match source.read_exact(&mut length[..1]) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            other => other.map_err(broken)?,
        }
        source.read_exact(&mut length[1..]).map_err(broken)?;
        let length = u32::from_be_bytes(length) as usize;
        if length > LONGEST {
            return Err(broken(format!("a frame of {length} bytes")));
        }
        frame.resize(length, 0);
        source.read_exact(&mut frame).map_err(broken)?;
        let mut batch: Batch = serde_json::from_slice(&frame).map_err(broken)?;
        if batch.next_item <= from {
            continue;
        }
        batch.observations.retain(|one| one.index >= from);
        batch.refused.retain(|one| one.index >= from);
        if !give(batch)? {
            return Ok(());
        }
    }
}

fn broken(cause: impl std::fmt::Display) -> EvidenceError {
    EvidenceError::Broken(format!("the notes of a scan do not read: {cause}"))
}

#[cfg(test)]
mod tests {
    use studio_kernel::{Env, Timestamp};

    use super::*;
    use crate::{
        commands::batch::{self, Owner},
        ocsf::{Limits, Reader},
    };

    fn scan(items: usize) -> Vec<u8> {
        let item = |number: usize| {
            serde_json::json!({
                "class_uid": if number.is_multiple_of(7) { 1 } else { 2004 },
                "metadata": {"event_code": format!("check-{}", number % 3)},
                "finding_info": {"uid": number.to_string()},
                "unmapped": {"compliance": {"SOC2": ["cc_6_1"]}},
                "cloud": {"account": {"uid": "1"}},
                "resources": [{"uid": format!("arn:{number}\u{1}\"")}],
                "time": 1_800_000_000 + number,
            })
        };
        serde_json::to_vec(&(0..items).map(item).collect::<Vec<_>>()).unwrap()
    }

    fn batches(owner: Owner, text: &[u8]) -> Vec<Batch> {
        let limits =
            Limits { unpacked: u64::MAX, item: 1 << 20, latest: Timestamp::from_micros(i64::MAX) };
        let reader = Reader::new(text, limits, false).unwrap();
        let mut all = Vec::new();
        batch::read(
            reader,
            owner,
            0,
            |_| {},
            |batch| {
                all.push(batch);
                Ok(true)
            },
        )
        .unwrap();
        all
    }

    fn noted(notes: &[u8], from: u64) -> Result<Vec<Batch>, EvidenceError> {
        let mut all = Vec::new();
        read(notes, from, |batch| {
            all.push(batch);
            Ok(true)
        })?;
        Ok(all)
    }

    #[test]
    fn say_what_the_scan_says() {
        let env = Env::system();
        let owner = Owner { tenant: env.id(), project: env.id() };
        let all = batches(owner, &scan(2_345));
        assert!(all.len() > 2);
        let notes: Vec<u8> = all.iter().flat_map(|batch| frame(batch).unwrap()).collect();
        assert!(noted(&notes, 0).unwrap() == all);
        for from in [1, 999, 1_000, 1_001, 2_344] {
            let rest = noted(&notes, from).unwrap();
            let items = |batches: &[Batch]| {
                let mut items: Vec<u64> = batches
                    .iter()
                    .flat_map(|batch| {
                        let refused = batch.refused.iter().map(|one| one.index);
                        batch.observations.iter().map(|one| one.index).chain(refused)
                    })
                    .collect();
                items.sort_unstable();
                items
            };
            assert_eq!(items(&rest), (from..2_345).collect::<Vec<_>>());
        }
        assert!(noted(&notes, 2_345).unwrap().is_empty());
    }

    #[test]
    fn that_are_broken_are_no_short_scan() {
        let env = Env::system();
        let owner = Owner { tenant: env.id(), project: env.id() };
        let notes = frame(&batches(owner, &scan(5))[0]).unwrap();
        for cut in [1, 3, 4, 5, notes.len() - 1] {
            let error = noted(&notes[..cut], 0).unwrap_err();
            assert!(error.to_string().contains("do not read"), "{cut}: {error}");
        }
        for at in [0, 4, 5, notes.len() - 1] {
            let mut changed = notes.to_vec();
            changed[at] ^= 0x40;
            assert!(noted(&changed, 0).is_err(), "{at}");
        }
        assert!(noted(&notes, 0).is_ok());
    }
}

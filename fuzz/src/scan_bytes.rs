//! The bytes of a scan before they mean anything: unpacking gzip and splitting into items give the
//! same however the bytes come in, and JSON that a standard parser takes is split into its items.
//! The first byte says how many bytes come at a time.

use std::io::Read;

use studio_evidence::ocsf::{Splitter, Unpack};

const UNPACKED: u64 = 1 << 22;
const ITEM: usize = 1 << 14;

/// Gives at most so many bytes at a time.
struct Sips<'a>(&'a [u8], usize);

impl Read for Sips<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let most = buffer.len().min(self.1);
        self.0.read(&mut buffer[..most])
    }
}

/// Where each item begins with what was kept of it, and whether the file was whole.
type Pieces = (Vec<(u64, Option<Vec<u8>>)>, bool);

fn split(source: impl Read) -> Option<Pieces> {
    let mut splitter = Splitter::new(Unpack::new(source, UNPACKED, false).ok()?, ITEM);
    let mut pieces = Vec::new();
    loop {
        match splitter.next_piece() {
            Ok(Some(piece)) => pieces.push((piece.offset, piece.bytes.ok().map(<[u8]>::to_vec))),
            Ok(None) => return Some((pieces, true)),
            Err(_) => return Some((pieces, false)),
        }
    }
}

pub fn check(bytes: &[u8]) {
    let Some((first, bytes)) = bytes.split_first() else { return };
    let at_once = split(bytes);
    let sipped = split(Sips(bytes, usize::from(*first % 32) + 1));
    let (Some((pieces, whole)), Some((sips, whole_in_sips))) = (&at_once, &sipped) else {
        return assert_eq!(at_once, sipped);
    };
    assert_eq!(whole, whole_in_sips);
    // How much of broken gzip is unpacked before the fault is met depends on how it is read. Such a
    // file is refused whole.
    let common = if *whole { pieces.len().max(sips.len()) } else { pieces.len().min(sips.len()) };
    assert_eq!(pieces.get(..common), sips.get(..common));
    let Ok(items) = serde_json::from_slice::<Vec<&serde_json::value::RawValue>>(bytes) else {
        return;
    };
    assert!(*whole, "an array is split to its end");
    assert_eq!(pieces.len(), items.len());
    for ((_, piece), item) in pieces.iter().zip(items) {
        if let Some(piece) = piece {
            assert_eq!(piece.trim_ascii(), item.get().as_bytes());
        }
    }
}

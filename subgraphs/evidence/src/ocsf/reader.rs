//! Reads a whole scan, item by item: unpacks, splits, reads each finding.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
    io::Read,
};

use studio_kernel::Timestamp;

use super::{
    Finding, Refusal, Requirements, StructureError, Unpack,
    splitter::{Oversize, Splitter},
};

/// Most checks that one scan may name: real scanners have some hundreds.
const MAX_CHECKS: usize = 20_000;

/// What a scan may cost, and how new it may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes after unpacking.
    pub unpacked: u64,
    /// Bytes of one item.
    pub item: usize,
    /// A finding that is dated later is refused: it would hide every real one until then.
    pub latest: Timestamp,
}

/// One item of a scan.
#[derive(Debug)]
pub struct Item<'a> {
    /// Its number, from 0.
    pub index: u64,
    /// Where it begins, in bytes after unpacking.
    pub offset: u64,
    /// The finding, or why it is refused.
    pub finding: Result<Finding<'a>, Refusal>,
    /// The requirements of the finding's check, where this reading has not given them yet or gave
    /// others.
    pub requirements: Option<Requirements>,
}

/// Reads the items of a scan one after the other.
pub struct Reader<R: Read> {
    splitter: Splitter<Unpack<R>>,
    limits: Limits,
    /// What the file says of each check, as a hash that lives no longer than the reading.
    checks: HashMap<Box<str>, u64>,
}

impl<R: Read> Reader<R> {
    /// Begins to read. `must_be_packed`: the sender said so.
    ///
    /// # Errors
    /// Where the first bytes cannot be read, or are no gzip and must be.
    pub fn new(source: R, limits: Limits, must_be_packed: bool) -> Result<Self, StructureError> {
        let unpack = Unpack::new(source, limits.unpacked, must_be_packed)?;
        Ok(Self { splitter: Splitter::new(unpack, limits.item), limits, checks: HashMap::new() })
    }

    /// Passes over the first `count` items without looking into them.
    ///
    /// # Errors
    /// At a fault of the structure.
    pub fn skip(&mut self, count: u64) -> Result<(), StructureError> {
        for _ in 0..count {
            if self.splitter.next_piece()?.is_none() {
                break;
            }
        }
        Ok(())
    }

    /// The next item, or `None` at the end of a whole file.
    ///
    /// # Errors
    /// At the first fault of the structure.
    pub fn next_item(&mut self) -> Result<Option<Item<'_>>, StructureError> {
        let Some(piece) = self.splitter.next_piece()? else { return Ok(None) };
        let read = match piece.bytes {
            Ok(bytes) => {
                let latest = self.limits.latest;
                Finding::read(bytes)
                    .and_then(|finding| not_after(latest, finding))
                    .and_then(|finding| with_check(&mut self.checks, finding))
            }
            Err(oversize) => Err(Refusal { uid: None, reason: oversize.reason(self.limits.item) }),
        };
        let (finding, requirements) = match read {
            Ok((finding, requirements)) => (Ok(finding), requirements),
            Err(refusal) => (Err(refusal), None),
        };
        Ok(Some(Item { index: piece.index, offset: piece.offset, finding, requirements }))
    }
}

fn not_after(latest: Timestamp, finding: Finding<'_>) -> Result<Finding<'_>, Refusal> {
    if finding.time <= latest {
        return Ok(finding);
    }
    let reason = format!(
        "its time {} lies ahead of this server's clock: check the clock of the scanner",
        finding.time
    );
    Err(Refusal { uid: Some(finding.uid.into_owned()), reason })
}

/// Reads what the finding says of its check, unless it says the same as the one before it.
fn with_check<'a>(
    checks: &mut HashMap<Box<str>, u64>,
    finding: Finding<'a>,
) -> Result<(Finding<'a>, Option<Requirements>), Refusal> {
    let check = &finding.check;
    let mut hasher = DefaultHasher::new();
    (check.compliance(), &check.title).hash(&mut hasher);
    let said = hasher.finish();
    let before = checks.get(&*check.id);
    if before == Some(&said) {
        return Ok((finding, None));
    }
    let refuse = |reason| Refusal { uid: Some(finding.uid.clone().into_owned()), reason };
    if before.is_none() && checks.len() >= MAX_CHECKS {
        return Err(refuse(format!("the scan names more than {MAX_CHECKS} checks")));
    }
    let requirements = check.requirements().map_err(refuse)?;
    checks.insert((*check.id).into(), said);
    Ok((finding, Some(requirements)))
}

impl Oversize {
    fn reason(self, limit: usize) -> String {
        match self {
            Self::Bytes => {
                format!("it has more than {limit} bytes (the limit is limits.ingest_item)")
            }
            Self::Depth => format!("it is nested deeper than {} levels", super::MAX_DEPTH),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        unpacked: 1 << 20,
        item: 1 << 16,
        latest: Timestamp::from_micros(1_800_000_000_000_000),
    };

    #[test]
    fn goes_on_behind_a_refused_item() {
        let text = br#"[{"class_uid":1},{"class_uid":tru},7]"#;
        let mut reader = Reader::new(&text[..], LIMITS, false).unwrap();
        let mut reasons = Vec::new();
        while let Some(item) = reader.next_item().unwrap() {
            reasons.push((item.index, item.offset, item.finding.unwrap_err().reason));
        }
        assert_eq!(reasons.len(), 3);
        assert!(reasons[0].2.contains("class_uid is 1"));
        assert!(reasons[1].2.contains("does not read"));
        assert_eq!((reasons[2].0, reasons[2].1), (2, 35));
    }

    #[test]
    fn what_is_dated_ahead_is_refused() {
        let item = |time: u64| {
            serde_json::json!({
                "class_uid": 2004,
                "metadata": {"event_code": "check"},
                "finding_info": {"uid": format!("f-{time}")},
                "cloud": {"account": {"uid": "1"}},
                "time": time,
            })
        };
        let text = serde_json::to_vec(&[item(1_800_000_000), item(1_800_000_001)]).unwrap();
        let mut reader = Reader::new(&text[..], LIMITS, false).unwrap();
        assert!(reader.next_item().unwrap().unwrap().finding.is_ok());
        let refused = reader.next_item().unwrap().unwrap().finding.unwrap_err();
        assert_eq!(refused.uid.as_deref(), Some("f-1800000001"));
        assert!(refused.reason.contains("2027-01-15T08:00:01"), "{}", refused.reason);
    }

    #[test]
    fn skips_without_looking() {
        let mut reader = Reader::new(&b"[1,2,3]"[..], LIMITS, false).unwrap();
        reader.skip(2).unwrap();
        assert_eq!(reader.next_item().unwrap().unwrap().index, 2);
        reader.skip(9).unwrap();
        assert!(reader.next_item().unwrap().is_none());
    }
}

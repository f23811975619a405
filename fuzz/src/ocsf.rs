//! Scans of any content, packed or not: reading them never panics, the items come in order, and
//! what was passed over is not given again. The first byte says how many items are passed over, and
//! whether the scan must be packed.

use studio_evidence::ocsf::{Limits, Reader};
use studio_kernel::Timestamp;

const LIMITS: Limits = Limits {
    unpacked: 1 << 22,
    item: 1 << 14,
    latest: Timestamp::from_micros(1_800_000_000_000_000),
};

pub fn check(bytes: &[u8]) {
    let Some((first, bytes)) = bytes.split_first() else { return };
    let (skip, must_be_packed) = (u64::from(first & 0x0F), first & 0x80 != 0);
    let Ok(mut reader) = Reader::new(bytes, LIMITS, must_be_packed) else { return };
    if reader.skip(skip).is_err() {
        return;
    }
    let mut last = None;
    while let Ok(Some(item)) = reader.next_item() {
        assert!(item.index >= skip);
        assert!(last < Some((item.index, item.offset)));
        last = Some((item.index, item.offset));
    }
}

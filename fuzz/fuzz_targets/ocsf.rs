//! Scans of any content, packed or not: reading them never panics, the items come in order, and
//! what was passed over is not given again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use studio_evidence::ocsf::{Limits, Reader};

const LIMITS: Limits = Limits { unpacked: 1 << 22, item: 1 << 14 };

fuzz_target!(|input: (u8, bool, &[u8])| {
    let (skip, must_be_packed, bytes) = input;
    let Ok(mut reader) = Reader::new(bytes, LIMITS, must_be_packed) else { return };
    if reader.skip(u64::from(skip)).is_err() {
        return;
    }
    let mut last = None;
    while let Ok(Some(item)) = reader.next_item() {
        assert!(item.index >= u64::from(skip));
        assert!(last < Some((item.index, item.offset)));
        last = Some((item.index, item.offset));
    }
});

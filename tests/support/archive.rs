//! What is in an archive.

use std::{fs, io::Read, path::Path};

use serde_json::Value;

/// The events of a log.
fn events(archive: &Path, name: &str) -> Vec<Value> {
    let packed = fs::File::open(archive.join(format!("logs/{name}.jsonl.gz"))).unwrap();
    let mut text = String::new();
    flate2::read::MultiGzDecoder::new(packed).read_to_string(&mut text).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// How many downloads a log has noted from one archive to a later one. Nothing else may have come to it.
pub(crate) fn downloads_between(earlier: &Path, later: &Path, name: &str) -> usize {
    let (before, after) = (events(earlier, name), events(later, name));
    let (kept, since) = after.split_at(before.len());
    assert_eq!(kept, before, "{name}");
    for event in since {
        assert_eq!(event["type"], "access.content.exported", "{name}: {event}");
    }
    since.len()
}

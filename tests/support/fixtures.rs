//! The real files that tests use, from the folder in `STUDIO_TEST_DATA`.

use std::{collections::BTreeMap, io::Read, path::PathBuf};

use flate2::read::GzDecoder;
use serde_json::Value;

/// A file of the test data, or `None` with a line that says why the test is skipped.
pub(crate) fn data_file(name: &str) -> Option<PathBuf> {
    let Some(folder) = std::env::var_os("STUDIO_TEST_DATA") else {
        println!("skipped: set STUDIO_TEST_DATA to the folder that holds {name}");
        return None;
    };
    let path = PathBuf::from(folder).join(name);
    if path.is_file() {
        return Some(path);
    }
    println!("skipped: {} is missing", path.display());
    None
}

/// A real scan, moved in time so that it is as fresh today as on the day it was made.
pub(crate) struct Scan {
    findings: Vec<Value>,
}

/// Reads the scan and moves it so that its newest finding is `hours` old.
pub(crate) fn recent(name: &str, hours: i64) -> Option<Scan> {
    let path = data_file(name)?;
    let mut text = String::new();
    GzDecoder::new(std::fs::File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    let mut findings: Vec<Value> = serde_json::from_str(&text).unwrap();
    let newest = findings.iter().map(|finding| finding["time"].as_i64().unwrap()).max().unwrap();
    #[expect(clippy::disallowed_methods, reason = "the test stands outside and has no Env")]
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let shift = i64::try_from(now).unwrap() - hours * 3600 - newest;
    for finding in &mut findings {
        move_time(finding, "time", "time_dt", shift);
        move_time(&mut finding["finding_info"], "created_time", "created_time_dt", shift);
    }
    Some(Scan { findings })
}

fn move_time(object: &mut Value, seconds: &str, text: &str, shift: i64) {
    let moved = object[seconds].as_i64().unwrap() + shift;
    object[seconds] = moved.into();
    object[text] = studio_kernel::Timestamp::from_micros(moved * 1_000_000).to_string().into();
}

impl Scan {
    /// The bytes to upload.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        serde_json::to_vec(&self.findings).unwrap()
    }

    pub(crate) fn len(&self) -> usize {
        self.findings.len()
    }

    /// Per check: how many resources there are, pass, and fail; muted and manual ones are neither.
    pub(crate) fn by_check(&self) -> BTreeMap<String, (u64, u64, u64)> {
        let mut checks = BTreeMap::new();
        for finding in &self.findings {
            let check = finding["metadata"]["event_code"].as_str().unwrap().to_owned();
            let counts: &mut (u64, u64, u64) = checks.entry(check).or_default();
            counts.0 += 1;
            let muted = finding["status"] == "Suppressed";
            match finding["status_code"].as_str().unwrap() {
                "PASS" if !muted => counts.1 += 1,
                "FAIL" if !muted => counts.2 += 1,
                _ => {}
            }
        }
        checks
    }
}

//! What fuzzing looks for, tried on the seeds that are checked in, among them whatever a fuzzer once
//! found, and on the seeds with small faults. `STUDIO_TEST_FUZZ_ROUNDS` says how often each seed is
//! changed (100); the changes are the same in every run.

use std::{
    fs, panic,
    path::{Path, PathBuf},
};

use crate::fuzz::TARGETS;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

/// The seeds of a target, in the order of their names.
fn seeds(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder().join("seeds").join(target))
        .unwrap()
        .map(|seed| seed.unwrap().path())
        .collect();
    paths.sort();
    assert!(!paths.is_empty(), "{target} has no seeds");
    paths.into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

#[test]
fn every_reader_of_outside_data_takes_its_seeds() {
    let mut faults = Vec::new();
    for (name, check) in TARGETS {
        assert!(folder().join("fuzz_targets").join(format!("{name}.rs")).exists(), "{name}");
        for (path, bytes) in seeds(name) {
            if panic::catch_unwind(|| check(&bytes)).is_err() {
                faults.push(path);
            }
        }
    }
    assert!(faults.is_empty(), "these are not taken as they must be: {faults:#?}");
    let targets = fs::read_dir(folder().join("fuzz_targets")).unwrap().count();
    assert_eq!(targets, TARGETS.len(), "a target is not listed in fuzz/src/lib.rs");
}

#[test]
fn every_reader_of_outside_data_takes_its_seeds_with_small_faults() {
    let rounds = std::env::var("STUDIO_TEST_FUZZ_ROUNDS")
        .map_or(100, |rounds| rounds.parse().expect("STUDIO_TEST_FUZZ_ROUNDS is a number"));
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
    for (name, check) in TARGETS {
        let seeds = seeds(name);
        for (path, bytes) in &seeds {
            for round in 0..rounds {
                let mut changed = bytes.clone();
                for _ in 0..=dice.below(4) {
                    change(&mut changed, &seeds[dice.below(seeds.len())].1, &mut dice);
                }
                let taken = panic::catch_unwind(|| check(&changed));
                assert!(
                    taken.is_ok(),
                    "{name} does not take {} as changed in round {round}: keep these bytes in \
                     fuzz/seeds/{name}: {}",
                    path.display(),
                    changed.escape_ascii()
                );
            }
        }
    }
}

/// Numbers that are the same in every run (xorshift64*, Vigna 2016).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// A number from 0 to less than `end`; 0 where there is none.
    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() >> 33).unwrap() % end.max(1)
    }
}

/// What readers stumble over.
const STUMBLING: [&[u8]; 16] = [
    b"\0",
    b"\xFF\xFE",
    b"\xEF\xBB\xBF",
    b"\x1F\x8B",
    b"99999999999999999999",
    b"-1e999",
    b"\\ud800",
    b"\"",
    b"{\"a\":",
    b"[[[[",
    b"]}",
    b"<!--",
    b"&#x10FFFF;",
    b"\r\n\r\n",
    b"{{ insert: param, p }}",
    "ß\u{301}\u{10FFFF}".as_bytes(),
];

fn change(bytes: &mut Vec<u8>, other: &[u8], dice: &mut Dice) {
    let at = dice.below(bytes.len());
    let end = at + dice.below(bytes.len() - at + 1);
    match dice.below(6) {
        0 if !bytes.is_empty() => bytes[at] ^= 1 << dice.below(8),
        1 if !bytes.is_empty() => bytes[at] = dice.next().to_le_bytes()[0],
        2 => drop(bytes.drain(at..end)),
        3 => {
            let part = bytes[at..end].to_vec();
            bytes.splice(at..at, part);
        }
        4 => {
            let word = STUMBLING[dice.below(STUMBLING.len())];
            bytes.splice(at..at, word.iter().copied());
        }
        _ => {
            let from = dice.below(other.len());
            let part = &other[from..from + dice.below(other.len() - from + 1)];
            bytes.splice(at..end, part.iter().copied());
        }
    }
}

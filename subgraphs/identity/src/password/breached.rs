//! Passwords that are known from breaches: an operator's copy of Pwned Passwords, or a file like it.
//! One line for each password, `HASH:COUNT`: the SHA-1 of the password as 40 hexadecimal digits and how
//! often it was seen, sorted by the hash. It may be of any size: a look into it reads a few dozen blocks,
//! and nothing of it stays in memory.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use aws_lc_rs::digest;

/// A line in bytes at most, with its end: 40 digits, a colon, a count and CR LF.
const LONGEST_LINE: u64 = 64;
/// Places at which the file is looked at when it is opened.
const SAMPLES: u64 = 1_000;

type Sha1 = [u8; 20];

/// Why the file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BreachedError {
    /// It is not there, or it may not be read.
    #[error(
        "the file of breached passwords {} cannot be read: {source}. Name another one in identity.breached_passwords_file, or take that setting away",
        path.display()
    )]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It is not such a file.
    #[error(
        "{} is no file of breached passwords: at byte {offset} {problem}. It has one line for each password, the SHA-1 in hexadecimal digits, a colon and a count, sorted by the hash (Pwned Passwords, \"ordered by hash\")",
        path.display()
    )]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where.
        offset: u64,
        /// What is wrong there.
        problem: &'static str,
    },
}

/// A file of breached passwords.
#[derive(Debug, Clone)]
pub(crate) struct BreachedPasswords {
    path: PathBuf,
}

/// One line of it.
struct Line {
    start: u64,
    /// Where the next one starts.
    end: u64,
    hash: Sha1,
}

impl BreachedPasswords {
    /// The file at that path, looked at in a thousand places: that lines are what they should be, and
    /// in their order.
    ///
    /// # Errors
    /// [`BreachedError`] with the place and what to do.
    pub(crate) fn open(path: &Path) -> Result<Self, BreachedError> {
        let list = Self { path: path.to_owned() };
        let (mut file, size) = list.file()?;
        if size == 0 {
            return Err(list.malformed(0, "there is nothing"));
        }
        let mut before: Option<Line> = None;
        for sample in 0..=SAMPLES {
            // Up to the last byte; 128 bits, so that no size overflows.
            let offset = (u128::from(size - 1) * u128::from(sample) / u128::from(SAMPLES)) as u64;
            let line = list.line_at(&mut file, offset, size)?;
            if let Some(before) = before.filter(|before| before.start != line.start)
                && before.hash >= line.hash
            {
                return Err(list.malformed(line.start, "the lines are not sorted"));
            }
            before = Some(line);
        }
        Ok(list)
    }

    /// Whether the password is in it. Blocks while it reads.
    ///
    /// # Errors
    /// [`BreachedError`] when the file is no longer what it was at the start.
    pub(crate) fn contains(&self, password: &str) -> Result<bool, BreachedError> {
        let wanted = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, password.as_bytes());
        // Opened for each look, so that the file can be replaced by a newer one.
        let (mut file, size) = self.file()?;
        // The line starts within these bounds, if it is there.
        let (mut low, mut high) = (0, size);
        while low < high {
            let line = self.line_at(&mut file, low + (high - low) / 2, size)?;
            match line.hash.as_slice().cmp(wanted.as_ref()) {
                std::cmp::Ordering::Equal => return Ok(true),
                std::cmp::Ordering::Less => low = line.end,
                std::cmp::Ordering::Greater => high = line.start,
            }
        }
        Ok(false)
    }

    fn file(&self) -> Result<(File, u64), BreachedError> {
        let opened = File::open(&self.path).and_then(|file| {
            let metadata = file.metadata()?;
            if !metadata.is_file() {
                return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no file"));
            }
            Ok((file, metadata.len()))
        });
        opened.map_err(|source| self.unreadable(source))
    }

    /// The line that the byte at `offset` is a part of.
    fn line_at(&self, file: &mut File, offset: u64, size: u64) -> Result<Line, BreachedError> {
        let from = offset.saturating_sub(LONGEST_LINE);
        let mut window = Vec::with_capacity(2 * LONGEST_LINE as usize);
        file.seek(SeekFrom::Start(from))
            .and_then(|_| file.take(offset - from + LONGEST_LINE).read_to_end(&mut window))
            .map_err(|source| self.unreadable(source))?;
        let at = (offset - from) as usize;
        let (Some(before), Some(after)) = (window.get(..at), window.get(at..)) else {
            return Err(self.malformed(offset, "it ends, having grown shorter"));
        };
        let start = match before.iter().rposition(|byte| *byte == b'\n') {
            Some(line_feed) => from + line_feed as u64 + 1,
            None if from == 0 => 0,
            None => return Err(self.malformed(from, "a line is too long")),
        };
        let end = match after.iter().position(|byte| *byte == b'\n') {
            Some(line_feed) => offset + line_feed as u64 + 1,
            None if from + window.len() as u64 == size => size,
            None => return Err(self.malformed(start, "a line is too long")),
        };
        let text = &window[(start - from) as usize..(end - from) as usize];
        let hash =
            parse(text).ok_or_else(|| self.malformed(start, "there is a line of another form"))?;
        Ok(Line { start, end, hash })
    }

    fn unreadable(&self, source: io::Error) -> BreachedError {
        BreachedError::Read { path: self.path.clone(), source }
    }

    fn malformed(&self, offset: u64, problem: &'static str) -> BreachedError {
        BreachedError::Malformed { path: self.path.clone(), offset, problem }
    }
}

/// The hash of a line; `None` for whatever is not `HASH:COUNT`.
fn parse(line: &[u8]) -> Option<Sha1> {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let (digits, rest) = line.split_first_chunk::<40>()?;
    let count = rest.strip_prefix(b":")?;
    if count.is_empty() || !count.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let mut hash = Sha1::default();
    for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
        let digit = |at: usize| char::from(pair[at]).to_digit(16);
        *byte = u8::try_from(digit(0)? * 16 + digit(1)?).ok()?;
    }
    Some(hash)
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::*;

    fn sha1(password: &str) -> String {
        let hash = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, password.as_bytes());
        hash.as_ref().iter().fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02X}").unwrap();
            text
        })
    }

    /// The lines of these passwords, sorted, with counts of different lengths.
    fn lines(passwords: impl Iterator<Item = String>, end: &str) -> String {
        let counted = passwords.enumerate();
        let mut lines: Vec<_> = counted
            .map(|(n, password)| format!("{}:{}{end}", sha1(&password), n.pow(3) + 1))
            .collect();
        lines.sort_unstable();
        lines.concat()
    }

    fn written(text: impl AsRef<[u8]>) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("breached.txt");
        std::fs::write(&path, text).unwrap();
        (folder, path)
    }

    #[test]
    fn what_is_in_it_is_found_and_nothing_else() {
        // With the endings that are about, with and without one at the end, and in small letters too.
        for count in [1, 2, 3, 10, 3_000] {
            let known = |n: usize| format!("known {n}");
            let unix = lines((0..count).map(known), "\n");
            let dos = lines((0..count).map(known), "\r\n");
            let cut = unix.trim_end().to_owned();
            let small = unix.to_lowercase();
            for text in [unix, dos, cut, small] {
                let (_folder, path) = written(text);
                let list = BreachedPasswords::open(&path).unwrap();
                for n in 0..count {
                    assert!(list.contains(&known(n)).unwrap(), "{n} of {count}");
                    assert!(!list.contains(&format!("unknown {n}")).unwrap());
                }
            }
        }
    }

    #[test]
    fn the_hash_is_that_of_pwned_passwords() {
        // FIPS 180-1, appendix A.
        assert_eq!(sha1("abc"), "A9993E364706816ABA3E25717850C26C9CD0D89D");
    }

    #[test]
    fn what_is_no_such_file_is_told_when_it_is_opened() {
        let hash = sha1("x");
        let many = lines((0..100).map(|n| n.to_string()), "\n");
        let reversed: String = many.lines().rev().map(|line| format!("{line}\n")).collect();
        let cases: [(&str, Vec<u8>); 9] = [
            ("there is nothing", Vec::new()),
            ("of another form", b"hello\n".to_vec()),
            ("of another form", format!("{hash}\n").into_bytes()),
            ("of another form", format!("{hash}:\n").into_bytes()),
            ("of another form", format!("{hash}:x\n").into_bytes()),
            ("of another form", format!("{many}\n").into_bytes()),
            ("of another form", format!("G{}:1\n", &hash[1..]).into_bytes()),
            ("too long", vec![b'A'; 100_000]),
            ("not sorted", reversed.into_bytes()),
        ];
        for (problem, content) in cases {
            let (_folder, path) = written(content);
            let error = BreachedPasswords::open(&path).unwrap_err().to_string();
            assert!(error.contains(problem) && error.contains("breached.txt"), "{error}");
        }
        let (folder, path) = written(many);
        std::fs::remove_file(&path).unwrap();
        for missing in [path.as_path(), folder.path()] {
            let error = BreachedPasswords::open(missing).unwrap_err().to_string();
            assert!(error.contains("identity.breached_passwords_file"), "{error}");
        }
    }

    #[test]
    fn a_file_that_breaks_later_is_no_clean_bill() {
        let (_folder, path) = written(lines((0..9).map(|n| n.to_string()), "\n"));
        let list = BreachedPasswords::open(&path).unwrap();
        std::fs::write(&path, vec![b'?'; 500]).unwrap();
        assert!(list.contains("1").is_err());
        std::fs::remove_file(&path).unwrap();
        assert!(list.contains("1").is_err());
    }
}

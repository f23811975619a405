//! Files and folders that are looked at again and again. Looking is all that every file system supports, networks'
//! and containers' included.

use std::{
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

/// When a file was changed, and its length; none for a file that is not there.
type Stamp = Option<(SystemTime, u64)>;

/// Files, as they were when they were last read.
pub(crate) struct Watched {
    every: Option<Duration>,
    files: Vec<(PathBuf, Stamp)>,
    /// What the last look found.
    last: Vec<Stamp>,
}

impl Watched {
    /// Looks at the files as often as `every` says; not at all without it.
    pub(crate) fn new(files: Vec<PathBuf>, every: Option<Duration>) -> Self {
        let files = files.into_iter().map(|file| (stamp(&file), file));
        Self { every, files: files.map(|(stamp, file)| (file, stamp)).collect(), last: Vec::new() }
    }

    /// Looks at these files from now on; the ones that are known are remembered as they were.
    pub(crate) fn follow(&mut self, files: Vec<PathBuf>) {
        let known = std::mem::take(&mut self.files);
        let before = |file: &PathBuf| known.iter().find(|(known, _)| known == file);
        let now = |file: &PathBuf| before(file).map_or_else(|| stamp(file), |(_, stamp)| *stamp);
        self.files = files.iter().map(|file| (file.clone(), now(file))).collect();
    }

    /// Waits until a file is another one.
    pub(crate) async fn changed(&mut self) {
        let Some(every) = self.every else { return std::future::pending().await };
        loop {
            tokio::time::sleep(every).await;
            if self.look() {
                return;
            }
        }
    }

    /// Whether a file is another one, and was that already at the last look: whoever writes it may not
    /// be through at the first.
    fn look(&mut self) -> bool {
        let now: Vec<Stamp> = self.files.iter().map(|(file, _)| stamp(file)).collect();
        let changed = self.files.iter().zip(&now).any(|((_, read), now)| read != now);
        if !changed || self.last != now {
            self.last = now;
            return false;
        }
        for ((_, read), now) in self.files.iter_mut().zip(now) {
            *read = now;
        }
        true
    }
}

fn stamp(file: &Path) -> Stamp {
    let found = std::fs::metadata(file).ok()?;
    Some((found.modified().ok()?, found.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watched(files: &[&PathBuf]) -> Watched {
        Watched::new(files.iter().map(|file| (*file).clone()).collect(), None)
    }

    /// What some looks see, one after the other.
    fn looks(watched: &mut Watched) -> [bool; 4] {
        [watched.look(), watched.look(), watched.look(), watched.look()]
    }

    const NOTHING: [bool; 4] = [false; 4];
    const A_CHANGE: [bool; 4] = [false, true, false, false];

    #[test]
    fn a_change_is_seen_once_and_only_when_it_is_complete() {
        let folder = tempfile::tempdir().unwrap();
        let (file, other) = (folder.path().join("one"), folder.path().join("other"));
        std::fs::write(&file, "a").unwrap();
        let mut watched = watched(&[&file]);
        assert_eq!(looks(&mut watched), NOTHING);
        std::fs::write(&file, "ab").unwrap();
        assert_eq!(looks(&mut watched), A_CHANGE);
        std::fs::write(&other, "abc").unwrap();
        std::fs::rename(&other, &file).unwrap();
        assert_eq!(looks(&mut watched), A_CHANGE);
        for length in 4..8 {
            std::fs::write(&file, "a".repeat(length)).unwrap();
            assert!(!watched.look(), "it is still being written");
        }
        assert!(watched.look());
        std::fs::remove_file(&file).unwrap();
        assert_eq!(looks(&mut watched), A_CHANGE);
    }

    #[test]
    fn files_that_are_new_are_looked_at_too() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (folder.path().join("one"), folder.path().join("other"));
        let mut watched = watched(&[&one]);
        watched.follow(vec![one.clone(), other.clone()]);
        assert_eq!(looks(&mut watched), NOTHING);
        std::fs::write(&other, "a").unwrap();
        assert_eq!(looks(&mut watched), A_CHANGE);
        watched.follow(vec![one]);
        std::fs::write(&other, "ab").unwrap();
        assert_eq!(looks(&mut watched), NOTHING);
    }
}

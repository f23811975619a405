//! The folder of the embedded stores: made at the first start, and held by one process at a time.

use std::{
    fs::{self, File, TryLockError},
    path::Path,
};

use anyhow::{Context, bail};

/// The data folder, locked for as long as this value lives.
pub(crate) struct DataDir {
    _lock: File,
}

impl DataDir {
    /// Makes the folder where it is missing (mode 0700) and locks it.
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        make(path)?;
        let lock_path = path.join("lock");
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&lock_path)
            .with_context(|| format!("{} cannot be written", lock_path.display()))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { _lock: lock }),
            Err(TryLockError::WouldBlock) => bail!(
                "another studio process uses {}: stop it, or choose another --data-dir",
                path.display()
            ),
            Err(TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("{} cannot be locked", lock_path.display()))
            }
        }
    }
}

fn make(path: &Path) -> anyhow::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).with_context(|| {
        format!("the data folder {} cannot be made: choose another --data-dir", path.display())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_process_at_a_time() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("data");
        let first = DataDir::open(&path).unwrap();
        let error = DataDir::open(&path).map(drop).unwrap_err();
        assert!(error.to_string().contains("another studio process"), "{error}");
        drop(first);
        DataDir::open(&path).unwrap();
    }
}

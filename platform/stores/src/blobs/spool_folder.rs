//! A folder for the spools of one process: `<root>/spool/<process>/`.
//!
//! Each process holds a lock on its own folder. Folders whose lock is free belong to processes that
//! were killed, and are removed when another one opens the root.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use super::{BlobError, Spool};

/// Below the root.
pub(super) const SPOOL: &str = "spool";
pub(super) const LOCK: &str = "lock";

/// Where the spools of this process lie. Dropped, it is gone.
#[derive(Debug)]
pub(super) struct SpoolFolder {
    folder: TempDir,
    /// Held as long as the folder is in use.
    _lock: fs::File,
}

impl SpoolFolder {
    /// Makes the folder below `root`, which is made, for its owner alone, where it is missing.
    pub(super) fn open(root: &Path) -> Result<Self, BlobError> {
        let spools = root.join(SPOOL);
        make_private(&spools)?;
        let guard = lock_file(&root.join(LOCK))?;
        guard.lock().map_err(|error| BlobError::io(root.join(LOCK), error))?;
        sweep(&spools)?;
        let folder =
            TempDir::new_in(&spools).map_err(|error| BlobError::io(spools.clone(), error))?;
        let lock = lock_file(&folder.path().join(LOCK))?;
        lock.lock().map_err(|error| BlobError::io(folder.path().join(LOCK), error))?;
        Ok(Self { folder, _lock: lock })
    }

    /// An empty spool that takes at most `limit` bytes.
    pub(super) async fn spool(&self, limit: u64) -> Result<Spool, BlobError> {
        Spool::create(self.folder.path(), limit).await
    }
}

/// Makes a directory and what leads to it, for the owner alone, and flushes each new name.
pub(super) fn make_private(directory: &Path) -> Result<(), BlobError> {
    if directory.is_dir() {
        return Ok(());
    }
    let parent = directory.parent().unwrap_or(Path::new("/"));
    let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
    make_private(parent)?;
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(directory) {
        Ok(()) => sync_directory(parent),
        // Another task was faster.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && directory.is_dir() => Ok(()),
        Err(error) => Err(BlobError::io(directory, error)),
    }
}

/// Makes the names in a directory durable.
pub(super) fn sync_directory(directory: &Path) -> Result<(), BlobError> {
    // Only Unix can open a directory as a file.
    #[cfg(unix)]
    fs::File::open(directory)
        .and_then(|file| file.sync_all())
        .map_err(|error| BlobError::io(directory, error))?;
    Ok(())
}

fn lock_file(path: &Path) -> Result<fs::File, BlobError> {
    fs::File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .map_err(|error| BlobError::io(path, error))
}

/// Removes the folders that no living process holds. Called under the lock of the root.
fn sweep(spools: &Path) -> Result<(), BlobError> {
    let entries = fs::read_dir(spools).map_err(|error| BlobError::io(spools, error))?;
    for entry in entries {
        let folder: PathBuf = entry.map_err(|error| BlobError::io(spools, error))?.path();
        match lock_file(&folder.join(LOCK)).map(|file| file.try_lock()) {
            Ok(Err(fs::TryLockError::WouldBlock)) => {}
            _ => fs::remove_dir_all(&folder).map_err(|error| BlobError::io(folder, error))?,
        }
    }
    Ok(())
}

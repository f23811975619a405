//! Blobs in a local directory: `<organization>/<first two digits>/<hash>`, spools in
//! `spool/<process>/`.
//!
//! A blob is written to a spool, flushed to the disk, renamed to its name, and the directory that
//! holds the name is flushed too, so that a power cut leaves all of it or none.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, UNIX_EPOCH},
};

use async_trait::async_trait;
use studio_kernel::{Env, TenantId, Timestamp};
use tempfile::TempPath;

use super::{
    BlobError, BlobInfo, BlobReader, Blobs, ContentHash, Spool, Spooled, blocking,
    spool_folder::{SpoolFolder, make_private, sync_directory},
};

/// Blobs in a local directory, for one machine.
#[derive(Debug, Clone)]
pub struct DirectoryBlobs(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    root: PathBuf,
    /// None where nothing is to be written.
    spool: Option<SpoolFolder>,
    /// Held by a put while it renames and by a delete while it looks at the age and removes, so
    /// that no delete takes what was put in between.
    names: Mutex<()>,
    env: Env,
}

impl DirectoryBlobs {
    /// Opens the store in `root`, which is made, for its owner alone, where it is missing. Removes
    /// the spools of processes that were killed.
    ///
    /// # Errors
    /// When the directory cannot be made, read or written.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self, BlobError> {
        Self::open_with(root, Env::system())
    }

    /// As [`DirectoryBlobs::open`]; [`BlobInfo::stored_at`] is by the clock of `env`.
    ///
    /// # Errors
    /// When the directory cannot be made, read or written.
    pub fn open_with(root: impl Into<PathBuf>, env: Env) -> Result<Self, BlobError> {
        let root = root.into();
        let spool = SpoolFolder::open(&root)?;
        Ok(Self::of(root, Some(spool), env))
    }

    /// The store in `root`, for reading alone: nothing is made there, and a directory that is missing
    /// has no blobs.
    pub fn to_read(root: impl Into<PathBuf>, env: Env) -> Self {
        Self::of(root.into(), None, env)
    }

    fn of(root: PathBuf, spool: Option<SpoolFolder>, env: Env) -> Self {
        Self(Arc::new(Inner { root, spool, names: Mutex::new(()), env }))
    }
}

impl Inner {
    fn spool(&self) -> Result<&SpoolFolder, BlobError> {
        self.spool.as_ref().ok_or(BlobError::ReadOnly)
    }

    fn shard(&self, tenant: TenantId, name: ContentHash) -> PathBuf {
        self.root.join(tenant.to_string()).join(&name.to_string()[..2])
    }

    fn path(&self, tenant: TenantId, name: ContentHash) -> PathBuf {
        self.shard(tenant, name).join(name.to_string())
    }

    fn keep(&self, tenant: TenantId, name: ContentHash, from: TempPath) -> Result<(), BlobError> {
        let shard = self.shard(tenant, name);
        make_private(&shard)?;
        let to = shard.join(name.to_string());
        let now = u64::try_from(self.env.now().micros()).unwrap_or(0);
        fs::File::options()
            .append(true)
            .open(&from)
            .and_then(|file| {
                file.set_modified(UNIX_EPOCH + Duration::from_micros(now))?;
                file.sync_all()
            })
            .map_err(|error| BlobError::io(from.to_path_buf(), error))?;
        let _names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        from.persist(&to).map_err(|error| BlobError::io(to, error.error))?;
        sync_directory(&shard)
    }

    fn info(&self, tenant: TenantId, name: ContentHash) -> Result<Option<BlobInfo>, BlobError> {
        let path = self.path(tenant, name);
        match fs::metadata(&path) {
            Ok(metadata) => describe(tenant, name, &path, &metadata).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(BlobError::io(path, error)),
        }
    }

    fn delete(
        &self,
        tenant: TenantId,
        name: ContentHash,
        unless_newer_than: Option<Timestamp>,
    ) -> Result<bool, BlobError> {
        let path = self.path(tenant, name);
        let _names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(info) = self.info(tenant, name)? else { return Ok(false) };
        if unless_newer_than.is_some_and(|instant| info.stored_at > instant) {
            return Ok(false);
        }
        fs::remove_file(&path).map_err(|error| BlobError::io(path, error))?;
        sync_directory(&self.shard(tenant, name))?;
        Ok(true)
    }

    fn list(
        &self,
        after: Option<(TenantId, ContentHash)>,
        limit: usize,
    ) -> Result<Vec<BlobInfo>, BlobError> {
        let mut found = Vec::new();
        for tenant in names::<TenantId>(&self.root)? {
            if after.is_some_and(|(last, _)| tenant < last) {
                continue;
            }
            let folder = self.root.join(tenant.to_string());
            for shard in names::<Shard>(&folder)? {
                for name in names::<ContentHash>(&folder.join(&shard.0))? {
                    if after.is_some_and(|last| (tenant, name) <= last) {
                        continue;
                    }
                    if found.len() == limit {
                        return Ok(found);
                    }
                    // A blob may go while its folder is read.
                    found.extend(self.info(tenant, name)?);
                }
            }
        }
        Ok(found)
    }
}

#[async_trait]
impl Blobs for DirectoryBlobs {
    async fn spool(&self, limit: u64) -> Result<Spool, BlobError> {
        self.0.spool()?.spool(limit).await
    }

    async fn put(
        &self,
        tenant: TenantId,
        name: ContentHash,
        content: Spooled,
    ) -> Result<(), BlobError> {
        self.0.spool()?;
        let inner = self.0.clone();
        blocking(move || inner.keep(tenant, name, content.into_path())).await
    }

    async fn open(&self, tenant: TenantId, name: ContentHash) -> Result<BlobReader, BlobError> {
        let path = self.0.path(tenant, name);
        match tokio::fs::File::open(&path).await {
            Ok(file) => Ok(Box::pin(file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(BlobError::NotFound { name })
            }
            Err(error) => Err(BlobError::io(path, error)),
        }
    }

    async fn info(
        &self,
        tenant: TenantId,
        name: ContentHash,
    ) -> Result<Option<BlobInfo>, BlobError> {
        let inner = self.0.clone();
        blocking(move || inner.info(tenant, name)).await
    }

    async fn delete(
        &self,
        tenant: TenantId,
        name: ContentHash,
        unless_newer_than: Option<Timestamp>,
    ) -> Result<bool, BlobError> {
        self.0.spool()?;
        let inner = self.0.clone();
        blocking(move || inner.delete(tenant, name, unless_newer_than)).await
    }

    async fn list(
        &self,
        after: Option<(TenantId, ContentHash)>,
        limit: usize,
    ) -> Result<Vec<BlobInfo>, BlobError> {
        let inner = self.0.clone();
        blocking(move || inner.list(after, limit)).await
    }
}

/// The two digits that name a shard.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Shard(String);

impl std::str::FromStr for Shard {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let digits = text.len() == 2 && text.bytes().all(|b| b.is_ascii_hexdigit());
        digits.then(|| Self(text.to_owned())).ok_or(())
    }
}

/// The entries of a directory whose names read as `T`, in order; a missing directory has none.
fn names<T: std::str::FromStr + Ord>(directory: &Path) -> Result<Vec<T>, BlobError> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(BlobError::io(directory, error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| BlobError::io(directory, error))?;
        names.extend(entry.file_name().to_str().and_then(|name| name.parse().ok()));
    }
    names.sort_unstable();
    Ok(names)
}

fn describe(
    tenant: TenantId,
    hash: ContentHash,
    path: &Path,
    metadata: &fs::Metadata,
) -> Result<BlobInfo, BlobError> {
    let modified = metadata.modified().map_err(|error| BlobError::io(path, error))?;
    let micros = modified.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros());
    let stored_at = Timestamp::from_micros(i64::try_from(micros).unwrap_or(i64::MAX));
    Ok(BlobInfo { tenant, hash, size: metadata.len(), stored_at })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blobs::{
        contract,
        spool_folder::{LOCK, SPOOL},
    };

    fn files(directory: &Path) -> usize {
        fs::read_dir(directory)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .map(|path| if path.is_dir() { files(&path) } else { 1 })
            .sum()
    }

    #[tokio::test]
    async fn keeps_the_contract() {
        contract::holds(async |root: &Path, env| {
            DirectoryBlobs::open_with(root.join("new/blobs"), env).unwrap()
        })
        .await;
    }

    #[tokio::test]
    async fn a_dropped_spool_leaves_nothing() {
        let root = tempfile::tempdir().unwrap();
        let blobs = DirectoryBlobs::open(root.path()).unwrap();
        let before = files(root.path());
        let mut spool = blobs.spool(1 << 20).await.unwrap();
        spool.write(&[7; 300_000]).await.unwrap();
        assert_eq!(files(root.path()), before + 1);
        drop(spool);
        let spool = blobs.spool(10).await.unwrap();
        drop(spool.finish().await.unwrap());
        assert_eq!(files(root.path()), before);
    }

    #[tokio::test]
    async fn spools_of_the_dead_are_swept_and_those_of_the_living_are_not() {
        let root = tempfile::tempdir().unwrap();
        let dead = root.path().join(SPOOL).join("dead");
        fs::create_dir_all(&dead).unwrap();
        fs::write(dead.join(LOCK), "").unwrap();
        fs::write(dead.join("half"), "half an upload").unwrap();
        let living = DirectoryBlobs::open(root.path()).unwrap();
        assert!(!dead.exists());
        let mut spool = living.spool(10).await.unwrap();
        spool.write(b"12").await.unwrap();
        let _second = DirectoryBlobs::open(root.path()).unwrap();
        assert_eq!(spool.finish().await.unwrap().content_size(), 2);
    }

    #[tokio::test]
    async fn reading_alone_makes_and_takes_nothing() {
        let parent = tempfile::tempdir().unwrap();
        let root = parent.path().join("blobs");
        let (tenant, name) =
            ("org_01930000000070008000000000000001".parse().unwrap(), ContentHash::of(b"12"));
        let reading = DirectoryBlobs::to_read(&root, Env::system());
        assert!(matches!(reading.open(tenant, name).await, Err(BlobError::NotFound { .. })));
        assert!(matches!(reading.spool(10).await, Err(BlobError::ReadOnly)));
        assert!(!root.exists());
        let writing = DirectoryBlobs::open(&root).unwrap();
        let mut spool = writing.spool(10).await.unwrap();
        spool.write(b"12").await.unwrap();
        let content = spool.finish().await.unwrap();
        writing.put(tenant, name, content).await.unwrap();
        let refused = reading.delete(tenant, name, None).await;
        assert!(matches!(refused, Err(BlobError::ReadOnly)));
        assert!(reading.open(tenant, name).await.is_ok());
    }

    #[cfg(unix)]
    #[test]
    fn is_for_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt;
        let root = tempfile::tempdir().unwrap();
        let _blobs = DirectoryBlobs::open(root.path().join("a/b")).unwrap();
        let mode = fs::metadata(root.path().join("a/b")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }

    #[test]
    fn says_what_to_do() {
        let denied = BlobError::io("/x", io::ErrorKind::PermissionDenied.into());
        assert!(denied.to_string().contains("give the user that runs Studio the right"));
        let full = BlobError::io("/x", io::ErrorKind::StorageFull.into());
        assert!(full.to_string().contains("move data_dir"));
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(DirectoryBlobs::open(file.path().join("below")).is_err());
    }
}

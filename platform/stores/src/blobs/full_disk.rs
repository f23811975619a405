//! What happens on a full disk: a file system of 8 MiB of the test's own, which only root can mount.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use studio_kernel::{Env, TenantId};
use tokio::io::AsyncReadExt;
use uuid::Uuid;

use super::*;
use crate::keyring::Keyring;

/// A small disk. Dropped, it is unmounted.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    /// `None`, and said so, where it cannot be mounted.
    fn mount() -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=8m", "tmpfs"])
            .arg(directory.path())
            .output();
        match mounted {
            Ok(output) if output.status.success() => Some(Self(directory)),
            Ok(output) => {
                let said = String::from_utf8_lossy(&output.stderr);
                println!("skipped: no small disk can be mounted ({})", said.trim());
                None
            }
            Err(error) => {
                println!("skipped: no small disk can be mounted ({error})");
                None
            }
        }
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg("-l").arg(self.0.path()).status();
        if !unmounted.is_ok_and(|status| status.success()) {
            eprintln!("{} stays mounted", self.0.path().display());
        }
    }
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

async fn put(blobs: &dyn Blobs, bytes: &[u8]) -> Result<ContentHash, BlobError> {
    let tenant = TenantId::from_uuid(Uuid::from_u128(1));
    let mut spool = blobs.spool(u64::MAX).await?;
    for piece in bytes.chunks(100_000) {
        spool.write(piece).await?;
    }
    let spooled = spool.finish().await?;
    let name = spooled.content_hash();
    blobs.put(tenant, name, spooled).await?;
    Ok(name)
}

/// A store whose directory, or spool, is `disk`.
async fn outlives(disk: &Path, blobs: &dyn Blobs) {
    let tenant = TenantId::from_uuid(Uuid::from_u128(1));
    let content: Vec<u8> = (0..2_000_000_u32).map(|i| (i % 251) as u8).collect();
    let kept = put(blobs, b"small").await.unwrap();
    let before = files(disk);

    let error = put(blobs, &vec![7; 20_000_000]).await.unwrap_err();
    assert!(matches!(error, BlobError::Full { .. }), "{error}");
    let filler = disk.join("filler");
    std::fs::write(&filler, vec![1; 7_000_000]).unwrap();
    let error = put(blobs, &content).await.unwrap_err();
    assert!(matches!(error, BlobError::Full { .. }), "{error}");
    assert!(error.to_string().contains("no space is left"), "{error}");
    std::fs::remove_file(filler).unwrap();
    assert_eq!(files(disk), before, "something of the attempts stays");
    assert_eq!(blobs.list(None, 10).await.unwrap().len(), 1);

    let name = put(blobs, &content).await.unwrap();
    for (name, expected) in [(kept, b"small".as_slice()), (name, &content)] {
        let mut bytes = Vec::new();
        blobs.open(tenant, name).await.unwrap().read_to_end(&mut bytes).await.unwrap();
        assert!(bytes == expected);
    }
}

#[tokio::test]
async fn a_directory_outlives_it() {
    let Some(disk) = SmallDisk::mount() else { return };
    let blobs = DirectoryBlobs::open(disk.path().join("blobs")).unwrap();
    outlives(disk.path(), &blobs).await;
}

#[tokio::test]
async fn a_sealed_directory_outlives_it() {
    let Some(disk) = SmallDisk::mount() else { return };
    let keys = tempfile::tempdir().unwrap();
    let keyring = Arc::new(Keyring::embedded(keys.path(), Env::system()).await.unwrap());
    let inner = DirectoryBlobs::open(disk.path().join("blobs")).unwrap();
    outlives(disk.path(), &SealedBlobs::new(Arc::new(inner), keyring)).await;
}

#[tokio::test]
async fn the_spool_of_a_bucket_outlives_it() {
    let Some(disk) = SmallDisk::mount() else { return };
    let Some(options) = s3::tests::options(disk.path(), Env::system()) else { return };
    let blobs = S3Blobs::connect(options).await.unwrap();
    outlives(disk.path(), &blobs).await;
}

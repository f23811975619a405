//! The disk of the blob store is full: one process whose blobs lie in a folder on a disk of 16 MiB
//! of the test's own, which only root can mount.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::Ordering::Relaxed,
};

use super::{AWAY, servers, survives};
use crate::support::{Installation, Shape, until};

/// A small disk. Dropped, it is unmounted.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// `None`, and said so, where it cannot be mounted.
    fn mount(at: &Path) -> Option<Self> {
        std::fs::create_dir_all(at).unwrap();
        let mut mount = Command::new("mount");
        let mounted = mount.args(["-t", "tmpfs", "-o", "size=16m", "tmpfs"]).arg(at).output();
        let why = match mounted {
            Ok(output) if output.status.success() => return Some(Self(at.to_owned())),
            Ok(output) => String::from_utf8_lossy(&output.stderr).trim().to_owned(),
            Err(error) => error.to_string(),
        };
        println!("skipped: no small disk can be mounted ({why})");
        None
    }

    /// Fills it to the last byte, and gives the file that does.
    fn fill(&self) -> PathBuf {
        let path = self.0.join("filler");
        let mut file = std::fs::File::create(&path).unwrap();
        let page = [1; 4096];
        let full = loop {
            if let Err(error) = file.write_all(&page) {
                break error;
            }
        };
        assert_eq!(full.kind(), std::io::ErrorKind::StorageFull, "{full}");
        path
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg("-l").arg(&self.0).status();
        if !unmounted.is_ok_and(|status| status.success()) {
            eprintln!("{} stays mounted", self.0.display());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_disk_of_the_blobs_is_full() {
    if !servers() {
        return;
    }
    let installation = Installation::of(Shape::OneProcess)
        .with_setting("STUDIO_STORES__BLOBS", "directory")
        .with_setting("STUDIO_STORES__S3__BUCKET", "");
    let blobs = installation.path().join("serve/blobs");
    let Some(disk) = SmallDisk::mount(&blobs) else { return };
    // `studio verify` has a folder of its own, and looks at the same blobs.
    let of_commands = installation.path().join("command");
    std::fs::create_dir_all(&of_commands).unwrap();
    std::os::unix::fs::symlink(&blobs, of_commands.join("blobs")).unwrap();
    let fault = "Disk full on the blob store (one process, a folder)";
    survives(fault, installation, false, async |_, scene| {
        let before = scene.failures.load(Relaxed);
        let filler = disk.fill();
        until("an upload to fail", || async {
            (scene.failures.load(Relaxed) > before).then_some(())
        })
        .await;
        tokio::time::sleep(AWAY).await;
        std::fs::remove_file(filler).unwrap();
    })
    .await;
}

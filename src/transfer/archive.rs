//! The folder that an archive is: written beside its place and renamed when it is whole, read as
//! plain files of the names that Studio itself makes.

use std::{
    fs::{self, File},
    io::{self, BufReader, BufWriter, Read, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use aws_lc_rs::digest;
use studio_stores::blobs::ContentHash;
use tempfile::TempDir;

use super::manifest::{FileEntry, Manifest};

pub(crate) const MANIFEST: &str = "manifest.json";
pub(crate) const SIGNATURE: &str = "manifest.sig";
pub(crate) const BLOB_LIST: &str = "blobs.jsonl.gz";
pub(crate) const KEYRING: &str = "keyring";
/// A manifest of a million keys is far below this.
const MOST_MANIFEST: u64 = 512 << 20;

/// The path of a log's events.
pub(crate) fn log_path(log: &str) -> String {
    format!("logs/{log}.jsonl.gz")
}

/// An archive that is being written. Dropped before its end, nothing is left of it.
pub(crate) struct Writer {
    root: TempDir,
    target: PathBuf,
    files: Vec<FileEntry>,
}

/// A file of an archive that is being written.
pub(crate) struct Output {
    path: String,
    file: BufWriter<File>,
    digest: digest::Context,
    bytes: u64,
}

impl Writer {
    /// Begins an archive that is to be `target`, which must not exist.
    pub(crate) fn begin(target: &Path) -> anyhow::Result<Self> {
        if fs::symlink_metadata(target).is_ok() {
            bail!("{} exists already: choose a name that is not taken", target.display());
        }
        let parent = match target.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let name = target
            .file_name()
            .with_context(|| format!("{} cannot name an archive", target.display()))?;
        let root = tempfile::Builder::new()
            .prefix(&format!(".{}.partial-", name.to_string_lossy()))
            .tempdir_in(parent)
            .with_context(|| format!("{} cannot be written", parent.display()))?;
        Ok(Self { root, target: target.to_owned(), files: Vec::new() })
    }

    /// Begins a file, with the folders that hold it.
    pub(crate) fn file(&self, path: &str) -> anyhow::Result<Output> {
        let full = self.root.path().join(path);
        let made = full
            .parent()
            .map_or(Ok(()), fs::create_dir_all)
            .and_then(|()| File::options().write(true).create_new(true).open(&full));
        let file = made.with_context(|| format!("{} cannot be written", full.display()))?;
        Ok(Output {
            path: path.to_owned(),
            file: BufWriter::new(file),
            digest: digest::Context::new(&digest::SHA256),
            bytes: 0,
        })
    }

    /// Writes a whole file, and names it in the manifest.
    pub(crate) fn write(&mut self, path: &str, content: &[u8]) -> anyhow::Result<()> {
        let mut output = self.file(path)?;
        output.write_all(content).with_context(|| format!("{path} cannot be written"))?;
        self.keep(output)
    }

    /// Ends a file, and names it in the manifest.
    pub(crate) fn keep(&mut self, output: Output) -> anyhow::Result<()> {
        self.files.push(output.end()?);
        Ok(())
    }

    /// Writes the manifest and its signature, waits for the disk, and gives the archive its name.
    pub(crate) fn finish(
        self,
        mut manifest: Manifest,
        sign: impl FnOnce(&[u8]) -> String,
    ) -> anyhow::Result<Manifest> {
        manifest.files = self.files;
        let bytes = serde_json::to_vec_pretty(&manifest)?;
        let root = self.root.path().to_owned();
        fs::write(root.join(SIGNATURE), sign(&bytes))
            .and_then(|()| File::open(root.join(SIGNATURE))?.sync_all())
            .and_then(|()| {
                let mut file = File::create_new(root.join(MANIFEST))?;
                file.write_all(&bytes)?;
                file.sync_all()
            })
            .and_then(|()| sync_folders(&root))
            .with_context(|| format!("{} cannot be written", root.display()))?;
        fs::rename(&root, &self.target)
            .with_context(|| format!("{} cannot be made", self.target.display()))?;
        // The folder has its name now, and is to stay.
        let _renamed = self.root.keep();
        if let Some(parent) = self.target.parent().filter(|parent| parent.is_dir()) {
            sync_folder(parent).with_context(|| format!("{}", parent.display()))?;
        }
        Ok(manifest)
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.digest.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Output {
    /// Waits until the file is on the disk, and says what it is.
    pub(crate) fn end(mut self) -> anyhow::Result<FileEntry> {
        self.file
            .flush()
            .and_then(|()| self.file.get_ref().sync_all())
            .with_context(|| format!("{} cannot be written", self.path))?;
        Ok(FileEntry { path: self.path, bytes: self.bytes, sha256: hash(self.digest) })
    }
}

fn hash(digest: digest::Context) -> ContentHash {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest.finish().as_ref());
    bytes.into()
}

fn sync_folders(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_folders(&entry.path())?;
        }
    }
    sync_folder(folder)
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

/// An archive that is there. What its files say is not trusted before it was checked.
pub(crate) struct Archive {
    root: PathBuf,
}

impl Archive {
    /// The archive in this folder; one that is not whole is refused.
    pub(crate) fn open(root: &Path) -> anyhow::Result<Self> {
        if !root.is_dir() {
            bail!("{} is no folder: name the folder that an archive is", root.display());
        }
        if fs::symlink_metadata(root.join(MANIFEST)).is_err() {
            bail!(
                "{} holds no {MANIFEST}: it is no archive, or one that was not written to its end",
                root.display()
            );
        }
        Ok(Self { root: root.to_owned() })
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// Opens a plain file of this size; a link, or anything else, is refused.
    pub(crate) fn reader(&self, path: &str, bytes: u64) -> anyhow::Result<BufReader<File>> {
        let (file, length) = self.plain(path)?;
        if length != bytes {
            bail!("{path} has {length} bytes and should have {bytes}: the archive is damaged");
        }
        Ok(BufReader::with_capacity(1 << 16, file))
    }

    /// Reads a whole small file.
    pub(crate) fn read(&self, path: &str, most: u64) -> anyhow::Result<Vec<u8>> {
        let (mut file, length) = self.plain(path)?;
        if length > most {
            bail!(
                "{path} has {length} bytes, more than Studio ever writes: the archive is damaged"
            );
        }
        let mut content = Vec::new();
        file.read_to_end(&mut content).with_context(|| format!("{path} cannot be read"))?;
        Ok(content)
    }

    pub(crate) fn manifest(&self) -> anyhow::Result<Vec<u8>> {
        self.read(MANIFEST, MOST_MANIFEST)
    }

    fn plain(&self, path: &str) -> anyhow::Result<(File, u64)> {
        // No folder on the way may lead elsewhere, either.
        let mut full = self.root.clone();
        for part in Path::new(path) {
            full.push(part);
            let found = fs::symlink_metadata(&full).map_err(|error| match error.kind() {
                io::ErrorKind::NotFound => {
                    anyhow::anyhow!("{path} is missing: the archive is damaged")
                }
                _ => anyhow::Error::new(error).context(format!("{path} cannot be read")),
            })?;
            if found.is_symlink() {
                bail!("{path} is a link, which Studio never writes: the archive is damaged");
            }
        }
        let file = File::open(&full).with_context(|| format!("{path} cannot be read"))?;
        let found = file.metadata().with_context(|| format!("{path} cannot be read"))?;
        if !found.is_file() {
            bail!("{path} is no file: the archive is damaged");
        }
        Ok((file, found.len()))
    }

    /// Reads a file to its end and holds it against what is said of it.
    pub(crate) fn check(&self, path: &str, bytes: u64, sha256: ContentHash) -> anyhow::Result<()> {
        let mut reader = self.reader(path, bytes)?;
        let mut digest = digest::Context::new(&digest::SHA256);
        let mut buffer = vec![0; 1 << 16];
        loop {
            let read =
                reader.read(&mut buffer).with_context(|| format!("{path} cannot be read"))?;
            if read == 0 {
                break;
            }
            digest.update(&buffer[..read]);
        }
        if hash(digest) != sha256 {
            bail!("{path} is not what was written: the archive is damaged");
        }
        Ok(())
    }
}

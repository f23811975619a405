//! `blobs/<subgraph>/<organization>/<hash>`: the bytes at rest as they are, which are encrypted and
//! stay so. `blobs.jsonl.gz` lists them with their own hashes, since their names are the hashes of
//! what they decrypt to.

use std::io::{BufRead, BufReader, Write};

use anyhow::{Context, bail};
use flate2::{Compression, bufread::GzDecoder, write::GzEncoder};
use serde::{Deserialize, Serialize};
use studio_kernel::TenantId;
use studio_stores::blobs::{BlobError, Blobs, ContentHash};
use tokio::io::AsyncReadExt;

use super::{
    archive::{Archive, BLOB_LIST, Writer},
    manifest::{Manifest, Totals},
    place::Place,
    progress,
};
use crate::stores::SUBGRAPHS;

/// Blobs that are listed at a time.
const PAGE: usize = 500;
/// Blobs after which it is said how far the work has come.
const TELL: u64 = 1_000;
/// A line of the list is a few hundred bytes.
const MOST_LINE: u64 = 4_096;

/// A line of the list.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    subgraph: String,
    tenant: TenantId,
    hash: ContentHash,
    bytes: u64,
    /// Of the bytes at rest.
    sha256: ContentHash,
}

impl Entry {
    fn path(&self) -> String {
        path(&self.subgraph, self.tenant, self.hash)
    }
}

fn path(subgraph: &str, tenant: TenantId, hash: ContentHash) -> String {
    format!("blobs/{subgraph}/{tenant}/{hash}")
}

/// Copies every blob that is there now. The logs were cut before: what their events name was there
/// then, and is left out only where it was removed since.
pub(crate) async fn copy(writer: &mut Writer, place: &Place) -> anyhow::Result<Totals> {
    let mut list = GzEncoder::new(writer.file(BLOB_LIST)?, Compression::default());
    let mut totals = Totals::default();
    for subgraph in SUBGRAPHS {
        let blobs = place.blobs(subgraph)?;
        let mut after = None;
        loop {
            let page = blobs.list(after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = Some((last.tenant, last.hash));
            for info in &page {
                let found = one(writer, blobs, subgraph, info.tenant, info.hash).await?;
                let Some(entry) = found else { continue };
                let mut line = serde_json::to_vec(&entry)?;
                line.push(b'\n');
                list.write_all(&line).context(BLOB_LIST)?;
                count(&mut totals, entry.bytes, "copied");
            }
        }
    }
    writer.keep(list.finish().context(BLOB_LIST)?)?;
    Ok(totals)
}

async fn one(
    writer: &Writer,
    blobs: &dyn Blobs,
    subgraph: &str,
    tenant: TenantId,
    hash: ContentHash,
) -> anyhow::Result<Option<Entry>> {
    let mut reader = match blobs.open(tenant, hash).await {
        Ok(reader) => reader,
        Err(BlobError::NotFound { .. }) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let path = path(subgraph, tenant, hash);
    let mut output = writer.file(&path)?;
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = reader.read(&mut buffer).await.with_context(|| format!("reading {path}"))?;
        if read == 0 {
            break;
        }
        output.write_all(&buffer[..read]).with_context(|| format!("writing {path}"))?;
    }
    let file = output.end()?;
    let subgraph = subgraph.to_owned();
    Ok(Some(Entry { subgraph, tenant, hash, bytes: file.bytes, sha256: file.sha256 }))
}

fn count(totals: &mut Totals, bytes: u64, done: &str) {
    totals.count += 1;
    totals.bytes += bytes;
    if totals.count.is_multiple_of(TELL) {
        progress(format_args!("{} blobs {done}", totals.count));
    }
}

/// Reads every blob of an archive and holds it against the list.
pub(crate) fn check(archive: &Archive, manifest: &Manifest) -> anyhow::Result<()> {
    let mut totals = Totals::default();
    let mut list = List::open(archive, manifest)?;
    while let Some(entry) = list.next()? {
        archive.check(&entry.path(), entry.bytes, entry.sha256)?;
        count(&mut totals, entry.bytes, "checked");
    }
    if totals != manifest.blobs {
        bail!(
            "{BLOB_LIST} lists {} blobs of {} bytes, and manifest.json says {} of {}",
            totals.count,
            totals.bytes,
            manifest.blobs.count,
            manifest.blobs.bytes
        );
    }
    Ok(())
}

/// Puts every blob under its name, with the bytes that it had.
pub(crate) async fn fill(
    archive: &Archive,
    manifest: &Manifest,
    place: &Place,
) -> anyhow::Result<()> {
    let mut totals = Totals::default();
    let mut list = List::open(archive, manifest)?;
    while let Some(entry) = list.next()? {
        let blobs = place.blobs(&entry.subgraph)?;
        let path = entry.path();
        // Opened by way of the archive, which refuses links.
        let mut file = tokio::fs::File::from_std(archive.reader(&path, entry.bytes)?.into_inner());
        let mut spool = blobs.spool(entry.bytes).await?;
        let mut buffer = vec![0; 1 << 16];
        loop {
            let read = file.read(&mut buffer).await.with_context(|| format!("reading {path}"))?;
            if read == 0 {
                break;
            }
            spool.write(&buffer[..read]).await?;
        }
        let spooled = spool.finish().await?;
        if spooled.content_hash() != entry.sha256 {
            bail!("{path} changed while it was read: the archive is damaged");
        }
        blobs.put(entry.tenant, entry.hash, spooled).await?;
        count(&mut totals, entry.bytes, "kept");
    }
    Ok(())
}

struct List(BufReader<GzDecoder<BufReader<std::fs::File>>>);

impl List {
    fn open(archive: &Archive, manifest: &Manifest) -> anyhow::Result<Self> {
        let file = archive.reader(BLOB_LIST, manifest.file(BLOB_LIST)?.bytes)?;
        Ok(Self(BufReader::new(GzDecoder::new(file))))
    }

    fn next(&mut self) -> anyhow::Result<Option<Entry>> {
        let mut line = Vec::new();
        std::io::Read::take(&mut self.0, MOST_LINE)
            .read_until(b'\n', &mut line)
            .with_context(|| format!("{BLOB_LIST} cannot be read: the archive is damaged"))?;
        if line.is_empty() {
            return Ok(None);
        }
        if line.pop() != Some(b'\n') {
            bail!("{BLOB_LIST} was cut off: the archive is damaged");
        }
        let entry: Entry = serde_json::from_slice(&line)
            .with_context(|| format!("{BLOB_LIST} cannot be read: the archive is damaged"))?;
        if !SUBGRAPHS.contains(&entry.subgraph.as_str()) {
            bail!("{BLOB_LIST} names a subgraph that there is not: the archive is damaged");
        }
        Ok(Some(entry))
    }
}

//! Every blob that a log names is there, unseals, and has the hash and the size that the log says.
//! Blobs are read in pieces, some at a time; what is in memory does not grow with their number or
//! size.

use std::collections::HashSet;

use aws_lc_rs::digest;
use futures::{StreamExt, stream};
use studio_events::verify::events_of_type;
use studio_kernel::TenantId;
use studio_service::{BlobNames, NamedBlob};
use studio_stores::{
    blobs::{BlobError, BlobReader, Blobs, ContentHash},
    keyring::KeyringError,
    sql::Database,
};
use tokio::io::AsyncReadExt;

use super::Verdict;

/// The subgraphs that keep blobs, and how their logs name them.
pub(super) fn names() -> [(&'static str, BlobNames); 2] {
    [("evidence", studio_evidence::blob_names()), ("documents", studio_documents::blob_names())]
}

/// Blobs that are read at the same time.
const AT_ONCE: usize = 4;
/// Blobs that are remembered, so that one with several names is read once. Beyond that some are read
/// again.
const REMEMBERED: usize = 100_000;
/// Blobs in a row that the place of the blobs does not answer for, after which it is not asked for the
/// rest.
const IN_VAIN: u32 = 8;
/// Blobs after which it is said how far the work has come.
const TELL: u64 = 1_000;

/// What became of a blob.
enum Found {
    /// It is as the log says; so many bytes.
    Whole(u64),
    /// Its key was destroyed: nobody is to read it again.
    Erased,
    /// It is not what the log says, with what is wrong.
    Wrong(String),
    /// It could not be looked at, with why not.
    Unchecked(String),
    /// Nor could any other be, as it seems: the place of the blobs or of the keys does not answer.
    Away(BlobError),
}

/// What was found so far.
#[derive(Default)]
struct Counts {
    whole: u64,
    bytes: u64,
    erased: u64,
    wrong: u64,
    unchecked: u64,
}

/// A blob that is to be looked at.
struct Wanted {
    tenant: TenantId,
    hash: ContentHash,
    named: NamedBlob,
}

/// Looks at every blob that a log names, and says what is wrong or could not be looked at.
///
/// # Errors
/// When the log or the place of the blobs does not answer: the rest was not looked at.
pub(super) async fn check(
    name: &str,
    names: BlobNames,
    database: &Database,
    blobs: &dyn Blobs,
    verdict: &mut Verdict,
) -> anyhow::Result<()> {
    let mut counts = Counts::default();
    let walked = walk(name, names, database, blobs, &mut counts).await;
    let Counts { whole, bytes, erased, wrong, unchecked } = counts;
    println!(
        "{name}: {whole} blobs as recorded, {bytes} bytes; {erased} erased; {wrong} wrong; \
         {unchecked} not checked"
    );
    verdict.damaged += wrong;
    if unchecked > 0 {
        verdict.unchecked(format!("{unchecked} blobs of {name}"));
    }
    walked
}

async fn walk(
    name: &str,
    names: BlobNames,
    database: &Database,
    blobs: &dyn Blobs,
    counts: &mut Counts,
) -> anyhow::Result<()> {
    let mut in_vain = 0;
    let mut known = HashSet::new();
    let mut after = 0;
    let next = async |after: i64| events_of_type(database.primary(), names.event_type, after).await;
    while let Some((events, until)) = next(after).await? {
        after = until;
        let mut wanted = Vec::new();
        for event in events {
            let event = match event {
                Ok(event) => event,
                Err(error) => {
                    counts.wrong += 1;
                    println!("{name}: which blob an event names is unknown: {error}");
                    continue;
                }
            };
            let read = (names.read)(&event).map_err(|error| error.to_string()).and_then(|named| {
                let hash = named.sha256.parse::<ContentHash>();
                let hash = hash.map_err(|error| error.to_string())?;
                Ok(Wanted { tenant: event.tenant, hash, named })
            });
            match read {
                Ok(blob) if known.contains(&(blob.tenant, blob.hash)) => {}
                Ok(blob) => {
                    if known.len() < REMEMBERED {
                        known.insert((blob.tenant, blob.hash));
                    }
                    wanted.push(blob);
                }
                Err(why) => {
                    counts.wrong += 1;
                    println!("{name}: the blob of event {} is unknown: {why}", event.position);
                }
            }
        }
        let looked = stream::iter(wanted).map(|blob| async move {
            let found = look(blobs, &blob).await;
            (blob, found)
        });
        let mut looked = looked.buffered(AT_ONCE);
        while let Some((blob, found)) = looked.next().await {
            in_vain = if matches!(found, Found::Away(_)) { in_vain + 1 } else { 0 };
            let what = match found {
                Found::Whole(size) => {
                    counts.whole += 1;
                    counts.bytes += size;
                    if counts.whole.is_multiple_of(TELL) {
                        eprintln!("{name}: {} blobs read …", counts.whole);
                    }
                    continue;
                }
                Found::Erased => {
                    counts.erased += 1;
                    continue;
                }
                Found::Wrong(what) => {
                    counts.wrong += 1;
                    what
                }
                Found::Unchecked(why) => {
                    counts.unchecked += 1;
                    format!("could not be checked ({why})")
                }
                Found::Away(error) => {
                    counts.unchecked += 1;
                    if in_vain >= IN_VAIN {
                        return Err(error.into());
                    }
                    format!("could not be checked ({error})")
                }
            };
            let Wanted { tenant, hash, named } = blob;
            println!("{name}: BLOB {hash} of {tenant} {what}: it is {}", named.what);
        }
    }
    Ok(())
}

async fn look(blobs: &dyn Blobs, blob: &Wanted) -> Found {
    let read = match blobs.open(blob.tenant, blob.hash).await {
        Ok(reader) => hash(reader).await,
        Err(error) => Err(error),
    };
    let (hash, size) = match read {
        Ok(read) => read,
        Err(BlobError::NotFound { .. }) => return Found::Wrong("is missing".to_owned()),
        Err(BlobError::Damaged { what, .. }) => {
            return Found::Wrong(format!("is damaged ({what})"));
        }
        Err(BlobError::Key(KeyringError::Destroyed(_))) => return Found::Erased,
        Err(BlobError::Key(
            error @ (KeyringError::Corrupt(_)
            | KeyringError::OtherMaster { .. }
            | KeyringError::Crypto),
        )) => return Found::Wrong(format!("does not unseal ({error})")),
        // Of this blob alone, as far as is known.
        Err(
            error @ (BlobError::Io { .. }
            | BlobError::Denied { .. }
            | BlobError::Key(KeyringError::Store(_))),
        ) => return Found::Unchecked(error.to_string()),
        Err(error) => return Found::Away(error),
    };
    if size != blob.named.size {
        Found::Wrong(format!("has {size} bytes, and {} were recorded", blob.named.size))
    } else if hash != blob.hash {
        Found::Wrong(format!("holds other bytes, of hash {hash}"))
    } else {
        Found::Whole(size)
    }
}

/// The hash and the size of what a reader gives.
async fn hash(mut reader: BlobReader) -> Result<(ContentHash, u64), BlobError> {
    let mut digest = digest::Context::new(&digest::SHA256);
    let mut buffer = vec![0; 1 << 16];
    let mut size = 0;
    loop {
        let read = reader.read(&mut buffer).await.map_err(BlobError::of_reading)?;
        if read == 0 {
            break;
        }
        digest.update(&buffer[..read]);
        size += read as u64;
    }
    let mut hash = [0; 32];
    hash.copy_from_slice(digest.finish().as_ref());
    Ok((hash.into(), size))
}

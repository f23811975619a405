//! What every store of blobs must do, as functions that run against each adapter.

use std::{path::Path, sync::Arc};

use bytes::Bytes;
use futures::{StreamExt, stream};
use studio_kernel::{Env, FixedEntropy, ManualClock, TenantId, Timestamp};
use tokio::io::AsyncReadExt;
use uuid::Uuid;

use super::*;

fn tenant(number: u128) -> TenantId {
    TenantId::from_uuid(Uuid::from_u128(number))
}

async fn put(blobs: &dyn Blobs, tenant: TenantId, bytes: &[u8]) -> ContentHash {
    let mut spool = blobs.spool(u64::MAX).await.unwrap();
    for part in bytes.chunks(100_000) {
        spool.write(part).await.unwrap();
    }
    let spooled = spool.finish().await.unwrap();
    keep(blobs, tenant, bytes, spooled).await.0
}

/// Bytes that content of this organization takes in the store, sealed where the store seals.
async fn stored_size(blobs: &dyn Blobs, tenant: TenantId, bytes: &[u8]) -> u64 {
    let mut spool = blobs.spool_for(tenant, u64::MAX).await.unwrap();
    spool.write(bytes).await.unwrap();
    spool.finish().await.unwrap().stored_size()
}

/// Keeps it, and gives its name and the bytes that the spool's file has.
async fn keep(
    blobs: &dyn Blobs,
    tenant: TenantId,
    bytes: &[u8],
    spooled: Spooled,
) -> (ContentHash, u64) {
    assert_eq!(spooled.content_size(), bytes.len() as u64);
    let hash = spooled.content_hash();
    assert_eq!(hash, ContentHash::of(bytes));
    let stored = std::fs::read(spooled.path()).unwrap();
    assert_eq!(spooled.stored_size(), stored.len() as u64);
    assert_eq!(spooled.stored_hash().await.unwrap(), ContentHash::of(&stored));
    for _ in 0..2 {
        let mut again = Vec::new();
        spooled.reader().await.unwrap().read_to_end(&mut again).await.unwrap();
        assert!(again == bytes);
    }
    let size = spooled.stored_size();
    blobs.put(tenant, hash, spooled).await.unwrap();
    (hash, size)
}

async fn read(blobs: &dyn Blobs, tenant: TenantId, name: ContentHash) -> Vec<u8> {
    let mut bytes = Vec::new();
    blobs.open(tenant, name).await.unwrap().read_to_end(&mut bytes).await.unwrap();
    bytes
}

async fn gives_back_what_was_put(blobs: &dyn Blobs) {
    for size in [0, 1, 65_535, 65_536, 65_537, 131_072, 1_000_003] {
        let bytes: Vec<u8> = (0..size).map(|i| (i * 31 % 251) as u8).collect();
        let name = put(blobs, tenant(1), &bytes).await;
        assert!(read(blobs, tenant(1), name).await == bytes, "{size} bytes");
        let info = blobs.info(tenant(1), name).await.unwrap().unwrap();
        assert_eq!((info.hash, info.tenant), (name, tenant(1)));
        assert_eq!(info.size, stored_size(blobs, tenant(1), &bytes).await);
        // Again: no error, still there once. By a spool that knows whose the bytes will be, too.
        let mut spool = blobs.spool_for(tenant(1), u64::MAX).await.unwrap();
        for part in bytes.chunks(77_777) {
            spool.take(Bytes::copy_from_slice(part)).await.unwrap();
        }
        let (_, size) = keep(blobs, tenant(1), &bytes, spool.finish().await.unwrap()).await;
        assert_eq!(blobs.info(tenant(1), name).await.unwrap().unwrap().size, size);
        assert!(read(blobs, tenant(1), name).await == bytes);
        assert_eq!(put(blobs, tenant(1), &bytes).await, name);
        assert!(read(blobs, tenant(1), name).await == bytes);
    }
    assert_eq!(blobs.list(None, 100).await.unwrap().len(), 7);
}

async fn keeps_organizations_apart(blobs: &dyn Blobs) {
    let name = put(blobs, tenant(1), b"ours").await;
    assert!(!blobs.exists(tenant(2), name).await.unwrap());
    assert!(matches!(blobs.open(tenant(2), name).await, Err(BlobError::NotFound { .. })));
    assert!(!blobs.delete(tenant(2), name, None).await.unwrap());
    put(blobs, tenant(2), b"ours").await;
    assert!(blobs.delete(tenant(2), name, None).await.unwrap());
    assert_eq!(read(blobs, tenant(1), name).await, b"ours");
}

async fn refuses_what_is_too_large_and_what_breaks_off(blobs: &dyn Blobs) {
    let mut spool = blobs.spool(4).await.unwrap();
    spool.write(b"1234").await.unwrap();
    assert!(matches!(spool.write(b"5").await, Err(BlobError::TooLarge { limit: 4 })));
    let broken = stream::iter([Ok(Bytes::from_static(b"12")), Err("the client went away")]);
    let spool = blobs.spool(100).await.unwrap();
    assert!(matches!(spool.fill(broken).await, Err(BlobError::Interrupted(_))));
    assert!(blobs.list(None, 10).await.unwrap().is_empty());
}

async fn lists_in_pages(blobs: &dyn Blobs) {
    let mut expected = Vec::new();
    for organization in [3, 1, 2] {
        for content in 0..20_u8 {
            let name = put(blobs, tenant(organization), &[content]).await;
            expected.push((tenant(organization), name));
        }
    }
    expected.sort();
    let (mut listed, mut after) = (Vec::new(), None);
    loop {
        let page = blobs.list(after, 7).await.unwrap();
        listed.extend(page.iter().map(|info| (info.tenant, info.hash)));
        match page.last() {
            Some(last) => after = Some((last.tenant, last.hash)),
            None => break,
        }
    }
    assert_eq!(listed, expected);
}

async fn a_sweep_spares_what_was_put_again(blobs: &dyn Blobs, clock: &ManualClock) {
    let start = Timestamp::from_micros(1_800_000_000_000_000);
    clock.set(start);
    let name = put(blobs, tenant(1), b"old").await;
    assert_eq!(blobs.info(tenant(1), name).await.unwrap().unwrap().stored_at, start);
    clock.set(start.plus_days(2));
    put(blobs, tenant(1), b"old").await;
    assert!(!blobs.delete(tenant(1), name, Some(start.plus_days(1))).await.unwrap());
    assert!(blobs.delete(tenant(1), name, Some(start.plus_days(2))).await.unwrap());
    assert!(!blobs.exists(tenant(1), name).await.unwrap());
}

async fn takes_the_same_content_from_many_at_once(blobs: &Arc<dyn Blobs>) {
    let bytes: Vec<u8> = (0..300_000_u32).map(|i| (i % 241) as u8).collect();
    let name = ContentHash::of(&bytes);
    let puts = (0..8).map(|_| {
        let (blobs, bytes) = (blobs.clone(), bytes.clone());
        tokio::spawn(async move { put(&*blobs, tenant(1), &bytes).await })
    });
    for done in futures::future::join_all(puts).await {
        assert_eq!(done.unwrap(), name);
    }
    assert!(read(&**blobs, tenant(1), name).await == bytes);
    let listed = blobs.list(None, 10).await.unwrap();
    assert_eq!(listed.len(), 1, "{listed:?}");
    assert!(blobs.delete(tenant(1), name, None).await.unwrap());
    assert!(!blobs.exists(tenant(1), name).await.unwrap());
    assert!(!blobs.delete(tenant(1), name, None).await.unwrap());
    assert!(blobs.list(None, 10).await.unwrap().is_empty());
}

/// Whoever puts while a sweep is deleting the same name finds the blob afterwards.
async fn a_sweep_never_takes_what_is_put_meanwhile(blobs: &Arc<dyn Blobs>, clock: &ManualClock) {
    let old = Timestamp::from_micros(1_800_000_000_000_000);
    for round in 0..20_u8 {
        clock.set(old);
        let name = put(&**blobs, tenant(1), &[round; 5000]).await;
        clock.set(old.plus_days(2));
        let (store, sweeper) = (blobs.clone(), blobs.clone());
        let again = tokio::spawn(async move { put(&*store, tenant(1), &[round; 5000]).await });
        let sweep = tokio::spawn(async move {
            sweeper.delete(tenant(1), name, Some(old.plus_days(1))).await.unwrap()
        });
        again.await.unwrap();
        let taken = sweep.await.unwrap();
        let kept = read(&**blobs, tenant(1), name).await;
        assert_eq!(kept, [round; 5000], "round {round}, an old one was taken: {taken}");
    }
}

/// Servers answer with pages of 1,000 names.
async fn lists_thousands(blobs: &Arc<dyn Blobs>) {
    let mut expected: Vec<_> = stream::iter(0..1_103_u32)
        .map(|number| async move {
            let organization = tenant(u128::from(number % 3 + 1));
            (organization, put(&**blobs, organization, &number.to_be_bytes()).await)
        })
        .buffer_unordered(16)
        .collect()
        .await;
    expected.sort();
    let names = |page: &[BlobInfo]| page.iter().map(|b| (b.tenant, b.hash)).collect::<Vec<_>>();
    assert!(names(&blobs.list(None, 5_000).await.unwrap()) == expected);
    let first = blobs.list(None, 1_000).await.unwrap();
    assert!(names(&first) == expected[..1_000]);
    let rest = blobs.list(Some(expected[999]), 1_000).await.unwrap();
    assert!(names(&rest) == expected[1_000..]);
    // Encrypted, it takes more than the four bytes, and always as many.
    let size = stored_size(&**blobs, tenant(1), &[0; 4]).await;
    assert!(rest.iter().all(|blob| blob.size == size));
    assert!(blobs.list(expected.last().copied(), 10).await.unwrap().is_empty());
    assert!(blobs.list(None, 0).await.unwrap().is_empty());
}

/// Content of 100 MiB goes in and comes out with a fraction of that in memory.
async fn large_content_stays_out_of_memory(blobs: &dyn Blobs) {
    const PIECE: usize = 1 << 20;
    let piece = |number: u32| -> Vec<u8> {
        let seed = number.wrapping_mul(2_654_435_761);
        (0..PIECE as u32).map(|i| (i.wrapping_mul(seed | 1) >> 13) as u8).collect()
    };
    let before = peak_memory(true);
    let mut spool = blobs.spool_for(tenant(1), u64::MAX).await.unwrap();
    for number in 0..100 {
        spool.write(&piece(number)).await.unwrap();
    }
    let spooled = spool.finish().await.unwrap();
    let (name, size) = (spooled.content_hash(), spooled.stored_size());
    blobs.put(tenant(1), name, spooled).await.unwrap();
    assert_eq!(blobs.info(tenant(1), name).await.unwrap().unwrap().size, size);
    let mut reader = blobs.open(tenant(1), name).await.unwrap();
    let mut bytes = vec![0; PIECE];
    for number in 0..100 {
        reader.read_exact(&mut bytes).await.unwrap();
        assert!(bytes == piece(number), "piece {number}");
    }
    assert_eq!(reader.read(&mut bytes).await.unwrap(), 0);
    if let (Some(before), Some(after)) = (before, peak_memory(false)) {
        let grown = after.saturating_sub(before) >> 20;
        assert!(grown < 80, "100 MiB of content took {grown} MiB of memory");
    }
}

/// The most memory (bytes) that this process has held, since it was forgotten; `None` where the
/// system does not tell, or other tests run in this process.
fn peak_memory(forget: bool) -> Option<u64> {
    std::env::var_os("NEXTEST")?;
    if forget {
        std::fs::write("/proc/self/clear_refs", "5").ok()?;
    }
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()? * 1024)
}

/// Runs the whole suite, each part on a store of its own, which `open` makes in a new directory.
pub(crate) async fn holds<B: Blobs>(open: impl AsyncFn(&Path, Env) -> B) {
    let clock = ManualClock::at(Timestamp::from_micros(1_800_000_000_000_000));
    let env = Env::new(clock.clone(), FixedEntropy::seeded(1));
    let directories: Vec<_> = (0..9).map(|_| tempfile::tempdir().unwrap()).collect();
    let store = async |number: usize| {
        let blobs: Arc<dyn Blobs> = Arc::new(open(directories[number].path(), env.clone()).await);
        blobs
    };
    gives_back_what_was_put(&*store(0).await).await;
    keeps_organizations_apart(&*store(1).await).await;
    refuses_what_is_too_large_and_what_breaks_off(&*store(2).await).await;
    lists_in_pages(&*store(3).await).await;
    a_sweep_spares_what_was_put_again(&*store(4).await, &clock).await;
    takes_the_same_content_from_many_at_once(&store(5).await).await;
    a_sweep_never_takes_what_is_put_meanwhile(&store(6).await, &clock).await;
    lists_thousands(&store(7).await).await;
    large_content_stays_out_of_memory(&*store(8).await).await;
}

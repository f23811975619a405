//! What every store of blobs must do, as functions that run against each adapter.

use bytes::Bytes;
use futures::stream;
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
    assert_eq!(spooled.size(), bytes.len() as u64);
    let hash = spooled.hash();
    assert_eq!(hash, ContentHash::of(bytes));
    blobs.put(tenant, hash, spooled).await.unwrap();
    hash
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
        assert_eq!((info.size, info.hash, info.tenant), (size, name, tenant(1)));
        // Again: no error, still there once.
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

/// Runs the whole suite, each part on a store of its own.
pub(crate) async fn holds<B: Blobs>(open: impl Fn(&std::path::Path, Env) -> B) {
    let clock = ManualClock::at(Timestamp::from_micros(1_800_000_000_000_000));
    let env = Env::new(clock.clone(), FixedEntropy::seeded(1));
    let directories: Vec<_> = (0..5).map(|_| tempfile::tempdir().unwrap()).collect();
    let store = |number: usize| open(directories[number].path(), env.clone());
    gives_back_what_was_put(&store(0)).await;
    keeps_organizations_apart(&store(1)).await;
    refuses_what_is_too_large_and_what_breaks_off(&store(2)).await;
    lists_in_pages(&store(3)).await;
    a_sweep_spares_what_was_put_again(&store(4), &clock).await;
}

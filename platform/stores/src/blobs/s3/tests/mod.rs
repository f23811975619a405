//! Against a real S3 server, which `tests/services with s3` starts.

mod damage;
mod faults;
mod proxy;
mod refusals;

use std::{path::Path, sync::Arc};

use studio_kernel::{FixedEntropy, ManualClock};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use uuid::Uuid;

use super::*;
use crate::{
    AwsAccess,
    blobs::{SealedBlobs, contract},
    keyring::Keyring,
};

fn variable(name: &str) -> Option<String> {
    std::env::var(format!("STUDIO_TEST_S3_{name}")).ok()
}

/// Options for the test server with a prefix of this test's own; `None`, and said so, without one.
pub(in crate::blobs) fn options(spool: &Path, env: Env) -> Option<S3Options> {
    let Some(endpoint) = variable("ENDPOINT") else {
        println!("skipped: there is no S3 server (run it through: tests/services with s3 -- …)");
        return None;
    };
    let mut options = S3Options::new(variable("BUCKET").unwrap(), spool.join("spool"));
    options.access = AwsAccess {
        endpoint: Some(endpoint),
        access_key: variable("ACCESS_KEY"),
        secret_key: variable("SECRET_KEY").map(Into::into),
        ..AwsAccess::default()
    };
    options.prefix = format!("test/{}", Env::system().uuid().simple());
    options.path_style = true;
    options.env = env;
    Some(options)
}

fn tenant() -> TenantId {
    TenantId::from_uuid(Uuid::from_u128(1))
}

fn content(size: usize) -> Vec<u8> {
    (0..size).map(|i| (i * 31 % 251) as u8).collect()
}

async fn spooled(blobs: &dyn Blobs, bytes: &[u8]) -> Spooled {
    let mut spool = blobs.spool(u64::MAX).await.unwrap();
    spool.write(bytes).await.unwrap();
    spool.finish().await.unwrap()
}

async fn put(blobs: &dyn Blobs, bytes: &[u8]) -> ContentHash {
    let spooled = spooled(blobs, bytes).await;
    let name = spooled.content_hash();
    blobs.put(tenant(), name, spooled).await.unwrap();
    name
}

async fn read(blobs: &dyn Blobs, name: ContentHash) -> Result<Vec<u8>, String> {
    let opened = blobs.open(tenant(), name).await;
    let mut bytes = Vec::new();
    let mut reader = opened.map_err(|error| error.to_string())?;
    reader.read_to_end(&mut bytes).await.map_err(|error| error.to_string())?;
    Ok(bytes)
}

#[tokio::test(flavor = "multi_thread")]
async fn keeps_the_contract() {
    let directory = tempfile::tempdir().unwrap();
    if options(directory.path(), Env::system()).is_none() {
        return;
    }
    contract::holds(async |root: &Path, env| {
        S3Blobs::connect(options(root, env).unwrap()).await.unwrap()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keeps_the_contract_sealed() {
    let directory = tempfile::tempdir().unwrap();
    if options(directory.path(), Env::system()).is_none() {
        return;
    }
    let keyring =
        Arc::new(Keyring::embedded(&directory.path().join("keys"), Env::system()).await.unwrap());
    contract::holds(async |root: &Path, env| {
        let inner = S3Blobs::connect(options(root, env).unwrap()).await.unwrap();
        SealedBlobs::new(Arc::new(inner), keyring.clone())
    })
    .await;
}

#[tokio::test]
async fn copies_go_once_nobody_can_be_reading_them() {
    let directory = tempfile::tempdir().unwrap();
    let clock = ManualClock::at(Timestamp::from_micros(1_800_000_000_000_000));
    let env = Env::new(clock.clone(), FixedEntropy::seeded(2));
    let Some(options) = options(directory.path(), env.clone()) else { return };
    let blobs = S3Blobs::connect(options).await.unwrap();
    let start = env.now();
    let name = put(&blobs, b"again and again").await;
    let copies = async || -> Vec<i64> {
        let copies = blobs.0.copies(tenant(), name).await.unwrap();
        copies.iter().map(|copy| (copy.stored_at.micros() - start.micros()) / 1_000_000).collect()
    };
    clock.set(start.plus_seconds(10_000));
    put(&blobs, b"again and again").await;
    // The first one was the newest until a moment ago.
    assert_eq!(copies().await, [0, 10_000]);
    clock.set(start.plus_seconds(10_100));
    put(&blobs, b"again and again").await;
    assert_eq!(copies().await, [0, 10_000, 10_100]);
    clock.set(start.plus_seconds(13_650));
    put(&blobs, b"again and again").await;
    assert_eq!(copies().await, [10_000, 10_100, 13_650]);
    assert!(blobs.delete(tenant(), name, None).await.unwrap());
    assert!(copies().await.is_empty());
}

#[tokio::test]
async fn objects_of_others_are_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let Some(options) = options(directory.path(), Env::system()) else { return };
    let blobs = S3Blobs::connect(options).await.unwrap();
    let name = put(&blobs, b"ours").await;
    let inner = &blobs.0;
    let strange = format!("{}{}/{name}/notes.txt", inner.keys.prefix(), tenant());
    let bucket = &inner.place.bucket;
    inner.client.put_object().bucket(bucket).key(&strange).send().await.unwrap();
    assert_eq!(blobs.list(None, 10).await.unwrap().len(), 1);
    assert!(blobs.delete(tenant(), name, None).await.unwrap());
    assert!(blobs.list(None, 10).await.unwrap().is_empty());
    inner.client.head_object().bucket(bucket).key(&strange).send().await.unwrap();
}

/// Asks by hand, so that the host's name can be one that no resolver knows.
async fn get(url: &str, at: &str) -> (u16, Vec<u8>) {
    let url: http::Uri = url.parse().unwrap();
    let path = url.path_and_query().unwrap();
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
        url.authority().unwrap()
    );
    let mut socket = tokio::net::TcpStream::connect(at).await.unwrap();
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).await.unwrap();
    let head = answer.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
    let status = std::str::from_utf8(&answer[9..12]).unwrap().parse().unwrap();
    let head_text = String::from_utf8_lossy(&answer[..head]).to_lowercase();
    assert!(!head_text.contains("transfer-encoding: chunked"), "{head_text}");
    (status, answer[head + 4..].to_vec())
}

#[tokio::test]
async fn a_presigned_address_reads_one_blob_for_its_time() {
    let directory = tempfile::tempdir().unwrap();
    let system = Env::system();
    let clock = ManualClock::at(system.now());
    let env = Env::new(clock.clone(), FixedEntropy::seeded(3));
    let Some(options) = options(directory.path(), env.clone()) else { return };
    let at = options.access.endpoint.clone().unwrap().replace("http://", "");
    let wanted = Presign {
        valid_for: Duration::from_secs(300),
        content_type: Some("text/plain".to_owned()),
        disposition: Some("attachment; filename=\"report.txt\"".to_owned()),
    };
    let blobs = S3Blobs::connect(options.clone()).await.unwrap();
    let name = put(&blobs, b"for a while").await;
    let other = put(&blobs, b"not for them").await;
    let url = blobs.presign(tenant(), name, &wanted).await.unwrap().unwrap();
    assert!(!url.contains(options.access.secret_key.as_ref().unwrap().as_str()));
    assert_eq!(get(&url, &at).await, (200, b"for a while".to_vec()));

    // Forged: another blob under this signature, a changed signature, a longer time, none at all.
    let keys = async |name| blobs.0.copies(tenant(), name).await.unwrap().pop().unwrap().key;
    let signature = url.split("X-Amz-Signature=").nth(1).unwrap().split('&').next().unwrap();
    let first = if signature.starts_with('0') { "1" } else { "0" };
    for forged in [
        url.replace(&keys(name).await, &keys(other).await),
        url.replace(signature, &format!("{first}{}", &signature[1..])),
        url.replace("X-Amz-Expires=300", "X-Amz-Expires=3000"),
        url.split('?').next().unwrap().to_owned(),
    ] {
        assert_ne!(forged, url);
        let (status, body) = get(&forged, &at).await;
        assert_eq!(status, 403, "{forged}: {}", String::from_utf8_lossy(&body));
    }

    // Made an hour ago, and longer than may be asked for.
    clock.set(system.now().plus_seconds(-3_700));
    let long = Presign { valid_for: Duration::from_secs(36_000), ..wanted.clone() };
    let expired = blobs.presign(tenant(), name, &long).await.unwrap().unwrap();
    assert!(expired.contains("X-Amz-Expires=3600"), "{expired}");
    assert_eq!(get(&expired, &at).await.0, 403);

    let missing = blobs.presign(tenant(), ContentHash::of(b"missing"), &wanted).await;
    assert!(matches!(missing, Err(BlobError::NotFound { .. })), "{missing:?}");
    let keyring = Keyring::embedded(&directory.path().join("keys"), env).await.unwrap();
    let sealed = SealedBlobs::new(Arc::new(blobs), Arc::new(keyring));
    assert_eq!(sealed.presign(tenant(), name, &wanted).await.unwrap(), None);
}

#[tokio::test]
async fn the_bucket_can_stand_in_the_hosts_name() {
    let directory = tempfile::tempdir().unwrap();
    let Some(mut options) = options(directory.path(), Env::system()) else { return };
    let blobs = S3Blobs::connect(options.clone()).await.unwrap();
    let name = put(&blobs, b"by its host").await;
    let at = options.access.endpoint.clone().unwrap().replace("http://", "");
    let port = at.rsplit_once(':').unwrap().1;
    // No resolver knows this host, so the client makes the address, and the test asks there.
    let domain = variable("DOMAIN").unwrap();
    options.access.endpoint = Some(format!("http://{domain}:{port}"));
    options.path_style = false;
    let config = options.access.load().await.unwrap();
    let by_host = Client::from_conf(aws_sdk_s3::config::Builder::from(&config).build());
    let url = by_host
        .get_object()
        .bucket(&options.bucket)
        .key(blobs.0.copies(tenant(), name).await.unwrap().pop().unwrap().key)
        .presigned(PresigningConfig::expires_in(Duration::from_secs(60)).unwrap())
        .await
        .unwrap();
    assert!(url.uri().starts_with(&format!("http://{}.{domain}:{port}/", options.bucket)));
    assert_eq!(get(url.uri(), &at).await, (200, b"by its host".to_vec()));
}

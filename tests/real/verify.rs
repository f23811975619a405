//! `studio verify` on servers: a log in PostgreSQL that was cut off, and blobs in a bucket that are
//! missing or changed.

use std::{collections::HashMap, path::Path};

use studio_stores::{
    AwsAccess,
    blobs::{BlobInfo, Blobs, S3Blobs, S3Options},
};
use tokio::io::AsyncReadExt;

use crate::support::{Installation, Shape, World, cut_off, number, store, verify};

/// The blobs of a subgraph as they lie in the bucket.
pub(crate) async fn bucket(
    settings: &HashMap<&str, String>,
    subgraph: &str,
    spool: &Path,
) -> S3Blobs {
    let of = |name: &str| settings[&*format!("STUDIO_STORES__S3__{name}")].clone();
    let options = S3Options {
        access: AwsAccess {
            endpoint: Some(of("ENDPOINT")),
            access_key: Some(of("ACCESS_KEY")),
            secret_key: Some(of("SECRET_KEY").into()),
            ..AwsAccess::default()
        },
        prefix: format!("{}/{subgraph}", of("PREFIX")),
        path_style: true,
        ..S3Options::new(of("BUCKET"), spool)
    };
    S3Blobs::connect(options).await.unwrap()
}

/// Changes a byte of a blob as it lies there.
pub(crate) async fn flip(blobs: &S3Blobs, info: BlobInfo) {
    let mut bytes = Vec::new();
    let mut reader = blobs.open(info.tenant, info.hash).await.unwrap();
    reader.read_to_end(&mut bytes).await.unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    let mut spool = blobs.spool(u64::MAX).await.unwrap();
    spool.write(&bytes).await.unwrap();
    blobs.put(info.tenant, info.hash, spool.finish().await.unwrap()).await.unwrap();
}

#[tokio::test]
async fn damage_on_servers_is_named() {
    let needed = ["STUDIO_TEST_POSTGRES", "STUDIO_TEST_S3_ENDPOINT"];
    if needed.iter().any(|name| std::env::var_os(name).is_none()) {
        println!("skipped: run it by tests/services with postgres and s3");
        return;
    }
    let installation = Installation::of(Shape::OneProcess);
    let (server, client) = installation.set_up().await;
    World::make(&installation, &client).await;
    // Beside the running server.
    let (whole, said) = verify(&installation, &[]);
    assert!(whole, "{said}");
    assert!(said.contains("evidence: 1 blobs as recorded, "), "{said}");
    assert!(said.contains("documents: 1 blobs as recorded, "), "{said}");
    server.stop();

    let settings: HashMap<&str, String> = installation.settings().into_iter().collect();
    let spool = tempfile::tempdir().unwrap();
    let scans = bucket(&settings, "evidence", &spool.path().join("evidence")).await;
    let documents = bucket(&settings, "documents", &spool.path().join("documents")).await;
    let scan = scans.list(None, 2).await.unwrap()[0];
    let document = documents.list(None, 2).await.unwrap()[0];
    flip(&scans, scan).await;
    assert!(documents.delete(document.tenant, document.hash, None).await.unwrap());
    let (whole, said) = verify(&installation, &[]);
    assert!(!whole, "{said}");
    let changed = format!("evidence: BLOB {} of {} is damaged (", scan.hash, scan.tenant);
    assert!(said.contains(&changed), "{said}");
    let missing = format!("documents: BLOB {} of {} is missing", document.hash, document.tenant);
    assert!(said.contains(&missing), "{said}");
    assert!(said.contains("2 blobs are missing or changed") && !said.contains("BROKEN"), "{said}");
    assert!(verify(&installation, &["--no-blobs"]).0);

    let database = store(&installation, "evidence").await;
    let first =
        "SELECT MIN(position) - 1 FROM events WHERE type = 'evidence.check_results.recorded'";
    let position = number(&database, first).await;
    cut_off(&database, position).await;
    database.close().await.unwrap();
    let (whole, said) = verify(&installation, &["--no-blobs"]);
    assert!(!whole, "{said}");
    let ends = format!("the log ends at position {position} and was longer");
    let consumer = "the consumer \"controls.process_manager\" in the store of controls has seen";
    assert!(said.contains(&ends) && said.contains(consumer), "{said}");
}

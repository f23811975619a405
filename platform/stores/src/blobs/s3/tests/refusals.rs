//! What stops the start, and the sentence that it says.

use super::*;

async fn refusal(options: S3Options) -> String {
    S3Blobs::connect(options).await.unwrap_err().to_string()
}

#[tokio::test]
async fn a_server_that_is_not_there_stops_the_start_with_its_address() {
    let directory = tempfile::tempdir().unwrap();
    let mut options = S3Options::new("studio-blobs", directory.path());
    options.access.endpoint = Some("http://127.0.0.1:1".to_owned());
    options.access.access_key = Some("somebody".to_owned());
    options.access.secret_key = Some("hunter2hunter2".to_owned().into());
    options.access.attempts = 2;
    options.path_style = true;
    let shown = format!("{options:?}");
    assert!(shown.contains("somebody") && !shown.contains("hunter2"), "{shown}");
    let said = refusal(options.clone()).await;
    for part in ["studio-blobs", "http://127.0.0.1:1", "stores.blobs.endpoint", "refused"] {
        assert!(said.contains(part), "{said}");
    }
    assert!(!said.contains("hunter2"), "{said}");

    options.access.secret_key = None;
    assert!(refusal(options.clone()).await.contains("stores.blobs.secret_key is missing"));
    options.access.access_key = None;
    options.access.endpoint = Some("127.0.0.1:1".to_owned());
    assert!(refusal(options.clone()).await.contains("stores.blobs.endpoint is no address"));
    options.access.endpoint = Some("http://me:hunter2@127.0.0.1:1".to_owned());
    let said = refusal(options.clone()).await;
    assert!(said.contains("is no address") && !said.contains("hunter2"), "{said}");
    options.access.endpoint = None;
    options.access.ca_file = Some(directory.path().join("ca.pem"));
    assert!(refusal(options.clone()).await.contains("ca.pem, which cannot be read"));
    for content in
        ["", "no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
    {
        std::fs::write(directory.path().join("ca.pem"), content).unwrap();
        assert!(refusal(options.clone()).await.contains("holds no certificate"), "{content}");
    }
    options.bucket = "s3://studio".to_owned();
    assert!(refusal(options.clone()).await.contains("stores.blobs.bucket is no bucket's name"));
    options.prefix = "a//b".to_owned();
    assert!(refusal(options.clone()).await.contains("stores.blobs.prefix is no prefix"));
    options.prefix.clear();
    options.bucket = "studio".to_owned();
    std::fs::write(directory.path().join("file"), "").unwrap();
    options.spool = Some(directory.path().join("file/below"));
    let said = refusal(options).await;
    assert!(said.contains(&directory.path().join("file").display().to_string()), "{said}");
}

#[tokio::test]
async fn wrong_keys_and_missing_buckets_are_told_apart() {
    let directory = tempfile::tempdir().unwrap();
    let Some(right) = options(directory.path(), Env::system()) else { return };
    let mut wrong = right.clone();
    wrong.access.secret_key = Some("another".to_owned().into());
    let said = refusal(wrong.clone()).await;
    assert!(said.contains("refused access") && said.contains("access_key"), "{said}");
    wrong.access.access_key = Some("nobody".to_owned());
    let said = refusal(wrong).await;
    assert!(said.contains("refused access"), "{said}");
    let mut wrong = right.clone();
    wrong.bucket = "no-such-bucket".to_owned();
    let said = refusal(wrong).await;
    assert!(said.contains("there is no bucket no-such-bucket"), "{said}");
    assert!(said.contains("stores.blobs.bucket"), "{said}");
    S3Blobs::connect(right).await.unwrap();
}

#[tokio::test]
async fn tls_needs_an_authority_that_is_trusted() {
    let directory = tempfile::tempdir().unwrap();
    let Some(mut options) = options(directory.path(), Env::system()) else { return };
    options.access.endpoint = variable("TLS_ENDPOINT");
    options.access.attempts = 1;
    let said = refusal(options.clone()).await;
    assert!(said.contains("cannot be reached") && said.contains("certificate"), "{said}");
    options.access.ca_file = variable("CA").map(Into::into);
    let blobs = S3Blobs::connect(options).await.unwrap();
    let bytes = content(9_000_000);
    let name = put(&blobs, &bytes).await;
    assert!(read(&blobs, name).await.unwrap() == bytes);
}

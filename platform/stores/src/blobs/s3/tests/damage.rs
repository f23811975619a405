//! What fails on the way there leaves nothing, and what changed while it lay there is found.

use aws_sdk_s3::primitives::ByteStream;

use super::*;

/// The store, unless there is no server.
async fn store(directory: &Path) -> Option<S3Blobs> {
    Some(S3Blobs::connect(options(directory, Env::system())?).await.unwrap())
}

async fn holds_nothing(blobs: &S3Blobs) {
    let inner = &blobs.0;
    assert!(inner.open_uploads(inner.keys.prefix()).await.unwrap().is_empty());
    let (objects, _) = inner.page(inner.keys.prefix(), None, 10).await.unwrap();
    assert!(objects.is_empty(), "{objects:?}");
}

#[tokio::test]
async fn content_that_cannot_be_read_to_its_end_leaves_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let Some(blobs) = store(directory.path()).await else { return };
    for size in [1_000_000, 30_000_000] {
        let spooled = spooled(&blobs, &content(size)).await;
        let name = spooled.content_hash();
        let file = std::fs::File::options().write(true).open(spooled.path()).unwrap();
        file.set_len(size as u64 - 500_000).unwrap();
        let error = blobs.put(tenant(), name, spooled).await.unwrap_err();
        assert!(matches!(error, BlobError::Io { .. }), "{error}");
        holds_nothing(&blobs).await;
    }
}

#[tokio::test]
async fn content_that_changed_in_the_spool_is_not_taken() {
    let directory = tempfile::tempdir().unwrap();
    let Some(blobs) = store(directory.path()).await else { return };
    for size in [1_000_000, 30_000_000] {
        let spooled = spooled(&blobs, &content(size)).await;
        let name = spooled.content_hash();
        std::fs::write(spooled.path(), vec![7; size]).unwrap();
        let error = blobs.put(tenant(), name, spooled).await.unwrap_err();
        assert!(matches!(error, BlobError::Damaged { .. }), "{error}");
        holds_nothing(&blobs).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_put_whose_caller_goes_away_leaves_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let Some(blobs) = store(directory.path()).await else { return };
    let spooled = spooled(&blobs, &content(200_000_000)).await;
    let name = spooled.content_hash();
    let inner = blobs.0.clone();
    let open = async || inner.open_uploads(inner.keys.prefix()).await.unwrap().len();
    let begun = async {
        while open().await == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        _ = blobs.put(tenant(), name, spooled) => panic!("it was over before it was seen to begin"),
        () = begun => {}
    }
    while open().await > 0 {
        tokio::task::yield_now().await;
    }
    holds_nothing(&blobs).await;
}

#[tokio::test]
async fn uploads_of_killed_processes_are_ended_after_a_day() {
    let directory = tempfile::tempdir().unwrap();
    let Some(mut options) = options(directory.path(), Env::system()) else { return };
    let blobs = S3Blobs::connect(options.clone()).await.unwrap();
    let inner = &blobs.0;
    let name = ContentHash::of(b"never finished");
    let ours = inner.keys.new_copy(tenant(), name, name, &inner.env);
    let theirs = format!("{}theirs", inner.keys.prefix());
    for key in [&ours, &theirs] {
        let request = inner.client.create_multipart_upload().bucket(&inner.place.bucket);
        request.key(key).send().await.unwrap();
    }
    let open = async || -> Vec<String> {
        let open = inner.open_uploads(inner.keys.prefix()).await.unwrap();
        let mut keys: Vec<_> = open.into_iter().map(|(key, ..)| key).collect();
        keys.sort();
        keys
    };
    S3Blobs::connect(options.clone()).await.unwrap();
    assert_eq!(open().await.len(), 2);
    let tomorrow = ManualClock::at(inner.env.now().plus_seconds(86_500));
    options.env = Env::new(tomorrow, FixedEntropy::seeded(4));
    S3Blobs::connect(options).await.unwrap();
    assert_eq!(open().await, [theirs]);
}

#[tokio::test]
async fn an_upload_that_takes_too_long_is_given_up() {
    let directory = tempfile::tempdir().unwrap();
    let Some(mut options) = options(directory.path(), Env::system()) else { return };
    options.put_timeout = Duration::from_millis(100);
    let blobs = S3Blobs::connect(options).await.unwrap();
    let spooled = spooled(&blobs, &content(100_000_000)).await;
    let name = spooled.content_hash();
    let error = blobs.put(tenant(), name, spooled).await.unwrap_err().to_string();
    assert!(error.contains("not done within"), "{error}");
    holds_nothing(&blobs).await;
}

#[tokio::test]
async fn bytes_that_changed_in_the_bucket_are_found() {
    let directory = tempfile::tempdir().unwrap();
    let Some(blobs) = store(directory.path()).await else { return };
    let bytes = content(100_000);
    let name = put(&blobs, &bytes).await;
    assert!(read(&blobs, name).await.unwrap() == bytes);
    let key = blobs.0.copies(tenant(), name).await.unwrap().pop().unwrap().key;
    let mut changed = bytes.clone();
    changed[50_000] ^= 1;
    let request = blobs.0.client.put_object().bucket(&blobs.0.place.bucket).key(&key);
    request.body(ByteStream::from(changed)).send().await.unwrap();
    let error = read(&blobs, name).await.unwrap_err();
    assert!(error.contains("restore it from a backup"), "{error}");
    // Putting it again mends it.
    assert_eq!(put(&blobs, &bytes).await, name);
    assert!(read(&blobs, name).await.unwrap() == bytes);
}

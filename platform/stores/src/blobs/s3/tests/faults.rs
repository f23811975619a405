//! Connections that break and a server that is stopped and started again.

use super::{proxy::Proxy, *};
use crate::testing::OwnServers;

#[tokio::test(flavor = "multi_thread")]
async fn a_read_goes_on_where_the_connection_broke() {
    let directory = tempfile::tempdir().unwrap();
    let Some(mut options) = options(directory.path(), Env::system()) else { return };
    let proxy = Proxy::before(options.access.endpoint.as_ref().unwrap()).await;
    options.access.endpoint = Some(proxy.endpoint.clone());
    proxy.allow_down(3_000_000);
    let blobs = S3Blobs::connect(options).await.unwrap();
    let bytes = content(20_000_000);
    let name = put(&blobs, &bytes).await;
    assert!(read(&blobs, name).await.unwrap() == bytes);
    assert!(proxy.broken() >= 6, "{}", proxy.broken());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_put_tries_again_and_leaves_nothing_when_it_gives_up() {
    let directory = tempfile::tempdir().unwrap();
    let Some(mut options) = options(directory.path(), Env::system()) else { return };
    let proxy = Proxy::before(options.access.endpoint.as_ref().unwrap()).await;
    options.access.endpoint = Some(proxy.endpoint.clone());
    // Every connection breaks in its second part, and the pool holds several that are about to.
    options.access.attempts = 8;
    proxy.allow_up(12_000_000);
    let blobs = S3Blobs::connect(options.clone()).await.unwrap();
    let bytes = content(50_000_000);
    let name = put(&blobs, &bytes).await;
    assert!(proxy.broken() > 0);
    assert!(read(&blobs, name).await.unwrap() == bytes);
    assert!(blobs.delete(tenant(), name, None).await.unwrap());

    // No connection takes a part to its end.
    proxy.allow_up(3_000_000);
    options.access.attempts = 2;
    let blobs = S3Blobs::connect(options).await.unwrap();
    for bytes in [content(8_000_000), bytes] {
        let spooled = spooled(&blobs, &bytes).await;
        let name = spooled.content_hash();
        let error = blobs.put(tenant(), name, spooled).await.unwrap_err();
        assert!(matches!(error, BlobError::Unreachable { .. }), "{error}");
    }
    assert!(blobs.list(None, 10).await.unwrap().is_empty());
    let open = blobs.0.open_uploads(blobs.0.keys.prefix()).await.unwrap();
    assert!(open.is_empty(), "{open:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stops_and_starts_again_has_all_that_was_put() {
    let directory = tempfile::tempdir().unwrap();
    let Some(mut options) = options(directory.path(), Env::system()) else { return };
    let Some(server) = OwnServers::start("s3", "STUDIO_TEST_S3_ENDPOINT") else { return };
    let endpoint = server.variable("STUDIO_TEST_S3_ENDPOINT");
    options.access.endpoint = Some(endpoint.clone());
    options.access.attempts = 3;
    let blobs = S3Blobs::connect(options).await.unwrap();
    let (small, large) = (content(5_000), content(40_000_000));
    let small_name = put(&blobs, &small).await;
    let large_name = put(&blobs, &large).await;

    // The server dies while an upload is under way.
    let spooled = spooled(&blobs, &content(500_000_000)).await;
    let (name, inner) = (spooled.content_hash(), blobs.0.clone());
    let put_blobs = blobs.clone();
    let under_way = tokio::spawn(async move { put_blobs.put(tenant(), name, spooled).await });
    while inner.open_uploads(inner.keys.prefix()).await.unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    server.services(&["pause", "s3"]);
    let error = under_way.await.unwrap().unwrap_err();
    assert!(matches!(error, BlobError::Unreachable { .. }), "{error}");
    let error = blobs.info(tenant(), small_name).await.unwrap_err().to_string();
    assert!(error.contains(&endpoint) && error.contains("cannot be reached"), "{error}");

    server.services(&["resume", "s3"]);
    assert!(read(&blobs, small_name).await.unwrap() == small);
    assert!(read(&blobs, large_name).await.unwrap() == large);
    assert!(!blobs.exists(tenant(), name).await.unwrap());
    assert_eq!(blobs.list(None, 10).await.unwrap().len(), 2);
    let again = put(&blobs, b"after the start").await;
    assert_eq!(read(&blobs, again).await.unwrap(), b"after the start");
}

//! The text of documents, from one process to another.

use std::sync::Arc;

use async_trait::async_trait;
use studio_kernel::{Code, Id, TenantId, kind};
use studio_service::{
    ApiError, DocumentText,
    internal::{HttpDocumentText, text_routes},
};
use tokio_util::sync::CancellationToken;

use crate::support::{Server, World};

/// Knows one text.
struct Shelf(TenantId, Id<kind::DocumentVersion>, String);

#[async_trait]
impl DocumentText for Shelf {
    async fn text(
        &self,
        tenant: TenantId,
        version: Id<kind::DocumentVersion>,
    ) -> Result<Option<String>, ApiError> {
        Ok((self.0 == tenant && self.1 == version).then(|| self.2.clone()))
    }
}

#[tokio::test]
async fn it_arrives_byte_for_byte() {
    let world = World::new().await;
    let (tenant, version) = (world.env.id(), world.env.id());
    let text = "Zutritt nur mit Ausweis – \u{1F512}\n".repeat(100_000);
    let shelf = Arc::new(Shelf(tenant, version, text.clone()));
    let shutdown = CancellationToken::new();
    let routes = world.routes(text_routes(shelf), shutdown.clone()).await;
    let server = Server::start(routes, shutdown, None).await;
    let remote = HttpDocumentText::new(world.client(&[&server.url]).await);
    assert_eq!(remote.text(tenant, version).await.unwrap(), Some(text));
    assert_eq!(remote.text(tenant, world.env.id()).await.unwrap(), None);
    assert_eq!(remote.text(world.env.id(), version).await.unwrap(), None);

    let path = format!("{}/internal/documents/{tenant}/{version}/text", server.url);
    assert_eq!(reqwest::get(path).await.unwrap().status(), 401);
    server.stop().await;
    let error = remote.text(tenant, version).await.unwrap_err();
    assert_eq!(error.code(), Code::SubgraphUnavailable);
}

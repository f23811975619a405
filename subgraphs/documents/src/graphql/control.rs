//! What documents add to `Control`.

use async_graphql::{ComplexObject, Context, ID, Result, SimpleObject};
use studio_kernel::TenantId;
use studio_service::graphql::{PageArgs, gql};

use super::{
    document::{self, DocumentConnection},
    query::reader,
};
use crate::projections::controls;

/// A control of the controls subgraph.
#[derive(SimpleObject)]
#[graphql(complex)]
pub(super) struct Control {
    /// The id, `ctl_…`.
    id: ID,
    #[graphql(skip)]
    tenant: TenantId,
}

impl Control {
    pub(super) fn new(tenant: TenantId, id: String) -> Self {
        Self { id: ID(id), tenant }
    }
}

#[ComplexObject]
impl Control {
    /// The documents that speak of the control, as people have linked them, and that you may read.
    async fn documents(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 20 if absent.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which to start.")] after: Option<String>,
    ) -> Result<DocumentConnection> {
        let page = PageArgs::new(first, after)?;
        let (documents, clearance) = reader(ctx)?;
        let rows = controls::documents_of(&documents.store, &clearance, &self.id, &page)
            .await
            .map_err(gql)?;
        Ok(document::page(self.tenant, rows, &page))
    }
}

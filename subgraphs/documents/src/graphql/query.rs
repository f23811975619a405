//! The queries, and how entities are found by their ids.

use std::sync::Arc;

use async_graphql::{Context, ID, Object, Result, dataloader::DataLoader};
use studio_access::Clearance;
use studio_kernel::{Id, kind};
use studio_service::{
    ApiError,
    graphql::{PageArgs, actor, gql, id},
};

use super::{
    control::Control,
    document::{self, Document, DocumentConnection},
    loaders::DocumentById,
    version::DocumentVersion,
};
use crate::{commands::Documents, projections::documents};

pub(super) struct Query;

/// The subgraph, and which documents the actor may read.
pub(super) fn reader<'a>(ctx: &Context<'a>) -> Result<(&'a Documents, Clearance)> {
    let documents = ctx.data::<Arc<Documents>>()?;
    let clearance = documents.may_read(actor(ctx)?).map_err(gql)?;
    Ok((documents, clearance))
}

async fn load(ctx: &Context<'_>, document: &ID) -> Result<Option<Document>> {
    let (_, clearance) = reader(ctx)?;
    let tenant = clearance.tenant();
    let document = id::<kind::Document>(document)?;
    let loader = ctx.data::<DataLoader<DocumentById>>()?;
    let row = loader.load_one((tenant, document.to_string())).await.map_err(gql)?;
    Ok(row.filter(|row| documents::reads(&clearance, row)).map(|row| Document { tenant, row }))
}

#[Object]
impl Query {
    /// One document; null where there is none of that id that you can see.
    async fn document(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The id, `doc_…`.")] id: ID,
    ) -> Result<Option<Document>> {
        load(ctx, &id).await
    }

    /// The documents of a project, or of all projects in use, in the order in which they were made.
    async fn documents(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only those of this project, `prj_…`.")] project_id: Option<ID>,
        #[graphql(desc = "How many, 1 to 100; 20 if absent.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which to start.")] after: Option<String>,
    ) -> Result<DocumentConnection> {
        let (documents, clearance) = reader(ctx)?;
        let tenant = clearance.tenant();
        let project = project_id.as_ref().map(id::<kind::Project>).transpose()?;
        if let Some(project) = project
            && !(clearance.reaches(&project.to_string())
                && documents.knows_project(tenant, project).await.map_err(gql)?)
        {
            return Err(gql(ApiError::not_found("project", project)));
        }
        let page = PageArgs::new(first, after)?;
        let rows =
            documents::page(&documents.store, &clearance, project, &page).await.map_err(gql)?;
        Ok(document::page(tenant, rows, &page))
    }

    #[graphql(entity)]
    async fn find_document_by_id(
        &self,
        ctx: &Context<'_>,
        #[graphql(key)] id: ID,
    ) -> Result<Option<Document>> {
        load(ctx, &id).await
    }

    #[graphql(entity)]
    async fn find_document_version_by_id(
        &self,
        ctx: &Context<'_>,
        #[graphql(key)] id: ID,
    ) -> Result<Option<DocumentVersion>> {
        let (documents, clearance) = reader(ctx)?;
        let tenant = clearance.tenant();
        let version = version_id(&id)?;
        let row = documents::version(&documents.store, tenant, version).await.map_err(gql)?;
        let Some(row) = row else { return Ok(None) };
        let document = row.document.parse().map_err(|error| gql(ApiError::internal(error)))?;
        let seen = documents.readable(&clearance, document).await.map_err(gql)?.is_some();
        Ok(seen.then(|| DocumentVersion { tenant, row: Arc::new(row) }))
    }

    #[graphql(entity)]
    async fn find_control_by_id(
        &self,
        ctx: &Context<'_>,
        #[graphql(key)] id: ID,
    ) -> Result<Option<Control>> {
        let (_, clearance) = reader(ctx)?;
        let control: Id<kind::Control> = control_id(&id)?;
        Ok(Some(Control::new(clearance.tenant(), control.to_string())))
    }
}

// The arguments named `id` hide the function of that name.
fn version_id(given: &ID) -> Result<Id<kind::DocumentVersion>> {
    id(given)
}

fn control_id(given: &ID) -> Result<Id<kind::Control>> {
    id(given)
}

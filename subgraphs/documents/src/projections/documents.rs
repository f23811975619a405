//! Documents and their versions.

use async_trait::async_trait;
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, Condition, DatabaseTransaction, DbErr, EntityTrait, PaginatorTrait, QueryFilter,
    QueryOrder, QuerySelect, QueryTrait,
    sea_query::{self, Expr, SelectStatement},
};
use studio_access::Clearance;
use studio_entities::documents::{document, project, version};
use studio_events::{EventStore, Projection, ProjectionError, Recorded, clear_generation};
use studio_kernel::{
    Id, Payload, TenantId, kind,
    published::documents::{DocumentClassified, DocumentVersionStored},
};
use studio_service::{
    clearance::{ClassColumns, cleared},
    graphql::PageArgs,
};

use crate::domain::{DocumentCreated, DocumentEvent, DocumentRenamed};

const NAME: &str = "documents";

pub(crate) struct Documents;

#[async_trait]
impl Projection for Documents {
    fn name(&self) -> &'static str {
        NAME
    }

    fn handles(&self, event_type: &str) -> bool {
        [
            DocumentCreated::TYPE,
            DocumentRenamed::TYPE,
            DocumentClassified::TYPE,
            DocumentVersionStored::TYPE,
        ]
        .contains(&event_type)
    }

    async fn apply(
        &self,
        tx: &DatabaseTransaction,
        generation: i64,
        events: &[Recorded],
    ) -> Result<(), ProjectionError> {
        for event in events {
            match event.decode()? {
                DocumentEvent::DocumentCreated(created) => {
                    create(tx, generation, event, created).await?;
                }
                DocumentEvent::DocumentRenamed(renamed) => {
                    let id = renamed.document;
                    update(generation, event.tenant, id)
                        .col_expr(document::Column::Name, Expr::value(renamed.name))
                        .exec(tx)
                        .await?;
                }
                DocumentEvent::DocumentClassified(classified) => {
                    let id = classified.document;
                    let version = Expr::col(document::Column::ClassVersion);
                    let next = sea_query::ExprTrait::add(version, 1);
                    update(generation, event.tenant, id)
                        .col_expr(
                            document::Column::DataClass,
                            Expr::value(classified.data_class.as_str()),
                        )
                        .col_expr(document::Column::ClassVersion, next)
                        .exec(tx)
                        .await?;
                }
                DocumentEvent::DocumentVersionStored(stored) => {
                    add_version(tx, generation, event, stored).await?;
                }
                DocumentEvent::ControlLinked(_) | DocumentEvent::ControlUnlinked(_) => {}
            }
        }
        Ok(())
    }

    async fn clear(
        &self,
        tx: &DatabaseTransaction,
        generation: i64,
    ) -> Result<(), ProjectionError> {
        clear_generation::<document::Entity>(tx, generation).await?;
        clear_generation::<version::Entity>(tx, generation).await
    }
}

async fn create(
    tx: &DatabaseTransaction,
    generation: i64,
    event: &Recorded,
    created: DocumentCreated,
) -> Result<(), ProjectionError> {
    let metadata = event.metadata().map_err(ProjectionError::other)?;
    let row = document::ActiveModel {
        generation: Set(generation),
        tenant: Set(event.tenant.to_string()),
        id: Set(created.document.to_string()),
        project: Set(created.project.to_string()),
        name: Set(created.name),
        newest_number: Set(0),
        created_at: Set(event.recorded_at.micros()),
        updated_at: Set(event.recorded_at.micros()),
        data_class: Set(created.data_class.as_str().to_owned()),
        class_version: Set(1),
        owner: Set(metadata.principal.user_id().map(|user| user.to_string())),
    };
    document::Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

async fn add_version(
    tx: &DatabaseTransaction,
    generation: i64,
    event: &Recorded,
    stored: DocumentVersionStored,
) -> Result<(), ProjectionError> {
    let metadata = event.metadata().map_err(ProjectionError::other)?;
    let uploaded_by = metadata.principal.user_id().map(|user| user.to_string());
    let row = version::ActiveModel {
        generation: Set(generation),
        tenant: Set(event.tenant.to_string()),
        id: Set(stored.version.to_string()),
        document: Set(stored.document.to_string()),
        number: Set(i64::from(stored.number)),
        media_type: Set(stored.media_type),
        sha256: Set(stored.sha256),
        size: Set(i64::try_from(stored.size).map_err(ProjectionError::other)?),
        stored_at: Set(event.recorded_at.micros()),
        uploaded_by: Set(uploaded_by),
    };
    version::Entity::insert(row).exec_without_returning(tx).await?;
    update(generation, event.tenant, stored.document)
        .col_expr(document::Column::NewestNumber, Expr::value(i64::from(stored.number)))
        .col_expr(document::Column::UpdatedAt, Expr::value(event.recorded_at.micros()))
        .exec(tx)
        .await?;
    Ok(())
}

fn update(
    generation: i64,
    tenant: TenantId,
    id: Id<kind::Document>,
) -> sea_orm::UpdateMany<document::Entity> {
    document::Entity::update_many()
        .filter(document::Column::Generation.eq(generation))
        .filter(document::Column::Tenant.eq(tenant.to_string()))
        .filter(document::Column::Id.eq(id.to_string()))
}

fn documents(store: &EventStore, tenant: TenantId) -> sea_orm::Select<document::Entity> {
    document::Entity::find()
        .filter(document::Column::Generation.eq(store.generation(NAME)))
        .filter(document::Column::Tenant.eq(tenant.to_string()))
}

fn versions(store: &EventStore, tenant: TenantId) -> sea_orm::Select<version::Entity> {
    version::Entity::find()
        .filter(version::Column::Generation.eq(store.generation(NAME)))
        .filter(version::Column::Tenant.eq(tenant.to_string()))
}

/// One document.
pub(crate) async fn one(
    store: &EventStore,
    tenant: TenantId,
    id: Id<kind::Document>,
) -> Result<Option<document::Model>, DbErr> {
    let found = documents(store, tenant).filter(document::Column::Id.eq(id.to_string()));
    found.one(store.database().reader()).await
}

/// Some documents, in the order of their ids; those that are not there are left out.
pub(crate) async fn by_ids(
    store: &EventStore,
    tenant: TenantId,
    ids: &[String],
) -> Result<Vec<document::Model>, DbErr> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    documents(store, tenant)
        .filter(document::Column::Id.is_in(ids))
        .order_by_asc(document::Column::Id)
        .all(store.database().reader())
        .await
}

/// What tells whether somebody reads a document.
const CLASSED: ClassColumns<document::Column> = ClassColumns {
    project: document::Column::Project,
    class: document::Column::DataClass,
    owner: document::Column::Owner,
};

/// The documents as far as somebody reads.
fn readable(store: &EventStore, clearance: &Clearance) -> sea_orm::Select<document::Entity> {
    let found = documents(store, clearance.tenant());
    match cleared(clearance, CLASSED) {
        Some(only) => found.filter(only),
        None => found,
    }
}

/// Whether somebody reads a document.
pub(crate) fn reads(clearance: &Clearance, row: &document::Model) -> bool {
    clearance.holds(&row.project, &row.data_class, row.owner.as_deref())
}

/// The ids of those that somebody reads.
pub(super) fn ids(store: &EventStore, clearance: &Clearance) -> SelectStatement {
    readable(store, clearance).select_only().column(document::Column::Id).into_query()
}

/// One page of documents, of one project or of all that are in use, as far as somebody reads, in the order in
/// which they were made.
pub(crate) async fn page(
    store: &EventStore,
    clearance: &Clearance,
    project: Option<Id<kind::Project>>,
    page: &PageArgs,
) -> Result<Vec<document::Model>, DbErr> {
    let tenant = clearance.tenant();
    let mut found = readable(store, clearance);
    found = match project {
        Some(project) => found.filter(document::Column::Project.eq(project.to_string())),
        None => found.filter(document::Column::Project.not_in_subquery(archived(store, tenant))),
    };
    if let Some(after) = &page.after {
        found = found.filter(document::Column::Id.gt(after));
    }
    let found = found.order_by_asc(document::Column::Id).limit(page.limit());
    found.all(store.database().reader()).await
}

/// The ids of the projects that are archived.
fn archived(store: &EventStore, tenant: TenantId) -> SelectStatement {
    project::Entity::find()
        .select_only()
        .column(project::Column::Id)
        .filter(project::Column::Generation.eq(store.generation(super::projects::NAME)))
        .filter(project::Column::Tenant.eq(tenant.to_string()))
        .filter(project::Column::Archived.eq(1))
        .into_query()
}

/// One version by its number.
pub(crate) async fn version_by_number(
    store: &EventStore,
    tenant: TenantId,
    document: Id<kind::Document>,
    number: u32,
) -> Result<Option<version::Model>, DbErr> {
    versions(store, tenant)
        .filter(version::Column::Document.eq(document.to_string()))
        .filter(version::Column::Number.eq(i64::from(number)))
        .one(store.database().reader())
        .await
}

/// One version by its id.
pub(crate) async fn version(
    store: &EventStore,
    tenant: TenantId,
    id: Id<kind::DocumentVersion>,
) -> Result<Option<version::Model>, DbErr> {
    let found = versions(store, tenant).filter(version::Column::Id.eq(id.to_string()));
    found.one(store.database().reader()).await
}

/// Some versions by document and number.
pub(crate) async fn versions_by_numbers(
    store: &EventStore,
    tenant: TenantId,
    wanted: &[(String, i64)],
) -> Result<Vec<version::Model>, DbErr> {
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let any = wanted.iter().fold(Condition::any(), |any, (document, number)| {
        any.add(
            Condition::all()
                .add(version::Column::Document.eq(document))
                .add(version::Column::Number.eq(*number)),
        )
    });
    versions(store, tenant).filter(any).all(store.database().reader()).await
}

/// One page of a document's versions, the newest first; the cursor is a number.
pub(crate) async fn versions_page(
    store: &EventStore,
    tenant: TenantId,
    document: &str,
    before: Option<i64>,
    limit: u64,
) -> Result<Vec<version::Model>, DbErr> {
    let mut found = versions(store, tenant).filter(version::Column::Document.eq(document));
    if let Some(before) = before {
        found = found.filter(version::Column::Number.lt(before));
    }
    let found = found.order_by_desc(version::Column::Number).limit(limit);
    found.all(store.database().reader()).await
}

/// Whether any version of the organization has these bytes.
pub(crate) async fn holds(
    store: &EventStore,
    tenant: TenantId,
    sha256: &str,
) -> Result<bool, DbErr> {
    let found = versions(store, tenant).filter(version::Column::Sha256.eq(sha256)).limit(1);
    Ok(found.count(store.database().reader()).await? > 0)
}

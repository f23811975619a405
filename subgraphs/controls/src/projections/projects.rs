//! The projects of an organization.

use async_trait::async_trait;
use sea_orm::{
    ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter,
    sea_query::{Expr, ExprTrait},
};
use studio_entities::controls::project::{self, Column, Entity};
use studio_events::{Projection, ProjectionError, Recorded, clear_generation};
use studio_kernel::{Id, Payload, kind};

use crate::domain::{
    project::events::{
        ProjectArchived, ProjectCreated, ProjectEvent, ProjectRenamed, ProjectRestored,
    },
    project_name::key,
};

use super::{insert, ordinal};

/// The projects of an organization.
pub(crate) struct Projects;

impl Projects {
    /// Its name.
    pub(crate) const NAME: &'static str = "projects";
}

#[async_trait]
impl Projection for Projects {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    /// 2: with the key of the name.
    fn version(&self) -> u32 {
        2
    }

    fn handles(&self, event_type: &str) -> bool {
        [ProjectCreated::TYPE, ProjectRenamed::TYPE, ProjectArchived::TYPE, ProjectRestored::TYPE]
            .contains(&event_type)
    }

    async fn apply(
        &self,
        tx: &DatabaseTransaction,
        generation: i64,
        events: &[Recorded],
    ) -> Result<(), ProjectionError> {
        for event in events {
            // Each of these is one more version.
            let change = |project: Id<kind::Project>| {
                Entity::update_many()
                    .filter(Column::Generation.eq(generation))
                    .filter(Column::Tenant.eq(event.tenant.to_string()))
                    .filter(Column::Id.eq(project.to_string()))
                    .col_expr(Column::Version, Expr::col(Column::Version).add(1))
            };
            match event.decode()? {
                ProjectEvent::ProjectCreated(created) => {
                    let row = row(generation, event, created)?;
                    insert::<Entity>(tx, vec![row]).await?;
                }
                ProjectEvent::ProjectRenamed(renamed) => {
                    change(renamed.project)
                        .col_expr(Column::NameKey, Expr::value(key(&renamed.name)))
                        .col_expr(Column::Name, Expr::value(renamed.name))
                        .exec(tx)
                        .await?;
                }
                ProjectEvent::ProjectArchived(archived) => {
                    let at = Some(event.recorded_at.micros());
                    change(archived.project)
                        .col_expr(Column::ArchivedAt, Expr::value(at))
                        .exec(tx)
                        .await?;
                }
                ProjectEvent::ProjectRestored(restored) => {
                    change(restored.project)
                        .col_expr(Column::ArchivedAt, Expr::value(None::<i64>))
                        .exec(tx)
                        .await?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    async fn clear(
        &self,
        tx: &DatabaseTransaction,
        generation: i64,
    ) -> Result<(), ProjectionError> {
        clear_generation::<Entity>(tx, generation).await
    }
}

fn row(
    generation: i64,
    event: &Recorded,
    created: ProjectCreated,
) -> Result<project::Model, ProjectionError> {
    let metadata = event.metadata().map_err(ProjectionError::other)?;
    let created_by = metadata.principal.user_id().map(|user| user.to_string());
    Ok(project::Model {
        generation,
        tenant: event.tenant.to_string(),
        id: created.project.to_string(),
        name_key: key(&created.name),
        name: created.name,
        version: 1,
        archived_at: None,
        created_by,
        created_at: event.recorded_at.micros(),
        ordinal: ordinal(event, 0),
    })
}

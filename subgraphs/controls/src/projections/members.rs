//! Which control is a member of which requirement.

use async_trait::async_trait;
use sea_orm::DatabaseTransaction;
use sea_orm::{
    ColumnTrait, EntityTrait, QueryFilter,
    sea_query::{Expr, OnConflict},
};
use studio_entities::controls::member::{self, Entity};
use studio_events::{Projection, ProjectionError, Recorded, clear_generation};
use studio_kernel::Payload;

use crate::domain::{
    project::events::{FrameworkAdopted, ProjectEvent, RequirementMapped, RequirementUnmapped},
    score::{Fixed, Member},
};

use super::{ordinal, upsert};

/// Which control is a member of which requirement.
pub(crate) struct Members;

impl Members {
    /// Its name.
    pub(crate) const NAME: &'static str = "members";
}

#[async_trait]
impl Projection for Members {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn handles(&self, event_type: &str) -> bool {
        [FrameworkAdopted::TYPE, RequirementMapped::TYPE, RequirementUnmapped::TYPE]
            .contains(&event_type)
    }

    async fn apply(
        &self,
        tx: &DatabaseTransaction,
        generation: i64,
        events: &[Recorded],
    ) -> Result<(), ProjectionError> {
        use member::Column;
        let replace = OnConflict::columns([
            Column::Generation,
            Column::Tenant,
            Column::Project,
            Column::Requirement,
            Column::Control,
            Column::AnyOf,
        ])
        .update_column(Column::Share)
        .to_owned();
        for event in events {
            let row = |project: String, requirement: String, control: String| member::Model {
                generation,
                tenant: event.tenant.to_string(),
                project,
                requirement,
                control,
                any_of: String::new(),
                share: Fixed::ONE.units(),
                ordinal: ordinal(event, 0),
            };
            match event.decode()? {
                ProjectEvent::FrameworkAdopted(adopted) => {
                    let project = adopted.project.to_string();
                    let rows = adopted.controls.iter().enumerate().map(|(index, made)| {
                        let requirement = made.requirement.to_string();
                        member::Model {
                            ordinal: ordinal(event, index),
                            ..row(project.clone(), requirement, made.control.to_string())
                        }
                    });
                    upsert::<Entity>(tx, rows.collect(), Some(replace.clone())).await?;
                }
                ProjectEvent::RequirementMapped(mapped) => {
                    let any_of = match &mapped.member {
                        Member::Control(_) => String::new(),
                        Member::AnyOf { group, .. } => group.clone(),
                    };
                    let share = mapped.share.units();
                    let (project, requirement) =
                        (mapped.project.to_string(), mapped.requirement.to_string());
                    if !any_of.is_empty() {
                        // The share is the group's: its other controls carry it too.
                        Entity::update_many()
                            .filter(Column::Generation.eq(generation))
                            .filter(Column::Tenant.eq(event.tenant.to_string()))
                            .filter(Column::Project.eq(project.as_str()))
                            .filter(Column::Requirement.eq(requirement.as_str()))
                            .filter(Column::AnyOf.eq(any_of.as_str()))
                            .col_expr(Column::Share, Expr::value(share))
                            .exec(tx)
                            .await?;
                    }
                    let row = row(project, requirement, mapped.control.to_string());
                    let row = member::Model { any_of, share, ..row };
                    upsert::<Entity>(tx, vec![row], Some(replace.clone())).await?;
                }
                ProjectEvent::RequirementUnmapped(unmapped) => {
                    Entity::delete_many()
                        .filter(Column::Generation.eq(generation))
                        .filter(Column::Tenant.eq(event.tenant.to_string()))
                        .filter(Column::Project.eq(unmapped.project.to_string()))
                        .filter(Column::Requirement.eq(unmapped.requirement.to_string()))
                        .filter(Column::Control.eq(unmapped.control.to_string()))
                        .filter(Column::AnyOf.eq(unmapped.group.unwrap_or_default()))
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

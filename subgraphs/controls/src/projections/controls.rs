//! The controls of projects.

use async_trait::async_trait;
use sea_orm::DatabaseTransaction;
use sea_orm::{ColumnTrait, EntityTrait, ExprTrait, QueryFilter, UpdateMany, sea_query::Expr};
use studio_entities::controls::control::{self, Entity};
use studio_events::{Projection, ProjectionError, Recorded, clear_generation};
use studio_kernel::Payload;

use crate::domain::{
    project::events::{
        ControlCreated, ControlRetired, ControlText, ControlUpdated, FrameworkAdopted, ProjectEvent,
    },
    score::Implementation,
};

use super::{insert, ordinal};

/// The controls of projects.
pub(crate) struct Controls;

impl Controls {
    /// Its name.
    pub(crate) const NAME: &'static str = "controls";
}

#[async_trait]
impl Projection for Controls {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn handles(&self, event_type: &str) -> bool {
        [FrameworkAdopted::TYPE, ControlCreated::TYPE, ControlUpdated::TYPE, ControlRetired::TYPE]
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
                ProjectEvent::FrameworkAdopted(adopted) => {
                    let rows = adopted.controls.iter().enumerate().map(|(index, made)| {
                        let stated = ControlText {
                            title: made.title.clone(),
                            description: String::new(),
                            implementation: adopted.implementation,
                            owner: None,
                        };
                        let ids = (adopted.project.to_string(), made.control.to_string());
                        row(generation, event, index, ids, &made.code, &stated)
                    });
                    insert::<Entity>(tx, rows.collect()).await?;
                }
                ProjectEvent::ControlCreated(created) => {
                    let ids = (created.project.to_string(), created.control.to_string());
                    let row = row(generation, event, 0, ids, &created.code, &created.stated);
                    insert::<Entity>(tx, vec![row]).await?;
                }
                ProjectEvent::ControlUpdated(updated) => {
                    let stated = updated.stated;
                    let owner = stated.owner.map(|owner| owner.to_string());
                    change(generation, event, &updated.control.to_string())
                        .col_expr(control::Column::Title, Expr::value(stated.title))
                        .col_expr(control::Column::Description, Expr::value(stated.description))
                        .col_expr(
                            control::Column::Implementation,
                            Expr::value(implementation(stated.implementation)),
                        )
                        .col_expr(control::Column::Owner, Expr::value(owner))
                        .exec(tx)
                        .await?;
                }
                ProjectEvent::ControlRetired(retired) => {
                    change(generation, event, &retired.control.to_string())
                        .col_expr(control::Column::Retired, Expr::value(1_i64))
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
    index: usize,
    (project, id): (String, String),
    code: &str,
    stated: &ControlText,
) -> control::Model {
    control::Model {
        generation,
        tenant: event.tenant.to_string(),
        id,
        project,
        code: code.to_owned(),
        title: stated.title.clone(),
        description: stated.description.clone(),
        implementation: implementation(stated.implementation).to_owned(),
        owner: stated.owner.map(|owner| owner.to_string()),
        retired: 0,
        version: 1,
        created_at: event.recorded_at.micros(),
        updated_at: event.recorded_at.micros(),
        ordinal: ordinal(event, index),
    }
}

/// An update of one control, which raises its version.
fn change(generation: i64, event: &Recorded, control: &str) -> UpdateMany<Entity> {
    use control::Column;
    Entity::update_many()
        .filter(Column::Generation.eq(generation))
        .filter(Column::Tenant.eq(event.tenant.to_string()))
        .filter(Column::Id.eq(control))
        .col_expr(Column::Version, Expr::col(Column::Version).add(1))
        .col_expr(Column::UpdatedAt, Expr::value(event.recorded_at.micros()))
}

fn implementation(implementation: Implementation) -> &'static str {
    match implementation {
        Implementation::Planned => "PLANNED",
        Implementation::Partial => "PARTIAL",
        Implementation::Implemented => "IMPLEMENTED",
    }
}

//! Which control rests on which.

use async_trait::async_trait;
use sea_orm::DatabaseTransaction;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, sea_query::OnConflict};
use studio_entities::controls::dependency::{self, Entity};
use studio_events::{Projection, ProjectionError, Recorded, clear_generation};
use studio_kernel::Payload;

use crate::domain::{
    project::events::{DependencyAdded, DependencyRemoved, ProjectEvent},
    score::Strength,
};

use super::{ordinal, upsert};

/// Which control rests on which.
pub(crate) struct Dependencies;

impl Dependencies {
    /// Its name.
    pub(crate) const NAME: &'static str = "dependencies";
}

#[async_trait]
impl Projection for Dependencies {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn handles(&self, event_type: &str) -> bool {
        [DependencyAdded::TYPE, DependencyRemoved::TYPE].contains(&event_type)
    }

    async fn apply(
        &self,
        tx: &DatabaseTransaction,
        generation: i64,
        events: &[Recorded],
    ) -> Result<(), ProjectionError> {
        use dependency::Column;
        let replace = OnConflict::columns([Column::Generation, Column::Tenant, Column::Id])
            .update_column(Column::Strength)
            .to_owned();
        for event in events {
            match event.decode()? {
                ProjectEvent::DependencyAdded(added) => {
                    let row = dependency::Model {
                        generation,
                        tenant: event.tenant.to_string(),
                        id: added.dependency.to_string(),
                        project: added.project.to_string(),
                        control: added.control.to_string(),
                        depends_on: added.depends_on.to_string(),
                        strength: strength(added.strength).to_owned(),
                        ordinal: ordinal(event, 0),
                    };
                    upsert::<Entity>(tx, vec![row], Some(replace.clone())).await?;
                }
                ProjectEvent::DependencyRemoved(removed) => {
                    Entity::delete_many()
                        .filter(Column::Generation.eq(generation))
                        .filter(Column::Tenant.eq(event.tenant.to_string()))
                        .filter(Column::Id.eq(removed.dependency.to_string()))
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

fn strength(strength: Strength) -> &'static str {
    match strength {
        Strength::Full => "FULL",
        Strength::Half => "HALF",
        Strength::Weak => "WEAK",
    }
}

//! What scores are watched for, and which alerts are raised.

use async_trait::async_trait;
use sea_orm::{
    ColumnTrait, DatabaseTransaction, EntityTrait, ExprTrait, QueryFilter, UpdateMany,
    sea_query::{Expr, OnConflict},
};
use studio_entities::controls::score_watch::{alert, target};
use studio_events::{Projection, ProjectionError, Recorded, clear_generation};
use studio_kernel::{Aggregate, Payload};

use crate::domain::{
    score_log::{ScoreAlertCleared, ScoreAlertRaised, ScoreEvent, ScoreLog},
    score_watch::{
        ScoreAlertAcknowledged, ScoreAlertChanged, ScoreAlertCreated, ScoreAlertRemoved,
        ScoreTargetRemoved, ScoreTargetSet, ScoreWatchEvent,
    },
};

use super::{insert, ordinal, upsert};

/// The alert is not raised.
pub(crate) const QUIET: &str = "QUIET";
/// The alert is raised.
pub(crate) const RAISED: &str = "RAISED";

/// What scores are watched for.
pub(crate) struct ScoreWatches;

impl ScoreWatches {
    /// Its name.
    pub(crate) const NAME: &'static str = "score_watches";
}

#[async_trait]
impl Projection for ScoreWatches {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn handles(&self, event_type: &str) -> bool {
        [
            ScoreTargetSet::TYPE,
            ScoreTargetRemoved::TYPE,
            ScoreAlertCreated::TYPE,
            ScoreAlertChanged::TYPE,
            ScoreAlertRemoved::TYPE,
            ScoreAlertAcknowledged::TYPE,
            ScoreAlertRaised::TYPE,
            ScoreAlertCleared::TYPE,
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
            if event.stream_type == ScoreLog::STREAM_TYPE {
                told(tx, generation, event, event.decode()?).await?;
            } else {
                watched(tx, generation, event, event.decode()?).await?;
            }
        }
        Ok(())
    }

    async fn clear(
        &self,
        tx: &DatabaseTransaction,
        generation: i64,
    ) -> Result<(), ProjectionError> {
        clear_generation::<target::Entity>(tx, generation).await?;
        clear_generation::<alert::Entity>(tx, generation).await
    }
}

/// What the score engine recorded.
async fn told(
    tx: &DatabaseTransaction,
    generation: i64,
    event: &Recorded,
    told: ScoreEvent,
) -> Result<(), ProjectionError> {
    use alert::Column;
    let change = match told {
        ScoreEvent::ScoreAlertRaised(it) => change(generation, event, &it.alert.to_string())
            .col_expr(Column::State, Expr::value(RAISED))
            .col_expr(Column::Raising, Expr::value(i64::from(it.raising)))
            .col_expr(Column::RaisedPosition, Expr::value(event.position)),
        ScoreEvent::ScoreAlertCleared(it) => change(generation, event, &it.alert.to_string())
            .col_expr(Column::State, Expr::value(QUIET))
            .col_expr(Column::ClearedAt, Expr::value(it.at.micros())),
        ScoreEvent::ScoreChanged(_) => return Ok(()),
    };
    change.exec(tx).await?;
    Ok(())
}

/// What people did.
async fn watched(
    tx: &DatabaseTransaction,
    generation: i64,
    event: &Recorded,
    watched: ScoreWatchEvent,
) -> Result<(), ProjectionError> {
    use alert::Column;
    let at = event.recorded_at.micros();
    match watched {
        ScoreWatchEvent::ScoreTargetSet(set) => {
            let columns = [
                target::Column::Generation,
                target::Column::Tenant,
                target::Column::Project,
                target::Column::Framework,
            ];
            let replace = OnConflict::columns(columns)
                .update_columns([
                    target::Column::Terms,
                    target::Column::SetBy,
                    target::Column::SetAt,
                ])
                .value(
                    target::Column::Version,
                    Expr::col((target::Entity, target::Column::Version)).add(1),
                )
                .to_owned();
            let row = target::Model {
                generation,
                tenant: event.tenant.to_string(),
                project: set.project.to_string(),
                framework: set.framework.to_string(),
                terms: json(&set.terms)?,
                version: 1,
                set_by: set.set_by.map(|person| person.to_string()),
                set_at: at,
            };
            upsert::<target::Entity>(tx, vec![row], Some(replace)).await?;
        }
        ScoreWatchEvent::ScoreTargetRemoved(it) => {
            target::Entity::delete_many()
                .filter(target::Column::Generation.eq(generation))
                .filter(target::Column::Tenant.eq(event.tenant.to_string()))
                .filter(target::Column::Project.eq(it.project.to_string()))
                .filter(target::Column::Framework.eq(it.framework.to_string()))
                .exec(tx)
                .await?;
        }
        ScoreWatchEvent::ScoreAlertCreated(created) => {
            insert::<alert::Entity>(tx, vec![row(generation, event, &created)?]).await?;
        }
        ScoreWatchEvent::ScoreAlertChanged(it) => {
            change(generation, event, &it.alert.to_string())
                .col_expr(Column::Terms, Expr::value(json(&it.terms)?))
                .col_expr(Column::Version, Expr::col(Column::Version).add(1))
                .exec(tx)
                .await?;
        }
        ScoreWatchEvent::ScoreAlertRemoved(it) => {
            alert::Entity::delete_many()
                .filter(Column::Generation.eq(generation))
                .filter(Column::Tenant.eq(event.tenant.to_string()))
                .filter(Column::Id.eq(it.alert.to_string()))
                .exec(tx)
                .await?;
        }
        ScoreWatchEvent::ScoreAlertAcknowledged(it) => {
            change(generation, event, &it.alert.to_string())
                .col_expr(Column::Acknowledged, Expr::value(i64::from(it.raising)))
                .col_expr(Column::AcknowledgedBy, Expr::value(it.acknowledged_by.to_string()))
                .col_expr(Column::AcknowledgedAt, Expr::value(at))
                .exec(tx)
                .await?;
        }
    }
    Ok(())
}

fn json(terms: &impl serde::Serialize) -> Result<String, ProjectionError> {
    serde_json::to_string(terms).map_err(ProjectionError::other)
}

fn row(
    generation: i64,
    event: &Recorded,
    created: &ScoreAlertCreated,
) -> Result<alert::Model, ProjectionError> {
    Ok(alert::Model {
        generation,
        tenant: event.tenant.to_string(),
        id: created.alert.to_string(),
        project: created.project.to_string(),
        framework: created.framework.to_string(),
        terms: json(&created.terms)?,
        version: 1,
        created_by: created.created_by.map(|person| person.to_string()),
        created_at: event.recorded_at.micros(),
        state: QUIET.to_owned(),
        raising: 0,
        raised_position: None,
        cleared_at: None,
        acknowledged: 0,
        acknowledged_by: None,
        acknowledged_at: None,
        ordinal: ordinal(event, 0),
    })
}

/// A change of an alert.
fn change(generation: i64, event: &Recorded, id: &str) -> UpdateMany<alert::Entity> {
    alert::Entity::update_many()
        .filter(alert::Column::Generation.eq(generation))
        .filter(alert::Column::Tenant.eq(event.tenant.to_string()))
        .filter(alert::Column::Id.eq(id))
}

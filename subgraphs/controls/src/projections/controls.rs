//! The controls of projects.

use async_trait::async_trait;
use sea_orm::DatabaseTransaction;
use sea_orm::{
    ColumnTrait, EntityTrait, ExprTrait, QueryFilter, Select, UpdateMany, sea_query::Expr,
};
use studio_entities::controls::control::{self, Entity};
use studio_events::{Projection, ProjectionError, Recorded, clear_generation};
use studio_kernel::{Payload, Timestamp};

use crate::domain::{
    project::events::{
        ControlCreated, ControlReinstated, ControlRetired, ControlReviewed, ControlText,
        ControlUpdated, FrameworkAdopted, ProjectEvent,
    },
    score::Implementation,
};

use super::{
    insert, ordinal,
    sorted::{search_text, sort_key},
};

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

    /// 2: with the keys that controls are found and sorted by.
    fn version(&self) -> u32 {
        2
    }

    fn handles(&self, event_type: &str) -> bool {
        [
            FrameworkAdopted::TYPE,
            ControlCreated::TYPE,
            ControlUpdated::TYPE,
            ControlRetired::TYPE,
            ControlReinstated::TYPE,
            ControlReviewed::TYPE,
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
                ProjectEvent::FrameworkAdopted(adopted) => {
                    let rows = adopted.controls.iter().enumerate().map(|(index, made)| {
                        let stated = ControlText {
                            title: made.title.clone(),
                            description: String::new(),
                            implementation: adopted.implementation,
                            owner: None,
                            scope: String::new(),
                            review_every_days: None,
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
                    let id = updated.control.to_string();
                    let row = of(generation, event, &id).one(tx).await?;
                    let code = row.as_ref().map_or("", |row| &*row.code);
                    let since =
                        row.as_ref().and_then(|row| row.reviewed_at.or(Some(row.created_at)));
                    let (title_key, text) =
                        (sort_key(&stated.title), search_text(code, &stated.title));
                    let days = stated.review_every_days.map(i64::from);
                    change(generation, event, &id)
                        .col_expr(control::Column::Scope, Expr::value(stated.scope))
                        .col_expr(control::Column::ReviewEveryDays, Expr::value(days))
                        .col_expr(
                            control::Column::NextReviewAt,
                            Expr::value(next_review(since, days)),
                        )
                        .col_expr(control::Column::TitleKey, Expr::value(title_key))
                        .col_expr(control::Column::SearchText, Expr::value(text))
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
                ProjectEvent::ControlReinstated(reinstated) => {
                    let planned = implementation(Implementation::Planned);
                    change(generation, event, &reinstated.control.to_string())
                        .col_expr(control::Column::Retired, Expr::value(0_i64))
                        .col_expr(control::Column::Implementation, Expr::value(planned))
                        .exec(tx)
                        .await?;
                }
                ProjectEvent::ControlReviewed(reviewed) => {
                    let (id, at) = (reviewed.control.to_string(), event.recorded_at.micros());
                    let row = of(generation, event, &id).one(tx).await?;
                    let next = next_review(Some(at), row.and_then(|row| row.review_every_days));
                    one(generation, event, &id)
                        .col_expr(control::Column::ReviewedAt, Expr::value(at))
                        .col_expr(
                            control::Column::ReviewedBy,
                            Expr::value(reviewed.reviewed_by.to_string()),
                        )
                        .col_expr(control::Column::ReviewNote, Expr::value(reviewed.note))
                        .col_expr(control::Column::NextReviewAt, Expr::value(next))
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
    let days = stated.review_every_days.map(i64::from);
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
        scope: stated.scope.clone(),
        review_every_days: days,
        reviewed_at: None,
        reviewed_by: None,
        review_note: None,
        next_review_at: next_review(Some(event.recorded_at.micros()), days),
        code_key: sort_key(code),
        title_key: sort_key(&stated.title),
        search_text: search_text(code, &stated.title),
        ordinal: ordinal(event, index),
    }
}

/// An update of one control, which raises its version.
fn change(generation: i64, event: &Recorded, control: &str) -> UpdateMany<Entity> {
    use control::Column;
    one(generation, event, control)
        .col_expr(Column::Version, Expr::col(Column::Version).add(1))
        .col_expr(Column::UpdatedAt, Expr::value(event.recorded_at.micros()))
}

/// An update of one control.
fn one(generation: i64, event: &Recorded, control: &str) -> UpdateMany<Entity> {
    use control::Column;
    Entity::update_many()
        .filter(Column::Generation.eq(generation))
        .filter(Column::Tenant.eq(event.tenant.to_string()))
        .filter(Column::Id.eq(control))
}

/// One control.
fn of(generation: i64, event: &Recorded, control: &str) -> Select<Entity> {
    Entity::find_by_id((generation, event.tenant.to_string(), control.to_owned()))
}

/// When somebody has to look at a control again, so many days after they last did.
fn next_review(since: Option<i64>, days: Option<i64>) -> Option<i64> {
    let since = Timestamp::from_micros(since?);
    Some(since.plus_days(days?).micros())
}

fn implementation(implementation: Implementation) -> &'static str {
    match implementation {
        Implementation::Planned => "PLANNED",
        Implementation::Partial => "PARTIAL",
        Implementation::Implemented => "IMPLEMENTED",
    }
}

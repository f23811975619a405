//! The tests of controls.

use async_trait::async_trait;
use sea_orm::{
    ColumnTrait, DatabaseTransaction, EntityTrait, ExprTrait, QueryFilter, UpdateMany,
    sea_query::Expr,
};
use studio_entities::controls::test::{self, Column, Entity};
use studio_events::{Projection, ProjectionError, Recorded, clear_generation};
use studio_kernel::{Id, Payload, kind};

use crate::domain::project::{
    Method,
    events::{ControlTestAdded, ProjectEvent, TestChanged, TestRetired, TestRuleChanged},
};

use super::{insert, ordinal};

/// The tests of controls.
pub(crate) struct Tests;

impl Tests {
    /// Its name.
    pub(crate) const NAME: &'static str = "tests";
}

#[async_trait]
impl Projection for Tests {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn handles(&self, event_type: &str) -> bool {
        [ControlTestAdded::TYPE, TestChanged::TYPE, TestRetired::TYPE, TestRuleChanged::TYPE]
            .contains(&event_type)
    }

    async fn apply(
        &self,
        tx: &DatabaseTransaction,
        generation: i64,
        events: &[Recorded],
    ) -> Result<(), ProjectionError> {
        // What is added is written at once, but before what changes it.
        let mut rows = Vec::new();
        for event in events {
            let decoded = event.decode()?;
            if let ProjectEvent::ControlTestAdded(added) = decoded {
                rows.push(row(generation, event, added));
                continue;
            }
            insert::<Entity>(tx, std::mem::take(&mut rows)).await?;
            match decoded {
                ProjectEvent::TestChanged(TestChanged { test, stated, .. }) => {
                    let method = stated.assessment.method.map(Method::as_str);
                    change(generation, event, test)
                        .col_expr(Column::Title, Expr::value(stated.title))
                        .col_expr(Column::Weight, Expr::value(i64::from(stated.weight)))
                        .col_expr(Column::IsKey, Expr::value(i64::from(stated.key)))
                        .col_expr(
                            Column::ValidityDays,
                            Expr::value(i64::from(stated.validity_days)),
                        )
                        .col_expr(Column::Method, Expr::value(method))
                        .col_expr(Column::Procedure, Expr::value(stated.assessment.procedure))
                        .col_expr(
                            Column::SignOff,
                            Expr::value(i64::from(stated.assessment.sign_off)),
                        )
                        .exec(tx)
                        .await?;
                }
                ProjectEvent::TestRetired(retired) => {
                    change(generation, event, retired.test)
                        .col_expr(Column::RetiredAt, Expr::value(event.recorded_at.micros()))
                        .col_expr(Column::Retirement, Expr::value(retired.reason))
                        .exec(tx)
                        .await?;
                }
                ProjectEvent::TestRuleChanged(changed) => {
                    of(generation, event, changed.test)
                        .col_expr(Column::RuleVersion, Expr::value(i64::from(changed.version)))
                        .exec(tx)
                        .await?;
                }
                _ => {}
            }
        }
        Ok(insert::<Entity>(tx, rows).await?)
    }

    async fn clear(
        &self,
        tx: &DatabaseTransaction,
        generation: i64,
    ) -> Result<(), ProjectionError> {
        clear_generation::<Entity>(tx, generation).await
    }
}

fn row(generation: i64, event: &Recorded, added: ControlTestAdded) -> test::Model {
    test::Model {
        generation,
        tenant: event.tenant.to_string(),
        id: added.test.to_string(),
        project: added.project.to_string(),
        control: added.control.to_string(),
        title: added.title,
        check_id: added.check,
        weight: i64::from(added.weight),
        is_key: i64::from(added.key),
        validity_days: i64::from(added.validity_days),
        method: None,
        procedure: String::new(),
        sign_off: 0,
        version: 1,
        retired_at: None,
        retirement: None,
        rule_version: None,
        created_at: event.recorded_at.micros(),
        ordinal: ordinal(event, 0),
    }
}

fn of(generation: i64, event: &Recorded, id: Id<kind::ControlTest>) -> UpdateMany<Entity> {
    Entity::update_many()
        .filter(Column::Generation.eq(generation))
        .filter(Column::Tenant.eq(event.tenant.to_string()))
        .filter(Column::Id.eq(id.to_string()))
}

/// A change of one, which raises its version.
fn change(generation: i64, event: &Recorded, id: Id<kind::ControlTest>) -> UpdateMany<Entity> {
    of(generation, event, id).col_expr(Column::Version, Expr::col(Column::Version).add(1))
}

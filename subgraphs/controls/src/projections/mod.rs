//! The read models, one file each. All are inline: what a mutation answered can be read at once.
//! Every row knows its organization and its generation.

mod adoptions;
mod controls;
mod dependencies;
mod evidence_uses;
mod frameworks;
mod members;
mod nonconformities;
mod projects;
pub(crate) mod read;
pub(crate) mod read_controls;
pub(crate) mod read_results;
mod requirements;
mod reviews;
pub(crate) mod score_history;
pub(crate) mod score_watches;
mod scores;
pub(crate) mod sorted;
mod test_results;
mod test_rules;
mod tests;

use std::sync::Arc;

use sea_orm::{
    ActiveModelTrait, DatabaseTransaction, DbErr, EntityTrait, IntoActiveModel,
    sea_query::OnConflict,
};
use studio_events::{Projection, Recorded};

pub(crate) use adoptions::Adoptions;
pub(crate) use controls::Controls;
pub(crate) use dependencies::Dependencies;
pub(crate) use evidence_uses::EvidenceUses;
pub(crate) use frameworks::Frameworks;
pub(crate) use members::Members;
pub(crate) use nonconformities::Nonconformities;
pub(crate) use projects::Projects;
pub(crate) use requirements::Requirements;
pub(crate) use reviews::{ReviewKind, Reviews};
pub(crate) use score_history::ScoreHistory;
pub(crate) use score_watches::ScoreWatches;
pub(crate) use scores::Scores;
pub(crate) use test_results::{ResultState, TestResults};
pub(crate) use test_rules::TestRules;
pub(crate) use tests::Tests;

/// Rows that one statement inserts: both databases limit the values of a statement.
const ROWS: usize = 500;

/// Every read model of this subgraph.
pub(crate) fn all() -> Vec<Arc<dyn Projection>> {
    vec![
        Arc::new(Projects),
        Arc::new(Frameworks),
        Arc::new(Requirements),
        Arc::new(Adoptions),
        Arc::new(Controls),
        Arc::new(Members),
        Arc::new(Tests),
        Arc::new(Dependencies),
        Arc::new(Scores),
        Arc::new(ScoreHistory),
        Arc::new(ScoreWatches),
        Arc::new(EvidenceUses),
        Arc::new(Reviews),
        Arc::new(Nonconformities),
        Arc::new(TestRules),
        Arc::new(TestResults),
    ]
}

/// The place of the `index`th row that an event makes, among all rows.
fn ordinal(event: &Recorded, index: usize) -> i64 {
    (event.position << 16) | i64::try_from(index & 0xffff).unwrap_or(0)
}

/// Inserts rows, many per statement.
async fn insert<E>(tx: &DatabaseTransaction, rows: Vec<E::Model>) -> Result<(), DbErr>
where
    E: EntityTrait,
    E::Model: IntoActiveModel<E::ActiveModel>,
    E::ActiveModel: ActiveModelTrait<Entity = E> + Send,
{
    upsert::<E>(tx, rows, None).await
}

async fn upsert<E>(
    tx: &DatabaseTransaction,
    rows: Vec<E::Model>,
    on_conflict: Option<OnConflict>,
) -> Result<(), DbErr>
where
    E: EntityTrait,
    E::Model: IntoActiveModel<E::ActiveModel>,
    E::ActiveModel: ActiveModelTrait<Entity = E> + Send,
{
    let mut rows = rows.into_iter().map(IntoActiveModel::into_active_model).peekable();
    while rows.peek().is_some() {
        let mut statement = E::insert_many(rows.by_ref().take(ROWS).collect::<Vec<_>>());
        if let Some(on_conflict) = &on_conflict {
            statement = statement.on_conflict(on_conflict.clone());
        }
        statement.exec_without_returning(tx).await?;
    }
    Ok(())
}

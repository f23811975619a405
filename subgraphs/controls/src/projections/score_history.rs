//! Every recorded score, by the instant from which on it was live, so that the score of any past
//! instant is one seek.

use async_trait::async_trait;
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, EntityTrait,
    QueryFilter, QueryOrder, QuerySelect, Statement, Value,
};
use studio_entities::controls::score_history::{Column, Entity, Model};
use studio_events::{Projection, ProjectionError, Recorded, clear_generation};
use studio_kernel::{Payload, Timestamp};

use super::{insert, read::Read};
use crate::domain::score_log::{ScoreChanged, ScoreEvent, ScoreNumbers};

/// Every recorded score, by the instant from which on it was live.
pub(crate) struct ScoreHistory;

impl ScoreHistory {
    /// Its name.
    pub(crate) const NAME: &'static str = "score_history";
}

#[async_trait]
impl Projection for ScoreHistory {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn handles(&self, event_type: &str) -> bool {
        [ScoreChanged::TYPE].contains(&event_type)
    }

    async fn apply(
        &self,
        tx: &DatabaseTransaction,
        generation: i64,
        events: &[Recorded],
    ) -> Result<(), ProjectionError> {
        let mut rows = Vec::with_capacity(events.len());
        for event in events {
            let ScoreEvent::ScoreChanged(changed) = event.decode()? else { continue };
            rows.push(Model {
                generation,
                tenant: event.tenant.to_string(),
                project: changed.project.to_string(),
                framework: changed.framework.to_string(),
                at: changed.at.micros(),
                position: event.position,
                numbers: serde_json::to_string(&changed.now).map_err(ProjectionError::other)?,
            });
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

/// The score of a framework in a project, to be asked for its history.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Of<'a> {
    pub(crate) project: &'a str,
    pub(crate) framework: &'a str,
}

/// A score that was live.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Lived {
    /// From when on.
    pub(crate) since: Timestamp,
    /// Where its event stands in the log.
    pub(crate) position: i64,
    pub(crate) numbers: ScoreNumbers,
}

impl Lived {
    fn of(since: i64, position: i64, numbers: &str) -> Result<Self, DbErr> {
        let numbers = serde_json::from_str(numbers).map_err(|error| {
            DbErr::Custom(format!("the score at {position} does not read: {error}"))
        })?;
        Ok(Self { since: Timestamp::from_micros(since), position, numbers })
    }
}

impl Read {
    /// What was live at each of these instants, in their order; `None` before the first score.
    pub(crate) async fn scores_at(
        &self,
        of: Of<'_>,
        instants: &[Timestamp],
    ) -> Result<Vec<Option<Lived>>, DbErr> {
        if instants.is_empty() {
            return Ok(Vec::new());
        }
        let statement = self.seeks(of, instants);
        let mut found = vec![None; instants.len()];
        for row in self.store.database().reader().query_all_raw(statement).await? {
            let place: i64 = row.try_get_by_index(0)?;
            let since: Option<i64> = row.try_get_by_index(1)?;
            let position: Option<i64> = row.try_get_by_index(2)?;
            let numbers: Option<String> = row.try_get_by_index(3)?;
            let slot = usize::try_from(place).ok().and_then(|place| found.get_mut(place));
            if let (Some(slot), Some(since), Some(position), Some(numbers)) =
                (slot, since, position, numbers)
            {
                *slot = Some(Lived::of(since, position, &numbers)?);
            }
        }
        Ok(found)
    }

    /// One statement with a seek into the index for each instant, however many scores were recorded
    /// between them.
    fn seeks(&self, of: Of<'_>, instants: &[Timestamp]) -> Statement {
        let backend = self.store.database().backend();
        let mut values: Vec<Value> = Vec::new();
        let mut place = |value: Value, cast: &str| {
            values.push(value);
            match backend {
                // SQLite looks named parameters up one by one: these have no names.
                DbBackend::Sqlite => "?".to_owned(),
                _ => format!("${}{cast}", values.len()),
            }
        };
        let wanted: Vec<String> = (0_i64..)
            .zip(instants)
            .map(|(index, at)| {
                let index = place(index.into(), "::bigint");
                format!("({index}, {})", place(at.micros().into(), "::bigint"))
            })
            .collect();
        let mut seek = |column: &str| {
            format!(
                "(SELECT h.{column} FROM controls_score_history h WHERE h.generation = {} \
                 AND h.tenant = {} AND h.project = {} AND h.framework = {} \
                 AND h.at <= wanted.instant ORDER BY h.at DESC, h.position DESC LIMIT 1)",
                place(self.store.generation(ScoreHistory::NAME).into(), ""),
                place(self.tenant.as_str().into(), ""),
                place(of.project.into(), ""),
                place(of.framework.into(), ""),
            )
        };
        let [at, position, numbers] = ["at", "position", "numbers"].map(&mut seek);
        let sql = format!(
            "WITH wanted (i, instant) AS (VALUES {}) SELECT i, {at}, {position}, {numbers} FROM wanted",
            wanted.join(", ")
        );
        Statement::from_sql_and_values(backend, sql, values)
    }

    /// The scores that became live after a place (an instant and a position there) and not after
    /// `until`, the oldest first.
    pub(crate) async fn scores_between(
        &self,
        of: Of<'_>,
        (after, position): (Timestamp, i64),
        until: Timestamp,
        limit: u64,
    ) -> Result<Vec<Lived>, DbErr> {
        let beyond = Condition::any().add(Column::At.gt(after.micros())).add(
            Condition::all().add(Column::At.eq(after.micros())).add(Column::Position.gt(position)),
        );
        let rows = Entity::find()
            .filter(Column::Generation.eq(self.store.generation(ScoreHistory::NAME)))
            .filter(Column::Tenant.eq(self.tenant.as_str()))
            .filter(Column::Project.eq(of.project))
            .filter(Column::Framework.eq(of.framework))
            // The index leads to this; what is within the first instant is told apart behind it.
            .filter(Column::At.gte(after.micros()))
            .filter(Column::At.lte(until.micros()))
            .filter(beyond)
            .order_by_asc(Column::At)
            .order_by_asc(Column::Position)
            .limit(limit)
            .all(self.store.database().reader())
            .await?;
        rows.iter().map(|row| Lived::of(row.at, row.position, &row.numbers)).collect()
    }
}

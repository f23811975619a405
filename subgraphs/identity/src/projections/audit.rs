//! The audit log: an entry for each event of every log, newest first. It follows from the logs alone,
//! an entry from one event, so that what is taken in again changes nothing.

use sea_orm::{
    ColumnTrait, Condition, DatabaseTransaction, DbErr, EntityTrait, IntoActiveModel, QueryFilter,
    QueryOrder, QuerySelect, Set,
    sea_query::{Expr, ExprTrait, LikeExpr, OnConflict},
};
use studio_entities::identity::{
    audit_entry::{Column, Entity, Model},
    audit_position, audit_sent,
};
use studio_events::EventStore;
use studio_kernel::{
    Principal, TenantId, Timestamp,
    published::{
        CloudEvent,
        audit::{AuditOutcome, AuditRecord},
    },
};

/// A row of the table.
pub type Row = Model;

/// Rows of one statement: databases limit how many values it takes.
const AT_ONCE: usize = 500;

/// Which entries; all of them by default.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filter {
    /// Whose doing.
    pub(crate) actor: Option<String>,
    /// What the action begins with: lower-case letters, digits, `_` and `.`.
    pub(crate) action: Option<String>,
    /// What it was done to.
    pub(crate) target: Option<String>,
    /// Of which log.
    pub(crate) log: Option<String>,
    /// From this instant on;
    pub(crate) from: Option<Timestamp>,
    /// before this one.
    pub(crate) to: Option<Timestamp>,
    /// How it ended.
    pub(crate) outcome: Option<AuditOutcome>,
}

/// The place of an entry among the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    recorded_at: i64,
    log: String,
    position: i64,
}

impl Place {
    /// Of a row.
    pub(crate) fn of(row: &Row) -> Self {
        Self { recorded_at: row.recorded_at, log: row.log.clone(), position: row.position }
    }

    /// For a cursor.
    pub(crate) fn write(&self) -> String {
        format!("{}/{}/{}", self.recorded_at, self.log, self.position)
    }

    /// From a cursor; `None` where it is none of ours.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let (recorded_at, rest) = text.split_once('/')?;
        let (log, position) = rest.rsplit_once('/')?;
        Some(Self {
            recorded_at: recorded_at.parse().ok()?,
            log: log.to_owned(),
            position: position.parse().ok()?,
        })
    }
}

/// Up to which position of a log the audit log holds everything.
pub(crate) async fn position(store: &EventStore, log: &str) -> Result<i64, DbErr> {
    let row = audit_position::Entity::find_by_id(log).one(store.database().primary()).await?;
    Ok(row.map_or(0, |row| row.position))
}

/// The entry of an event.
pub(crate) fn entry(log: &str, event: &CloudEvent, record: AuditRecord) -> Result<Row, DbErr> {
    let actor = record.principal.on_record();
    let (session, credential) = match record.principal {
        Principal::User { session, .. } => (Some(session.to_string()), None),
        Principal::ApiKey { key, .. } => (None, Some(key.to_string())),
        Principal::App { grant, .. } => (None, Some(grant.to_string())),
        Principal::Client { token, .. } => (None, Some(token.to_string())),
        Principal::Directory { .. } | Principal::System { .. } => (None, None),
    };
    let shown = serde_json::to_string(&record.shown).map_err(|e| DbErr::Type(e.to_string()))?;
    Ok(Row {
        log: log.to_owned(),
        position: event.position,
        tenant: event.tenant.to_string(),
        event: event.id.to_string(),
        recorded_at: event.time.micros(),
        outcome: record.outcome.as_str().to_owned(),
        times: i64::from(record.times),
        action: record.action,
        target_kind: record.target.kind,
        target: record.target.id,
        actor,
        session,
        credential,
        roles: record.roles.iter().map(|role| role.as_str()).collect::<Vec<_>>().join(" "),
        request: record.request_id.map(|id| id.to_string()),
        cause: record.causation.map(|id| id.to_string()),
        shown,
        state: record.state.join(" "),
        origin: record.origin,
    })
}

/// Adds entries of a log, those that are there already left alone, and notes how far it was read.
pub(crate) async fn add(
    tx: &DatabaseTransaction,
    log: &str,
    entries: Vec<Row>,
    read_to: i64,
) -> Result<(), DbErr> {
    let mut entries = entries.into_iter().map(IntoActiveModel::into_active_model).peekable();
    while entries.peek().is_some() {
        let some: Vec<_> = entries.by_ref().take(AT_ONCE).collect();
        Entity::insert_many(some)
            .on_conflict(
                OnConflict::columns([Column::Log, Column::Position]).do_nothing().to_owned(),
            )
            .exec_without_returning(tx)
            .await?;
    }
    let position = audit_position::ActiveModel { log: Set(log.to_owned()), position: Set(read_to) };
    // Another process may have come further.
    let further = Expr::col((audit_position::Entity, audit_position::Column::Position)).lt(read_to);
    audit_position::Entity::insert(position)
        .on_conflict(
            OnConflict::column(audit_position::Column::Log)
                .update_column(audit_position::Column::Position)
                .action_and_where(further)
                .to_owned(),
        )
        .exec_without_returning(tx)
        .await?;
    Ok(())
}

/// The logs of which there are entries.
pub(crate) async fn logs(store: &EventStore) -> Result<Vec<String>, DbErr> {
    let rows = audit_position::Entity::find()
        .order_by_asc(audit_position::Column::Log)
        .all(store.database().primary())
        .await?;
    Ok(rows.into_iter().map(|row| row.log).collect())
}

/// Entries of a log, of every organization, after a position, in their order.
pub(crate) async fn after(
    store: &EventStore,
    log: &str,
    position: i64,
    limit: u64,
) -> Result<Vec<Row>, DbErr> {
    Entity::find()
        .filter(Column::Log.eq(log))
        .filter(Column::Position.gt(position))
        .order_by_asc(Column::Position)
        .limit(limit)
        .all(store.database().primary())
        .await
}

/// Up to which position the entries of a log were sent.
pub(crate) async fn sent_to(store: &EventStore, log: &str) -> Result<i64, DbErr> {
    let row = audit_sent::Entity::find_by_id(log).one(store.database().primary()).await?;
    Ok(row.map_or(0, |row| row.position))
}

/// Notes that the entries of a log were sent up to a position.
pub(crate) async fn set_sent_to(
    tx: &DatabaseTransaction,
    log: &str,
    position: i64,
) -> Result<(), DbErr> {
    let sent = audit_sent::ActiveModel { log: Set(log.to_owned()), position: Set(position) };
    audit_sent::Entity::insert(sent)
        .on_conflict(
            OnConflict::column(audit_sent::Column::Log)
                .update_column(audit_sent::Column::Position)
                .to_owned(),
        )
        .exec_without_returning(tx)
        .await?;
    Ok(())
}

/// Entries that are looked at for what something was before.
const LOOKED_AT: u64 = 100;

/// What the fields of an entry that tell how its target is were before it, as far as one of the hundred
/// entries about the target before it tells.
pub(crate) async fn before(
    store: &EventStore,
    row: &Row,
) -> Result<serde_json::Map<String, serde_json::Value>, DbErr> {
    let mut before = serde_json::Map::new();
    if row.state.is_empty() {
        return Ok(before);
    }
    let earlier: Vec<String> = Entity::find()
        .select_only()
        .column(Column::Shown)
        .filter(Column::Tenant.eq(row.tenant.as_str()))
        .filter(Column::Target.eq(row.target.as_str()))
        .filter(Column::Log.eq(row.log.as_str()))
        .filter(Column::RecordedAt.lte(row.recorded_at))
        .filter(Column::Position.lt(row.position))
        .filter(Column::State.ne(""))
        .order_by_desc(Column::RecordedAt)
        .order_by_desc(Column::Log)
        .order_by_desc(Column::Position)
        .limit(LOOKED_AT)
        .into_tuple()
        .all(store.database().reader())
        .await?;
    for shown in earlier {
        let mut shown: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(&shown).map_err(|e| DbErr::Type(e.to_string()))?;
        for name in row.state.split(' ') {
            if let Some(value) = shown.remove(name) {
                before.entry(name).or_insert(value);
            }
        }
    }
    Ok(before)
}

/// Entries of the organization, newest first, after a place.
pub(crate) async fn page(
    store: &EventStore,
    tenant: TenantId,
    filter: &Filter,
    after: Option<&Place>,
    limit: u64,
) -> Result<Vec<Row>, DbErr> {
    let mut query = Entity::find().filter(Column::Tenant.eq(tenant.to_string()));
    let texts = [
        (Column::Actor, &filter.actor),
        (Column::Target, &filter.target),
        (Column::Log, &filter.log),
    ];
    for (column, text) in texts {
        if let Some(text) = text {
            query = query.filter(column.eq(text.as_str()));
        }
    }
    if let Some(prefix) = &filter.action {
        // `_` is a letter of actions, and any letter at all in a pattern.
        let pattern = format!("{}%", prefix.replace('_', "!_"));
        query = query.filter(Expr::col(Column::Action).like(LikeExpr::new(pattern).escape('!')));
    }
    if let Some(from) = filter.from {
        query = query.filter(Column::RecordedAt.gte(from.micros()));
    }
    if let Some(to) = filter.to {
        query = query.filter(Column::RecordedAt.lt(to.micros()));
    }
    if let Some(outcome) = filter.outcome {
        query = query.filter(Column::Outcome.eq(outcome.as_str()));
    }
    if let Some(Place { recorded_at, log, position }) = after {
        let same_log =
            Condition::all().add(Column::Log.eq(log)).add(Column::Position.lt(*position));
        let same_time = Condition::all()
            .add(Column::RecordedAt.eq(*recorded_at))
            .add(Condition::any().add(Column::Log.lt(log)).add(same_log));
        query = query
            .filter(Column::RecordedAt.lte(*recorded_at))
            .filter(Condition::any().add(Column::RecordedAt.lt(*recorded_at)).add(same_time));
    }
    query
        .order_by_desc(Column::RecordedAt)
        .order_by_desc(Column::Log)
        .order_by_desc(Column::Position)
        .limit(limit)
        .all(store.database().reader())
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_come_back() {
        let place = Place { recorded_at: -5, log: "evidence".to_owned(), position: 17 };
        assert_eq!(Place::read(&place.write()), Some(place));
        for nonsense in ["", "1", "1/evidence", "x/evidence/1", "1/evidence/", "1/evidence/-"] {
            assert_eq!(Place::read(nonsense), None, "{nonsense}");
        }
    }
}

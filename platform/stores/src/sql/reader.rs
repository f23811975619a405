//! Where a query goes: to the replica where one is set, reachable and far enough for the request
//! ([`ReadScope`]), else to the primary. What the replica cannot answer, the primary answers.

use std::sync::Arc;

use async_trait::async_trait;
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DbBackend, DbErr, ExecResult, QueryResult, RuntimeErr,
    Statement, sqlx,
};

use super::{replica::Replica, scope::ReadScope};

/// For every query. It takes what a `&DatabaseConnection` takes.
#[derive(Debug, Clone)]
pub struct Reader {
    pub(super) primary: DatabaseConnection,
    pub(super) replica: Option<Arc<Replica>>,
    pub(super) log: Arc<str>,
}

impl Reader {
    /// The replica, if it may answer this request.
    fn choose(&self) -> Option<(&Replica, ReadScope)> {
        let replica = self.replica.as_deref()?;
        let scope = ReadScope::current()?;
        let seen = scope.demands(&self.log)?;
        if replica.is_as_far(scope.tenant(), seen) {
            Some((replica, scope))
        } else {
            scope.stay_with_primary(&self.log);
            None
        }
    }

    /// Whether the primary is to be asked now.
    fn give_up(&self, replica: &Replica, scope: &ReadScope, error: &DbErr) -> bool {
        if ran_too_long(error) {
            return false;
        }
        if lost(error) {
            replica.failed(error);
        }
        scope.stay_with_primary(&self.log);
        true
    }
}

fn driver(error: &DbErr) -> Option<&sqlx::Error> {
    match error {
        DbErr::Conn(RuntimeErr::SqlxError(error))
        | DbErr::Exec(RuntimeErr::SqlxError(error))
        | DbErr::Query(RuntimeErr::SqlxError(error)) => Some(error),
        _ => None,
    }
}

fn code(error: &DbErr) -> Option<std::borrow::Cow<'_, str>> {
    driver(error)?.as_database_error()?.code()
}

/// `query_canceled`: the statement's time was up, and would be again.
fn ran_too_long(error: &DbErr) -> bool {
    code(error).as_deref() == Some("57014")
}

/// No connection, or it broke. Classes 57 and 08 are the server's own words for that.
fn lost(error: &DbErr) -> bool {
    match code(error) {
        Some(code) => code.starts_with("57") || code.starts_with("08"),
        None => matches!(error, DbErr::ConnectionAcquire(_)) || driver(error).is_some(),
    }
}

#[async_trait]
impl ConnectionTrait for Reader {
    fn get_database_backend(&self) -> DbBackend {
        self.primary.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.primary.execute_raw(statement).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.primary.execute_unprepared(sql).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        if let Some((replica, scope)) = self.choose() {
            match replica.pool.query_one_raw(statement.clone()).await {
                Err(error) if self.give_up(replica, &scope, &error) => {}
                answer => return answer,
            }
        }
        self.primary.query_one_raw(statement).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        if let Some((replica, scope)) = self.choose() {
            match replica.pool.query_all_raw(statement.clone()).await {
                Err(error) if self.give_up(replica, &scope, &error) => {}
                answer => return answer,
            }
        }
        self.primary.query_all_raw(statement).await
    }
}

//! The SQL port: one database per store, SQLite (embedded) or PostgreSQL, opened so that the event
//! store can keep its promises. Holds always: only the event store writes, through
//! [`Database::writer`]; everything else reads, on SQLite through connections that cannot write at
//! all. [`Database::reader`] may ask a replica, but never one that is behind what the request has
//! seen; [`Database::primary`] never does. Statements and their values never reach a log.

mod furthest;
mod options;
mod postgres;
mod reader;
mod replica;
mod scope;
mod servers;
mod sqlite;
#[cfg(test)]
mod tests;
mod unavailable;

use std::sync::Arc;

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, DbErr};
use studio_kernel::TenantId;
use tokio_util::sync::{CancellationToken, DropGuard};

pub use self::{
    furthest::{Advance, Furthest},
    options::{SqlError, SqlOptions},
    reader::Reader,
    replica::ReplicaStatus,
    scope::{Positions, PositionsError, ReadScope, carried, spawn},
    unavailable::is_unavailable,
};
use self::{
    options::redact,
    postgres::{Kind, Primary},
    replica::Replica,
    servers::Servers,
};

/// An open database. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Database {
    writer: DatabaseConnection,
    reader: Reader,
    servers: Option<Arc<Primary>>,
    _stop: Arc<DropGuard>,
    stopping: CancellationToken,
}

impl Database {
    /// Opens `sqlite:///path` (the file is made if it is missing) or `postgres://…`, which may name
    /// several servers separated by commas: the one that takes writes is used.
    pub async fn connect(url: &str, options: SqlOptions) -> Result<Self, SqlError> {
        let stopping = CancellationToken::new();
        let stop = Arc::new(stopping.clone().drop_guard());
        let log = options.log_name().into();
        if url.starts_with("sqlite:") {
            let (writer, primary) = sqlite::open(url, &options).await?;
            let reader = Reader { primary, replica: None, log };
            return Ok(Self { writer, reader, servers: None, _stop: stop, stopping });
        }
        if !url.starts_with("postgres:") && !url.starts_with("postgresql:") {
            return Err(SqlError::Address(redact(url)));
        }
        if let Some(schema) = options.schema.as_deref().filter(|name| !is_plain_name(name)) {
            return Err(SqlError::Schema(schema.chars().take(80).collect()));
        }
        let servers = Servers::parse(url, &options).await?;
        let found = Primary::find(servers).await?;
        if options.read_only {
            return Self::to_read(found, &options, stop, stopping).await;
        }
        let writer = found.pool(&options, Kind::Writer).await?;
        if let Some(schema) = &options.schema {
            make_schema(&writer, schema).await.map_err(|cause| found.unreachable(cause))?;
        }
        let primary = found.pool(&options, Kind::Reader).await?;
        let replica = match &options.replica_url {
            Some(url) => Some(open_replica(url, &options, &found, &primary, &stopping).await?),
            None => None,
        };
        let pools = vec![(Kind::Writer, writer.clone()), (Kind::Reader, primary.clone())];
        found.watch(pools, &options, &stopping);
        let reader = Reader { primary, replica, log };
        Ok(Self { writer, reader, servers: Some(found), _stop: stop, stopping })
    }

    /// One pool whose connections cannot write, to the primary alone.
    async fn to_read(
        found: Arc<Primary>,
        options: &SqlOptions,
        stop: Arc<DropGuard>,
        stopping: CancellationToken,
    ) -> Result<Self, SqlError> {
        let primary = found.pool(options, Kind::ReadOnly).await?;
        if let Some(schema) = &options.schema {
            let there = has_schema(&primary, schema).await;
            if !there.map_err(|cause| found.unreachable(cause))? {
                let address = found.shown().to_owned();
                return Err(SqlError::NoSchema { address, schema: schema.clone() });
            }
        }
        found.watch(vec![(Kind::ReadOnly, primary.clone())], options, &stopping);
        let log = options.log_name().into();
        let reader = Reader { primary: primary.clone(), replica: None, log };
        Ok(Self { writer: primary, reader, servers: Some(found), _stop: stop, stopping })
    }

    /// For every query. Within a [`ReadScope`] a replica may answer it.
    pub fn reader(&self) -> &Reader {
        &self.reader
    }

    /// For reads that must see everything that was committed: the log's own.
    pub fn primary(&self) -> &DatabaseConnection {
        &self.reader.primary
    }

    /// For migrations and for the event store, which alone writes while Studio runs.
    pub fn writer(&self) -> &DatabaseConnection {
        &self.writer
    }

    /// Which database it is.
    pub fn backend(&self) -> DbBackend {
        self.writer.get_database_backend()
    }

    /// Notes that the running request has written up to a position: it reads that from now on, and
    /// its [`ReadScope`] tells whoever made it.
    pub fn wrote(&self, tenant: TenantId, position: i64) {
        self.note(tenant, position);
        if let Some(scope) = ReadScope::current() {
            scope.note_write(&self.reader.log, position);
        }
    }

    /// Notes that the log holds something of an organization at a position, whoever wrote it: from
    /// now on this process answers nobody of it from a replica that is further back.
    pub fn note(&self, tenant: TenantId, position: i64) {
        if let Some(replica) = &self.reader.replica {
            replica.note(tenant, position);
        }
    }

    /// Keeps the replica from answering until it has all that is committed now: for what changed
    /// without moving the log, such as which generation of a read model is read.
    pub fn hold_replica(&self) {
        if let Some(replica) = &self.reader.replica {
            replica.hold();
        }
    }

    /// How the replica does, where one is set.
    pub fn replica_status(&self) -> Option<ReplicaStatus> {
        self.reader.replica.as_ref().map(|replica| replica.status())
    }

    /// Refuses a number of connections, those of all stores of all processes together
    /// ([`SqlOptions::connections`]), that the server does not give. SQLite gives any.
    pub async fn check_connections(&self, wanted: u32) -> Result<(), SqlError> {
        let Some(servers) = &self.servers else { return Ok(()) };
        let allowed = servers.allowed(&self.reader.primary).await?;
        if wanted <= allowed {
            return Ok(());
        }
        let address = servers.shown().to_owned();
        Err(SqlError::TooManyConnections { address, wanted, allowed })
    }

    /// Closes the connections of every clone; on SQLite this also folds the write-ahead log back
    /// into the file.
    pub async fn close(&self) -> Result<(), DbErr> {
        self.stopping.cancel();
        if let Some(replica) = &self.reader.replica {
            replica.pool.close_by_ref().await?;
        }
        self.reader.primary.close_by_ref().await?;
        self.writer.close_by_ref().await
    }
}

/// Opens the replica and makes sure that it is a copy of the primary.
async fn open_replica(
    url: &str,
    options: &SqlOptions,
    found: &Primary,
    primary: &DatabaseConnection,
    stop: &CancellationToken,
) -> Result<Arc<Replica>, SqlError> {
    let servers = Servers::parse(url, options).await?;
    let shown = servers.shown.clone();
    let server = servers.each[0].clone();
    let pool = postgres::open(server, &servers, options, Kind::Replica, None).await?;
    let identity = async |pool: &DatabaseConnection| {
        let sql = "SELECT system_identifier FROM pg_control_system()";
        let statement = sea_orm::Statement::from_string(DbBackend::Postgres, sql);
        let row = pool.query_one_raw(statement).await?;
        row.map(|row| row.try_get_by_index::<i64>(0)).transpose()
    };
    let of_replica = identity(&pool).await.map_err(|cause| servers.unreachable(cause))?;
    let of_primary = identity(primary).await.map_err(|cause| found.unreachable(cause))?;
    if of_primary != of_replica {
        return Err(SqlError::OtherReplica { replica: shown, primary: found.shown().to_owned() });
    }
    Ok(Replica::watch(pool, primary.clone(), shown, stop).await)
}

/// Not `IF NOT EXISTS`: that asks for the right to make schemas also where there is nothing to make,
/// and two processes that start at once both find it missing.
async fn make_schema(writer: &DatabaseConnection, schema: &str) -> Result<(), DbErr> {
    if has_schema(writer, schema).await? {
        return Ok(());
    }
    match writer.execute_unprepared(&format!("CREATE SCHEMA \"{schema}\"")).await {
        Err(_) if has_schema(writer, schema).await? => Ok(()),
        made => made.map(drop),
    }
}

async fn has_schema(connection: &DatabaseConnection, schema: &str) -> Result<bool, DbErr> {
    let sql = "SELECT 1 FROM pg_namespace WHERE nspname = $1";
    let statement =
        sea_orm::Statement::from_sql_and_values(DbBackend::Postgres, sql, [schema.into()]);
    Ok(connection.query_one_raw(statement).await?.is_some())
}

fn is_plain_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    name.len() <= 63
        && bytes.next().is_some_and(|first| first.is_ascii_lowercase() || first == b'_')
        && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

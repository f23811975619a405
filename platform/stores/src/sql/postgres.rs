//! Pools to PostgreSQL that find the primary and stay with it. Where an address names several
//! servers, a watcher looks each second whether the one in use still takes writes; after a failover
//! new connections go to the server that does, and those to the old one are not handed out again.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use sea_orm::{
    ConnectOptions, ConnectionTrait, DatabaseConnection, DbErr,
    sqlx::{self, Connection, postgres::PgConnectOptions},
};
use tokio_util::sync::CancellationToken;

use super::{
    SqlError, SqlOptions,
    servers::{self, Servers, connection_error},
};

/// A connection that was idle for so long is tested before it is handed out.
const IDLE: Duration = Duration::from_secs(1);
/// How often the watcher looks.
const LOOK: Duration = Duration::from_secs(1);
/// A transaction that its process has forgotten frees its locks after this time.
const FORGOTTEN: &str = "60000";

/// What the pools to one primary share.
#[derive(Debug)]
pub(super) struct Primary {
    servers: Servers,
    /// Which of them is in use.
    current: AtomicUsize,
    started: Instant,
    /// Connections made before this time (microseconds after `started`) are not to be used.
    cut: AtomicU64,
}

impl Primary {
    pub(super) async fn find(servers: Servers) -> Result<Arc<Self>, SqlError> {
        let current = AtomicUsize::new(servers.primary().await?);
        let (started, cut) = (Instant::now(), AtomicU64::new(0));
        Ok(Arc::new(Self { servers, current, started, cut }))
    }

    pub(super) fn server(&self) -> PgConnectOptions {
        let index = self.current.load(Ordering::Acquire).min(self.servers.each.len() - 1);
        self.servers.each[index].clone()
    }

    pub(super) fn shown(&self) -> &str {
        &self.servers.shown
    }

    pub(super) fn unreachable(&self, cause: DbErr) -> SqlError {
        self.servers.unreachable(cause)
    }

    fn several(&self) -> bool {
        self.servers.each.len() > 1
    }

    fn is_cut(&self, age: Duration) -> bool {
        let made = self.started.elapsed().saturating_sub(age);
        (made.as_micros() as u64) < self.cut.load(Ordering::Acquire)
    }

    fn cut_now(&self) {
        self.cut.store(self.started.elapsed().as_micros() as u64, Ordering::Release);
    }

    /// A pool whose connections are to the primary, whichever server that is.
    pub(super) async fn pool(
        self: &Arc<Self>,
        options: &SqlOptions,
        kind: Kind,
    ) -> Result<DatabaseConnection, SqlError> {
        let primary = self.clone();
        open(self.server(), &self.servers, options, kind, Some(primary)).await
    }

    /// Looks after the pools until the database is closed or dropped.
    pub(super) fn watch(
        self: &Arc<Self>,
        pools: Vec<(Kind, DatabaseConnection)>,
        options: &SqlOptions,
        stop: &CancellationToken,
    ) {
        if !self.several() {
            return;
        }
        let (primary, options) = (self.clone(), options.clone());
        let watching = async move {
            loop {
                tokio::time::sleep(LOOK).await;
                primary.look(&pools, &options).await;
            }
        };
        tokio::spawn(stop.clone().run_until_cancelled_owned(watching));
    }

    async fn look(&self, pools: &[(Kind, DatabaseConnection)], options: &SqlOptions) {
        if let Ok(true) = servers::takes_writes(&self.server()).await {
            return;
        }
        // Whatever was connected to it is no use any more, also if it comes back.
        self.cut_now();
        let Ok(index) = self.servers.primary().await else { return };
        if self.current.swap(index, Ordering::AcqRel) == index {
            return;
        }
        for (kind, pool) in pools {
            let server = settings(self.server(), options, *kind);
            pool.get_postgres_connection_pool().set_connect_options(server);
        }
        self.cut_now();
        let server = &self.servers.each[index];
        tracing::warn!(
            host = server.get_host(),
            port = server.get_port(),
            "PostgreSQL: another server is the primary now"
        );
    }

    /// How many connections the server gives to us.
    pub(super) async fn allowed(&self, pool: &DatabaseConnection) -> Result<u32, SqlError> {
        let sql = "SELECT LEAST(current_setting('max_connections')::bigint \
                   - current_setting('superuser_reserved_connections')::bigint, \
                   (SELECT CASE WHEN rolconnlimit < 0 THEN 1000000 ELSE rolconnlimit END \
                   FROM pg_roles WHERE rolname = current_user))";
        let statement = sea_orm::Statement::from_string(pool.get_database_backend(), sql);
        let row = pool.query_one_raw(statement).await;
        let allowed = row.and_then(|row| row.map_or(Ok(0), |row| row.try_get_by_index::<i64>(0)));
        let allowed = allowed.map_err(|cause| self.servers.unreachable(cause))?;
        Ok(u32::try_from(allowed).unwrap_or(0))
    }
}

/// What a pool is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Writer,
    Reader,
    /// As a reader, and the server refuses to write.
    ReadOnly,
    /// Of a standby: a query does not wait for it for long.
    Replica,
}

fn settings(server: PgConnectOptions, options: &SqlOptions, kind: Kind) -> PgConnectOptions {
    let limit = options.statement_timeout.as_millis().to_string();
    let limit = ("statement_timeout", limit.as_str());
    match kind {
        // Migrations and rebuilds take as long as they take.
        Kind::Writer => server.options([("idle_in_transaction_session_timeout", FORGOTTEN)]),
        Kind::ReadOnly => server.options([limit, ("default_transaction_read_only", "on")]),
        Kind::Reader | Kind::Replica => server.options([limit]),
    }
}

/// Opens a pool to a server; with `primary`, to whichever is the primary.
pub(super) async fn open(
    server: PgConnectOptions,
    servers: &Servers,
    options: &SqlOptions,
    kind: Kind,
    primary: Option<Arc<Primary>>,
) -> Result<DatabaseConnection, SqlError> {
    // The pool would try again and again until its time is up: one that does not answer now is to
    // be told now.
    let trying = async {
        let connection = sqlx::PgConnection::connect_with(&server).await?;
        connection.close().await
    };
    tokio::time::timeout(options.acquire_timeout.min(servers::PROBE), trying)
        .await
        .unwrap_or_else(|_| Err(servers::silent()))
        .map_err(|error| servers.unreachable(connection_error(error)))?;

    let connections = match kind {
        Kind::Writer => options.writer_connections,
        Kind::Reader | Kind::ReadOnly | Kind::Replica => options.reader_connections,
    };
    let wait = match kind {
        Kind::Replica => options.acquire_timeout.min(Duration::from_secs(2)),
        Kind::Reader | Kind::ReadOnly | Kind::Writer => options.acquire_timeout,
    };
    let server = settings(server, options, kind);
    let mut pool = ConnectOptions::new("postgres://replaced");
    pool.max_connections(connections.max(1))
        .acquire_timeout(wait)
        .connect_timeout(wait)
        .sqlx_logging(false)
        .record_stmt_in_spans(false)
        .test_before_acquire(false)
        .map_sqlx_postgres_opts(move |_| server.clone())
        .map_sqlx_postgres_pool_opts(move |pool| {
            let (new, old) = (primary.clone(), primary.clone());
            pool.after_connect(move |connection, _| {
                let asked = new.as_ref().is_some_and(|primary| primary.several());
                Box::pin(async move {
                    if asked && !servers::is_primary(connection).await? {
                        return Err(sqlx::Error::Protocol("the server is a standby now".into()));
                    }
                    Ok(())
                })
            })
            .before_acquire(move |connection, known| {
                let cut = old.as_ref().is_some_and(|primary| primary.is_cut(known.age));
                Box::pin(async move {
                    if cut {
                        return Ok(false);
                    }
                    if known.idle_for > IDLE {
                        let ping = tokio::time::timeout(servers::PROBE, connection.ping());
                        ping.await.unwrap_or_else(|_| Err(servers::silent()))?;
                    }
                    Ok(true)
                })
            })
        });
    sea_orm::Database::connect(pool).await.map_err(|cause| servers.unreachable(cause))
}

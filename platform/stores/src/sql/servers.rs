//! The PostgreSQL servers that an address names: one, or several of which one takes writes.

use std::{str::FromStr, time::Duration};

use futures::{StreamExt, stream};
use sea_orm::{
    DbErr, RuntimeErr,
    sqlx::{
        self, Connection, Executor, Row,
        postgres::{PgConnectOptions, PgConnection, PgSslMode},
    },
};

use super::{SqlError, SqlOptions, options::redact};

/// How long asking one server may take.
pub(super) const PROBE: Duration = Duration::from_secs(3);

/// How to connect to each of them.
#[derive(Debug, Clone)]
pub(super) struct Servers {
    pub(super) each: Vec<PgConnectOptions>,
    /// For people: without password.
    pub(super) shown: String,
}

impl Servers {
    /// Reads `postgres://user:password@one:5432,two:5432/database?…`.
    pub(super) async fn parse(url: &str, options: &SqlOptions) -> Result<Self, SqlError> {
        let shown = redact(url);
        let wrong = || SqlError::Address(shown.clone());
        let (scheme, rest) = url.split_once("://").ok_or_else(wrong)?;
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (place, path) = rest.split_at(end);
        let at = place.rfind('@').map_or(0, |at| at + 1);
        let (user, hosts) = place.split_at(at);
        let authority = match &options.ca_file {
            Some(file) => Some(tokio::fs::read(file).await.map_err(|error| {
                SqlError::Authority { file: file.clone(), cause: error.to_string() }
            })?),
            None => None,
        };
        let each = hosts
            .split(',')
            .map(|host| {
                let server = PgConnectOptions::from_str(&format!("{scheme}://{user}{host}{path}"))
                    .map_err(|_| wrong())?;
                let mut server = sqlx::ConnectOptions::disable_statement_logging(server)
                    .application_name("studio");
                if let Some(authority) = &authority {
                    server = server.ssl_root_cert_from_pem(authority.clone());
                    if !path.contains("sslmode=") {
                        server = server.ssl_mode(PgSslMode::VerifyFull);
                    }
                }
                if let Some(schema) = &options.schema {
                    server = server.options([("search_path", schema.as_str())]);
                }
                Ok(server)
            })
            .collect::<Result<_, SqlError>>()?;
        Ok(Self { each, shown })
    }

    pub(super) fn unreachable(&self, cause: DbErr) -> SqlError {
        SqlError::Unreachable { address: self.shown.clone(), cause: Box::new(cause) }
    }

    /// The first, in the order given, that takes writes. All are asked at once.
    pub(super) async fn primary(&self) -> Result<usize, SqlError> {
        let mut failure = None;
        let mut standby = false;
        let count = self.each.len();
        let mut answers = stream::iter(self.each.iter().map(takes_writes)).buffered(count);
        let mut index = 0;
        while let Some(answer) = answers.next().await {
            match answer {
                Ok(true) => return Ok(index),
                Ok(false) => standby = true,
                Err(error) => failure = failure.or(Some(error)),
            }
            index += 1;
        }
        match failure {
            Some(error) if !standby => Err(self.unreachable(connection_error(error))),
            _ => Err(SqlError::NoPrimary(self.shown.clone())),
        }
    }
}

pub(super) fn connection_error(error: sqlx::Error) -> DbErr {
    DbErr::Conn(RuntimeErr::SqlxError(error.into()))
}

/// Whether this server takes writes, asked over a connection of its own.
pub(super) async fn takes_writes(server: &PgConnectOptions) -> Result<bool, sqlx::Error> {
    let asking = async {
        let mut connection = PgConnection::connect_with(server).await?;
        let writes = is_primary(&mut connection).await;
        connection.close().await.and(writes)
    };
    tokio::time::timeout(PROBE, asking).await.unwrap_or_else(|_| Err(silent()))
}

pub(super) async fn is_primary(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    let row = connection.fetch_one("SELECT pg_is_in_recovery()").await?;
    Ok(!row.try_get::<bool, _>(0)?)
}

pub(super) fn silent() -> sqlx::Error {
    let cause = format!("no answer within {PROBE:?}");
    sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, cause))
}

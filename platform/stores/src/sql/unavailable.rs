//! Tells a database that is away from one that refuses: the first may be there again in a moment, so
//! a client may try again.

use sea_orm::{DbErr, RuntimeErr, sqlx};

/// Codes of PostgreSQL (appendix A of its manual) with which a server that stops, starts, fails over
/// or is full turns a client away; the first of them by their class.
const CLASSES: [&str; 1] = ["08"];
const CODES: [&str; 6] = [
    // A server that was demoted to a replica takes no writes.
    "25006", // Too many connections.
    "53300", "57P01", "57P02", "57P03", "57P05",
];

/// Whether the database could not be reached, as opposed to what it was asked being wrong.
pub fn is_unavailable(error: &DbErr) -> bool {
    match error {
        DbErr::ConnectionAcquire(_) | DbErr::Conn(_) => true,
        DbErr::Exec(RuntimeErr::SqlxError(cause)) | DbErr::Query(RuntimeErr::SqlxError(cause)) => {
            away(cause)
        }
        _ => false,
    }
}

fn away(cause: &sqlx::Error) -> bool {
    match cause {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::Database(answer) => answer.code().is_some_and(|code| {
            CODES.contains(&code.as_ref()) || CLASSES.iter().any(|class| code.starts_with(class))
        }),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_pool_is_away_and_a_wrong_statement_is_not() {
        let away = RuntimeErr::SqlxError(sqlx::Error::PoolTimedOut.into());
        assert!(is_unavailable(&DbErr::Query(away)));
        let wrong = RuntimeErr::SqlxError(sqlx::Error::RowNotFound.into());
        assert!(!is_unavailable(&DbErr::Query(wrong)));
        assert!(!is_unavailable(&DbErr::RecordNotFound("x".to_owned())));
    }
}

//! What can go wrong with Redis. Each sentence of the start-up names the setting, the address and
//! what to do.

use std::path::PathBuf;

use redis::{ErrorKind, ServerErrorKind};

/// Why Redis cannot be used, or did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum RedisError {
    /// The address has another shape.
    #[error(
        "stores.redis: \"{0}\" is no address of Redis: write redis://:password@host:6379, or \
         rediss:// for TLS; separate the nodes of a cluster by commas"
    )]
    Address(String),
    /// The prefix would be read as something else.
    #[error("stores.redis: \"{0}\" cannot begin keys: use letters, digits, \"-\", \"_\" and \":\"")]
    Prefix(String),
    /// Several addresses, but no cluster.
    #[error(
        "stores.redis: {0} names several servers: if they are a cluster, set \
         stores.redis_cluster = true, else name one"
    )]
    SeveralNodes(String),
    /// An authority for a connection without TLS.
    #[error(
        "stores.redis: {0} is spoken to without TLS, so an authority's file means nothing: write \
         rediss://, or take stores.redis_ca_file away"
    )]
    NoTls(String),
    /// The authority's file is no use.
    #[error(
        "stores.redis: the authority's certificate in {file} cannot be used ({cause}): set \
         stores.redis_ca_file to a PEM file that Studio can read"
    )]
    Authority {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        cause: String,
    },
    /// The server is a node of a cluster.
    #[error("stores.redis: Redis at {0} is a cluster: set stores.redis_cluster = true")]
    Cluster(String),
    /// The server is no node of a cluster.
    #[error("stores.redis: Redis at {0} is no cluster: set stores.redis_cluster = false")]
    NoCluster(String),
    /// The password, or the user, is wrong.
    #[error(
        "stores.redis: Redis at {address} refuses to let Studio in ({cause}): check the user and \
         the password in stores.redis"
    )]
    Refused {
        /// Without a password.
        address: String,
        /// What the server said.
        cause: String,
    },
    /// Nothing answers at the start.
    #[error(
        "stores.redis: Redis at {address} cannot be reached ({cause}): check that it runs and that \
         the address in stores.redis is right"
    )]
    Unreachable {
        /// Without a password.
        address: String,
        /// What the driver said.
        cause: String,
    },
    /// It answered before, and does not now.
    #[error("Redis at {address} does not answer for now ({cause})")]
    Away {
        /// Without a password.
        address: String,
        /// What the driver said.
        cause: String,
    },
    /// It answered that it cannot do this.
    #[error("Redis did not do what it was asked: {0}")]
    Failed(Box<redis::RedisError>),
}

impl RedisError {
    pub(crate) fn refused(address: &str, cause: redis::RedisError) -> Self {
        let address = address.to_owned();
        let text = cause.to_string();
        let code = cause.code().unwrap_or_default();
        let locked_out = cause.kind() == ErrorKind::AuthenticationFailed
            || matches!(code, "NOAUTH" | "WRONGPASS" | "NOPERM")
            // A cluster's driver tells only that no node let it in.
            || ["WRONGPASS", "NOAUTH", "Password authentication failed"]
                .iter()
                .any(|word| text.contains(word));
        if locked_out {
            Self::Refused { address, cause: text }
        } else {
            Self::Unreachable { address, cause: text }
        }
    }

    pub(crate) fn silent(address: &str) -> Self {
        Self::Unreachable { address: address.to_owned(), cause: "it does not answer".to_owned() }
    }
}

/// The server is there and said no: not a sign that it is away.
pub(super) fn is_answer(error: &redis::RedisError) -> bool {
    matches!(
        error.kind(),
        ErrorKind::UnexpectedReturnType
            | ErrorKind::Extension
            | ErrorKind::Server(
                ServerErrorKind::ResponseError
                    | ServerErrorKind::ExecAbort
                    | ServerErrorKind::NoScript
                    | ServerErrorKind::CrossSlot
                    | ServerErrorKind::NoPerm
            )
    )
}

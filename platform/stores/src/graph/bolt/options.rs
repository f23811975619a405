//! Where the server is and how to get in.

use std::{fmt, path::PathBuf, time::Duration};

use neo4rs::{Config, ConfigBuilder};
use url::Url;
use zeroize::Zeroizing;

use crate::graph::GraphError;

/// How long a connection, and each answer, may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(15);
/// Bolt's port where the address names none.
const PORT: u16 = 7687;

/// Where the server is and how to get in.
#[derive(Clone)]
pub struct BoltOptions {
    tls: bool,
    host: String,
    port: u16,
    user: String,
    password: Zeroizing<String>,
    database: Option<String>,
    name: String,
    /// A PEM file with the certificate authority of the server, for `bolt+s`; the system's ones
    /// where it is left out.
    pub ca_file: Option<PathBuf>,
    /// Connections at most.
    pub connections: usize,
}

impl BoltOptions {
    /// Reads `bolt://USER:PASSWORD@HOST:PORT/DATABASE?name=NAME`, or `bolt+s://…` with TLS. The port
    /// is 7687 where it is left out, the database the server's default one. Several graphs may live
    /// in one database, each under a name of its own; `studio` where it is left out. Characters that
    /// have a meaning in addresses are written with `%`.
    ///
    /// # Errors
    /// [`GraphError::Setting`], in a sentence that never repeats the password.
    pub fn parse(address: &str) -> Result<Self, GraphError> {
        let refuse = |why: &str| GraphError::Setting(why.to_owned());
        let form = "write it as bolt://USER:PASSWORD@HOST:7687, or bolt+s://… with TLS; % in a \
                    password is written %25, / is %2F, @ is %40";
        let url = Url::parse(address).map_err(|_| refuse(form))?;
        let tls = match url.scheme() {
            "bolt" => false,
            "bolt+s" => true,
            // Not repeated: in an address without a scheme it is the user.
            _ => return Err(refuse(form)),
        };
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(|| refuse(form))?;
        let decode = |text: &str| decoded(text).ok_or_else(|| refuse(form));
        let user = decode(url.username())?;
        let password = url.password().map(decode).transpose()?;
        let (Some(password), false) = (password, user.is_empty()) else {
            return Err(refuse(
                "the address lacks a user or a password: write it as \
                               bolt://USER:PASSWORD@HOST:7687",
            ));
        };
        let database = decode(url.path().trim_start_matches('/'))?;
        if database.contains('/') || url.fragment().is_some() {
            return Err(refuse("after the host comes the name of one database and nothing else"));
        }
        let mut name = None;
        for (key, value) in url.query_pairs() {
            if key != "name" || value.is_empty() || value.contains('/') {
                return Err(refuse("after ? comes name=NAME, a name without /, and nothing else"));
            }
            name = Some(value.into_owned());
        }
        Ok(Self {
            tls,
            host: host.to_owned(),
            port: url.port().unwrap_or(PORT),
            user,
            password: Zeroizing::new(password),
            database: (!database.is_empty()).then_some(database),
            name: name.unwrap_or_else(|| "studio".to_owned()),
            ca_file: None,
            connections: 16,
        })
    }

    /// The name of the graph in the database.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where the server is, without credentials.
    pub fn address(&self) -> String {
        format!("{}://{}:{}", if self.tls { "bolt+s" } else { "bolt" }, self.host, self.port)
    }

    /// What the driver needs.
    pub(super) fn config(&self) -> Result<Config, GraphError> {
        let mut builder = ConfigBuilder::new()
            .uri(self.address())
            .user(&self.user)
            .password(self.password.as_str())
            .fetch_size(2_000)
            .max_connections(self.connections.max(1))
            .connection_timeout(PATIENCE);
        if let Some(database) = &self.database {
            builder = builder.db(database.as_str());
        }
        match &self.ca_file {
            None => {}
            Some(_) if !self.tls => {
                let why = "a certificate authority is of use with bolt+s:// only";
                return Err(GraphError::Setting(why.to_owned()));
            }
            Some(file) if !file.is_file() => {
                let why = format!("there is no certificate authority in {}", file.display());
                return Err(GraphError::Setting(why));
            }
            Some(file) => builder = builder.with_client_certificate(file),
        }
        if self.tls {
            // The driver takes the process-wide provider.
            crate::tls::use_aws_lc_rs();
        }
        builder.build().map_err(|error| GraphError::Setting(error.to_string()))
    }
}

/// With `%XX` read; `None` where that is no text.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let (digits, after) = rest.split_at_checked(2)?;
        bytes.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
        rest = after;
    }
    String::from_utf8(bytes).ok()
}

/// Without the password.
impl fmt::Debug for BoltOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoltOptions")
            .field("address", &self.address())
            .field("user", &self.user)
            .field("database", &self.database)
            .field("name", &self.name)
            .field("ca_file", &self.ca_file)
            .field("connections", &self.connections)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_whole() {
        let options =
            BoltOptions::parse("bolt+s://ro%40ot:a%2Fsecret%25@graph.example/grc?name=two")
                .unwrap();
        assert_eq!(options.address(), "bolt+s://graph.example:7687");
        assert_eq!((options.user.as_str(), options.password.as_str()), ("ro@ot", "a/secret%"));
        assert_eq!((options.database.as_deref(), options.name()), (Some("grc"), "two"));
        let plain = BoltOptions::parse("bolt://root:pw@127.0.0.1:17687").unwrap();
        assert_eq!(plain.address(), "bolt://127.0.0.1:17687");
        assert_eq!((plain.database.as_deref(), plain.name()), (None, "studio"));
    }

    #[test]
    fn what_can_never_work_is_refused_in_a_sentence() {
        for (address, says) in [
            ("root:secret@localhost", "write it as bolt://"),
            ("secret", "write it as bolt://"),
            ("neo4j://root:secret@localhost:7687", "write it as bolt://"),
            ("bolt://localhost:7687", "lacks a user"),
            ("bolt://root@localhost:7687", "lacks a user"),
            ("bolt://root:secret%2@localhost:7687", "%25"),
            ("bolt://root:secret@localhost:7687/a/b", "one database"),
            ("bolt://root:secret@localhost:7687?user=me", "name=NAME"),
            ("bolt://root:secret@localhost:7687?name=a/b", "name=NAME"),
        ] {
            let refused = BoltOptions::parse(address).unwrap_err().to_string();
            assert!(refused.starts_with("stores.graph: "), "{refused}");
            assert!(refused.contains(says) && !refused.contains("secret"), "{address}: {refused}");
        }
        let mut options = BoltOptions::parse("bolt+s://root:secret@localhost").unwrap();
        options.ca_file = Some("/there/is/none.pem".into());
        let refused = options.config().err().unwrap().to_string();
        assert!(refused.contains("/there/is/none.pem"), "{refused}");
        assert!(!format!("{options:?}").contains("secret"));
    }
}

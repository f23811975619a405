//! Subgraphs that somebody else runs.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    time::Duration,
};

use axum::http::{HeaderName, Uri};
use figment::{
    Figment,
    providers::{Format, Toml},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ConfigError, Fault, Secret, load};

/// Most subgraphs of others in one graph: each is asked, and composed with all before it, in turn.
const MOST: usize = 20;
/// Longest name.
const LONGEST_NAME: usize = 40;
/// Seconds that one request may take, at most.
const LONGEST: u32 = 300;
/// Headers that the connection or the protocol decides.
const NOT_TO_SET: [&str; 9] = [
    "host",
    "connection",
    "upgrade",
    "transfer-encoding",
    "te",
    "trailer",
    "content-length",
    "content-type",
    "accept",
];

/// Subgraphs that others run, and how often they are asked for their schemas.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RemoteSubgraphs {
    /// Seconds between asking those without a schema file for their schema; 0 asks at the start and
    /// on SIGHUP alone.
    pub poll_seconds: u32,
    /// The subgraphs.
    pub subgraphs: Vec<RemoteSubgraph>,
}

/// A subgraph that somebody else runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RemoteSubgraph {
    /// What the graph, logs and errors call it: lower-case letters, digits, `-` and `_`.
    pub name: String,
    /// Where it answers GraphQL over HTTP.
    pub url: String,
    /// The file with its schema (SDL with the directives of federation). Without it the subgraph
    /// is asked: by `_service { sdl }`, or by introspection where it knows no federation.
    #[serde(default)]
    pub schema: Option<PathBuf>,
    /// How subscriptions reach it.
    #[serde(default)]
    pub subscriptions: Subscriptions,
    /// Where its WebSocket is; by default `url` with `ws://` or `wss://`.
    #[serde(default)]
    pub websocket_url: Option<String>,
    /// Headers of every request to it, such as a key by which it knows this router.
    #[serde(default)]
    pub headers: BTreeMap<String, HeaderText>,
    /// Whether it gets the `Authorization` of the client. By default an extension of Studio does
    /// not, and a subgraph of another graph does.
    #[serde(default)]
    pub forward_authorization: Option<bool>,
    /// The header that tells it the organization of the caller; none by default. For extensions.
    #[serde(default)]
    pub organization_header: Option<String>,
    /// Whether callers that are not signed in may ask it. For extensions.
    #[serde(default)]
    pub anonymous: bool,
    /// Seconds that one answer may take; 30 by default.
    #[serde(default = "thirty")]
    pub timeout_seconds: u32,
}

fn thirty() -> u32 {
    30
}

/// How subscriptions reach a subgraph.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Subscriptions {
    /// As server-sent events (graphql-sse, distinct connections mode).
    #[default]
    Sse,
    /// Over a WebSocket (graphql-transport-ws).
    Websocket,
}

/// The value of a header, or where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum HeaderText {
    /// The value itself, which is not shown.
    Text(Secret),
    /// A file that holds it; spaces and line ends around it are left out.
    File(InFile),
    /// A variable of the environment that holds it.
    Env(InEnv),
}

/// A file that holds a value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InFile {
    /// Its path.
    pub file: PathBuf,
}

/// A variable that holds a value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InEnv {
    /// Its name, which does not begin with `STUDIO_`.
    pub env: String,
}

impl RemoteSubgraphs {
    /// Reads the subgraphs of a graph that is not Studio's from a TOML file.
    ///
    /// # Errors
    /// Every setting that is unknown, of another shape than it must be, or of no use.
    pub fn load(file: &Path) -> Result<Self, ConfigError> {
        let read = Figment::from(Toml::file_exact(file)).extract::<Self>();
        let remote = read.map_err(load::unreadable)?;
        let mut faults = remote.faults("", &[]);
        if remote.subgraphs.is_empty() {
            faults.push(fault("subgraphs", "there is none: name at least one".to_owned()));
        }
        for (index, subgraph) in remote.subgraphs.iter().enumerate() {
            let given = subgraph.organization_header.is_some() || subgraph.anonymous;
            if given {
                let reason = "organization_header and anonymous are for extensions of Studio, where \
                              callers are known";
                faults.push(fault(&format!("subgraphs.{index}"), reason.to_owned()));
            }
        }
        if faults.is_empty() { Ok(remote) } else { Err(ConfigError { faults }) }
    }

    /// How often they are asked for their schemas, if they are.
    pub fn poll_every(&self) -> Option<Duration> {
        (self.poll_seconds > 0).then(|| Duration::from_secs(self.poll_seconds.into()))
    }

    /// Everything that cannot work as it is. `prefix` goes before the names of settings; `taken` are
    /// names of subgraphs that others have.
    pub(super) fn faults(&self, prefix: &str, taken: &[&str]) -> Vec<Fault> {
        let mut faults = Vec::new();
        if self.subgraphs.len() > MOST {
            let reason = format!("{} are named: write {MOST} at most", self.subgraphs.len());
            faults.push(fault(&format!("{prefix}subgraphs"), reason));
        }
        let mut names: BTreeSet<&str> = taken.iter().copied().collect();
        for (index, subgraph) in self.subgraphs.iter().enumerate() {
            let at = format!("{prefix}subgraphs.{index}");
            let unique = names.insert(&subgraph.name);
            faults.extend(
                subgraph
                    .faults(unique)
                    .into_iter()
                    .map(|(setting, reason)| Fault { setting: format!("{at}.{setting}"), reason }),
            );
        }
        faults
    }
}

impl RemoteSubgraph {
    fn faults(&self, unique: bool) -> Vec<(&'static str, String)> {
        let mut faults = Vec::new();
        if !is_name(&self.name) {
            let reason = format!(
                "\"{}\" is no name: begin with a letter, go on with lower-case letters, digits, - \
                 and _, {LONGEST_NAME} at most",
                self.name
            );
            faults.push(("name", reason));
        } else if !unique {
            faults.push(("name", format!("another subgraph is named \"{}\"", self.name)));
        }
        if !is_address(&self.url, ["http", "https"]) {
            let reason = "write an address such as https://tickets.example.org/graphql; a password \
                          goes into headers";
            faults.push(("url", reason.to_owned()));
        }
        if let Some(url) = &self.websocket_url {
            if self.subscriptions == Subscriptions::Sse {
                let reason = "it means nothing without subscriptions = \"websocket\": set that, or \
                              take this away";
                faults.push(("websocket_url", reason.to_owned()));
            }
            if !is_address(url, ["ws", "wss"]) {
                let reason = "write an address such as wss://tickets.example.org/graphql";
                faults.push(("websocket_url", reason.to_owned()));
            }
        }
        let own = self.headers.keys().chain(&self.organization_header);
        if let Some(wrong) = own.into_iter().find(|name| !is_header(name)) {
            let reason = format!("\"{wrong}\" is no header that can be set");
            faults.push(("headers", reason));
        }
        for source in self.headers.values() {
            if let HeaderText::Env(InEnv { env }) = source
                && env.starts_with("STUDIO_")
            {
                let reason = format!(
                    "{env} would be taken for a setting of Studio: name the variable otherwise"
                );
                faults.push(("headers", reason));
            }
        }
        if !(1..=LONGEST).contains(&self.timeout_seconds) {
            faults.push(("timeout_seconds", format!("write 1 to {LONGEST} seconds")));
        }
        faults
    }

    /// Where its WebSocket is.
    pub fn websocket_url(&self) -> String {
        match &self.websocket_url {
            Some(url) => url.clone(),
            // http becomes ws, and https wss.
            None => self.url.replacen("http", "ws", 1),
        }
    }
}

impl HeaderText {
    /// The value, from where it stands.
    ///
    /// # Errors
    /// A sentence that says what cannot be read.
    pub fn read(&self) -> Result<Secret, String> {
        match self {
            Self::Text(text) => Ok(text.clone()),
            Self::File(InFile { file }) => match std::fs::read_to_string(file) {
                Ok(text) => Ok(Secret::from(text.trim())),
                Err(error) => Err(format!("{} cannot be read: {error}", file.display())),
            },
            Self::Env(InEnv { env }) => match std::env::var(env) {
                Ok(text) => Ok(Secret::from(text.as_str())),
                Err(_) => Err(format!("the variable {env} is not set")),
            },
        }
    }
}

fn fault(setting: &str, reason: String) -> Fault {
    Fault { setting: setting.to_owned(), reason }
}

fn is_name(name: &str) -> bool {
    let mut characters = name.chars();
    characters.next().is_some_and(|first| first.is_ascii_lowercase())
        && name.len() <= LONGEST_NAME
        && characters
            .all(|one| one.is_ascii_lowercase() || one.is_ascii_digit() || "-_".contains(one))
}

fn is_address(address: &str, schemes: [&str; 2]) -> bool {
    let Ok(uri) = address.parse::<Uri>() else { return false };
    let scheme = uri.scheme_str().is_some_and(|scheme| schemes.contains(&scheme));
    let authority = uri.authority().map(|authority| authority.as_str()).unwrap_or_default();
    let host = uri.host().is_some_and(|host| !host.is_empty());
    scheme && host && !authority.contains('@')
}

fn is_header(name: &str) -> bool {
    HeaderName::try_from(name).is_ok_and(|name| !NOT_TO_SET.contains(&name.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> Result<RemoteSubgraphs, ConfigError> {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("graph.toml");
        std::fs::write(&file, text).unwrap();
        RemoteSubgraphs::load(&file)
    }

    #[test]
    fn a_graph_is_read_from_a_file() {
        let text = r#"
            poll_seconds = 30
            [[subgraphs]]
            name = "stock"
            url = "https://stock.example.org/graphql"
            subscriptions = "websocket"
            headers = { "X-Key" = { file = "/run/secrets/stock" }, "X-Plain" = "hunter2" }
            [[subgraphs]]
            name = "prices"
            url = "http://127.0.0.1:4001/graphql"
            schema = "prices.graphql"
        "#;
        let read = load(text).unwrap();
        assert_eq!(read.poll_every(), Some(Duration::from_secs(30)));
        assert_eq!(read.subgraphs[0].websocket_url(), "wss://stock.example.org/graphql");
        assert_eq!(read.subgraphs[1].timeout_seconds, 30);
        let shown = serde_json::to_string(&read).unwrap();
        assert!(!shown.contains("hunter2") && !format!("{read:?}").contains("hunter2"), "{shown}");
    }

    #[test]
    fn what_cannot_work_is_named() {
        let named = |one: &str| {
            let text = format!("[[subgraphs]]\nname = \"a\"\nurl = \"http://a.example\"\n{one}");
            let faults = load(&text).unwrap_err().faults;
            faults.into_iter().map(|fault| fault.setting).collect::<Vec<_>>().join(" ")
        };
        for (line, setting) in [
            ("headers = { \"Content-Length\" = \"1\" }", "subgraphs.0.headers"),
            ("headers = { \"a b\" = \"1\" }", "subgraphs.0.headers"),
            ("headers = { A = { env = \"STUDIO_KEY\" } }", "subgraphs.0.headers"),
            ("websocket_url = \"wss://a.example\"", "subgraphs.0.websocket_url"),
            ("timeout_seconds = 0", "subgraphs.0.timeout_seconds"),
            ("anonymous = true", "subgraphs.0"),
            ("organization_header = \"X-Organization\"", "subgraphs.0"),
            ("[[subgraphs]]\nname = \"a\"\nurl = \"http://b.example\"", "subgraphs.1.name"),
            ("[[subgraphs]]\nname = \"A b\"\nurl = \"http://b.example\"", "subgraphs.1.name"),
            ("[[subgraphs]]\nname = \"b\"\nurl = \"http://u:p@b.example\"", "subgraphs.1.url"),
            ("[[subgraphs]]\nname = \"b\"\nurl = \"b.example\"", "subgraphs.1.url"),
        ] {
            assert_eq!(named(line), setting, "{line}");
        }
        assert!(load("").unwrap_err().to_string().contains("name at least one"));
        assert!(load("[[subgraphs]]\nname = 7").is_err());
        assert!(load("[[subgraphs]]\nnam = \"a\"").is_err());
        let many = (0..21)
            .map(|number| format!("[[subgraphs]]\nname = \"a{number}\"\nurl = \"http://a\"\n"))
            .collect::<String>();
        assert!(load(&many).unwrap_err().to_string().contains("20 at most"));
    }

    #[test]
    fn a_header_is_read_from_where_it_stands() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("key");
        std::fs::write(&file, "hunter2\n").unwrap();
        let from = HeaderText::File(InFile { file: file.clone() });
        assert_eq!(from.read().unwrap().expose(), "hunter2");
        std::fs::remove_file(&file).unwrap();
        assert!(from.read().unwrap_err().contains("cannot be read"));
        let from = HeaderText::Env(InEnv { env: "NOT_A_VARIABLE_OF_ANYBODY".to_owned() });
        assert!(from.read().unwrap_err().contains("NOT_A_VARIABLE_OF_ANYBODY"));
    }
}

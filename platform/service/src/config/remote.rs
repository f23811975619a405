//! Subgraphs that somebody else runs.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    time::Duration,
};

use axum::http::{HeaderName, Uri};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Fault, Secret};

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
    /// The file (PEM) with the certificates of the authorities that sign its own, which are trusted in
    /// the place of the system's.
    #[serde(default)]
    pub ca: Option<PathBuf>,
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
    /// How often they are asked for their schemas, if they are.
    pub fn poll_every(&self) -> Option<Duration> {
        every(self.poll_seconds)
    }

    /// Everything that cannot work as it is. `prefix` goes before the names of settings; `taken` are
    /// names of subgraphs that others have.
    pub(super) fn faults(&self, prefix: &str, taken: &[&str]) -> Vec<Fault> {
        to_compose(&self.subgraphs, prefix, taken)
    }
}

/// How often something is done every so many seconds: with 0 it is not.
pub(super) fn every(seconds: u32) -> Option<Duration> {
    (seconds > 0).then(|| Duration::from_secs(seconds.into()))
}

/// Everything that cannot work as it is with subgraphs that are to be composed; the arguments are those
/// of [`RemoteSubgraphs::faults`].
pub(super) fn to_compose(subgraphs: &[RemoteSubgraph], prefix: &str, taken: &[&str]) -> Vec<Fault> {
    let mut faults = Vec::new();
    if subgraphs.len() > MOST {
        let reason = format!("{} are named: write {MOST} at most", subgraphs.len());
        faults.push(fault(&format!("{prefix}subgraphs"), reason));
    }
    let mut names: BTreeSet<&str> = taken.iter().copied().collect();
    for (index, subgraph) in subgraphs.iter().enumerate() {
        let at = format!("{prefix}subgraphs.{index}");
        let unique = names.insert(&subgraph.name);
        let name = subgraph.name_fault(unique).map(|reason| ("name", reason));
        let all = name.into_iter().chain(subgraph.faults());
        faults.extend(all.map(|(setting, reason)| fault(&format!("{at}.{setting}"), reason)));
    }
    faults
}

impl RemoteSubgraph {
    /// What is wrong with its name, as one that a composed graph is to have.
    fn name_fault(&self, unique: bool) -> Option<String> {
        if !is_name(&self.name) {
            return Some(format!(
                "\"{}\" is no name: begin with a letter, go on with lower-case letters, digits, - \
                 and _, {LONGEST_NAME} at most",
                self.name
            ));
        }
        (!unique).then(|| taken(&self.name))
    }

    /// What is wrong with the other settings, each with its name.
    pub(super) fn faults(&self) -> Vec<(&'static str, String)> {
        let mut faults = Vec::new();
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
        if self.ca.is_some() && !self.is_encrypted() {
            let reason = "it means nothing without https:// or wss://: write such an address, or take \
                          this away";
            faults.push(("ca", reason.to_owned()));
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

    /// Whether anything that is said to it is encrypted.
    fn is_encrypted(&self) -> bool {
        let websocket = self.subscriptions == Subscriptions::Websocket;
        self.url.starts_with("https:") || websocket && self.websocket_url().starts_with("wss:")
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

pub(super) fn fault(setting: &str, reason: String) -> Fault {
    Fault { setting: setting.to_owned(), reason }
}

pub(super) fn taken(name: &str) -> String {
    format!("another subgraph is named \"{name}\"")
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

//! What `studio router` is told of a graph that is not Studio's: how its subgraphs are reached, and how it
//! answers.

use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZeroU32,
    path::Path,
    time::Duration,
};

use figment::{
    Figment,
    providers::{Format, Toml},
    value::{Dict, Value},
};
use serde::{Deserialize, Serialize};

use super::{
    ConfigError, Fault, RemoteSubgraph, load,
    remote::{every, fault, taken, to_compose},
};

/// The file of `studio router --subgraphs`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RouterFile {
    /// Seconds between asking those without a schema file for their schema; 0 asks at the start and
    /// on SIGHUP alone. For subgraphs that are composed.
    pub poll_seconds: u32,
    /// The subgraphs that are composed; or those of a supergraph that are not reached as it says.
    pub subgraphs: Vec<RemoteSubgraph>,
    /// Which reads share one answer while they are under way.
    pub share_in_flight: InFlightSharing,
    /// How clients share subscriptions, by the field of the subscription type.
    pub share_subscriptions: BTreeMap<String, SubscriptionSharing>,
    /// The named labels of progressive overrides that are on.
    pub override_labels: BTreeSet<String>,
    /// What one request may cost.
    pub limits: RequestLimits,
}

/// What one request may cost; each that is not there is as the router has it by itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RequestLimits {
    /// Bytes of a request's body, and of one message of a WebSocket.
    pub body_bytes: Option<NonZeroU32>,
    /// Tokens of a document.
    pub tokens: Option<NonZeroU32>,
    /// Levels of nested fields, at most [`RequestLimits::DEEPEST`].
    pub depth: Option<NonZeroU32>,
    /// Fields of an operation with its fragments put in.
    pub fields: Option<NonZeroU32>,
    /// Aliases of an operation with its fragments put in.
    pub aliases: Option<NonZeroU32>,
    /// Seconds for planning one operation.
    pub planning_seconds: Option<NonZeroU32>,
    /// Seconds for executing one operation, or one event of a subscription.
    pub execution_seconds: Option<NonZeroU32>,
    /// Errors of one answer.
    pub errors: Option<NonZeroU32>,
    /// Operations that run at once on one WebSocket.
    pub operations_per_connection: Option<NonZeroU32>,
    /// Documents whose plans are kept.
    pub documents: Option<NonZeroU32>,
}

impl RequestLimits {
    /// Fields in one another are gone through by recursion, for which a thread's stack has to suffice.
    pub const DEEPEST: u32 = 200;

    fn faults(self) -> Vec<Fault> {
        let deep = self.depth.is_some_and(|depth| depth.get() > Self::DEEPEST);
        let reason = || format!("at most {} levels can be allowed", Self::DEEPEST);
        deep.then(|| fault("limits.depth", reason())).into_iter().collect()
    }
}

/// Which reads share one answer while they are under way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct InFlightSharing {
    /// Requests to one subgraph.
    pub subgraph_requests: bool,
    /// Whole queries of clients.
    pub queries: bool,
}

/// When a client may join a subscription that another one has begun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SubscriptionSharing {
    /// Until its first event.
    FromTheBeginning,
    /// Whenever it comes.
    AnyTime,
    /// Once both have had the same event, which is told by this field, such as `Change.cursor`.
    AtEvent(String),
    /// Never.
    Never,
}

impl RouterFile {
    /// Reads the TOML file. `supergraph` is the one that is routed, if one is: the addresses of its
    /// subgraphs by their names, which stand in where the file gives none. Without it the subgraphs are
    /// to be composed.
    ///
    /// # Errors
    /// Every setting that is unknown, of another shape than it must be, or of no use.
    pub fn load(
        file: &Path,
        supergraph: Option<&BTreeMap<String, String>>,
    ) -> Result<Self, ConfigError> {
        let figment = Figment::from(Toml::file_exact(file));
        let mut settings: Dict = figment.extract().map_err(load::unreadable)?;
        if let Some(addresses) = supergraph {
            add_addresses(&mut settings, addresses);
        }
        let read: Self = Value::from(settings).deserialize().map_err(load::unreadable)?;
        let mut faults = match supergraph {
            Some(addresses) => read.faults_beside(addresses),
            None => read.faults_alone(),
        };
        faults.extend(read.limits.faults());
        for (index, subgraph) in read.subgraphs.iter().enumerate() {
            if subgraph.organization_header.is_some() || subgraph.anonymous {
                let reason = "organization_header and anonymous are for extensions of Studio, where \
                              callers are known";
                faults.push(fault(&format!("subgraphs.{index}"), reason.to_owned()));
            }
        }
        if faults.is_empty() { Ok(read) } else { Err(ConfigError { faults }) }
    }

    /// How often subgraphs are asked for their schemas, if they are.
    pub fn poll_every(&self) -> Option<Duration> {
        every(self.poll_seconds)
    }

    /// What cannot work where the subgraphs are composed.
    fn faults_alone(&self) -> Vec<Fault> {
        let mut faults = to_compose(&self.subgraphs, "", &[]);
        if self.subgraphs.is_empty() {
            faults.push(fault("subgraphs", "there is none: name at least one".to_owned()));
        }
        faults
    }

    /// What cannot work beside a supergraph, whose subgraphs have these addresses.
    fn faults_beside(&self, addresses: &BTreeMap<String, String>) -> Vec<Fault> {
        let composed =
            "it is for subgraphs that are composed, and a supergraph is routed: take it away";
        let mut faults = Vec::new();
        if self.poll_seconds > 0 {
            faults.push(fault("poll_seconds", composed.to_owned()));
        }
        let mut names = BTreeSet::new();
        for (index, subgraph) in self.subgraphs.iter().enumerate() {
            let at = |setting: &str| format!("subgraphs.{index}.{setting}");
            if !addresses.contains_key(&subgraph.name) {
                let known: Vec<&str> = addresses.keys().map(String::as_str).collect();
                let (name, known) = (&subgraph.name, known.join(", "));
                let reason = format!("the supergraph has no subgraph \"{name}\"; it has {known}");
                faults.push(fault(&at("name"), reason));
                continue;
            }
            if !names.insert(&subgraph.name) {
                faults.push(fault(&at("name"), taken(&subgraph.name)));
            }
            if subgraph.schema.is_some() {
                faults.push(fault(&at("schema"), composed.to_owned()));
            }
            let wrong = subgraph.faults().into_iter();
            faults.extend(wrong.map(|(setting, reason)| fault(&at(setting), reason)));
        }
        faults
    }
}

/// Gives each subgraph without an address the one that it has by its name; none is an empty one.
fn add_addresses(settings: &mut Dict, addresses: &BTreeMap<String, String>) {
    let Some(Value::Array(_, subgraphs)) = settings.get_mut("subgraphs") else { return };
    for subgraph in subgraphs {
        if let Value::Dict(_, subgraph) = subgraph
            && !subgraph.contains_key("url")
        {
            let name = subgraph.get("name").and_then(Value::as_str).unwrap_or_default();
            let address = addresses.get(name).cloned().unwrap_or_default();
            subgraph.insert("url".to_owned(), Value::from(address));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(
        text: &str,
        supergraph: Option<&BTreeMap<String, String>>,
    ) -> Result<RouterFile, ConfigError> {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("graph.toml");
        std::fs::write(&file, text).unwrap();
        RouterFile::load(&file, supergraph)
    }

    fn load(text: &str) -> Result<RouterFile, ConfigError> {
        read(text, None)
    }

    /// Reads it beside a supergraph of "Stock" and "prices", of which the second has no address.
    fn beside(text: &str) -> Result<RouterFile, ConfigError> {
        let address = |(name, url): (&str, &str)| (name.to_owned(), url.to_owned());
        let all = [("Stock", "https://stock.example.org/graphql"), ("prices", "")];
        read(text, Some(&all.map(address).into()))
    }

    fn settings(read: Result<RouterFile, ConfigError>) -> String {
        let faults = read.unwrap_err().faults;
        faults.into_iter().map(|fault| fault.setting).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_graph_is_read_from_a_file() {
        let text = r#"
            poll_seconds = 30
            [[subgraphs]]
            name = "stock"
            url = "https://stock.example.org/graphql"
            subscriptions = "websocket"
            ca = "/etc/ssl/ours.pem"
            headers = { "X-Key" = { file = "/run/secrets/stock" }, "X-Plain" = "hunter2" }
            [[subgraphs]]
            name = "prices"
            url = "http://127.0.0.1:4001/graphql"
            schema = "prices.graphql"
            subscriptions = "websocket"
            websocket_url = "wss://prices.example.org/events"
            ca = "ours.pem"
        "#;
        let read = load(text).unwrap();
        assert_eq!(read.poll_every(), Some(Duration::from_secs(30)));
        assert_eq!(read.subgraphs[0].websocket_url(), "wss://stock.example.org/graphql");
        assert_eq!(read.subgraphs[0].ca.as_deref(), Some(Path::new("/etc/ssl/ours.pem")));
        assert_eq!(read.subgraphs[1].timeout_seconds, 30);
        let shown = serde_json::to_string(&read).unwrap();
        assert!(!shown.contains("hunter2") && !format!("{read:?}").contains("hunter2"), "{shown}");
    }

    #[test]
    fn what_cannot_work_is_named() {
        let named = |one: &str| {
            let text = format!("[[subgraphs]]\nname = \"a\"\nurl = \"http://a.example\"\n{one}");
            settings(load(&text))
        };
        for (line, setting) in [
            ("headers = { \"Content-Length\" = \"1\" }", "subgraphs.0.headers"),
            ("headers = { \"a b\" = \"1\" }", "subgraphs.0.headers"),
            ("headers = { A = { env = \"STUDIO_KEY\" } }", "subgraphs.0.headers"),
            ("websocket_url = \"wss://a.example\"", "subgraphs.0.websocket_url"),
            ("timeout_seconds = 0", "subgraphs.0.timeout_seconds"),
            ("ca = \"a.pem\"", "subgraphs.0.ca"),
            ("ca = \"a.pem\"\nsubscriptions = \"websocket\"", "subgraphs.0.ca"),
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
    fn how_the_router_answers_is_read() {
        let text = r#"
            override_labels = ["new-stock"]
            [share_in_flight]
            subgraph_requests = true
            [share_subscriptions]
            a = "from_the_beginning"
            b = "any_time"
            c = "never"
            d = { at_event = "Change.cursor" }
        "#;
        let read = beside(text).unwrap();
        assert!(read.override_labels.contains("new-stock"));
        let sharing = InFlightSharing { subgraph_requests: true, queries: false };
        assert_eq!(read.share_in_flight, sharing);
        let shared: Vec<_> = read.share_subscriptions.into_values().collect();
        let cursor = SubscriptionSharing::AtEvent("Change.cursor".to_owned());
        let (first, any, never) = (
            SubscriptionSharing::FromTheBeginning,
            SubscriptionSharing::AnyTime,
            SubscriptionSharing::Never,
        );
        assert_eq!(shared, [first, any, never, cursor]);
        assert_eq!(beside("").unwrap(), RouterFile::default());
        for (text, setting) in [
            ("[share_in_flight]\nmutations = true", "share_in_flight.mutations"),
            ("[share_in_flight]\nqueries = 1", "share_in_flight.queries"),
            ("[share_subscriptions]\na = \"sometimes\"", "share_subscriptions.a"),
            ("[share_subscriptions]\na = { at_event = 7 }", "share_subscriptions.a"),
            ("override_labels = \"new-stock\"", "override_labels"),
            ("share = true", "share"),
        ] {
            let said = beside(text).unwrap_err().to_string();
            assert!(said.contains(setting), "{text}: {said}");
        }
    }

    #[test]
    fn a_subgraph_of_a_supergraph_keeps_its_address() {
        let text = "[[subgraphs]]\nname = \"Stock\"\nsubscriptions = \"websocket\"";
        let read = beside(text).unwrap();
        assert_eq!(read.subgraphs[0].url, "https://stock.example.org/graphql");
        assert_eq!(read.subgraphs[0].websocket_url(), "wss://stock.example.org/graphql");
        let other = beside(&format!("{text}\nurl = \"http://127.0.0.1:1/other\"")).unwrap();
        assert_eq!(other.subgraphs[0].websocket_url(), "ws://127.0.0.1:1/other");

        for (more, setting) in [
            ("schema = \"stock.graphql\"", "subgraphs.0.schema"),
            ("timeout_seconds = 0", "subgraphs.0.timeout_seconds"),
            ("anonymous = true", "subgraphs.0"),
            ("[[subgraphs]]\nname = \"Stock\"", "subgraphs.1.name"),
            ("[[subgraphs]]\nname = \"stock\"", "subgraphs.1.name"),
            ("[[subgraphs]]\nname = \"prices\"", "subgraphs.1.url"),
        ] {
            assert_eq!(settings(beside(&format!("{text}\n{more}"))), setting, "{more}");
        }
        assert_eq!(settings(beside("poll_seconds = 1")), "poll_seconds");
        let said = beside("[[subgraphs]]\nname = \"stock\"").unwrap_err().to_string();
        assert!(said.contains("it has Stock, prices"), "{said}");
        assert!(beside("subgraphs = 7").is_err() && beside("subgraphs = [7]").is_err());
    }
}

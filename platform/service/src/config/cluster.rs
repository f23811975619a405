//! The other processes, where the roles of Studio run apart.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The other processes of one installation. `studio serve` needs none of it.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ClusterConfig {
    /// Where the subgraphs are reached, each at one or more addresses (replicas) such as
    /// `http://10.0.0.5:4101`.
    pub addresses: Addresses,
    /// Seconds between asking each replica whether it is ready.
    pub health_seconds: f64,
}

impl Default for ClusterConfig {
    fn default() -> Self {
        Self { addresses: Addresses::default(), health_seconds: 0.5 }
    }
}

impl ClusterConfig {
    /// How often each replica is asked whether it is ready.
    pub fn health_every(&self) -> Duration {
        // Out of range it does not load.
        Duration::try_from_secs_f64(self.health_seconds).unwrap_or(Duration::from_secs(1))
    }

    /// How long those who ask get to notice that a process stops.
    pub fn notice(&self) -> Duration {
        self.health_every() * 2
    }
}

/// The addresses of each subgraph.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Addresses {
    /// Of identity.
    pub identity: Vec<String>,
    /// Of controls.
    pub controls: Vec<String>,
    /// Of evidence.
    pub evidence: Vec<String>,
    /// Of documents.
    pub documents: Vec<String>,
    /// Of ai.
    pub ai: Vec<String>,
}

impl Addresses {
    /// Every subgraph's name with its addresses.
    pub fn all(&self) -> [(&'static str, &[String]); 5] {
        [
            ("identity", &self.identity),
            ("controls", &self.controls),
            ("evidence", &self.evidence),
            ("documents", &self.documents),
            ("ai", &self.ai),
        ]
    }

    /// The addresses of a subgraph by its name; none for a name that is of none.
    pub fn of(&self, subgraph: &str) -> &[String] {
        let named = self.all().into_iter().find(|(name, _)| *name == subgraph);
        named.map_or(&[], |(_, addresses)| addresses)
    }
}

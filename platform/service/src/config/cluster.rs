//! The other processes, where the roles of Studio run apart.

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
    /// The addresses of a subgraph by its name; none for a name that is of none.
    pub fn of(&self, subgraph: &str) -> &[String] {
        match subgraph {
            "identity" => &self.identity,
            "controls" => &self.controls,
            "evidence" => &self.evidence,
            "documents" => &self.documents,
            "ai" => &self.ai,
            _ => &[],
        }
    }
}

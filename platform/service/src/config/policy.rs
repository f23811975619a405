//! Who may do what: an operator's own rules.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use studio_kernel::Network;

/// The access policies. Without a folder the ones that ship with Studio decide.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PolicyConfig {
    /// A folder of Rego files, and a `data.json` where the rules need one. It is read at the start,
    /// when it changes, and on SIGHUP.
    pub bundle: Option<PathBuf>,
    /// How its rules stand to the ones that ship with Studio.
    pub mode: PolicyMode,
    /// Seconds between looks whether the folder has changed; 0 looks at it on SIGHUP alone.
    pub watch_seconds: f64,
    /// Networks by the names that rules know them by, at most 64: `office = ["192.0.2.0/24"]`.
    pub networks: BTreeMap<String, Vec<Network>>,
}

/// How an operator's rules stand to the ones that ship with Studio.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PolicyMode {
    /// They vote beside them.
    Extend,
    /// They stand in their place.
    Replace,
}

impl Default for PolicyConfig {
    fn default() -> Self {
        Self {
            bundle: None,
            mode: PolicyMode::Extend,
            watch_seconds: 1.0,
            networks: BTreeMap::new(),
        }
    }
}

impl PolicyConfig {
    /// How often the folder is looked at, if it is.
    pub fn watch_every(&self) -> Option<Duration> {
        // Out of range it does not load.
        let every = Duration::try_from_secs_f64(self.watch_seconds).unwrap_or_default();
        (!every.is_zero()).then_some(every)
    }
}

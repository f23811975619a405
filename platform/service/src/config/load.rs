//! Reads the configuration, and names everything that is wrong with it at once: whoever mends a
//! file wants all of it, and not one fault after each start.

use std::{fmt, path::Path};

use figment::{
    Figment, Metadata,
    error::Kind,
    providers::{Env, Format, Serialized, Toml},
    value::{Dict, Value},
};
use serde::Serialize;

use super::{Config, Fault};

/// Variables of the same prefix that are for others: the client verbs, the demo, the keyring.
const NOT_SETTINGS: &[&str] = &[
    "CONFIG",
    "SERVER",
    "PASSWORD",
    "CODE",
    "SESSION_FILE",
    "DEMO_PASSWORD",
    "MASTER_KEY",
    "FORMER_MASTER_KEY",
];
/// Faults that are named; a file of something else has more, and they help nobody.
const MOST: usize = 50;

/// Why a configuration cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// Every setting that is wrong, at least one.
    pub faults: Vec<Fault>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.faults[..] {
            [one] => one.fmt(f),
            all => {
                write!(f, "{} settings are wrong:", all.len())?;
                all.iter().try_for_each(|fault| write!(f, "\n  {fault}"))
            }
        }
    }
}

impl std::error::Error for ConfigError {}

impl Config {
    /// Reads the configuration: defaults, then `file` (TOML), then the environment
    /// (`STUDIO_DATA_DIR`, `STUDIO_LIMITS__DOCUMENT`, …), then `flags`.
    ///
    /// # Errors
    /// Every setting that is unknown, of another shape than it must be, or of no use, and where it
    /// came from.
    pub fn load(file: Option<&Path>, flags: impl Serialize) -> Result<Self, ConfigError> {
        let mut figment = Figment::from(Serialized::defaults(Self::default()));
        if let Some(file) = file {
            figment = figment.merge(Toml::file_exact(file));
        }
        let figment = figment.merge(environment()).merge(Serialized::defaults(flags));
        let mut settings: Dict = figment.extract().map_err(unreadable)?;
        let mut faults = Vec::new();
        let config = loop {
            let error = match Figment::from(Serialized::defaults(&settings)).extract::<Self>() {
                Ok(config) => break config,
                Err(error) => error,
            };
            let mut path = error.path;
            if let Kind::UnknownField(name, _) = &error.kind
                && path.last() != Some(name)
            {
                path.push(name.clone());
            }
            let from = figment.find_metadata(&path.join(".")).map(source).unwrap_or_default();
            let reason = format!("{}{from}", error.kind);
            faults.push(Fault { setting: path.join("."), reason });
            // Its default stands in, so that the next fault is found.
            if !remove(&mut settings, &path) || faults.len() >= MOST {
                return Err(ConfigError { faults });
            }
        };
        faults.extend(config.faults());
        if faults.is_empty() { Ok(config) } else { Err(ConfigError { faults }) }
    }
}

/// A file that is not there, is no TOML, or has another shape.
pub(super) fn unreadable(error: figment::Error) -> ConfigError {
    let fault = |error: figment::Error| {
        let from = error.metadata.as_ref().map(source).unwrap_or_default();
        let reason = format!("{}{from}", error.kind.to_string().trim_end());
        let whole = error.path.is_empty();
        let setting = if whole { "the file".to_owned() } else { error.path.join(".") };
        Fault { setting, reason }
    };
    ConfigError { faults: error.into_iter().map(fault).collect() }
}

fn source(metadata: &Metadata) -> String {
    match &metadata.source {
        Some(source) => format!(" (from {source})"),
        None => format!(" (from {})", metadata.name),
    }
}

/// Takes a setting away, or the nearest one around it that is there.
fn remove(settings: &mut Dict, path: &[String]) -> bool {
    let Some((first, rest)) = path.split_first() else { return false };
    if let Some(Value::Dict(_, inner)) = settings.get_mut(first)
        && remove(inner, rest)
    {
        return true;
    }
    settings.remove(first).is_some()
}

/// The settings among the environment's variables. `STUDIO_TEST_…` are the tests' own.
fn environment() -> Env {
    Env::prefixed("STUDIO_")
        .ignore(NOT_SETTINGS)
        .filter(|name| !name.starts_with("TEST_"))
        .split("__")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn load(text: &str) -> Result<Config, ConfigError> {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("studio.toml");
        std::fs::write(&file, text).unwrap();
        Config::load(Some(&file), BTreeMap::<String, String>::new())
    }

    fn settings(text: &str) -> Vec<String> {
        load(text).unwrap_err().faults.into_iter().map(|fault| fault.setting).collect()
    }

    #[test]
    fn everything_that_is_wrong_is_named_at_once() {
        let text = r#"
            lissten = "127.0.0.1:1"
            listen = "here"
            [limits]
            document = "large"
            graphql_body = 0
            [stores]
            blobs = "s3"
            s3.buckett = "studio"
            [cluster]
            health_seconds = 1e300
            addresses.ai = ["127.0.0.1:4105"]
        "#;
        let mut named = settings(text);
        named.sort();
        assert_eq!(
            named,
            [
                "cluster.addresses.ai",
                "cluster.health_seconds",
                "limits.document",
                "limits.graphql_body",
                "lissten",
                "listen",
                "stores.s3.bucket",
                "stores.s3.buckett",
            ]
        );
        let said = load(text).unwrap_err().to_string();
        assert!(said.starts_with("8 settings are wrong:\n"), "{said}");
        assert!(said.contains("studio.toml"), "{said}");
    }

    #[test]
    fn what_is_no_configuration_is_told_as_such() {
        assert_eq!(settings("= 1"), ["the file"]);
        let missing = Path::new("/nowhere/studio.toml");
        let error = Config::load(Some(missing), BTreeMap::<String, String>::new()).unwrap_err();
        let said = error.to_string();
        assert!(said.contains("/nowhere/studio.toml") && !said.contains('\n'), "{said}");
        assert!(settings("stores = 7").contains(&"stores".to_owned()));
        let many = (0..100).map(|number| format!("s{number} = 1\n")).collect::<String>();
        assert_eq!(settings(&many).len(), MOST);
    }

    #[test]
    fn flags_win_over_the_file() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("studio.toml");
        std::fs::write(&file, "listen = \"127.0.0.1:1\"\n[limits]\ndocument = 7").unwrap();
        let flags = BTreeMap::from([("listen", "127.0.0.1:2")]);
        let config = Config::load(Some(&file), flags).unwrap();
        assert_eq!(config.listen.port(), 2);
        assert_eq!(config.limits.document, 7);
    }

    #[test]
    fn a_secret_stays_one() {
        let text = "[stores]\nsql = \"postgres://studio:hunter2@db/studio\"";
        assert_eq!(
            load(text).unwrap().stores.sql.unwrap().expose(),
            "postgres://studio:hunter2@db/studio"
        );
        let error = load("[stores]\nsql = \"mysql://studio:hunter2@db/studio\"").unwrap_err();
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}

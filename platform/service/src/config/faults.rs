//! What is wrong with settings that are well-formed: values that cannot work, and settings that need
//! another. Whether servers answer is not asked here.

use std::{fmt, path::Path};

use axum::http::Uri;

use super::{BlobsStore, Config, KeyringStore, OidcProvider, PolicyMode, Secret};
use crate::telemetry;

/// Seconds between health checks, least and most.
const HEALTH_SECONDS: std::ops::RangeInclusive<f64> = 0.05..=60.0;
/// Seconds between looks at a folder of policies, least and most.
const WATCH_SECONDS: std::ops::RangeInclusive<f64> = 0.05..=3600.0;
/// Most connections of a store: PostgreSQL itself has fewer.
const MOST_CONNECTIONS: u32 = 1_000;

/// Networks that rules may know by name.
const MOST_NETWORKS: usize = 64;
/// Days for which a key may hold.
const MOST_KEY_DAYS: u32 = 3_650;

/// A setting that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Its name, such as `stores.sql`.
    pub setting: String,
    /// What is wrong, and what to do.
    pub reason: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.setting, self.reason)
    }
}

#[derive(Default)]
struct Faults(Vec<Fault>);

impl Config {
    /// Every setting that cannot work as it is.
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults = Faults::default();
        faults.of_serving(self);
        faults.of_limits(self);
        faults.of_people(self);
        faults.of_policy(self);
        faults.of_audit(self);
        faults.of_cluster(self);
        faults.of_sql(self);
        faults.of_blobs(self);
        faults.of_kms(self);
        faults.of_other_servers(self);
        let own = self.cluster.addresses.all().map(|(name, _)| name);
        faults.0.extend(self.extensions.faults("extensions.", &own));
        faults.0
    }
}

impl Faults {
    fn add(&mut self, setting: impl Into<String>, reason: impl Into<String>) {
        self.0.push(Fault { setting: setting.into(), reason: reason.into() });
    }

    fn when(&mut self, wrong: bool, setting: &str, reason: &str) {
        if wrong {
            self.add(setting, reason);
        }
    }

    fn of_serving(&mut self, config: &Config) {
        if let Some(url) = &config.public_url
            && !is_http(url, true)
        {
            self.add("public_url", "write an address such as https://studio.example.org");
        }
        if let Err(reason) = telemetry::check(&config.log) {
            self.add("log.filter", reason);
        }
    }

    fn of_limits(&mut self, config: &Config) {
        let (limits, identity) = (&config.limits, &config.identity);
        for (setting, value) in [
            ("limits.graphql_body", limits.graphql_body as u64),
            ("limits.ingest_body", limits.ingest_body),
            ("limits.ingest_unpacked", limits.ingest_unpacked),
            ("limits.ingest_item", limits.ingest_item as u64),
            ("limits.document", limits.document),
            ("limits.catalog", limits.catalog as u64),
            ("limits.score_facts", limits.score_facts as u64),
            ("identity.access_token_seconds", identity.access_token_seconds.into()),
            ("identity.session_seconds", identity.session_seconds.into()),
            ("identity.api_key_days", identity.api_key_days.into()),
        ] {
            self.when(value == 0, setting, "it is 0, with which nothing works: raise it");
        }
        self.when(
            identity.api_key_days > MOST_KEY_DAYS,
            "identity.api_key_days",
            "write 3650 days at most",
        );
        let file = identity.breached_passwords_file.as_deref();
        self.readable("identity.breached_passwords_file", file);
    }

    fn of_people(&mut self, config: &Config) {
        for (setting, reason) in config.mail.faults() {
            self.add(setting, reason);
        }
        self.readable("mail.ca_file", config.mail.ca_file.as_deref());
        self.0.extend(OidcProvider::faults(&config.oidc));
    }

    fn of_policy(&mut self, config: &Config) {
        let policy = &config.policy;
        let seconds = policy.watch_seconds;
        if seconds != 0.0 && !WATCH_SECONDS.contains(&seconds) {
            let (least, most) = (WATCH_SECONDS.start(), WATCH_SECONDS.end());
            self.add(
                "policy.watch_seconds",
                format!("write {least} to {most} seconds, or 0 for SIGHUP alone"),
            );
        }
        let word = |name: &String| {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
            (1..=64).contains(&name.len()) && name.bytes().all(plain)
        };
        if policy.networks.len() > MOST_NETWORKS || !policy.networks.keys().all(word) {
            let reason = format!(
                "name at most {MOST_NETWORKS} networks, each by a word of letters, digits, _ and -"
            );
            self.add("policy.networks", reason);
        }
        self.when(
            policy.bundle.is_none() && policy.mode != PolicyMode::Extend,
            "policy.mode",
            "there is no folder that could replace anything: name it in policy.bundle",
        );
    }

    fn of_audit(&mut self, config: &Config) {
        let Some(stream) = &config.audit.stream else { return };
        for (setting, reason) in stream.faults() {
            self.add(format!("audit.stream.{setting}"), reason);
        }
        self.readable("audit.stream.ca", stream.ca.as_deref());
    }

    fn of_cluster(&mut self, config: &Config) {
        let cluster = &config.cluster;
        if !HEALTH_SECONDS.contains(&cluster.health_seconds) {
            let (least, most) = (HEALTH_SECONDS.start(), HEALTH_SECONDS.end());
            self.add("cluster.health_seconds", format!("write {least} to {most} seconds"));
        }
        for (name, addresses) in cluster.addresses.all() {
            let wrong = addresses.iter().find(|address| !is_http(address, false));
            if let Some(wrong) = wrong {
                self.add(
                    format!("cluster.addresses.{name}"),
                    format!("\"{wrong}\" is no address: write http://host:port, without a path"),
                );
            }
        }
    }

    fn of_sql(&mut self, config: &Config) {
        let stores = &config.stores;
        for (setting, url) in
            [("stores.sql", &stores.sql), ("stores.sql_replica", &stores.sql_replica)]
        {
            let wrong =
                url.as_ref().is_some_and(|url| !begins(url, &["postgres://", "postgresql://"]));
            self.when(wrong, setting, "write postgres://user:password@host:5432/database");
        }
        let embedded = stores.sql.is_none();
        let needs = "it means nothing without stores.sql: set that, or take this away";
        self.when(embedded && stores.sql_replica.is_some(), "stores.sql_replica", needs);
        self.when(embedded && stores.sql_ca_file.is_some(), "stores.sql_ca_file", needs);
        let keyring = stores.keyring == Some(KeyringStore::Sql);
        self.when(embedded && keyring, "stores.keyring", "\"sql\" needs stores.sql: set that");
        if stores.sql_connections.is_some_and(|count| !(1..=MOST_CONNECTIONS).contains(&count)) {
            self.add("stores.sql_connections", format!("write 1 to {MOST_CONNECTIONS}"));
        }
        self.readable("stores.sql_ca_file", stores.sql_ca_file.as_deref());
    }

    fn of_blobs(&mut self, config: &Config) {
        let s3 = &config.stores.s3;
        let used = config.stores.blobs == BlobsStore::S3;
        self.when(
            used && s3.bucket.is_empty(),
            "stores.s3.bucket",
            "stores.blobs is \"s3\" and no bucket is named: name one that exists",
        );
        self.when(
            !used && !s3.bucket.is_empty(),
            "stores.blobs",
            "a bucket is named and not used: set it to \"s3\", or take stores.s3.bucket away",
        );
        let keys = (s3.access_key.is_some(), s3.secret_key.is_some());
        self.of_aws("stores.s3", s3.endpoint.as_deref(), keys, s3.ca_file.as_deref());
    }

    fn of_kms(&mut self, config: &Config) {
        let kms = &config.stores.kms;
        let keys = (kms.access_key.is_some(), kms.secret_key.is_some());
        let set = kms.endpoint.is_some() || keys.0 || keys.1 || kms.ca_file.is_some();
        self.when(
            set && kms.key.is_none(),
            "stores.kms.key",
            "no key is named, so the rest of stores.kms means nothing: name one, or take it away",
        );
        self.of_aws("stores.kms", kms.endpoint.as_deref(), keys, kms.ca_file.as_deref());
    }

    /// `keys` says whether the access key's id and the key itself are set.
    fn of_aws(
        &mut self,
        section: &str,
        endpoint: Option<&str>,
        keys: (bool, bool),
        ca_file: Option<&Path>,
    ) {
        if endpoint.is_some_and(|endpoint| !is_http(endpoint, true)) {
            let reason = "write an address such as https://service.example.org";
            self.add(format!("{section}.endpoint"), reason);
        }
        match keys {
            (true, false) => {
                self.add(format!("{section}.secret_key"), "access_key needs it: set both");
            }
            (false, true) => {
                self.add(format!("{section}.access_key"), "secret_key needs it: set both");
            }
            _ => {}
        }
        self.readable(&format!("{section}.ca_file"), ca_file);
    }

    fn of_other_servers(&mut self, config: &Config) {
        let stores = &config.stores;
        let redis = stores.redis.as_ref();
        let wrong = redis.is_some_and(|url| !begins(url, &["redis://", "rediss://"]));
        self.when(wrong, "stores.redis", "write redis://:password@host:6379, or rediss:// for TLS");
        let needs = "it means nothing without stores.redis: set that, or take this away";
        self.when(redis.is_none() && stores.redis_cluster, "stores.redis_cluster", needs);
        self.when(redis.is_none() && stores.redis_ca_file.is_some(), "stores.redis_ca_file", needs);
        self.readable("stores.redis_ca_file", stores.redis_ca_file.as_deref());
        let needs = "it means nothing without stores.graph: set that, or take this away";
        let graph = stores.graph.is_some();
        self.when(!graph && stores.graph_ca_file.is_some(), "stores.graph_ca_file", needs);
        self.readable("stores.graph_ca_file", stores.graph_ca_file.as_deref());
    }

    fn readable(&mut self, setting: &str, file: Option<&Path>) {
        let Some(file) = file else { return };
        if let Err(error) = std::fs::File::open(file) {
            self.add(setting, format!("{} cannot be read: {error}", file.display()));
        }
    }
}

fn begins(url: &Secret, schemes: &[&str]) -> bool {
    schemes.iter().any(|scheme| url.expose().starts_with(scheme))
}

/// Whether it is the address of a server that speaks HTTP.
fn is_http(address: &str, with_path: bool) -> bool {
    let Ok(uri) = address.parse::<Uri>() else { return false };
    let scheme = uri.scheme_str().is_some_and(|scheme| ["http", "https"].contains(&scheme));
    let host = uri.host().is_some_and(|host| !host.is_empty());
    scheme && host && uri.query().is_none() && (with_path || matches!(uri.path(), "" | "/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(change: impl FnOnce(&mut Config)) -> Vec<String> {
        let mut config = Config::default();
        change(&mut config);
        config.faults().into_iter().map(|fault| fault.setting).collect()
    }

    #[test]
    fn the_defaults_are_in_order() {
        assert_eq!(Config::default().faults(), []);
    }

    #[test]
    fn a_setting_that_needs_another_is_named() {
        let url = |text: &str| Some(Secret::from(text));
        let file = Some(std::path::PathBuf::from("/nowhere/ca.pem"));
        assert_eq!(
            named(|config| config.stores.sql_replica = url("postgres://b/studio")),
            ["stores.sql_replica"]
        );
        assert_eq!(
            named(|config| config.stores.keyring = Some(KeyringStore::Sql)),
            ["stores.keyring"]
        );
        assert_eq!(
            named(|config| config.stores.kms.endpoint = Some("http://127.0.0.1:1".to_owned())),
            ["stores.kms.key"]
        );
        assert_eq!(named(|config| config.stores.redis_cluster = true), ["stores.redis_cluster"]);
        assert_eq!(named(|config| config.policy.mode = PolicyMode::Replace), ["policy.mode"]);
        for seconds in [-1.0, 0.001, f64::NAN] {
            let setting = named(|config| config.policy.watch_seconds = seconds);
            assert_eq!(setting, ["policy.watch_seconds"], "{seconds}");
        }
        assert_eq!(
            named(|config| config.stores.s3.access_key = url("x")),
            ["stores.s3.secret_key"]
        );
        assert_eq!(
            named(|config| {
                config.stores.graph = url("bolt://g");
                config.stores.graph_ca_file = file;
            }),
            ["stores.graph_ca_file"]
        );
    }

    #[test]
    fn values_that_cannot_work_are_named() {
        for seconds in [f64::NAN, f64::INFINITY, 0.0, -1.0, 1e300] {
            assert_eq!(
                named(|config| config.cluster.health_seconds = seconds),
                ["cluster.health_seconds"]
            );
        }
        for address in ["10.0.0.5:4101", "http://", "ftp://a", "http://a:1/path", "http://a?b"] {
            assert_eq!(
                named(|config| config.cluster.addresses.ai = vec![address.to_owned()]),
                ["cluster.addresses.ai"],
                "{address}"
            );
        }
        let fine = "http://10.0.0.5:4101/".to_owned();
        assert!(named(|config| config.cluster.addresses.ai = vec![fine]).is_empty());
        assert_eq!(named(|config| config.log.filter = "a=b=c".to_owned()), ["log.filter"]);
        assert_eq!(
            named(|config| config.identity.breached_passwords_file = Some("/nowhere/b".into())),
            ["identity.breached_passwords_file"]
        );
        assert_eq!(named(|config| config.public_url = Some("studio".to_owned())), ["public_url"]);
    }
}

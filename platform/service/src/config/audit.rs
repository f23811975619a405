//! What becomes of the audit log besides being kept.

use std::path::PathBuf;

use axum::http::Uri;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::HeaderText;

/// The audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AuditConfig {
    /// Days for which it is kept from where requests came and with which browser somebody signed in; then the key of
    /// that month is destroyed, once its last day is so long ago. 0 keeps it for ever.
    pub origin_days: u32,
    /// Where each entry of every organization is sent, such as a SIEM; nowhere by default.
    pub stream: Option<AuditStream>,
}

impl Default for AuditConfig {
    fn default() -> Self {
        Self { origin_days: 400, stream: None }
    }
}

/// Another system that gets the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AuditStream {
    /// `https://…` or `http://…` for requests with entries, `syslog+tls://HOST:PORT` or
    /// `syslog+tcp://HOST:PORT` for messages.
    pub url: String,
    /// How an entry is written.
    #[serde(default)]
    pub format: AuditFormat,
    /// The value of the header `Authorization` of requests.
    #[serde(default)]
    pub authorization: Option<HeaderText>,
    /// The file (PEM) with the certificates of the authorities that sign its own, which are trusted in
    /// the place of the system's.
    #[serde(default)]
    pub ca: Option<PathBuf>,
}

/// How an entry of the audit log is written: JSON in either case.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AuditFormat {
    /// As `studio audit export` prints it.
    #[default]
    Jsonl,
    /// OCSF 1.5: API Activity and Authentication.
    Ocsf,
}

/// How entries travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuditTransport {
    /// In HTTP requests.
    Http,
    /// In syslog messages over TCP (RFC 6587), encrypted (RFC 5425) or not.
    Syslog {
        /// Whether over TLS.
        encrypted: bool,
    },
}

impl AuditStream {
    /// How entries travel, and the host and port where that is no HTTP; `None` where the address is none
    /// of those that are known.
    pub fn transport(&self) -> Option<(AuditTransport, String)> {
        let uri: Uri = self.url.parse().ok()?;
        let authority = uri.authority().filter(|authority| !authority.as_str().contains('@'))?;
        let plain = matches!(uri.path(), "" | "/") && uri.query().is_none() && uri.port().is_some();
        let transport = match uri.scheme_str()? {
            "http" | "https" => AuditTransport::Http,
            "syslog+tcp" if plain => AuditTransport::Syslog { encrypted: false },
            "syslog+tls" if plain => AuditTransport::Syslog { encrypted: true },
            _ => return None,
        };
        Some((transport, authority.to_string()))
    }

    /// What is wrong with it, each with the name of the setting.
    pub(super) fn faults(&self) -> Vec<(&'static str, String)> {
        let Some((transport, _)) = self.transport() else {
            let reason = "write an address such as https://siem.example.org/studio or \
                          syslog+tls://siem.example.org:6514; a password goes into authorization";
            return vec![("url", reason.to_owned())];
        };
        let mut faults = Vec::new();
        if self.authorization.is_some() && transport != AuditTransport::Http {
            let reason = "syslog has no headers: take it away, or write an https:// address";
            faults.push(("authorization", reason.to_owned()));
        }
        let encrypted = self.url.starts_with("https:") || self.url.starts_with("syslog+tls:");
        if self.ca.is_some() && !encrypted {
            let reason = "it means nothing without TLS: write an https:// or syslog+tls:// address, or \
                          take this away";
            faults.push(("ca", reason.to_owned()));
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(url: &str) -> AuditStream {
        AuditStream {
            url: url.to_owned(),
            format: AuditFormat::Jsonl,
            authorization: None,
            ca: None,
        }
    }

    #[test]
    fn addresses_say_how_entries_travel() {
        let of = |url: &str| stream(url).transport();
        let http = |host: &str| Some((AuditTransport::Http, host.to_owned()));
        assert_eq!(of("https://siem.example.org/a?b=c"), http("siem.example.org"));
        let syslog =
            |encrypted| Some((AuditTransport::Syslog { encrypted }, "[::1]:6514".to_owned()));
        assert_eq!(of("syslog+tls://[::1]:6514"), syslog(true));
        assert_eq!(of("syslog+tcp://[::1]:6514/"), syslog(false));
        for wrong in [
            "",
            "siem",
            "ftp://siem",
            "syslog://siem:514",
            "syslog+tls://siem",
            "syslog+tls://siem:6514/a",
            "https://user:word@siem",
            "https://",
        ] {
            assert_eq!(of(wrong), None, "{wrong}");
            assert_eq!(stream(wrong).faults()[0].0, "url", "{wrong}");
        }
    }

    #[test]
    fn what_means_nothing_is_told() {
        let ca = Some(PathBuf::from("ca.pem"));
        let authorization = Some(HeaderText::Text("Bearer x".into()));
        let faults = |stream: AuditStream| -> Vec<_> {
            stream.faults().into_iter().map(|(setting, _)| setting).collect()
        };
        let told = AuditStream { ca: ca.clone(), authorization, ..stream("syslog+tcp://siem:514") };
        assert_eq!(faults(told), ["authorization", "ca"]);
        assert_eq!(faults(AuditStream { ca, ..stream("https://siem") }), [""; 0]);
    }
}

//! Mail that Studio sends.

use std::{path::PathBuf, time::Duration};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Secret;

/// Longest time that a mail server may take for one answer.
const LONGEST: u32 = 300;

/// Mail that Studio sends, by a server that speaks SMTP. Without `host` it sends none.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MailConfig {
    /// The server's name, which its certificate must have, or its IP address.
    pub host: Option<String>,
    /// Its port; by default 587 with `starttls`, 465 with `tls` and 25 with `none`.
    pub port: Option<u16>,
    /// How the connection is kept from others.
    pub security: MailSecurity,
    /// What the server knows this one by, where it asks.
    pub username: Option<String>,
    /// The password for it.
    pub password: Option<Secret>,
    /// Who mails come from, such as `Studio <studio@example.org>`.
    pub from: Option<String>,
    /// Certificates (PEM) of authorities that are trusted besides the system's.
    pub ca_file: Option<PathBuf>,
    /// Seconds that the server may take for each answer.
    pub timeout_seconds: u32,
}

/// How a connection to a mail server is kept from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MailSecurity {
    /// It changes to TLS before anything is said.
    StartTls,
    /// TLS from the start.
    Tls,
    /// Nothing does: for a server on the same machine.
    None,
}

impl Default for MailConfig {
    fn default() -> Self {
        Self {
            host: None,
            port: None,
            security: MailSecurity::StartTls,
            username: None,
            password: None,
            from: None,
            ca_file: None,
            timeout_seconds: 30,
        }
    }
}

impl MailConfig {
    /// How long the server may take for each answer.
    pub fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout_seconds.into())
    }

    /// Everything that cannot work as it is, each with the name of its setting.
    pub(super) fn faults(&self) -> Vec<(&'static str, String)> {
        let mut faults = Vec::new();
        let mut add = |wrong: bool, setting, reason: &str| {
            if wrong {
                faults.push((setting, reason.to_owned()));
            }
        };
        let Some(host) = &self.host else {
            let any = self.port.is_some()
                || self.username.is_some()
                || self.password.is_some()
                || self.from.is_some()
                || self.ca_file.is_some();
            add(
                any,
                "mail.host",
                "no server is named, so the rest of mail means nothing: name one",
            );
            return faults;
        };
        let odd = host.is_empty() || host.contains(['/', ':', '@', ' ']) && !is_ip(host);
        add(odd, "mail.host", "write a name such as smtp.example.org, and the port in mail.port");
        add(
            self.from.as_ref().is_none_or(|from| !from.contains('@')),
            "mail.from",
            "say who mails come from: Studio <studio@example.org>",
        );
        add(
            self.security == MailSecurity::None && !is_this_machine(host),
            "mail.security",
            "\"none\" is for a server on this machine, since mails hold links that sign people in: \
             write \"starttls\" or \"tls\"",
        );
        add(
            self.security == MailSecurity::None && self.ca_file.is_some(),
            "mail.ca_file",
            "it means nothing without TLS: take it away, or change mail.security",
        );
        match (&self.username, &self.password) {
            (Some(_), None) => add(true, "mail.password", "mail.username needs it: set both"),
            (None, Some(_)) => add(true, "mail.username", "mail.password needs it: set both"),
            _ => {}
        }
        let seconds = (1..=LONGEST).contains(&self.timeout_seconds);
        add(!seconds, "mail.timeout_seconds", "write 1 to 300 seconds");
        faults
    }
}

fn is_ip(host: &str) -> bool {
    host.parse::<std::net::IpAddr>().is_ok()
}

/// Whether a host is this machine, as far as its name says.
pub(super) fn is_this_machine(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || bare.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(change: impl FnOnce(&mut MailConfig)) -> Vec<&'static str> {
        let mut config = MailConfig {
            host: Some("smtp.example.org".to_owned()),
            from: Some("Studio <studio@example.org>".to_owned()),
            ..MailConfig::default()
        };
        change(&mut config);
        config.faults().into_iter().map(|(setting, _)| setting).collect()
    }

    #[test]
    fn what_cannot_work_is_named() {
        assert!(named(|_| {}).is_empty());
        assert!(MailConfig::default().faults().is_empty(), "no mail is in order, too");
        assert_eq!(named(|config| config.host = None), ["mail.host"]);
        assert_eq!(named(|config| config.host = Some("smtp://a".to_owned())), ["mail.host"]);
        assert_eq!(named(|config| config.from = None), ["mail.from"]);
        assert_eq!(named(|config| config.username = Some("u".to_owned())), ["mail.password"]);
        assert_eq!(named(|config| config.password = Some("p".into())), ["mail.username"]);
        assert_eq!(named(|config| config.timeout_seconds = 0), ["mail.timeout_seconds"]);
    }

    #[test]
    fn only_this_machine_is_spoken_to_in_the_clear() {
        let clear = |host: &str| {
            named(|config| {
                config.security = MailSecurity::None;
                config.host = Some(host.to_owned());
            })
        };
        for host in ["localhost", "127.0.0.1", "::1", "127.8.8.8"] {
            assert!(clear(host).is_empty(), "{host}");
        }
        for host in ["10.0.0.1", "smtp.example.org", "localhost.example.org", "127.0.0.1.example"] {
            assert_eq!(clear(host), ["mail.security"], "{host}");
        }
    }
}

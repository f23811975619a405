//! Sends the audit log to a SIEM: in HTTP requests or in syslog messages.

mod syslog;
mod webhook;

use std::sync::Arc;

use anyhow::Context;
use async_trait::async_trait;
use studio_identity::{AuditRow, AuditSink, AuditTold};
use studio_router::transport::Authorities;
use studio_service::{
    Config,
    config::{AuditFormat, AuditStream, AuditTransport},
};

use crate::{audit::Entry, ca::Ca};

/// Where entries go, once they are written.
#[async_trait]
trait Way: Send + Sync {
    /// Sends lines of JSON, each with the entry that it tells of.
    async fn send(&self, lines: &[(&AuditRow, String)]) -> anyhow::Result<()>;

    /// Whether it can be reached. No entry is sent.
    async fn probe(&self) -> anyhow::Result<()>;
}

struct Stream {
    format: AuditFormat,
    way: Box<dyn Way>,
}

/// The system that the configuration names, if it names one.
///
/// # Errors
/// Where a file of the settings cannot be used.
pub(crate) fn sink(config: &Config) -> anyhow::Result<Option<Arc<dyn AuditSink>>> {
    let Some(settings) = &config.audit.stream else { return Ok(None) };
    let way = way(settings, &config.public_url()).context("the setting audit.stream")?;
    Ok(Some(Arc::new(Stream { format: settings.format, way })))
}

/// Tries whether the system can be reached.
///
/// # Errors
/// Where it cannot, or a file of the settings cannot be used.
pub(crate) async fn probe(settings: &AuditStream, config: &Config) -> anyhow::Result<()> {
    way(settings, &config.public_url())?.probe().await
}

fn way(settings: &AuditStream, public_url: &str) -> anyhow::Result<Box<dyn Way>> {
    let (transport, address) = settings.transport().context("url is no such address")?;
    let ca = settings.ca.as_deref().map(Ca::read).transpose()?;
    let tls = || {
        let config = Authorities::client_config(ca.as_ref().map(|ca| &ca.authorities));
        config.map_err(anyhow::Error::msg)
    };
    Ok(match transport {
        AuditTransport::Http => Box::new(webhook::Webhook::new(settings, tls()?)?),
        AuditTransport::Syslog { encrypted } => {
            let tls = encrypted.then(tls).transpose()?;
            Box::new(syslog::Syslog::new(address, tls, public_url)?)
        }
    })
}

#[async_trait]
impl AuditSink for Stream {
    async fn take(&self, entries: &[AuditTold]) -> Result<(), String> {
        let line =
            |told: &AuditTold| anyhow::Ok(Entry::of(told)?.written(self.format)?.to_string());
        let lines = entries.iter().map(|told| Ok((&told.row, line(told)?)));
        let lines = lines.collect::<anyhow::Result<Vec<_>>>();
        let sent = match lines {
            Ok(lines) => self.way.send(&lines).await,
            Err(error) => Err(error),
        };
        sent.map_err(|error| format!("{error:#}"))
    }
}

//! Entries as syslog messages (RFC 5424) with their lengths before them (RFC 6587, section 3.4.1; over TLS
//! RFC 5425, section 4.3). Syslog acknowledges nothing: what was on its way when a connection broke may be
//! lost there.

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use async_trait::async_trait;
use futures::FutureExt;
use studio_identity::AuditRow;
use studio_kernel::Timestamp;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    sync::Mutex,
};
use tokio_rustls::{
    TlsConnector,
    rustls::{ClientConfig, pki_types::ServerName},
};

use super::Way;

/// How long it may take to connect, and to take a batch.
const PATIENCE: Duration = Duration::from_secs(10);
/// Facility "log audit" (RFC 5424, section 6.2.1).
const AUDIT: u8 = 13;
/// Severities: something normal that matters, and what is merely told.
const NOTICE: u8 = 5;
const INFORMATIONAL: u8 = 6;

trait Connection: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Connection for T {}

pub(super) struct Syslog {
    /// Host and port.
    address: String,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    /// Which Studio it is: HOSTNAME of the messages.
    host: String,
    connection: Mutex<Option<Box<dyn Connection>>>,
}

impl Syslog {
    pub(super) fn new(
        address: String,
        tls: Option<ClientConfig>,
        public_url: &str,
    ) -> anyhow::Result<Self> {
        let (host, _port) = address.rsplit_once(':').context("there is no port in the url")?;
        let name = host.trim_matches(['[', ']']).to_owned();
        let named = |config: ClientConfig| {
            let name =
                ServerName::try_from(name).context("its host is no name for a certificate")?;
            anyhow::Ok((TlsConnector::from(Arc::new(config)), name))
        };
        let tls = tls.map(named).transpose()?;
        let host = public_url.split("://").nth(1).and_then(|rest| rest.split(['/', ':']).next());
        let host = host.filter(|host| !host.is_empty()).unwrap_or("-").chars().take(255).collect();
        Ok(Self { address, tls, host, connection: Mutex::default() })
    }

    async fn connect(&self) -> anyhow::Result<Box<dyn Connection>> {
        let connecting = async {
            let plain = TcpStream::connect(&self.address).await?;
            plain.set_nodelay(true)?;
            Ok(match &self.tls {
                None => Box::new(plain) as Box<dyn Connection>,
                Some((connector, name)) => Box::new(connector.connect(name.clone(), plain).await?),
            })
        };
        tokio::time::timeout(PATIENCE, connecting).await.context("it does not answer in time")?
    }
}

#[async_trait]
impl Way for Syslog {
    async fn send(&self, lines: &[(&AuditRow, String)]) -> anyhow::Result<()> {
        let mut bytes = Vec::new();
        for (row, line) in lines {
            let message = message(&self.host, row, line);
            bytes.extend_from_slice(format!("{} {message}", message.len()).as_bytes());
        }
        let mut kept = self.connection.lock().await;
        // Only one that took everything is used again.
        let mut connection = match kept.take().and_then(open) {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        let written = async {
            connection.write_all(&bytes).await?;
            connection.flush().await
        };
        tokio::time::timeout(PATIENCE, written).await.context("it does not read in time")??;
        *kept = Some(connection);
        Ok(())
    }

    async fn probe(&self) -> anyhow::Result<()> {
        self.connect().await.map(drop)
    }
}

/// A connection, unless the other side has closed it.
fn open(mut connection: Box<dyn Connection>) -> Option<Box<dyn Connection>> {
    // Nothing is ever said to us: what is there to read is an end or a fault.
    let waiting = connection.read(&mut [0; 1]).now_or_never();
    waiting.is_none().then_some(connection)
}

/// `<PRI>1 TIMESTAMP HOSTNAME APP-NAME PROCID MSGID STRUCTURED-DATA MSG`
fn message(host: &str, row: &AuditRow, line: &str) -> String {
    let severity = if row.outcome == "succeeded" { INFORMATIONAL } else { NOTICE };
    let priority = AUDIT * 8 + severity;
    let at = Timestamp::from_micros(row.recorded_at);
    format!("<{priority}>1 {at} {host} studio - audit - {line}")
}

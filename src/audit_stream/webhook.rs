//! Entries in HTTP requests: `POST` with a line of JSON for each (`application/x-ndjson`). What is answered by
//! 2xx was taken; everything else comes again.

use std::time::Duration;

use anyhow::{Context, bail};
use async_trait::async_trait;
use reqwest::{
    Client, StatusCode, Url,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue},
    redirect,
};
use studio_identity::AuditRow;
use studio_service::config::AuditStream;
use tokio_rustls::rustls::ClientConfig;

use super::Way;

/// How long one request may take.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) struct Webhook {
    url: Url,
    client: Client,
}

impl Webhook {
    pub(super) fn new(settings: &AuditStream, tls: ClientConfig) -> anyhow::Result<Self> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
        if let Some(authorization) = &settings.authorization {
            let secret = authorization.read().map_err(anyhow::Error::msg)?;
            let mut value = HeaderValue::try_from(secret.expose())
                .context("authorization is no value of a header")?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        let client = Client::builder()
            .tls_backend_preconfigured(tls)
            .default_headers(headers)
            // Somebody else's address must not get the secret.
            .redirect(redirect::Policy::none())
            .timeout(PATIENCE)
            .build()?;
        Ok(Self { url: settings.url.parse()?, client })
    }
}

impl Webhook {
    async fn post(&self, body: String) -> anyhow::Result<StatusCode> {
        let sent = self.client.post(self.url.clone()).body(body).send().await;
        // The address may hold a secret in its query.
        Ok(sent.map_err(reqwest::Error::without_url)?.status())
    }
}

#[async_trait]
impl Way for Webhook {
    async fn send(&self, lines: &[(&AuditRow, String)]) -> anyhow::Result<()> {
        let mut body = String::new();
        for (_, line) in lines {
            body.push_str(line);
            body.push('\n');
        }
        match self.post(body).await? {
            status if status.is_success() => Ok(()),
            status => bail!("it answers {status}"),
        }
    }

    async fn probe(&self) -> anyhow::Result<()> {
        // What it thinks of a request without entries is its own matter.
        match self.post(String::new()).await? {
            status @ (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND) => {
                bail!("it answers {status}")
            }
            _ => Ok(()),
        }
    }
}

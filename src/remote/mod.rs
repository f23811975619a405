//! Subgraphs that somebody else runs: how the configuration says that they are reached, and where their
//! schemas come from.

mod headers;
mod part;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use anyhow::Context;
use studio_router::{
    SubgraphSdl, check_sdl, discover,
    transport::{HttpOptions, HttpSubgraph, SubscriptionTransport},
};
use studio_service::config::{HeaderText, RemoteSubgraph, Secret, Subscriptions};

use self::headers::Headers;
pub(crate) use self::part::Part;
use crate::{ca::Ca, schema};

/// Bytes of one answer, or of one event of a subscription.
const ANSWER: usize = 64 << 20;

/// Waits until subgraphs are to be asked for their schemas again; for ever where they are not.
pub(crate) async fn polled(every: Option<Duration>) {
    match every {
        Some(every) => tokio::time::sleep(every).await,
        None => std::future::pending().await,
    }
}

/// A subgraph that somebody else runs.
#[derive(Debug)]
pub(crate) struct Remote {
    pub(crate) settings: RemoteSubgraph,
    /// The values of its headers, which may stand in files that change.
    headers: BTreeMap<String, Secret>,
    /// Those that are trusted with its certificate, whose file may change, too.
    ca: Option<Ca>,
    pub(crate) transport: Arc<HttpSubgraph>,
}

impl Remote {
    /// As `settings` say; `before` is kept, with its connections, where nothing is different.
    /// `forward_authorization` is what holds where the settings do not say.
    pub(crate) fn new(
        settings: &RemoteSubgraph,
        forward_authorization: bool,
        before: Option<&Arc<Self>>,
    ) -> anyhow::Result<Arc<Self>> {
        let read = |(name, text): (&String, &HeaderText)| {
            let value = text.read().map_err(anyhow::Error::msg);
            anyhow::Ok((name.clone(), value.with_context(|| format!("its header {name}"))?))
        };
        let values = settings.headers.iter().map(read);
        let values = values.collect::<anyhow::Result<BTreeMap<String, Secret>>>()?;
        let ca = settings.ca.as_deref().map(Ca::read).transpose()?;
        if let Some(same) = before
            && same.settings == *settings
            && same.headers == values
            && same.ca == ca
        {
            return Ok(same.clone());
        }
        let forward = settings.forward_authorization.unwrap_or(forward_authorization);
        let organization = settings.organization_header.as_deref();
        let options = HttpOptions {
            timeout: Duration::from_secs(settings.timeout_seconds.into()),
            response_bytes: ANSWER,
            subscriptions: match settings.subscriptions {
                Subscriptions::Sse => SubscriptionTransport::Sse,
                Subscriptions::Websocket => {
                    SubscriptionTransport::WebSocket(settings.websocket_url())
                }
            },
            headers: Some(Arc::new(Headers::new(&values, forward, organization)?)),
            ca: ca.as_ref().map(|ca| ca.authorities.clone()),
            ..HttpOptions::default()
        };
        let transport = Arc::new(HttpSubgraph::new(&settings.url, options)?);
        Ok(Arc::new(Self { settings: settings.clone(), headers: values, ca, transport }))
    }

    /// Its schema, from the file or from itself.
    pub(crate) async fn schema(&self) -> anyhow::Result<SubgraphSdl> {
        let sdl = match &self.settings.schema {
            Some(file) => {
                let sdl = schema::text(file)?;
                check_sdl(&sdl).with_context(|| format!("{} is not read", file.display()))?;
                sdl
            }
            None => discover(&self.transport)
                .await
                .with_context(|| format!("{} is asked for its schema", self.settings.url))?,
        };
        let (name, url) = (self.settings.name.clone(), Some(self.settings.url.clone()));
        Ok(SubgraphSdl { name, url, sdl })
    }
}

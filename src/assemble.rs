//! Builds subgraphs, all of them or some, on the stores of this process, and starts what runs behind
//! them. What lives in another process is reached over HTTP, at the addresses in the configuration.

use std::{collections::BTreeMap, sync::Arc};

use anyhow::{Context, bail};
use axum::middleware;
use studio_access::Policy;
use studio_events::{EventFeed, Leadership};
use studio_identity::Identity;
use studio_kernel::Env;
use studio_service::{
    Config, Deps, DocumentText, Feeds, Subgraph,
    feed::HttpFeed,
    internal::{HttpDocumentText, InternalClient, InternalSigner, Options},
    notices::Refusals,
    reading,
};
use studio_stores::{
    graph::{Graph, PetGraph},
    limits::Limits,
};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::{
    consumers::CONSUMERS,
    mail,
    policies::Policies,
    stores::{SUBGRAPHS, Stores},
    wake,
};

/// Everything that runs behind the gateway in this process.
pub(crate) struct Assembly {
    /// The subgraphs, without their background work, which runs already.
    pub(crate) subgraphs: Vec<Running>,
    /// Who is signed in, and how the first organization is set up, where identity is among them.
    pub(crate) identity: Option<Identity>,
    /// Who may do what.
    pub(crate) policy: Arc<Policy>,
    /// Consumers, score workers, schedulers.
    background: JoinSet<()>,
    /// Ends the part of it that answers need.
    drained: CancellationToken,
    _stores: Stores,
}

/// A subgraph whose background work has been started.
pub(crate) struct Running {
    pub(crate) name: &'static str,
    pub(crate) graphql: Arc<dyn studio_service::GraphQlService>,
    pub(crate) routes: axum::Router,
    pub(crate) internal: axum::Router,
    pub(crate) feed: Arc<dyn EventFeed>,
    pub(crate) audit: Arc<dyn EventFeed>,
    pub(crate) store: studio_events::EventStore,
}

/// What the subgraphs share, and how others are reached.
struct Builder {
    stores: Stores,
    env: Env,
    config: Arc<Config>,
    policy: Arc<Policy>,
    notices: Refusals,
    leadership: Leadership,
    shutdown: CancellationToken,
    drained: CancellationToken,
    signer: InternalSigner,
    graph: Arc<dyn Graph>,
    limits: Arc<dyn Limits>,
    text: Option<Arc<dyn DocumentText>>,
    identity: Option<Identity>,
}

/// Builds the named subgraphs and starts them. `role` is how this process names itself to others;
/// `leadership` says whether it may do their work in the background.
pub(crate) async fn assemble(
    stores: Stores,
    role: &'static str,
    names: &[&'static str],
    leadership: Leadership,
    shutdown: CancellationToken,
) -> anyhow::Result<Assembly> {
    let (env, config) = (stores.env.clone(), stores.config.clone());
    let notices = Refusals::new(names, &env);
    let policies = Policies::begin(&config.policy, &env, Some(Arc::new(notices.clone())))?;
    let policy = policies.policy.clone();
    let signer = InternalSigner::from_keyring(&stores.keyring, role, env.clone())
        .await
        .context("the keyring does not open")?;
    // Only controls fills and asks the graph.
    let graph = match names.contains(&"controls") {
        true => stores.graph().await.context("the graph does not open (setting stores.graph)")?,
        false => Arc::new(PetGraph::new()),
    };
    let (bus, limits) =
        stores.shared().await.context("Redis does not start (setting stores.redis)")?;
    let mut builder = Builder {
        stores,
        env,
        config,
        policy: policy.clone(),
        notices,
        leadership,
        shutdown: shutdown.clone(),
        drained: CancellationToken::new(),
        signer,
        graph,
        limits,
        text: None,
        identity: None,
    };
    let mut subgraphs = Vec::new();
    // In the order of SUBGRAPHS, whatever was named first: the later ones use the earlier ones.
    for name in SUBGRAPHS.into_iter().filter(|name| names.contains(name)) {
        let built = builder.build(name).await;
        subgraphs.push(built.with_context(|| format!("{name} does not start"))?);
    }
    let feeds = builder.feeds(&subgraphs)?;
    let logs = subgraphs.iter().map(|subgraph| (subgraph.name, subgraph.store.clone())).collect();
    let mut background = JoinSet::new();
    background.spawn(policies.follow(shutdown.clone()));
    for subgraph in &subgraphs {
        let notices = builder.notices.of(subgraph.name);
        let (store, drained) = (subgraph.store.clone(), builder.drained.clone());
        background.spawn(notices.keep(store, drained));
    }
    if let Some(identity) = &builder.identity
        && leadership != Leadership::Never
    {
        background.spawn(identity.keep_audit_log(builder.audited(&subgraphs)?));
        if let Some(sink) = crate::audit_stream::sink(&builder.config)? {
            background.spawn(identity.stream_audit_log(sink));
        }
    }
    let subgraphs = subgraphs
        .into_iter()
        .map(|subgraph| {
            let audit = subgraph.audit();
            let Subgraph { name, graphql, routes, internal, feed, store, start, .. } = subgraph;
            let tasks = start(&feeds).with_context(|| format!("{name} does not start"))?;
            for task in tasks {
                background.spawn(task);
            }
            let routes = routes.layer(middleware::from_fn(reading::rest));
            Ok(Running { name, graphql, routes, internal, feed, audit, store })
        })
        .collect::<anyhow::Result<_>>()?;
    if let Some(bus) = bus {
        background.spawn(wake::carry(bus, logs, shutdown));
    }
    let Builder { stores, drained, identity, .. } = builder;
    Ok(Assembly { subgraphs, identity, policy, background, drained, _stores: stores })
}

impl Builder {
    async fn build(&mut self, name: &'static str) -> anyhow::Result<Subgraph> {
        Ok(match name {
            "identity" => {
                let deps = self.deps(name).await?;
                let mailer = mail::mailer(&self.config).context("mail cannot be sent")?;
                let (subgraph, identity) =
                    studio_identity::build(deps, self.limits.clone(), mailer).await?;
                self.identity = Some(identity);
                subgraph
            }
            "controls" => {
                let deps = self.deps(name).await?;
                studio_controls::build(deps).await?
            }
            "evidence" => {
                let deps = self.deps(name).await?;
                studio_evidence::build(deps).await?
            }
            "documents" => {
                let deps = self.deps(name).await?;
                let (subgraph, text) = studio_documents::build(deps).await?;
                self.text = Some(text);
                subgraph
            }
            "ai" => {
                let text = match self.text.clone() {
                    Some(text) => text,
                    None => Arc::new(HttpDocumentText::new(self.client("documents", name)?)),
                };
                let deps = self.deps(name).await?;
                studio_ai::build(deps, text).await?
            }
            other => bail!("there is no subgraph \"{other}\""),
        })
    }

    /// The dependencies of one subgraph, its store migrated.
    async fn deps(&self, name: &'static str) -> anyhow::Result<Deps> {
        Ok(Deps {
            env: self.env.clone(),
            database: self.stores.database(name).await?,
            keyring: self.stores.keyring.clone(),
            policy: self.policy.clone(),
            notices: self.notices.of(name),
            blobs: self.stores.blobs(name).await?,
            graph: self.graph.clone(),
            config: self.config.clone(),
            leadership: self.leadership,
            shutdown: self.shutdown.clone(),
            drained: self.drained.clone(),
        })
    }

    /// The feeds of what is built here, and of what it follows elsewhere.
    fn feeds(&self, built: &[Subgraph]) -> anyhow::Result<Feeds> {
        let mut feeds: Feeds = BTreeMap::new();
        for subgraph in built {
            feeds.insert(subgraph.name, subgraph.feed.clone());
        }
        for consumer in &CONSUMERS {
            let here = built.iter().any(|subgraph| subgraph.name == consumer.subgraph);
            if here && !feeds.contains_key(consumer.source) {
                let client = self.client(consumer.source, consumer.subgraph)?;
                feeds.insert(consumer.source, HttpFeed::new(client));
            }
        }
        Ok(feeds)
    }

    /// What each log tells the audit log, which identity keeps.
    fn audited(&self, built: &[Subgraph]) -> anyhow::Result<Vec<Arc<dyn EventFeed>>> {
        let feed = |name: &&'static str| -> anyhow::Result<Arc<dyn EventFeed>> {
            Ok(match built.iter().find(|subgraph| subgraph.name == *name) {
                Some(subgraph) => subgraph.audit(),
                None => HttpFeed::audit(self.client(name, "identity")?),
            })
        };
        SUBGRAPHS.iter().map(feed).collect()
    }

    /// Reaches a subgraph of another process, which `needed_by` needs.
    fn client(&self, name: &str, needed_by: &str) -> anyhow::Result<InternalClient> {
        let addresses = self.config.cluster.addresses.of(name);
        InternalClient::new(name, addresses, self.signer.clone(), Options::default())
            .with_context(|| format!("{needed_by} needs {name}: set cluster.addresses.{name}"))
    }
}

impl Assembly {
    /// Ends the background work and closes the logs. The shutdown token is cancelled already, and no
    /// request is under way.
    pub(crate) async fn close(mut self) {
        self.drained.cancel();
        while let Some(ended) = self.background.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "a background task did not end well");
            }
        }
        for subgraph in self.subgraphs {
            subgraph.store.shutdown().await;
        }
    }
}

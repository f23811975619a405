//! Builds all five subgraphs on embedded stores, in one process.

use std::sync::Arc;

use anyhow::Context;
use sea_orm_migration::MigratorTrait;
use studio_access::Policy;
use studio_identity::Identity;
use studio_kernel::Env;
use studio_service::{Config, Deps, Feeds, Subgraph};
use studio_stores::{
    blobs::{DirectoryBlobs, SealedBlobs},
    keyring::Keyring,
    sql::{Database, SqlOptions},
};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::{data_dir::DataDir, keyring};

/// Everything that runs behind the gateway.
pub(crate) struct Assembly {
    /// The subgraphs, without their background work, which runs already.
    pub(crate) subgraphs: Vec<Running>,
    /// Who is signed in, and how the first organization is set up.
    pub(crate) identity: Identity,
    /// Consumers, score workers, schedulers.
    pub(crate) background: JoinSet<()>,
    _data: DataDir,
}

/// A subgraph whose background work has been started.
pub(crate) struct Running {
    pub(crate) name: &'static str,
    pub(crate) graphql: Arc<dyn studio_service::GraphQlService>,
    pub(crate) routes: axum::Router,
    pub(crate) store: studio_events::EventStore,
}

/// What the subgraphs share.
struct Shared {
    env: Env,
    data: DataDir,
    keyring: Arc<Keyring>,
    policy: Arc<Policy>,
    config: Arc<Config>,
    shutdown: CancellationToken,
}

impl Shared {
    /// The dependencies of one subgraph, its store migrated.
    async fn deps<M: MigratorTrait>(&self, name: &'static str) -> anyhow::Result<Deps> {
        let file = self.data.join(format!("{name}.db"));
        let database =
            Database::connect(&format!("sqlite://{}", file.display()), SqlOptions::default())
                .await
                .with_context(|| format!("the store of {name} does not open"))?;
        M::up(database.writer(), None)
            .await
            .with_context(|| format!("the store of {name} cannot be brought up to date"))?;
        let blobs = DirectoryBlobs::open(self.data.join("blobs").join(name))
            .with_context(|| format!("the blobs of {name} do not open"))?;
        Ok(Deps {
            env: self.env.clone(),
            database,
            keyring: self.keyring.clone(),
            policy: self.policy.clone(),
            blobs: Arc::new(SealedBlobs::new(blobs, self.keyring.clone())),
            config: self.config.clone(),
            shutdown: self.shutdown.clone(),
        })
    }
}

/// Opens the stores in the data folder and starts every subgraph.
pub(crate) async fn assemble(
    config: Arc<Config>,
    env: Env,
    shutdown: CancellationToken,
) -> anyhow::Result<Assembly> {
    let data = DataDir::open(&config.data_dir)?;
    let keyring = keyring::open(&data.join("keyring"), env.clone()).await?;
    let policy = Policy::embedded().context("the policies do not load")?;
    let shared = Shared {
        env,
        data,
        keyring: Arc::new(keyring),
        policy: Arc::new(policy),
        config,
        shutdown,
    };

    use studio_migrations as migrations;
    let deps = shared.deps::<migrations::identity::Migrator>("identity").await?;
    let (identity_subgraph, identity) =
        studio_identity::build(deps).await.context("identity does not start")?;
    let deps = shared.deps::<migrations::controls::Migrator>("controls").await?;
    let controls = studio_controls::build(deps).await.context("controls does not start")?;
    let deps = shared.deps::<migrations::evidence::Migrator>("evidence").await?;
    let evidence = studio_evidence::build(deps).await.context("evidence does not start")?;
    let deps = shared.deps::<migrations::documents::Migrator>("documents").await?;
    let (documents, text) =
        studio_documents::build(deps).await.context("documents does not start")?;
    let deps = shared.deps::<migrations::ai::Migrator>("ai").await?;
    let ai = studio_ai::build(deps, text).await.context("ai does not start")?;

    let subgraphs = [identity_subgraph, controls, evidence, documents, ai];
    let feeds: Feeds =
        subgraphs.iter().map(|subgraph| (subgraph.name, subgraph.feed.clone())).collect();
    let mut background = JoinSet::new();
    let subgraphs = subgraphs
        .into_iter()
        .map(|subgraph| {
            let Subgraph { name, graphql, routes, store, start, .. } = subgraph;
            for task in start(&feeds) {
                background.spawn(task);
            }
            Running { name, graphql, routes, store }
        })
        .collect();
    Ok(Assembly { subgraphs, identity, background, _data: shared.data })
}

impl Assembly {
    /// Ends the background work and closes the logs. The shutdown token is cancelled already.
    pub(crate) async fn close(mut self) {
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

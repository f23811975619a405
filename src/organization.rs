//! `studio organization create`: further organizations, by whoever runs the server
//! (docs/decisions/0005).

use std::sync::Arc;

use anyhow::Context;
use studio_events::Leadership;
use studio_identity::NewOrganization;
use studio_kernel::Env;
use tokio_util::sync::CancellationToken;

use crate::{assemble, cli::OrganizationVerb, client, stores::Stores};

pub(crate) async fn run(verb: OrganizationVerb) -> anyhow::Result<()> {
    let OrganizationVerb::Create { settings, name, owner_name, owner_email } = verb;
    let config = Arc::new(settings.load(None)?);
    studio_service::telemetry::init(&config.log).map_err(anyhow::Error::msg)?;
    let password = client::new_password().await?;
    let shutdown = CancellationToken::new();
    let stores = Stores::open(config, Env::system(), 1).await?;
    let assembly =
        assemble::assemble(stores, "command", &["identity"], Leadership::Never, shutdown.clone())
            .await?;
    let identity = assembly.identity.as_ref().context("identity is missing")?;
    let new = NewOrganization {
        name: name.clone(),
        owner_name,
        owner_email: owner_email.clone(),
        password: password.into(),
    };
    let made = identity.create_organization(new).await;
    shutdown.cancel();
    assembly.close().await;
    let made = made.with_context(|| format!("\"{name}\" was not made"))?;
    println!("Made \"{name}\" ({}); its owner signs in as {owner_email}.", made.organization);
    Ok(())
}

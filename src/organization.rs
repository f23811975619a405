//! `studio organization create` and `studio account recover`: further organizations, and people who lost
//! what they signed in with, by whoever runs the server (docs/decisions/0005, 0033).

use std::sync::Arc;

use anyhow::Context;
use studio_events::Leadership;
use studio_identity::{Identity, NewOrganization, Refusal};
use studio_kernel::Env;
use tokio_util::sync::CancellationToken;

use crate::{
    assemble,
    cli::{AccountVerb, OrganizationVerb, Settings},
    client,
    stores::Stores,
};

pub(crate) async fn run(verb: OrganizationVerb) -> anyhow::Result<()> {
    let OrganizationVerb::Create { settings, name, owner_name, owner_email } = verb;
    let made = with_identity(settings, async |identity, password| {
        let new = NewOrganization {
            name: name.clone(),
            owner_name,
            owner_email: owner_email.clone(),
            password: password.into(),
        };
        identity.create_organization(new).await
    });
    let made = made.await?.with_context(|| format!("\"{name}\" was not made"))?;
    println!("Made \"{name}\" ({}); its owner signs in as {owner_email}.", made.organization);
    Ok(())
}

/// `studio account recover`
pub(crate) async fn recover(verb: AccountVerb) -> anyhow::Result<()> {
    let AccountVerb::Recover { settings, email, remove_second_factor } = verb;
    let recovered = with_identity(settings, async |identity, password| {
        identity.recover_account(&email, &password, remove_second_factor).await
    });
    recovered.await?.context("nothing was changed")?;
    let factor = if remove_second_factor { ", there is no second factor any more" } else { "" };
    println!("{email} has another password{factor}, and is signed out everywhere.");
    Ok(())
}

/// Asks for a password, and does something with it in an identity subgraph that serves nobody.
async fn with_identity<T>(
    settings: Settings,
    work: impl AsyncFnOnce(&Identity, String) -> Result<T, Refusal>,
) -> anyhow::Result<Result<T, Refusal>> {
    let config = Arc::new(settings.load(None)?);
    studio_service::telemetry::init(&config.log).map_err(anyhow::Error::msg)?;
    let password = client::new_password().await?;
    let shutdown = CancellationToken::new();
    let stores = Stores::open(config, Env::system(), 1).await?;
    let assembly =
        assemble::assemble(stores, "command", &["identity"], Leadership::Never, shutdown.clone())
            .await?;
    let identity = assembly.identity.as_ref().context("identity is missing")?;
    let done = work(identity, password).await;
    shutdown.cancel();
    assembly.close().await;
    Ok(done)
}

//! `studio organization` and `studio account recover`: further organizations, in which state each of them is, and people who lost
//! what they signed in with, by whoever runs the server (docs/decisions/0005, 0033, 0047).

use std::sync::Arc;

use anyhow::Context;
use studio_events::Leadership;
use studio_identity::{Identity, NewOrganization, Refusal};
use studio_kernel::{Env, TenantId, published::identity::OrganizationState};
use tokio_util::sync::CancellationToken;

use crate::{
    assemble,
    cli::{AccountVerb, OneOrganization, OrganizationVerb, Settings},
    client,
    stores::Stores,
};

pub(crate) async fn run(verb: OrganizationVerb) -> anyhow::Result<()> {
    let (settings, name, owner_name, owner_email) = match verb {
        OrganizationVerb::Create { settings, name, owner_name, owner_email } => {
            (settings, name, owner_name, owner_email)
        }
        OrganizationVerb::List { settings } => return list(settings).await,
        OrganizationVerb::Suspend(one) => return put(one, OrganizationState::Suspended).await,
        OrganizationVerb::Archive(one) => return put(one, OrganizationState::Archived).await,
        OrganizationVerb::Restore(one) => return put(one, OrganizationState::Active).await,
    };
    let password = client::new_password().await?;
    let made = with_identity(settings, async |identity| {
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

/// `studio organization list`
async fn list(settings: Settings) -> anyhow::Result<()> {
    let all = with_identity(settings, async |identity| identity.organizations().await).await??;
    for it in all {
        println!("{}  {:9}  {}  {}", it.organization, it.state.as_str(), it.created_at, it.name);
    }
    Ok(())
}

/// `studio organization suspend`, `archive` and `restore`
async fn put(one: OneOrganization, state: OrganizationState) -> anyhow::Result<()> {
    let OneOrganization { settings, organization } = one;
    let organization: TenantId = organization
        .parse()
        .context("--organization takes an id, org_…, as studio organization list prints it")?;
    let changed = with_identity(settings, async |identity| {
        identity.put_organization_into(organization, state).await
    });
    let changed = changed.await?.context("nothing was changed")?;
    let now = if changed { "is" } else { "was already" };
    println!("{organization} {now} {}.", state.as_str());
    Ok(())
}

/// `studio account recover`
pub(crate) async fn recover(verb: AccountVerb) -> anyhow::Result<()> {
    let AccountVerb::Recover { settings, email, remove_second_factor } = verb;
    let password = client::new_password().await?;
    let recovered = with_identity(settings, async |identity| {
        identity.recover_account(&email, &password, remove_second_factor).await
    });
    recovered.await?.context("nothing was changed")?;
    let factor = if remove_second_factor { ", there is no second factor any more" } else { "" };
    println!("{email} has another password{factor}, and is signed out everywhere.");
    Ok(())
}

/// Does something in an identity subgraph that serves nobody.
async fn with_identity<T>(
    settings: Settings,
    work: impl AsyncFnOnce(&Identity) -> Result<T, Refusal>,
) -> anyhow::Result<Result<T, Refusal>> {
    let config = Arc::new(settings.load(None)?);
    studio_service::telemetry::init(&config.log).map_err(anyhow::Error::msg)?;
    let shutdown = CancellationToken::new();
    let stores = Stores::open(config, Env::system(), 1).await?;
    let assembly =
        assemble::assemble(stores, "command", &["identity"], Leadership::Never, shutdown.clone())
            .await?;
    let identity = assembly.identity.as_ref().context("identity is missing")?;
    let done = work(identity).await;
    shutdown.cancel();
    assembly.close().await;
    Ok(done)
}

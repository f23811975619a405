//! `studio login`, `studio logout` and `studio whoami`.

use std::time::Duration;

use anyhow::Context;
use studio_sdk::{
    Client, Error,
    operations::{WhoAmI, who_am_i},
};

use super::{asked, browser, session, to_the_second};
use crate::cli;

/// `studio login`
pub(crate) async fn login(arguments: cli::Login) -> anyhow::Result<()> {
    let client = Client::new(&arguments.server)?;
    if arguments.browser {
        let patience = Duration::from_secs(arguments.wait);
        browser::sign_in(&client, !arguments.no_open, patience).await?;
        session::begin(&client)?;
        let me = client.query::<WhoAmI>(who_am_i::Variables { after: None }).await?.me;
        println!("Signed in to {} as {}.", client.url(), me.email.unwrap_or_default());
        return Ok(());
    }
    let email = match arguments.email {
        Some(email) => email,
        None => asked::email()?,
    };
    match client.log_in(&email, &asked::password().await?).await {
        Err(Error::SecondFactor(challenge)) => {
            client.complete_log_in(&challenge, &asked::code().await?).await?;
        }
        signed_in => signed_in?,
    }
    session::begin(&client)?;
    println!("Signed in to {} as {email}.", client.url());
    Ok(())
}

/// `studio logout`
pub(crate) async fn logout(arguments: cli::Server) -> anyhow::Result<()> {
    let saved = session::Saved::open(&arguments)?;
    let client = match saved.resume().await {
        Ok(client) => client,
        Err(error) if session::has_ended(&error) => {
            saved.forget()?;
            println!("The session at {} had ended already; it is forgotten here.", saved.server());
            return Ok(());
        }
        Err(error) => return Err(still_open(error, &saved)),
    };
    client.log_out().await.map_err(|error| still_open(error.into(), &saved))?;
    saved.forget()?;
    println!("Signed out of {}.", client.url());
    Ok(())
}

/// What to do where the server was not told.
fn still_open(error: anyhow::Error, saved: &session::Saved) -> anyhow::Error {
    error.context(format!(
        "the session at {} could not be ended: try again, or delete {} to forget it on this machine \
         alone (on the server it ends by itself when it is not used)",
        saved.server(),
        saved.path().display(),
    ))
}

/// `studio whoami`
pub(crate) async fn whoami(arguments: cli::Server) -> anyhow::Result<()> {
    let client = session::client(&arguments).await?;
    let mut after = None;
    let (me, expires) = loop {
        let me = client.query::<WhoAmI>(who_am_i::Variables { after }).await?.me;
        if let Some(current) = me.sessions.nodes.iter().find(|session| session.current) {
            let expires = to_the_second(&current.expires_at);
            break (me, expires);
        }
        after = me.sessions.page_info.end_cursor.clone();
        if !me.sessions.page_info.has_next_page {
            let answer = "the session that asks is not among the sessions".to_owned();
            return Err(Error::Answer(answer).into());
        }
    };
    let name = me.name.context("you were erased while you asked")?;
    let plain = |role: String| role.to_lowercase().replace('_', " ");
    let everywhere = me.roles.iter().map(|role| plain(format!("{role:?}")));
    let there = me.project_roles.into_iter().map(|it| {
        let project = it.project.map_or(it.project_id, |project| project.name);
        format!("{} of {project}", plain(format!("{:?}", it.role)))
    });
    let roles: Vec<_> = everywhere.chain(there).collect();
    println!("{name} <{}>, {}", me.email.unwrap_or_default(), roles.join(" and "));
    println!("Organization  {}", me.organization.map(|of| of.name).unwrap_or_default());
    println!("Server        {}", client.url());
    println!("Signed in     until {expires}, and longer each time it is used");
    Ok(())
}

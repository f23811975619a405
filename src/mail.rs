//! The mail server that the configuration names.

use std::sync::Arc;

use anyhow::Context;
use studio_mail::{Mailer, Security, SmtpMailer, SmtpOptions};
use studio_service::{
    Config,
    config::{MailSecurity, Secret},
};
use zeroize::Zeroizing;

/// What sends mail, if anything does. That the server is away stops no start: mails wait in the log.
pub(crate) fn mailer(config: &Config) -> anyhow::Result<Option<Arc<dyn Mailer>>> {
    Ok(match smtp(config)? {
        Some(mailer) => Some(Arc::new(mailer)),
        None => None,
    })
}

/// Connects to the server and signs in, and sends nothing.
pub(crate) async fn probe(config: &Config) -> anyhow::Result<()> {
    match smtp(config)? {
        Some(mailer) => Ok(mailer.probe().await?),
        None => Ok(()),
    }
}

fn smtp(config: &Config) -> anyhow::Result<Option<SmtpMailer>> {
    let mail = &config.mail;
    let (Some(host), Some(from)) = (&mail.host, &mail.from) else { return Ok(None) };
    let password = |secret: &Secret| Zeroizing::new(secret.expose().to_owned());
    let ca = mail.ca_file.as_ref().map(std::fs::read).transpose().context("mail.ca_file")?;
    let options = SmtpOptions {
        host: host.clone(),
        port: mail.port,
        security: match mail.security {
            MailSecurity::StartTls => Security::StartTls,
            MailSecurity::Tls => Security::Tls,
            MailSecurity::None => Security::None,
        },
        credentials: mail.username.clone().zip(mail.password.as_ref().map(password)),
        from: from.clone(),
        ca,
        timeout: mail.timeout(),
    };
    Ok(Some(SmtpMailer::new(options)?))
}

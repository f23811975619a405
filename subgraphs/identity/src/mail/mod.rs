//! Mails to people: what they say, and the reaction that sends them (docs/decisions/0022-jobs-are-reactions.md).
//! The event is recorded before the mail is written, and how far the sending has come is the place of a
//! consumer: no crash loses a mail. One that is sent twice after a crash has the same id both times.

use std::sync::Arc;

use async_trait::async_trait;
use studio_events::{
    EventStore, Expected, Handler, HandlerError, PublishedType, Reaction, StreamAppend,
};
use studio_kernel::{Env, Id, TenantId, kind, published::CloudEvent};
use studio_mail::{Mail, MailError, Mailer};

use crate::{
    commands::Core,
    domain::{
        invitation::{Invitation, InvitationMailed, InvitationSent, invitation_of, person_of},
        mailed::{EmailVerificationRequested, MailKind, MailSent, PasswordResetRequested},
        user::User,
    },
    personal::sealed_from_row,
    projections::users,
    tokens::{MailedToken, sha256},
};

/// The events that a mail follows from.
pub(crate) static ASKED: &[PublishedType] = &[
    PublishedType::of::<PasswordResetRequested>(),
    PublishedType::of::<EmailVerificationRequested>(),
    PublishedType::of::<InvitationSent>(),
];

/// What a mail says. The first line is the subject; `{link}` stands for the link.
const fn text(mail: MailKind) -> &'static str {
    match mail {
        MailKind::PasswordReset => include_str!("password_reset.txt"),
        MailKind::EmailVerification => include_str!("email_verification.txt"),
        MailKind::Invitation => include_str!("invitation.txt"),
    }
}

/// What the page is told by the address that a link leads to. After a `#`, so that no server on the way
/// gets to see the token.
const fn fragment(mail: MailKind) -> &'static str {
    match mail {
        MailKind::PasswordReset => "reset",
        MailKind::EmailVerification => "verify",
        MailKind::Invitation => "invite",
    }
}

/// Sends a mail for each event that asks for one.
pub(crate) struct SendMail {
    core: Arc<Core>,
    mailer: Arc<dyn Mailer>,
    public_url: String,
}

/// To whom a mail goes.
struct Recipient {
    /// What they are called, where that is known.
    name: Option<String>,
    /// Where it goes.
    address: String,
}

/// A link that somebody asked for.
struct Asked {
    mail: MailKind,
    /// Whose it is; of an invitation, who may come of it.
    user: Id<kind::User>,
    nonce: String,
    token_hash: String,
}

impl SendMail {
    /// Who sends mails, in metadata and as the consumer's name.
    pub(crate) const NAME: &str = "identity.mail";

    /// Sends them by `mailer`, with links to `public_url`.
    pub(crate) fn new(core: Arc<Core>, mailer: Arc<dyn Mailer>, public_url: String) -> Self {
        Self { core, mailer, public_url }
    }

    fn store(&self) -> &EventStore {
        &self.core.store
    }

    fn env(&self) -> &Env {
        &self.core.env
    }

    /// The mail; `None` where it would help nobody any more.
    async fn write(&self, event: &CloudEvent, asked: &Asked) -> Result<Option<Mail>, HandlerError> {
        let recipient = match asked.mail {
            MailKind::Invitation => self.invited(event, asked).await?,
            MailKind::PasswordReset | MailKind::EmailVerification => {
                self.person(event, asked).await?
            }
        };
        let Some(Recipient { name, address }) = recipient else { return Ok(None) };
        let link = self.link(event.tenant, asked)?;
        let (subject, text) = text(asked.mail).split_once("\n\n").unwrap_or_default();
        Ok(Some(Mail {
            id: event.id.to_string(),
            at: event.time,
            name,
            address,
            subject: subject.to_owned(),
            text: text.replace("{link}", &link),
        }))
    }

    /// Who was invited, as long as the link works. Nobody knows what they are called.
    async fn invited(
        &self,
        event: &CloudEvent,
        asked: &Asked,
    ) -> Result<Option<Recipient>, HandlerError> {
        let stream = invitation_of(asked.user).to_string();
        let invitation = self.store().load::<Invitation>(event.tenant, &stream).await;
        let invitation = invitation.map_err(HandlerError::unavailable)?.state;
        let Ok(sent) = invitation.offered(&asked.token_hash, self.env().now()) else {
            return Ok(None);
        };
        let address = self.core.people.open_address(event.tenant, &sent.email).await;
        let address = address.map_err(HandlerError::unavailable)?;
        Ok(address.map(|address| Recipient { name: None, address }))
    }

    /// The person whose link it is, as long as it works.
    async fn person(
        &self,
        event: &CloudEvent,
        asked: &Asked,
    ) -> Result<Option<Recipient>, HandlerError> {
        let Asked { mail, user, .. } = *asked;
        let stream = user.to_string();
        let person = self.store().load::<User>(event.tenant, &stream).await;
        let person = person.map_err(HandlerError::unavailable)?.state;
        // Used, too old, or followed by another one.
        if !person.mailed.works(mail, &asked.token_hash, self.env().now()) {
            return Ok(None);
        }
        let row = users::find(self.store(), event.tenant, user).await;
        let row = row.map_err(HandlerError::unavailable)?;
        // Nothing once the person was erased.
        let Some(sealed) = row.and_then(|row| row.profile) else { return Ok(None) };
        let sealed = sealed_from_row(&sealed).map_err(HandlerError::failed)?;
        let profile = self.core.people.open_profile(event.tenant, &sealed).await;
        let profile = profile.map_err(HandlerError::unavailable)?;
        Ok(profile.map(|it| Recipient { name: Some(it.name), address: it.email }))
    }

    fn link(&self, tenant: TenantId, asked: &Asked) -> Result<String, HandlerError> {
        let token = MailedToken::again(tenant, asked.user, &asked.nonce)
            .map(|token| self.core.mailed_tokens.write(asked.mail, &token))
            .filter(|token| sha256(token.as_bytes()) == asked.token_hash)
            .ok_or_else(|| HandlerError::failed("the key that the link was made with is gone"))?;
        Ok(format!("{}/#{}={}", self.public_url, fragment(asked.mail), *token))
    }
}

#[async_trait]
impl Handler for SendMail {
    async fn handle(&self, event: &CloudEvent) -> Result<Reaction, HandlerError> {
        let Some(asked) = read(event)? else { return Ok(Reaction::none(event)) };
        let Some(mail) = self.write(event, &asked).await? else {
            return Ok(Reaction::none(event));
        };
        self.mailer.send(&mail).await.map_err(|error| match error {
            MailError::Refused(_) => HandlerError::failed(error),
            MailError::Unavailable(_) => HandlerError::unavailable(error),
        })?;
        // Whatever else happened to the person meanwhile: the mail is out.
        let Asked { mail, user, .. } = asked;
        let stream = if mail == MailKind::Invitation {
            let invitation = invitation_of(user);
            let mailed = vec![InvitationMailed { invitation }.into()];
            StreamAppend::of::<Invitation>(invitation.to_string(), Expected::Any, mailed)
        } else {
            let sent = vec![MailSent { user, mail }.into()];
            StreamAppend::of::<User>(user.to_string(), Expected::Any, sent)
        };
        Ok(Reaction::to(event, Self::NAME, vec![stream.map_err(HandlerError::failed)?]))
    }
}

fn read(event: &CloudEvent) -> Result<Option<Asked>, HandlerError> {
    if let Some(asked) = event.read::<PasswordResetRequested>() {
        let PasswordResetRequested { user, nonce, token_hash, .. } =
            asked.map_err(HandlerError::failed)?;
        return Ok(Some(Asked { mail: MailKind::PasswordReset, user, nonce, token_hash }));
    }
    if let Some(asked) = event.read::<EmailVerificationRequested>() {
        let EmailVerificationRequested { user, nonce, token_hash, .. } =
            asked.map_err(HandlerError::failed)?;
        return Ok(Some(Asked { mail: MailKind::EmailVerification, user, nonce, token_hash }));
    }
    if let Some(sent) = event.read::<InvitationSent>() {
        let InvitationSent { invitation, nonce, token_hash, .. } =
            sent.map_err(HandlerError::failed)?;
        let user = person_of(invitation);
        return Ok(Some(Asked { mail: MailKind::Invitation, user, nonce, token_hash }));
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_text_has_a_subject_and_one_link() {
        for mail in [MailKind::PasswordReset, MailKind::EmailVerification, MailKind::Invitation] {
            let (subject, body) = text(mail).split_once("\n\n").unwrap();
            assert!(!subject.contains('\n') && subject.len() < 70, "{subject}");
            assert_eq!(body.matches("{link}").count(), 1);
            assert!(body.contains("\n\n{link}\n\n"), "it stands alone");
            // So nothing of it needs to be encoded, and programs find the link whole.
            assert!(body.is_ascii() && body.lines().all(|line| line.len() < 80));
        }
    }
}

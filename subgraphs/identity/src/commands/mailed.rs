//! What people do by links in mails: choosing another password without the one before, and showing that
//! their address is theirs.
//!
//! Nobody learns from asking whether there is an account: the answer is given before anybody has looked,
//! and the same task looks whether there is something to find or not.

use std::{sync::Arc, time::Duration};

use studio_access::Resource;
use studio_events::Metadata;
use studio_kernel::{Actor, Code, Id, Principal, TenantId, kind};
use studio_service::ApiError;
use studio_stores::limits::{Limits, Quota};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{Core, Failure, Request, users::metadata};
use crate::{
    domain::{
        input::{self, Fault},
        mailed::{EmailVerificationRequested, LinkOver, MailKind, Offered, PasswordResetRequested},
        user::{User, UserEvent},
    },
    pace::TooFast,
    projections::{read_id, users},
    tokens::{MailedToken, sha256},
};

/// Seconds for which a link to another password works,
const RESET_SECONDS: i64 = 30 * 60;
/// and the one that shows an address.
const VERIFICATION_SECONDS: i64 = 24 * 3600;
/// Mails of one kind to one address: so many at once, and then one in ten minutes.
const MAILS: Quota = Quota { burst: 3, per: Duration::from_secs(3 * 600) };
/// Requests for another password that wait to be looked at.
const WAITING: usize = 1_000;

/// A request for another password, which nobody has looked at yet.
#[derive(Debug)]
pub(crate) struct ResetAsked {
    /// The keyed hash of the address.
    account: String,
    request: Request,
}

/// Mail, where the server sends any.
pub(crate) struct MailDesk {
    limits: Arc<dyn Limits>,
    resets: mpsc::Sender<ResetAsked>,
}

impl MailDesk {
    /// With what the other end takes in: [`keep_resets`].
    pub(crate) fn new(limits: Arc<dyn Limits>) -> (Self, mpsc::Receiver<ResetAsked>) {
        let (resets, asked) = mpsc::channel(WAITING);
        (Self { limits, resets }, asked)
    }

    /// Counts a mail to an address, whether there is such an account or not.
    pub(super) async fn count(&self, mail: &str, account: &str) -> Result<(), Failure> {
        let key = format!("mail-{mail}:{account}");
        let decision = self.limits.check(&key, MAILS, 1).await.map_err(ApiError::internal)?;
        if decision.allowed {
            return Ok(());
        }
        let minutes = decision.retry_after.as_secs().div_ceil(60).max(1);
        let message = format!(
            "Several mails were asked for already: look for the newest one, also among spam, or try \
             again in {minutes} minutes."
        );
        Err(ApiError::new(Code::RateLimited, message).into())
    }
}

impl Core {
    /// Whether mails are sent.
    pub(crate) fn sends_mail(&self) -> bool {
        self.mail.is_some()
    }

    fn desk(&self) -> Result<&MailDesk, Failure> {
        self.mail.as_ref().ok_or_else(|| mail_is_off().into())
    }

    /// Asks for a mail with a link to another password. What it answers, and when, says nothing of
    /// whether there is such an account.
    ///
    /// # Errors
    /// [`Failure::Input`] where the server sends no mail or that is no address; `RATE_LIMITED`.
    pub(crate) async fn request_password_reset(
        &self,
        email: &str,
        request: Request,
    ) -> Result<(), Failure> {
        let desk = self.desk()?;
        self.pace.reset(request.origin()).await?;
        let email = input::email("email", email)?;
        let account = self.people.email_hash(&email);
        desk.count("password-reset", &account).await?;
        desk.resets.try_send(ResetAsked { account, request }).map_err(|_| {
            let message = "Too many people ask for a new password just now: try again in a minute.";
            ApiError::new(Code::RateLimited, message)
        })?;
        Ok(())
    }

    /// Records that a link was asked for, where there is such an account. Somebody without a password
    /// signs in elsewhere, and gets no link that would make one.
    async fn offer_reset(&self, asked: ResetAsked) -> Result<(), Failure> {
        let row = users::by_email(&self.store, &asked.account).await?;
        let may = |row: &users::Row| row.password.is_some() && row.suspended_at.is_none();
        let Some(row) = row.filter(may) else {
            tracing::info!("a new password was asked for where nobody has one");
            return Ok(());
        };
        let (tenant, user) = (read_id(&row.tenant)?, read_id(&row.id)?);
        if !self.store.load::<User>(tenant, &row.id).await?.state.address_lets_in() {
            tracing::info!(%user, "a new password was asked for at an address that is not shown to be theirs");
            return Ok(());
        }
        let offered = self.offered((MailKind::PasswordReset, RESET_SECONDS), tenant, user);
        let Offered { nonce, token_hash, expires_at } = offered;
        let asked_for = PasswordResetRequested { user, nonce, token_hash, expires_at };
        // Whoever asks need not be the person.
        let metadata = asked.request.on(Metadata::system("identity.password_reset"));
        self.record(tenant, user, &metadata, asked_for.into()).await
    }

    /// Chooses another password by a link from a mail, and ends all sessions. The second factor stays.
    ///
    /// # Errors
    /// [`Failure::Input`] for a link that does not work (any more), with one answer for every cause,
    /// or where the password will not do.
    pub(crate) async fn reset_password(
        &self,
        token: &str,
        new: &str,
        request: Request,
    ) -> Result<(), Failure> {
        let mail = MailKind::PasswordReset;
        let (token, hash) = self.mailed_tokens.read(mail, token).ok_or_else(link_over)?;
        let MailedToken { tenant, user, .. } = token;
        // Before anything costly: what was used gets no further.
        let person = self.store.load::<User>(tenant, &user.to_string()).await?.state;
        if !person.mailed.works(mail, &hash, self.env.now()) {
            return Err(link_over().into());
        }
        let row = users::find(&self.store, tenant, user).await?.ok_or_else(link_over)?;
        let about = self.about(tenant, &row).await?;
        self.passwords.judge("newPassword", new, about).await??;
        let metadata = request.on(Metadata::system("identity.password_reset").of_person(user));
        let decide = |state: &User, password| {
            let mut events = state.mailed.use_reset(user, &hash, self.env.now())?;
            events.extend(state.change_password(user, password).ok_or(LinkOver)?);
            Ok(events)
        };
        self.replace_password((tenant, user, None), new, &metadata, decide).await?;
        // What was mistyped before does not hinder the new password; but tries at the codes of a
        // second factor are not to be had by mail.
        if let (Some(account), None) = (row.email_hash, person.factor.secret()) {
            self.backoff.forget(&account).await;
        }
        Ok(())
    }

    /// Asks for a mail that shows that the actor's address is theirs.
    ///
    /// # Errors
    /// [`Failure::Input`] where the server sends no mail or it is shown already; `RATE_LIMITED`.
    pub(crate) async fn request_email_verification(
        &self,
        actor: &Actor,
        request: Request,
    ) -> Result<(), Failure> {
        let Principal::User { user, .. } = actor.principal else {
            return Err(ApiError::unauthenticated().into());
        };
        let resource = Resource::one("User", user, actor.tenant).owned_by(user);
        let tenant = self.policy.require(actor, "identity:account:update", &resource)?.tenant();
        let desk = self.desk()?;
        if self.store.load::<User>(tenant, &user.to_string()).await?.state.mailed.verified() {
            let message = "Your address is verified already.";
            return Err(Fault::new("ALREADY_VERIFIED", "email", message).into());
        }
        desk.count("email-verification", &user.to_string()).await?;
        let offered =
            self.offered((MailKind::EmailVerification, VERIFICATION_SECONDS), tenant, user);
        let Offered { nonce, token_hash, expires_at } = offered;
        let asked = EmailVerificationRequested { user, nonce, token_hash, expires_at };
        self.record(tenant, user, &metadata(actor, &request), asked.into()).await
    }

    /// Shows by a link from a mail that an address is its person's.
    ///
    /// # Errors
    /// [`Failure::Input`] for a link that does not work (any more), with one answer for every cause.
    pub(crate) async fn verify_email(&self, token: &str, request: Request) -> Result<(), Failure> {
        let read = self.mailed_tokens.read(MailKind::EmailVerification, token);
        let (MailedToken { tenant, user, .. }, hash) = read.ok_or_else(link_over)?;
        let metadata = request.on(Metadata::system("identity.email_verification").of_person(user));
        self.store
            .execute::<User, Failure>(tenant, &user.to_string(), &metadata, |state, _| {
                Ok(state.mailed.verify(user, &hash, self.env.now())?)
            })
            .await?;
        Ok(())
    }

    fn offered(
        &self,
        (mail, seconds): (MailKind, i64),
        tenant: TenantId,
        user: Id<kind::User>,
    ) -> Offered {
        let token = MailedToken::new(tenant, user, &self.env);
        Offered {
            nonce: token.nonce(),
            token_hash: sha256(self.mailed_tokens.write(mail, &token).as_bytes()),
            expires_at: self.env.now().plus_seconds(seconds),
        }
    }

    /// Records an event of a person, who may have been erased meanwhile.
    async fn record(
        &self,
        tenant: TenantId,
        user: Id<kind::User>,
        metadata: &Metadata,
        event: UserEvent,
    ) -> Result<(), Failure> {
        self.store
            .execute::<User, Failure>(tenant, &user.to_string(), metadata, |state, _| {
                Ok(if state.exists() { vec![event.clone()] } else { Vec::new() })
            })
            .await?;
        Ok(())
    }
}

/// Looks at requests for another password, one after the other. At the end it does what was asked for
/// before `drained`.
pub(crate) async fn keep_resets(
    core: Arc<Core>,
    mut asked: mpsc::Receiver<ResetAsked>,
    drained: CancellationToken,
) {
    loop {
        let one = tokio::select! {
            biased;
            one = asked.recv() => one,
            () = drained.cancelled() => None,
        };
        let Some(one) = one else { return };
        if let Err(Failure::Api(error)) = core.offer_reset(one).await {
            tracing::error!(%error, "a request for a new password is lost: it has to be made again");
        }
    }
}

impl From<TooFast> for Failure {
    fn from(refused: TooFast) -> Self {
        Self::Api(match refused {
            TooFast::Wait(seconds) => {
                let message =
                    format!("Too much is asked from your address: try again in {seconds} seconds.");
                ApiError::new(Code::RateLimited, message)
            }
            TooFast::Ours(error) => error,
        })
    }
}

fn mail_is_off() -> Fault {
    Fault::new(
        "MAIL_IS_OFF",
        "email",
        "This server sends no mail: ask whoever runs it. They let you in again with studio account \
         recover, or turn mail on by the settings in [mail].",
    )
}

fn link_over() -> Fault {
    Fault::new(
        "INVALID_TOKEN",
        "token",
        "That link does not work (any more): it works once, for a limited time, and only until you ask \
         for another one. Ask for a new link.",
    )
}

impl From<LinkOver> for Failure {
    fn from(_: LinkOver) -> Self {
        link_over().into()
    }
}

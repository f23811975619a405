//! Inviting people: whoever reads the mail of an address becomes a person, with a password that nobody else
//! has seen.
//!
//! Who invites must be able to add such a person, at that moment and again when it is accepted: an invitation
//! outlives no role. Whether an address signs in to another organization shows nowhere but to whoever reads its
//! mail.

use studio_access::Resource;
use studio_events::{Append, Expected, Metadata, StreamAppend};
use studio_kernel::{
    Actor, Authn, AuthnMethod, Code, Id, Principal, Role, TenantId, Timestamp, kind,
};
use studio_service::ApiError;
use zeroize::Zeroizing;

use super::{
    Core, Failure, Faults, Request,
    mailed::MailDesk,
    roles::{RANK, for_a_project, may_end, rank},
    users::metadata,
};
use crate::{
    domain::{
        input::{self, Fault},
        invitation::{
            Invitation, InvitationAccepted, InvitationRefused, InvitationSent, Offer,
            invitation_of, person_of,
        },
        mailed::{EmailVerified, MailKind},
        user::{User, UserEvent},
    },
    personal::Profile,
    projections::{
        invitations::{self, Row},
        organizations, users,
    },
    tokens::{MailedToken, sha256},
};

/// Seconds for which a link works.
const INVITATION_SECONDS: i64 = 7 * 86_400;
/// Invitations of one organization that are open, at most.
const MOST: u64 = 1_000;

/// How often an acceptance is decided anew when something else was first.
const TRIES: u32 = 4;

/// Whom to invite, to what.
pub(crate) struct NewInvitation {
    /// The e-mail address.
    pub email: String,
    /// What they will be able to do.
    pub roles: Vec<Role>,
    /// In which project alone; in the whole organization where there is none.
    pub project: Option<Id<kind::Project>>,
    /// When that ends by itself, if it does.
    pub until: Option<Timestamp>,
}

/// What somebody who was invited chooses.
pub(crate) struct Acceptance {
    /// The token from the link.
    pub token: Zeroizing<String>,
    /// What they are called.
    pub name: String,
    /// Their password.
    pub password: Zeroizing<String>,
}

impl Core {
    /// Invites whoever reads the mail of an address.
    ///
    /// # Errors
    /// `FORBIDDEN`; [`Failure::Input`] with what is wrong with the input, where the server sends no mail,
    /// and where the address is in the organization or invited already; `RATE_LIMITED`.
    pub(crate) async fn invite_user(
        &self,
        actor: &Actor,
        new: NewInvitation,
        request: Request,
    ) -> Result<Id<kind::Invitation>, Failure> {
        let actor = self.as_of_now(actor).await?;
        let resource = Resource::any("Invitation", actor.tenant).with(RANK, rank(&[&new.roles]));
        let tenant = self.policy.require(&actor, "identity:invitation:create", &resource)?.tenant();
        let by = person(&actor)?;
        let desk = self.invitation_desk()?;
        let mut faults = Faults::default();
        let email = faults.take(input::email("email", &new.email));
        let offer = self.offer(&mut faults, &new);
        faults.none()?;
        let Some(email) = email else {
            // `none` has answered already.
            return Err(Failure::Input(Vec::new()));
        };
        let account = self.people.email_hash(&email);
        self.may_be_invited(tenant, &account).await?;
        desk.count("invitation", &format!("{tenant}/{account}")).await?;
        let invitation: Id<kind::Invitation> = self.env.id();
        let sealed = self.people.seal(tenant, person_of(invitation), email.as_bytes()).await?;
        let sent = self.link_to(
            tenant,
            InvitationSent {
                invitation,
                email: sealed,
                offer,
                by,
                nonce: String::new(),
                token_hash: String::new(),
                expires_at: self.env.now(),
            },
        );
        let stream = StreamAppend::of::<Invitation>(
            invitation.to_string(),
            Expected::NoStream,
            vec![sent.into()],
        )?;
        self.store.append(Append::new(tenant, metadata(&actor, &request), vec![stream])).await?;
        Ok(invitation)
    }

    fn offer(&self, faults: &mut Faults, new: &NewInvitation) -> Offer {
        let mut roles = new.roles.clone();
        roles.sort_unstable();
        roles.dedup();
        if roles.is_empty() {
            faults.take::<()>(Err(Fault::new("NO_ROLE", "roles", "Give at least one role.")));
        }
        if new.project.is_some() {
            faults.take(for_a_project("roles", &roles));
        }
        if let Some(until) = new.until {
            let now = self.env.now();
            let may = roles.iter().try_for_each(|role| may_end("roles", *role, until, now));
            faults.take(may);
        }
        Offer { roles, project: new.project, until: new.until }
    }

    /// An address that signs in to another organization is told from others by whoever reads its mail alone.
    async fn may_be_invited(&self, tenant: TenantId, account: &str) -> Result<(), Failure> {
        let fault = |code, message: &str| Err(Fault::new(code, "email", message).into());
        let known = users::by_email(&self.store, account).await?;
        if known.is_some_and(|row| row.tenant == tenant.to_string()) {
            let message = "Somebody of your organization signs in with that address already: change what they \
                           may do by changeRoles.";
            return fault("EMAIL_TAKEN", message);
        }
        if invitations::is_open_for(&self.store, tenant, account).await? {
            let message = "That address is invited already: send another link by resendInvitation, or take the \
                           invitation back by revokeInvitation.";
            return fault("ALREADY_INVITED", message);
        }
        if invitations::count_open(&self.store, tenant).await? >= MOST {
            let message = format!(
                "{MOST} invitations are open: take some back by revokeInvitation before you send more."
            );
            return fault("TOO_MANY_INVITATIONS", &message);
        }
        Ok(())
    }

    /// Sends another link for an invitation; those before do not work any more.
    ///
    /// # Errors
    /// `FORBIDDEN`; `NOT_FOUND`; [`Failure::Input`] where it was accepted or taken back, or the server sends
    /// no mail; `RATE_LIMITED`.
    pub(crate) async fn resend_invitation(
        &self,
        actor: &Actor,
        invitation: Id<kind::Invitation>,
        request: Request,
    ) -> Result<(), Failure> {
        let actor = self.as_of_now(actor).await?;
        let (tenant, stream) = (actor.tenant, invitation.to_string());
        let state = self.store.load::<Invitation>(tenant, &stream).await?.state;
        self.may_resend(&actor, invitation, &state)?;
        let by = person(&actor)?;
        let desk = self.invitation_desk()?;
        desk.count("invitation-again", &format!("{tenant}/{invitation}")).await?;
        let metadata = metadata(&actor, &request);
        self.store
            .execute::<Invitation, Failure>(tenant, &stream, &metadata, |state, _| {
                let sent = self.may_resend(&actor, invitation, state)?.clone();
                Ok(vec![self.link_to(tenant, InvitationSent { by, ..sent }).into()])
            })
            .await?;
        Ok(())
    }

    fn may_resend<'a>(
        &self,
        actor: &Actor,
        invitation: Id<kind::Invitation>,
        state: &'a Invitation,
    ) -> Result<&'a InvitationSent, Failure> {
        let resource = as_resource(actor.tenant, invitation, state);
        let _all = self.policy.require(actor, "identity:invitation:create", &resource)?;
        let sent = state.open().map_err(|refused| refusal(invitation, refused))?;
        if sent.offer.until.is_some_and(|until| until <= self.env.now()) {
            let message =
                "What it offers has ended: take it back by revokeInvitation, and invite anew.";
            return Err(Fault::new("OFFER_OVER", "invitationId", message).into());
        }
        Ok(sent)
    }

    /// Takes an invitation back, and destroys the key that its address is sealed with. Repeating it
    /// completes what was cut short.
    ///
    /// # Errors
    /// `FORBIDDEN`; `NOT_FOUND`; [`Failure::Input`] where it was accepted.
    pub(crate) async fn revoke_invitation(
        &self,
        actor: &Actor,
        invitation: Id<kind::Invitation>,
        request: Request,
    ) -> Result<(), Failure> {
        // Not while it is being accepted.
        self.with_roles_held(async {
            let actor = self.as_of_now(actor).await?;
            let tenant = actor.tenant;
            self.store
                .execute::<Invitation, Failure>(
                    tenant,
                    &invitation.to_string(),
                    &metadata(&actor, &request),
                    |state, _| {
                        let resource = as_resource(tenant, invitation, state);
                        let _all =
                            self.policy.require(&actor, "identity:invitation:revoke", &resource)?;
                        state.revoke().map_err(|refused| refusal(invitation, refused))
                    },
                )
                .await?;
            Ok(self.people.erase(tenant, person_of(invitation)).await?)
        })
        .await
    }

    /// Makes a person of whoever has the link.
    ///
    /// # Errors
    /// [`Failure::Input`] for a link that does not work (any more), with one answer for every cause; for
    /// what is wrong with the name or the password; and where somebody signs in with the address by now.
    pub(crate) async fn accept_invitation(
        &self,
        acceptance: Acceptance,
        request: Request,
    ) -> Result<(), Failure> {
        let read = self.mailed_tokens.read(MailKind::Invitation, &acceptance.token);
        let (token, hash) = read.ok_or_else(invitation_over)?;
        // Before anything costly, and before anybody waits: what was used gets no further.
        let stream = invitation_of(token.user).to_string();
        let state = self.store.load::<Invitation>(token.tenant, &stream).await?.state;
        state.offered(&hash, self.env.now()).map_err(|_| invitation_over())?;
        // What whoever invited may do must not change meanwhile.
        self.with_roles_held(async {
            let mut tries = TRIES;
            loop {
                tries -= 1;
                match self.accept_now(token, &hash, &acceptance, request.clone()).await {
                    // That the mail is out may be recorded at the same moment.
                    Err(Failure::Api(error)) if error.code() == Code::Conflict && tries > 0 => {}
                    done => return done,
                }
            }
        })
        .await
    }

    async fn accept_now(
        &self,
        MailedToken { tenant, user, .. }: MailedToken,
        hash: &str,
        acceptance: &Acceptance,
        request: Request,
    ) -> Result<(), Failure> {
        let invitation = invitation_of(user);
        let loaded = self.store.load::<Invitation>(tenant, &invitation.to_string()).await?;
        let sent = loaded.state.offered(hash, self.env.now()).map_err(|_| invitation_over())?;
        self.still_invites(tenant, sent).await?;
        let email = self.people.open_address(tenant, &sent.email).await?;
        let email = email.ok_or_else(invitation_over)?;
        let mut faults = Faults::default();
        let name = faults.take(input::name("name", &acceptance.name));
        let organization = organizations::find(&self.store, tenant).await?.map(|row| row.name);
        let about = [name.clone(), Some(email.clone()), organization].into_iter().flatten();
        let password = &acceptance.password;
        faults.take(self.passwords.judge("password", password, about.collect()).await?);
        faults.none()?;
        let profile = Profile { name: name.unwrap_or_default(), email };
        let held = sent.offer.held();
        let mut events = self.new_person(tenant, user, &profile, password, &held).await?;
        // Whoever has the link reads the mail of the address.
        events.push(UserEvent::from(EmailVerified { user }));
        let streams = vec![
            StreamAppend::of::<User>(user.to_string(), Expected::NoStream, events)?,
            StreamAppend::of::<Invitation>(
                invitation.to_string(),
                Expected::Version(loaded.version),
                vec![InvitationAccepted { invitation, user }.into()],
            )?,
        ];
        let metadata = request.on(Metadata::system("identity.invitation").of_person(user));
        let append = Append::new(tenant, metadata, streams);
        let position = self.append_with_email(append, &profile.email, "token").await?;
        self.sessions.roles_are(user, held, position);
        Ok(())
    }

    /// Whether who invited could add such a person now.
    async fn still_invites(&self, tenant: TenantId, sent: &InvitationSent) -> Result<(), Failure> {
        let inviter = Actor::user(tenant, sent.by, self.env.id(), Vec::new());
        // How fresh their sign-in was, was judged when they invited.
        let authn = Authn::new(self.env.now(), vec![AuthnMethod::Pwd]);
        let inviter = self.as_of_now(&inviter.signed_in(Some(authn))).await?;
        let resource = Resource::any("User", tenant).with(RANK, rank(&[&sent.offer.roles]));
        // Asked and not required: it is not their refusal.
        if self.policy.decide(&inviter, "identity:user:create", &resource).allow {
            return Ok(());
        }
        tracing::info!(%tenant, invitation = %sent.invitation, "who invited may not any more");
        Err(invitation_over().into())
    }

    /// The same invitation with a new link.
    fn link_to(&self, tenant: TenantId, sent: InvitationSent) -> InvitationSent {
        let token = MailedToken::new(tenant, person_of(sent.invitation), &self.env);
        let text = self.mailed_tokens.write(MailKind::Invitation, &token);
        InvitationSent {
            nonce: token.nonce(),
            token_hash: sha256(text.as_bytes()),
            expires_at: self.env.now().plus_seconds(INVITATION_SECONDS),
            ..sent
        }
    }

    fn invitation_desk(&self) -> Result<&MailDesk, Failure> {
        self.mail.as_ref().ok_or_else(|| {
            let message = "This server sends no mail: whoever runs it turns it on by the settings in [mail]. \
                           Until then, add people by createUser.";
            Fault::new("MAIL_IS_OFF", "email", message).into()
        })
    }

    /// Invitations of the actor's organization, newest first, after an id.
    ///
    /// # Errors
    /// `FORBIDDEN`.
    pub(crate) async fn invitations(
        &self,
        actor: &Actor,
        after: Option<&str>,
        limit: u64,
    ) -> Result<Vec<Row>, ApiError> {
        let resource = Resource::any("Invitation", actor.tenant);
        let scope = self.policy.require(actor, "identity:invitation:read", &resource)?;
        Ok(invitations::page(&self.store, scope.tenant(), after, limit).await?)
    }

    /// One invitation of the actor's organization.
    ///
    /// # Errors
    /// `FORBIDDEN`.
    pub(crate) async fn invitation(
        &self,
        actor: &Actor,
        invitation: Id<kind::Invitation>,
    ) -> Result<Option<Row>, ApiError> {
        let resource = Resource::any("Invitation", actor.tenant);
        let scope = self.policy.require(actor, "identity:invitation:read", &resource)?;
        Ok(invitations::find(&self.store, scope.tenant(), invitation).await?)
    }
}

/// The person who asks: programs and parts of Studio invite nobody.
fn person(actor: &Actor) -> Result<Id<kind::User>, Failure> {
    match actor.principal {
        Principal::User { user, .. } => Ok(user),
        _ => Err(ApiError::unauthenticated().into()),
    }
}

fn as_resource(tenant: TenantId, invitation: Id<kind::Invitation>, state: &Invitation) -> Resource {
    let roles = state.sent().map_or(&[][..], |sent| &sent.offer.roles);
    Resource::one("Invitation", invitation, tenant).with(RANK, rank(&[roles]))
}

fn refusal(invitation: Id<kind::Invitation>, refused: InvitationRefused) -> Failure {
    let fault = |code, message: &str| Fault::new(code, "invitationId", message).into();
    match refused {
        InvitationRefused::NoSuchInvitation => ApiError::not_found("invitation", invitation).into(),
        InvitationRefused::Accepted => {
            fault("ACCEPTED", "It was accepted: change what that person may do by changeRoles.")
        }
        InvitationRefused::Revoked => {
            fault("REVOKED", "It was taken back: invite the address anew by inviteUser.")
        }
    }
}

fn invitation_over() -> Fault {
    Fault::new(
        "INVALID_TOKEN",
        "token",
        "That invitation does not work (any more): its link works once, for 7 days, and only until another one \
         is sent or the invitation is taken back. Ask whoever invited you for another one.",
    )
}

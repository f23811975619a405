//! Invitations.

use async_graphql::{
    Context, Enum, ID, InputObject, Object, SimpleObject,
    connection::{Connection, EmptyFields},
};
use chrono::{DateTime, Utc};
use studio_kernel::{Id, Role, Timestamp, kind};
use studio_service::{
    ApiError,
    graphql::{PageArgs, UserError, actor, connection, gql, id},
};
use zeroize::Zeroizing;

use super::{
    RoleName,
    account::errors,
    core, request,
    stubs::Project,
    user::{self, User},
};
use crate::{
    commands::{Acceptance, Failure, NewInvitation},
    domain::invitation::person_of,
    personal::sealed_from_row,
    projections::{invitations::Row, read_id, users::read_roles},
};

/// How far an invitation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
enum InvitationState {
    /// The link works.
    Open,
    /// The link is too old: `resendInvitation` sends another one.
    Expired,
    /// Somebody came of it.
    Accepted,
    /// It was taken back.
    Revoked,
}

/// Somebody who was invited to the organization by mail.
pub(super) struct Invitation(Row);

/// Somebody who was invited to the organization by mail.
#[Object]
impl Invitation {
    /// The id, `inv_…`.
    async fn id(&self) -> ID {
        ID(self.0.id.clone())
    }

    /// The e-mail address; null once the invitation was taken back, or the person was erased.
    async fn email(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<String>> {
        let Some(sealed) = &self.0.email else { return Ok(None) };
        let tenant = read_id(&self.0.tenant).map_err(gql)?;
        let sealed = sealed_from_row(sealed).map_err(gql)?;
        core(ctx)?.people.open_address(tenant, &sealed).await.map_err(gql)
    }

    /// What whoever accepts may do.
    async fn roles(&self) -> Vec<RoleName> {
        read_roles(&self.0.roles).into_iter().map(RoleName::from).collect()
    }

    /// The id of the project that the roles are for, `prj_…`; null for the whole organization.
    async fn project_id(&self) -> Option<ID> {
        self.0.project.clone().map(ID)
    }

    /// The project that the roles are for; null for the whole organization, and where there is none of that id
    /// that you can see.
    async fn project(&self) -> async_graphql::Result<Option<Project>> {
        let project = self.0.project.as_deref().map(read_id).transpose().map_err(gql)?;
        Ok(project.map(Project::of))
    }

    /// The first instant at which the roles do not count any more; null where they have no end.
    async fn until(&self) -> Option<DateTime<Utc>> {
        self.0.roles_until.map(instant)
    }

    /// How far it is.
    async fn state(&self, ctx: &Context<'_>) -> async_graphql::Result<InvitationState> {
        let now = core(ctx)?.env.now().micros();
        Ok(match &self.0 {
            Row { accepted_at: Some(_), .. } => InvitationState::Accepted,
            Row { revoked_at: Some(_), .. } => InvitationState::Revoked,
            row if row.expires_at <= now || row.roles_until.is_some_and(|until| until <= now) => {
                InvitationState::Expired
            }
            _ => InvitationState::Open,
        })
    }

    /// Who sent the newest link.
    async fn invited_by(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<User>> {
        user::find(ctx, read_id(&self.0.invited_by).map_err(gql)?).await
    }

    /// When the first link was sent.
    async fn invited_at(&self) -> DateTime<Utc> {
        instant(self.0.invited_at)
    }

    /// When the newest link stops working.
    async fn expires_at(&self) -> DateTime<Utc> {
        instant(self.0.expires_at)
    }

    /// When a mail server took the mail with the newest link; null while none has.
    async fn mailed_at(&self) -> Option<DateTime<Utc>> {
        self.0.mailed_at.map(instant)
    }

    /// Who came of it; null while nobody has.
    async fn user(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<User>> {
        if self.0.accepted_at.is_none() {
            return Ok(None);
        }
        user::find(ctx, person_of(read_id(&self.0.id).map_err(gql)?)).await
    }
}

fn instant(micros: i64) -> DateTime<Utc> {
    Timestamp::from_micros(micros).to_datetime()
}

/// Somebody to invite.
#[derive(InputObject)]
struct InviteUserInput {
    /// The e-mail address. It must be one that nobody of the organization signs in with.
    email: String,
    /// What they will be able to do, at least one role.
    roles: Vec<RoleName>,
    /// The project that the roles are for, `prj_…`; left out for the whole organization. Owner and admin are
    /// roles of the whole organization alone.
    project_id: Option<ID>,
    /// The first instant at which the roles do not count any more, at most 366 days from now; left out for roles
    /// without an end.
    until: Option<DateTime<Utc>>,
}

/// An invitation to send another link for.
#[derive(InputObject)]
struct ResendInvitationInput {
    /// The invitation, `inv_…`.
    invitation_id: ID,
}

/// An invitation to take back.
#[derive(InputObject)]
struct RevokeInvitationInput {
    /// The invitation, `inv_…`.
    invitation_id: ID,
}

/// What `inviteUser`, `resendInvitation` or `revokeInvitation` did.
#[derive(SimpleObject)]
struct InvitationPayload {
    /// The invitation as it is now; null where there are user errors.
    invitation: Option<Invitation>,
    /// What to mend; empty when it worked.
    user_errors: Vec<UserError>,
}

impl InvitationPayload {
    async fn of(
        ctx: &Context<'_>,
        done: Result<Id<kind::Invitation>, Failure>,
    ) -> async_graphql::Result<Self> {
        let invitation = match done {
            Ok(invitation) => invitation,
            Err(failure) => {
                return Ok(Self { invitation: None, user_errors: errors(failure)? });
            }
        };
        let row = core(ctx)?.invitation(actor(ctx)?, invitation).await.map_err(gql)?;
        let missing = || gql(ApiError::internal(format!("{invitation} has no row")));
        let invitation = Some(Invitation(row.ok_or_else(missing)?));
        Ok(Self { invitation, user_errors: Vec::new() })
    }
}

/// What somebody who was invited chooses.
#[derive(InputObject)]
struct AcceptInvitationInput {
    /// The token from the link. It works once, within 7 days.
    token: String,
    /// What you are called, 1 to 200 characters.
    name: String,
    /// Your password: at least 12 characters, and hard to guess.
    password: String,
}

/// What `acceptInvitation` did.
#[derive(SimpleObject)]
struct AcceptInvitationPayload {
    /// What to mend; empty when it worked.
    user_errors: Vec<UserError>,
}

/// Mutations about invitations.
#[derive(Default)]
pub(super) struct InvitationMutation;

#[Object]
impl InvitationMutation {
    /// Invites somebody to your organization: a mail with a link goes to the address, and whoever opens it within
    /// 7 days chooses a name and a password. Nobody invites to a role that they could not give, now or when it is
    /// accepted. After a few mails to an address it has to wait (`RATE_LIMITED`).
    async fn invite_user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whom to invite, to what.")] input: InviteUserInput,
    ) -> async_graphql::Result<InvitationPayload> {
        let new = NewInvitation {
            email: input.email,
            roles: input.roles.into_iter().map(Role::from).collect(),
            project: input.project_id.as_ref().map(id).transpose()?,
            until: input.until.map(Timestamp::from_datetime),
        };
        let done = core(ctx)?.invite_user(actor(ctx)?, new, request(ctx)).await;
        InvitationPayload::of(ctx, done).await
    }

    /// Sends another link for an invitation that was not accepted. Links before it do not work any more.
    async fn resend_invitation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The invitation.")] input: ResendInvitationInput,
    ) -> async_graphql::Result<InvitationPayload> {
        let invitation = id(&input.invitation_id)?;
        let done = core(ctx)?.resend_invitation(actor(ctx)?, invitation, request(ctx)).await;
        InvitationPayload::of(ctx, done.map(|()| invitation)).await
    }

    /// Takes an invitation back that was not accepted: its links do not work any more, and its address is erased.
    async fn revoke_invitation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The invitation.")] input: RevokeInvitationInput,
    ) -> async_graphql::Result<InvitationPayload> {
        let invitation = id(&input.invitation_id)?;
        let done = core(ctx)?.revoke_invitation(actor(ctx)?, invitation, request(ctx)).await;
        InvitationPayload::of(ctx, done.map(|()| invitation)).await
    }

    /// Makes your account by the link of an invitation, with a name and a password that you choose. Sign in with
    /// the address that was invited then.
    async fn accept_invitation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The token, and what you choose.")] input: AcceptInvitationInput,
    ) -> async_graphql::Result<AcceptInvitationPayload> {
        let acceptance = Acceptance {
            token: Zeroizing::new(input.token),
            name: input.name,
            password: Zeroizing::new(input.password),
        };
        let done = core(ctx)?.accept_invitation(acceptance, request(ctx)).await;
        let user_errors = done.err().map(errors).transpose()?.unwrap_or_default();
        Ok(AcceptInvitationPayload { user_errors })
    }
}

/// Invitations of the actor's organization.
pub(super) async fn page(
    ctx: &Context<'_>,
    page: &PageArgs,
) -> async_graphql::Result<Connection<String, Invitation, EmptyFields, EmptyFields>> {
    let after = page.after.as_deref();
    let rows = core(ctx)?.invitations(actor(ctx)?, after, page.limit()).await.map_err(gql)?;
    Ok(connection(rows, page, |row| row.id.clone(), Invitation))
}

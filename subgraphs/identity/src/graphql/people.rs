//! Mutations about the people of the organization and their sessions.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use studio_kernel::{Role, Timestamp};
use studio_service::graphql::{UserError, actor, id};
use zeroize::Zeroizing;

use super::{
    RoleName,
    account::errors,
    core, request,
    session::{self, Session},
    user::{self, User},
};
use crate::commands::{Grant, NewUser, RoleChange};

/// A person to add.
#[derive(InputObject)]
struct CreateUserInput {
    /// What they are called, 1 to 200 characters.
    name: String,
    /// What they sign in with. An address signs in to one account of the server.
    email: String,
    /// Their first password: at least 12 characters, and hard to guess.
    password: String,
    /// What they may do, at least one role.
    roles: Vec<RoleName>,
    /// The project that the roles are for, `prj_…`; left out for the whole organization. Owner and admin are
    /// roles of the whole organization alone.
    project_id: Option<ID>,
}

/// What `createUser` did.
#[derive(SimpleObject)]
struct CreateUserPayload {
    /// The person who was added.
    user: Option<User>,
    /// What to mend; empty when it worked.
    user_errors: Vec<UserError>,
}

/// Roles to give to a person, and others to take.
#[derive(InputObject)]
struct ChangeRolesInput {
    /// The person, `usr_…`.
    user_id: ID,
    /// Roles that they shall have; one that they have already stays.
    #[graphql(default)]
    give: Vec<RoleName>,
    /// Roles that they shall not have any more, also those that would end by themselves. One that is also
    /// given stays.
    #[graphql(default)]
    take: Vec<RoleName>,
    /// The project that these roles are for, `prj_…`; left out for the whole organization. Owner and admin are
    /// roles of the whole organization alone.
    project_id: Option<ID>,
}

/// What `changeRoles` did.
#[derive(SimpleObject)]
struct ChangeRolesPayload {
    /// The person, with the roles that they have now.
    user: Option<User>,
    /// What to mend; empty when it worked.
    user_errors: Vec<UserError>,
}

/// A role to give to a person for a time.
#[derive(InputObject)]
struct GrantAccessInput {
    /// The person, `usr_…`.
    user_id: ID,
    /// The role; any but owner.
    role: RoleName,
    /// The first instant at which it does not count any more, at most 366 days from now.
    until: DateTime<Utc>,
    /// The project that the role is for, `prj_…`; left out for the whole organization. Admin is a role of the
    /// whole organization alone.
    project_id: Option<ID>,
}

/// What `grantAccess` did.
#[derive(SimpleObject)]
struct GrantAccessPayload {
    /// The person, with the roles that they have now.
    user: Option<User>,
    /// What to mend; empty when it worked.
    user_errors: Vec<UserError>,
}

/// A person to let in again.
#[derive(InputObject)]
struct ReactivateUserInput {
    /// The person, `usr_…`.
    user_id: ID,
}

/// What `reactivateUser` did.
#[derive(SimpleObject)]
struct ReactivateUserPayload {
    /// The person, who may sign in.
    user: Option<User>,
    /// What to mend; empty when it worked.
    user_errors: Vec<UserError>,
}

/// A person to erase.
#[derive(InputObject)]
struct EraseUserInput {
    /// The person, `usr_…`.
    user_id: ID,
}

/// What `eraseUser` did.
#[derive(SimpleObject)]
struct EraseUserPayload {
    /// What is left of the person: an id without a name.
    user: Option<User>,
    /// What to mend; empty when it worked.
    user_errors: Vec<UserError>,
}

/// A session to end.
#[derive(InputObject)]
struct RevokeSessionInput {
    /// The session, `ses_…`.
    session_id: ID,
}

/// What `revokeSession` did.
#[derive(SimpleObject)]
struct RevokeSessionPayload {
    /// The session that was ended.
    session: Option<Session>,
    /// What to mend; empty when it worked.
    user_errors: Vec<UserError>,
}

/// What `endOtherSessions` did.
#[derive(SimpleObject, Default)]
struct EndOtherSessionsPayload {
    /// How many were ended.
    ended: i32,
    /// What to mend; empty when it worked.
    user_errors: Vec<UserError>,
}

/// Mutations about people and their sessions.
#[derive(Default)]
pub(super) struct PeopleMutation;

#[Object]
impl PeopleMutation {
    /// Adds a person to your organization, with roles of it or of one project.
    async fn create_user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The person to add.")] input: CreateUserInput,
    ) -> async_graphql::Result<CreateUserPayload> {
        let new = NewUser {
            name: input.name,
            email: input.email,
            password: Zeroizing::new(input.password),
            roles: input.roles.into_iter().map(Role::from).collect(),
            project: input.project_id.as_ref().map(id).transpose()?,
        };
        match core(ctx)?.create_user(actor(ctx)?, new, request(ctx)).await {
            Ok(user) => {
                let user = user::find(ctx, user).await?;
                Ok(CreateUserPayload { user, user_errors: Vec::new() })
            }
            Err(failure) => Ok(CreateUserPayload { user: None, user_errors: errors(failure)? }),
        }
    }

    /// Gives a person roles and takes others, both at once. It takes effect at once, for where they
    /// are signed in too. An owner may change everybody's roles, an admin those of everybody who is
    /// no owner; only an owner makes owners. With a project the roles are for the things of that project:
    /// whoever has no other sees nothing of the rest of the organization but its name and its frameworks.
    async fn change_roles(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whose roles to change, and how.")] input: ChangeRolesInput,
    ) -> async_graphql::Result<ChangeRolesPayload> {
        let user = id(&input.user_id)?;
        let change = RoleChange {
            user,
            project: input.project_id.as_ref().map(id).transpose()?,
            give: input.give.into_iter().map(Role::from).collect(),
            take: input.take.into_iter().map(Role::from).collect(),
        };
        match core(ctx)?.change_roles(actor(ctx)?, change, request(ctx)).await {
            Ok(()) => {
                let user = user::find(ctx, user).await?;
                Ok(ChangeRolesPayload { user, user_errors: Vec::new() })
            }
            Err(failure) => Ok(ChangeRolesPayload { user: None, user_errors: errors(failure)? }),
        }
    }

    /// Gives a person a role until an instant, for example an auditor for the weeks of an audit. It ends by
    /// itself at that instant, for where they are signed in too. Given again it ends at the new instant;
    /// `changeRoles` takes it before, or gives it without an end.
    async fn grant_access(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whom to give what, until when.")] input: GrantAccessInput,
    ) -> async_graphql::Result<GrantAccessPayload> {
        let user = id(&input.user_id)?;
        let grant = Grant {
            user,
            project: input.project_id.as_ref().map(id).transpose()?,
            role: Role::from(input.role),
            until: Timestamp::from_datetime(input.until),
        };
        match core(ctx)?.grant_access(actor(ctx)?, grant, request(ctx)).await {
            Ok(()) => {
                let user = user::find(ctx, user).await?;
                Ok(GrantAccessPayload { user, user_errors: Vec::new() })
            }
            Err(failure) => Ok(GrantAccessPayload { user: None, user_errors: errors(failure)? }),
        }
    }

    /// Lets a person in again whom a directory has suspended, with the roles that they have; for one that was
    /// disconnected, or has removed them. A directory that knows them can suspend them again.
    async fn reactivate_user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The person to let in.")] input: ReactivateUserInput,
    ) -> async_graphql::Result<ReactivateUserPayload> {
        let user = id(&input.user_id)?;
        match core(ctx)?.reactivate_user(actor(ctx)?, user, request(ctx)).await {
            Ok(()) => {
                let user = user::find(ctx, user).await?;
                Ok(ReactivateUserPayload { user, user_errors: Vec::new() })
            }
            Err(failure) => Ok(ReactivateUserPayload { user: None, user_errors: errors(failure)? }),
        }
    }

    /// Erases a person for good and ends their sessions: name, e-mail address and password can
    /// never be read again, in the log and in copies of it either. What they did stays on record
    /// under their id.
    async fn erase_user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The person to erase.")] input: EraseUserInput,
    ) -> async_graphql::Result<EraseUserPayload> {
        let user = id(&input.user_id)?;
        match core(ctx)?.erase_user(actor(ctx)?, user, request(ctx)).await {
            Ok(()) => {
                let user = user::find(ctx, user).await?;
                Ok(EraseUserPayload { user, user_errors: Vec::new() })
            }
            Err(failure) => Ok(EraseUserPayload { user: None, user_errors: errors(failure)? }),
        }
    }

    /// Ends a session at once: one of yours, or, if you are an owner or an admin, anybody's in the
    /// organization.
    async fn revoke_session(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The session to end.")] input: RevokeSessionInput,
    ) -> async_graphql::Result<RevokeSessionPayload> {
        let session = id(&input.session_id)?;
        match core(ctx)?.revoke_session(actor(ctx)?, session, request(ctx)).await {
            Ok(()) => {
                let session = session::find(ctx, session).await?;
                Ok(RevokeSessionPayload { session, user_errors: Vec::new() })
            }
            Err(failure) => {
                Ok(RevokeSessionPayload { session: None, user_errors: errors(failure)? })
            }
        }
    }
    /// Ends all your sessions at once but the one that asks.
    async fn end_other_sessions(
        &self,
        ctx: &Context<'_>,
    ) -> async_graphql::Result<EndOtherSessionsPayload> {
        match core(ctx)?.end_other_sessions(actor(ctx)?, request(ctx)).await {
            Ok(ended) => Ok(EndOtherSessionsPayload {
                ended: i32::try_from(ended).unwrap_or(i32::MAX),
                user_errors: Vec::new(),
            }),
            Err(failure) => {
                Ok(EndOtherSessionsPayload { user_errors: errors(failure)?, ..Default::default() })
            }
        }
    }
}

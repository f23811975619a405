//! The audit log.

use async_graphql::{
    Context, Enum, ID, InputObject, Object, SimpleObject,
    connection::{Connection, EmptyFields},
};
use chrono::{DateTime, Utc};
use studio_kernel::{Code, Timestamp, published::audit::AuditOutcome as Outcome};
use studio_service::{
    ApiError,
    graphql::{Instant, PageArgs, actor, connection, gql},
};

use super::{RoleName, core, user};
use crate::{
    commands::Failure,
    projections::{
        audit::{Filter, Place, Row},
        users::read_roles,
    },
};

/// How something ended that was tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "Outcome", name = "AuditOutcome")]
enum OutcomeName {
    /// It was done.
    Succeeded,
    /// The policies refused it.
    Denied,
    /// It was tried in vain.
    Failed,
}

/// Which entries of the audit log to show: those that fit everything that is given.
#[derive(InputObject, Default)]
struct AuditFilter {
    /// Whose doing: a person, `usr_…`, a program, `cli_…`, a directory, `dir_…`, or a part of Studio, such as
    /// `controls.process_manager`.
    actor: Option<String>,
    /// What the action begins with: `identity.user.` for everything about people.
    action: Option<String>,
    /// The id of what it was done to.
    target: Option<ID>,
    /// Of which log: identity, controls, evidence, documents or ai.
    log: Option<String>,
    /// Recorded at this instant or later.
    from: Option<Instant>,
    /// Recorded before this instant.
    to: Option<Instant>,
    /// How it ended.
    outcome: Option<OutcomeName>,
}

impl AuditFilter {
    fn read(self) -> async_graphql::Result<Filter> {
        Ok(Filter {
            actor: self.actor,
            action: self.action,
            target: self.target.map(|id| id.0),
            log: self.log,
            from: Instant::optional(self.from.as_ref(), "from")?,
            to: Instant::optional(self.to.as_ref(), "to")?,
            outcome: self.outcome.map(Outcome::from),
        })
    }
}

/// A field of what was recorded.
#[derive(SimpleObject)]
struct AuditDetail {
    /// Its name.
    name: String,
    /// Its value, as JSON.
    value: String,
    /// What it was before, as JSON, where it tells how the target is from then on and the log tells what was
    /// before; else null.
    before: Option<String>,
}

/// One thing that somebody did, or tried to do.
struct AuditEntry(Row);

/// One thing that somebody did, or tried to do: an event of one of the logs.
#[Object]
impl AuditEntry {
    /// The id of the event, `evt_…`, by which `studio audit inclusion` proves it.
    async fn id(&self) -> ID {
        ID(self.0.event.clone())
    }

    /// The log that holds it: identity, controls, evidence, documents or ai.
    async fn log(&self) -> &str {
        &self.0.log
    }

    /// Its position in that log, from 1.
    async fn position(&self) -> ID {
        ID(self.0.position.to_string())
    }

    /// When it was recorded.
    async fn recorded_at(&self) -> DateTime<Utc> {
        Timestamp::from_micros(self.0.recorded_at).to_datetime()
    }

    /// What was done: the type of the event, such as `identity.user.roles_changed`.
    async fn action(&self) -> &str {
        &self.0.action
    }

    /// How it ended.
    async fn outcome(&self) -> async_graphql::Result<OutcomeName> {
        let outcome = Outcome::parse(&self.0.outcome);
        outcome.map(OutcomeName::from).ok_or_else(|| {
            gql(ApiError::internal(format!("an entry with the outcome {}", self.0.outcome)))
        })
    }

    /// How often it happened; more than once only for what is counted together.
    async fn times(&self) -> i32 {
        i32::try_from(self.0.times).unwrap_or(i32::MAX)
    }

    /// Who did it: a person, `usr_…`, a program of the organization, `cli_…`, a directory,
    /// `dir_…`, or a part of Studio by name.
    async fn actor(&self) -> &str {
        &self.0.actor
    }

    /// The person who did it, or for whom a program did; null where none did.
    async fn user(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<user::User>> {
        match self.0.actor.parse() {
            Ok(user) => user::find(ctx, user).await,
            Err(_not_a_person) => Ok(None),
        }
    }

    /// The session in which the person did it, `ses_…`; null where a program did it for them.
    async fn session(&self) -> Option<ID> {
        self.0.session.clone().map(ID)
    }

    /// What a program did it by: the key of a person, `key_…`, what they allowed an app, `grt_…`, or an access
    /// token, `tok_…`.
    async fn credential(&self) -> Option<ID> {
        self.0.credential.clone().map(ID)
    }

    /// The roles that the person or program had then.
    async fn roles(&self) -> Vec<RoleName> {
        read_roles(&self.0.roles).into_iter().map(RoleName::from).collect()
    }

    /// The kind of thing that it was done to, such as `controls.control`.
    async fn target_kind(&self) -> &str {
        &self.0.target_kind
    }

    /// The id of what it was done to.
    async fn target(&self) -> ID {
        ID(self.0.target.clone())
    }

    /// The request that brought it, `req_…`, as the server's log names it.
    async fn request(&self) -> Option<ID> {
        self.0.request.clone().map(ID)
    }

    /// The event that it answers, `evt_…`, where it follows from another one.
    async fn cause(&self) -> Option<ID> {
        self.0.cause.clone().map(ID)
    }

    /// The network address that the request came from. Null where a part of Studio acted by itself, once
    /// the time is over for which addresses are kept, and once the person was erased.
    async fn address(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<String>> {
        let origin = core(ctx)?.audit_origin(&self.0).await.map_err(gql)?;
        Ok(origin.map(|origin| origin.address.to_string()))
    }

    /// What the browser or program calls itself with which somebody signed in; null for all else.
    async fn user_agent(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<String>> {
        let origin = core(ctx)?.audit_origin(&self.0).await.map_err(gql)?;
        Ok(origin.and_then(|origin| origin.agent).map(|agent| agent.to_string()))
    }

    /// What was recorded, as far as it may be shown: no personal data, no secrets and no texts.
    async fn details(&self, ctx: &Context<'_>) -> async_graphql::Result<Vec<AuditDetail>> {
        let shown: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(&self.0.shown).map_err(|error| gql(ApiError::internal(error)))?;
        let mut before = match ctx.look_ahead().field("before").exists() {
            true => core(ctx)?.audit_before(&self.0).await.map_err(gql)?,
            false => serde_json::Map::new(),
        };
        let mut detail = |(name, value): (String, serde_json::Value)| AuditDetail {
            before: before.remove(&name).map(|value| value.to_string()),
            value: value.to_string(),
            name,
        };
        Ok(shown.into_iter().map(&mut detail).collect())
    }
}

/// Queries about the audit log.
#[derive(Default)]
pub(super) struct AuditQuery;

#[Object]
impl AuditQuery {
    /// What was done in your organization, and what was refused or tried in vain, newest first. For
    /// owners, admins and auditors. It follows what is recorded by a second or so.
    async fn audit_entries(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which entries to show; all of them by default.")] filter: Option<
            AuditFilter,
        >,
        #[graphql(desc = "How many to show, 1 to 100; 20 by default.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which to start.")] after: Option<String>,
    ) -> async_graphql::Result<Connection<String, AuditEntry, EmptyFields, EmptyFields>> {
        let actor = actor(ctx)?;
        let page = PageArgs::new(first, after)?;
        let filter = filter.unwrap_or_default().read()?;
        let after = page.after.as_deref().map(place).transpose()?;
        let entries = core(ctx)?.audit_entries(actor, &filter, after.as_ref(), page.limit());
        let rows = entries.await.map_err(|failure| match failure {
            Failure::Api(error) => gql(error),
            Failure::Input(faults) => gql(ApiError::internal(format!("{faults:?}"))),
        })?;
        Ok(connection(rows, &page, |row| Place::of(row).write(), AuditEntry))
    }
}

fn place(cursor: &str) -> async_graphql::Result<Place> {
    Place::read(cursor).ok_or_else(|| {
        let message = "That cursor is not one of auditEntries: pass endCursor as it came.";
        gql(ApiError::new(Code::BadRequest, message))
    })
}

//! What is known of a person, for them to take along (GDPR, articles 15 and 20): a line of JSON for each thing.
//! What others wrote about something that is theirs is no part of it.

use std::{collections::VecDeque, sync::Arc};

use futures::{Stream, StreamExt, stream};
use serde_json::{Map, Value, json};
use studio_access::{Resource, Scope};
use studio_kernel::{
    Actor, Aggregate, Code, Id, Origin, TenantId, Timestamp, kind, published::audit::AuditTarget,
};
use studio_service::{
    ApiError,
    notices::{Notice, Overflow},
};

use super::{Core, Failure};
use crate::{
    domain::user::{User, UserEvent},
    personal::sealed_from_row,
    projections::{
        api_keys,
        audit::{self, Filter, Place, Row},
        factors, organizations, passkeys, sessions, users,
    },
};

/// Things read at a time.
const PAGE: u64 = 200;
/// Events of a person read at a time.
const EVENTS: usize = 1_000;

/// What is known of one person.
pub(crate) struct PersonalData {
    core: Arc<Core>,
    tenant: TenantId,
    user: Id<kind::User>,
    /// What is there at once.
    lines: VecDeque<Value>,
    activity: Activity,
}

/// How far the entries of the audit log were read.
enum Activity {
    /// What the person did, after a place;
    Of(Option<Place>),
    /// what was done to them by others;
    About(Option<Place>),
    /// all.
    Over,
}

impl Core {
    /// What is known of a person: one's own, or, for an owner or an admin, that of anybody in the
    /// organization. That it was taken out is on record.
    ///
    /// # Errors
    /// `NOT_FOUND` for somebody whom the actor cannot see, and `FORBIDDEN`.
    pub(crate) async fn personal_data(
        self: &Arc<Self>,
        actor: &Actor,
        user: Id<kind::User>,
    ) -> Result<PersonalData, Failure> {
        let missing = || ApiError::not_found("user", user);
        let row = users::find(&self.store, actor.tenant, user).await?.ok_or_else(missing)?;
        let resource = Resource::one("User", user, actor.tenant).owned_by(user);
        let tenant = self.policy.require(actor, "identity:user:export", &resource)?.tenant();
        let lines = self.known_of(tenant, user, &row).await?;
        let target = AuditTarget { kind: "identity.user".to_owned(), id: user.to_string() };
        let about = [("id".to_owned(), user.to_string())].into();
        self.notices.note(actor, Notice::Exported, target, about).map_err(|Overflow| {
            let message = "Too much is being taken out at once: try again in a minute.";
            ApiError::new(Code::SubgraphUnavailable, message)
        })?;
        let activity = Activity::Of(None);
        Ok(PersonalData { core: self.clone(), tenant, user, lines: lines.into(), activity })
    }

    async fn known_of(
        &self,
        tenant: TenantId,
        user: Id<kind::User>,
        row: &users::Row,
    ) -> Result<Vec<Value>, Failure> {
        let organization = organizations::find(&self.store, tenant).await?;
        let profile = self.profile(tenant, row).await?;
        let held = users::held(row)?;
        let factor = factors::find(&self.store, tenant, user).await?;
        let mut lines = vec![json!({
            "kind": "person",
            "id": row.id,
            "organization": { "id": tenant, "name": organization.map(|it| it.name) },
            "name": profile.as_ref().map(|profile| &profile.name),
            "email": profile.as_ref().map(|profile| &profile.email),
            "emailVerifiedAt": row.email_verified_at.map(Timestamp::from_micros),
            "createdAt": Timestamp::from_micros(row.created_at),
            "erasedAt": row.erased_at.map(Timestamp::from_micros),
            "roles": held.at(self.env.now()),
            "rolesUntil": held.until,
            "projectRoles": held.projects,
            "teamRoles": held.teams,
            "secondFactor": factor.is_some(),
            "exportedAt": self.env.now(),
        })];
        self.logins_of(tenant, user, &mut lines).await?;
        for passkey in passkeys::of(&self.store, tenant, user).await? {
            let sealed = sealed_from_row(&passkey.credential)?;
            let kept = self.people.open_passkey(tenant, &sealed).await?;
            lines.push(json!({
                "kind": "passkey",
                "id": passkey.id,
                "name": kept.map(|kept| kept.name),
                "createdAt": Timestamp::from_micros(passkey.created_at),
                "usedAt": passkey.used_at.map(Timestamp::from_micros),
            }));
        }
        self.keys_of(tenant, user, &mut lines).await?;
        let mut after: Option<String> = None;
        loop {
            let page = sessions::all_of(&self.store, tenant, user, after.as_deref(), PAGE).await?;
            for session in &page {
                let origin = match &session.origin {
                    Some(sealed) => self.people.open_origin(tenant, sealed).await?,
                    None => None,
                };
                lines.push(json!({
                    "kind": "session",
                    "id": session.id,
                    "createdAt": Timestamp::from_micros(session.created_at),
                    "refreshedAt": Timestamp::from_micros(session.refreshed_at),
                    "endedAt": session.ended_at.map(Timestamp::from_micros),
                    "methods": sessions::read_methods(&session.methods),
                    "address": address(origin.as_ref()),
                    "userAgent": agent(origin.as_ref()),
                }));
            }
            let Some(last) = page.into_iter().next_back() else { return Ok(lines) };
            after = Some(last.id);
        }
    }

    /// What providers of identity call the person, which stands in the log alone.
    async fn logins_of(
        &self,
        tenant: TenantId,
        user: Id<kind::User>,
        lines: &mut Vec<Value>,
    ) -> Result<(), Failure> {
        let mut after = 0;
        loop {
            let stream = (User::STREAM_TYPE, user.to_string());
            let events = self.store.read_stream(tenant, stream.0, &stream.1, after, EVENTS).await?;
            for event in &events {
                after = event.stream_version;
                if let UserEvent::LoginLinked(linked) =
                    event.decode().map_err(ApiError::internal)?
                {
                    let subject = self.people.open_subject(tenant, &linked.subject).await?;
                    lines.push(json!({
                        "kind": "login",
                        "provider": linked.provider,
                        "issuer": subject.as_ref().map(|subject| &subject.issuer),
                        "subject": subject.as_ref().map(|subject| &subject.subject),
                        "linkedAt": event.recorded_at,
                    }));
                }
            }
            if events.len() < EVENTS {
                return Ok(());
            }
        }
    }

    async fn keys_of(
        &self,
        tenant: TenantId,
        user: Id<kind::User>,
        lines: &mut Vec<Value>,
    ) -> Result<(), Failure> {
        let mut after: Option<String> = None;
        loop {
            let everywhere = Scope::Tenant(tenant);
            let page =
                api_keys::page(&self.store, everywhere, Some(user), after.as_deref(), PAGE).await?;
            for key in &page {
                let name = self.people.open(tenant, &sealed_from_row(&key.name)?).await?;
                lines.push(json!({
                    "kind": "apiKey",
                    "id": key.id,
                    "name": name.map(|name| String::from_utf8_lossy(&name).into_owned()),
                    "scopes": api_keys::read_scopes(&key.scopes),
                    "createdAt": Timestamp::from_micros(key.created_at),
                    "expiresAt": Timestamp::from_micros(key.expires_at),
                    "revokedAt": key.revoked_at.map(Timestamp::from_micros),
                }));
            }
            let Some(last) = page.into_iter().next_back() else { return Ok(()) };
            after = Some(last.id);
        }
    }
}

impl PersonalData {
    /// A line of JSON for each thing: the person, how they sign in, their keys and sessions, and then what
    /// the audit log holds, the newest first: what they did, and what others did to them.
    pub(crate) fn lines(self) -> impl Stream<Item = Result<String, ApiError>> + Send {
        stream::unfold(Some(self), |state| async {
            let mut state = state?;
            match state.next().await {
                Ok(Some(line)) => Some((Ok(format!("{line}\n")), Some(state))),
                Ok(None) => None,
                Err(error) => Some((Err(error), None)),
            }
        })
        .boxed()
    }

    async fn next(&mut self) -> Result<Option<Value>, ApiError> {
        loop {
            if let Some(line) = self.lines.pop_front() {
                return Ok(Some(line));
            }
            let person = Some(self.user.to_string());
            let (filter, after) = match &self.activity {
                Activity::Of(after) => (Filter { actor: person, ..Filter::default() }, after),
                Activity::About(after) => (Filter { target: person, ..Filter::default() }, after),
                Activity::Over => return Ok(None),
            };
            let store = &self.core.store;
            let page = audit::page(store, self.tenant, &filter, after.as_ref(), PAGE).await?;
            let place = page.last().map(Place::of);
            let by_others = filter.actor.is_none();
            for row in page {
                if by_others && row.actor == self.user.to_string() {
                    continue;
                }
                self.lines.push_back(self.entry(&row).await?);
            }
            self.activity = match (&self.activity, place) {
                (Activity::Of(_), Some(place)) => Activity::Of(Some(place)),
                (Activity::Of(_), None) => Activity::About(None),
                (Activity::About(_), Some(place)) => Activity::About(Some(place)),
                _ => Activity::Over,
            };
        }
    }

    async fn entry(&self, row: &Row) -> Result<Value, ApiError> {
        let by_them = row.actor == self.user.to_string();
        // From where somebody else did it is nothing of this person's.
        let origin = if by_them { self.core.audit_origin(row).await? } else { None };
        let shown: Map<String, Value> =
            serde_json::from_str(&row.shown).map_err(ApiError::internal)?;
        Ok(json!({
            "kind": "activity",
            "id": row.event,
            "log": row.log,
            "position": row.position,
            "recordedAt": Timestamp::from_micros(row.recorded_at),
            "action": row.action,
            "outcome": row.outcome,
            "times": row.times,
            "byThePerson": by_them,
            "target": row.target,
            "targetKind": row.target_kind,
            "address": address(origin.as_ref()),
            "userAgent": agent(origin.as_ref()),
            "details": shown,
        }))
    }
}

fn address(origin: Option<&Origin>) -> Option<String> {
    origin.map(|origin| origin.address.to_string())
}

fn agent(origin: Option<&Origin>) -> Option<&str> {
    origin?.agent.as_deref()
}

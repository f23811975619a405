//! Keys by which programs act for people.

use studio_access::{ACTIONS, NOT_FOR_PROGRAMS, Resource};
use studio_events::{Append, Expected, Metadata, StreamAppend};
use studio_kernel::{ActionScope, Actor, Id, Principal, TenantId, Timestamp, kind};
use studio_service::ApiError;
use zeroize::Zeroizing;

use super::{Core, Failure, Faults, Request, users::metadata};
use crate::{
    domain::{
        api_key::{ApiKey, ApiKeyCreated, KeyEndReason},
        input::{self, Fault},
        scopes::scopes,
    },
    projections::{api_keys, read_id},
    tokens::{KnownKey, NewSecret, write_api_key},
};

/// Keys of one person that hold, at most: every process knows them by heart.
const MOST: u64 = 50;
/// Days after which a key runs out unless something else is asked for.
const USUAL_DAYS: i64 = 90;
const DAY: i64 = 86_400;

/// A key, as it is asked for.
pub(crate) struct NewApiKey {
    /// What its person calls it.
    pub name: String,
    /// How far it goes.
    pub scopes: Vec<String>,
    /// When it runs out, if that was said.
    pub expires_at: Option<Timestamp>,
}

/// A key that was made.
pub(crate) struct ShownKey {
    /// Which one.
    pub key: Id<kind::ApiKey>,
    /// As it is sent along, to be shown once.
    pub text: Zeroizing<String>,
}

impl Core {
    /// Makes a key for a program of the actor's own.
    ///
    /// # Errors
    /// `FORBIDDEN`, also to programs; [`Failure::Input`] with what is wrong with the input.
    pub(crate) async fn create_api_key(
        &self,
        actor: &Actor,
        new: NewApiKey,
        request: Request,
    ) -> Result<ShownKey, Failure> {
        // What its person may do is recorded with it, and must not change meanwhile.
        self.with_roles_held(self.create_api_key_now(actor, new, request)).await
    }

    async fn create_api_key_now(
        &self,
        actor: &Actor,
        new: NewApiKey,
        request: Request,
    ) -> Result<ShownKey, Failure> {
        let actor = &self.as_of_now(actor).await?;
        let mut resource = Resource::any("ApiKey", actor.tenant);
        resource.owner = actor.user_id();
        let tenant = self.policy.require(actor, "identity:key:create", &resource)?.tenant();
        let Principal::User { user, .. } = actor.principal else {
            return Err(ApiError::unauthenticated().into());
        };
        let now = self.env.now();
        let mut faults = Faults::default();
        let name = faults.take(input::name("name", &new.name));
        let scopes = faults.take(scopes("scopes", &new.scopes, reaches_something));
        let expires_at = faults.take(self.key_expiry(new.expires_at, now));
        if api_keys::count_live(&self.store, tenant, user, now).await? >= MOST {
            let message = format!("You have {MOST} keys: revoke one that is not needed any more.");
            faults.take::<()>(Err(Fault::new("TOO_MANY_KEYS", "name", message)));
        }
        faults.none()?;
        let (Some(name), Some(scopes), Some(expires_at)) = (name, scopes, expires_at) else {
            // `none` has answered already.
            return Err(Failure::Input(Vec::new()));
        };
        let (key, secret) = (self.env.id(), NewSecret::make(&self.env));
        let created = ApiKeyCreated {
            key,
            user,
            name: self.people.seal(tenant, user, name.as_bytes()).await?,
            roles: actor.roles.clone(),
            scopes: scopes.clone(),
            secret_hash: secret.hash.clone(),
            expires_at,
        };
        let stream =
            StreamAppend::of::<ApiKey>(key.to_string(), Expected::NoStream, vec![created.into()])?;
        let append = Append::new(tenant, metadata(actor, &request), vec![stream]);
        let recorded = self.store.append(append).await?;
        let position = recorded.last().map_or(0, |newest| newest.position);
        self.sessions.roles_were(user, actor.roles.clone(), position);
        let secret_hash = secret.hash.clone();
        let known = KnownKey { key, tenant, user, scopes, secret_hash, expires_at };
        self.sessions.keys.add(known, now);
        Ok(ShownKey { key, text: write_api_key(key, &secret) })
    }

    fn key_expiry(&self, asked: Option<Timestamp>, now: Timestamp) -> Result<Timestamp, Fault> {
        let fault = |message: String| Err(Fault::new("INVALID_EXPIRY", "expiresAt", message));
        let latest = now.plus_seconds(i64::from(self.api_key_days) * DAY);
        match asked {
            None => Ok(latest.min(now.plus_seconds(USUAL_DAYS * DAY))),
            Some(at) if at <= now => fault("That is over already: choose a later time.".to_owned()),
            Some(at) if at > latest => fault(format!(
                "A key lasts {} days at most: choose an earlier time.",
                self.api_key_days
            )),
            Some(at) => Ok(at),
        }
    }

    /// Revokes a key, of one's own or, for an owner or an admin, of anybody in the organization.
    ///
    /// # Errors
    /// `NOT_FOUND` for a key that the actor cannot see; `FORBIDDEN` to programs.
    pub(crate) async fn revoke_api_key(
        &self,
        actor: &Actor,
        key: Id<kind::ApiKey>,
        request: Request,
    ) -> Result<(), Failure> {
        let missing = || ApiError::not_found("API key", key);
        let row = api_keys::find(&self.store, actor.tenant, key).await?.ok_or_else(missing)?;
        let resource = Resource::one("ApiKey", key, actor.tenant).owned_by(read_id(&row.user)?);
        let allowed = self.policy.require(actor, "identity:key:revoke", &resource);
        let scope = match allowed {
            Ok(scope) => scope,
            Err(denied) if actor.principal.is_program() => return Err(denied.into()),
            // Somebody else's key does not exist for those who may not see it.
            Err(_) => return Err(missing().into()),
        };
        let metadata = metadata(actor, &request);
        self.end_api_key(scope.tenant(), key, KeyEndReason::Revoked, &metadata).await
    }

    /// Ends every key of a person.
    pub(super) async fn end_api_keys(
        &self,
        tenant: TenantId,
        user: Id<kind::User>,
        reason: KeyEndReason,
        metadata: &Metadata,
    ) -> Result<(), Failure> {
        for row in api_keys::live_of(&self.store, tenant, user, self.env.now()).await? {
            self.end_api_key(tenant, read_id(&row.id)?, reason, metadata).await?;
        }
        Ok(())
    }

    async fn end_api_key(
        &self,
        tenant: TenantId,
        key: Id<kind::ApiKey>,
        reason: KeyEndReason,
        metadata: &Metadata,
    ) -> Result<(), Failure> {
        self.store
            .execute::<ApiKey, Failure>(tenant, &key.to_string(), metadata, |state, _| {
                Ok(state.revoke(key, reason))
            })
            .await?;
        self.sessions.keys.revoked(key);
        Ok(())
    }
}

/// Whether there is anything that a program may do by a scope.
pub(super) fn reaches_something(scope: &ActionScope) -> bool {
    let open = ACTIONS.iter().filter(|action| !NOT_FOR_PROGRAMS.contains(&action.name));
    open.into_iter().any(|action| scope.covers(action.name))
}

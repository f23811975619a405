//! Programs of the organization, and the tokens that they get.

use studio_access::Resource;
use studio_events::{Append, Expected, Metadata, StreamAppend};
use studio_kernel::{ActionScope, Actor, Id, Principal, Role, kind};
use studio_service::ApiError;
use zeroize::Zeroizing;

use super::{Core, Failure, Faults, Request, api_keys::reaches_something, roles, users::metadata};
use crate::{
    domain::{
        input::{self, Fault},
        oauth_client::{
            AccessTokenIssued, AccessTokenRevoked, OAuthClient, OAuthClientCreated,
            OAuthClientEvent,
        },
        scopes::scopes,
    },
    projections::oauth_clients,
    tokens::{AccessToken, ClientClaims, KnownClient, NewSecret},
};

/// Programs of one organization that have access, at most: every process knows them by heart.
const MOST: u64 = 100;

/// A program, as it is asked for.
pub(crate) struct NewClient {
    /// What people call it.
    pub name: String,
    /// What it may do.
    pub roles: Vec<Role>,
    /// How far it goes within that.
    pub scopes: Vec<String>,
}

/// A program that was let in.
pub(crate) struct ShownClient {
    /// Which one.
    pub client: Id<kind::OAuthClient>,
    /// Its secret, to be shown once.
    pub secret: Zeroizing<String>,
}

impl Core {
    /// Gives a program access, with roles that the actor could give.
    ///
    /// # Errors
    /// `FORBIDDEN`, also to programs; [`Failure::Input`] with what is wrong with the input.
    pub(crate) async fn create_oauth_client(
        &self,
        actor: &Actor,
        new: NewClient,
        request: Request,
    ) -> Result<ShownClient, Failure> {
        self.with_roles_held(self.create_oauth_client_now(actor, new, request)).await
    }

    async fn create_oauth_client_now(
        &self,
        actor: &Actor,
        new: NewClient,
        request: Request,
    ) -> Result<ShownClient, Failure> {
        let actor = &self.as_of_now(actor).await?;
        let resource = Resource::any("OAuthClient", actor.tenant);
        let resource = resource.with(roles::RANK, roles::rank(&[&new.roles]));
        let tenant = self.policy.require(actor, "identity:client:create", &resource)?.tenant();
        let mut faults = Faults::default();
        let name = faults.take(input::name("name", &new.name));
        let scopes = faults.take(scopes("scopes", &new.scopes, reaches_something));
        let mut roles = new.roles;
        roles.sort_unstable();
        roles.dedup();
        if roles.is_empty() {
            faults.take::<()>(Err(Fault::new("NO_ROLE", "roles", "Give at least one role.")));
        }
        if oauth_clients::count_live(&self.store, tenant).await? >= MOST {
            let message = format!(
                "There are {MOST} programs: take the access of one away that is not needed any more."
            );
            faults.take::<()>(Err(Fault::new("TOO_MANY_CLIENTS", "name", message)));
        }
        faults.none()?;
        let (Some(name), Some(scopes)) = (name, scopes) else {
            // `none` has answered already.
            return Err(Failure::Input(Vec::new()));
        };
        let (client, secret) = (self.env.id(), NewSecret::make(&self.env));
        let secret_hash = secret.hash.clone();
        let created = OAuthClientCreated {
            client,
            name,
            roles: roles.clone(),
            scopes: scopes.clone(),
            secret_hash: secret_hash.clone(),
        };
        let stream = StreamAppend::of::<OAuthClient>(
            client.to_string(),
            Expected::NoStream,
            vec![created.into()],
        )?;
        self.store.append(Append::new(tenant, metadata(actor, &request), vec![stream])).await?;
        self.sessions.clients.add(KnownClient { client, tenant, roles, scopes, secret_hash });
        Ok(ShownClient { client, secret: secret.text })
    }

    /// Takes the access of a program away, and with it every token that it has.
    ///
    /// # Errors
    /// `FORBIDDEN`; `NOT_FOUND`.
    pub(crate) async fn revoke_oauth_client(
        &self,
        actor: &Actor,
        client: Id<kind::OAuthClient>,
        request: Request,
    ) -> Result<(), Failure> {
        let resource = Resource::one("OAuthClient", client, actor.tenant);
        let tenant = self.policy.require(actor, "identity:client:revoke", &resource)?.tenant();
        let row = oauth_clients::find(&self.store, tenant, client).await?;
        row.ok_or_else(|| ApiError::not_found("program", client))?;
        let metadata = metadata(actor, &request);
        self.store
            .execute::<OAuthClient, Failure>(tenant, &client.to_string(), &metadata, |state, _| {
                Ok(state.revoke(client))
            })
            .await?;
        self.sessions.clients.revoked(client);
        Ok(())
    }

    /// Gives a program that has shown its secret an access token, which is recorded as its sign-in.
    /// `None` where its access was taken away meanwhile.
    ///
    /// # Errors
    /// From the store.
    pub(crate) async fn issue_to_client(
        &self,
        client: &KnownClient,
        scopes: &[ActionScope],
        request: Request,
    ) -> Result<Option<AccessToken>, Failure> {
        let token: Id<kind::AccessToken> = self.env.id();
        let access = self.issuer.issue_to_client(client, token, scopes)?;
        let issued = AccessTokenIssued {
            client: client.client,
            token,
            scopes: scopes.to_vec(),
            expires_at: access.expires_at,
        };
        // A program whose access is taken away meanwhile has a token that opens nothing.
        if self.sessions.clients.find(client.client).is_none() {
            return Ok(None);
        }
        self.append_by_client(client, token, issued.into(), request).await?;
        Ok(Some(access))
    }

    /// Takes a token back that its program gave back (RFC 7009).
    ///
    /// # Errors
    /// From the store.
    pub(crate) async fn revoke_token(
        &self,
        client: &KnownClient,
        claims: &ClientClaims,
        request: Request,
    ) -> Result<(), Failure> {
        let expires_at = studio_kernel::Timestamp::from_micros(0).plus_seconds(claims.exp);
        let token = claims.jti;
        let revoked = AccessTokenRevoked { client: client.client, token, expires_at };
        self.append_by_client(client, token, revoked.into(), request).await?;
        self.sessions.clients.token_revoked(token, expires_at, self.env.now());
        Ok(())
    }

    /// Records what a program did. Many at once do not hinder each other.
    async fn append_by_client(
        &self,
        client: &KnownClient,
        token: Id<kind::AccessToken>,
        event: OAuthClientEvent,
        request: Request,
    ) -> Result<(), Failure> {
        let stream =
            StreamAppend::of::<OAuthClient>(client.client.to_string(), Expected::Any, vec![event])?;
        let principal = Principal::Client { client: client.client, token };
        let metadata = request.on(Metadata::of(principal, client.roles.clone()));
        self.store.append(Append::new(client.tenant, metadata, vec![stream])).await?;
        Ok(())
    }
}

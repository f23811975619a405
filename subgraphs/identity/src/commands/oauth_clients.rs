//! Programs of the organization, and the tokens that they get.

use studio_access::Resource;
use studio_events::{Append, Expected, Metadata, StreamAppend};
use studio_kernel::{
    ActionScope, Actor, Id, Principal, Role, kind, published::identity::GrantType,
};
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
        redirect_uri::RedirectUri,
        scopes::scopes,
    },
    projections::oauth_clients,
    tokens::{AccessToken, ClientClaims, KnownClient, NewSecret},
};

/// Programs of one organization that have access, at most: every process knows them by heart.
const MOST: u64 = 100;

/// Addresses of one app at most.
const MOST_ADDRESSES: usize = 10;

/// A program, as it is asked for.
pub(crate) struct NewClient {
    /// What people call it.
    pub name: String,
    /// What it may do.
    pub roles: Vec<Role>,
    /// How far it goes within that.
    pub scopes: Vec<String>,
    /// How it gets tokens.
    pub grant_types: Vec<GrantType>,
    /// Where it gets its answers, if it is an app.
    pub redirect_uris: Vec<String>,
    /// Whether it can keep no secret.
    pub public: bool,
}

/// A program that was let in.
pub(crate) struct ShownClient {
    /// Which one.
    pub client: Id<kind::OAuthClient>,
    /// Its secret, to be shown once; `None` for an app that can keep none.
    pub secret: Option<Zeroizing<String>>,
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
        let grants = faults.take(grants(&new));
        let by_itself = new.grant_types.contains(&GrantType::ClientCredentials);
        let scopes = match new.scopes.is_empty() && !by_itself {
            // An app that wants to know who somebody is, and no more.
            true => Some(Vec::new()),
            false => faults.take(scopes("scopes", &new.scopes, reaches_something)),
        };
        let redirect_uris = faults.take(addresses(&new));
        let mut roles = new.roles;
        roles.sort_unstable();
        roles.dedup();
        faults.take(match (by_itself, roles.is_empty()) {
            (true, true) => Err(Fault::new("NO_ROLE", "roles", "Give at least one role.")),
            (false, false) => Err(Fault::new(
                "ROLES_OF_ITS_OWN",
                "roles",
                "An app that acts for people does what they may: give it no roles of its own.",
            )),
            _ => Ok(()),
        });
        if oauth_clients::count_live(&self.store, tenant).await? >= MOST {
            let message = format!(
                "There are {MOST} programs: take the access of one away that is not needed any more."
            );
            faults.take::<()>(Err(Fault::new("TOO_MANY_CLIENTS", "name", message)));
        }
        faults.none()?;
        let (Some(name), Some(scopes), Some(grant_types), Some(redirect_uris)) =
            (name, scopes, grants, redirect_uris)
        else {
            // `none` has answered already.
            return Err(Failure::Input(Vec::new()));
        };
        let client = self.env.id();
        let secret = (!new.public).then(|| NewSecret::make(&self.env));
        let secret_hash = secret.as_ref().map(|made| made.hash.clone()).unwrap_or_default();
        let created = OAuthClientCreated {
            client,
            name,
            roles: roles.clone(),
            scopes: scopes.clone(),
            secret_hash: secret_hash.clone(),
            grant_types: grant_types.clone(),
            redirect_uris: redirect_uris.clone(),
        };
        let stream = StreamAppend::of::<OAuthClient>(
            client.to_string(),
            Expected::NoStream,
            vec![created.into()],
        )?;
        self.store.append(Append::new(tenant, metadata(actor, &request), vec![stream])).await?;
        self.sessions.clients.add(KnownClient {
            client,
            tenant,
            roles,
            scopes,
            secret_hash,
            grant_types,
            redirect_uris,
        });
        Ok(ShownClient { client, secret: secret.map(|made| made.text) })
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

/// The grants of a program, sorted, if they go together.
fn grants(new: &NewClient) -> Result<Vec<GrantType>, Fault> {
    let fault = |message: &str| Err(Fault::new("INVALID_GRANT_TYPES", "grantTypes", message));
    let has = |grant: GrantType| new.grant_types.contains(&grant);
    if new.grant_types.is_empty() {
        return fault("Give at least one grant: CLIENT_CREDENTIALS or AUTHORIZATION_CODE.");
    }
    if has(GrantType::RefreshToken) && !has(GrantType::AuthorizationCode) {
        return fault("REFRESH_TOKEN goes with AUTHORIZATION_CODE: add that.");
    }
    if new.public && has(GrantType::ClientCredentials) {
        return fault("A program that can keep no secret cannot sign in by itself.");
    }
    let mut grants = new.grant_types.clone();
    grants.sort_unstable();
    grants.dedup();
    Ok(grants)
}

/// Where an app gets its answers, in the order in which they were given.
fn addresses(new: &NewClient) -> Result<Vec<String>, Fault> {
    let fault = |message: String| Fault::new("INVALID_REDIRECT_URI", "redirectUris", message);
    let for_people = new.grant_types.contains(&GrantType::AuthorizationCode);
    if for_people == new.redirect_uris.is_empty() {
        return Err(fault(match for_people {
            true => "Say where the app gets its answers: at least one address.".to_owned(),
            false => {
                "Only an app with AUTHORIZATION_CODE has addresses: leave them out.".to_owned()
            }
        }));
    }
    if new.redirect_uris.len() > MOST_ADDRESSES {
        return Err(fault(format!("An app has at most {MOST_ADDRESSES} addresses.")));
    }
    let mut read: Vec<String> = Vec::with_capacity(new.redirect_uris.len());
    for (at, text) in new.redirect_uris.iter().enumerate() {
        let uri = RedirectUri::read(text)
            .map_err(|error| fault(format!("Address number {}: {error}", at + 1)))?;
        if !read.iter().any(|own| own == uri.as_str()) {
            read.push(uri.to_string());
        }
    }
    Ok(read)
}

//! The programs of organizations that have access, and the tokens that they gave back, known by heart as
//! keys are (`live_keys`).

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use serde::{Deserialize, Serialize};
use studio_kernel::{
    ActionScope, Id, Role, TenantId, Timestamp, kind, published::identity::GrantType,
};

use super::api_key::is_right;

/// Tokens that ran out are dropped whenever there are a power of two of at least this.
const SWEEP_FROM: usize = 1024;

/// A program as it is known.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct KnownClient {
    pub(crate) client: Id<kind::OAuthClient>,
    pub(crate) tenant: TenantId,
    pub(crate) roles: Vec<Role>,
    pub(crate) scopes: Vec<ActionScope>,
    /// Empty for an app that can keep none.
    pub(crate) secret_hash: String,
    #[serde(default = "GrantType::before")]
    pub(crate) grant_types: Vec<GrantType>,
    #[serde(default)]
    pub(crate) redirect_uris: Vec<String>,
}

impl KnownClient {
    /// Whether it has a secret to show.
    pub(crate) fn is_confidential(&self) -> bool {
        !self.secret_hash.is_empty()
    }

    /// Whether it gets tokens by that grant.
    pub(crate) fn gets(&self, grant: GrantType) -> bool {
        self.grant_types.contains(&grant)
    }
}

/// Which programs have access.
#[derive(Default)]
pub(crate) struct LiveClients {
    /// `None` where the access was taken away, which stays so.
    clients: RwLock<HashMap<Id<kind::OAuthClient>, Option<Arc<KnownClient>>>>,
    /// Tokens that were given back, until when they would hold.
    revoked: RwLock<HashMap<Id<kind::AccessToken>, Timestamp>>,
}

impl LiveClients {
    /// There is such a program.
    pub(crate) fn add(&self, client: KnownClient) {
        let mut clients = self.clients.write().unwrap_or_else(PoisonError::into_inner);
        clients.entry(client.client).or_insert_with(|| Some(Arc::new(client)));
    }

    /// The access of a program was taken away.
    pub(crate) fn revoked(&self, client: Id<kind::OAuthClient>) {
        self.clients.write().unwrap_or_else(PoisonError::into_inner).insert(client, None);
    }

    /// A token was given back, which would hold until then.
    pub(crate) fn token_revoked(
        &self,
        token: Id<kind::AccessToken>,
        until: Timestamp,
        now: Timestamp,
    ) {
        let mut revoked = self.revoked.write().unwrap_or_else(PoisonError::into_inner);
        revoked.insert(token, until);
        if revoked.len() >= SWEEP_FROM && revoked.len().is_power_of_two() {
            revoked.retain(|_, until| *until > now);
        }
    }

    /// Whether anything is known of the program.
    pub(crate) fn knows(&self, client: Id<kind::OAuthClient>) -> bool {
        self.clients.read().unwrap_or_else(PoisonError::into_inner).contains_key(&client)
    }

    /// The program, if it has access.
    pub(crate) fn find(&self, client: Id<kind::OAuthClient>) -> Option<Arc<KnownClient>> {
        self.clients.read().unwrap_or_else(PoisonError::into_inner).get(&client).cloned().flatten()
    }

    /// The program, if it has access and that is its secret. An app without one shows none.
    pub(crate) fn check(
        &self,
        client: Id<kind::OAuthClient>,
        secret: &str,
    ) -> Option<Arc<KnownClient>> {
        self.find(client)
            .filter(|known| known.is_confidential() && is_right(secret, &known.secret_hash))
    }

    /// The program of a token, if the token was not given back.
    pub(crate) fn of_token(
        &self,
        client: Id<kind::OAuthClient>,
        token: Id<kind::AccessToken>,
    ) -> Option<Arc<KnownClient>> {
        let revoked = self.revoked.read().unwrap_or_else(PoisonError::into_inner);
        if revoked.contains_key(&token) {
            return None;
        }
        drop(revoked);
        self.find(client)
    }
}

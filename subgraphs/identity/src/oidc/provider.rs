//! The providers of the settings: where each has its endpoints (OpenID Connect Discovery 1.0, section 4), and the
//! exchange of a code for what it says of a person.

use std::{sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Deserialize;
use serde_json::{Map, Value};
use studio_kernel::{AuthnMethod, Env, Timestamp};
use studio_service::config::{OidcProvider, Secret};
use tokio::sync::{Mutex, Semaphore};
use url::{Url, form_urlencoded::Serializer};
use zeroize::Zeroizing;

use super::{
    Refused, http,
    id_token::{self, Claims, Wanted},
    keys::Keys,
};

/// Seconds after which a provider's metadata is read again.
const FRESH: i64 = 3600;
/// Codes that are exchanged with one provider at a time.
const AT_ONCE: usize = 16;
/// How long one waits for its turn.
const TURN: Duration = Duration::from_secs(10);

/// What a provider says of itself.
#[derive(Debug, Clone, Deserialize)]
struct Metadata {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    userinfo_endpoint: Option<String>,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    /// RFC 9207, section 3.
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

/// A provider.
pub(crate) struct Provider {
    settings: OidcProvider,
    secret: Option<Secret>,
    /// Where it sends people back to.
    callback: String,
    client: reqwest::Client,
    metadata: Mutex<Option<(Timestamp, Arc<Metadata>)>>,
    keys: Keys,
    turns: Semaphore,
    env: Env,
}

/// What a provider vouches for.
pub(crate) struct Vouched {
    /// What it calls the person.
    pub(crate) subject: String,
    /// Their address, only where it says that it is verified.
    pub(crate) email: Option<String>,
    /// What they are called.
    pub(crate) name: Option<String>,
    /// Their groups; `None` where it says nothing of groups.
    pub(crate) groups: Option<Vec<String>>,
    /// How they showed who they are, as far as Studio knows the words.
    pub(crate) methods: Vec<AuthnMethod>,
}

/// What comes back with the person, and what was sent.
pub(crate) struct Answer<'a> {
    pub(crate) code: &'a str,
    /// Who says that it answers.
    pub(crate) issuer: Option<&'a str>,
    pub(crate) verifier: &'a str,
    pub(crate) nonce: &'a str,
}

/// All providers of the settings.
pub(crate) struct Providers(Vec<Provider>);

impl Providers {
    /// With their secrets read; none of them is asked yet.
    ///
    /// # Errors
    /// A sentence that names the provider.
    pub(crate) fn new(
        settings: &[OidcProvider],
        public_url: &str,
        env: &Env,
    ) -> Result<Self, String> {
        let provider = |settings: &OidcProvider| -> Result<Provider, String> {
            let name = &settings.name;
            let secret = settings.client_secret.as_ref().map(|from| from.read()).transpose();
            Ok(Provider {
                secret: secret.map_err(|why| format!("client_secret of oidc \"{name}\": {why}"))?,
                callback: format!("{public_url}/login/oidc/{name}/callback"),
                client: http::client(&settings.issuer)
                    .map_err(|error| format!("oidc \"{name}\": {error}"))?,
                metadata: Mutex::default(),
                keys: Keys::new(env.clone()),
                turns: Semaphore::new(AT_ONCE),
                env: env.clone(),
                settings: settings.clone(),
            })
        };
        settings.iter().map(provider).collect::<Result<_, String>>().map(Self)
    }

    /// The one of that name.
    pub(crate) fn of(&self, name: &str) -> Result<&Provider, Refused> {
        let found = self.0.iter().find(|provider| provider.settings.name == name);
        found.ok_or(Refused::NoProvider)
    }

    /// What the settings say of each.
    pub(crate) fn settings(&self) -> impl Iterator<Item = &OidcProvider> {
        self.0.iter().map(|provider| &provider.settings)
    }
}

impl Provider {
    /// What the settings say of it.
    pub(crate) fn settings(&self) -> &OidcProvider {
        &self.settings
    }

    /// Reads what it says of itself.
    pub(crate) async fn probe(&self) -> Result<(), Refused> {
        self.metadata().await.map(|_metadata| ())
    }

    /// Where a person signs in there.
    pub(crate) async fn address(
        &self,
        state: &str,
        nonce: &str,
        challenge: &str,
    ) -> Result<String, Refused> {
        let metadata = self.metadata().await?;
        let mut url = endpoint(&metadata.authorization_endpoint, &self.settings.issuer)?;
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.settings.client_id)
            .append_pair("redirect_uri", &self.callback)
            .append_pair("scope", &self.settings.scopes.join(" "))
            .append_pair("state", state)
            .append_pair("nonce", nonce)
            .append_pair("code_challenge", challenge)
            .append_pair("code_challenge_method", "S256");
        Ok(url.into())
    }

    /// Exchanges a code for what the provider says of the person.
    pub(crate) async fn exchange(&self, answer: Answer<'_>) -> Result<Vouched, Refused> {
        let issuer = self.settings.issuer.as_str();
        let turn = tokio::time::timeout(TURN, self.turns.acquire()).await;
        let Ok(Ok(_turn)) = turn else {
            return Err(Refused::Unavailable("too many people sign in by it at once".to_owned()));
        };
        let metadata = self.metadata().await?;
        // Before the code goes anywhere: it may be another provider's (RFC 9207, section 2.4).
        let must = metadata.authorization_response_iss_parameter_supported;
        if answer.issuer.is_some_and(|given| given != issuer) || must && answer.issuer.is_none() {
            return Err(Refused::Token("the answer is another provider's"));
        }
        let tokens = self.redeem(&metadata, &answer).await?;
        let kid = id_token::kid(&tokens.id_token)?;
        let key = self.keys.find(&self.client, &metadata.jwks_uri, kid.as_deref()).await?;
        let wanted = Wanted {
            issuer,
            client_id: &self.settings.client_id,
            nonce: answer.nonce,
            now: self.env.now(),
        };
        let claims = id_token::verify(&tokens.id_token, &key, &wanted)?;
        let more = self.userinfo(&metadata, &claims, tokens.access_token.as_deref()).await?;
        Ok(self.vouched(claims, more))
    }

    async fn redeem(&self, metadata: &Metadata, answer: &Answer<'_>) -> Result<Tokens, Refused> {
        let url = endpoint(&metadata.token_endpoint, &self.settings.issuer)?;
        let client_id = self.settings.client_id.as_str();
        let mut fields = vec![
            ("grant_type", "authorization_code"),
            ("code", answer.code),
            ("redirect_uri", self.callback.as_str()),
            ("code_verifier", answer.verifier),
        ];
        let mut request = self.client.post(url);
        match &self.secret {
            None => fields.push(("client_id", client_id)),
            Some(secret) if by_post(metadata) => {
                fields.extend([("client_id", client_id), ("client_secret", secret.expose())]);
            }
            Some(secret) => {
                // Each half is encoded as in a form (RFC 6749, section 2.3.1).
                let half = |text: &str| -> String {
                    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
                };
                let both = format!("{}:{}", half(client_id), half(secret.expose()));
                let both = Zeroizing::new(STANDARD.encode(Zeroizing::new(both).as_bytes()));
                request = request.header("authorization", format!("Basic {}", *both));
            }
        }
        let form = Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = request
            .header("content-type", "application/x-www-form-urlencoded")
            .header("accept", "application/json")
            .body(form);
        let (status, bytes) = http::read(request, "the exchange of a code").await?;
        if status.is_success() {
            return serde_json::from_slice(&bytes)
                .map_err(|_| Refused::Unavailable("its answer holds no ID token".to_owned()));
        }
        // A code that was used, is over, or is another client's (RFC 6749, section 5.2).
        let error = serde_json::from_slice::<OAuthError>(&bytes).map(|it| it.error);
        match error.as_deref() {
            Ok("invalid_grant") => Err(Refused::Token("its code does not work (any more)")),
            Ok(error) if is_code(error) => {
                Err(Refused::Unavailable(format!("the exchange of a code: {error}")))
            }
            _ => Err(Refused::Unavailable(format!("the exchange of a code answers {status}"))),
        }
    }

    /// What the provider says besides, where the token says nothing of the address or of groups.
    async fn userinfo(
        &self,
        metadata: &Metadata,
        claims: &Claims,
        access_token: Option<&str>,
    ) -> Result<Map<String, Value>, Refused> {
        let enough = claims.rest.contains_key("email")
            && (self.settings.roles.is_empty()
                || claims.rest.contains_key(&self.settings.groups_claim));
        let (Some(address), Some(token), false) =
            (&metadata.userinfo_endpoint, access_token, enough)
        else {
            return Ok(Map::new());
        };
        let url = endpoint(address, &self.settings.issuer)?;
        let request = self.client.get(url).bearer_auth(token).header("accept", "application/json");
        let more: Map<String, Value> = http::json(request, "what it says of a person").await?;
        // Of somebody else (OpenID Connect Core 1.0, section 5.3.2).
        if more.get("sub").and_then(Value::as_str) != Some(claims.sub.as_str()) {
            return Err(Refused::Token("what the provider says besides is of somebody else"));
        }
        Ok(more)
    }

    fn vouched(&self, claims: Claims, more: Map<String, Value>) -> Vouched {
        let (sub, first) = (claims.sub, claims.rest);
        let find = |name: &str| first.get(name).or_else(|| more.get(name));
        let text = |name: &str| find(name).and_then(Value::as_str).map(str::to_owned);
        // The two belong together: both from the one, or both from the other.
        let of = if first.contains_key("email") { &first } else { &more };
        let verified = of.get("email_verified") == Some(&Value::Bool(true));
        let email = of.get("email").and_then(Value::as_str).filter(|_| verified);
        let words = |value: &Value| -> Vec<String> {
            let all = value.as_array().map(Vec::as_slice).unwrap_or_default();
            all.iter().filter_map(|it| it.as_str().map(str::to_owned)).collect()
        };
        let methods = first.get("amr").map(words).unwrap_or_default();
        Vouched {
            email: email.map(str::to_owned),
            name: text("name").or_else(|| text("preferred_username")),
            groups: find(&self.settings.groups_claim).map(words),
            methods: methods.iter().filter_map(|name| AuthnMethod::parse(name)).collect(),
            subject: sub,
        }
    }

    async fn metadata(&self) -> Result<Arc<Metadata>, Refused> {
        let mut known = self.metadata.lock().await;
        let now = self.env.now();
        if let Some((at, metadata)) = &*known
            && now < at.plus_seconds(FRESH)
        {
            return Ok(metadata.clone());
        }
        let issuer = &self.settings.issuer;
        let url = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let read: Metadata = http::json(self.client.get(url), "its metadata").await?;
        // Otherwise one provider could speak for another (Discovery 1.0, section 4.3).
        if read.issuer != *issuer {
            return Err(Refused::Unavailable(
                "its metadata names another issuer than the settings do".to_owned(),
            ));
        }
        endpoint(&read.jwks_uri, issuer)?;
        let read = Arc::new(read);
        *known = Some((now, read.clone()));
        Ok(read)
    }
}

#[derive(Deserialize)]
struct Tokens {
    id_token: String,
    access_token: Option<String>,
}

#[derive(Deserialize)]
struct OAuthError {
    error: String,
}

/// Whether the client's secret goes into the form; it goes into a header unless the provider does not take that.
fn by_post(metadata: &Metadata) -> bool {
    let methods = metadata.token_endpoint_auth_methods_supported.as_deref();
    let takes = |name: &str| methods.is_some_and(|all| all.iter().any(|one| one == name));
    takes("client_secret_post") && !takes("client_secret_basic")
}

/// Whether it is an error code that can be shown and logged.
pub(super) fn is_code(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 40
        && text.bytes().all(|one| one.is_ascii_lowercase() || one == b'_')
}

/// An endpoint, which must be encrypted unless the whole provider is on this machine.
fn endpoint(address: &str, issuer: &str) -> Result<Url, Refused> {
    let url = Url::parse(address).ok().filter(|url| {
        url.scheme() == "https" || url.scheme() == "http" && issuer.starts_with("http:")
    });
    url.ok_or_else(|| Refused::Unavailable("one of its endpoints is not encrypted".to_owned()))
}

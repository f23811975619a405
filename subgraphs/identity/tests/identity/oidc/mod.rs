//! Signing in by a provider of identity.

mod attacks;
mod people;
mod provider;

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;
use url::Url;

use crate::support::{OIDC, Server, Tokens};
use provider::{CLIENT, Key, Provider, SECRET};

/// A server with an organization, and a provider that it trusts for `example.org`.
struct Stage {
    server: Server,
    owner: Tokens,
    organization: String,
    provider: Provider,
    key: Key,
}

impl Stage {
    async fn set() -> Self {
        Self::with(json!({})).await
    }

    /// With other settings of the provider.
    async fn with(settings: Value) -> Self {
        let (server, owner) = Server::set_up().await;
        let key = Key::new("first");
        let provider = Provider::start(&key).await;
        let data = server.data(Some(&owner.access), "{ organization { id } }", json!({})).await;
        let organization = data["organization"]["id"].as_str().unwrap().to_owned();
        let mut stage = Self { server, owner, organization, provider, key };
        let work = stage.settings("work", stage.provider.issuer(), settings);
        stage = stage.trusting(&json!([work])).await;
        stage
    }

    /// What the settings say of a provider.
    fn settings(&self, name: &str, issuer: &str, more: Value) -> Value {
        let mut settings = json!({
            "name": name,
            "issuer": issuer,
            "client_id": CLIENT,
            "client_secret": SECRET,
            "organization": self.organization,
            "email_domains": ["example.org"],
            "default_roles": ["viewer"],
        });
        settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        settings
    }

    /// The same server with these providers.
    async fn trusting(self, providers: &Value) -> Self {
        std::fs::write(self.server.path().join(OIDC), providers.to_string()).unwrap();
        Self { server: self.server.restart().await, ..self }
    }

    /// What the provider says of Charles, who signs in now, with these claims besides or instead.
    fn claims(&self, sent: &Sent, more: Value) -> Value {
        let now = self.server.env.now().micros() / 1_000_000;
        let mut claims = json!({
            "iss": self.provider.issuer(),
            "aud": CLIENT,
            "sub": "charles|1",
            "iat": now,
            "exp": now + 300,
            "nonce": sent.nonce,
            "email": "charles@example.org",
            "email_verified": true,
            "name": "Charles Babbage",
        });
        for (name, value) in more.as_object().unwrap() {
            match value {
                Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
                value => claims[name] = value.clone(),
            }
        }
        claims
    }

    /// Begins, has the provider vouch, comes back, and gets the tokens: or the name of what went wrong.
    async fn sign_in(&self, more: Value) -> Result<Tokens, String> {
        let sent = begin(&self.server, "work", "").await.unwrap();
        let id_token = self.key.sign(&self.claims(&sent, more));
        self.come_back(&sent, id_token).await
    }

    async fn come_back(&self, sent: &Sent, id_token: String) -> Result<Tokens, String> {
        self.provider.grant("a code", &sent.challenge, id_token);
        let back = callback(
            &self.server,
            &sent.cookie,
            "work",
            &[("code", "a code"), ("state", &sent.state)],
        )
        .await;
        let ticket = back?.ticket;
        let (status, told) = tokens(&self.server, &ticket).await;
        assert_eq!(status, StatusCode::OK, "{told}");
        if told["challenge"].is_string() {
            return Err(format!("challenge {}", told["challenge"].as_str().unwrap()));
        }
        let text = |name: &str| told[name].as_str().unwrap().to_owned();
        Ok(Tokens { access: text("accessToken"), refresh: text("refreshToken") })
    }

    /// Whose tokens these are, whatever they may do.
    fn me_id(&self, tokens: &Tokens) -> Value {
        json!(self.server.verifier.verify(&tokens.access).unwrap().user_id().unwrap())
    }

    async fn me(&self, tokens: &Tokens) -> Value {
        let asked = "{ me { id name email emailVerified roles } }";
        self.server.data(Some(&tokens.access), asked, json!({})).await["me"].clone()
    }
}

/// What a browser was sent to the provider with.
#[derive(Clone)]
struct Sent {
    /// `name=value`.
    cookie: String,
    address: Url,
    state: String,
    nonce: String,
    challenge: String,
}

/// What a browser was sent back to the page with.
struct Back {
    ticket: String,
    place: String,
}

/// An answer: its status, where it leads, the cookies that it sets, as `name=value`.
async fn ask(server: &Server, request: Request<Body>) -> (StatusCode, String, Vec<String>, Value) {
    let response = server.routes.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let text = |value: &header::HeaderValue| value.to_str().unwrap().to_owned();
    let location = parts.headers.get(header::LOCATION).map(text).unwrap_or_default();
    let cookies = parts.headers.get_all(header::SET_COOKIE).iter().map(text);
    let cookies = cookies
        .inspect(|cookie| {
            assert!(cookie.contains("; HttpOnly; SameSite="), "{cookie}");
        })
        .map(|cookie| cookie.split(';').next().unwrap().to_owned());
    let cookies = cookies.collect();
    let bytes = body.collect().await.unwrap().to_bytes();
    let told = serde_json::from_slice(&bytes).unwrap_or_default();
    (parts.status, location, cookies, told)
}

fn get(path: &str, cookie: &str) -> Request<Body> {
    Request::get(path).header(header::COOKIE, cookie).body(Body::empty()).unwrap()
}

/// The name of what went wrong, where the page is told of it.
fn failure(location: &str) -> Option<String> {
    location.strip_prefix("/#sign-in-failed=").map(str::to_owned)
}

async fn begin(server: &Server, provider: &str, query: &str) -> Result<Sent, String> {
    let path = format!("/login/oidc/{provider}{query}");
    let (status, location, cookies, _) = ask(server, get(&path, "")).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    if let Some(code) = failure(&location) {
        assert!(cookies.is_empty());
        return Err(code);
    }
    let address = Url::parse(&location).unwrap();
    let value = |name: &str| {
        let mut found = address.query_pairs().filter(|(own, _)| own == name);
        found.next().map(|(_, value)| value.into_owned()).unwrap_or_default()
    };
    assert_eq!(value("response_type"), "code");
    assert_eq!(value("client_id"), CLIENT);
    assert_eq!(value("code_challenge_method"), "S256");
    let callback = format!("http://127.0.0.1:4000/login/oidc/{provider}/callback");
    assert_eq!(value("redirect_uri"), callback);
    let (state, nonce, challenge) = (value("state"), value("nonce"), value("code_challenge"));
    Ok(Sent { cookie: cookies[0].clone(), state, nonce, challenge, address })
}

async fn callback(
    server: &Server,
    cookie: &str,
    provider: &str,
    parameters: &[(&str, &str)],
) -> Result<Back, String> {
    let query =
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
    let path = format!("/login/oidc/{provider}/callback?{query}");
    let (status, location, cookies, _) = ask(server, get(&path, cookie)).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    let ticket = cookies.iter().find(|cookie| cookie.starts_with("studio-ticket="));
    if let Some(code) = failure(&location) {
        assert_eq!(ticket, None, "nobody gets tokens by a failure");
        return Err(code);
    }
    let place = location.strip_prefix("/#signed-in=").unwrap().to_owned();
    Ok(Back { ticket: ticket.unwrap().clone(), place })
}

async fn tokens(server: &Server, cookie: &str) -> (StatusCode, Value) {
    let request = Request::post("/login/tokens").header(header::COOKIE, cookie);
    let (status, _, _, told) = ask(server, request.body(Body::empty()).unwrap()).await;
    (status, told)
}

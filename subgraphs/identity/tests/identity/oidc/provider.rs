//! A provider of identity of the tests' own, which can be made to lie: it keeps the rules of PKCE and of codes that
//! work once, and puts into tokens whatever a test says. A real one is tried in `tests/real/oidc.rs`.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

use aws_lc_rs::{
    digest,
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    routing::{get, post},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

pub(super) const CLIENT: &str = "studio";
pub(super) const SECRET: &str = "hunter2 & more";

/// A key pair, and its name.
pub(super) struct Key {
    pub(super) kid: String,
    pkcs8: Vec<u8>,
    point: Vec<u8>,
}

impl Key {
    pub(super) fn new(kid: &str) -> Self {
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &SystemRandom::new()).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref()).unwrap();
        let point = pair.public_key().as_ref().to_vec();
        Self { kid: kid.to_owned(), pkcs8: pkcs8.as_ref().to_vec(), point }
    }

    pub(super) fn jwk(&self) -> Value {
        json!({
            "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": self.kid,
            "x": URL_SAFE_NO_PAD.encode(&self.point[1..33]),
            "y": URL_SAFE_NO_PAD.encode(&self.point[33..]),
        })
    }

    pub(super) fn sign(&self, claims: &Value) -> String {
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some(self.kid.clone());
        jsonwebtoken::encode(&header, claims, &EncodingKey::from_ec_der(&self.pkcs8)).unwrap()
    }
}

/// A token with this header, and a signature by this shared secret; empty where there is none.
pub(super) fn token(header: &Value, claims: &Value, secret: Option<&[u8]>) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let text = format!("{}.{}", part(header), part(claims));
    let signature = secret.map(|secret| {
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret);
        URL_SAFE_NO_PAD.encode(aws_lc_rs::hmac::sign(&key, text.as_bytes()))
    });
    format!("{text}.{}", signature.unwrap_or_default())
}

/// What a code stands for.
struct Grant {
    challenge: String,
    id_token: String,
}

/// Where it does not say what it should.
#[derive(Default)]
pub(super) struct Lies {
    /// In the place of fields of the metadata.
    pub(super) metadata: HashMap<&'static str, Value>,
    /// What `userinfo` answers.
    pub(super) userinfo: Option<Value>,
}

struct Inner {
    issuer: String,
    keys: Mutex<Vec<Value>>,
    grants: Mutex<HashMap<String, Grant>>,
    lies: Mutex<Lies>,
    key_reads: AtomicUsize,
    exchanges: AtomicUsize,
}

/// A provider that runs.
#[derive(Clone)]
pub(super) struct Provider(Arc<Inner>);

impl Provider {
    pub(super) async fn start(key: &Key) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let provider = Self(Arc::new(Inner {
            issuer,
            keys: Mutex::new(vec![key.jwk()]),
            grants: Mutex::default(),
            lies: Mutex::default(),
            key_reads: AtomicUsize::default(),
            exchanges: AtomicUsize::default(),
        }));
        let app = Router::new()
            .route("/.well-known/openid-configuration", get(metadata))
            .route("/keys", get(keys))
            .route("/token", post(exchange))
            .route("/userinfo", get(userinfo))
            .with_state(provider.clone());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        provider
    }

    pub(super) fn issuer(&self) -> &str {
        &self.0.issuer
    }

    /// Makes a code for a token.
    pub(super) fn grant(&self, code: &str, challenge: &str, id_token: String) {
        let grant = Grant { challenge: challenge.to_owned(), id_token };
        self.0.grants.lock().unwrap().insert(code.to_owned(), grant);
    }

    pub(super) fn lie(&self, lie: impl FnOnce(&mut Lies)) {
        lie(&mut self.0.lies.lock().unwrap());
    }

    pub(super) fn publish(&self, keys: Vec<Value>) {
        *self.0.keys.lock().unwrap() = keys;
    }

    pub(super) fn key_reads(&self) -> usize {
        self.0.key_reads.load(SeqCst)
    }

    pub(super) fn exchanges(&self) -> usize {
        self.0.exchanges.load(SeqCst)
    }
}

async fn metadata(State(Provider(inner)): State<Provider>) -> Json<Value> {
    let issuer = &inner.issuer;
    let mut metadata = json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize?tenant=1"),
        "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/keys"),
        "userinfo_endpoint": format!("{issuer}/userinfo"),
    });
    for (name, value) in &inner.lies.lock().unwrap().metadata {
        metadata[*name] = value.clone();
    }
    Json(metadata)
}

async fn keys(State(Provider(inner)): State<Provider>) -> Json<Value> {
    inner.key_reads.fetch_add(1, SeqCst);
    Json(json!({ "keys": *inner.keys.lock().unwrap() }))
}

async fn userinfo(State(Provider(inner)): State<Provider>) -> Json<Value> {
    let told = inner.lies.lock().unwrap().userinfo.clone();
    Json(told.unwrap_or_else(|| json!({ "sub": "charles|1" })))
}

async fn exchange(
    State(Provider(inner)): State<Provider>,
    headers: axum::http::HeaderMap,
    body: String,
) -> (StatusCode, Json<Value>) {
    inner.exchanges.fetch_add(1, SeqCst);
    let form: HashMap<String, String> =
        url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    let refused = |error: &str| (StatusCode::BAD_REQUEST, Json(json!({ "error": error })));
    // hunter2 & more, encoded as in a form.
    let known = base64::engine::general_purpose::STANDARD.encode("studio:hunter2+%26+more");
    if headers["authorization"] != format!("Basic {known}") {
        return refused("invalid_client");
    }
    assert_eq!(form["grant_type"], "authorization_code");
    assert!(form["redirect_uri"].starts_with("http://127.0.0.1:4000/login/oidc/"));
    let Some(grant) = inner.grants.lock().unwrap().remove(&form["code"]) else {
        return refused("invalid_grant");
    };
    let verifier = form["code_verifier"].as_bytes();
    let challenge = URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, verifier));
    if verifier.len() < 43 || challenge != grant.challenge {
        return refused("invalid_grant");
    }
    let tokens = json!({ "id_token": grant.id_token, "access_token": "x", "token_type": "Bearer" });
    (StatusCode::OK, Json(tokens))
}

//! Where everything is, for client libraries: `GET /.well-known/oauth-authorization-server` (RFC 8414) and
//! `GET /.well-known/openid-configuration` (OpenID Connect Discovery 1.0, section 3). ID tokens are signed by
//! EdDSA alone, which the latter says though it asks for RS256 besides.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use studio_kernel::published::identity::GrantType;

use super::Served;

pub(super) async fn server(State(served): State<Arc<Served>>) -> Response {
    shown(&described(served.core.issuer.issuer()))
}

pub(super) async fn provider(State(served): State<Arc<Served>>) -> Response {
    let issuer = served.core.issuer.issuer();
    let mut told = described(issuer);
    told["userinfo_endpoint"] = format!("{issuer}/oauth2/userinfo").into();
    // Everybody is told the same of a person: what the API calls them.
    told["subject_types_supported"] = json!(["public"]);
    told["id_token_signing_alg_values_supported"] = json!(["EdDSA"]);
    told["claims_supported"] = json!([
        "iss",
        "aud",
        "sub",
        "iat",
        "exp",
        "nonce",
        "auth_time",
        "amr",
        "at_hash",
        "name",
        "email",
        "email_verified",
    ]);
    told["prompt_values_supported"] = json!(["none", "login", "consent", "select_account"]);
    told["claims_parameter_supported"] = false.into();
    told["request_parameter_supported"] = false.into();
    told["request_uri_parameter_supported"] = false.into();
    shown(&told)
}

fn described(issuer: &str) -> Value {
    let secrets = ["client_secret_basic", "client_secret_post"];
    let all = ["client_secret_basic", "client_secret_post", "none"];
    json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/oauth2/authorize"),
        "token_endpoint": format!("{issuer}/oauth2/token"),
        "revocation_endpoint": format!("{issuer}/oauth2/revoke"),
        "introspection_endpoint": format!("{issuer}/oauth2/introspect"),
        "jwks_uri": format!("{issuer}/.well-known/jwks.json"),
        "grant_types_supported": GrantType::ALL.map(GrantType::as_str),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "scopes_supported": ["openid", "profile", "email"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
        "token_endpoint_auth_methods_supported": all,
        "revocation_endpoint_auth_methods_supported": all,
        "introspection_endpoint_auth_methods_supported": secrets,
    })
}

fn shown(told: &Value) -> Response {
    ([(header::CACHE_CONTROL, "public, max-age=300")], Json(told)).into_response()
}

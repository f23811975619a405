//! What a provider says of a person, in a token that it has signed (OpenID Connect Core 1.0, section 3.1.3.7).

use jsonwebtoken::{
    Algorithm, DecodingKey, Validation,
    jwk::{AlgorithmParameters, Jwk},
};
use serde::Deserialize;
use serde_json::{Map, Value};
use studio_kernel::Timestamp;

use super::Refused;

/// Algorithms of signatures by a private key. `none` and those of a shared secret are not among them: a
/// provider's public key is no secret (RFC 8725, sections 3.1 and 3.2).
const ALLOWED: [Algorithm; 9] = [
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
];
/// Seconds by which the provider's clock may differ.
const SKEW: i64 = 60;
/// Seconds since a token was made, at most: it comes straight from the provider.
const OLDEST: i64 = 600;
/// Bytes of a token at most.
const LONGEST: usize = 64 * 1024;

/// What a token must say.
pub(super) struct Wanted<'a> {
    pub(super) issuer: &'a str,
    pub(super) client_id: &'a str,
    pub(super) nonce: &'a str,
    pub(super) now: Timestamp,
}

/// What it says.
#[derive(Deserialize)]
pub(super) struct Claims {
    pub(super) sub: String,
    exp: i64,
    iat: i64,
    nonce: Option<String>,
    azp: Option<String>,
    aud: Value,
    #[serde(flatten)]
    pub(super) rest: Map<String, Value>,
}

/// The `kid` of a token, whose algorithm must be one that is allowed.
pub(super) fn kid(token: &str) -> Result<Option<String>, Refused> {
    if token.len() > LONGEST {
        return Err(Refused::Token("it is too long"));
    }
    // `none` is no algorithm that the library knows.
    let header =
        jsonwebtoken::decode_header(token).map_err(|_| Refused::Token("it is no signed token"))?;
    if !ALLOWED.contains(&header.alg) {
        return Err(Refused::Token("its algorithm is none that is allowed"));
    }
    Ok(header.kid)
}

/// Checks a token by the key that signed it.
pub(super) fn verify(token: &str, key: &Jwk, wanted: &Wanted<'_>) -> Result<Claims, Refused> {
    let refused = Refused::Token;
    let header =
        jsonwebtoken::decode_header(token).map_err(|_| refused("it is no signed token"))?;
    if !ALLOWED.contains(&header.alg) {
        return Err(refused("its algorithm is none that is allowed"));
    }
    // A shared secret among the keys would make an algorithm of one possible.
    if matches!(key.algorithm, AlgorithmParameters::OctetKey(_)) {
        return Err(refused("its key is a shared secret"));
    }
    let named = key.common.key_algorithm.map(|named| named.to_string().parse::<Algorithm>());
    if named.is_some_and(|named| named.ok() != Some(header.alg)) {
        return Err(refused("its key is for another algorithm"));
    }
    let decoding = DecodingKey::from_jwk(key).map_err(|_| refused("its key cannot be used"))?;
    let mut validation = Validation::new(header.alg);
    validation.set_issuer(&[wanted.issuer]);
    validation.set_audience(&[wanted.client_id]);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    // The library reads the system's clock; below it is compared with ours.
    validation.validate_exp = false;
    validation.validate_nbf = false;
    let claims = jsonwebtoken::decode::<Claims>(token, &decoding, &validation)
        .map_err(|_| refused("its signature, issuer or audience is not right"))?
        .claims;
    if claims.sub.is_empty() || claims.sub.len() > 255 {
        return Err(refused("its subject is none"));
    }
    if claims.nonce.as_deref() != Some(wanted.nonce) {
        return Err(refused("its nonce is not the one that was sent"));
    }
    let several = claims.aud.as_array().is_some_and(|all| all.len() > 1);
    let azp = claims.azp.as_deref();
    if several && azp.is_none() || azp.is_some_and(|azp| azp != wanted.client_id) {
        return Err(refused("it was made for another client"));
    }
    let seconds = wanted.now.micros().div_euclid(1_000_000);
    if seconds >= claims.exp.saturating_add(SKEW) {
        return Err(refused("it is over"));
    }
    if claims.iat > seconds + SKEW || claims.iat < seconds - OLDEST {
        return Err(refused("it was not made just now"));
    }
    Ok(claims)
}

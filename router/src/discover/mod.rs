//! Asks a subgraph for its schema: by `_service { sdl }`, as the subgraph specification of federation has
//! it, or by introspection where it knows no federation.

mod introspected;

use crate::{
    compose::{SdlError, check_sdl},
    transport::{HttpSubgraph, TransportError},
};
use bytes::Bytes;
use serde_json::{Value, json};
use std::time::Duration;

/// Bytes of one answer: introspection takes several times the room of the schema as text.
const ANSWER: usize = 8 << 20;
/// Time for one answer.
const TIME: Duration = Duration::from_secs(10);
/// Characters of what a subgraph says of itself that are shown.
const SHOWN: usize = 200;

const SERVICE: &str = "{ _service { sdl } }";

/// Why a subgraph's schema is not known.
#[derive(Debug, thiserror::Error)]
pub enum DiscoverError {
    /// It does not answer.
    #[error("it cannot be asked for its schema: {0}")]
    Unavailable(#[from] TransportError),
    /// It does not say.
    #[error(
        "it tells its schema neither by _service {{ sdl }} ({service}) nor by introspection \
         ({introspection}): turn one of them on, or name a file with the schema"
    )]
    Untold {
        /// What came of the first question.
        service: String,
        /// What came of the second one.
        introspection: String,
    },
    /// The schema is none that is read.
    #[error("its schema is not read: {0}")]
    Sdl(#[from] SdlError),
}

/// The schema of the subgraph as text. Its answers may have 8 MiB and take 10 seconds each, the schema
/// itself 1 MiB.
///
/// # Errors
/// Where it does not answer, does not say, or says more than is read.
pub async fn discover(subgraph: &HttpSubgraph) -> Result<String, DiscoverError> {
    let answer = ask(subgraph, SERVICE).await?;
    let service = match data(&answer) {
        Ok(data) => match data["_service"]["sdl"].as_str() {
            Some(sdl) => {
                check_sdl(sdl)?;
                return Ok(sdl.to_owned());
            }
            None => "an answer without it".to_owned(),
        },
        Err(reason) => reason,
    };
    let sdl = introspected_sdl(&ask(subgraph, introspected::QUERY).await?)
        .map_err(|introspection| DiscoverError::Untold { service, introspection })?;
    check_sdl(&sdl)?;
    Ok(sdl)
}

/// The schema of an answer to the introspection query, or what is wrong with it.
pub fn introspected_sdl(answer: &[u8]) -> Result<String, String> {
    introspected::sdl(&data(answer)?["__schema"])
}

async fn ask(subgraph: &HttpSubgraph, query: &str) -> Result<Bytes, TransportError> {
    let body = json!({ "query": query }).to_string().into_bytes();
    subgraph.post(body, ANSWER, TIME).await
}

/// The data of an answer, or what it has in its place.
fn data(answer: &[u8]) -> Result<Value, String> {
    let mut answer: Value = serde_json::from_slice(answer)
        .map_err(|error| format!("an answer that is not JSON: {error}"))?;
    if let Some(message) = answer["errors"][0]["message"].as_str() {
        return Err(message.chars().filter(|one| !one.is_control()).take(SHOWN).collect());
    }
    Ok(answer["data"].take())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_answer_is_told() {
        assert!(data(b"<html>").unwrap_err().contains("not JSON"));
        assert_eq!(data(b"{\"errors\":[{\"message\":\"no\\u0007pe\"}]}").unwrap_err(), "nope");
        let long = json!({ "errors": [{ "message": "x".repeat(1000) }] }).to_string();
        assert_eq!(data(long.as_bytes()).unwrap_err().len(), SHOWN);
        let deep = format!("{{\"data\":{}", "[".repeat(10_000));
        assert!(data(deep.as_bytes()).unwrap_err().contains("recursion limit"));
    }
}

//! Calls to a provider: bounded in time and size, and without redirects.

use std::time::Duration;

use serde::de::DeserializeOwned;

use super::Refused;

/// Bytes of an answer at most: keys and metadata have some thousands.
const LARGEST: usize = 256 * 1024;
/// How long a provider may take to connect,
const CONNECT: Duration = Duration::from_secs(5);
/// and to answer.
const ANSWER: Duration = Duration::from_secs(10);

/// A client for one provider. One on this machine is reached past the system's proxy.
pub(super) fn client(issuer: &str) -> Result<reqwest::Client, reqwest::Error> {
    let mut builder = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT)
        .timeout(ANSWER);
    if issuer.starts_with("http:") {
        builder = builder.no_proxy();
    }
    builder.build()
}

/// Sends a request and reads its answer, which must be JSON of this shape.
pub(super) async fn json<T: DeserializeOwned>(
    request: reqwest::RequestBuilder,
    what: &str,
) -> Result<T, Refused> {
    let (status, bytes) = read(request, what).await?;
    if !status.is_success() {
        return Err(Refused::Unavailable(format!("{what} answers {status}")));
    }
    serde_json::from_slice(&bytes)
        .map_err(|_| Refused::Unavailable(format!("{what} is not what it must be")))
}

/// Sends a request and reads its answer, whatever its status.
pub(super) async fn read(
    request: reqwest::RequestBuilder,
    what: &str,
) -> Result<(reqwest::StatusCode, Vec<u8>), Refused> {
    let away = |error: reqwest::Error| {
        Refused::Unavailable(format!("{what} does not answer: {}", error.without_url()))
    };
    let mut response = request.send().await.map_err(away)?;
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(away)? {
        if bytes.len() + chunk.len() > LARGEST {
            return Err(Refused::Unavailable(format!("{what} is larger than {LARGEST} bytes")));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok((response.status(), bytes))
}

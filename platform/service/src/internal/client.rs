//! Reads from another subgraph's processes over HTTP. Any replica will do: calls take turns among
//! them, one that failed rests for a while, and each is tried before a call fails. Only reads go
//! this way; repeating one harms nothing.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use futures::StreamExt;
use reqwest::{StatusCode, Url, header};

use super::{HEADER, InternalSigner};

/// How patient a client is.
#[derive(Debug, Clone)]
pub struct Options {
    /// How long one replica may take to accept a connection.
    pub connect_timeout: Duration,
    /// How long one replica may take to answer whole, beside what it was asked to wait.
    pub timeout: Duration,
    /// For TLS with certificates of one's own; by default those of the system.
    pub http: Option<reqwest::Client>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(2),
            timeout: Duration::from_secs(10),
            http: None,
        }
    }
}

/// Why nothing was read.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// No address is configured, or one is malformed.
    #[error(
        "\"{address}\" is no address of {audience} ({cause}): write http://host:port, without a \
         path"
    )]
    Address {
        /// Which subgraph.
        audience: String,
        /// What was given.
        address: String,
        /// What is wrong with it.
        cause: String,
    },
    /// The library for HTTP does not start.
    #[error("the HTTP client does not start: {0}")]
    Client(String),
    /// No replica gave an answer.
    #[error("{audience} cannot be reached ({}): check that it runs and is configured with these \
             addresses", .tried.join("; "))]
    Unreachable {
        /// Which subgraph.
        audience: String,
        /// What each replica did.
        tried: Vec<String>,
    },
    /// A replica refused the call, as every other one would.
    #[error("{audience} at {replica} answered {status}: {detail}")]
    Refused {
        /// Which subgraph.
        audience: String,
        /// Which of its addresses.
        replica: String,
        /// The HTTP status.
        status: u16,
        /// What it said, as a sentence.
        detail: String,
        /// What it said, as it came; cut where it is long.
        body: Vec<u8>,
    },
    /// An answer is longer than any that is right.
    #[error("{audience} at {replica} answered with more than {limit} bytes")]
    TooLarge {
        /// Which subgraph.
        audience: String,
        /// Which of its addresses.
        replica: String,
        /// The limit.
        limit: usize,
    },
    /// The call could not be signed.
    #[error(transparent)]
    Sign(#[from] super::SignError),
}

/// An answer.
#[derive(Debug)]
pub struct Body {
    /// 200 or 204.
    pub status: u16,
    /// The bytes, fewer than the limit of the call.
    pub bytes: Vec<u8>,
    /// The replica that gave it, for messages.
    pub replica: String,
}

/// The replicas of one subgraph. Cheap to clone.
#[derive(Clone)]
pub struct InternalClient(Arc<Inner>);

struct Inner {
    audience: String,
    replicas: Vec<Url>,
    http: reqwest::Client,
    signer: InternalSigner,
    timeout: Duration,
    turn: AtomicUsize,
    /// Until when each replica is asked after the others, in milliseconds since `born`.
    resting: Vec<AtomicU64>,
    born: Instant,
}

/// How long a replica that failed is asked after the others.
const REST: Duration = Duration::from_secs(5);

/// The longest message of a refusal that is repeated.
const DETAIL: usize = 2_000;

impl InternalClient {
    /// Reads from the subgraph `audience` at these addresses (`http://host:port`).
    ///
    /// # Errors
    /// [`CallError::Address`] and [`CallError::Client`].
    pub fn new<U: AsRef<str>>(
        audience: &str,
        replicas: &[U],
        signer: InternalSigner,
        options: Options,
    ) -> Result<Self, CallError> {
        let wrong = |address: &str, cause: String| CallError::Address {
            audience: audience.to_owned(),
            address: address.to_owned(),
            cause,
        };
        let replicas = replicas
            .iter()
            .map(|address| parse(address.as_ref()).map_err(|cause| wrong(address.as_ref(), cause)))
            .collect::<Result<Vec<_>, _>>()?;
        if replicas.is_empty() {
            return Err(wrong("", "none is configured".to_owned()));
        }
        let count = replicas.len();
        let http = match options.http {
            Some(http) => http,
            None => reqwest::Client::builder()
                .connect_timeout(options.connect_timeout)
                .redirect(reqwest::redirect::Policy::none())
                .no_proxy()
                .build()
                .map_err(|error| CallError::Client(error.to_string()))?,
        };
        Ok(Self(Arc::new(Inner {
            audience: audience.to_owned(),
            replicas,
            http,
            signer,
            timeout: options.timeout,
            turn: AtomicUsize::new(0),
            resting: (0..count).map(|_| AtomicU64::new(0)).collect(),
            born: Instant::now(),
        })))
    }

    /// The subgraph.
    pub fn audience(&self) -> &str {
        &self.0.audience
    }

    /// `GET path`, from whichever replica answers first in turn. The answer has at most `limit`
    /// bytes; the server may take `patience` longer than usual.
    ///
    /// # Errors
    /// [`CallError`]
    pub async fn get(
        &self,
        path: &str,
        query: &[(&str, String)],
        limit: usize,
        patience: Duration,
    ) -> Result<Body, CallError> {
        let question = Question { path, query, sent: None, limit, patience };
        self.ask_any(&question).await
    }

    /// `POST path` with a JSON body, to whichever replica answers first in turn. What is sent may be
    /// taken twice: a replica may have taken it that did not answer. The answer has at most `limit`
    /// bytes.
    ///
    /// # Errors
    /// [`CallError`]
    pub async fn post(
        &self,
        path: &str,
        json: &serde_json::Value,
        limit: usize,
    ) -> Result<Body, CallError> {
        let patience = Duration::ZERO;
        self.ask_any(&Question { path, query: &[], sent: Some(json), limit, patience }).await
    }

    async fn ask_any(&self, question: &Question<'_>) -> Result<Body, CallError> {
        let inner = &*self.0;
        let mut tried = Vec::new();
        for index in inner.order() {
            let mut url = inner.replicas[index].clone();
            url.set_path(question.path);
            if !question.query.is_empty() {
                url.query_pairs_mut().extend_pairs(question.query);
            }
            match self.ask(url, question).await {
                Ok(body) => {
                    inner.resting[index].store(0, Ordering::Relaxed);
                    return Ok(body);
                }
                Err(Tried::Elsewhere(why)) => {
                    let until = inner.since_birth(Instant::now() + REST);
                    inner.resting[index].store(until, Ordering::Relaxed);
                    tried.push(why);
                }
                Err(Tried::Final(error)) => return Err(error),
            }
        }
        Err(CallError::Unreachable { audience: inner.audience.clone(), tried })
    }

    async fn ask(&self, url: Url, question: &Question<'_>) -> Result<Body, Tried> {
        let inner = &*self.0;
        let limit = question.limit;
        let replica = url.origin().ascii_serialization();
        let token = inner.signer.service_token(&inner.audience).map_err(CallError::from)?;
        let failed =
            |error: reqwest::Error| Tried::Elsewhere(format!("{replica}: {}", root(&error)));
        let request = match question.sent {
            Some(sent) => inner
                .http
                .post(url)
                .header(header::CONTENT_TYPE, "application/json")
                .body(sent.to_string()),
            None => inner.http.get(url),
        };
        let response = request
            .header(HEADER, token)
            .timeout(inner.timeout.saturating_add(question.patience))
            .send()
            .await
            .map_err(failed)?;
        let status = response.status();
        let too_large = || CallError::TooLarge {
            audience: inner.audience.clone(),
            replica: replica.clone(),
            limit,
        };
        let expected = response.headers().get(header::CONTENT_LENGTH);
        let expected = expected.and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
        let limit_here = if status.is_success() { limit } else { DETAIL * 4 };
        if expected.is_some_and(|length| length > limit_here) && status.is_success() {
            return Err(too_large().into());
        }
        let mut bytes = Vec::with_capacity(expected.unwrap_or(0).min(limit_here));
        let mut chunks = response.bytes_stream();
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(failed)?;
            if bytes.len() + chunk.len() > limit_here {
                if status.is_success() {
                    return Err(too_large().into());
                }
                break;
            }
            bytes.extend_from_slice(&chunk);
        }
        if status == StatusCode::OK || status == StatusCode::NO_CONTENT {
            return Ok(Body { status: status.as_u16(), bytes, replica });
        }
        let detail = detail(&bytes);
        // A fault of that replica, or one that is starting or stopping; another may do better.
        if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
            return Err(Tried::Elsewhere(format!("{replica} answered {status}: {detail}")));
        }
        Err(Tried::Final(CallError::Refused {
            audience: inner.audience.clone(),
            replica,
            status: status.as_u16(),
            detail,
            body: bytes,
        }))
    }
}

impl Inner {
    fn since_birth(&self, at: Instant) -> u64 {
        u64::try_from(at.duration_since(self.born).as_millis()).unwrap_or(u64::MAX)
    }

    /// The replicas, each once: those that answered last time in turn, then those that rest.
    fn order(&self) -> Vec<usize> {
        let count = self.replicas.len();
        let first = self.turn.fetch_add(1, Ordering::Relaxed);
        let now = self.since_birth(Instant::now());
        let mut order: Vec<usize> = (0..count).map(|step| (first + step) % count).collect();
        order.sort_by_key(|index| self.resting[*index].load(Ordering::Relaxed) > now);
        order
    }
}

impl std::fmt::Debug for InternalClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InternalClient")
            .field("audience", &self.0.audience)
            .field("replicas", &self.0.replicas)
            .finish_non_exhaustive()
    }
}

/// What is asked of a replica.
struct Question<'a> {
    path: &'a str,
    query: &'a [(&'a str, String)],
    /// The body, as JSON.
    sent: Option<&'a serde_json::Value>,
    limit: usize,
    patience: Duration,
}

/// What one replica did.
enum Tried {
    /// Another one may answer.
    Elsewhere(String),
    /// They all would do the same.
    Final(CallError),
}

impl From<CallError> for Tried {
    fn from(error: CallError) -> Self {
        Self::Final(error)
    }
}

fn parse(address: &str) -> Result<Url, String> {
    let url = Url::parse(address).map_err(|error| error.to_string())?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("only http and https are spoken".to_owned());
    }
    if url.host().is_none() || !matches!(url.path(), "" | "/") || url.query().is_some() {
        return Err("it has a path".to_owned());
    }
    Ok(url)
}

/// The innermost cause: "connection refused" says more than "error sending request".
fn root(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

/// The sentence of a problem document (RFC 9457), or the text as it came.
fn detail(bytes: &[u8]) -> String {
    let problem: Option<serde_json::Value> = serde_json::from_slice(bytes).ok();
    let sentence = problem.as_ref().and_then(|problem| problem.get("detail")?.as_str());
    match sentence {
        Some(sentence) => sentence.chars().take(DETAIL).collect(),
        None => String::from_utf8_lossy(bytes).chars().take(DETAIL).collect(),
    }
}

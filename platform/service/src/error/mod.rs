//! Errors at the edge: each is either for the client (a stable code and a sentence that says what
//! to do) or internal (masked, and logged with the request id by the span it happens in).

mod stores;

use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering},
};

use studio_kernel::Code;

/// How often this process refused something to somebody whom it does not know.
static ANONYMOUS_REFUSALS: AtomicU64 = AtomicU64::new(0);

/// Counts a refusal of somebody who is nobody known: they are counted, and not recorded one by one.
pub fn count_anonymous_refusal() {
    ANONYMOUS_REFUSALS.fetch_add(1, Ordering::Relaxed);
}

/// How many there were since the start of the process.
pub fn anonymous_refusals() -> u64 {
    ANONYMOUS_REFUSALS.load(Ordering::Relaxed)
}

/// An error that may be shown to a client.
#[derive(Debug, Clone)]
pub struct ApiError {
    code: Code,
    message: String,
    /// The HTTP status of REST, where it says more than that of the code.
    status: Option<u16>,
}

impl ApiError {
    /// An error with a message for the client. The message must hold no internals.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), status: None }
    }

    /// A fault on our side: logged here with its cause, masked for the client.
    pub fn internal(cause: impl fmt::Display) -> Self {
        tracing::error!(error = %cause, "internal error");
        Self::new(
            Code::Internal,
            "Something went wrong on our side. Try again; if it stays, give the request id to \
             whoever runs this server.",
        )
    }

    /// Something that the service keeps its data in is away: logged here with its cause, and told to
    /// the client as what it is, since trying again helps.
    pub fn unavailable(cause: impl fmt::Display) -> Self {
        tracing::warn!(error = %cause, "a store is away");
        Self::new(
            Code::SubgraphUnavailable,
            "What this service keeps its data in cannot be reached at present: try again shortly.",
        )
    }

    /// There is no space left for what was sent: logged here with its cause. Trying again helps once
    /// somebody has made room.
    pub fn full(cause: impl fmt::Display) -> Self {
        tracing::error!(error = %cause, "no space is left");
        let mut error = Self::new(
            Code::SubgraphUnavailable,
            "No space is left for what was sent, and nothing of it was kept: ask whoever runs this \
             server to make room, then send it again.",
        );
        error.status = Some(507);
        error
    }

    /// Bytes that are on record are not in the store, or not as they were put there: logged here with
    /// its cause, and told, since only whoever runs the server can bring them back.
    pub fn lost(cause: impl fmt::Display) -> Self {
        tracing::error!(error = %cause, "kept bytes are lost");
        Self::new(
            Code::Internal,
            "Bytes that are on record are missing in the store, or damaged: ask whoever runs this \
             server to restore them from a backup.",
        )
    }

    /// Nothing of that id is visible to the actor; the same words whether it exists elsewhere.
    pub fn not_found(what: &str, id: impl fmt::Display) -> Self {
        Self::new(Code::NotFound, format!("There is no {what} {id} that you can see."))
    }

    /// Nothing is served at the path that was asked.
    pub fn no_such_path() -> Self {
        Self::new(
            Code::NotFound,
            "There is nothing at this path. Clients ask /graphql, and the REST endpoints that \
             GET /v1/openapi.json lists.",
        )
    }

    /// The path is served, but does not take the method. `Allow` says which it takes.
    pub fn wrong_method() -> Self {
        let mut error = Self::new(
            Code::BadRequest,
            "This path does not take that method: the header Allow names those that it takes, and \
             GET /v1/openapi.json says what they do.",
        );
        error.status = Some(405);
        error
    }

    /// The request came without valid credentials.
    pub fn unauthenticated() -> Self {
        count_anonymous_refusal();
        Self::new(
            Code::Unauthenticated,
            "Sign in first: send the access token of logIn as \"Authorization: Bearer …\".",
        )
    }

    /// The stable code.
    pub fn code(&self) -> Code {
        self.code
    }

    /// The HTTP status that a REST endpoint answers with.
    pub fn http_status(&self) -> u16 {
        self.status.unwrap_or(self.code.http_status())
    }

    /// The sentence for the client.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ApiError {}

impl From<studio_kernel::IdError> for ApiError {
    fn from(error: studio_kernel::IdError) -> Self {
        Self::new(Code::BadRequest, error.to_string())
    }
}

impl From<studio_access::Denied> for ApiError {
    fn from(denied: studio_access::Denied) -> Self {
        Self::new(denied.code(), denied.to_string())
    }
}

/// Turns anything that maps to an [`ApiError`] into a GraphQL error with `extensions.code`.
///
/// A blanket `From` is not possible (async-graphql owns one for every `Display` type), so resolvers
/// write `.map_err(gql)?`.
pub fn gql(error: impl Into<ApiError>) -> async_graphql::Error {
    let error = error.into();
    let mut shown = async_graphql::Error::new(error.message);
    shown.extensions.get_or_insert_default().set("code", error.code.as_str());
    shown
}

/// Gives an argument that its type does not take (a negative number for a count) its code: the library
/// gives it none. What resolvers answer with has one.
pub(crate) fn name_what_does_not_parse(error: &mut async_graphql::ServerError) {
    let coded = error.extensions.as_ref().is_some_and(|known| known.get("code").is_some());
    if !coded && error.message.starts_with("Failed to parse \"") {
        error.extensions.get_or_insert_default().set("code", Code::BadRequest.as_str());
    }
}

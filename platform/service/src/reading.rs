//! Reading one's own writes: where a request may read from ([`ReadScope`]), and how its caller says,
//! and learns, how far it has seen. A mutation reads from the primary; a query may read from a
//! replica that has everything the caller has seen.

use std::{
    any::TypeId,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_graphql::{Request, parser::types::OperationType};
use axum::{
    http::{HeaderMap, HeaderName, HeaderValue},
    middleware::Next,
    response::{IntoResponse, Response},
};
use studio_kernel::{Actor, Code, TenantId};
use studio_stores::sql::{Furthest, Positions, ReadScope};

use crate::ApiError;

/// The header in which an answer says what it wrote (`controls=42`), and in which a later request may
/// say it back to be sure to see it, whichever process answers.
pub const POSITIONS: HeaderName = HeaderName::from_static("studio-positions");

/// How far the caller of a request has seen: as it said, and as was written for it since. Clones are
/// the same one.
#[derive(Debug, Clone, Default)]
pub struct Seen(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    positions: Positions,
    wrote: bool,
}

impl Seen {
    /// What these headers say.
    ///
    /// # Errors
    /// `BAD_REQUEST` where they say it wrongly.
    pub fn of(headers: &HeaderMap) -> Result<Self, ApiError> {
        let state = State { positions: positions(headers)?, wrote: false };
        Ok(Self(Arc::new(Mutex::new(state))))
    }

    /// All of it.
    pub fn positions(&self) -> Positions {
        self.state().positions.clone()
    }

    /// Notes what the caller must see beside what it said.
    pub fn see(&self, more: &Positions) {
        self.state().positions.merge(more);
    }

    /// Notes what was written for the caller.
    pub fn wrote(&self, more: &Positions) {
        if !more.is_empty() {
            let mut state = self.state();
            state.positions.merge(more);
            state.wrote = true;
        }
    }

    /// Says it with a request to another process.
    pub fn ask(&self, headers: &mut HeaderMap) {
        say(&self.state().positions, headers);
    }

    /// Says it in the answer, if anything was written.
    pub fn tell(&self, headers: &mut HeaderMap) {
        let state = self.state();
        if state.wrote {
            say(&state.positions, headers);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn say(positions: &Positions, headers: &mut HeaderMap) {
    // Names of logs and numbers are what a header may hold.
    if !positions.is_empty()
        && let Ok(value) = HeaderValue::from_str(&positions.to_string())
    {
        headers.insert(POSITIONS, value);
    }
}

/// The positions that these headers name.
///
/// # Errors
/// `BAD_REQUEST` where they are not well-formed.
fn positions(headers: &HeaderMap) -> Result<Positions, ApiError> {
    let mut all = Positions::new();
    for value in headers.get_all(POSITIONS) {
        let read = value.to_str().ok().and_then(|text| text.parse::<Positions>().ok());
        all.merge(&read.ok_or_else(|| {
            let message = "The header Studio-Positions reads like \"controls=42;evidence=17\": send \
                           what an earlier answer said, or leave it out.";
            ApiError::new(Code::BadRequest, message)
        })?);
    }
    Ok(all)
}

/// What a process without logs of its own has heard that organizations wrote, so that callers who say
/// nothing read their own writes, too.
#[derive(Debug, Default)]
pub struct Heard(Furthest<Positions>);

impl Heard {
    /// Notes what a subgraph's answer to somebody of an organization, or to somebody unknown, says
    /// that was written for it. The answer was made, whatever it says: what cannot be read of it is
    /// logged, and counts as nothing.
    pub fn hear(&self, subgraph: &str, tenant: Option<TenantId>, headers: &HeaderMap) -> Positions {
        let wrote = positions(headers).unwrap_or_else(|error| {
            tracing::error!(subgraph, %error, "an answer does not say what it wrote");
            Positions::new()
        });
        if !wrote.is_empty() {
            self.0.note(tenant, &wrote);
        }
        wrote
    }

    /// What somebody of this organization must see.
    pub fn of(&self, tenant: Option<TenantId>) -> Positions {
        self.0.of(tenant)
    }
}

/// The scope of a GraphQL request: its [`Actor`] names the organization, [`Seen`] among its data says
/// what the caller has seen.
pub fn scope(request: &mut Request) -> ReadScope {
    let tenant = data::<Actor>(request).map(|actor| actor.tenant);
    let writes = request.parsed_query().is_ok_and(|document| {
        document
            .operations
            .iter()
            .any(|(_, operation)| operation.node.ty == OperationType::Mutation)
    });
    if writes {
        return ReadScope::mutation(tenant);
    }
    ReadScope::query(tenant, seen(request).map(Seen::positions).unwrap_or_default())
}

/// What the caller of a GraphQL request has seen, where it is known.
pub fn seen(request: &Request) -> Option<&Seen> {
    data(request)
}

fn data<T: 'static>(request: &Request) -> Option<&T> {
    request.data.get(&TypeId::of::<T>()).and_then(|value| value.downcast_ref())
}

/// Around REST: it reads from the primary, and its answers say what it wrote.
pub async fn rest(request: axum::extract::Request, next: Next) -> Response {
    let seen = match Seen::of(request.headers()) {
        Ok(seen) => seen,
        Err(error) => return error.into_response(),
    };
    let scope = ReadScope::mutation(request.extensions().get::<Actor>().map(|actor| actor.tenant));
    let mut response = scope.run(next.run(request)).await;
    seen.wrote(&scope.wrote());
    seen.tell(response.headers_mut());
    response
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use async_graphql::{EmptySubscription, Object, Schema};
    use studio_kernel::{Env, TenantId};
    use studio_stores::sql::{Database, SqlOptions};

    use super::*;
    use crate::{GraphQlService, Served};

    struct Query;
    #[Object]
    impl Query {
        async fn nothing(&self) -> bool {
            true
        }
    }

    struct Mutation(Database, TenantId);
    #[Object]
    impl Mutation {
        async fn write(&self) -> bool {
            self.0.wrote(self.1, 42);
            true
        }
    }

    #[tokio::test]
    async fn an_answer_says_what_the_request_wrote() {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", directory.path().join("store.db").display());
        let options = SqlOptions { log: Some("controls".to_owned()), ..SqlOptions::default() };
        let database = Database::connect(&url, options).await.unwrap();
        let mutation = Mutation(database, Env::system().id());
        let schema = Schema::build(Query, mutation, EmptySubscription).finish();
        let served: Arc<dyn GraphQlService> = Served::new(schema, |request| request);
        let told = async |text: &str| {
            let seen = Seen::default();
            let answer = served.execute(Request::new(text).data(seen.clone())).await;
            assert!(answer.is_ok(), "{:?}", answer.errors);
            let mut headers = HeaderMap::new();
            seen.tell(&mut headers);
            headers.get(POSITIONS).map(|value| value.to_str().unwrap().to_owned())
        };
        assert_eq!(told("{ nothing }").await, None);
        assert_eq!(told("mutation { write }").await.as_deref(), Some("controls=42"));
    }

    #[test]
    fn a_header_is_read_as_it_was_written() {
        let mut headers = HeaderMap::new();
        headers.append(POSITIONS, HeaderValue::from_static("controls=4;ai=1"));
        headers.append(POSITIONS, HeaderValue::from_static("controls=3;evidence=2"));
        let seen = Seen::of(&headers).unwrap();
        assert_eq!(seen.positions().to_string(), "ai=1;controls=4;evidence=2");
        let mut told = HeaderMap::new();
        seen.tell(&mut told);
        assert!(told.is_empty(), "nothing was written");
        seen.wrote(&"ai=7".parse().unwrap());
        seen.tell(&mut told);
        assert_eq!(positions(&told).unwrap(), seen.positions());
        headers.append(POSITIONS, HeaderValue::from_static("controls"));
        assert_eq!(Seen::of(&headers).unwrap_err().code(), Code::BadRequest);
    }

    #[test]
    fn what_an_answer_wrote_is_heard_and_what_it_says_wrongly_is_not() {
        let (heard, env) = (Heard::default(), Env::system());
        let tenant = || Some(env.id::<studio_kernel::kind::Organization>());
        let (first, stranger) = (tenant(), tenant());
        let mut answer = HeaderMap::new();
        let mut hear = |tenant, said| {
            answer.insert(POSITIONS, HeaderValue::from_static(said));
            heard.hear("controls", tenant, &answer).to_string()
        };
        assert_eq!(hear(first, "controls=5"), "controls=5");
        assert_eq!(hear(None, "identity=2"), "identity=2");
        assert_eq!(hear(first, "controls"), "");
        assert_eq!(heard.of(first).to_string(), "controls=5;identity=2");
        assert_eq!(heard.of(stranger).to_string(), "identity=2");
    }
}

//! Reading one's own writes: where a request may read from ([`ReadScope`]), and how it learns and
//! says how far its caller has seen. A mutation reads from the primary; a query may read from a
//! replica that has everything the caller has seen.

use std::any::TypeId;

use async_graphql::{Request, Response, parser::types::OperationType};
use axum::http::{HeaderName, HeaderValue};
use studio_kernel::Actor;
use studio_stores::sql::{Positions, ReadScope};

/// The header in which an answer says what it wrote (`controls=42`), and in which a later request may
/// say it back to be sure to see it, whichever process answers.
pub const POSITIONS: HeaderName = HeaderName::from_static("studio-positions");

/// The scope of a GraphQL request: its [`Actor`] names the organization, [`Positions`] among its data
/// say what the caller has seen.
pub fn scope(request: &mut Request) -> ReadScope {
    let tenant = data::<Actor>(request).map(|actor| actor.tenant);
    let seen = data::<Positions>(request).cloned().unwrap_or_default();
    let writes = request.parsed_query().is_ok_and(|document| {
        document
            .operations
            .iter()
            .any(|(_, operation)| operation.node.ty == OperationType::Mutation)
    });
    if writes { ReadScope::mutation(tenant) } else { ReadScope::query(tenant, seen) }
}

fn data<T: 'static>(request: &Request) -> Option<&T> {
    request.data.get(&TypeId::of::<T>()).and_then(|value| value.downcast_ref())
}

/// Says in the answer what the request wrote.
pub fn tell(scope: &ReadScope, response: &mut Response) {
    let wrote = scope.wrote();
    if wrote.is_empty() {
        return;
    }
    if let Ok(value) = HeaderValue::from_str(&wrote.to_string()) {
        response.http_headers.insert(POSITIONS, value);
    }
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
        let header = async |text: &str| {
            let answer = served.execute(Request::new(text)).await;
            assert!(answer.is_ok(), "{:?}", answer.errors);
            answer.http_headers.get(POSITIONS).map(|value| value.to_str().unwrap().to_owned())
        };
        assert_eq!(header("{ nothing }").await, None);
        assert_eq!(header("mutation { write }").await.as_deref(), Some("controls=42"));
    }
}

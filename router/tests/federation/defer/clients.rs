//! Clients that take answers in parts.

use crate::reference_clients::play;
use std::path::Path;

#[tokio::test]
async fn clients_take_answers_in_parts() {
    let modules = std::env::var("STUDIO_TEST_GRAPHQL_CLIENTS").unwrap_or_default();
    if !Path::new(&modules).join("node_modules/@apollo/client").exists() {
        println!(
            "skipped: Apollo Client is not in STUDIO_TEST_GRAPHQL_CLIENTS: run it by tests/services \
             with graphql_clients"
        );
        return;
    }
    play("deferred.mjs").await;
}

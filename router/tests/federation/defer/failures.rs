//! Errors, nulls, and what ends before it is complete.

use super::{begin, gated, merge::merged, parts};
use crate::{
    subgraphs::{Log, products, users},
    support::{caller, collect, http, in_process, over_http, supergraph},
};
use futures::StreamExt;
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};
use studio_router::{GraphqlRequest, Limits, Router, transport::InProcess};
use tokio_util::sync::CancellationToken;

#[tokio::test]
async fn a_null_that_may_not_be_fails_the_fragment_alone() {
    let query = "{ user(id: \"u2\") { id ... @defer(label: \"a\") { role secret } \
                 ... @defer(label: \"b\") { reviews { id } } } }";
    for router in [in_process(&Log::default()), over_http(&Log::default()).await] {
        let all = parts(&router, query, Value::Null).await;
        let together = merged(&all);
        assert_eq!(together.data, json!({ "user": { "id": "u2", "reviews": [{ "id": "r2" }] } }));
        assert_eq!(together.failed, [json!(["user"])]);
        let [error] = &together.errors[..] else { panic!("{:?}", together.errors) };
        assert_eq!(error["path"], json!(["user", "secret"]));
        assert_eq!(error["extensions"]["code"], "FORBIDDEN");
    }
}

#[tokio::test]
async fn an_error_of_a_field_comes_with_its_fragment() {
    let query = "{ users { id ... @defer { maybeSecret } } }";
    let all = parts(&in_process(&Log::default()), query, Value::Null).await;
    assert_eq!(all[0].get("errors"), None);
    let of = |id: &str| {
        let all = all.iter().filter_map(|part| part["incremental"].as_array()).flatten();
        all.clone().find(|fields| fields["id"] == id).unwrap().clone()
    };
    assert_eq!(of("0"), json!({ "id": "0", "data": { "maybeSecret": "secret of Ada" } }));
    let failed = of("1");
    assert_eq!(failed["data"], json!({ "maybeSecret": null }));
    assert_eq!(failed["errors"][0]["path"], json!(["users", 1, "maybeSecret"]));
    assert_eq!(merged(&all).errors.len(), 2);
}

#[tokio::test]
async fn a_subgraph_that_is_away_is_told_with_the_fragment() {
    let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let log = Log::default();
    let router = Router::builder()
        .supergraph(supergraph())
        .subgraph("users", Arc::new(InProcess::new(users::schema(log.clone()))))
        .subgraph("products", Arc::new(InProcess::new(products::schema(log))))
        .subgraph("inventory", http(&gone.to_string()))
        .build()
        .unwrap();
    let query = "{ topProducts(first: 2) { name ... @defer { inStock } } }";
    let all = parts(&router, query, Value::Null).await;
    assert_eq!(all[0].get("errors"), None, "{all:?}");
    let together = merged(&all);
    assert_eq!(together.data["topProducts"][1], json!({ "name": "Couch", "inStock": null }));
    let paths: Vec<&Value> = together.errors.iter().map(|error| &error["path"]).collect();
    let place = |index: usize| json!(["topProducts", index, "inStock"]);
    assert_eq!(paths, [&place(0), &place(1)]);
    assert_eq!(together.errors[0]["extensions"]["code"], "SUBGRAPH_UNAVAILABLE");
}

#[tokio::test]
async fn fragments_inside_of_what_became_null_do_not_come() {
    // The secret is never null: it takes the user with it.
    let query = "{ user(id: \"u2\") { secret ... @defer { reviews { id } } } me { id ... @defer { name } } }";
    let all = parts(&in_process(&Log::default()), query, Value::Null).await;
    assert_eq!(all[0]["data"], json!({ "user": null, "me": { "id": "u1" } }));
    assert_eq!(all[0]["pending"], json!([{ "id": "0", "path": ["me"] }]));
    assert_eq!(all[0]["errors"][0]["path"], json!(["user", "secret"]));
    assert_eq!(merged(&all).data["me"], json!({ "id": "u1", "name": "Ada" }));
    // So do those inside of a fragment that fails.
    let query = "{ user(id: \"u2\") { id ... @defer { secret ... @defer { reviews { id } } } } }";
    let all = parts(&in_process(&Log::default()), query, Value::Null).await;
    let together = merged(&all);
    assert_eq!(together.data, json!({ "user": { "id": "u2" } }));
    assert_eq!(together.failed, [json!(["user"])]);
}

#[tokio::test]
async fn a_null_takes_the_fragment_that_shares_its_field() {
    let query = "{ user(id: \"u2\") { id ... @defer(label: \"a\") { secret email } \
                 ... @defer(label: \"b\") { secret role } } }";
    let together = merged(&parts(&in_process(&Log::default()), query, Value::Null).await);
    assert_eq!(together.data, json!({ "user": { "id": "u2" } }));
    assert_eq!(together.failed.len(), 2);
}

#[tokio::test]
async fn what_takes_too_long_is_told_of_each_fragment() {
    let limits = Limits { execution: Duration::from_secs(1), ..Limits::default() };
    let (router, _reviews) = gated(|builder| builder.limits(limits));
    let query = "{ me { name ... @defer(label: \"a\") { reviews { id } } } \
                 user(id: \"u3\") { id ... @defer(label: \"b\") { reviews { id } } } }";
    let (first, rest) = begin(&router, query).await;
    let mut all = vec![first];
    all.extend(collect(rest).await);
    let together = merged(&all);
    assert_eq!(together.data, json!({ "me": { "name": "Ada" }, "user": { "id": "u3" } }));
    assert_eq!(together.failed, [json!(["me"]), json!(["user"])]);
    assert!(together.errors.iter().all(|error| error["extensions"]["code"] == "TIMEOUT"));
    // Before the first part there is nothing else to tell.
    let request = GraphqlRequest::new("{ reviews { id ... @defer { body } } }");
    let all = collect(router.subscribe(request, caller()).await.unwrap()).await;
    assert_eq!(all.len(), 1);
    assert_eq!(all[0]["errors"][0]["extensions"]["code"], "TIMEOUT");
}

#[tokio::test]
async fn a_router_that_stops_ends_what_is_pending() {
    let shutdown = CancellationToken::new();
    let (router, reviews) = gated(|builder| builder.shutdown(shutdown.clone()));
    let (first, rest) = begin(&router, "{ me { name ... @defer { reviews { id } } } }").await;
    let rest = tokio::spawn(collect(rest));
    reviews.was_asked().await;
    shutdown.cancel();
    let mut all = vec![first];
    all.extend(rest.await.unwrap());
    let together = merged(&all);
    assert_eq!(together.failed, [json!(["me"])]);
    assert!(together.errors[0]["message"].as_str().unwrap().contains("the server stops"));
}

#[tokio::test]
async fn a_client_that_leaves_ends_the_fetches() {
    struct OnDrop(CancellationToken);
    impl Drop for OnDrop {
        fn drop(&mut self) {
            self.0.cancel();
        }
    }
    let (router, reviews) = gated(|builder| builder);
    let (_, mut rest) = begin(&router, "{ me { name ... @defer { reviews { id } } } }").await;
    let ended = CancellationToken::new();
    let guard = OnDrop(ended.clone());
    let reading = tokio::spawn(async move {
        let _guard = guard;
        rest.next().await
    });
    reviews.was_asked().await;
    reading.abort();
    ended.cancelled().await;
    // The fetch is gone with its permit not taken.
    reviews.answers.add_permits(1);
    assert_eq!(reviews.answers.available_permits(), 1);
}

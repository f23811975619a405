//! Whatever a client sends, the router answers with JSON and does not panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::sync::{Arc, LazyLock};
use studio_router::{Caller, GraphqlRequest, Router};
use tokio::runtime::Runtime;

const SUPERGRAPH: &str = include_str!("../../router/tests/federation/fuzz.supergraph.graphql");

/// The subgraphs do not answer: reading, validating, planning and projecting are what is tried.
static ROUTER: LazyLock<(Arc<Router>, Runtime)> = LazyLock::new(|| {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    (Router::builder().supergraph(SUPERGRAPH).build().unwrap(), runtime)
});

fuzz_target!(|bytes: &[u8]| {
    let (router, runtime) = &*ROUTER;
    let request = match GraphqlRequest::from_json(bytes) {
        Ok(request) => request,
        Err(_) => match std::str::from_utf8(bytes) {
            Ok(text) => GraphqlRequest::new(text),
            Err(_) => return,
        },
    };
    let caller = Caller { may_introspect: true, ..Caller::default() };
    let answer = runtime.block_on(router.execute(request, caller));
    assert!(answer.json().is_object());
});

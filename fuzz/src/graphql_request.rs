//! Whatever a client sends over HTTP, the router answers with JSON and does not panic.

use studio_router::{Caller, GraphqlRequest};

pub fn check(bytes: &[u8]) {
    let request = match GraphqlRequest::from_json(bytes) {
        Ok(request) => request,
        Err(_) => match std::str::from_utf8(bytes) {
            Ok(text) => GraphqlRequest::new(text),
            Err(_) => return,
        },
    };
    let caller = Caller { may_introspect: true, ..Caller::default() };
    let answer = super::router::with(async |router| router.execute(request, caller).await);
    assert!(answer.json().is_object());
}

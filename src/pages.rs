//! The page at `/` and the API console, from inside the binary.

use axum::{
    Router,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
    routing::get,
};

/// Path, media type and content of each file.
const FILES: &[(&str, &str, &str)] = &[
    ("/", "text/html; charset=utf-8", include_str!("../web/index.html")),
    ("/app.js", "text/javascript; charset=utf-8", include_str!("../web/app.js")),
    ("/console.js", "text/javascript; charset=utf-8", include_str!("../web/console.js")),
    ("/operations.js", "text/javascript; charset=utf-8", include_str!("../web/operations.js")),
    ("/style.css", "text/css; charset=utf-8", include_str!("../web/style.css")),
];

/// The API console that a browser gets at `GET /graphql`.
pub(crate) fn console() -> String {
    include_str!("../web/console.html").to_owned()
}

/// The routes of the files.
pub(crate) fn routes() -> Router {
    FILES.iter().fold(Router::new(), |router, &(path, media_type, content)| {
        router.route(path, get(move || async move { file(media_type, content) }))
    })
}

fn file(media_type: &'static str, content: &'static str) -> Response {
    let mut response = content.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    // The files change with the binary, so a browser asks again each time.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

//! The page at `/` and the API console, from inside the binary.

use axum::{
    Router,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
    routing::get,
};

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const PICTURE: &str = "image/svg+xml";

/// Path, media type and content of each file.
const FILES: &[(&str, &str, &str)] = &[
    ("/", HTML, include_str!("../web/index.html")),
    ("/assets/account.js", SCRIPT, include_str!("../web/account.js")),
    ("/assets/app.js", SCRIPT, include_str!("../web/app.js")),
    ("/assets/authorize.js", SCRIPT, include_str!("../web/authorize.js")),
    ("/assets/client.js", SCRIPT, include_str!("../web/client.js")),
    ("/assets/console.css", STYLE, include_str!("../web/console.css")),
    ("/assets/console.js", SCRIPT, include_str!("../web/console.js")),
    ("/assets/contributions.js", SCRIPT, include_str!("../web/contributions.js")),
    ("/assets/docs.js", SCRIPT, include_str!("../web/docs.js")),
    ("/assets/dom.js", SCRIPT, include_str!("../web/dom.js")),
    ("/assets/download.js", SCRIPT, include_str!("../web/download.js")),
    ("/assets/editor.js", SCRIPT, include_str!("../web/editor.js")),
    ("/assets/explanation.js", SCRIPT, include_str!("../web/explanation.js")),
    ("/assets/favicon.svg", PICTURE, include_str!("../web/favicon.svg")),
    ("/assets/figures.js", SCRIPT, include_str!("../web/figures.js")),
    ("/assets/language.js", SCRIPT, include_str!("../web/language.js")),
    ("/assets/live.js", SCRIPT, include_str!("../web/live.js")),
    ("/assets/operations.js", SCRIPT, include_str!("../web/operations.js")),
    ("/assets/passkey.js", SCRIPT, include_str!("../web/passkey.js")),
    ("/assets/profile.js", SCRIPT, include_str!("../web/profile.js")),
    ("/assets/projects.js", SCRIPT, include_str!("../web/projects.js")),
    ("/assets/provider.js", SCRIPT, include_str!("../web/provider.js")),
    ("/assets/recovery.js", SCRIPT, include_str!("../web/recovery.js")),
    ("/assets/schema.js", SCRIPT, include_str!("../web/schema.js")),
    ("/assets/style.css", STYLE, include_str!("../web/style.css")),
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

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    #[test]
    fn every_file_of_the_pages_is_served() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("web");
        for entry in fs::read_dir(folder).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let is_page =
                ["js", "css", "svg"].iter().any(|kind| name.ends_with(&format!(".{kind}")));
            let served = FILES.iter().any(|(path, ..)| *path == format!("/assets/{name}"));
            assert_eq!(is_page, served, "{name}");
        }
    }
}

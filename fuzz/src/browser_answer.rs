//! What comes to the port at which `studio login --browser` waits: only what says what was asked, once, is an
//! answer, whatever else is in it.

use studio_sdk::{BrowserAnswer, BrowserSignIn};

const ISSUER: &str = "http://127.0.0.1:4000";

pub fn check(bytes: &[u8]) {
    let Ok(query) = std::str::from_utf8(bytes) else { return };
    let asked = BrowserSignIn {
        client_id: String::new(),
        redirect_uri: String::new(),
        state: "af0ifjsldkj".to_owned(),
        verifier: String::new(),
        challenge: String::new(),
    };
    let answer = asked.read(query, ISSUER);
    if answer != BrowserAnswer::Other {
        assert!(query.len() <= 8 * 1024);
        // Not to somebody else who asked, nor from another server.
        let other = BrowserSignIn { state: "another".to_owned(), ..asked };
        assert_eq!(other.read(query, ISSUER), BrowserAnswer::Other);
        let asked = BrowserSignIn { state: "af0ifjsldkj".to_owned(), ..other };
        assert_eq!(asked.read(query, "http://127.0.0.1:4001"), BrowserAnswer::Other);
        // Saying it twice is saying nothing.
        assert_eq!(asked.read(&format!("{query}&{query}"), ISSUER), BrowserAnswer::Other);
    }
}

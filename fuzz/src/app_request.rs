//! What apps ask in an address, and the addresses that they register: nothing leads back to where the app was
//! not registered, nothing is asked that it was not registered for, and what is registered is plain.

use studio_identity::domain::{
    authorization::{App, Parameters},
    reach::AboutScope,
    redirect_uri::{RedirectUri, covers},
};
use studio_kernel::{ActionScope, published::identity::GrantType};

/// A request has a parameter on each line; anything is an address as well.
pub fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    address(text);
    let lines = text.lines().filter_map(|line| line.split_once('='));
    let Ok(parameters) = Parameters::read(lines.map(|(n, v)| (n.to_owned(), v.to_owned()))) else {
        return;
    };
    let uris = ["https://app.example.org/cb", "http://127.0.0.1/cb", "org.example.app:/cb"];
    let redirect_uris = uris.map(str::to_owned);
    let scopes: Vec<ActionScope> =
        ["controls:*:read", "evidence:run:*"].iter().filter_map(|it| it.parse().ok()).collect();
    let grant_types = &[GrantType::AuthorizationCode];
    let app = App { redirect_uris: &redirect_uris, grant_types, scopes: &scopes };
    let _ = parameters.client();
    if let Ok(way) = parameters.way_back(app) {
        assert!(uris.iter().any(|own| covers(own, &way.redirect_uri)), "{way:?}");
        assert!(!way.redirect_uri.contains(['#', '@', '\\', '\n']), "{way:?}");
    }
    if let Ok(asked) = parameters.asked(app) {
        let within = |asked: &ActionScope| scopes.iter().any(|own| own.covers(asked.as_str()));
        assert!(asked.reach.scopes.iter().all(within), "{asked:?}");
        assert!(asked.reach.about.is_empty() || asked.reach.tells(AboutScope::Openid));
        assert_eq!(asked.challenge.len(), 43);
        assert!(!(asked.prompt.none && asked.prompt.login), "{asked:?}");
    }
}

fn address(text: &str) {
    let Ok(uri) = RedirectUri::read(text) else { return };
    let uri = uri.as_str();
    assert_eq!(uri, text);
    assert!(covers(uri, uri), "{uri} is itself");
    assert!(uri.bytes().all(|b| b.is_ascii_graphic()) && !uri.contains(['#', '*', '\\']), "{uri}");
    let scheme = uri.split(':').next().unwrap_or_default();
    assert!(matches!(scheme, "https" | "http") || scheme.contains('.'), "{uri}");
    if scheme == "http" {
        assert!(uri.starts_with("http://127.0.0.1") || uri.starts_with("http://[::1]"), "{uri}");
    }
}

//! Which pages may open a WebSocket.
//!
//! A browser lets every page open a WebSocket to every address, with the cookies of that address, and
//! asks nobody first; it only says in `Origin` whose page it is (RFC 6455, section 10.2). So a page
//! may if it comes from the address that it connects to, or from an origin that the embedder lists.
//! Clients that are no browsers send no `Origin`; they can claim any, and are not stopped here.

use http::{HeaderMap, Uri, header, uri::Authority};
use std::{fmt, str::FromStr};

/// The origin of a page, such as `https://console.example` (RFC 6454).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    scheme: String,
    host: String,
    port: Option<u16>,
}

/// Why a text is no origin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" is not an origin; give a scheme, a host and, where it is not the usual one, a port, such as https://console.example:8443"
)]
pub struct OriginError(String);

impl FromStr for Origin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Origin, OriginError> {
        let fail = || OriginError(text.to_owned());
        let (scheme, authority) = text.split_once("://").ok_or_else(fail)?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
        if scheme.is_empty() || !scheme.bytes().all(plain) {
            return Err(fail());
        }
        let authority: Authority = authority.parse().map_err(|_| fail())?;
        let scheme = scheme.to_ascii_lowercase();
        let (host, port) = parts(&authority, &scheme).ok_or_else(fail)?;
        Ok(Origin { scheme, host, port })
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.host)?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

/// Host and port; no port where it is the scheme's usual one. `None` for a port that is no number,
/// and for an address with a user's name.
fn parts(authority: &Authority, scheme: &str) -> Option<(String, Option<u16>)> {
    let host = authority.host();
    if host.is_empty() || authority.as_str().contains('@') {
        return None;
    }
    let port = match authority.as_str()[host.len()..].strip_prefix(':') {
        None => None,
        Some(port) => Some(port.parse::<u16>().ok()?),
    };
    let usual = match scheme {
        "http" | "ws" => Some(80),
        "https" | "wss" => Some(443),
        _ => None,
    };
    Some((host.to_ascii_lowercase(), port.filter(|port| Some(*port) != usual)))
}

/// Whether a request to open a WebSocket may go on.
pub(super) fn may_open(headers: &HeaderMap, uri: &Uri, allowed: &[Origin]) -> bool {
    let mut given = headers.get_all(header::ORIGIN).iter();
    let origin = match (given.next(), given.next()) {
        (None, _) => return true,
        (Some(origin), None) => origin.to_str().ok().and_then(|origin| origin.parse().ok()),
        // A browser sends one.
        (Some(_), Some(_)) => None,
    };
    // What cannot be read, `null` among it, is nobody's page.
    let Some(origin) = origin else { return false };
    allowed.contains(&origin) || is_own(&origin, headers, uri)
}

/// Whether the page comes from the address that the request goes to. The scheme of that address is
/// not known behind a proxy that ends TLS, so host and port decide.
fn is_own(origin: &Origin, headers: &HeaderMap, uri: &Uri) -> bool {
    let named = headers.get(header::HOST).and_then(|host| host.to_str().ok()?.parse().ok());
    // HTTP/2 has the name in the request's own address instead.
    let Some(authority) = named.as_ref().or_else(|| uri.authority()) else {
        return false;
    };
    parts(authority, &origin.scheme)
        .is_some_and(|(host, port)| host == origin.host && port == origin.port)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn may(origins: &[&'static str], host: Option<&'static str>) -> bool {
        let mut headers = HeaderMap::new();
        for origin in origins {
            headers.append(header::ORIGIN, HeaderValue::from_static(origin));
        }
        if let Some(host) = host {
            headers.insert(header::HOST, HeaderValue::from_static(host));
        }
        let allowed = ["https://console.example:8443".parse().unwrap()];
        may_open(&headers, &Uri::from_static("/graphql/ws"), &allowed)
    }

    #[test]
    fn own_and_listed_pages_may_and_others_may_not() {
        for (origin, host) in [
            ("http://studio.example:8080", "studio.example:8080"),
            ("http://Studio.example", "studio.EXAMPLE"),
            ("http://studio.example", "studio.example:80"),
            ("https://studio.example:443", "studio.example"),
            ("http://[::1]:8080", "[::1]:8080"),
            ("https://console.example:8443", "studio.example"),
        ] {
            assert!(may(&[origin], Some(host)), "{origin} to {host}");
        }
        for (origin, host) in [
            ("http://evil.example", "studio.example"),
            ("http://studio.example.evil.example", "studio.example"),
            ("http://studio.example:81", "studio.example"),
            ("https://studio.example", "studio.example:80"),
            ("http://studio.example@evil.example", "studio.example"),
            ("http://console.example:8443", "studio.example"),
            ("https://console.example", "studio.example"),
            ("null", "studio.example"),
            ("", "studio.example"),
            ("studio.example", "studio.example"),
            ("http://", "studio.example"),
            ("http://studio.example:x", "studio.example"),
            ("http://studio.example/", "studio.example"),
        ] {
            assert!(!may(&[origin], Some(host)), "{origin} to {host}");
        }
    }

    #[test]
    fn who_sends_no_origin_may_and_who_sends_two_may_not() {
        assert!(may(&[], Some("studio.example")));
        assert!(may(&[], None));
        assert!(!may(&["http://studio.example"], None));
        assert!(!may(&["http://studio.example", "http://studio.example"], Some("studio.example")));
    }

    #[test]
    fn the_address_of_http_2_counts_as_the_host() {
        let mut headers = HeaderMap::new();
        headers.insert(header::ORIGIN, HeaderValue::from_static("https://studio.example"));
        let own = Uri::from_static("https://studio.example/graphql/ws");
        assert!(may_open(&headers, &own, &[]));
        assert!(!may_open(&headers, &Uri::from_static("https://other.example/"), &[]));
    }

    #[test]
    fn an_origin_must_be_one() {
        for text in ["*", "console.example", "https://", "https://a/b", "https://a@b", "://a"] {
            assert!(text.parse::<Origin>().is_err(), "{text}");
        }
        assert_eq!(
            "HTTPS://A.example:443".parse::<Origin>().unwrap().to_string(),
            "https://a.example"
        );
    }
}

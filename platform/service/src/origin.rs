//! From where requests come: the address of whoever connected, or, behind proxies that the configuration
//! trusts, the one that they name in `X-Forwarded-For`.

use std::net::IpAddr;

use axum::http::{HeaderMap, HeaderName, HeaderValue, header::USER_AGENT};
use studio_kernel::{Network, Origin};

/// Says within a process which address a request came from. What a client sends under this name is
/// thrown away.
const ADDRESS: HeaderName = HeaderName::from_static("x-studio-address");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// Proxies in a row that are looked at.
const MOST_PROXIES: usize = 32;

/// The address of the client behind a connection from `peer`: each trusted proxy is believed for the one
/// before it, and nobody else for anything. Whoever writes a list of their own into the header only
/// moves the end that is not looked at.
pub fn client_address(peer: IpAddr, headers: &HeaderMap, trusted: &[Network]) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
    let mut address = peer;
    // A proxy adds at the end, of the last header where there are several.
    let named = headers.get_all(FORWARDED_FOR).into_iter().rev();
    let named = named.flat_map(|value| value.to_str().unwrap_or("?").rsplit(','));
    for named in named.take(MOST_PROXIES) {
        if !is_trusted(address) {
            break;
        }
        // What cannot be read was not written by a proxy that is to be trusted.
        let Ok(before) = named.trim().parse() else { break };
        address = before;
    }
    address
}

/// Says in these headers where the request came from, whatever they said before.
pub fn tell_address(headers: &mut HeaderMap, address: Option<IpAddr>) {
    match address.map(|address| HeaderValue::try_from(address.to_string())) {
        Some(Ok(mut value)) => {
            value.set_sensitive(true);
            headers.insert(ADDRESS, value);
        }
        _ => {
            headers.remove(ADDRESS);
        }
    }
}

/// Where the request with these headers came from, as [`tell_address`] said it.
pub fn origin(headers: &HeaderMap) -> Option<Origin> {
    let address = headers.get(ADDRESS)?.to_str().ok()?.parse().ok()?;
    let agent = headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok());
    Some(Origin::new(address, agent))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(peer: &str, forwarded: &[&str]) -> String {
        let trusted = ["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()];
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(FORWARDED_FOR, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        client_address(peer.parse().unwrap(), &headers, &trusted).to_string()
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        assert_eq!(address("192.0.2.1", &[]), "192.0.2.1");
        // A client that names somebody else.
        assert_eq!(address("192.0.2.1", &["198.51.100.7"]), "192.0.2.1");
        assert_eq!(address("10.0.0.1", &["198.51.100.7"]), "198.51.100.7");
        assert_eq!(address("fd00::1", &["2001:db8::7"]), "2001:db8::7");
        // The same client behind a proxy, which adds the address that it sees.
        assert_eq!(address("10.0.0.1", &["198.51.100.7, 192.0.2.1"]), "192.0.2.1");
        assert_eq!(address("10.0.0.1", &["198.51.100.7", "192.0.2.1, 10.0.0.2"]), "192.0.2.1");
        assert_eq!(address("10.0.0.1", &["10.0.0.3,10.0.0.2"]), "10.0.0.3");
    }

    #[test]
    fn what_cannot_be_read_ends_it() {
        for broken in ["", "unknown", "192.0.2.1:80", "ä", "\"192.0.2.1\""] {
            assert_eq!(address("10.0.0.1", &["192.0.2.9", broken]), "10.0.0.1", "{broken}");
        }
        let many = vec!["10.0.0.9"; 10_000].join(",");
        assert_eq!(address("10.0.0.1", &[&many]), "10.0.0.9");
    }

    #[test]
    fn what_a_client_says_of_itself_is_thrown_away() {
        let mut headers = HeaderMap::new();
        headers.insert(ADDRESS, HeaderValue::from_static("198.51.100.7"));
        headers.insert(USER_AGENT, HeaderValue::from_static("curl/8"));
        tell_address(&mut headers, None);
        assert_eq!(origin(&headers), None);
        tell_address(&mut headers, Some("192.0.2.1".parse().unwrap()));
        assert_eq!(origin(&headers).unwrap().to_string(), "192.0.2.1 curl/8");
    }
}

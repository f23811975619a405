//! The address that a request comes from, where it is known. The process that clients reach finds it out and
//! writes it into a header of our own, which it takes away from whatever a client sent; behind it, in the
//! same process or another, that header is believed.

use std::net::IpAddr;

use axum::http::{HeaderMap, HeaderName, HeaderValue};

/// The header between Studio's own parts.
const HEADER: HeaderName = HeaderName::from_static("x-studio-client-address");
/// What proxies say (the way that they have in common; RFC 7239 has the other).
const FORWARDED: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The address of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress(IpAddr);

impl ClientAddress {
    /// The address as the process that clients reach wrote it down.
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        headers.get(HEADER)?.to_str().ok()?.parse().ok().map(Self)
    }

    /// Finds out the address of a request that came from `peer`, through `proxies` of the operator's own,
    /// and writes it down. Each of them has added the address that it was asked from to
    /// `X-Forwarded-For`: what stands before that, anybody may have written. `None` where it is not known
    /// how many there are, or they said nothing.
    pub fn find(headers: &mut HeaderMap, peer: IpAddr, proxies: Option<u8>) {
        headers.remove(HEADER);
        let found = proxies.and_then(|proxies| behind(headers, peer, usize::from(proxies)));
        if let Some(value) = found.and_then(|it| HeaderValue::try_from(it.to_string()).ok()) {
            headers.insert(HEADER, value);
        }
    }

    /// Says it to another process of Studio.
    pub fn tell(&self, headers: &mut HeaderMap) {
        if let Ok(value) = HeaderValue::try_from(self.0.to_string()) {
            headers.insert(HEADER, value);
        }
    }

    /// Under which it is counted: who has an address of IPv6 has the 2^64 of its network (RFC 4291, section
    /// 2.5.4).
    pub fn counted(&self) -> String {
        match self.0.to_canonical() {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
            }
        }
    }
}

fn behind(headers: &HeaderMap, peer: IpAddr, proxies: usize) -> Option<IpAddr> {
    let Some(last) = proxies.checked_sub(1) else { return Some(peer) };
    let said = headers.get_all(FORWARDED).iter().rev();
    let mut addresses = said.flat_map(|value| value.to_str().unwrap_or_default().rsplit(','));
    addresses.nth(last)?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(forwarded: &[&'static str], proxies: Option<u8>) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert(HEADER, HeaderValue::from_static("6.6.6.6"));
        for value in forwarded {
            headers.append(FORWARDED, HeaderValue::from_static(value));
        }
        ClientAddress::find(&mut headers, "10.0.0.1".parse().unwrap(), proxies);
        ClientAddress::of(&headers).map(|it| it.counted())
    }

    #[test]
    fn what_own_proxies_say_is_believed_and_nothing_else() {
        let of = |text: &str| Some(text.to_owned());
        assert_eq!(found(&["1.1.1.1"], None), None, "what a client wrote itself is gone, too");
        assert_eq!(found(&["1.1.1.1"], Some(0)), of("10.0.0.1"));
        assert_eq!(found(&["6.6.6.6, 1.1.1.1"], Some(1)), of("1.1.1.1"));
        assert_eq!(found(&["6.6.6.6", "1.1.1.1,2.2.2.2"], Some(2)), of("1.1.1.1"));
        assert_eq!(found(&["1.1.1.1"], Some(2)), None, "one proxy said nothing");
        assert_eq!(found(&["unknown"], Some(1)), None);
        assert_eq!(found(&["2001:db8:1:2:3::4"], Some(1)), of("2001:db8:1:2::/64"));
        assert_eq!(found(&["::ffff:1.1.1.1"], Some(1)), of("1.1.1.1"));
    }
}

//! From where somebody acts: personal data of whoever it is, and so sealed wherever it is kept.

use std::{fmt, net::IpAddr, str::FromStr, sync::Arc};

/// Characters of a browser's name that are kept.
const LONGEST_AGENT: usize = 200;

/// The network address of a request, and the program that made it as far as that names itself.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Origin {
    /// The address, as it was before any proxy that is trusted; an IPv4 address is never written as
    /// an IPv6 one.
    pub address: IpAddr,
    /// What the program calls itself (`User-Agent`, RFC 9110, section 10.1.5), cut off where it is long.
    pub agent: Option<Arc<str>>,
}

impl Origin {
    /// An address, and what a program calls itself.
    pub fn new(address: IpAddr, agent: Option<&str>) -> Self {
        let plain = |text: &str| -> String {
            text.chars().filter(|c| !c.is_control()).take(LONGEST_AGENT).collect()
        };
        let agent = agent.map(plain).filter(|agent| !agent.is_empty()).map(Arc::from);
        Self { address: address.to_canonical(), agent }
    }

    /// Under which its network is counted, where that is a public one: an address of IPv4, or the 64 bits that
    /// a customer of IPv6 has at least (RFC 4291, section 2.5.4). A private address says nothing of
    /// who it is: it is that of a proxy which nobody has named, or of a colleague.
    pub fn public_network(&self) -> Option<String> {
        match self.address {
            IpAddr::V4(it) => {
                let private = it.is_private() || it.is_loopback() || it.is_link_local();
                (!private).then(|| it.to_string())
            }
            IpAddr::V6(it) => {
                let private =
                    it.is_unique_local() || it.is_loopback() || it.is_unicast_link_local();
                let [a, b, c, d, ..] = it.segments();
                (!private).then(|| format!("{a:x}:{b:x}:{c:x}:{d:x}::/64"))
            }
        }
    }

    /// The address alone.
    #[must_use]
    pub fn without_agent(&self) -> Self {
        Self { address: self.address, agent: None }
    }
}

/// The address, and the program after a space: what [`Origin::from_str`] reads.
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.address)?;
        self.agent.as_ref().map_or(Ok(()), |agent| write!(f, " {agent}"))
    }
}

/// It stays out of logs.
impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Origin(..)")
    }
}

impl FromStr for Origin {
    type Err = std::net::AddrParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (address, agent) = match text.split_once(' ') {
            Some((address, agent)) => (address, Some(agent)),
            None => (text, None),
        };
        Ok(Self::new(address.parse()?, agent))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_comes_back() {
        for text in ["192.0.2.1", "2001:db8::1", "192.0.2.1 Mozilla/5.0 (X11; Linux x86_64)"] {
            let origin: Origin = text.parse().unwrap();
            assert_eq!(origin.to_string(), text);
            assert_eq!(format!("{origin:?}"), "Origin(..)");
        }
        for wrong in ["", " ", "example.org", "192.0.2.256", "192.0.2.1:80", "[::1]"] {
            assert!(wrong.parse::<Origin>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn networks_are_counted_where_they_are_public() {
        let counted = |text: &str| text.parse::<Origin>().unwrap().public_network();
        assert_eq!(counted("::ffff:192.0.2.1").unwrap(), "192.0.2.1");
        assert_eq!(counted("2001:db8:1:2:3::4").unwrap(), "2001:db8:1:2::/64");
        for private in
            ["127.0.0.1", "10.1.2.3", "192.168.0.1", "169.254.1.1", "::1", "fd00::1", "fe80::1"]
        {
            assert_eq!(counted(private), None, "{private}");
        }
    }

    #[test]
    fn an_address_is_written_one_way_and_a_name_is_bounded() {
        let origin: Origin = "::ffff:192.0.2.1 a\u{1b}[2J\r\nb".parse().unwrap();
        assert_eq!(origin.to_string(), "192.0.2.1 a[2Jb");
        let long = Origin::new(origin.address, Some(&"ä".repeat(1_000)));
        assert_eq!(long.agent.unwrap().chars().count(), LONGEST_AGENT);
        assert_eq!(Origin::new(origin.address, Some("\n")).agent, None);
    }
}

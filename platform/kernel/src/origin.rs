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
    fn an_address_is_written_one_way_and_a_name_is_bounded() {
        let origin: Origin = "::ffff:192.0.2.1 a\u{1b}[2J\r\nb".parse().unwrap();
        assert_eq!(origin.to_string(), "192.0.2.1 a[2Jb");
        let long = Origin::new(origin.address, Some(&"ä".repeat(1_000)));
        assert_eq!(long.agent.unwrap().chars().count(), LONGEST_AGENT);
        assert_eq!(Origin::new(origin.address, Some("\n")).agent, None);
    }
}

//! Where an app gets its answers: what may be registered, and which address a request may name. They are
//! compared as they are written (RFC 9700, section 2.1), but for the port of an app on the person's own
//! machine, which it does not know before (RFC 8252, section 7.3).

use std::fmt;

/// Bytes of an address at most.
const LONGEST: usize = 500;
/// The hosts of the own machine; names are none, since somebody else may answer by them (RFC 8252,
/// section 8.3).
const LOOPBACK: [&str; 2] = ["http://127.0.0.1", "http://[::1]"];

/// An address that may be registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedirectUri(String);

/// Why an address cannot be registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RedirectUriError {
    /// Empty, too long, or with characters that are written otherwise in addresses.
    #[error(
        "An address has 1 to {LONGEST} characters, all of them ASCII and none a blank, \", <, >, \\, ^, `, {{, | or }}."
    )]
    Text,
    /// With a fragment or a wildcard.
    #[error("An address has no # and no *: it is compared as it is written.")]
    Pattern,
    /// With dots that a browser resolves.
    #[error("An address has no . or .. between slashes: write the path as a browser asks for it.")]
    Dots,
    /// `https` without a host, or with a name or password in it.
    #[error(
        "Write https:// and a host in lower case, with a port if need be, and no name or password before it."
    )]
    Host,
    /// `http` to another machine.
    #[error(
        "http is for the person's own machine, as http://127.0.0.1/ or http://[::1]/ with a path: any port \
         is fine then. Everywhere else use https."
    )]
    Http,
    /// A scheme that is not the app's own.
    #[error(
        "A scheme of an app is a domain of its makers, backwards, as in org.example.app:/signed-in."
    )]
    Scheme,
}

impl RedirectUri {
    /// Takes what may be registered: `https`, `http` to the own machine, or a scheme of the app's own.
    ///
    /// # Errors
    /// [`RedirectUriError`], a sentence that says what to write.
    pub fn read(text: &str) -> Result<Self, RedirectUriError> {
        let plain = |b: u8| b.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&b);
        if text.is_empty() || text.len() > LONGEST || !text.bytes().all(plain) {
            return Err(RedirectUriError::Text);
        }
        if text.contains(['#', '*']) {
            return Err(RedirectUriError::Pattern);
        }
        let path = text.split('?').next().unwrap_or_default();
        if path.split('/').any(|part| matches!(part, "." | "..")) {
            return Err(RedirectUriError::Dots);
        }
        let (scheme, rest) = text.split_once(':').ok_or(RedirectUriError::Scheme)?;
        match scheme {
            "https" => rest
                .strip_prefix("//")
                .filter(|it| is_host(it))
                .ok_or(RedirectUriError::Host)
                .map(drop)?,
            "http" => loopback(text).ok_or(RedirectUriError::Http).map(drop)?,
            own if is_own(own) && rest.starts_with('/') => {}
            _ => return Err(RedirectUriError::Scheme),
        }
        Ok(Self(text.to_owned()))
    }

    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether a request may name the address `asked` where `registered` is.
pub fn covers(registered: &str, asked: &str) -> bool {
    match (loopback(registered), loopback(asked)) {
        (Some(registered), Some(asked)) => registered == asked,
        _ => registered == asked,
    }
}

/// Whether whoever answers at the address is known: of an app on the person's machine, or of one that a
/// scheme calls, anything could have taken the place (RFC 8252, section 8.6).
pub fn is_assured(address: &str) -> bool {
    address.starts_with("https://")
}

/// The host, with the scheme, and what follows the port of an address of the own machine.
fn loopback(text: &str) -> Option<(&'static str, &str)> {
    let (host, rest) =
        LOOPBACK.into_iter().find_map(|host| Some((host, text.strip_prefix(host)?)))?;
    let rest = match rest.strip_prefix(':') {
        Some(rest) => {
            let end = rest.find(['/', '?']).unwrap_or(rest.len());
            is_port(&rest[..end]).then_some(&rest[end..])?
        }
        None => rest,
    };
    (rest.is_empty() || rest.starts_with(['/', '?'])).then_some((host, rest))
}

/// Whether an address without its scheme begins with a host and nothing before it.
fn is_host(rest: &str) -> bool {
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let (host, port) = authority.split_once(':').map_or((authority, None), |(h, p)| (h, Some(p)));
    let letter = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.".contains(&b);
    !host.is_empty() && host.bytes().all(letter) && port.is_none_or(is_port)
}

fn is_port(text: &str) -> bool {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits && text.parse::<u16>().is_ok_and(|port| port > 0)
}

/// Whether a scheme is one for private use (RFC 8252, section 7.1): none that a browser runs has a dot.
fn is_own(scheme: &str) -> bool {
    let part = |part: &str| {
        part.as_bytes().first().is_some_and(u8::is_ascii_lowercase)
            && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    scheme.contains('.') && scheme.split('.').all(part)
}

impl fmt::Display for RedirectUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_https_or_of_the_own_machine_or_of_the_app() {
        for good in [
            "https://app.example.org",
            "https://app.example.org/cb?tenant=1",
            "https://app.example.org:8443/a/b",
            "https://app.example.org/a@b",
            "http://127.0.0.1/cb",
            "http://127.0.0.1:4000/cb",
            "http://[::1]:1/",
            "org.example.app:/signed-in",
            "org.example.app://signed-in",
        ] {
            assert_eq!(RedirectUri::read(good).unwrap().as_str(), good);
        }
        use RedirectUriError::{Dots, Host, Http, Pattern, Scheme, Text};
        let long = format!("https://app.example.org/{}", "x".repeat(LONGEST));
        for (bad, why) in [
            ("", Text),
            (&*long, Text),
            ("https://app.example.org/a b", Text),
            ("https://app.example.org\\@evil.example", Text),
            ("https://äpp.example.org/", Text),
            ("https://app.example.org/#", Pattern),
            ("https://*.example.org/cb", Pattern),
            ("https://app.example.org/a/../b", Dots),
            ("https://app.example.org/..", Dots),
            ("https:app.example.org", Host),
            ("https:///cb", Host),
            ("https://user@app.example.org/cb", Host),
            ("https://user:pw@app.example.org/cb", Host),
            ("https://APP.example.org/cb", Host),
            ("https://app.example.org:0/cb", Host),
            ("https://app.example.org:99999/cb", Host),
            ("http://app.example.org/cb", Http),
            ("http://localhost/cb", Http),
            ("http://127.0.0.1.evil.example/cb", Http),
            ("http://127.0.0.1@evil.example/cb", Http),
            ("http://127.0.0.1:80@evil.example/cb", Http),
            ("/cb", Scheme),
            ("javascript:alert(1)", Scheme),
            ("data:text/html,x", Scheme),
            ("myapp:/cb", Scheme),
            ("Org.Example:/cb", Scheme),
            ("org..example:/cb", Scheme),
            ("org.example.app:cb", Scheme),
            ("file:///etc/passwd", Scheme),
        ] {
            assert_eq!(RedirectUri::read(bad), Err(why), "{bad}");
        }
    }

    #[test]
    fn addresses_are_compared_as_they_are_written_but_for_the_port_of_the_own_machine() {
        let https = "https://app.example.org/cb";
        assert!(covers(https, https));
        for other in [
            "https://app.example.org/cb/",
            "https://app.example.org/CB",
            "https://app.example.org/cb?x=1",
            "https://app.example.org/cb#x",
            "https://app.example.org:443/cb",
            "https://app.example.org/",
            "https://app.example.org.evil.example/cb",
            "https://app.example.org@evil.example/cb",
            "http://app.example.org/cb",
            "HTTPS://app.example.org/cb",
            "",
        ] {
            assert!(!covers(https, other), "{other}");
        }
        let own = "http://127.0.0.1:4000/cb";
        for port in ["", ":1", ":4000", ":65535"] {
            assert!(covers(own, &format!("http://127.0.0.1{port}/cb")), "{port}");
        }
        for other in [
            "http://127.0.0.1:0/cb",
            "http://127.0.0.1:65536/cb",
            "http://127.0.0.1:4000/cb2",
            "http://127.0.0.1:/cb",
            "http://127.0.0.1:80@evil.example/cb",
            "http://127.0.0.1:+80/cb",
            "http://[::1]:4000/cb",
            "http://localhost:4000/cb",
            "https://127.0.0.1:4000/cb",
        ] {
            assert!(!covers(own, other), "{other}");
        }
        assert!(is_assured(https) && !is_assured(own) && !is_assured("org.example.app:/cb"));
    }
}

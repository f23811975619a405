//! What the browser keeps between the steps: two cookies, both with a keyed hash and neither for scripts. The first
//! says what was begun, and `state`, the nonce and the verifier of PKCE follow from it: an answer that was begun in
//! another browser does not fit. The second says for a minute who was vouched for; the page exchanges it for tokens.

use axum::http::{HeaderMap, header};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use studio_kernel::{AuthnMethod, Env, Id, TenantId, Timestamp, kind};
use studio_stores::keyring::IndexKey;

/// Seconds within which a person signs in at the provider,
const BEGUN_SECONDS: i64 = 600;
/// and within which the page comes for the tokens.
const TICKET_SECONDS: i64 = 60;
/// Bytes of a cookie at most: browsers keep no larger ones.
const LONGEST: usize = 4096;

/// A sign-in that was begun in this browser.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Begun {
    pub(crate) provider: String,
    /// 256 random bits.
    secret: String,
    /// The session that it becomes: as that can begin once only, so can this be used.
    pub(crate) session: Id<kind::Session>,
    /// Where the person goes on, after the page's `#`.
    pub(crate) return_to: String,
    until: Timestamp,
}

/// Somebody whom a provider has vouched for.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Ticket {
    pub(crate) tenant: TenantId,
    pub(crate) user: Id<kind::User>,
    pub(crate) session: Id<kind::Session>,
    pub(crate) provider: String,
    pub(crate) methods: Vec<AuthnMethod>,
    until: Timestamp,
}

impl Ticket {
    pub(crate) fn new(
        tenant: TenantId,
        user: Id<kind::User>,
        begun: &Begun,
        methods: Vec<AuthnMethod>,
        now: Timestamp,
    ) -> Self {
        let until = now.plus_seconds(TICKET_SECONDS);
        let (session, provider) = (begun.session, begun.provider.clone());
        Self { tenant, user, session, provider, methods, until }
    }
}

/// What a sign-in is begun with.
pub(crate) struct Sent {
    /// The value of the cookie.
    pub(crate) cookie: String,
    pub(crate) state: String,
    pub(crate) nonce: String,
    /// The challenge of PKCE (RFC 7636, section 4.2).
    pub(crate) challenge: String,
}

/// What a sign-in that comes back was begun with.
pub(crate) struct Back {
    pub(crate) begun: Begun,
    pub(crate) nonce: String,
    pub(crate) verifier: String,
}

/// Writes and reads the cookies.
pub(crate) struct Cookies {
    key: IndexKey,
    /// Whether people reach the server by `https://`.
    secure: bool,
}

const TICKET: &str = "ticket";

impl Cookies {
    pub(crate) fn new(key: IndexKey, public_url: &str) -> Self {
        Self { key, secure: public_url.starts_with("https:") }
    }

    /// Begins a sign-in.
    pub(crate) fn begin(&self, provider: &str, return_to: String, env: &Env) -> Option<Sent> {
        let begun = Begun {
            provider: provider.to_owned(),
            secret: URL_SAFE_NO_PAD.encode(env.bytes::<32>()),
            session: env.id(),
            return_to,
            until: env.now().plus_seconds(BEGUN_SECONDS),
        };
        let value = self.seal("begun", &begun)?;
        let verifier = self.derived("verifier", &value);
        let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, verifier.as_bytes());
        Some(Sent {
            state: self.derived("state", &value),
            nonce: self.derived("nonce", &value),
            challenge: URL_SAFE_NO_PAD.encode(hash),
            cookie: self.cookie(provider, &value, BEGUN_SECONDS, "Lax"),
        })
    }

    /// What was begun with this provider in this browser, if `state` is the one that was sent then.
    pub(crate) fn back(
        &self,
        headers: &HeaderMap,
        provider: &str,
        state: &str,
        now: Timestamp,
    ) -> Option<Back> {
        let value = self.find(headers, provider)?;
        let begun: Begun = self.open("begun", value)?;
        let expected = self.derived("state", value);
        aws_lc_rs::constant_time::verify_slices_are_equal(expected.as_bytes(), state.as_bytes())
            .ok()?;
        if begun.provider != provider || now >= begun.until {
            return None;
        }
        let (nonce, verifier) = (self.derived("nonce", value), self.derived("verifier", value));
        Some(Back { begun, nonce, verifier })
    }

    /// Takes away what was begun.
    pub(crate) fn forget(&self, provider: &str) -> String {
        self.cookie(provider, "", 0, "Lax")
    }

    /// The cookie of somebody who was vouched for.
    pub(crate) fn ticket(&self, ticket: &Ticket) -> Option<String> {
        let value = self.seal(TICKET, ticket)?;
        // Only this page brings it back.
        Some(self.cookie(TICKET, &value, TICKET_SECONDS, "Strict"))
    }

    /// Who was vouched for in this browser.
    pub(crate) fn presented(&self, headers: &HeaderMap, now: Timestamp) -> Option<Ticket> {
        let ticket: Ticket = self.open(TICKET, self.find(headers, TICKET)?)?;
        (now < ticket.until).then_some(ticket)
    }

    /// Takes the ticket away.
    pub(crate) fn forget_ticket(&self) -> String {
        self.cookie(TICKET, "", 0, "Strict")
    }

    /// With `__Host-` no other host of the domain can set it (RFC 6265bis, section 4.1.3.2).
    fn name(&self, of: &str) -> String {
        let prefix = if self.secure { "__Host-" } else { "" };
        // Providers cannot be named so that it is the ticket's.
        let kind =
            if of == TICKET { "studio-ticket".to_owned() } else { format!("studio-oidc-{of}") };
        format!("{prefix}{kind}")
    }

    fn cookie(&self, of: &str, value: &str, seconds: i64, same_site: &str) -> String {
        let secure = if self.secure { "; Secure" } else { "" };
        format!(
            "{}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite={same_site}{secure}",
            self.name(of)
        )
    }

    fn find<'a>(&self, headers: &'a HeaderMap, of: &str) -> Option<&'a str> {
        let name = self.name(of);
        let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut pairs =
            all.flat_map(|line| line.split(';')).filter_map(|one| one.trim().split_once('='));
        pairs.find_map(|(own, value)| (own == name).then_some(value))
    }

    fn derived(&self, purpose: &str, value: &str) -> String {
        URL_SAFE_NO_PAD.encode(self.key.mac(format!("{purpose}\0{value}").as_bytes()))
    }

    fn seal<T: Serialize>(&self, purpose: &str, what: &T) -> Option<String> {
        let text = URL_SAFE_NO_PAD.encode(serde_json::to_vec(what).ok()?);
        let mac = self.derived(&format!("cookie {purpose}"), &text);
        let value = format!("{text}.{mac}");
        (value.len() <= LONGEST).then_some(value)
    }

    fn open<T: DeserializeOwned>(&self, purpose: &str, value: &str) -> Option<T> {
        if value.len() > LONGEST {
            return None;
        }
        let (text, mac) = value.split_once('.')?;
        let expected = self.derived(&format!("cookie {purpose}"), text);
        aws_lc_rs::constant_time::verify_slices_are_equal(expected.as_bytes(), mac.as_bytes())
            .ok()?;
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()
    }
}

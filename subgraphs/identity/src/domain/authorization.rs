//! What an app asks of a person (RFC 6749, section 4.1.1; OpenID Connect Core 1.0, section 3.1.2.1), read
//! and held against what the app was registered for. Two things must never lead back to where the request
//! says: an app that there is not, and an address that is not the app's.

use std::collections::BTreeMap;

use studio_kernel::{ActionScope, Id, kind, published::identity::GrantType};

use super::{
    reach::{AboutScope, Reach},
    redirect_uri,
};

/// Parameters of one request at most, those that mean nothing here among them.
const MOST: usize = 64;
/// Actions that one request asks for at most.
const MOST_SCOPES: usize = 20;
/// Bytes of `state`,
const LONGEST_STATE: usize = 1024;
/// of `nonce`,
const LONGEST_NONCE: usize = 512;
/// and of `login_hint`, at most.
const LONGEST_HINT: usize = 320;
/// Characters of a SHA-256 in base64url (RFC 7636, section 4.2).
const CHALLENGE: usize = 43;

/// What an app was registered for.
#[derive(Debug, Clone, Copy)]
pub struct App<'a> {
    /// Where it gets its answers.
    pub redirect_uris: &'a [String],
    /// How it gets tokens.
    pub grant_types: &'a [GrantType],
    /// What it may ask to do.
    pub scopes: &'a [ActionScope],
}

/// Why there is nowhere to send an answer to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoWayBack {
    /// There is no such app.
    #[error("The address names no app that has access here.")]
    Client,
    /// The address is not one of the app's.
    #[error("The address that the answer should go to is none that was registered for the app.")]
    RedirectUri,
    /// It is no request at all.
    #[error("The address does not read: it is too long, or has too many parts.")]
    Malformed,
}

/// What is wrong with a request, for the app (RFC 6749, section 4.1.2.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// `error`.
    pub code: &'static str,
    /// `error_description`.
    pub says: String,
}

impl Problem {
    /// A problem, in one sentence.
    pub fn new(code: &'static str, says: impl Into<String>) -> Self {
        Self { code, says: says.into() }
    }

    fn request(says: impl Into<String>) -> Self {
        Self::new("invalid_request", says)
    }
}

/// Where answers go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WayBack {
    /// The address, one of the app's.
    pub redirect_uri: String,
    /// What the app wants to find in the answer.
    pub state: Option<String>,
}

/// What the person is to be asked (OpenID Connect Core 1.0, section 3.1.2.1).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Prompt {
    /// Nothing at all.
    pub none: bool,
    /// To sign in anew.
    pub login: bool,
    /// To consent anew.
    pub consent: bool,
}

/// What an app asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// How far it wants to go.
    pub reach: Reach,
    /// The challenge of PKCE: SHA-256 of the verifier, in base64url.
    pub challenge: String,
    /// What it wants to find in the ID token.
    pub nonce: Option<String>,
    /// What the person is to be asked.
    pub prompt: Prompt,
    /// Seconds that the sign-in may be old.
    pub max_age: Option<u32>,
    /// Who will probably sign in.
    pub login_hint: Option<String>,
    /// An ID token of who should be signed in.
    pub id_token_hint: Option<String>,
}

/// The parameters of a request; those without a value are none (RFC 6749, section 3.1).
#[derive(Debug)]
pub struct Parameters(BTreeMap<String, Value>);

#[derive(Debug)]
enum Value {
    Once(String),
    Repeated,
}

impl Parameters {
    /// Of the pairs of an address.
    ///
    /// # Errors
    /// [`NoWayBack::Malformed`] where there are too many.
    pub fn read(pairs: impl IntoIterator<Item = (String, String)>) -> Result<Self, NoWayBack> {
        let mut read = BTreeMap::new();
        for (at, (name, value)) in pairs.into_iter().enumerate() {
            if at >= MOST {
                return Err(NoWayBack::Malformed);
            }
            if value.is_empty() {
                continue;
            }
            read.entry(name).and_modify(|it| *it = Value::Repeated).or_insert(Value::Once(value));
        }
        Ok(Self(read))
    }

    fn get(&self, name: &str) -> Result<Option<&str>, Problem> {
        match self.0.get(name) {
            None => Ok(None),
            Some(Value::Once(value)) => Ok(Some(value)),
            Some(Value::Repeated) => Err(Problem::request(format!("{name} comes twice."))),
        }
    }

    fn at_most(&self, name: &str, longest: usize) -> Result<Option<String>, Problem> {
        match self.get(name)? {
            Some(value) if value.len() > longest => {
                Err(Problem::request(format!("{name} has {longest} bytes at most.")))
            }
            value => Ok(value.map(str::to_owned)),
        }
    }

    /// Which app asks.
    ///
    /// # Errors
    /// [`NoWayBack::Client`] where none is named.
    pub fn client(&self) -> Result<Id<kind::OAuthClient>, NoWayBack> {
        let named = self.get("client_id").ok().flatten();
        named.and_then(|id| id.parse().ok()).ok_or(NoWayBack::Client)
    }

    /// Where answers go. It must be named, whatever else is wrong.
    ///
    /// # Errors
    /// [`NoWayBack::RedirectUri`] where it is not one of the app's.
    pub fn way_back(&self, app: App<'_>) -> Result<WayBack, NoWayBack> {
        let named = self.get("redirect_uri").ok().flatten().ok_or(NoWayBack::RedirectUri)?;
        if !app.redirect_uris.iter().any(|own| redirect_uri::covers(own, named)) {
            return Err(NoWayBack::RedirectUri);
        }
        let state = self.at_most("state", LONGEST_STATE).ok().flatten();
        Ok(WayBack { redirect_uri: named.to_owned(), state })
    }

    /// What is asked for.
    ///
    /// # Errors
    /// [`Problem`], for the app.
    pub fn asked(&self, app: App<'_>) -> Result<Asked, Problem> {
        self.at_most("state", LONGEST_STATE)?;
        self.nothing_that_is_not_done()?;
        match self.get("response_type")? {
            Some("code") => {}
            None => return Err(Problem::request("response_type is missing: ask for code.")),
            Some(_) => {
                let says = "Only response_type=code is answered here.";
                return Err(Problem::new("unsupported_response_type", says));
            }
        }
        if !app.grant_types.contains(&GrantType::AuthorizationCode) {
            let says = "The program was not registered for authorization_code.";
            return Err(Problem::new("unauthorized_client", says));
        }
        Ok(Asked {
            reach: self.reach(app)?,
            challenge: self.challenge()?,
            nonce: self.at_most("nonce", LONGEST_NONCE)?,
            prompt: self.prompt()?,
            max_age: self.max_age()?,
            login_hint: self.at_most("login_hint", LONGEST_HINT)?,
            id_token_hint: self.get("id_token_hint")?.map(str::to_owned),
        })
    }

    /// Refuses what would mean something else if it was left out.
    fn nothing_that_is_not_done(&self) -> Result<(), Problem> {
        for (name, code) in [
            ("request", "request_not_supported"),
            ("request_uri", "request_uri_not_supported"),
            ("registration", "registration_not_supported"),
        ] {
            if self.0.contains_key(name) {
                return Err(Problem::new(code, format!("{name} is not taken here.")));
            }
        }
        match self.get("response_mode")? {
            None | Some("query") => Ok(()),
            Some(_) => Err(Problem::request("Only response_mode=query is answered here.")),
        }
    }

    /// S256 alone: an app that can send a verifier can hash it, and `plain` protects from nobody who
    /// reads addresses (RFC 9700, section 2.1.1).
    fn challenge(&self) -> Result<String, Problem> {
        let given = self.get("code_challenge")?.ok_or_else(|| {
            Problem::request(
                "code_challenge is missing: send one, with code_challenge_method=S256.",
            )
        })?;
        if self.get("code_challenge_method")? != Some("S256") {
            return Err(Problem::request("Only code_challenge_method=S256 is taken here."));
        }
        let letter = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        if given.len() != CHALLENGE || !given.bytes().all(letter) {
            let says = "code_challenge is no SHA-256 in base64url without padding.";
            return Err(Problem::request(says));
        }
        Ok(given.to_owned())
    }

    fn prompt(&self) -> Result<Prompt, Problem> {
        let mut prompt = Prompt::default();
        for word in self.get("prompt")?.unwrap_or_default().split(' ') {
            match word {
                "" => {}
                "none" => prompt.none = true,
                // Who it is, is chosen by signing in.
                "login" | "select_account" => prompt.login = true,
                "consent" => prompt.consent = true,
                _ => {
                    return Err(Problem::request(
                        "prompt is none, login, consent or select_account.",
                    ));
                }
            }
        }
        if prompt.none && (prompt.login || prompt.consent) {
            return Err(Problem::request("prompt=none goes with nothing else."));
        }
        Ok(prompt)
    }

    fn max_age(&self) -> Result<Option<u32>, Problem> {
        let Some(text) = self.get("max_age")? else { return Ok(None) };
        let digits = text.bytes().all(|b| b.is_ascii_digit());
        let seconds = text.parse().ok().filter(|_| digits);
        seconds.map(Some).ok_or_else(|| Problem::request("max_age is a number of seconds."))
    }

    fn reach(&self, app: App<'_>) -> Result<Reach, Problem> {
        let invalid = |says: String| Problem::new("invalid_scope", says);
        let mut reach = Reach::default();
        match self.get("scope")? {
            None => reach.scopes = app.scopes.to_vec(),
            Some(text) => {
                // A refresh token comes by how the app was registered.
                for word in text.split(' ').filter(|it| !it.is_empty() && *it != "offline_access") {
                    if let Some(about) = AboutScope::parse(word) {
                        reach.about.push(about);
                        continue;
                    }
                    let scope: ActionScope =
                        word.parse().map_err(|error| invalid(format!("{error}.")))?;
                    // A pattern within a pattern reads as an action does.
                    if !app.scopes.iter().any(|own| own.covers(scope.as_str())) {
                        let says = format!("{scope} is not within the scopes of the app.");
                        return Err(invalid(says));
                    }
                    reach.scopes.push(scope);
                }
            }
        }
        reach.about.sort_unstable();
        reach.about.dedup();
        reach.scopes.sort_unstable();
        reach.scopes.dedup();
        if reach == Reach::default() || reach.scopes.len() > MOST_SCOPES {
            let says = format!("Ask for 1 to {MOST_SCOPES} scopes, separated by spaces.");
            return Err(invalid(says));
        }
        if !reach.about.is_empty() && !reach.tells(AboutScope::Openid) {
            return Err(invalid("profile and email go with openid.".to_owned()));
        }
        Ok(reach)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CB: &str = "https://app.example.org/cb";
    const S256: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    /// A request that is right, with some parameters set otherwise; an empty one is left out.
    fn request(changed: &[(&str, &str)]) -> Parameters {
        let right = [
            ("response_type", "code"),
            ("client_id", "cli_00000000000070008000000000000001"),
            ("redirect_uri", CB),
            ("scope", "openid controls:control:read"),
            ("state", "xyz"),
            ("code_challenge", S256),
            ("code_challenge_method", "S256"),
        ];
        let kept = right.iter().filter(|(name, _)| changed.iter().all(|(own, _)| own != name));
        let all = kept.chain(changed).map(|(name, value)| ((*name).into(), (*value).into()));
        Parameters::read(all).unwrap()
    }

    fn with_app<T>(check: impl FnOnce(App<'_>) -> T) -> T {
        let (uris, scopes) = (vec![CB.to_owned()], ["controls:*:read".parse().unwrap()]);
        let grant_types = &[GrantType::AuthorizationCode];
        check(App { redirect_uris: &uris, grant_types, scopes: &scopes })
    }

    fn error(changed: &[(&str, &str)]) -> &'static str {
        with_app(|app| request(changed).asked(app).map_err(|problem| problem.code)).unwrap_err()
    }

    #[test]
    fn a_request_is_read() {
        let changed = [("max_age", "60"), ("prompt", "login consent"), ("nonce", "n")];
        let asked = with_app(|app| request(&changed).asked(app)).unwrap();
        assert_eq!(asked.reach.to_string(), "openid controls:control:read");
        assert_eq!((asked.max_age, asked.nonce.as_deref()), (Some(60), Some("n")));
        assert_eq!(asked.prompt, Prompt { none: false, login: true, consent: true });
        let whole = with_app(|app| request(&[("scope", "")]).asked(app)).unwrap();
        assert_eq!(whole.reach.to_string(), "controls:*:read");
        let way = with_app(|app| request(&[]).way_back(app)).unwrap();
        assert_eq!((&*way.redirect_uri, way.state.as_deref()), (CB, Some("xyz")));
    }

    #[test]
    fn nothing_leads_to_an_address_that_is_not_the_apps() {
        for uri in
            ["", "https://evil.example/", "https://app.example.org/cb/../x", "//evil.example"]
        {
            let told = with_app(|app| request(&[("redirect_uri", uri)]).way_back(app));
            assert_eq!(told, Err(NoWayBack::RedirectUri), "{uri}");
        }
        let twice = request(&[("redirect_uri", CB), ("redirect_uri", "https://evil.example/")]);
        assert_eq!(with_app(|app| twice.way_back(app)), Err(NoWayBack::RedirectUri));
        for id in ["", "cli_1", "usr_00000000000070008000000000000001"] {
            assert_eq!(request(&[("client_id", id)]).client(), Err(NoWayBack::Client));
        }
        let many = (0..=MOST).map(|n| (n.to_string(), "x".to_owned()));
        assert_eq!(Parameters::read(many).unwrap_err(), NoWayBack::Malformed);
    }

    #[test]
    fn what_is_wrong_is_said_to_the_app() {
        let long = "x".repeat(LONGEST_STATE + 1);
        for (changed, code) in [
            (vec![("response_type", "")], "invalid_request"),
            (vec![("response_type", "token")], "unsupported_response_type"),
            (vec![("response_type", "code id_token")], "unsupported_response_type"),
            (vec![("response_mode", "fragment")], "invalid_request"),
            (vec![("code_challenge", "")], "invalid_request"),
            (vec![("code_challenge_method", "")], "invalid_request"),
            (vec![("code_challenge_method", "plain")], "invalid_request"),
            (vec![("code_challenge", "short")], "invalid_request"),
            (vec![("code_challenge", S256), ("code_challenge", S256)], "invalid_request"),
            (vec![("state", &long)], "invalid_request"),
            (vec![("state", "a"), ("state", "b")], "invalid_request"),
            (vec![("prompt", "none login")], "invalid_request"),
            (vec![("prompt", "create")], "invalid_request"),
            (vec![("max_age", "-1")], "invalid_request"),
            (vec![("max_age", "+1")], "invalid_request"),
            (vec![("request", "x")], "request_not_supported"),
            (vec![("request_uri", "https://x")], "request_uri_not_supported"),
            (vec![("scope", "controls:*:*")], "invalid_scope"),
            (vec![("scope", "*:*:read")], "invalid_scope"),
            (vec![("scope", "admin")], "invalid_scope"),
            (vec![("scope", "profile")], "invalid_scope"),
            (vec![("scope", "offline_access")], "invalid_scope"),
        ] {
            assert_eq!(error(&changed), code, "{changed:?}");
        }
        let none = App { redirect_uris: &[], grant_types: &[], scopes: &[] };
        assert_eq!(request(&[]).asked(none).unwrap_err().code, "unauthorized_client");
    }
}

//! Signing in with a browser, for a program on the person's machine (RFC 8252): authorization code with PKCE
//! (RFC 6749, section 4.1; RFC 7636). The program waits at a loopback address; the browser brings the answer
//! there, which anything else on the machine could do as well: so it is held against what was asked.

use reqwest::{Url, header::CONTENT_TYPE};
use serde::Deserialize;

use crate::{
    client::{Client, Tokens},
    error::Error,
};

/// Bytes of an answer at most.
const LONGEST: usize = 8 * 1024;

/// What a program asks, and must know again when the answer comes.
pub struct BrowserSignIn {
    /// As what the server knows the program.
    pub client_id: String,
    /// Where it waits, such as `http://127.0.0.1:49152/signed-in`.
    pub redirect_uri: String,
    /// A text that nobody can guess: an answer to something else does not have it.
    pub state: String,
    /// Another one, of 43 to 128 letters, digits, `-`, `.`, `_` and `~`, which proves that it was this program
    /// that asked.
    pub verifier: String,
    /// SHA-256 of the verifier, in base64url without padding.
    pub challenge: String,
}

/// What a browser brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BrowserAnswer {
    /// Nothing that answers what was asked: whoever sent it is to be told so, and the answer waited for.
    Other,
    /// A code, to be exchanged within a minute.
    Code(String),
    /// The person said no, or it went wrong: the error (RFC 6749, section 4.1.2.1).
    Declined(String),
}

#[derive(Deserialize)]
struct Given {
    access_token: Option<String>,
    refresh_token: Option<String>,
    error: Option<String>,
    error_description: Option<String>,
}

impl BrowserSignIn {
    /// The address for the browser, at the server of the client.
    ///
    /// # Errors
    /// [`Error::Address`] where the server's is none.
    pub fn address(&self, client: &Client) -> Result<String, Error> {
        let pairs = [
            ("response_type", "code"),
            ("client_id", self.client_id.as_str()),
            ("redirect_uri", self.redirect_uri.as_str()),
            ("scope", "openid"),
            ("state", self.state.as_str()),
            ("code_challenge", self.challenge.as_str()),
            ("code_challenge_method", "S256"),
        ];
        let address = format!("{}/oauth2/authorize", client.url());
        Ok(with(&address, &pairs)?.into())
    }

    /// Reads the query of the address by which a browser came back. `issuer` is what the server calls itself
    /// (RFC 9207): another server's answer is none.
    pub fn read(&self, query: &str, issuer: &str) -> BrowserAnswer {
        let Some(Answer { state, iss, code, error }) = Answer::read(query) else {
            return BrowserAnswer::Other;
        };
        if state.as_deref() != Some(&self.state) || iss.as_deref() != Some(issuer) {
            return BrowserAnswer::Other;
        }
        match (code, error) {
            (Some(code), None) => BrowserAnswer::Code(code),
            (None, Some(error)) => BrowserAnswer::Declined(error),
            _ => BrowserAnswer::Other,
        }
    }
}

/// The parameters of an answer that mean something.
#[derive(Default)]
struct Answer {
    state: Option<String>,
    iss: Option<String>,
    code: Option<String>,
    error: Option<String>,
}

impl Answer {
    /// `None` for what is too long, or says something twice.
    fn read(query: &str) -> Option<Self> {
        if query.len() > LONGEST {
            return None;
        }
        let mut address = Url::parse("http://127.0.0.1/").ok()?;
        address.set_query(Some(query));
        let mut read = Self::default();
        for (name, value) in address.query_pairs() {
            let part = match &*name {
                "state" => &mut read.state,
                "iss" => &mut read.iss,
                "code" => &mut read.code,
                "error" => &mut read.error,
                _ => continue,
            };
            if part.replace(value.into_owned()).is_some() {
                return None;
            }
        }
        Some(read)
    }
}

fn with(address: &str, pairs: &[(&str, &str)]) -> Result<Url, Error> {
    let mut url = Url::parse(address).map_err(|_| Error::Address(address.to_owned()))?;
    url.query_pairs_mut().extend_pairs(pairs);
    Ok(url)
}

impl Client {
    /// What the server calls itself (`issuer`, RFC 8414).
    ///
    /// # Errors
    /// Where it cannot be reached, or says nothing of it.
    pub async fn issuer(&self) -> Result<String, Error> {
        let told = self.get("/.well-known/oauth-authorization-server").await?;
        let issuer = told["issuer"].as_str().map(str::to_owned);
        issuer.ok_or_else(|| Error::Answer("it does not say what it calls itself".to_owned()))
    }

    /// Exchanges the code of a browser for a session, and keeps its tokens for the calls that follow.
    ///
    /// # Errors
    /// [`Error::Refused`] where the code works no more.
    pub async fn exchange_code(&self, asked: &BrowserSignIn, code: &str) -> Result<(), Error> {
        let pairs = [
            ("grant_type", "authorization_code"),
            ("client_id", asked.client_id.as_str()),
            ("code", code),
            ("redirect_uri", asked.redirect_uri.as_str()),
            ("code_verifier", asked.verifier.as_str()),
        ];
        let address = format!("{}/oauth2/token", self.url());
        // A query has the form of a form.
        let form = with(&address, &pairs)?.query().unwrap_or_default().to_owned();
        let request = self.http.post(address).body(form);
        let request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        let response = request.send().await.map_err(|source| self.unreachable(source))?;
        self.hear(&response);
        let status = response.status().as_u16();
        let bytes = response.bytes().await.map_err(|source| self.unreachable(source))?;
        let given: Given = serde_json::from_slice(&bytes)
            .map_err(|error| Error::Answer(format!("HTTP {status}: {error}")))?;
        match given {
            Given { access_token: Some(access), refresh_token: Some(refresh), .. } => {
                self.set_tokens(Some(Tokens { access, refresh }));
                Ok(())
            }
            Given { error: Some(code), error_description, .. } => {
                let detail = error_description.unwrap_or_else(|| "it says no more".to_owned());
                Err(Error::Refused { status, code, detail })
            }
            _ => Err(Error::Answer(format!("HTTP {status}: there are no tokens in it"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked() -> BrowserSignIn {
        BrowserSignIn {
            client_id: "cli_1".to_owned(),
            redirect_uri: "http://127.0.0.1:1/signed-in".to_owned(),
            state: "s&1".to_owned(),
            verifier: "v".repeat(43),
            challenge: "c".repeat(43),
        }
    }

    #[test]
    fn an_answer_is_to_what_was_asked_and_from_the_server_that_was_asked() {
        const ISSUER: &str = "https://studio.example.org";
        let right = "code=a.b&state=s%261&iss=https%3A%2F%2Fstudio.example.org";
        let read = |query: &str| asked().read(query, ISSUER);
        assert_eq!(read(right), BrowserAnswer::Code("a.b".to_owned()));
        let no = "error=access_denied&state=s%261&iss=https%3A%2F%2Fstudio.example.org&x=1";
        assert_eq!(read(no), BrowserAnswer::Declined("access_denied".to_owned()));
        for (part, other) in [
            ("state=s%261", "state=s"),
            ("state=s%261&", ""),
            ("iss=https%3A%2F%2Fstudio.example.org", "iss=https%3A%2F%2Fevil.example"),
            ("&iss=https%3A%2F%2Fstudio.example.org", ""),
            ("code=a.b", "code=a.b&code=c"),
            ("code=a.b", "code=a.b&error=x"),
            ("code=a.b", ""),
            ("code=a.b", "state=s%261&code=a.b"),
        ] {
            let changed = right.replace(part, other);
            assert_ne!(changed, right);
            assert_eq!(read(&changed), BrowserAnswer::Other, "{changed}");
        }
        assert_eq!(read(&format!("{right}&x={}", "x".repeat(LONGEST))), BrowserAnswer::Other);
        assert_eq!(read(""), BrowserAnswer::Other);
    }

    #[test]
    fn the_address_says_what_is_asked() {
        let client = Client::new("https://studio.example.org/").unwrap();
        let address = asked().address(&client).unwrap();
        let (at, query) = address.split_once('?').unwrap();
        assert_eq!(at, "https://studio.example.org/oauth2/authorize");
        for part in ["response_type=code", "client_id=cli_1", "state=s%261", "scope=openid"] {
            assert!(query.split('&').any(|it| it == part), "{part}: {query}");
        }
        assert!(!address.contains(&asked().verifier));
    }
}

//! The connection to one server: its address, the tokens of a session, and GraphQL requests.

use std::sync::{Arc, PoisonError, RwLock};

use futures::stream::BoxStream;
use graphql_client::GraphQLQuery;
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderValue};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    error::{Error, GraphQlError},
    operations::{
        CompleteLogIn, LogIn, LogOut, Refresh, complete_log_in, log_in, log_out, refresh,
    },
    positions::Positions,
    sse, websocket,
};

/// The tokens of a session.
#[derive(Clone, Serialize, Deserialize)]
pub struct Tokens {
    /// Sent with each request; valid for minutes.
    pub access: String,
    /// Exchanged for new tokens, once.
    pub refresh: String,
}

/// What a right password leads to where the account has a second factor; holds for five minutes, and
/// for one sign-in.
#[derive(Clone)]
pub struct Challenge(pub(crate) String);

impl std::fmt::Debug for Challenge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Challenge(..)")
    }
}

/// A client of one server. Cheap to clone; clones share the session.
#[derive(Clone)]
pub struct Client {
    pub(crate) http: reqwest::Client,
    url: Arc<str>,
    tokens: Arc<RwLock<Option<Tokens>>>,
    positions: Arc<Positions>,
}

#[derive(Deserialize)]
pub(crate) struct Answer<D> {
    pub(crate) data: Option<D>,
    #[serde(default)]
    pub(crate) errors: Vec<GraphQlError>,
}

impl<D> Answer<D> {
    pub(crate) fn into_result(self) -> Result<D, Error> {
        if !self.errors.is_empty() {
            return Err(Error::GraphQl(self.errors));
        }
        self.data.ok_or_else(|| Error::Answer("neither data nor errors".to_owned()))
    }
}

impl Client {
    /// A client of the server at `url`, for example `http://127.0.0.1:4000`. Nothing is sent yet.
    pub fn new(url: &str) -> Result<Self, Error> {
        let url = url.trim_end_matches('/');
        let well_formed = reqwest::Url::parse(url)
            .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        if !well_formed {
            return Err(Error::Address(url.to_owned()));
        }
        let http = reqwest::Client::builder()
            .build()
            .map_err(|source| Error::Unreachable { url: url.to_owned(), source })?;
        Ok(Self { http, url: url.into(), tokens: Arc::default(), positions: Arc::default() })
    }

    /// The same session at another address of the same server, such as another of its routers.
    pub fn at(&self, url: &str) -> Result<Self, Error> {
        let other = Self::new(url)?;
        Ok(Self { url: other.url, ..self.clone() })
    }

    /// The address of the server, without a slash at its end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The tokens of the session, to keep them for a later run. They are secrets.
    pub fn tokens(&self) -> Option<Tokens> {
        self.tokens.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Continues a session.
    pub fn set_tokens(&self, tokens: Option<Tokens>) {
        *self.tokens.write().unwrap_or_else(PoisonError::into_inner) = tokens;
    }

    /// Signs in and keeps the tokens for the calls that follow. An account with a second factor
    /// answers [`Error::SecondFactor`]: go on with [`Client::complete_log_in`].
    pub async fn log_in(&self, email: &str, password: &str) -> Result<(), Error> {
        let input = log_in::LogInInput { email: email.to_owned(), password: password.to_owned() };
        let payload = self.query_as_nobody::<LogIn>(log_in::Variables { input }).await?.log_in;
        if let Some(challenge) = payload.challenge {
            return Err(Error::SecondFactor(Challenge(challenge)));
        }
        let errors = payload.user_errors.into_iter().map(|e| (e.code, e.message)).collect();
        self.keep(payload.access_token, payload.refresh_token, errors)
    }

    /// Completes a sign-in with a code of the second factor, or a recovery code.
    pub async fn complete_log_in(&self, challenge: &Challenge, code: &str) -> Result<(), Error> {
        let input = complete_log_in::CompleteLogInInput {
            challenge: challenge.0.clone(),
            code: Some(code.to_owned()),
            passkey: None,
        };
        let variables = complete_log_in::Variables { input };
        let payload = self.query_as_nobody::<CompleteLogIn>(variables).await?.complete_log_in;
        let errors = payload.user_errors.into_iter().map(|e| (e.code, e.message)).collect();
        self.keep(payload.access_token, payload.refresh_token, errors)
    }

    /// Exchanges the refresh token for new tokens.
    pub async fn refresh(&self) -> Result<(), Error> {
        let token = self.tokens().map(|tokens| tokens.refresh).unwrap_or_default();
        let input = refresh::RefreshInput { refresh_token: token };
        let payload = self.query_as_nobody::<Refresh>(refresh::Variables { input }).await?.refresh;
        let errors = payload.user_errors.into_iter().map(|e| (e.code, e.message)).collect();
        self.keep(payload.access_token, payload.refresh_token, errors)
    }

    /// Ends the session on the server and forgets its tokens.
    pub async fn log_out(&self) -> Result<(), Error> {
        let payload = self.query::<LogOut>(log_out::Variables {}).await?.log_out;
        if !payload.user_errors.is_empty() {
            let errors = payload.user_errors.into_iter();
            return Err(Error::Input(errors.map(|e| (e.code, e.message)).collect()));
        }
        self.set_tokens(None);
        Ok(())
    }

    fn keep(
        &self,
        access: Option<String>,
        refresh: Option<String>,
        errors: Vec<(String, String)>,
    ) -> Result<(), Error> {
        match (access, refresh) {
            (Some(access), Some(refresh)) => {
                self.set_tokens(Some(Tokens { access, refresh }));
                Ok(())
            }
            _ => Err(Error::Input(errors)),
        }
    }

    /// Sends a query or a mutation. Errors in the answer fail the call, partial data is dropped.
    pub async fn query<Q: GraphQLQuery>(
        &self,
        variables: Q::Variables,
    ) -> Result<Q::ResponseData, Error> {
        self.send(&Q::build_query(variables), self.headers()).await
    }

    /// The same without the access token: one that is over would be refused before it is looked at what
    /// is asked.
    async fn query_as_nobody<Q: GraphQLQuery>(
        &self,
        variables: Q::Variables,
    ) -> Result<Q::ResponseData, Error> {
        let mut headers = self.headers();
        headers.remove(AUTHORIZATION);
        self.send(&Q::build_query(variables), headers).await
    }

    /// Sends an operation given as text, for queries that are not known when the program is built.
    pub async fn query_text<D: DeserializeOwned>(
        &self,
        query: &str,
        variables: serde_json::Value,
    ) -> Result<D, Error> {
        let body = serde_json::json!({ "query": query, "variables": variables });
        self.send(&body, self.headers()).await
    }

    async fn send<D: DeserializeOwned>(
        &self,
        body: &impl Serialize,
        headers: HeaderMap,
    ) -> Result<D, Error> {
        let response = self
            .http
            .post(format!("{}/graphql", self.url))
            .headers(headers)
            .header(ACCEPT, "application/graphql-response+json")
            .json(body)
            .send()
            .await
            .map_err(|source| self.unreachable(source))?;
        self.hear(&response);
        let bytes = response.bytes().await.map_err(|source| self.unreachable(source))?;
        serde_json::from_slice::<Answer<D>>(&bytes)
            .map_err(|error| Error::Answer(error.to_string()))?
            .into_result()
    }

    /// Follows a subscription over Server-Sent Events (graphql-sse, distinct connections mode).
    /// The stream ends when the server completes it and fails when the connection breaks.
    pub async fn subscribe<Q: GraphQLQuery>(
        &self,
        variables: Q::Variables,
    ) -> Result<BoxStream<'static, Result<Q::ResponseData, Error>>, Error>
    where
        Q::Variables: Serialize,
        Q::ResponseData: Send + 'static,
    {
        sse::subscribe::<Q::ResponseData>(self, &Q::build_query(variables)).await
    }

    /// Follows a subscription over WebSocket (graphql-transport-ws).
    pub async fn subscribe_websocket<Q: GraphQLQuery>(
        &self,
        variables: Q::Variables,
    ) -> Result<BoxStream<'static, Result<Q::ResponseData, Error>>, Error>
    where
        Q::Variables: Serialize,
        Q::ResponseData: Send + 'static,
    {
        websocket::subscribe::<Q::ResponseData>(self, &Q::build_query(variables)).await
    }

    pub(crate) fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if let Some(tokens) = self.tokens()
            && let Ok(mut value) = HeaderValue::from_str(&format!("Bearer {}", tokens.access))
        {
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        self.positions.say(&mut headers);
        headers
    }

    /// Takes in how far an answer says that this client has seen.
    pub(crate) fn hear(&self, response: &reqwest::Response) {
        self.positions.hear(response.headers());
    }

    pub(crate) fn unreachable(&self, source: reqwest::Error) -> Error {
        Error::Unreachable { url: self.url.to_string(), source: source.without_url() }
    }
}

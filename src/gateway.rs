//! The router with the subgraphs behind it: in process for `studio serve`, over HTTP where they run
//! apart.

use std::sync::Arc;

use anyhow::Context;
use async_graphql::{Data, Executor, Request, Response};
use async_trait::async_trait;
use futures::stream::BoxStream;
use http::{HeaderMap, HeaderName, HeaderValue, header::AUTHORIZATION};
use serde_json::Value;
use studio_identity::{TokenError, TokenVerifier};
use studio_kernel::{Actor, Env, Origin, kind};
use studio_router::{
    AuthError, Authenticate, Caller, Router, Scope, Sharing, SubgraphSdl, Supergraph,
    transport::{
        BalancedSubgraph, CallHeaders, HttpOptions, InProcess, Replicas, SubgraphTransport,
    },
};
use studio_service::{
    GraphQlService, RequestId,
    config::Limits,
    internal::{self, InternalSigner},
    origin::origin,
    reading::{Heard, Seen},
};

use crate::{assemble::Running, process::Process};

/// A subgraph's schema, as the router runs it.
#[derive(Clone)]
struct Schema(Arc<dyn GraphQlService>);

impl Executor for Schema {
    async fn execute(&self, request: Request) -> Response {
        self.0.execute(request).await
    }

    fn execute_stream(
        &self,
        request: Request,
        _session: Option<Arc<Data>>,
    ) -> BoxStream<'static, Response> {
        self.0.execute_stream(request)
    }
}

/// Reads the bearer token of a request, or of `connection_init` over WebSocket, and what its caller
/// has seen.
struct Tokens {
    verifier: TokenVerifier,
    heard: Arc<Heard>,
}

#[async_trait]
impl Authenticate for Tokens {
    async fn authenticate(
        &self,
        headers: &HeaderMap,
        connection: Option<&Value>,
    ) -> Result<Caller, AuthError> {
        let from_headers = headers.get(AUTHORIZATION).map(|value| value.to_str().unwrap_or(""));
        let from_connection = || {
            let parameters = connection?.as_object()?;
            parameters
                .iter()
                .find(|(name, _)| name.eq_ignore_ascii_case("authorization"))?
                .1
                .as_str()
        };
        let mut caller = Caller::default();
        let mut actor = None;
        if let Some(header) = from_headers.or_else(from_connection) {
            actor = Some(bearer(&self.verifier, header).await.map_err(AuthError::Token)?);
            if let Ok(mut token) = HeaderValue::try_from(header) {
                token.set_sensitive(true);
                caller.extensions.insert(Token(token));
            }
            caller.may_introspect = true;
        }
        let seen = Seen::of(headers).map_err(|error| AuthError::Headers {
            code: error.code().as_str(),
            message: error.to_string(),
        })?;
        seen.see(&self.heard.of(actor.as_ref().map(|actor| actor.tenant)));
        if let Some(actor) = actor {
            let position = seen.positions().of("identity");
            let Some(actor) = self.verifier.as_of(actor, position).await else {
                return Err(AuthError::Token(TokenError::SessionOver.to_string()));
            };
            caller.extensions.insert(actor.acting_from(origin(headers)));
        }
        caller.extensions.insert(seen);
        if let Some(origin) = origin(headers) {
            caller.extensions.insert(origin);
        }
        Ok(caller)
    }

    fn scope(&self, caller: &Caller) -> Option<Scope> {
        scope(caller.extensions.get())
    }

    fn share(&self, reader: &Caller, caller: &Caller) {
        share(reader, caller);
    }

    fn answer_headers(&self, caller: &Caller, headers: &mut HeaderMap) {
        if let Some(seen) = caller.extensions.get::<Seen>() {
            seen.tell(headers);
        }
    }

    async fn still_valid(&self, caller: &Caller) -> bool {
        caller.extensions.get::<Actor>().is_none_or(|actor| self.verifier.still_valid(actor))
    }
}

/// The `Authorization` with which a caller was let in. It stays in this process, unless the
/// configuration says otherwise of an extension.
#[derive(Clone, Debug)]
pub(crate) struct Token(pub(crate) HeaderValue);

/// Who may share what is read for an actor: whoever is the same in everything, also in what will be
/// added to actors. Policies go by the organization, the person and the roles, and fields such as
/// `Session.current` by the session.
///
/// What the caller has seen ([`Seen`]) is no part of it, though it decides between a replica and the
/// primary: it grows with every write, and [`share`] brings it to whoever reads on. A read
/// that has begun already does not show it.
fn scope(actor: Option<&Actor>) -> Option<Scope> {
    // Rules may go by the network.
    let address = actor.and_then(|actor| Some(actor.origin.as_ref()?.address));
    serde_json::to_vec(&(actor, address)).ok().map(Scope::new)
}

/// Has what is read for `reader` from now on show what `caller` has seen, too.
fn share(reader: &Caller, caller: &Caller) {
    let seen = |caller: &Caller| caller.extensions.get::<Seen>().cloned();
    if let (Some(reader), Some(caller)) = (seen(reader), seen(caller)) {
        reader.see(&caller.positions());
    }
}

/// The actor behind the value of an `Authorization` header, or what is wrong with it.
pub(crate) async fn bearer(verifier: &TokenVerifier, header: &str) -> Result<Actor, String> {
    let token = header
        .split_once(' ')
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim())
        .ok_or("Send the access token of logIn as \"Authorization: Bearer …\".")?;
    verifier.verify_newest(token).await.map_err(|error| error.to_string())
}

/// A subgraph of Studio: its name, its schema, and the way to it.
pub(crate) type Own = (&'static str, String, Arc<dyn SubgraphTransport>);

/// A graph of Studio's own subgraphs, before others extend it.
pub(crate) struct OwnGraph {
    pub(crate) supergraph: Supergraph,
    pub(crate) subgraphs: Vec<Own>,
}

impl OwnGraph {
    /// The schemas of the subgraphs, as composition takes them.
    pub(crate) fn sdls(&self) -> Vec<SubgraphSdl> {
        let sdls = self.subgraphs.iter().map(|(name, sdl, _)| (*name, sdl.clone()));
        crate::schema::parts(sdls)
    }
}

/// Composes these subgraphs and builds a router for them.
fn build(
    subgraphs: Vec<Own>,
    callers: Tokens,
    env: Env,
    limits: &Limits,
    process: &Process,
) -> anyhow::Result<(Arc<Router>, OwnGraph)> {
    let ready = process.ready.clone();
    let sdls = subgraphs.iter().map(|(name, sdl, _)| (*name, sdl.clone()));
    let own = OwnGraph { supergraph: crate::schema::compose(sdls)?, subgraphs };
    let mut router = Router::builder()
        .supergraph(own.supergraph.sdl.clone())
        .authenticate(Arc::new(callers))
        .request_ids(move || env.id::<kind::Request>().to_string())
        .readiness(move || ready.state())
        .shutdown(process.shutdown.clone())
        .console(crate::pages::console())
        // It begins with the present scores or goes on after a cursor; its changes have one order.
        .share_subscription(
            "scoreChanged",
            Sharing::AtEvent { cursor: "ScoreChange.cursor".to_owned() },
        )
        .limits(studio_router::Limits {
            body_bytes: limits.graphql_body,
            ..studio_router::Limits::default()
        });
    for (name, _, transport) in &own.subgraphs {
        router = router.subgraph(*name, transport.clone());
    }
    Ok((router.build().context("the router does not start")?, own))
}

/// A router in front of subgraphs of this process.
pub(crate) fn in_process(
    subgraphs: &[Running],
    verifier: TokenVerifier,
    env: Env,
    limits: &Limits,
    process: &Process,
) -> anyhow::Result<(Arc<Router>, OwnGraph)> {
    let own = subgraphs.iter().map(|subgraph| -> Own {
        let verifier = verifier.clone();
        let transport = InProcess::new(Schema(subgraph.graphql.clone()))
            .provide::<Seen>()
            .with_data(move |extensions, data| {
                // A WebSocket may be older than the roles, and outlive the session.
                let actor = extensions.get::<Actor>().cloned();
                let id = extensions.get::<studio_router::RequestId>();
                let id = id.map(|id| RequestId(id.0.to_string()));
                let origin = extensions.get::<Origin>().cloned();
                if let Some(actor) = actor.and_then(|actor| verifier.now(actor)) {
                    let actor = actor.within(id.as_ref().and_then(RequestId::id));
                    data.insert(actor.acting_from(origin.clone()));
                }
                if let Some(origin) = origin {
                    data.insert(origin);
                }
                if let Some(id) = id {
                    data.insert(id);
                }
            });
        (subgraph.name, subgraph.graphql.sdl(), Arc::new(transport))
    });
    let own = own.collect();
    // The logs are in this process: it knows what was written to them.
    let callers = Tokens { verifier, heard: Arc::default() };
    build(own, callers, env, limits, process)
}

/// A router in front of subgraphs of other processes.
pub(crate) fn over_http(
    upstreams: &[Upstream],
    verifier: TokenVerifier,
    heard: &Arc<Heard>,
    env: Env,
    limits: &Limits,
    process: &Process,
) -> anyhow::Result<(Arc<Router>, OwnGraph)> {
    let own = upstreams.iter().map(|Upstream { name, sdl, replicas, signer }| {
        let headers = Statement {
            audience: name,
            signer: signer.clone(),
            verifier: verifier.clone(),
            heard: heard.clone(),
        };
        let options = HttpOptions { headers: Some(Arc::new(headers)), ..HttpOptions::default() };
        let transport = BalancedSubgraph::new(replicas.clone(), "/graphql", &options)
            .with_context(|| format!("cluster.addresses.{name}"))?;
        let transport: Arc<dyn SubgraphTransport> = Arc::new(transport);
        Ok((*name, sdl.clone(), transport))
    });
    let own = own.collect::<anyhow::Result<Vec<Own>>>()?;
    let callers = Tokens { verifier, heard: heard.clone() };
    build(own, callers, env, limits, process)
}

/// A subgraph of other processes.
pub(crate) struct Upstream {
    pub(crate) name: &'static str,
    pub(crate) sdl: String,
    pub(crate) replicas: Arc<Replicas>,
    pub(crate) signer: InternalSigner,
}

/// Says to a subgraph who asks and what they have seen, and hears what it wrote.
struct Statement {
    audience: &'static str,
    signer: InternalSigner,
    verifier: TokenVerifier,
    heard: Arc<Heard>,
}

impl CallHeaders for Statement {
    fn add(&self, caller: &Caller, headers: &mut HeaderMap) {
        // A WebSocket may be older than the roles, and outlive the session.
        let actor = caller.extensions.get::<Actor>().cloned();
        let actor = actor.and_then(|actor| self.verifier.now(actor));
        let request = caller.request_id().map_or("", |id| &id.0);
        let signed = self
            .signer
            .caller_token(self.audience, actor.as_ref(), request, caller.extensions.get())
            .map_err(|error| error.to_string())
            .and_then(|token| HeaderValue::try_from(token).map_err(|error| error.to_string()));
        match signed {
            Ok(token) => {
                headers.insert(HeaderName::from_static(internal::HEADER), token);
            }
            // The subgraph refuses the call, which is the safe end of it.
            Err(error) => tracing::error!(error, "a call to a subgraph cannot be signed"),
        }
        // What the client said is in it.
        if let Some(seen) = caller.extensions.get::<Seen>() {
            seen.ask(headers);
        }
    }

    fn answered(&self, caller: &Caller, headers: &HeaderMap) {
        let tenant = caller.extensions.get::<Actor>().map(|actor| actor.tenant);
        let wrote = self.heard.hear(self.audience, tenant, headers);
        if let Some(seen) = caller.extensions.get::<Seen>() {
            seen.wrote(&wrote);
        }
    }
}

#[cfg(test)]
mod tests {
    use studio_kernel::Role;

    use super::*;

    #[test]
    fn nobody_shares_with_somebody_else() {
        let env = Env::system();
        let (tenant, user, session) = (env.id(), env.id(), env.id());
        let actor = Actor::user(tenant, user, session, vec![Role::Owner]);
        let of = |actor: &Actor| scope(Some(actor));
        assert!(of(&actor).is_some() && of(&actor) == of(&actor.clone()));
        for other in [
            Actor::user(env.id(), user, session, vec![Role::Owner]),
            Actor::user(tenant, env.id(), session, vec![Role::Owner]),
            Actor::user(tenant, user, env.id(), vec![Role::Owner]),
            Actor::user(tenant, user, session, vec![Role::Viewer]),
            Actor::user(tenant, user, session, vec![]),
            actor.clone().acting_from("192.0.2.1".parse().ok()),
            Actor::system(tenant, "worker"),
        ] {
            assert!(of(&other) != of(&actor), "{other:?}");
        }
        assert!(scope(None) != of(&actor));
    }

    #[test]
    fn what_is_read_for_one_shows_what_whoever_joins_has_seen() {
        let seen = |said: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(studio_service::reading::POSITIONS, HeaderValue::from_static(said));
            let mut caller = Caller::default();
            caller.extensions.insert(Seen::of(&headers).unwrap());
            caller
        };
        let (reader, caller) = (seen("controls=5;identity=9"), seen("controls=7;ai=1"));
        share(&reader, &caller);
        let of = |caller: &Caller| caller.extensions.get::<Seen>().unwrap().positions().to_string();
        assert_eq!(of(&reader), "ai=1;controls=7;identity=9");
        assert_eq!(of(&caller), "ai=1;controls=7");
    }
}

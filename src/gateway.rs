//! The router with the subgraphs behind it: in process for `studio serve`, over HTTP for
//! `studio router`.

use std::sync::Arc;

use anyhow::Context;
use async_graphql::{Data, Executor, Request, Response};
use async_trait::async_trait;
use futures::stream::BoxStream;
use http::{HeaderMap, header::AUTHORIZATION};
use serde_json::Value;
use studio_identity::TokenVerifier;
use studio_kernel::{Actor, Env, kind};
use studio_router::{AuthError, Authenticate, Caller, Router, SubgraphSdl, transport::InProcess};
use studio_service::{GraphQlService, RequestId, config::Limits};

use crate::{assemble::Running, cli};

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

/// Reads the bearer token of a request, or of `connection_init` over WebSocket.
struct Tokens(TokenVerifier);

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
        if let Some(header) = from_headers.or_else(from_connection) {
            let actor = bearer(&self.0, header).map_err(|message| AuthError { message })?;
            caller.extensions.insert(actor);
            caller.may_introspect = true;
        }
        Ok(caller)
    }

    async fn still_valid(&self, caller: &Caller) -> bool {
        caller.extensions.get::<Actor>().is_none_or(|actor| self.0.still_valid(actor))
    }
}

/// The actor behind the value of an `Authorization` header, or what is wrong with it.
pub(crate) fn bearer(verifier: &TokenVerifier, header: &str) -> Result<Actor, String> {
    let token = header
        .split_once(' ')
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim())
        .ok_or("Send the access token of logIn as \"Authorization: Bearer …\".")?;
    verifier.verify(token).map_err(|error| error.to_string())
}

/// Composes the subgraphs and puts the router in front of them.
pub(crate) fn build(
    subgraphs: &[Running],
    verifier: TokenVerifier,
    env: Env,
    limits: &Limits,
) -> anyhow::Result<Arc<Router>> {
    let parts = subgraphs
        .iter()
        .map(|subgraph| SubgraphSdl {
            name: subgraph.name.to_owned(),
            url: None,
            sdl: subgraph.graphql.sdl(),
        })
        .collect();
    let supergraph = studio_router::compose(parts).context("the subgraphs do not compose")?;
    let mut router = Router::builder()
        .supergraph(supergraph.sdl)
        .authenticate(Arc::new(Tokens(verifier)))
        .request_ids(move || env.id::<kind::Request>().to_string())
        .console(crate::pages::console())
        .limits(studio_router::Limits {
            body_bytes: limits.graphql_body,
            ..studio_router::Limits::default()
        });
    for subgraph in subgraphs {
        let transport = InProcess::new(Schema(subgraph.graphql.clone()))
            .provide::<Actor>()
            .with_data(|extensions, data| {
                if let Some(id) = extensions.get::<studio_router::RequestId>() {
                    data.insert(RequestId(id.0.to_string()));
                }
            });
        router = router.subgraph(subgraph.name, Arc::new(transport));
    }
    router.build().context("the router does not start")
}

/// `studio router`: any federation 2 supergraph, from a file.
pub(crate) async fn run_standalone(arguments: cli::Router) -> anyhow::Result<()> {
    studio_service::telemetry::init(&studio_service::config::LogConfig::default())
        .map_err(anyhow::Error::msg)?;
    let path = &arguments.supergraph;
    let supergraph = std::fs::read_to_string(path)
        .with_context(|| format!("the supergraph {} cannot be read", path.display()))?;
    studio_router::standalone::run(supergraph, arguments.listen, crate::serve::stop_signal())
        .await
        .context("the router stopped")
}

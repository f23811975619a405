//! `studio router`: the one part of Studio that clients reach where its roles run apart. It composes
//! the subgraphs, plans and executes over their replicas, and hands REST on to them. It has no store
//! of its own but the keyring, with which it tells them who asks.

mod proxy;

use std::{sync::Arc, time::Duration};

use anyhow::{Context, ensure};
use axum::{
    http::{HeaderName, HeaderValue, Method},
    routing::MethodFilter,
};
use serde_json::Value;
use studio_identity::RemoteVerifier;
use studio_kernel::{Actor, Env, kind};
use studio_router::transport::Replicas;
use studio_service::{
    ApiError, Config, RequestId,
    internal::{self, InternalClient, InternalSigner, Options},
    reading::Heard,
};

use crate::{
    app, cli,
    extensions::Extensions,
    gateway::{self, Upstream},
    keyring,
    policies::Policies,
    process::Process,
    schema,
    standalone::{self, Source},
    stores,
};

/// Runs until the process is asked to stop.
pub(crate) async fn run(arguments: cli::Router) -> anyhow::Result<()> {
    let config = Arc::new(arguments.settings.load(arguments.listen)?);
    if let Some(source) = Source::new(arguments.supergraph, arguments.subgraphs) {
        let watch = Duration::try_from_secs_f64(arguments.watch)
            .context("--watch takes a number of seconds")?;
        return standalone::run(source, config.listen, (!watch.is_zero()).then_some(watch)).await;
    }
    studio_service::telemetry::init(&config.log).map_err(anyhow::Error::msg)?;
    crate::panics::to_the_log();
    ensure!(
        stores::on_a_server(&config),
        "a router by itself shares its keys with the subgraphs: set stores.sql, or run studio serve \
         (or give --supergraph or --subgraphs of your own)"
    );
    ensure!(
        config.public_url.is_some(),
        "set public_url to the address at which people reach this router: tokens are made for it"
    );
    let env = Env::system();
    let process = Process::listen(&config, config.cluster.notice()).await?;
    let keyring = keyring::open(&config, env.clone()).await?;
    let signer = InternalSigner::from_keyring(&keyring, "router", env.clone()).await?;
    let identity = InternalClient::new(
        "identity",
        config.cluster.addresses.of("identity"),
        signer.clone(),
        Options::default(),
    )
    .context("set cluster.addresses.identity")?;
    let sessions = RemoteVerifier::connect(identity, &config.public_url(), env.clone())
        .await
        .context("the router learns from identity who is signed in")?;
    let verifier = sessions.verifier();
    let upstreams = upstreams(&config, &signer)?;
    for upstream in &upstreams {
        let (replicas, stop) = (upstream.replicas.clone(), process.shutdown.clone());
        let every = config.cluster.health_every();
        tokio::spawn(async move {
            replicas.watch("/health/ready", every, stop.cancelled_owned()).await;
        });
    }
    let heard = Arc::new(Heard::default());
    let (router, own) = gateway::over_http(
        &upstreams,
        verifier.clone(),
        &heard,
        env.clone(),
        &config.limits,
        &process,
    )?;
    let policies = Policies::begin(&config.policy, &env, None)?;
    let (settings, policy) = (config.extensions.clone(), policies.policy.clone());
    let extensions =
        Extensions::begin(router.clone(), own, settings, policy, verifier.clone()).await;
    tokio::spawn(policies.follow(process.shutdown.clone()));
    tokio::spawn(extensions.follow(arguments.settings, process.shutdown.clone()));
    let rest = rest(&upstreams, &heard, &env)?;
    let address = process.address;
    let app = app::for_clients(router.clone(), rest, verifier, Vec::new(), &config);
    let serving = process.serve(app, env, async move { router.drained().await });
    println!("Studio's router listens on http://{address}");
    serving.until_stopped(async move { drop(sessions) }).await
}

/// Every subgraph, at the addresses in the configuration.
fn upstreams(config: &Config, signer: &InternalSigner) -> anyhow::Result<Vec<Upstream>> {
    schema::subgraphs()
        .into_iter()
        .map(|(name, sdl)| {
            let replicas = Replicas::new(config.cluster.addresses.of(name))
                .with_context(|| format!("set cluster.addresses.{name}"))?;
            Ok(Upstream { name, sdl, replicas, signer: signer.clone() })
        })
        .collect()
}

/// The REST paths of every subgraph and their methods, as its description names them.
fn rest(upstreams: &[Upstream], heard: &Arc<Heard>, env: &Env) -> anyhow::Result<axum::Router> {
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(Duration::from_secs(2))
        .no_proxy()
        .build()
        .context("the HTTP client does not start")?;
    let mut routes = axum::Router::new();
    let described = app::described();
    for upstream in upstreams {
        let own = described.iter().filter(|(name, _)| *name == upstream.name);
        let described = own.flat_map(|(_, described)| described["paths"].as_object()).flatten();
        let mut paths: Vec<(String, MethodFilter)> =
            described.filter_map(|(path, item)| Some((path.clone(), methods(item)?))).collect();
        if upstream.name == "identity" {
            let read = [
                "/.well-known/jwks.json",
                "/.well-known/oauth-authorization-server",
                "/.well-known/openid-configuration",
                "/oauth2/authorize",
                "/login/oidc/{name}",
                "/login/oidc/{name}/callback",
            ];
            let posted = ["/login/tokens", "/oauth2/token", "/oauth2/revoke", "/oauth2/introspect"];
            let both = MethodFilter::GET.or(MethodFilter::POST);
            paths.push(("/oauth2/userinfo".to_owned(), both));
            paths.extend(read.map(|path| (path.to_owned(), MethodFilter::GET)));
            paths.extend(posted.map(|path| (path.to_owned(), MethodFilter::POST)));
            let provisioning = studio_identity::scim::PATHS.into_iter();
            paths.extend(provisioning.map(|(path, methods)| (path.to_owned(), methods)));
        }
        let upstream = proxy::Upstream {
            subgraph: upstream.name,
            replicas: upstream.replicas.clone(),
            client: client.clone(),
            header: HeaderName::from_static(internal::HEADER),
            sign: sign(upstream.signer.clone(), env.clone()),
            heard: heard.clone(),
        };
        routes = routes.merge(proxy::routes(upstream, paths));
    }
    Ok(routes)
}

/// The methods of a path item (OpenAPI 3.1, section 4.8.9); its other members are no operations.
fn methods(item: &Value) -> Option<MethodFilter> {
    let names = item.as_object()?.keys().map(|name| name.to_ascii_uppercase());
    names
        .filter_map(|name| MethodFilter::try_from(Method::from_bytes(name.as_bytes()).ok()?).ok())
        .reduce(MethodFilter::or)
}

fn sign(signer: InternalSigner, env: Env) -> Arc<proxy::Sign> {
    Arc::new(move |subgraph: &'static str, asked: &axum::http::Extensions| {
        let made;
        let request = match asked.get::<RequestId>() {
            Some(id) => id.0.as_str(),
            None => {
                made = env.id::<kind::Request>().to_string();
                made.as_str()
            }
        };
        let actor = asked.get::<Actor>();
        let token = signer
            .caller_token(subgraph, actor, request, asked.get())
            .map_err(ApiError::internal)?;
        HeaderValue::try_from(token).map_err(ApiError::internal)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_path_takes_the_methods_that_are_described() {
        let item = json!({ "get": {}, "post": {}, "parameters": [], "summary": "Both" });
        assert_eq!(methods(&item), Some(MethodFilter::GET.or(MethodFilter::POST)));
        assert_eq!(methods(&json!({ "summary": "Nothing" })), None);
    }
}

//! Who gets in.

use std::sync::Arc;

use axum::{Extension, Json, Router, middleware, routing::get};
use studio_kernel::{Actor, Env, ManualClock, Role, SystemEntropy, Timestamp};
use studio_service::{
    RequestId,
    internal::{
        CallError, Gate, HEADER, InternalCaller, InternalClient, InternalSigner, LIFETIME, Options,
        require,
    },
};
use studio_stores::keyring::Keyring;
use tokio_util::sync::CancellationToken;

use crate::support::{NAME, Server, World};

async fn ask(url: &str, token: Option<&str>) -> (u16, String) {
    let mut request = reqwest::Client::new().get(url);
    if let Some(token) = token {
        request = request.header(HEADER, token);
    }
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[tokio::test]
async fn only_tokens_that_hold_read_the_feed() {
    let world = World::new().await;
    let server = world.serve().await;
    let url = format!("{}/internal/feed/head", server.url);
    let audit = format!("{}/internal/audit?after=0&limit=1", server.url);
    let signer = world.signer().await;
    let refused = async |token: Option<&str>, why: &str| {
        let (status, body) = ask(&url, token).await;
        assert_eq!(status, 401, "{body}");
        assert!(body.contains(why), "{body}");
    };

    let good = signer.service_token(NAME).unwrap();
    assert_eq!(ask(&url, Some(&good)).await, (200, r#"{"head":0}"#.to_owned()));
    refused(None, "header x-studio-caller is missing").await;
    refused(Some("x"), "not valid").await;
    assert_eq!(ask(&audit, None).await.0, 401);
    assert_eq!(ask(&audit, Some(&good)).await.0, 200);
    refused(Some(&signer.service_token("evidence").unwrap()), r#"for \"evidence\""#).await;

    // The signature of one token under the words of another.
    let other = signer.service_token(NAME).unwrap();
    let (words, _) = good.rsplit_once('.').unwrap();
    let (_, signature) = other.rsplit_once('.').unwrap();
    refused(Some(&format!("{words}.{signature}")), "not valid").await;

    // Another installation's key, its id claimed to be ours.
    let folder = world.directory.path().join("other");
    let foreign = Keyring::embedded(&folder, world.env.clone()).await.unwrap();
    let foreign = InternalSigner::from_keyring(&foreign, "worker", world.env.clone()).await;
    let foreign = foreign.unwrap().service_token(NAME).unwrap();
    refused(Some(&foreign), "same keyring").await;
    let (_, rest) = foreign.split_once('.').unwrap();
    let (header, _) = good.split_once('.').unwrap();
    refused(Some(&format!("{header}.{rest}")), "not valid").await;

    // The router may read the feed for itself, and never for a client.
    let actor = Actor::user(world.env.id(), world.env.id(), world.env.id(), vec![Role::Owner]);
    let passed_on = signer.caller_token(NAME, Some(&actor), "req_1", None).unwrap();
    refused(Some(&passed_on), "not for requests of clients").await;
    assert_eq!(ask(&audit, Some(&passed_on)).await.0, 401);
    server.stop().await;
}

#[tokio::test]
async fn a_token_lives_for_a_minute() {
    let world = World::new().await;
    let server = world.serve().await;
    let url = format!("{}/internal/feed/head", server.url);
    let now = world.env.now();
    let made_at = async |seconds: i64| {
        let clock = ManualClock::at(now.plus_seconds(seconds));
        let env = Env::new(clock, Arc::new(SystemEntropy));
        let signer = InternalSigner::from_keyring(&world.keyring, "worker", env).await.unwrap();
        ask(&url, Some(&signer.service_token(NAME).unwrap())).await
    };
    // Clocks may be half a minute apart.
    assert_eq!(made_at(-(LIFETIME + 29)).await.0, 200);
    assert_eq!(made_at(30).await.0, 200);
    for seconds in [-(LIFETIME + 30), 31, -1_000_000] {
        let (status, body) = made_at(seconds).await;
        assert_eq!(status, 401, "{seconds}");
        assert!(body.contains("clocks of both machines"), "{body}");
    }
    world.clock.set(Timestamp::from_micros(0));
    assert_eq!(made_at(0).await.0, 401, "the server's own clock jumped");
    server.stop().await;
}

#[tokio::test]
async fn requests_of_clients_arrive_with_their_actor() {
    let world = World::new().await;
    type Seen = (Option<Extension<Actor>>, Extension<RequestId>, Extension<InternalCaller>);
    let seen = async |(actor, id, caller): Seen| {
        Json(serde_json::json!([actor.map(|it| it.0), id.0.0, caller.0.issuer]))
    };
    let gate = Gate::requests(world.verifier().await, NAME);
    let forge = async |mut request: axum::extract::Request, next: middleware::Next| {
        let env = Env::system();
        request.extensions_mut().insert(Actor::system(env.id(), "forged"));
        next.run(request).await
    };
    let routes = Router::new()
        .route("/seen", get(seen))
        .layer(middleware::from_fn_with_state(gate, require))
        .layer(middleware::from_fn(forge));
    let server = Server::start(routes, CancellationToken::new(), None).await;
    let url = format!("{}/seen", server.url);
    let key = world.keyring.signing_key("internal").await.unwrap();
    let router = InternalSigner::new(&key, "router", world.env.clone()).unwrap();

    let actor = Actor::user(world.env.id(), world.env.id(), world.env.id(), vec![Role::Viewer]);
    let token = router.caller_token(NAME, Some(&actor), "req_7", None).unwrap();
    let (status, body) = ask(&url, Some(&token)).await;
    assert_eq!(status, 200, "{body}");
    let told: (Actor, String, String) = serde_json::from_str(&body).unwrap();
    assert_eq!(told, (actor, "req_7".to_owned(), "router".to_owned()));

    let anonymous = router.caller_token(NAME, None, "req_8", None).unwrap();
    assert_eq!(ask(&url, Some(&anonymous)).await, (200, r#"[null,"req_8","router"]"#.to_owned()));
    assert_eq!(ask(&url, None).await.0, 401);
    server.stop().await;
}

#[tokio::test]
async fn an_address_that_is_none_is_named() {
    let world = World::new().await;
    let signer = world.signer().await;
    for (urls, why) in [
        (&[][..], "none is configured"),
        (&["controls:4000"], "only http and https"),
        (&["http://controls:4000/graphql"], "it has a path"),
        (&["4000"], "relative URL"),
    ] {
        let made = InternalClient::new(NAME, urls, signer.clone(), Options::default());
        let error = made.unwrap_err();
        assert!(matches!(error, CallError::Address { .. }), "{error}");
        assert!(error.to_string().contains(why), "{error}");
    }
}

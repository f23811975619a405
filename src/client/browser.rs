//! `studio login --browser`: the person signs in with their browser, in whatever way they do, and lets this
//! command sign in as them (RFC 8252). It waits at a port of this machine for the answer, and for nothing else.

use std::{
    net::Ipv4Addr,
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, bail};
use aws_lc_rs::digest::{SHA256, digest};
use axum::{
    Router,
    extract::{RawQuery, State},
    http::{StatusCode, header},
    response::{Html, IntoResponse, Response},
    routing::get,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use studio_identity::domain::command::COMMAND;
use studio_kernel::Env;
use studio_sdk::{BrowserAnswer, BrowserSignIn, Client, Error};
use tokio::{net::TcpListener, sync::mpsc};

/// Where the browser brings the answer.
const PATH: &str = "/signed-in";

/// Signs in to the server of the client.
pub(super) async fn sign_in(
    client: &Client,
    opens: bool,
    patience: Duration,
) -> anyhow::Result<()> {
    let issuer = client.issuer().await?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .context("no port of this machine can be listened at for the browser's answer")?;
    let env = Env::system();
    let verifier = URL_SAFE_NO_PAD.encode(env.bytes::<32>());
    let asked = Arc::new(BrowserSignIn {
        client_id: COMMAND.to_string(),
        redirect_uri: format!("http://{}{PATH}", listener.local_addr()?),
        state: URL_SAFE_NO_PAD.encode(env.bytes::<32>()),
        challenge: URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes())),
        verifier,
    });
    let address = asked.address(client)?;
    if opens && opened(&address) {
        println!("Your browser asks you whether to sign in here. If it did not open, go to");
    } else {
        println!("Sign in with your browser, on this computer, at");
    }
    println!("{address}");
    let code = answer(listener, asked.clone(), issuer, patience).await?;
    client.exchange_code(&asked, &code).await.map_err(|error| match error {
        Error::Refused { ref code, .. } if code == "invalid_grant" => anyhow::Error::new(error)
            .context("the sign-in took too long, or was ended meanwhile: run studio login --browser again"),
        other => other.into(),
    })
}

/// Opens an address in the browser of this machine; false where there is no way to.
fn opened(address: &str) -> bool {
    let program = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let mut command = Command::new(program);
    command.arg(address).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    // It may stay as long as the browser does; the address is printed in any case.
    command.spawn().is_ok()
}

/// What stands at the port.
struct Waits {
    asked: Arc<BrowserSignIn>,
    issuer: String,
    found: mpsc::Sender<BrowserAnswer>,
}

/// Waits for the code.
async fn answer(
    listener: TcpListener,
    asked: Arc<BrowserSignIn>,
    issuer: String,
    patience: Duration,
) -> anyhow::Result<String> {
    let (found, mut answers) = mpsc::channel(1);
    let waits = Arc::new(Waits { asked, issuer, found });
    let routes = Router::new().route(PATH, get(arrived)).with_state(waits);
    let (ends, ended) = tokio::sync::oneshot::channel::<()>();
    let served = axum::serve(listener, routes).with_graceful_shutdown(async move {
        // Also where nobody says so any more.
        let _said_or_dropped = ended.await;
    });
    let served = tokio::spawn(async move { served.await });
    let answer = tokio::time::timeout(patience, answers.recv()).await;
    drop(ends);
    // The browser is told first. One that keeps its connection open is not waited for.
    let _told_or_late = tokio::time::timeout(Duration::from_secs(2), served).await;
    match answer {
        Ok(Some(BrowserAnswer::Code(code))) => Ok(code),
        Ok(Some(BrowserAnswer::Declined(error))) if error == "access_denied" => {
            bail!("you said no in the browser: nobody was signed in here")
        }
        Ok(Some(BrowserAnswer::Declined(error))) => {
            bail!(
                "the server did not let you sign in here ({error}): run studio login --browser again"
            )
        }
        Ok(Some(BrowserAnswer::Other) | None) => {
            bail!("the port for the browser's answer was closed")
        }
        Err(_) => bail!(
            "no answer came from the browser within {} seconds: run studio login --browser again, and \
             answer it on this computer (--wait SECONDS waits longer)",
            patience.as_secs()
        ),
    }
}

/// A browser comes back, or something else comes.
async fn arrived(State(waits): State<Arc<Waits>>, RawQuery(query): RawQuery) -> Response {
    match waits.asked.read(&query.unwrap_or_default(), &waits.issuer) {
        BrowserAnswer::Other => page(
            StatusCode::BAD_REQUEST,
            "This is no answer to what the studio command asked",
            OTHER,
        ),
        answer => {
            let (title, text) = match &answer {
                BrowserAnswer::Code(_) => ("You are signed in at the command line", DONE),
                _ => ("You are not signed in at the command line", DONE),
            };
            // Of two at a time the first is the answer.
            let _first_or_not = waits.found.try_send(answer);
            page(StatusCode::OK, title, text)
        }
    }
}

const DONE: &str = "Go back to it: it says how it went. You can close this page.";
const OTHER: &str = "It goes on waiting. If you began a sign-in there, answer that one.";

fn page(status: StatusCode, title: &str, text: &str) -> Response {
    let page = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title} – Studio</title></head>\
         <body><main><h1>{title}</h1><p>{text}</p></main></body></html>"
    );
    let headers = [
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CONNECTION, "close"),
    ];
    (status, headers, Html(page)).into_response()
}

//! A second factor from the first secret to its end: over the API, by `studio login`, and by whoever runs
//! the server. And the keys of access tokens, which change under a session.

use serde_json::{Value, json};
use studio_sdk::{Client, Error};

use crate::support::{EMAIL, Installation, PASSWORD, Server, enrol, query};

#[tokio::test]
async fn a_code_stands_between_the_password_and_the_session() {
    let installation = Installation::empty();
    let (server, owner) = installation.set_up().await;
    let codes = enrol(&owner, PASSWORD).await;

    let client = Client::new(&server.url).unwrap();
    let challenge = match client.log_in(EMAIL, PASSWORD).await.unwrap_err() {
        Error::SecondFactor(challenge) => challenge,
        other => panic!("{other}"),
    };
    assert!(client.tokens().is_none());
    let wrong = client.complete_log_in(&challenge, "AAAA-BBBB-CCCC").await.unwrap_err();
    assert_eq!(wrong.code(), Some("INVALID_CODE"));
    client.complete_log_in(&challenge, &codes[0]).await.unwrap();
    let asked =
        "{ me { secondFactor { recoveryCodesLeft } sessions { nodes { current methods } } } }";
    let me = query(&client, asked, json!({})).await["me"].clone();
    assert_eq!(me["secondFactor"]["recoveryCodesLeft"], 9);
    let nodes = me["sessions"]["nodes"].as_array().unwrap();
    let current = nodes.iter().find(|node| node["current"] == true).unwrap();
    assert_eq!(current["methods"], json!(["PWD", "OTP"]));

    // On the command line, where there is no terminal.
    let login = ["login", "--server", &server.url, "--email", EMAIL];
    let said = installation.refused(&login, &[("STUDIO_PASSWORD", PASSWORD)]);
    assert!(said.contains("STUDIO_CODE"), "{said}");
    let settings = [("STUDIO_PASSWORD", PASSWORD), ("STUDIO_CODE", codes[0].as_str())];
    let said = installation.refused(&login, &settings);
    assert!(said.contains("INVALID_CODE"), "{said}");
    let mut signed_in = installation.command(&login);
    signed_in.env("STUDIO_PASSWORD", PASSWORD).env("STUDIO_CODE", &codes[1]);
    assert!(signed_in.output().unwrap().status.success());
    assert!(installation.run(&["whoami"]).contains(EMAIL));
}

/// The same person, at the port that the server has now.
fn at(server: &Server, person: &Client) -> Client {
    let client = Client::new(&server.url).unwrap();
    client.set_tokens(person.tokens());
    client
}

#[tokio::test]
async fn who_runs_the_server_lets_people_in_again_and_changes_keys() {
    let installation = Installation::empty();
    let (server, owner) = installation.set_up().await;
    enrol(&owner, PASSWORD).await;
    let recover = ["account", "recover", "--email", EMAIL, "--remove-second-factor"];
    let new = [("STUDIO_PASSWORD", "two walnuts per tide")];
    installation.refused(&recover, &new);
    server.stop();

    // Another key for access tokens: whoever is signed in stays so, by whichever token.
    let said = installation.run(&["keyring", "rotate-tokens"]);
    assert!(said.contains("15 minutes"), "{said}");
    let server = installation.start();
    let owner = at(&server, &owner);
    query(&owner, "{ me { id } }", json!({})).await;
    let keys = async || {
        let url = format!("{}/.well-known/jwks.json", server.url);
        let jwks: Value = reqwest::get(url).await.unwrap().json().await.unwrap();
        jwks["keys"].as_array().unwrap().len()
    };
    assert_eq!(keys().await, 2);
    server.stop();
    installation.run(&["keyring", "rotate-tokens", "--now"]);
    let server = installation.start();
    let owner = at(&server, &owner);
    let refused = owner.query_text::<Value>("{ me { id } }", json!({})).await.unwrap_err();
    assert_eq!(refused.code(), Some("UNAUTHENTICATED"));
    owner.refresh().await.unwrap();
    query(&owner, "{ me { id } }", json!({})).await;
    server.stop();

    let weak = installation.refused(&recover, &[("STUDIO_PASSWORD", "password1234")]);
    assert!(weak.contains("easy to guess"), "{weak}");
    let said = installation.run_with_password(&recover, new[0].1);
    assert!(said.contains(EMAIL) && said.contains("no second factor"), "{said}");
    let server = installation.start();
    let client = Client::new(&server.url).unwrap();
    client.log_in(EMAIL, new[0].1).await.unwrap();
    assert!(at(&server, &owner).refresh().await.is_err(), "signed out everywhere");
}

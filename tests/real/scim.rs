//! Provisioning by a directory: the built product, and `scim2-tester`, which checks servers of SCIM 2.0.

use std::process::Command;

use serde_json::json;

use crate::{
    services::variable,
    support::{Installation, Shape, mutate},
};

#[tokio::test]
async fn a_client_of_others_finds_nothing_wrong() {
    let Some(python) = variable("STUDIO_TEST_SCIM") else { return };
    let installation = Installation::of(Shape::Embedded);
    let (server, owner) = installation.set_up().await;
    let made = mutate(
        &owner,
        "mutation($input: ConnectDirectoryInput!) { connectDirectory(input: $input) {
            token userErrors { code message path } } }",
        json!({ "name": "scim2-tester", "emailDomains": ["example.org"] }),
    )
    .await;
    let token = made["token"].as_str().unwrap().to_owned();
    let mut command = Command::new(python);
    command.args(["-c", include_str!("scim_tester.py")]);
    command.args([format!("{}/scim/v2", server.url), token.clone()]);
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    // It has got beyond what the server says of itself.
    assert!(said.lines().filter(|line| line.starts_with("SUCCESS")).count() > 50, "{said}");
    assert!(!server.logged().contains(&token[37..]), "a token is in the log");
    server.stop();
    installation.run(&["verify"]);
}

//! A master key of a key management service, played by a stand-in that encrypts for real.

use serde_json::Value;

use crate::{
    services::variable,
    support::{Installation, Shape},
};

/// Makes a key, by the service's own protocol (`CreateKey` of AWS KMS).
async fn new_key(endpoint: &str) -> String {
    let scope = "Credential=key/20260101/us-east-1/kms/aws4_request";
    let answer = reqwest::Client::new()
        .post(endpoint)
        .header("X-Amz-Target", "TrentService.CreateKey")
        .header("Content-Type", "application/x-amz-json-1.1")
        .header(
            "Authorization",
            format!("AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=0"),
        )
        .body("{}")
        .send()
        .await
        .unwrap();
    let made: Value = answer.json().await.unwrap();
    made["KeyMetadata"]["Arn"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_key_service_takes_over() {
    let Some(endpoint) = variable("STUDIO_TEST_KMS_STAND_IN") else { return };
    let installation = Installation::of(Shape::Embedded);
    let (server, _) = installation.set_up().await;
    server.stop();
    let installation = installation
        .with_setting("STUDIO_STORES__KMS__KEY", &new_key(&endpoint).await)
        .with_setting("STUDIO_STORES__KMS__ENDPOINT", &endpoint)
        .with_setting("STUDIO_STORES__KMS__ACCESS_KEY", "key")
        .with_setting("STUDIO_STORES__KMS__SECRET_KEY", "hunter2hunter2");
    let said = installation.run(&["config", "check"]);
    assert!(said.contains("ok      stores.kms: "), "{said}");
    let opens = async || {
        let server = installation.start();
        server.client().await;
        server.stop();
    };
    opens().await;
    installation.run(&["keyring", "rotate"]);
    std::fs::remove_file(installation.path().join("keyring/master.key")).unwrap();
    opens().await;

    let other = new_key(&endpoint).await;
    let serve = ["serve", "--listen", "127.0.0.1:0"];
    let refused = installation.refused(&serve, &[("STUDIO_STORES__KMS__KEY", &other)]);
    assert!(refused.contains("master key"), "{refused}");
    let unknown = other.replace(|c: char| c.is_ascii_hexdigit(), "0");
    let mut check = installation.command(&["config", "check"]);
    let said = check.env("STUDIO_STORES__KMS__KEY", &unknown).output().unwrap();
    assert!(!said.status.success());
    let said = String::from_utf8_lossy(&said.stdout);
    assert!(said.contains("WRONG   stores.kms: ") && said.contains("stores.kms.key"), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
}

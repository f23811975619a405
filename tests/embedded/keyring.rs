//! The master key is replaced: by another one in the data folder, by one of the environment, and by
//! the next one of the environment. What was encrypted stays readable, and the former key opens
//! nothing any more.

use crate::support::{Installation, Shape};

/// 32 bytes each.
const ONE: &str = "b25lIG1hc3RlciBrZXkgb2YgdGhlIHRlc3RzLCAzMiE=";
const OTHER: &str = "YW5vdGhlciBtYXN0ZXIga2V5IG9mIHRlc3RzLCAzMiE=";
const MASTER: &str = "STUDIO_MASTER_KEY";
const FORMER: &str = "STUDIO_FORMER_MASTER_KEY";

/// Signs in: the owner's address and the key that signs tokens are read by the keyring.
async fn opens(installation: &Installation) {
    let server = installation.start();
    let client = server.client().await;
    let me = crate::support::query(&client, "{ me { email } }", serde_json::json!({})).await;
    assert_eq!(me["me"]["email"], crate::support::EMAIL);
    server.stop();
}

#[tokio::test]
async fn the_master_key_is_replaced() {
    let installation = Installation::of(Shape::Embedded);
    let file = installation.path().join("keyring/master.key");
    let (server, _) = installation.set_up().await;
    let refused = installation.refused(&["keyring", "rotate"], &[]);
    assert!(refused.contains("another studio process"), "{refused}");
    server.stop();
    let before = std::fs::read_to_string(&file).unwrap();
    installation.run(&["keyring", "rotate"]);
    assert_ne!(std::fs::read_to_string(&file).unwrap(), before);
    opens(&installation).await;

    let installation = installation.with_setting(MASTER, ONE);
    opens(&installation).await;
    installation.run(&["keyring", "rotate"]);
    std::fs::remove_file(&file).unwrap();
    opens(&installation).await;

    let serve = ["serve", "--listen", "127.0.0.1:0"];
    let refused = installation.refused(&serve, &[(MASTER, OTHER)]);
    assert!(refused.contains("master key"), "{refused}");
    let installation = installation.with_setting(MASTER, OTHER).with_setting(FORMER, ONE);
    opens(&installation).await;
    installation.run(&["keyring", "rotate"]);
    let installation = installation.with_setting(FORMER, OTHER);
    opens(&installation).await;
    let refused = installation.refused(&serve, &[(MASTER, ONE), (FORMER, ONE)]);
    assert!(refused.contains("master key"), "{refused}");
}

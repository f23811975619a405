//! `studio config check`: what is wrong is named, all of it, and nothing is made by asking.

use crate::support::config_check;

#[test]
fn the_defaults_are_in_order() {
    let (fine, said) = config_check::<&str>(&[]);
    assert!(fine && said.contains("The configuration is in order."), "{said}");
}

#[test]
fn every_setting_that_is_wrong_is_named() {
    let (fine, said) = config_check(&[
        ("STUDIO_LISTEN", "here"),
        ("STUDIO_LIMITS__DOCUMENT", "0"),
        ("STUDIO_STORES__BLOBS", "s3"),
        ("STUDIO_STORES__GRAFF", "bolt://127.0.0.1"),
    ]);
    assert!(!fine);
    for setting in ["listen", "limits.document", "stores.s3.bucket", "stores.graff"] {
        assert!(said.contains(&format!("  {setting}: ")), "{setting}: {said}");
    }
}

#[test]
fn a_master_key_that_is_none_is_named() {
    let (fine, said) = config_check(&[("STUDIO_MASTER_KEY", "hunter2")]);
    assert!(!fine && said.contains("WRONG   STUDIO_MASTER_KEY: "), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
}

#[test]
fn every_server_that_does_not_answer_is_named() {
    // A port that was free a moment ago: nobody listens on it.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let at = |before: &str, after: &str| format!("{before}127.0.0.1:{port}{after}");
    let (sql, redis) = (at("postgres://studio:hunter2@", "/studio"), at("redis://:hunter2@", ""));
    let (bolt, http) = (at("bolt://studio:hunter2@", ""), at("http://", ""));
    let replicas = format!("[\"{http}\"]");
    let (fine, said) = config_check(&[
        ("STUDIO_STORES__SQL", sql.as_str()),
        ("STUDIO_STORES__REDIS", redis.as_str()),
        ("STUDIO_STORES__GRAPH", bolt.as_str()),
        ("STUDIO_STORES__BLOBS", "s3"),
        ("STUDIO_STORES__S3__ENDPOINT", http.as_str()),
        ("STUDIO_STORES__S3__BUCKET", "studio"),
        ("STUDIO_STORES__S3__ACCESS_KEY", "hunter2-id"),
        ("STUDIO_STORES__S3__SECRET_KEY", "hunter2"),
        ("STUDIO_CLUSTER__ADDRESSES__AI", replicas.as_str()),
    ]);
    assert!(!fine);
    for setting in [
        "stores.sql",
        "stores.redis",
        "stores.graph",
        "stores.s3",
        "cluster.addresses.ai",
        "STUDIO_MASTER_KEY",
    ] {
        assert!(said.contains(&format!("WRONG   {setting}: ")), "{setting}: {said}");
        assert!(!said.contains(&format!("{setting}: {setting}: ")), "{setting}: {said}");
    }
    assert!(said.contains("ok      data_dir: "), "{said}");
    assert!(said.contains("6 of what the configuration names cannot be used"), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
}

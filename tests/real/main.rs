//! The product with real servers and a real browser, which `tests/services` installs and starts.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

#[path = "../support/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the embedded tests use the rest")]
mod support;

mod apps;
mod browser;
mod browser_login;
mod config;
mod faults;
mod keyring;
mod mail;
mod moving;
mod oidc;
mod passkeys;
mod replica;
mod scim;
#[path = "../support/services.rs"]
mod services;
mod sign_in;
mod verify;
mod verify_untouched;
mod webdriver;

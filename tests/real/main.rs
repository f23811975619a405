//! The product with real servers and a real browser, which `tests/services` installs and starts.

#[path = "../support/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the embedded tests use the rest")]
mod support;

mod browser;
mod webdriver;

//! As much of WebDriver (W3C Recommendation, level 1) as the tests need: Chromium in a window that
//! nobody sees, driven by chromedriver.

use std::{
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use serde_json::{Value, json};

use crate::support::until;

/// The member under which WebDriver puts an element's reference (section 12.1).
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

pub(crate) struct Browser {
    driver: Child,
    http: reqwest::Client,
    session: String,
    profile: tempfile::TempDir,
}

impl Browser {
    /// A new browser, or `None` with a line that says why the test is skipped.
    pub(crate) async fn start() -> Option<Self> {
        let Some(program) = std::env::var_os("STUDIO_TEST_CHROMEDRIVER") else {
            println!(
                "skipped: set STUDIO_TEST_CHROMEDRIVER to chromedriver, or use make test-real"
            );
            return None;
        };
        let profile = tempfile::tempdir().unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let driver = Command::new(program)
            .arg(format!("--port={port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let http = reqwest::Client::new();
        let base = format!("http://127.0.0.1:{port}");
        until("chromedriver", || async {
            http.get(format!("{base}/status")).send().await.ok().map(drop)
        })
        .await;
        let prefs = json!({ "download.default_directory": profile.path().join("downloads") });
        let capabilities = json!({ "capabilities": { "alwaysMatch": { "goog:chromeOptions": { "prefs": prefs, "args": [
            "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            "--window-size=1280,1000",
            format!("--user-data-dir={}", profile.path().display()),
        ] } } } });
        let response =
            http.post(format!("{base}/session")).json(&capabilities).send().await.unwrap();
        let made: Value = response.json().await.unwrap();
        let id = made["value"]["sessionId"].as_str().unwrap_or_else(|| panic!("{made}"));
        let session = format!("{base}/session/{id}");
        Some(Self { driver, http, session, profile })
    }

    /// The files that were saved whole: what is on its way has an ending of its own.
    pub(crate) fn saved(&self) -> Vec<PathBuf> {
        let folder = std::fs::read_dir(self.profile.path().join("downloads"));
        let files = folder.into_iter().flatten().map(|entry| entry.unwrap().path());
        files.filter(|file| file.extension().is_some_and(|ending| ending == "json")).collect()
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        let url = format!("{}/{path}", self.session);
        let response = self.http.post(url).json(&body).send().await.unwrap();
        let answer: Value = response.json().await.unwrap();
        answer["value"].clone()
    }

    pub(crate) async fn open(&self, url: &str) {
        self.post("url", json!({ "url": url })).await;
    }

    /// Runs a script in the page and gives what it returns.
    pub(crate) async fn script(&self, script: &str) -> Value {
        self.post("execute/sync", json!({ "script": script, "args": [] })).await
    }

    /// Makes the window as wide as a phone.
    pub(crate) async fn shrink_to_a_phone(&self) {
        let metrics =
            json!({ "width": 375, "height": 812, "deviceScaleFactor": 2, "mobile": true });
        let command = json!({ "cmd": "Emulation.setDeviceMetricsOverride", "params": metrics });
        self.post("goog/cdp/execute", command).await;
        let width = self.script("return window.innerWidth").await;
        assert_eq!(width, json!(375));
    }

    /// The element behind a selector, once it is there.
    async fn find(&self, selector: &str) -> String {
        until(selector, || async {
            let query = json!({ "using": "css selector", "value": selector });
            let found = self.post("element", query).await;
            found[ELEMENT].as_str().map(str::to_owned)
        })
        .await
    }

    pub(crate) async fn click(&self, selector: &str) {
        let element = self.find(selector).await;
        self.post(&format!("element/{element}/click"), json!({})).await;
    }

    pub(crate) async fn type_into(&self, selector: &str, text: &str) {
        let element = self.find(selector).await;
        self.post(&format!("element/{element}/clear"), json!({})).await;
        self.post(&format!("element/{element}/value"), json!({ "text": text })).await;
    }

    /// An authenticator of the browser's own, which holds passkeys and takes whoever is there for their
    /// owner (Web Authentication Level 3, section 11.3).
    pub(crate) async fn authenticator(&self) -> Authenticator<'_> {
        let made = self.post(
            "webauthn/authenticator",
            json!({
                "protocol": "ctap2", "transport": "internal", "hasResidentKey": true,
                "hasUserVerification": true, "isUserVerified": true, "isUserConsenting": true,
            }),
        );
        let made = made.await;
        let id = made.as_str().unwrap_or_else(|| panic!("{made}"));
        Authenticator { browser: self, path: format!("webauthn/authenticator/{id}") }
    }

    /// The text that a person sees in the page's main part.
    pub(crate) async fn text(&self) -> String {
        let text = self.script("return document.querySelector('main').innerText").await;
        text.as_str().unwrap_or_default().to_owned()
    }

    /// Waits until the page shows something that the function accepts.
    pub(crate) async fn wait_for_text<T>(
        &self,
        what: &str,
        accept: impl Fn(&str) -> Option<T>,
    ) -> T {
        let accept = &accept;
        until(what, || async move { accept(&self.text().await) }).await
    }
}

/// A virtual authenticator.
pub(crate) struct Authenticator<'a> {
    browser: &'a Browser,
    path: String,
}

impl Authenticator<'_> {
    /// What it holds: credential ids, private keys and counters.
    pub(crate) async fn credentials(&self) -> Vec<Value> {
        let url = format!("{}/{}/credentials", self.browser.session, self.path);
        let answer: Value = self.browser.http.get(url).send().await.unwrap().json().await.unwrap();
        answer["value"].as_array().unwrap_or_else(|| panic!("{answer}")).clone()
    }

    /// Puts what it holds back as it was, whatever happened to it since.
    pub(crate) async fn restore(&self, credential: &Value) {
        let id = credential["credentialId"].as_str().unwrap();
        let url = format!("{}/{}/credentials/{id}", self.browser.session, self.path);
        self.browser.http.delete(url).send().await.unwrap().error_for_status().unwrap();
        let path = format!("{}/credential", self.path);
        let told = self.browser.post(&path, credential.clone()).await;
        assert_eq!(told["error"], Value::Null, "it is put back");
    }

    /// Whether it takes whoever is there for the owner.
    pub(crate) async fn recognises(&self, whoever: bool) {
        let body = json!({ "isUserVerified": whoever });
        self.browser.post(&format!("{}/uv", self.path), body).await;
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The driver ends its browsers when it is asked to, and only then.
        let pid = self.driver.id().to_string();
        Command::new("kill").args(["-TERM", &pid]).status().ok();
        self.driver.wait().ok();
    }
}

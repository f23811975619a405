//! A person with a browser that holds passkeys: adds one, signs in with it alone and after the password, is
//! told of a copy, and takes it away.

use crate::{
    support::{Installation, Server},
    webdriver::Browser,
};

pub(crate) const EMAIL: &str = "ada@example.org";
pub(crate) const PASSWORD: &str = "a long enough password";

/// A server that people call by a name, as browsers ask for: its address, with the one for the set-up.
pub(crate) fn named(port: u16) -> (Installation, Server, String) {
    let url = format!("http://localhost:{port}");
    let installation = Installation::empty().with_setting("STUDIO_PUBLIC_URL", &url);
    let server = installation.start_at(&format!("127.0.0.1:{port}"), &[]);
    let line = server.wait_for_line("#setup=");
    let token = line.split("#setup=").nth(1).unwrap().trim().to_owned();
    (installation, server, format!("{url}/#setup={token}"))
}

pub(crate) fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

pub(crate) async fn set_up(browser: &Browser, address: &str) {
    browser.open(address).await;
    for (selector, value) in [
        ("input[name=organizationName]", "Example"),
        ("input[name=ownerName]", "Ada Lovelace"),
        ("input[name=ownerEmail]", EMAIL),
        ("input[name=password]", PASSWORD),
    ] {
        browser.type_into(selector, value).await;
    }
    browser.click("main form button[type=submit]").await;
    signed_in(browser).await;
}

pub(crate) async fn signed_in(browser: &Browser) {
    shows(browser, "No project yet").await;
}

pub(crate) async fn shows(browser: &Browser, words: &str) -> String {
    browser.wait_for_text(words, |text| text.contains(words).then(|| text.to_owned())).await
}

/// Signs out from the first page: whoever signs in next is where they were.
pub(crate) async fn sign_out(browser: &Browser) {
    browser.click("a.brand").await;
    signed_in(browser).await;
    browser.click("#person button").await;
    shows(browser, "Password").await;
}

async fn give_password(browser: &Browser) {
    browser.type_into("input[autocomplete=username]", EMAIL).await;
    browser.type_into("input[autocomplete=current-password]", PASSWORD).await;
    browser.click("main form button[type=submit]").await;
}

pub(crate) async fn use_passkey(browser: &Browser) {
    browser.click("main button.passkey").await;
}

/// The recovery codes that the page shows.
async fn codes(browser: &Browser) -> Vec<String> {
    let script = "return [...document.querySelectorAll('.codes code')].map(e => e.textContent)";
    serde_json::from_value(browser.script(script).await).unwrap()
}

#[tokio::test]
async fn a_passkey_in_a_browser() {
    let Some(browser) = Browser::start().await else { return };
    let port = free_port();
    let (_installation, _server, address) = named(port);
    let authenticator = browser.authenticator().await;
    set_up(&browser, &address).await;

    // Added on the page of the account, where it is listed; recovery codes come with it, once.
    browser.click("#person a").await;
    shows(&browser, "You have none yet").await;
    browser.type_into("input[name=name]", "Ada’s laptop").await;
    browser.type_into("input[name=password]", "not the password").await;
    browser.click("main form button[type=submit]").await;
    shows(&browser, "not your password").await;
    browser.type_into("input[name=password]", PASSWORD).await;
    browser.click("main form button[type=submit]").await;
    let text = shows(&browser, "Your recovery codes").await;
    assert!(text.contains("Ada’s laptop") && text.contains("not used yet"), "{text}");
    let codes = codes(&browser).await;
    assert_eq!(codes.len(), 10);
    let first = authenticator.credentials().await;
    assert_eq!(first.len(), 1);
    assert_eq!(first[0]["rpId"], "localhost");

    // Alone, and after the password.
    sign_out(&browser).await;
    use_passkey(&browser).await;
    signed_in(&browser).await;
    sign_out(&browser).await;
    give_password(&browser).await;
    shows(&browser, "Second step").await;
    use_passkey(&browser).await;
    signed_in(&browser).await;
    sign_out(&browser).await;

    // Somebody whom the authenticator does not recognise.
    authenticator.recognises(false).await;
    use_passkey(&browser).await;
    shows(&browser, "No passkey was used").await;
    authenticator.recognises(true).await;
    // Another address of the same server, for which the browser makes no answer.
    browser.open(&format!("http://127.0.0.1:{port}/")).await;
    use_passkey(&browser).await;
    shows(&browser, "another address").await;
    browser.open(&format!("http://localhost:{port}/")).await;

    // A copy from before: its counter was used up.
    authenticator.restore(&first[0]).await;
    use_passkey(&browser).await;
    shows(&browser, "a copy of this passkey").await;
    give_password(&browser).await;
    browser.type_into("input[autocomplete=one-time-code]", &codes[0]).await;
    browser.click("main form button[type=submit]").await;
    signed_in(&browser).await;
    browser.click("#person a").await;
    shows(&browser, "one was refused. Remove it").await;
    browser.click("main li button").await;
    browser.type_into("main li input[name=password]", PASSWORD).await;
    browser.type_into("main li input[name=code]", &codes[1]).await;
    browser.click("main li form button[type=submit]").await;
    shows(&browser, "You have none yet").await;
    sign_out(&browser).await;
    use_passkey(&browser).await;
    shows(&browser, "does not know that passkey").await;
    give_password(&browser).await;
    signed_in(&browser).await;
}

//! `studio login --browser` with a real browser: somebody who signs in by a passkey does so at the command line.

use crate::{
    passkeys::{
        EMAIL, PASSWORD, free_port, named, set_up, shows, sign_out, signed_in, use_passkey,
    },
    support::Waiting,
    webdriver::Browser,
};

#[tokio::test]
async fn a_passkey_signs_in_at_the_command_line() {
    let Some(browser) = Browser::start().await else { return };
    let port = free_port();
    let (installation, server, address) = named(port);
    let url = format!("http://localhost:{port}");
    let _authenticator = browser.authenticator().await;
    set_up(&browser, &address).await;
    browser.click("#person a").await;
    shows(&browser, "You have none yet").await;
    browser.type_into("input[name=name]", "Ada’s laptop").await;
    browser.type_into("input[name=password]", PASSWORD).await;
    browser.click("main form button[type=submit]").await;
    shows(&browser, "Your recovery codes").await;
    sign_out(&browser).await;

    // Signed in by the passkey, they are asked what asks; they say no.
    let waiting = Waiting::start(&installation, &url, &[]);
    browser.open(waiting.address.as_str()).await;
    shows(&browser, "The studio command on this computer asks to sign in as you. Sign in here")
        .await;
    use_passkey(&browser).await;
    let asked = shows(&browser, "Sign in at the command line?").await;
    for words in
        ["The studio command on this computer asks to sign in as you", "whatever you may do"]
    {
        assert!(asked.contains(words), "{words}: {asked}");
    }
    browser.click("main button.deny").await;
    shows(&browser, "You are not signed in at the command line").await;
    let (well, said) = waiting.ended();
    assert!(!well && said.contains("you said no in the browser"), "{said}");

    // They are asked each time, and say yes.
    let waiting = Waiting::start(&installation, &url, &[]);
    browser.open(waiting.address.as_str()).await;
    shows(&browser, "Sign in at the command line?").await;
    browser.click("main form button[type=submit]").await;
    shows(&browser, "You are signed in at the command line").await;
    let (well, said) = waiting.ended();
    assert!(well && said.contains(EMAIL), "{said}");
    assert!(installation.run(&["whoami"]).contains(EMAIL));
    installation.run(&["logout"]);

    // The browser's own session went on.
    browser.open(&url).await;
    signed_in(&browser).await;
    server.stop();
}

//! A person with a browser: sets up or signs in, sees scores move without a reload, follows an
//! explanation down to the hash, on a desk and on a phone, and uses the console.

use std::time::Duration;

use serde_json::json;
use studio_stores::blobs::ContentHash;

use crate::{
    support::{EMAIL, Installation, PASSWORD, PATIENCE, Server, enrol, until},
    webdriver::Browser,
};

async fn sign_in(browser: &Browser, email: &str, password: &str) {
    browser.type_into("input[autocomplete=username]", email).await;
    browser.type_into("input[autocomplete=current-password]", password).await;
    browser.click("main form button[type=submit]").await;
}

/// Starts the demo, and gives its login.
fn demo(installation: &Installation) -> (Server, String, String) {
    let server = installation.start_with(&["--demo"]);
    let line = |label: &str| {
        server.wait_for_line(label).trim().trim_start_matches(label).trim().to_owned()
    };
    let (email, password) = (line("E-mail"), line("Password"));
    (server, email, password)
}

#[tokio::test]
async fn the_demo_in_a_browser() {
    let Some(browser) = Browser::start().await else { return };
    let installation = Installation::empty();
    let (server, email, password) = demo(&installation);

    browser.open(&server.url).await;
    sign_in(&browser, &email, "not the password").await;
    browser
        .wait_for_text("a wrong password is told", |text| text.contains("assword").then_some(()))
        .await;
    sign_in(&browser, &email, &password).await;
    let coverage = |text: &str| text.contains("Coverage").then(|| text.to_owned());
    let before = browser.wait_for_text("the scores", coverage).await;
    assert!(before.contains("Production cloud"), "{before}");

    // The subscription may connect after the first text; a move after that must show by itself.
    browser.script("window.neverReloaded = true").await;
    let moved = async {
        installation.run(&["demo", "rescan"]);
        browser
            .wait_for_text("a score that moved", |text| (text != before).then(|| text.to_owned()))
            .await
    };
    tokio::time::timeout(PATIENCE, moved).await.unwrap();
    assert_eq!(browser.script("return window.neverReloaded").await, json!(true));

    // Down to the evidence.
    let link = "const a = [...document.querySelectorAll('main a[href^=\"#/\"]')]; \
                const found = a.find(a => a.href.includes('frw_')); \
                if (found) found.click(); return !!found";
    assert_eq!(browser.script(link).await, json!(true), "no score can be opened");
    open_down_to_the_evidence(&browser).await;
    let text = browser.text().await;
    assert!(!text.to_lowercase().contains("compliant"), "{text}");
    assert_eq!(names_of_the_api(&text), Vec::<&str>::new(), "what a person reads is words");
    let focus = browser.script("return document.activeElement.tagName").await;
    assert_eq!(focus, json!("H1"), "a page that follows a link begins at its title");
    everything_fits_a_phone(&browser).await;

    // The bytes behind it can be had, and they have that hash.
    let fetch = "document.querySelector('main .evidence button[aria-label^=Download]').click()";
    browser.script(fetch).await;
    let checked = |text: &str| text.contains("these bytes have this hash").then_some(());
    browser.wait_for_text("the hash of what was downloaded", checked).await;
    let saved = until("the saved file", || async { browser.saved().pop() }).await;
    let hash = ContentHash::of(&std::fs::read(saved).unwrap()).to_string();
    assert!(browser.text().await.contains(&hash));
    a_download_after_the_end_of_the_session(&browser, &email, &password).await;

    // The console works with the same sign-in, offline as everything here is.
    browser.open(&format!("{}/graphql", server.url)).await;
    browser.type_into("#query", "{ me { name } }").await;
    browser.click("#run").await;
    browser
        .wait_for_text("the console's answer", |text| text.contains("Amara Okafor").then_some(()))
        .await;
}

/// Opens everything that can be opened until a hash is on the page.
async fn open_down_to_the_evidence(browser: &Browser) {
    let open_all = "for (const d of document.querySelectorAll('main details:not([open]) > summary')) d.click(); \
                    for (const b of document.querySelectorAll('main [aria-expanded=false]')) b.click();";
    let hash = async {
        loop {
            browser.script(open_all).await;
            let text = browser.text().await;
            let found = text.split(|c: char| !c.is_ascii_hexdigit()).any(|word| word.len() == 64);
            if found {
                return;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    tokio::time::timeout(PATIENCE, hash).await.expect("an evidence hash is shown");
}

/// Tokens that the server takes no more, whatever this page believes.
const ENDED: &str = "const held = JSON.parse(sessionStorage.getItem('studio.session')); \
    const ended = { ...held, accessToken: 'ended', refreshToken: 'ended' }; \
    sessionStorage.setItem('studio.session', JSON.stringify(ended));";

/// The page of a score leads to the sign-in, leaves nothing of itself, and is there again after it.
async fn a_download_after_the_end_of_the_session(browser: &Browser, email: &str, password: &str) {
    // A score of the past follows nothing, which would find out by itself some time.
    browser.script("location.hash += `?asOf=${new Date().toISOString().slice(0, 19)}Z`").await;
    let past = |text: &str| text.contains("it does not move").then_some(());
    browser.wait_for_text("the score of an instant", past).await;
    open_down_to_the_evidence(browser).await;
    let fetch = "document.querySelector('main .evidence button[aria-label^=Download]').click()";
    browser.script(&format!("{ENDED} {fetch}")).await;
    let ended = |text: &str| text.contains("Your session has ended").then(|| text.to_owned());
    let text = browser.wait_for_text("that the session has ended", ended).await;
    assert!(text.contains("Sign in again to go on") && !text.contains("SHA-256"), "{text}");
    let person = "return document.getElementById('person').innerText";
    assert_eq!(browser.script(person).await, json!(""), "nobody is signed in");
    sign_in(browser, email, password).await;
    browser.wait_for_text("the same score of the same instant", past).await;
    assert!(browser.script(person).await.as_str().unwrap().contains("Sign out"));
}

/// Words that are constants, such as `IN_PLACE`.
fn names_of_the_api(text: &str) -> Vec<&str> {
    let constant = |word: &&str| {
        let is_upper = word.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
        is_upper && word.contains('_') || ["PLANNED", "PARTIAL", "IMPLEMENTED"].contains(word)
    };
    text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).filter(constant).collect()
}

/// Nothing of the explanation, whose tables are open, lies to the right of a phone's screen, and
/// every value of a table is beside the words that say what it is.
async fn everything_fits_a_phone(browser: &Browser) {
    browser.shrink_to_a_phone().await;
    let outside = "const all = [...document.querySelectorAll('main *')]; \
        const seen = all.filter(e => e.checkVisibility() && !e.closest('thead')); \
        return seen.filter(e => e.getBoundingClientRect().right > window.innerWidth + 0.5) \
            .map(e => e.outerHTML.slice(0, 200))";
    assert_eq!(browser.script(outside).await, json!([]));
    let cells = "const cells = [...document.querySelectorAll('main td:not([colspan])')]; \
        return [cells.length, cells.filter(e => { \
            const label = getComputedStyle(e, '::before').content; \
            return !label || label === 'none' || label === 'normal'; }).length]";
    let cells = browser.script(cells).await;
    assert!(cells[0].as_u64().unwrap() > 0 && cells[1] == json!(0), "{cells}");
}

#[tokio::test]
async fn an_explanation_keeps_up_with_its_score() {
    let Some(browser) = Browser::start().await else { return };
    let installation = Installation::empty();
    let (server, email, password) = demo(&installation);
    browser.open(&server.url).await;
    sign_in(&browser, &email, &password).await;
    let ready = |text: &str| text.contains("Coverage").then_some(());
    browser.wait_for_text("the scores", ready).await;
    browser.script("document.querySelector('main a.score').click()").await;
    let sum = |text: &str| {
        let after = text.split("add up to ").nth(1)?;
        Some(after.split(". ").next().unwrap_or_default().to_owned())
    };
    let before = browser.wait_for_text("what the score lacks", sum).await;
    let live = |text: &str| text.contains("Live").then_some(());
    browser.wait_for_text("the subscription", live).await;
    installation.run(&["demo", "rescan"]);
    let moved = |text: &str| sum(text).filter(|now| *now != before);
    let after = browser.wait_for_text("an explanation of the score that moved", moved).await;
    // What is proven and what is not are those of one instant.
    let shown = browser.script("return document.querySelector('.numbers .lo').textContent").await;
    let proven: f64 = shown.as_str().unwrap().parse().unwrap();
    assert!((proven + after.parse::<f64>().unwrap() - 100.0).abs() < 0.11, "{proven}, {after}");
}

#[tokio::test]
async fn a_second_factor_in_a_browser() {
    let Some(browser) = Browser::start().await else { return };
    let installation = Installation::empty();
    let (server, owner) = installation.set_up().await;
    let codes = enrol(&owner, PASSWORD).await;
    let code = async |text: &str| {
        browser.type_into("input[autocomplete=one-time-code]", text).await;
        browser.click("main form button[type=submit]").await;
    };
    browser.open(&server.url).await;
    sign_in(&browser, EMAIL, PASSWORD).await;
    let asked = |text: &str| text.contains("Second step").then_some(());
    browser.wait_for_text("the second step", asked).await;
    assert_eq!(browser.script("return sessionStorage.length").await, json!(0), "no session yet");
    code("AAAA-BBBB-CCCC").await;
    let wrong = |text: &str| text.contains("not right").then_some(());
    browser.wait_for_text("that the code is wrong", wrong).await;
    code(&codes[0]).await;
    let empty = |text: &str| text.contains("No project yet").then_some(());
    browser.wait_for_text("the empty list of projects", empty).await;
}

#[tokio::test]
async fn the_first_set_up_in_a_browser() {
    let Some(browser) = Browser::start().await else { return };
    let installation = Installation::empty();
    let server = installation.start();
    let line = server.wait_for_line("#setup=");
    let address = line.split_whitespace().find(|word| word.contains("#setup=")).unwrap().to_owned();
    // Without the address there is nothing to sign in to, and the page says where the address is.
    let nothing = |text: &str| text.contains("No organization yet").then(|| text.to_owned());
    browser.open(&server.url).await;
    let told = browser.wait_for_text("what to do", nothing).await;
    assert!(told.contains("server’s log") && told.contains("Set up your organization:"), "{told}");
    browser.open(&format!("{}/#setup=made-up", server.url)).await;
    let told = |text: &str| text.contains("not the one").then_some(());
    browser.wait_for_text("that the token is another one", told).await;
    browser.open(&address).await;
    let fields = [
        ("input[name=organizationName]", "Example"),
        ("input[name=ownerName]", "Ada Lovelace"),
        ("input[name=ownerEmail]", "ada@example.org"),
        ("input[name=password]", "a long enough password"),
    ];
    for (selector, value) in fields {
        browser.type_into(selector, value).await;
    }
    browser.click("main form button[type=submit]").await;
    let empty = |text: &str| text.contains("No project yet").then_some(());
    browser.wait_for_text("the empty list of projects", empty).await;

    // The address is used up: whoever is signed in goes on, and anybody else is told at once.
    browser.open(&address).await;
    browser.wait_for_text("the empty list of projects", empty).await;
    browser.click("#person button").await;
    browser.wait_for_text("the sign-in", |text| text.contains("Password").then_some(())).await;
    browser.open(&address).await;
    let used = |text: &str| text.contains("has been used").then(|| text.to_owned());
    let told = browser.wait_for_text("that the address is used up", used).await;
    assert!(told.contains("Sign in instead") && !told.contains("Organization"), "{told}");
    sign_in(&browser, "ada@example.org", "a long enough password").await;
    browser.wait_for_text("the empty list of projects", empty).await;

    // That comes before the news that their session has ended.
    browser.script(ENDED).await;
    browser.open("about:blank").await;
    browser.open(&address).await;
    browser.wait_for_text("that the address is used up", used).await;
    // Signing out does not wait for a server that is gone, and is honest about it.
    sign_in(&browser, "ada@example.org", "a long enough password").await;
    browser.wait_for_text("the empty list of projects", empty).await;
    server.stop();
    browser.click("#person button").await;
    let left =
        |text: &str| (text.contains("Password") && text.contains("did not confirm")).then_some(());
    browser.wait_for_text("the sign-in, and that the server did not hear it", left).await;
}

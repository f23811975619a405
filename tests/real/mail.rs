//! Mail through a server that speaks SMTP: links for another password and for the address, to the built
//! product and back.

use std::path::Path;

use serde_json::{Value, json};
use studio_sdk::Client;

use crate::{
    services::{OwnServers, variable},
    support::{EMAIL, Installation, PASSWORD, Shape, config_check, mutate, query, until},
};

const SHARED: &str = "STUDIO_TEST_SMTP";
const NEW: &str = "two walnuts per tide";
const ASK: &str = "mutation($input: RequestPasswordResetInput!) {
    requestPasswordReset(input: $input) { userErrors { code message path } } }";
const RESET: &str = "mutation($input: ResetPasswordInput!) { resetPassword(input: $input) {
    userErrors { code message path } } }";
const VERIFY: &str = "mutation($input: VerifyEmailInput!) { verifyEmail(input: $input) {
    userErrors { code message path } } }";

/// The settings of a connection, by what keeps it from others.
fn settings(servers: &OwnServers, security: &str) -> Vec<(&'static str, String)> {
    let port = servers.variable(&format!("STUDIO_TEST_SMTP_{}", security.to_uppercase()));
    let mut settings = vec![
        ("STUDIO_PUBLIC_URL", "https://studio.example.org".to_owned()),
        ("STUDIO_MAIL__HOST", "localhost".to_owned()),
        ("STUDIO_MAIL__PORT", port),
        ("STUDIO_MAIL__FROM", "Studio <studio@example.org>".to_owned()),
    ];
    if security == "plain" {
        settings.push(("STUDIO_MAIL__SECURITY", "none".to_owned()));
    } else {
        settings.push(("STUDIO_MAIL__SECURITY", security.to_owned()));
        settings.push(("STUDIO_MAIL__USERNAME", "studio".to_owned()));
        settings.push(("STUDIO_MAIL__PASSWORD", "correct-horse".to_owned()));
        settings.push(("STUDIO_MAIL__CA_FILE", servers.variable("STUDIO_TEST_SMTP_CA")));
    }
    settings
}

fn installation(settings: &[(&'static str, String)]) -> Installation {
    let with = |installation: Installation, (name, value): &(&'static str, String)| {
        installation.with_setting(name, value)
    };
    settings.iter().fold(Installation::of(Shape::Embedded), with)
}

/// All mails that the server has taken, in order, once there are so many.
async fn taken(servers: &OwnServers, count: usize) -> Vec<Value> {
    let folder = servers.variable(SHARED);
    until(&format!("{count} mails"), || async {
        let mails = read(Path::new(&folder));
        (mails.len() >= count).then_some(mails)
    })
    .await
}

fn read(folder: &Path) -> Vec<Value> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> =
        entries.filter(|path| path.extension().is_some_and(|kind| kind == "json")).collect();
    paths.sort();
    paths
        .iter()
        .map(|path| serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap())
        .collect()
}

/// The token of the link in a mail.
fn token(mail: &Value, name: &str) -> String {
    let start = format!("https://studio.example.org/#{name}=");
    let text = mail["text"].as_str().unwrap();
    text.lines().find_map(|line| line.strip_prefix(&start)).unwrap().trim().to_owned()
}

#[tokio::test]
async fn a_lost_password_is_replaced_by_mail() {
    let Some(servers) = OwnServers::start("smtp", SHARED) else { return };
    let mut before = 0;
    for security in ["starttls", "tls", "plain"] {
        let installation = installation(&settings(&servers, security));
        let (server, owner) = installation.set_up().await;
        let stranger = Client::new(&server.url).unwrap();
        let options = "{ signInOptions { passwordReset } }";
        assert_eq!(
            query(&stranger, options, json!({})).await["signInOptions"]["passwordReset"],
            true
        );
        mutate(&stranger, ASK, json!({ "email": EMAIL })).await;
        mutate(&stranger, ASK, json!({ "email": "nobody@example.org" })).await;
        let mails = taken(&servers, before + 1).await;
        let mail = &mails[before];
        assert_eq!(mail["envelope_to"], json!([EMAIL]));
        assert_eq!(mail["envelope_from"], "studio@example.org");
        assert_eq!(mail["headers"]["from"], json!(["Studio <studio@example.org>"]));
        assert_eq!(mail["headers"]["to"], json!([format!("Ada Lovelace <{EMAIL}>")]));
        assert_eq!(mail["headers"]["subject"], json!(["Choose a new password for Studio"]));
        let id = mail["headers"]["message-id"][0].as_str().unwrap();
        assert!(id.starts_with("<evt_") && id.ends_with("@example.org>"), "{id}");
        let secured = security != "plain";
        assert_eq!((&mail["encrypted"], &mail["signed_in"]), (&json!(secured), &json!(secured)));

        let token = token(mail, "reset");
        mutate(&stranger, RESET, json!({ "token": token, "newPassword": NEW })).await;
        let over = owner.query_text::<Value>("{ me { id } }", json!({})).await;
        assert!(over.is_err(), "every session is over: {over:?}");
        let refused = stranger.log_in(EMAIL, PASSWORD).await.unwrap_err();
        assert_eq!(refused.code(), Some("INVALID_CREDENTIALS"));
        let again = json!({ "input": { "token": token, "newPassword": "three walnuts per tide" } });
        let again = query(&stranger, RESET, again).await;
        assert_eq!(again["resetPassword"]["userErrors"][0]["code"], "INVALID_TOKEN");
        stranger.log_in(EMAIL, NEW).await.unwrap();
        let logged = server.logged();
        assert!(!logged.contains(&token) && !logged.contains(EMAIL), "{logged}");
        server.stop();
        before = read(Path::new(&servers.variable(SHARED))).len();
        assert_eq!(before, mails.len(), "nobody else got a mail");
    }
}

#[tokio::test]
async fn names_and_addresses_are_no_way_to_other_mailboxes() {
    let Some(servers) = OwnServers::start("smtp", SHARED) else { return };
    let installation = installation(&settings(&servers, "plain"));
    let (server, owner) = installation.set_up().await;
    let create = "mutation($input: CreateUserInput!) { createUser(input: $input) {
        userErrors { code path } } }";
    let person = |name: &str, email: &str| json!({ "input": { "name": name, "email": email, "password": PASSWORD, "roles": ["VIEWER"] } });
    let injected = "x\r\nBcc: eve@example.net";
    for (name, email, code) in [
        (injected, "a@example.org", "INVALID_NAME"),
        ("A", "a@example.org\r\nBcc: eve@example.net", "INVALID_EMAIL"),
        ("A", "a@example.org\r\nRCPT TO:<eve@example.net>", "INVALID_EMAIL"),
        ("A", "a@example.org,eve@example.net", "INVALID_EMAIL"),
    ] {
        let told = query(&owner, create, person(name, email)).await;
        assert_eq!(told["createUser"]["userErrors"][0]["code"], code, "{name:?} {email:?}");
    }
    // These are names and addresses that people may have.
    for (name, email) in [
        ("\"Eve\" <eve@example.net>, x", "a@example.org"),
        ("Zoë =?utf-8?q?eve?= Ångström", "o'neill+a@example.org"),
    ] {
        let told = query(&owner, create, person(name, email)).await;
        assert_eq!(told["createUser"]["userErrors"], json!([]), "{name} {email}");
    }
    let stranger = Client::new(&server.url).unwrap();
    mutate(&stranger, ASK, json!({ "email": "a@example.org" })).await;
    taken(&servers, 1).await;
    mutate(&stranger, ASK, json!({ "email": "o'neill+a@example.org" })).await;
    let mails = taken(&servers, 2).await;
    for (mail, address) in mails.iter().zip(["a@example.org", "o'neill+a@example.org"]) {
        assert_eq!(mail["envelope_to"], json!([address]));
        assert_eq!((&mail["headers"]["bcc"], &mail["headers"]["cc"]), (&json!([]), &json!([])));
        assert_eq!(mail["headers"]["to"].as_array().unwrap().len(), 1, "{mail}");
    }
    server.stop();
}

#[tokio::test]
async fn no_mail_is_lost_by_a_crash_and_one_that_is_refused_holds_up_no_other() {
    let Some(servers) = OwnServers::start("smtp", SHARED) else { return };
    let installation = installation(&settings(&servers, "plain"));
    let (server, owner) = installation.set_up().await;
    let create = "mutation($input: CreateUserInput!) { createUser(input: $input) {
        user { id } userErrors { code message path } } }";
    let person = json!({ "name": "B", "email": "refused@example.org", "password": PASSWORD, "roles": ["VIEWER"] });
    mutate(&owner, create, person).await;
    servers.services(&["pause", "smtp"]);
    mutate(&owner, ASK, json!({ "email": "refused@example.org" })).await;
    mutate(&owner, ASK, json!({ "email": EMAIL })).await;
    until("both requests to be recorded", || async {
        let asked = "{ auditEntries(first: 50) { nodes { action } } }";
        let entries = query(&owner, asked, json!({})).await;
        let nodes = entries["auditEntries"]["nodes"].as_array().unwrap().clone();
        let asked = nodes
            .iter()
            .filter(|entry| entry["action"] == "identity.user.password_reset_requested");
        (asked.count() == 2).then_some(())
    })
    .await;
    server.kill();
    servers.services(&["resume", "smtp"]);
    let server = installation.start();
    let mails = taken(&servers, 1).await;
    assert_eq!(mails[0]["envelope_to"], json!([EMAIL]));
    let token = token(&mails[0], "reset");
    let stranger = Client::new(&server.url).unwrap();
    mutate(&stranger, RESET, json!({ "token": token, "newPassword": NEW })).await;

    // What is told of the refusal names nobody.
    let listed = until("the dead letter", || async {
        let said = installation.run(&["dead-letters", "list"]);
        said.contains("1 dead letter.").then_some(said)
    })
    .await;
    assert!(listed.contains("identity.mail") && listed.contains("550"), "{listed}");
    assert!(!listed.contains("refused@"), "{listed}");
    server.stop();
}

#[tokio::test]
async fn an_address_is_verified_by_mail() {
    let Some(servers) = OwnServers::start("smtp", SHARED) else { return };
    let installation = installation(&settings(&servers, "tls"));
    let (server, owner) = installation.set_up().await;
    let ask = "mutation { requestEmailVerification { userErrors { code message path } } }";
    let told = query(&owner, ask, json!({})).await;
    assert_eq!(told["requestEmailVerification"]["userErrors"], json!([]));
    let token = token(&taken(&servers, 1).await[0], "verify");
    let stranger = Client::new(&server.url).unwrap();
    mutate(&stranger, VERIFY, json!({ "token": token })).await;
    let me = query(&owner, "{ me { emailVerified } }", json!({})).await;
    assert_eq!(me["me"]["emailVerified"], true);
    server.stop();
}

#[tokio::test]
async fn somebody_who_was_invited_comes_in_by_the_mail() {
    let Some(servers) = OwnServers::start("smtp", SHARED) else { return };
    let installation = installation(&settings(&servers, "starttls"));
    let (server, owner) = installation.set_up().await;
    let invite = "mutation($input: InviteUserInput!) { inviteUser(input: $input) {
        invitation { id } userErrors { code message path } } }";
    let new = json!({ "email": "grace@example.net", "roles": ["AUDITOR"] });
    let made = mutate(&owner, invite, new).await;
    let mail = &taken(&servers, 1).await[0];
    assert_eq!(mail["envelope_to"], json!(["grace@example.net"]));
    assert_eq!(mail["headers"]["to"], json!(["grace@example.net"]));
    // Nobody is told by a mail that went astray where somebody works, and who invites.
    let whole = mail.to_string();
    for name in ["Analytical Engines", "Ada Lovelace", EMAIL] {
        assert!(!whole.contains(name), "{name}: {whole}");
    }
    let token = token(mail, "invite");
    let accept = "mutation($input: AcceptInvitationInput!) { acceptInvitation(input: $input) {
        userErrors { code message path } } }";
    let stranger = Client::new(&server.url).unwrap();
    let chosen = json!({ "token": token, "name": "Grace Hopper", "password": NEW });
    mutate(&stranger, accept, chosen.clone()).await;
    stranger.log_in("grace@example.net", NEW).await.unwrap();
    let me = query(&stranger, "{ me { roles emailVerified } }", json!({})).await;
    assert_eq!(me["me"], json!({ "roles": ["AUDITOR"], "emailVerified": true }));
    let twice = query(&stranger, accept, json!({ "input": chosen })).await;
    assert_eq!(twice["acceptInvitation"]["userErrors"][0]["code"], "INVALID_TOKEN");
    let listed = "{ organization { invitations(first: 5) { nodes { id state mailedAt } } } }";
    let listed = query(&owner, listed, json!({})).await;
    let listed = &listed["organization"]["invitations"]["nodes"][0];
    assert_eq!((&listed["id"], &listed["state"]), (&made["invitation"]["id"], &json!("ACCEPTED")));
    assert!(listed["mailedAt"].is_string(), "{listed}");
    let logged = server.logged();
    assert!(!logged.contains(&token) && !logged.contains("grace@"), "{logged}");
    server.stop();
}

#[test]
fn the_check_of_the_configuration_asks_the_server() {
    let Some(_) = variable(SHARED) else { return };
    let Some(servers) = OwnServers::start("smtp", SHARED) else { return };
    for security in ["starttls", "tls", "plain"] {
        let (fine, said) = config_check(&settings(&servers, security));
        assert!(fine && said.contains("ok      mail.host: "), "{said}");
    }
    for (setting, value) in [
        ("STUDIO_MAIL__PASSWORD", "another-horse"),
        // Its certificate is not one of the system's authorities.
        ("STUDIO_MAIL__CA_FILE", ""),
        // TLS from the start where the server begins in the clear.
        ("STUDIO_MAIL__SECURITY", "tls"),
    ] {
        let mut settings = settings(&servers, "starttls");
        settings.retain(|(name, _)| *name != setting);
        if !value.is_empty() {
            settings.push((setting, value.to_owned()));
        }
        let (fine, said) = config_check(&settings);
        assert!(!fine && said.contains("WRONG   mail.host: "), "{setting}: {said}");
        assert!(!said.contains("horse"), "{said}");
    }
    let (fine, said) = config_check(&[
        ("STUDIO_MAIL__HOST", "smtp.example.org"),
        ("STUDIO_MAIL__FROM", "Studio <studio@example.org>"),
        ("STUDIO_MAIL__SECURITY", "none"),
    ]);
    assert!(!fine && said.contains("mail.security"), "{said}");
}

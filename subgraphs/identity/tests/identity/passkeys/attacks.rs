//! What attackers try against passkeys: answers that come again, answers to others' challenges and of
//! others' passkeys, other sites, nobody at the authenticator, changed bytes, and copies.

use std::time::Duration;

use serde_json::{Value, json};

use super::authenticator::{FLAGS, PRESENT, VERIFIED, decoded, encoded};
use super::{
    Authenticator, CONFIRM, add, ask, begin, challenge, complete, confirm, mine, options, sign_in,
};
use crate::{
    factors::as_input,
    support::{EMAIL, PASSWORD, Server, Tokens, fault},
};

const CHARLES: &str = "charles@example.org";

#[tokio::test]
async fn no_answer_works_twice() {
    let (server, tokens) = Server::set_up().await;
    let mut passkey = Authenticator::new(b"laptop");
    let begun = begin(&server, &tokens, json!({ "password": PASSWORD })).await;
    let registered = passkey.register(options(&begun));
    assert_eq!(confirm(&server, &tokens, &registered).await["userErrors"], json!([]));
    assert_eq!(fault(&confirm(&server, &tokens, &registered).await), "NOT_BEGUN");

    let answer = passkey.answer(&ask(&server).await);
    Tokens::of(&sign_in(&server, &answer).await);
    assert_eq!(fault(&sign_in(&server, &answer).await), "INVALID_CHALLENGE");
    // Nor another answer to the same challenge, nor as a proof for something else.
    let asked = ask(&server).await;
    Tokens::of(&sign_in(&server, &passkey.answer(&asked)).await);
    assert_eq!(fault(&sign_in(&server, &passkey.answer(&asked)).await), "INVALID_CHALLENGE");
    let reused = json!({ "password": PASSWORD, "passkey": passkey.answer(&asked).to_string() });
    assert_eq!(fault(&begin(&server, &tokens, reused).await), "INVALID_PASSKEY");

    let (asked, options) = challenge(&server, EMAIL).await;
    let answer = passkey.answer(&options);
    Tokens::of(&complete(&server, &asked, &answer).await);
    assert_eq!(fault(&complete(&server, &asked, &answer).await), "INVALID_CHALLENGE");
    // A challenge of the second step is none of the first, and the other way round.
    let (asked, options) = challenge(&server, EMAIL).await;
    assert_eq!(fault(&sign_in(&server, &passkey.answer(&options)).await), "INVALID_PASSKEY");
    let free = passkey.answer(&ask(&server).await);
    assert_eq!(fault(&complete(&server, &asked, &free).await), "INVALID_PASSKEY");

    // Two at once: one session.
    let asked = ask(&server).await;
    let (one, two) = (passkey.answer(&asked), passkey.answer(&asked));
    let (one, two) = tokio::join!(sign_in(&server, &one), sign_in(&server, &two));
    let won = [&one, &two].iter().filter(|payload| payload["accessToken"].is_string()).count();
    assert_eq!(won, 1, "{one} {two}");
    server.store.verify().await.unwrap();
}

#[tokio::test]
async fn challenges_end_and_are_not_made_up() {
    let (server, tokens) = Server::set_up().await;
    let mut passkey = Authenticator::new(b"laptop");
    let begun = begin(&server, &tokens, json!({ "password": PASSWORD })).await;
    let registered = passkey.register(options(&begun));
    server.clock.advance_micros(300_000_000);
    assert_eq!(fault(&confirm(&server, &tokens, &registered).await), "NOT_BEGUN");
    add(&server, &tokens, &mut passkey).await;

    let asked = ask(&server).await;
    server.clock.advance_micros(299_999_999);
    let answer = passkey.answer(&asked);
    server.clock.advance_micros(1);
    assert_eq!(fault(&sign_in(&server, &answer).await), "INVALID_PASSKEY");
    let good: Value = serde_json::from_str(&ask(&server).await).unwrap();
    let good = decoded(&good["challenge"]);
    let mut made_up =
        vec![Vec::new(), vec![0; 56], good[..24].to_vec(), [&good[..], &[0]].concat()];
    made_up.extend((0..good.len()).step_by(5).map(|at| {
        let mut changed = good.clone();
        changed[at] ^= 1;
        changed
    }));
    for challenge in made_up {
        let answer = passkey.answer_as("webauthn.get", &json!(encoded(&challenge)));
        assert_eq!(fault(&sign_in(&server, &answer).await), "INVALID_PASSKEY", "{challenge:x?}");
    }
    let answer = passkey.answer_as("webauthn.get", &json!(encoded(&good)));
    Tokens::of(&sign_in(&server, &answer).await);
}

#[tokio::test]
async fn nobody_answers_for_somebody_else() {
    let (server, owner) = Server::set_up().await;
    let (_, viewer) = server.viewer(&owner).await;
    let luigi = server.second_organization().await;
    let (mut ada, mut charles, mut other) =
        (Authenticator::new(b"ada"), Authenticator::new(b"charles"), Authenticator::new(b"luigi"));
    // A challenge that somebody else was given is none of theirs.
    let begun = begin(&server, &owner, json!({ "password": PASSWORD })).await;
    begin(&server, &viewer, json!({ "password": PASSWORD })).await;
    let stolen = charles.register(options(&begun));
    assert_eq!(fault(&confirm(&server, &viewer, &stolen).await), "NOT_BEGUN");
    add(&server, &owner, &mut ada).await;
    add(&server, &viewer, &mut charles).await;
    add(&server, &luigi, &mut other).await;

    // Whoever knows the password and has a passkey of their own, also of another organization.
    let (asked, wanted) = challenge(&server, EMAIL).await;
    for passkey in [&charles, &other] {
        let answer = passkey.answer(&wanted);
        assert_eq!(fault(&complete(&server, &asked, &answer).await), "UNKNOWN_PASSKEY");
    }
    // The right signature with the words of another challenge.
    let (_, others) = challenge(&server, CHARLES).await;
    let answer = ada.answer(&others);
    assert_eq!(fault(&complete(&server, &asked, &answer).await), "INVALID_PASSKEY");
    Tokens::of(&complete(&server, &asked, &ada.answer(&wanted)).await);

    // A passkey that says to be somebody else's, or does not say whose.
    for handle in [charles.handle.clone(), other.handle.clone(), Vec::new(), vec![0; 64]] {
        let mut answer = ada.answer(&ask(&server).await);
        answer["response"]["userHandle"] = json!(encoded(&handle));
        assert_eq!(fault(&sign_in(&server, &answer).await), "UNKNOWN_PASSKEY");
    }
    let mut answer = ada.answer(&ask(&server).await);
    answer["response"]["userHandle"] = Value::Null;
    assert_eq!(fault(&sign_in(&server, &answer).await), "UNKNOWN_PASSKEY");
    // The id of one with the key of another.
    let mut answer = charles.answer(&ask(&server).await);
    answer["id"] = json!(encoded(b"ada"));
    answer["response"]["userHandle"] = json!(encoded(&ada.handle));
    assert_eq!(fault(&sign_in(&server, &answer).await), "INVALID_PASSKEY");

    // Two people answer the same challenge: each is who they are, and nothing is shared.
    let asked = ask(&server).await;
    let one = sign_in(&server, &ada.answer(&asked)).await;
    let two = sign_in(&server, &other.answer(&asked)).await;
    assert_eq!(
        (&one["user"]["name"], &two["user"]["name"]),
        (&json!("Ada Lovelace"), &json!("Luigi Menabrea"))
    );
    let out = "mutation { logOut { userErrors { code } } }";
    server.data(Some(&Tokens::of(&one).access), out, json!({})).await;
    assert!(server.verifier.verify(&Tokens::of(&one).access).is_err());
    assert!(server.verifier.verify(&Tokens::of(&two).access).is_ok());
}

/// What the server says of an answer.
async fn told(server: &Server, passkey: &Authenticator) -> String {
    let payload = sign_in(server, &passkey.answer(&ask(server).await)).await;
    assert_eq!(fault(&payload), "INVALID_PASSKEY");
    payload["userErrors"][0]["message"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn other_sites_and_absent_people_are_refused() {
    let (server, tokens) = Server::set_up().await;
    let mut passkey = Authenticator::new(b"laptop");
    add(&server, &tokens, &mut passkey).await;
    for origin in [
        "https://evil.example",
        "https://localhost:4000",
        "http://localhost",
        "http://localhost:4001",
        "http://localhost:4000.evil.example",
        "http://sub.localhost:4000",
        "null",
    ] {
        passkey.origin = origin.to_owned();
        let message = told(&server, &passkey).await;
        assert!(message.contains(origin) && message.contains("http://localhost:4000"), "{message}");
    }
    passkey.origin = "http://localhost:4000".to_owned();
    for party in ["evil.example", "LOCALHOST", ""] {
        passkey.party = party.to_owned();
        assert!(told(&server, &passkey).await.contains("another server"), "{party}");
    }
    passkey.party = "localhost".to_owned();
    for (flags, why) in [
        (FLAGS & !VERIFIED, "a PIN, a finger or a face"),
        (FLAGS & !PRESENT, "somebody was there"),
        (0, "somebody was there"),
        (VERIFIED | PRESENT | 0b0001_0000, "backed up"),
    ] {
        passkey.flags = flags;
        let message = told(&server, &passkey).await;
        assert!(message.contains(why), "{flags:b}: {message}");
    }
    passkey.flags = FLAGS;
    for more in [json!({ "crossOrigin": true }), json!({ "topOrigin": "https://evil.example" })] {
        passkey.more = more;
        assert!(told(&server, &passkey).await.contains("page of another site"));
    }
    passkey.more = json!({ "a member of tomorrow": [1] });
    Tokens::of(&sign_in(&server, &passkey.answer(&ask(&server).await)).await);

    // Neither is a passkey made that way.
    let registered = async |passkey: &mut Authenticator| {
        let recovered = server.identity.recover_account(EMAIL, PASSWORD, true).await;
        recovered.unwrap();
        let tokens = Tokens::of(&server.log_in(EMAIL, PASSWORD).await);
        let begun = begin(&server, &tokens, json!({ "password": PASSWORD })).await;
        let answer = passkey.register(options(&begun));
        let input = json!({ "passkey": answer.to_string(), "name": "x" });
        as_input(&server, Some(&tokens.access), CONFIRM, input).await
    };
    let bad: [fn(&mut Authenticator); 4] = [
        |it| it.origin = "https://evil.example".to_owned(),
        |it| it.party = "evil.example".to_owned(),
        |it| it.flags = PRESENT,
        |it| it.more = json!({ "crossOrigin": true }),
    ];
    for make in bad {
        let mut passkey = Authenticator::new(b"another");
        make(&mut passkey);
        assert_eq!(fault(&registered(&mut passkey).await), "INVALID_PASSKEY");
    }
    let good = registered(&mut Authenticator::new(b"another")).await;
    assert_eq!(good["userErrors"], json!([]));
}

#[tokio::test]
async fn changed_bytes_are_refused() {
    let (server, tokens) = Server::set_up().await;
    for mut passkey in [Authenticator::new(b"es256"), Authenticator::ed25519(b"eddsa")] {
        server.identity.recover_account(EMAIL, PASSWORD, true).await.unwrap();
        let _before = &tokens;
        let tokens = Tokens::of(&server.log_in(EMAIL, PASSWORD).await);
        add(&server, &tokens, &mut passkey).await;
        for part in ["signature", "authenticatorData", "clientDataJSON"] {
            let answer = passkey.answer(&ask(&server).await);
            let bytes = decoded(&answer["response"][part]);
            for at in (0..bytes.len()).step_by(7) {
                let mut changed = bytes.clone();
                changed[at] ^= 1;
                let mut answer = answer.clone();
                answer["response"][part] = json!(encoded(&changed));
                let payload = sign_in(&server, &answer).await;
                assert_eq!(fault(&payload), "INVALID_PASSKEY", "{part}, byte {at}");
            }
        }
        // A signature of the same key over something else: what is made for one purpose serves no other.
        let asked: Value = serde_json::from_str(&ask(&server).await).unwrap();
        for ceremony in ["webauthn.create", "payment.get", ""] {
            let answer = passkey.answer_as(ceremony, &asked["challenge"]);
            assert_eq!(fault(&sign_in(&server, &answer).await), "INVALID_PASSKEY", "{ceremony}");
        }
        Tokens::of(
            &sign_in(&server, &passkey.answer_as("webauthn.get", &asked["challenge"])).await,
        );
    }
}

#[tokio::test]
async fn a_copy_is_refused_and_told() {
    let (server, tokens) = Server::set_up().await;
    let mut passkey = Authenticator::new(b"laptop");
    passkey.count = 10;
    let (_, codes) = add(&server, &tokens, &mut passkey).await;
    passkey.count = 12;
    Tokens::of(&sign_in(&server, &passkey.answer(&ask(&server).await)).await);
    assert_eq!(mine(&server, &tokens).await["passkeys"][0]["copiedAt"], Value::Null);
    for count in [11, 12, 0] {
        passkey.count = count;
        let copy = sign_in(&server, &passkey.answer(&ask(&server).await)).await;
        assert_eq!(fault(&copy), "PASSKEY_COPIED", "{count}");
    }
    // As a second factor and as a proof too.
    let (asked, wanted) = challenge(&server, EMAIL).await;
    let refused = complete(&server, &asked, &passkey.answer(&wanted)).await;
    assert_eq!(fault(&refused), "PASSKEY_COPIED");
    let answer = passkey.answer(&ask(&server).await).to_string();
    let input = json!({ "password": PASSWORD, "passkey": answer });
    assert_eq!(fault(&begin(&server, &tokens, input).await), "PASSKEY_COPIED");
    assert!(mine(&server, &tokens).await["passkeys"][0]["copiedAt"].is_string());
    // A counter of zero is no way out, nor is what was refused any worth afterwards.
    let asked = ask(&server).await;
    let copy = passkey.answer(&asked);
    assert_eq!(fault(&sign_in(&server, &copy).await), "PASSKEY_COPIED");
    assert_eq!(fault(&sign_in(&server, &copy).await), "INVALID_PASSKEY", "answered before");
    passkey.count = 13;
    Tokens::of(&sign_in(&server, &passkey.answer(&ask(&server).await)).await);
    let input = json!({ "password": PASSWORD, "code": codes[0] });
    assert_eq!(begin(&server, &tokens, input).await["userErrors"], json!([]));

    let query = "query($filter: AuditFilter) { auditEntries(filter: $filter, first: 100) {
        nodes { actor target details { name value } } } }";
    let filter = json!({ "filter": { "action": "identity.user.passkey_copied" } });
    let told = async {
        loop {
            let data = server.data(Some(&tokens.access), query, filter.clone()).await;
            let entries = data["auditEntries"]["nodes"].as_array().unwrap().clone();
            if entries.len() == 6 {
                return entries;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let entries = tokio::time::timeout(Duration::from_secs(20), told).await.unwrap();
    let text = serde_json::to_string(&entries).unwrap();
    assert!(text.contains("psk_") && text.contains("\"kept\""), "{text}");
}

#[tokio::test]
async fn no_field_says_whose_it_is() {
    let (server, owner) = Server::set_up().await;
    let (id, _) = server.viewer(&owner).await;
    for (query, input) in [
        (super::BEGIN, json!({ "password": PASSWORD, "userId": id })),
        (super::CONFIRM, json!({ "passkey": "{}", "name": "x", "userId": id })),
        (
            super::REMOVE,
            json!({ "passkeyId": "psk_00000000000070008000000000000000",
            "password": PASSWORD, "userId": id }),
        ),
        (super::SIGN_IN, json!({ "passkey": "{}", "userId": id })),
    ] {
        let answer = server.ask(Some(&owner.access), query, json!({ "input": input })).await;
        assert!(answer["errors"].is_array(), "{query}: {answer}");
    }
    for (query, input) in [
        (super::BEGIN, json!({ "password": PASSWORD })),
        (super::CONFIRM, json!({ "passkey": "{}", "name": "x" })),
        (
            super::REMOVE,
            json!({ "passkeyId": "psk_00000000000070008000000000000000",
            "password": PASSWORD }),
        ),
    ] {
        let code = server.code(None, query, json!({ "input": input })).await;
        assert_eq!(code, "UNAUTHENTICATED", "{query}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_take_an_answer_once() {
    let Some(one) = Server::on_postgres().await else { return };
    let two = one.beside().await;
    let token = one.identity.setup_token().unwrap();
    let tokens = Tokens::of(&one.set_up_with(&token).await);
    let mut passkey = Authenticator::new(b"laptop");
    add(&one, &tokens, &mut passkey).await;
    let asked = ask(&one).await;
    let (here, there) = (passkey.answer(&asked), passkey.answer(&asked));
    let (here, there) = tokio::join!(sign_in(&one, &here), sign_in(&two, &there));
    let won = [&here, &there].iter().filter(|it| it["accessToken"].is_string()).count();
    assert_eq!(won, 1, "{here} {there}");
    for projection in ["identity.passkeys", "identity.factors"] {
        one.store.rebuild(projection).await.unwrap();
    }
    one.store.verify().await.unwrap();
}

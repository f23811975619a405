//! Roles in single projects: who gives them, when they count, and what reviews see of them.

use serde_json::{Value, json};
use studio_kernel::{Actor, ProjectRoles, Role};

use crate::support::{CREATE_USER, EMAIL, PASSWORD, Server, Tokens, fault, faults};

const CHANGE: &str = "mutation($input: ChangeRolesInput!) { changeRoles(input: $input) {
    user { roles projectRoles { project { id } role until } } userErrors { code message path } } }";
const GRANT: &str = "mutation($input: GrantAccessInput!) { grantAccess(input: $input) {
    user { projectRoles { project { id } role until } } userErrors { code message path } } }";
const A: &str = "prj_0000000000007000800000000000000a";
const B: &str = "prj_0000000000007000800000000000000b";
/// An hour after the start of every test.
const HOUR: &str = "2026-03-01T10:00:00Z";

async fn change(server: &Server, by: &Tokens, input: Value) -> Value {
    let data = server.data(Some(&by.access), CHANGE, json!({ "input": input })).await;
    data["changeRoles"].clone()
}

async fn changed(server: &Server, by: &Tokens, input: Value) -> Value {
    let payload = change(server, by, input).await;
    assert_eq!(payload["userErrors"], json!([]), "{payload}");
    payload["user"].clone()
}

fn held(actor: &Actor) -> Vec<(String, Vec<Role>)> {
    let there = |it: &ProjectRoles| (it.project.to_string(), it.roles.clone());
    actor.projects.iter().map(there).collect()
}

/// Somebody with a role in A alone, signed in: their id and tokens.
async fn auditor(server: &Server, owner: &Tokens) -> (String, Tokens) {
    let input = json!({ "name": "Grace Hopper", "email": "grace@example.org", "password": PASSWORD,
        "roles": ["AUDITOR"], "projectId": A });
    let data = server.data(Some(&owner.access), CREATE_USER, json!({ "input": input })).await;
    let payload = &data["createUser"];
    assert_eq!(payload["userErrors"], json!([]));
    assert_eq!(payload["user"]["roles"], json!([]));
    let id = payload["user"]["id"].as_str().unwrap().to_owned();
    (id, Tokens::of(&server.log_in("grace@example.org", PASSWORD).await))
}

#[tokio::test]
async fn they_are_known_everywhere_and_in_no_token() {
    let (server, owner) = Server::set_up().await;
    let beside = server.beside().await;
    let (id, grace) = auditor(&server, &owner).await;
    let one = vec![(A.to_owned(), vec![Role::Auditor])];
    for process in [&server, &beside] {
        let actor = process.heard_of(&grace).await;
        assert_eq!((held(&actor), &actor.roles[..]), (one.clone(), &[][..]));
    }
    let claims = grace.access.split('.').nth(1).unwrap();
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let claims = String::from_utf8(URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
    assert!(!claims.contains("prj_"), "{claims}");

    let connected = server.verifier.verify(&grace.access).unwrap();
    let give = json!({ "userId": id, "projectId": B, "give": ["CONTRIBUTOR", "VIEWER"] });
    let user = changed(&server, &owner, give).await;
    assert_eq!(user["projectRoles"].as_array().unwrap().len(), 3);
    let now = server.verifier.verify(&grace.access).unwrap();
    let both = [
        (A.to_owned(), vec![Role::Auditor]),
        (B.to_owned(), vec![Role::Contributor, Role::Viewer]),
    ];
    assert_eq!(held(&now), both);
    assert!(!server.verifier.still_valid(&connected), "a subscription begins anew");
    assert_eq!(held(&server.verifier.now(connected).unwrap()), both);
    // A process that starts when it is so, whoever is signed in, and the read model made anew.
    server.store.rebuild("identity.users").await.unwrap();
    let server = server.restart().await;
    assert_eq!(held(&server.verifier.verify(&grace.access).unwrap()), both);

    // Their account is theirs, and the rest of the organization is nobody's business of theirs.
    let me =
        "{ me { name projectRoles { role } organization { name } sessions { nodes { id } } } }";
    let me = server.data(Some(&grace.access), me, json!({})).await["me"].clone();
    assert_eq!(me["organization"]["name"], "Analytical Engines");
    let people = server.data(Some(&grace.access), "{ users { nodes { name } } }", json!({})).await;
    assert_eq!(people["users"]["nodes"], json!([{ "name": "Grace Hopper" }]));
    for text in
        ["{ auditEntries(first: 1) { nodes { id } } }", "{ accessReviews { nodes { id } } }"]
    {
        assert_eq!(server.code(Some(&grace.access), text, json!({})).await, "FORBIDDEN");
    }
    let input =
        json!({ "input": { "userId": id, "projectId": A, "give": ["COMPLIANCE_MANAGER"] } });
    assert_eq!(server.code(Some(&grace.access), CHANGE, input).await, "FORBIDDEN");
    let asked = "query($p: ID, $k: String!) { policyDecision(action: \"controls:control:read\",
        resource: { kind: $k, ownership: OTHERS, projectId: $p }) { allow reason } }";
    for (project, allow) in [(json!(A), true), (json!(B), true), (json!(null), false)] {
        let variables = json!({ "p": project, "k": "Control" });
        let told = server.data(Some(&grace.access), asked, variables).await;
        assert_eq!(told["policyDecision"]["allow"], allow, "{project}: {told}");
    }
    let take = json!({ "userId": id, "projectId": A, "take": ["AUDITOR"] });
    changed(&server, &owner, take).await;
    assert_eq!(held(&server.verifier.verify(&grace.access).unwrap()), both[1..]);
    let take = json!({ "userId": id, "projectId": B, "take": ["CONTRIBUTOR", "VIEWER"] });
    assert_eq!(fault(&change(&server, &owner, take).await), "NO_ROLE");
    server.store.verify().await.unwrap();
}

#[tokio::test]
async fn they_end_by_the_clock_also_for_keys() {
    let (server, owner) = Server::set_up().await;
    let (id, viewer) = server.viewer(&owner).await;
    let grant = |project: &str, role: &str, until: &str| json!({ "input": { "userId": id, "projectId": project, "role": role, "until": until } });
    let told = server.data(Some(&owner.access), GRANT, grant(A, "AUDITOR", HOUR)).await;
    assert_eq!(told["grantAccess"]["userErrors"], json!([]), "{told}");
    assert_eq!(
        told["grantAccess"]["user"]["projectRoles"][0]["until"],
        "2026-03-01T10:00:00+00:00"
    );
    let key =
        "mutation { createApiKey(input: { name: \"k\", scopes: [\"*:*:read\"] }) { secret } }";
    let key = server.data(Some(&viewer.access), key, json!({})).await;
    let key = key["createApiKey"]["secret"].as_str().unwrap();
    let beside = server.beside().await;
    let start = "2026-03-01T09:00:00Z".parse::<studio_kernel::Timestamp>().unwrap().micros();
    server.clock.advance_micros(3_600_000_000 - 1 - (server.env.now().micros() - start));
    let fresh = Tokens::of(&server.refresh(&viewer.refresh).await);
    for (moment, expected) in [(0, vec![(A.to_owned(), vec![Role::Auditor])]), (1, vec![])] {
        server.clock.advance_micros(moment);
        for process in [&server, &beside] {
            for token in [&*fresh.access, key] {
                let actor = process.verifier.verify_newest(token).await.unwrap();
                assert_eq!(
                    (held(&actor), &actor.roles[..]),
                    (expected.clone(), &[Role::Viewer][..])
                );
            }
        }
    }
    let owner = Tokens::of(&server.log_in(EMAIL, PASSWORD).await);
    let late = "2026-03-01T11:00:00Z";
    for (variables, code, field) in [
        (grant(A, "ADMIN", late), "NOT_FOR_A_PROJECT", "role"),
        (grant(A, "OWNER", late), "NO_OWNER_FOR_A_TIME", "role"),
        (grant(A, "VIEWER", HOUR), "INVALID_UNTIL", "until"),
    ] {
        let told = server.data(Some(&owner.access), GRANT, variables).await;
        assert_eq!(faults(&told["grantAccess"]), [(code.into(), field.into())]);
    }
    for role in ["OWNER", "ADMIN"] {
        let give = json!({ "userId": id, "projectId": A, "give": [role] });
        assert_eq!(
            faults(&change(&server, &owner, give).await),
            [("NOT_FOR_A_PROJECT".into(), "give".into())]
        );
    }
    changed(&server, &owner, json!({ "userId": id, "projectId": B, "give": ["AUDITOR"] })).await;
    let told = server.data(Some(&owner.access), GRANT, grant(B, "AUDITOR", late)).await;
    assert_eq!(fault(&told["grantAccess"]), "HAS_ROLE");
}

#[tokio::test]
async fn a_review_holds_them_one_by_one() {
    let (server, owner) = Server::set_up().await;
    let (id, grace) = auditor(&server, &owner).await;
    for (project, role) in [(B, "AUDITOR"), (B, "VIEWER")] {
        changed(&server, &owner, json!({ "userId": id, "projectId": project, "give": [role] }))
            .await;
    }
    changed(&server, &owner, json!({ "userId": id, "give": ["VIEWER"] })).await;
    let start = "mutation { startAccessReview(input: { title: \"Q1\" }) { review { id } } }";
    let review = server.data(Some(&owner.access), start, json!({})).await;
    let review = review["startAccessReview"]["review"]["id"].clone();
    let items = "query($id: ID!) { accessReview(id: $id) { items(first: 100) { nodes {
        userId role project { id } decision } } } }";
    let read = || async {
        let data = server.data(Some(&owner.access), items, json!({ "id": review })).await;
        let nodes = data["accessReview"]["items"]["nodes"].as_array().unwrap().clone();
        let theirs = nodes.into_iter().filter(|it| it["userId"] == json!(id));
        let told = theirs
            .map(|it| (it["role"].clone(), it["project"]["id"].clone(), it["decision"].clone()));
        told.collect::<Vec<_>>()
    };
    let none = json!(null);
    let found = [
        (json!("VIEWER"), none.clone(), none.clone()),
        (json!("AUDITOR"), json!(A), none.clone()),
        (json!("AUDITOR"), json!(B), none.clone()),
        (json!("VIEWER"), json!(B), none.clone()),
    ];
    assert_eq!(read().await, found);
    let decide = "mutation($input: DecideAccessInput!) { decideAccess(input: $input) {
        userErrors { code path } } }";
    let decision = |role: &str, project: &Value, decision: &str| json!({ "input": { "reviewId": review, "userId": id, "role": role, "projectId": project, "decision": decision } });
    let told = server.data(Some(&owner.access), decide, decision("AUDITOR", &none, "REMOVE")).await;
    assert_eq!(fault(&told["decideAccess"]), "NO_SUCH_ITEM");
    for (role, project) in [("AUDITOR", json!(B)), ("VIEWER", none.clone())] {
        let told =
            server.data(Some(&owner.access), decide, decision(role, &project, "REMOVE")).await;
        assert_eq!(told["decideAccess"]["userErrors"], json!([]));
    }
    let actor = server.verifier.verify(&grace.access).unwrap();
    let left = [(A.to_owned(), vec![Role::Auditor]), (B.to_owned(), vec![Role::Viewer])];
    assert_eq!((held(&actor), actor.roles), (left.to_vec(), vec![]));
    let decided: Vec<_> = read().await.into_iter().map(|it| it.2).collect();
    assert_eq!(decided, [json!("REMOVE"), none.clone(), json!("REMOVE"), none]);
}

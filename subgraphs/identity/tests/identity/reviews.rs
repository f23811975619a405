//! Reviews of access: what they hold, who decides, that what is removed is taken, and that what is complete
//! stays as it is.

use serde_json::{Value, json};
use studio_kernel::Role;

use crate::support::{PASSWORD, Server, Tokens, fault, holds};

const START: &str = "mutation($input: StartAccessReviewInput!) { startAccessReview(input: $input) {
    review { id } userErrors { code message path } } }";
const DECIDE: &str = "mutation($input: DecideAccessInput!) { decideAccess(input: $input) {
    review { open } userErrors { code message path } } }";
const COMPLETE: &str = "mutation($input: CompleteAccessReviewInput!) {
    completeAccessReview(input: $input) { review { completedAt } userErrors { code message path } } }";
const REVIEW: &str = "query($id: ID!, $first: Int, $after: String) { accessReview(id: $id) {
    title startedAt startedBy { name } completedAt completedBy { name } open
    items(first: $first, after: $after) {
        nodes { userId user { name } role until decision decidedBy decidedAt note }
        pageInfo { hasNextPage endCursor } } } }";
const GIVE: &str = "mutation($input: ChangeRolesInput!) { changeRoles(input: $input) {
    userErrors { code message path } } }";

async fn start(server: &Server, by: &Tokens) -> String {
    let input = json!({ "input": { "title": "First quarter" } });
    let data = server.data(Some(&by.access), START, input).await;
    let payload = &data["startAccessReview"];
    assert_eq!(payload["userErrors"], json!([]), "{payload}");
    payload["review"]["id"].as_str().unwrap().to_owned()
}

fn decision(review: &str, user: &str, role: &str, decision: &str) -> Value {
    json!({ "input": { "reviewId": review, "userId": user, "role": role, "decision": decision,
        "note": "As was said on Monday" } })
}

async fn decide(server: &Server, by: &Tokens, variables: Value) -> Value {
    server.data(Some(&by.access), DECIDE, variables).await["decideAccess"].clone()
}

async fn complete(server: &Server, by: &Tokens, review: &str) -> Value {
    let input = json!({ "input": { "reviewId": review } });
    server.data(Some(&by.access), COMPLETE, input).await["completeAccessReview"].clone()
}

async fn read(server: &Server, by: &Tokens, review: &str) -> Value {
    let data = server.data(Some(&by.access), REVIEW, json!({ "id": review })).await;
    data["accessReview"].clone()
}

async fn me(server: &Server, who: &Tokens) -> String {
    let data = server.data(Some(&who.access), "{ me { id } }", json!({})).await;
    data["me"]["id"].as_str().unwrap().to_owned()
}

async fn give(server: &Server, by: &Tokens, user: &str, roles: &[&str]) {
    let input = json!({ "input": { "userId": user, "give": roles } });
    let data = server.data(Some(&by.access), GIVE, input).await;
    assert_eq!(data["changeRoles"]["userErrors"], json!([]));
}

#[tokio::test]
async fn what_is_removed_is_taken_and_what_is_complete_stays() {
    let (server, owner) = Server::set_up().await;
    let (charles, tokens) = server.viewer(&owner).await;
    let ada = me(&server, &owner).await;
    give(&server, &owner, &charles, &["CONTRIBUTOR"]).await;
    let review = start(&server, &owner).await;
    // What is given afterwards is for the next one.
    give(&server, &owner, &charles, &["CONTROL_OWNER"]).await;
    let found = read(&server, &owner, &review).await;
    assert_eq!((&found["title"], &found["open"]), (&json!("First quarter"), &json!(3)));
    assert_eq!(found["startedBy"]["name"], "Ada Lovelace");
    let items = found["items"]["nodes"].as_array().unwrap();
    let roles: Vec<_> =
        items.iter().map(|it| (it["user"]["name"].clone(), it["role"].clone())).collect();
    let expected = [
        ("Ada Lovelace", "OWNER"),
        ("Charles Babbage", "CONTRIBUTOR"),
        ("Charles Babbage", "VIEWER"),
    ];
    assert_eq!(roles, expected.map(|(name, role)| (json!(name), json!(role))));
    let paged = json!({ "id": review, "first": 2 });
    let page =
        server.data(Some(&owner.access), REVIEW, paged).await["accessReview"]["items"].clone();
    assert_eq!(page["pageInfo"]["hasNextPage"], true);
    let rest = json!({ "id": review, "first": 2, "after": page["pageInfo"]["endCursor"] });
    let rest =
        server.data(Some(&owner.access), REVIEW, rest).await["accessReview"]["items"].clone();
    assert_eq!(rest["nodes"].as_array().unwrap().len(), 1);
    assert_eq!(rest["pageInfo"]["hasNextPage"], false);

    let open = decide(&server, &owner, decision(&review, &ada, "OWNER", "CONFIRM")).await;
    assert_eq!((&open["userErrors"], &open["review"]["open"]), (&json!([]), &json!(2)));
    assert_eq!(fault(&complete(&server, &owner, &review).await), "UNDECIDED");
    let connected = server.verifier.verify(&tokens.access).unwrap();
    decide(&server, &owner, decision(&review, &charles, "CONTRIBUTOR", "REMOVE")).await;
    // At once, for where they are signed in.
    let now = server.verifier.verify(&tokens.access).unwrap();
    assert_eq!(now.roles, [Role::ControlOwner, Role::Viewer]);
    assert!(!server.verifier.still_valid(&connected));
    let again =
        decide(&server, &owner, decision(&review, &charles, "CONTRIBUTOR", "CONFIRM")).await;
    assert_eq!(fault(&again), "REMOVED_ALREADY");
    let absent =
        decide(&server, &owner, decision(&review, &charles, "CONTROL_OWNER", "REMOVE")).await;
    assert_eq!(fault(&absent), "NO_SUCH_ITEM");
    decide(&server, &owner, decision(&review, &charles, "VIEWER", "CONFIRM")).await;
    // Second thoughts, before it is complete.
    decide(&server, &owner, decision(&review, &charles, "VIEWER", "REMOVE")).await;
    assert_eq!(server.verifier.verify(&tokens.access).unwrap().roles, [Role::ControlOwner]);
    let done = complete(&server, &owner, &review).await;
    assert!(done["review"]["completedAt"].is_string(), "{done}");

    let after = read(&server, &owner, &review).await;
    assert_eq!(after["open"], 0);
    assert_eq!(after["completedBy"]["name"], "Ada Lovelace");
    let item = &after["items"]["nodes"][1];
    assert_eq!((&item["decision"], &item["decidedBy"]), (&json!("REMOVE"), &json!(ada)));
    assert_eq!(item["note"], "As was said on Monday");
    for refused in [
        decide(&server, &owner, decision(&review, &ada, "OWNER", "CONFIRM")).await,
        complete(&server, &owner, &review).await,
    ] {
        assert_eq!(fault(&refused), "REVIEW_COMPLETED");
    }
    // As the log has it, and on its own.
    server.store.rebuild("identity.access_reviews").await.unwrap();
    let server = server.restart().await;
    assert_eq!(read(&server, &owner, &review).await, after);
    let listed = "{ accessReviews { nodes { id completedAt } } }";
    let listed = server.data(Some(&owner.access), listed, json!({})).await;
    assert_eq!(listed["accessReviews"]["nodes"][0]["id"], review.as_str());
    server.store.verify().await.unwrap();
}

#[tokio::test]
async fn notes_go_with_the_person_and_the_decision_stays() {
    let (server, owner) = Server::set_up().await;
    let (charles, _) = server.viewer(&owner).await;
    let ada = me(&server, &owner).await;
    let review = start(&server, &owner).await;
    decide(&server, &owner, decision(&review, &charles, "VIEWER", "CONFIRM")).await;
    assert!(!holds(&server.bytes_at_rest(), "As was said on Monday"));
    let erase = "mutation($id: ID!) { eraseUser(input: { userId: $id }) { userErrors { code } } }";
    server.data(Some(&owner.access), erase, json!({ "id": charles })).await;
    // The role is gone, and can be decided about all the same.
    decide(&server, &owner, decision(&review, &charles, "VIEWER", "REMOVE")).await;
    decide(&server, &owner, decision(&review, &ada, "OWNER", "CONFIRM")).await;
    assert_eq!(complete(&server, &owner, &review).await["userErrors"], json!([]));
    let item = read(&server, &owner, &review).await["items"]["nodes"][1].clone();
    assert_eq!((&item["userId"], &item["decision"]), (&json!(charles), &json!("REMOVE")));
    assert_eq!((&item["note"], &item["user"]["name"]), (&Value::Null, &Value::Null));
}

#[tokio::test]
async fn who_may_decide_what() {
    let (server, owner) = Server::set_up().await;
    let (charles, viewer) = server.viewer(&owner).await;
    let luigi = server.second_organization().await;
    let ada = me(&server, &owner).await;
    let made = server.create_user(&owner, "Augusta", "augusta@example.org").await;
    let augusta = made["user"]["id"].as_str().unwrap().to_owned();
    give(&server, &owner, &augusta, &["ADMIN"]).await;
    let admin = Tokens::of(&server.log_in("augusta@example.org", PASSWORD).await);
    let review = start(&server, &admin).await;

    let of_charles = decision(&review, &charles, "VIEWER", "REMOVE");
    for (query, variables) in [
        (START, json!({ "input": { "title": "Mine" } })),
        (DECIDE, of_charles.clone()),
        (COMPLETE, json!({ "input": { "reviewId": review } })),
        (REVIEW, json!({ "id": review })),
    ] {
        let code = server.code(Some(&viewer.access), query, variables).await;
        assert_eq!(code, "FORBIDDEN", "{query}");
    }
    for (query, variables) in
        [(DECIDE, of_charles.clone()), (COMPLETE, json!({ "input": { "reviewId": review } }))]
    {
        assert_eq!(server.code(Some(&luigi.access), query, variables).await, "NOT_FOUND");
    }
    let elsewhere = server.data(Some(&luigi.access), REVIEW, json!({ "id": review })).await;
    assert_eq!(elsewhere["accessReview"], Value::Null);
    // An admin decides about everybody but owners, and nobody takes the last owner.
    let owners = decision(&review, &ada, "OWNER", "REMOVE");
    assert_eq!(server.code(Some(&admin.access), DECIDE, owners.clone()).await, "FORBIDDEN");
    let confirm = decision(&review, &ada, "OWNER", "CONFIRM");
    assert_eq!(server.code(Some(&admin.access), DECIDE, confirm).await, "FORBIDDEN");
    assert_eq!(fault(&decide(&server, &owner, owners).await), "LAST_OWNER");
    assert_eq!(decide(&server, &admin, of_charles).await["userErrors"], json!([]));
    assert_eq!(server.verifier.verify(&viewer.access).unwrap().roles, []);
    let long = json!({ "input": { "reviewId": review, "userId": charles, "role": "VIEWER",
        "decision": "REMOVE", "note": "x".repeat(2001) } });
    assert_eq!(fault(&decide(&server, &owner, long).await), "INVALID_NOTE");
    let untitled =
        server.data(Some(&owner.access), START, json!({ "input": { "title": " " } })).await;
    assert_eq!(fault(&untitled["startAccessReview"]), "INVALID_NAME");
}

//! A review of access from its start to the lines that an auditor gets.

use serde_json::{Value, json};

use crate::support::{EMAIL, Installation, PASSWORD, mutate, query};

const START: &str = "mutation($input: StartAccessReviewInput!) { startAccessReview(input: $input) {
    review { id } userErrors { code message path } } }";
const DECIDE: &str = "mutation($input: DecideAccessInput!) { decideAccess(input: $input) {
    review { open } userErrors { code message path } } }";
const COMPLETE: &str = "mutation($input: CompleteAccessReviewInput!) {
    completeAccessReview(input: $input) { review { id } userErrors { code message path } } }";

#[tokio::test]
async fn a_review_that_is_complete_is_written_down() {
    let installation = Installation::empty();
    let (server, owner) = installation.set_up().await;
    let login = ["login", "--server", &server.url, "--email", EMAIL];
    installation.run_with_password(&login, PASSWORD);
    let started = mutate(&owner, START, json!({ "title": "First quarter" })).await;
    let review = started["review"]["id"].as_str().unwrap().to_owned();
    let export = ["access-review", "export", "--review", &review];
    let told = installation.refused(&export, &[]);
    assert!(told.contains("not complete"), "{told}");
    let me = query(&owner, "{ me { id } }", json!({})).await["me"]["id"].clone();
    let decision = json!({ "reviewId": review, "userId": me, "role": "OWNER",
        "decision": "CONFIRM", "note": "Runs the company" });
    mutate(&owner, DECIDE, decision).await;
    mutate(&owner, COMPLETE, json!({ "reviewId": review })).await;

    let printed = installation.run(&export);
    let lines: Vec<Value> =
        printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2, "{printed}");
    assert_eq!(lines[0]["title"], "First quarter");
    assert_eq!((&lines[0]["startedBy"], &lines[0]["completedBy"]), (&me, &me));
    let found = &lines[1];
    assert_eq!((&found["user"], &found["email"]), (&me, &json!(EMAIL)));
    assert_eq!((&found["role"], &found["decision"]), (&json!("OWNER"), &json!("CONFIRM")));
    assert_eq!(found["note"], "Runs the company");
    assert_eq!(installation.run(&export), printed, "it does not change any more");
    let none = "arv_00000000000070008000000000000001";
    let told = installation.refused(&["access-review", "export", "--review", none], &[]);
    assert!(told.contains("there is no review"), "{told}");
}

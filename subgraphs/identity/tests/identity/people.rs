//! Adding people, and what their roles let them do.

use serde_json::{Value, json};

use crate::support::{CREATE_USER, EMAIL, PASSWORD, Server, Tokens, fault, faults};

const USERS: &str = "query($first: Int, $after: String) { users(first: $first, after: $after) {
    nodes { id name } edges { cursor } pageInfo { hasNextPage endCursor } } }";

fn names(data: &Value) -> Vec<&str> {
    let nodes = data["users"]["nodes"].as_array().unwrap();
    nodes.iter().map(|node| node["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn an_owner_adds_people_and_a_viewer_only_looks() {
    let (server, owner) = Server::set_up().await;
    let payload = server.create_user(&owner, "Charles Babbage", "charles@example.org").await;
    assert_eq!(payload["user"]["roles"], json!(["VIEWER"]));
    assert_eq!(payload["user"]["organization"]["name"], "Analytical Engines");
    let viewer = Tokens::of(&server.log_in("charles@example.org", PASSWORD).await);

    let data = server.data(Some(&viewer.access), USERS, json!({})).await;
    assert_eq!(names(&data), ["Ada Lovelace", "Charles Babbage"]);
    let data = server.data(Some(&viewer.access), "{ organization { name } }", json!({})).await;
    assert_eq!(data["organization"]["name"], "Analytical Engines");

    let before = server.changes().await;
    let input = json!({
        "name": "Eve", "email": "eve@example.org", "password": PASSWORD, "roles": ["OWNER"],
    });
    let code = server.code(Some(&viewer.access), CREATE_USER, json!({ "input": input })).await;
    assert_eq!(code, "FORBIDDEN");
    let erase = "mutation($id: ID!) { eraseUser(input: { userId: $id }) { userErrors { code } } }";
    let id = &payload["user"]["id"];
    assert_eq!(server.code(Some(&viewer.access), erase, json!({ "id": id })).await, "FORBIDDEN");
    assert_eq!(server.changes().await, before, "a refusal records nothing");
}

#[tokio::test]
async fn an_address_signs_in_to_one_account() {
    let (server, owner) = Server::set_up().await;
    let payload = server.create_user(&owner, "Another Ada", &EMAIL.to_uppercase()).await;
    assert_eq!(faults(&payload), [("EMAIL_TAKEN".into(), "email".into())]);
    let adding = (0..4).map(|_| server.create_user(&owner, "Charles", "charles@example.org"));
    let payloads = futures::future::join_all(adding).await;
    let added = payloads.iter().filter(|payload| payload["user"].is_object()).count();
    assert_eq!(added, 1, "{payloads:?}");
    for payload in payloads.iter().filter(|payload| payload["user"].is_null()) {
        assert_eq!(fault(payload), "EMAIL_TAKEN");
    }
}

#[tokio::test]
async fn faults_of_a_new_person_are_named() {
    let (server, owner) = Server::set_up().await;
    let input = json!({ "name": "", "email": "x", "password": "aaaaaaaaaaaaaa", "roles": [] });
    let data = server.data(Some(&owner.access), CREATE_USER, json!({ "input": input })).await;
    let codes: Vec<_> = faults(&data["createUser"]).into_iter().map(|(code, _)| code).collect();
    assert_eq!(codes, ["INVALID_NAME", "INVALID_EMAIL", "WEAK_PASSWORD", "NO_ROLE"]);
}

#[tokio::test]
async fn people_come_in_pages() {
    let (server, owner) = Server::set_up().await;
    for n in 0..4 {
        server.create_user(&owner, &format!("Person {n}"), &format!("p{n}@example.org")).await;
    }
    let mut after = Value::Null;
    let mut seen = Vec::new();
    loop {
        let variables = json!({ "first": 2, "after": after });
        let data = server.data(Some(&owner.access), USERS, variables).await;
        seen.extend(names(&data).iter().map(|name| (*name).to_owned()));
        if data["users"]["pageInfo"]["hasNextPage"] == false {
            break;
        }
        after = data["users"]["pageInfo"]["endCursor"].clone();
    }
    assert_eq!(seen, ["Ada Lovelace", "Person 0", "Person 1", "Person 2", "Person 3"]);
    for (first, after) in
        [(json!(0), json!(null)), (json!(101), json!(null)), (json!(1), json!("?"))]
    {
        let variables = json!({ "first": first, "after": after });
        assert_eq!(server.code(Some(&owner.access), USERS, variables).await, "BAD_REQUEST");
    }
}

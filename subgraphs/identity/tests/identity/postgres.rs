//! The same on PostgreSQL: what depends on the database.

use serde_json::{Value, json};
use studio_identity::TokenError;

use crate::support::{EMAIL, PASSWORD, Server, Tokens, fault};

#[tokio::test]
async fn everything_that_touches_the_store_works_on_postgresql() {
    let Some(server) = Server::on_postgres().await else { return };
    let token = server.identity.setup_token().unwrap();
    let (one, two) = tokio::join!(server.set_up_with(&token), server.set_up_with(&token));
    let (won, lost) = if one["accessToken"].is_string() { (one, two) } else { (two, one) };
    assert_eq!(fault(&lost), "ALREADY_SET_UP");
    let owner = Tokens::of(&won);

    let adding = (0..4).map(|_| server.create_user(&owner, "Charles", "charles@example.org"));
    let payloads = futures::future::join_all(adding).await;
    let added: Vec<_> = payloads.iter().filter(|payload| payload["user"].is_object()).collect();
    assert_eq!(added.len(), 1, "{payloads:?}");
    let id = added[0]["user"]["id"].clone();
    let viewer = Tokens::of(&server.log_in("charles@example.org", PASSWORD).await);
    let renewed = Tokens::of(&server.refresh(&viewer.refresh).await);
    assert_eq!(fault(&server.refresh(&viewer.refresh).await), "INVALID_REFRESH_TOKEN");
    assert_eq!(server.verifier.verify(&renewed.access), Err(TokenError::SessionOver));

    let server = server.restart().await;
    let viewer = Tokens::of(&server.log_in("charles@example.org", PASSWORD).await);
    let query = "{ users(first: 1) { nodes { name } pageInfo { hasNextPage } }
        me { sessions { nodes { current } } } }";
    let data = server.data(Some(&viewer.access), query, json!({})).await;
    assert_eq!(data["users"]["nodes"][0]["name"], "Ada Lovelace");
    assert_eq!(data["users"]["pageInfo"]["hasNextPage"], true);
    assert_eq!(data["me"]["sessions"]["nodes"], json!([{ "current": true }]));

    let erase = "mutation($id: ID!) { eraseUser(input: { userId: $id }) {
        user { name } userErrors { code } } }";
    let data = server.data(Some(&owner.access), erase, json!({ "id": id })).await;
    assert_eq!(data["eraseUser"], json!({ "user": { "name": null }, "userErrors": [] }));
    assert_eq!(server.verifier.verify(&viewer.access), Err(TokenError::SessionOver));
    server.store.rebuild("identity.users").await.unwrap();
    Tokens::of(&server.log_in(EMAIL, PASSWORD).await);
    server.store.verify().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_owners_at_two_processes_cannot_erase_each_other() {
    let Some(one) = Server::on_postgres().await else { return };
    let two = one.beside().await;
    let token = one.identity.setup_token().unwrap();
    assert_eq!(two.identity.setup_token().unwrap(), token, "the same from every process");
    let ada = Tokens::of(&two.set_up_with(&token).await);
    let actor = one.verifier.verify_newest(&ada.access).await.unwrap();
    assert!(one.verifier.still_valid(&actor));
    let add = "mutation($input: CreateUserInput!) { createUser(input: $input) {
        user { id } userErrors { code } } }";
    let input = json!({
        "name": "Mary Somerville", "email": "mary@example.org", "password": PASSWORD,
        "roles": ["OWNER"],
    });
    let added = one.data(Some(&ada.access), add, json!({ "input": input })).await;
    let mary_id = added["createUser"]["user"]["id"].clone();
    let mary = Tokens::of(&two.log_in("mary@example.org", PASSWORD).await);
    let me = two.data(Some(&ada.access), "{ me { id } }", json!({})).await;
    let ada_id = me["me"]["id"].clone();

    let erase = "mutation($id: ID!) { eraseUser(input: { userId: $id }) { userErrors { code } } }";
    let (first, second) = tokio::join!(
        one.ask(Some(&ada.access), erase, json!({ "id": mary_id })),
        two.ask(Some(&mary.access), erase, json!({ "id": ada_id })),
    );
    // Whoever was slower has been erased, and may do nothing any more; or is left as the last owner.
    let erased = |answer: &Value| answer["data"]["eraseUser"]["userErrors"] == json!([]);
    let refused = |answer: &Value| {
        answer["data"]["eraseUser"]["userErrors"][0]["code"] == "LAST_OWNER"
            || answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    };
    let one_of_two = erased(&first) != erased(&second) && refused(&first) != refused(&second);
    assert!(one_of_two, "{first} {second}");
}

//! The schema documents itself.

use serde_json::{Value, json};

use crate::support::Server;

/// What federation and introspection add, which is not ours to describe.
fn ours(name: &str) -> bool {
    !name.starts_with('_') && !["Any", "Boolean", "Float", "ID", "Int", "String"].contains(&name)
}

fn described(value: &Value) -> bool {
    value["description"].as_str().is_some_and(|text| !text.trim().is_empty())
}

#[tokio::test]
async fn everything_has_a_description() {
    let server = Server::new().await;
    let query = "{ __schema { types { name kind description
        fields(includeDeprecated: true) { name description args { name description } }
        inputFields { name description } enumValues { name description } } } }";
    let data = server.data(None, query, json!({})).await;
    let mut missing = Vec::new();
    for kind in data["__schema"]["types"].as_array().unwrap() {
        let name = kind["name"].as_str().unwrap();
        if !ours(name) {
            continue;
        }
        // Roots and connections are as the specifications say; their fields are described.
        let standard = ["Query", "Mutation"].contains(&name) || name.ends_with("Connection");
        if !standard && !described(kind) {
            missing.push(name.to_owned());
        }
        for list in ["fields", "inputFields", "enumValues"] {
            for field in kind[list].as_array().into_iter().flatten() {
                let field_name = field["name"].as_str().unwrap();
                if field_name.starts_with('_') {
                    continue;
                }
                if !described(field) {
                    missing.push(format!("{name}.{field_name}"));
                }
                for argument in field["args"].as_array().into_iter().flatten() {
                    if !described(argument) {
                        missing.push(format!("{name}.{field_name}({})", argument["name"]));
                    }
                }
            }
        }
    }
    assert!(missing.is_empty(), "without a description: {missing:#?}");
}

#[tokio::test]
async fn the_entities_can_be_referred_to() {
    let server = Server::new().await;
    let sdl = server.graphql.sdl();
    for entity in ["Organization", "User", "Session"] {
        let head = format!("type {entity} @key(fields: \"id\")");
        assert!(sdl.contains(&head), "{head} is not in\n{sdl}");
    }
}

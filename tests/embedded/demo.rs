//! The demo as a newcomer meets it.

use serde_json::{Value, json};
use studio_sdk::Client;

use crate::support::{Installation, query};

/// What the demo prints: address, login, queries.
struct Printed {
    email: String,
    password: String,
    queries: Vec<String>,
}

fn read(server: &crate::support::Server) -> Printed {
    let after = |label: &str| {
        server.wait_for_line(label).trim().trim_start_matches(label).trim().to_owned()
    };
    let email = after("E-mail");
    let password = after("Password");
    server.wait_for_line("Three queries");
    let queries = (0..3)
        .map(|_| {
            server.wait_for_line("# ");
            server.wait_for_line("{").trim().to_owned()
        })
        .collect();
    Printed { email, password, queries }
}

#[tokio::test]
async fn the_demo_shows_scores_that_move_and_keeps_its_data() {
    let installation = Installation::empty();
    let server = installation.start_with(&["--demo"]);
    let printed = read(&server);
    let client = Client::new(&server.url).unwrap();
    client.log_in(&printed.email, &printed.password).await.unwrap();
    for text in &printed.queries {
        let answer = query(&client, text, json!({})).await;
        assert!(answer.is_object(), "{text}");
    }
    let before = scores(&client).await;
    assert_eq!(before.len(), 2);
    for (name, lo, hi) in &before {
        assert!(*lo > 0.0 && lo < hi, "{name}: {lo} to {hi}");
    }

    let said = installation.run(&["demo", "rescan"]);
    assert!(said.contains("changed"), "{said}");
    let after = scores(&client).await;
    for ((name, before, _), (_, after, _)) in before.iter().zip(&after) {
        assert!(after > before, "{name}: {before} to {after}");
    }

    server.stop();
    let server = installation.start_with(&["--demo"]);
    let again = read(&server);
    assert_eq!(printed.email, "owner@demo.example");
    assert_eq!((&again.email, &again.password), (&printed.email, &printed.password));
    let client = Client::new(&server.url).unwrap();
    client.log_in(&again.email, &again.password).await.unwrap();
    assert_eq!(scores(&client).await, after);
}

async fn scores(client: &Client) -> Vec<(String, f64, f64)> {
    let text = "{ projects { nodes { scores { framework { name } lo hi } } } }";
    let data = query(client, text, json!({})).await;
    let scores = data["projects"]["nodes"][0]["scores"].as_array().unwrap().clone();
    let number = |value: &Value| value.as_f64().unwrap();
    scores
        .iter()
        .map(|score| {
            let name = score["framework"]["name"].as_str().unwrap().to_owned();
            (name, number(&score["lo"]), number(&score["hi"]))
        })
        .collect()
}

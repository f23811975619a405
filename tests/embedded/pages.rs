//! What a browser gets: pages from inside the binary, safe headers, nothing from elsewhere.

use graphql_tools::{
    parser::{parse_query, parse_schema},
    validation::{rules::default_rules_validation_plan, validate::validate},
};
use serde_json::{Value, json};

use crate::support::Installation;

#[tokio::test]
async fn pages_need_nothing_from_elsewhere_and_cannot_be_framed() {
    let installation = Installation::empty();
    let server = installation.start();
    let http = reqwest::Client::new();
    for (path, media_type) in [
        ("/", "text/html"),
        ("/graphql", "text/html"),
        ("/assets/app.js", "text/javascript"),
        ("/assets/authorize.js", "text/javascript"),
        ("/assets/console.js", "text/javascript"),
        ("/assets/client.js", "text/javascript"),
        ("/assets/operations.js", "text/javascript"),
        ("/assets/style.css", "text/css"),
    ] {
        let request = http.get(format!("{}{path}", server.url)).header("accept", "text/html,*/*");
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
        assert!(header("content-type").starts_with(media_type), "{path}");
        assert!(header("content-security-policy").contains("frame-ancestors 'none'"), "{path}");
        assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
        let text = response.text().await.unwrap();
        for foreign in ["https://", "http://", "//cdn", "onclick=", "eval("] {
            let found =
                text.lines().find(|line| line.contains(foreign) && !line.contains("www.w3.org"));
            assert_eq!(found, None, "{path}");
        }
        assert!(!text.to_lowercase().contains("is compliant"), "{path}");
    }
}

#[tokio::test]
async fn the_openapi_document_describes_every_rest_endpoint() {
    let installation = Installation::empty();
    let (server, client) = installation.set_up().await;
    let document = client.get("/v1/openapi.json").await.unwrap();
    assert_eq!(document["openapi"], "3.1.0");
    let paths = document["paths"].as_object().unwrap();
    for path in ["/v1/ingest/prowler", "/v1/ingest/runs/{id}", "/v1/documents"] {
        assert!(paths.contains_key(path), "{path} is missing");
    }
    // Each described operation is there: it answers, and not as an unknown path does.
    let http = reqwest::Client::new();
    for (path, operations) in paths {
        for method in operations.as_object().unwrap().keys().filter(|key| *key != "parameters") {
            let real = path.replace(['{', '}'], "");
            let method = reqwest::Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            let url = format!("{}{real}", server.url);
            let status = http.request(method.clone(), url).send().await.unwrap().status();
            assert!(status == 401 || status == 200, "{method} {path} without a token: {status}");
        }
    }
}

#[tokio::test]
async fn metrics_tell_counts_and_no_names() {
    let installation = Installation::empty();
    let (_server, client) = installation.set_up().await;
    let request = reqwest::get(format!("{}/metrics", client.url())).await.unwrap();
    let text = request.text().await.unwrap();
    assert!(
        text.contains("studio_http_responses_total{surface=\"graphql\",class=\"2xx\"} 2"),
        "{text}"
    );
    assert!(text.contains("studio_log_position{log=\"identity\"}"), "{text}");
    for secret in ["Ada", "example.org", "org_", "usr_"] {
        assert!(!text.contains(secret), "{text}");
    }
}

#[tokio::test]
async fn health_and_introspection() {
    let installation = Installation::empty();
    let (server, client) = installation.set_up().await;
    let http = reqwest::Client::new();
    for path in ["/health/live", "/health/ready"] {
        assert_eq!(http.get(format!("{}{path}", server.url)).send().await.unwrap().status(), 200);
    }
    // Introspection is for those who are signed in, and so is the schema's text.
    let text = "{ __schema { queryType { name } types { name description fields { name description } } } }";
    let stranger = studio_sdk::Client::new(&server.url).unwrap();
    assert!(stranger.query_text::<Value>(text, json!({})).await.is_err());
    assert_ne!(
        http.get(format!("{}/schema.graphql", server.url)).send().await.unwrap().status(),
        200
    );

    let data = client.query_text::<Value>(text, json!({})).await.unwrap();
    let ours = data["__schema"]["types"].as_array().unwrap().iter().filter(|of_type| {
        !of_type["name"].as_str().unwrap().starts_with("__") && !of_type["fields"].is_null()
    });
    let mut silent = Vec::new();
    for of_type in ours {
        for field in of_type["fields"].as_array().unwrap() {
            if field["description"].as_str().unwrap_or("").trim().is_empty() {
                silent.push(format!("{}.{}", of_type["name"], field["name"]));
            }
        }
    }
    assert!(silent.is_empty(), "fields without a description: {silent:#?}");
}

/// The operations that the page sends, by their names in the script: what stands between backticks.
fn operations_of_the_page() -> Vec<(String, String)> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/web/operations.js");
    let script = std::fs::read_to_string(script).unwrap();
    let mut parts = script.split('`');
    let mut operations = Vec::new();
    while let (Some(before), Some(text)) = (parts.next(), parts.next()) {
        let declared = before.rsplit("export const ").next().unwrap();
        let name = declared.trim_end().trim_end_matches('=').trim().to_owned();
        assert!(!text.contains("${"), "{name} is not a whole operation");
        operations.push((name, text.to_owned()));
    }
    assert_eq!(operations.len(), script.matches("export const ").count());
    operations
}

#[test]
fn every_operation_of_the_page_is_valid_against_the_schema() {
    let schema = concat!(env!("CARGO_MANIFEST_DIR"), "/schema/api.graphql");
    let mut schema = std::fs::read_to_string(schema).unwrap();
    // What every schema has without saying so.
    for scalar in ["String", "Int", "Float", "Boolean", "ID"] {
        schema.push_str(&format!("\nscalar {scalar}\n"));
    }
    let schema = parse_schema::<String>(&schema).unwrap().into_static();
    let rules = default_rules_validation_plan();
    let problems = |text: &str| -> Vec<String> {
        let operation = parse_query::<String>(text).unwrap().into_static();
        validate(&schema, &operation, &rules).into_iter().map(|error| error.message).collect()
    };
    let operations = operations_of_the_page();
    assert!(operations.len() > 5);
    for (name, text) in &operations {
        assert_eq!(problems(text), Vec::<String>::new(), "{name}");
        // And it would be seen: a field that there is not is a problem.
        let (open, rest) = text.split_once('{').unwrap();
        assert!(!problems(&format!("{open}{{ noSuchField {rest}")).is_empty(), "{name}");
    }
}

//! Subgraphs of third parties in Studio's graph: what they add, who may ask them, what they are told,
//! and what becomes of the graph where one of them is broken.

mod tickets;

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use studio_sdk::{Client, Error};
use tempfile::TempDir;

use self::tickets::Tickets;
use crate::{
    support::{EMAIL, Installation, PASSWORD, Server, create_project, mutate, query, until},
    tls_server::Authority,
};

// The subgraphs answer while a test waits for the server that asks them: they need a thread of their own.

const TICKETS: &str = "{ tickets { text state } }";

/// A configuration that can be written anew while the server runs.
struct Configuration {
    folder: TempDir,
}

impl Configuration {
    fn new(text: &str) -> Self {
        let configuration = Self { folder: tempfile::tempdir().unwrap() };
        configuration.write("studio.toml", text);
        configuration
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    async fn set_up(&self) -> (Installation, Server, Client) {
        let file = self.path("studio.toml");
        let installation =
            Installation::empty().with_setting("STUDIO_CONFIG", file.to_str().unwrap());
        let (server, client) = installation.set_up().await;
        (installation, server, client)
    }
}

fn extension(name: &str, url: &str, more: &str) -> String {
    format!("[[extensions.subgraphs]]\nname = \"{name}\"\nurl = \"{url}\"\n{more}\n")
}

fn with_schema(name: &str, file: &Path) -> String {
    // Nobody listens there, and nobody is asked.
    extension(name, "http://127.0.0.1:1/graphql", &format!("schema = {file:?}"))
}

/// The stable code with which the server refuses, and what it says.
async fn refusal(client: &Client, text: &str) -> (String, String) {
    match client.query_text::<Value>(text, json!({})).await {
        Err(Error::GraphQl(errors)) => {
            (errors[0].code().unwrap_or_default().to_owned(), errors[0].to_string())
        }
        other => panic!("{text}: {other:?}"),
    }
}

async fn knows(client: &Client, field: &str) -> bool {
    let asked = "{ __schema { queryType { fields { name } } } }";
    let data = query(client, asked, json!({})).await;
    let fields = data["__schema"]["queryType"]["fields"].as_array().unwrap();
    fields.iter().any(|known| known["name"] == field)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_extension_adds_to_the_graph_and_learns_nothing_of_the_token() {
    let tickets = Tickets::start().await;
    let more = format!(
        "subscriptions = \"websocket\"\nwebsocket_url = {:?}\nheaders = {{ X-Key = {{ file = \"key\" }} }}",
        tickets.url.replacen("http", "ws", 1) + "/events"
    );
    let configuration = Configuration::new("");
    let key = configuration.write("key", "hunter2\n");
    let more = more.replace("\"key\"", &format!("{key:?}"));
    configuration
        .write("studio.toml", &extension("tickets", &format!("{}/graphql", tickets.url), &more));
    let (_installation, server, owner) = configuration.set_up().await;

    for url in &server.urls {
        assert!(knows(&owner.at(url).unwrap(), "tickets").await, "{url}: {}", server.logged());
    }
    let door = json!({ "tickets": [{ "text": "mend the door", "state": "CLOSED" }] });
    assert_eq!(query(&owner, TICKETS, json!({})).await, door);
    // Fields of Studio's entities, in one query with Studio's own.
    let project = create_project(&owner, "Production").await;
    let text = "query($id: ID!) { project(id: $id) { name tickets { text } } }";
    let data = query(&owner, text, json!({ "id": project })).await;
    let of = format!("of {project}");
    let expected = json!({ "project": { "name": "Production", "tickets": [{ "text": of }] } });
    assert_eq!(data, expected);
    let open = "mutation { openTicket(text: \"mend the roof\") { text } }";
    query(&owner, open, json!({})).await;
    let token = owner.tokens().unwrap().access;
    let http = reqwest::Client::new();
    let events = http
        .post(format!("{}/graphql", server.url))
        .bearer_auth(&token)
        .header("accept", "text/event-stream")
        .json(&json!({ "query": "subscription { ticketOpened { text } }" }))
        .send()
        .await
        .unwrap();
    let events = events.text().await.unwrap();
    assert!(
        events.contains("{\"data\":{\"ticketOpened\":{\"text\":\"mend the roof\"}}}"),
        "{events}"
    );
    let schema = http.get(format!("{}/schema.graphql", server.url)).bearer_auth(&token);
    let schema = schema.send().await.unwrap().text().await.unwrap();
    assert!(schema.contains("tickets: [Ticket!]!") && knows(&owner, "tickets").await);

    // Nobody asks it who is not signed in, and nobody changes anything who may only read.
    let stranger = Client::new(&server.url).unwrap();
    let asked = tickets.headers().len();
    let subscription = "subscription { ticketOpened { text } }";
    for text in [TICKETS, open] {
        assert_eq!(refusal(&stranger, text).await.0, "UNAUTHENTICATED", "{text}");
    }
    let stream = http
        .post(format!("{}/graphql", server.url))
        .header("accept", "text/event-stream")
        .json(&json!({ "query": subscription }));
    assert!(stream.send().await.unwrap().text().await.unwrap().contains("UNAUTHENTICATED"));
    mutate(
        &owner,
        "mutation($input: CreateUserInput!) { createUser(input: $input) { user { id } userErrors { code message path } } }",
        json!({ "name": "Vera Reader", "email": "vera@example.org", "password": PASSWORD, "roles": ["VIEWER"] }),
    )
    .await;
    let viewer = Client::new(&server.url).unwrap();
    viewer.log_in("vera@example.org", PASSWORD).await.unwrap();
    let (code, message) = refusal(&viewer, open).await;
    assert_eq!(code, "FORBIDDEN");
    assert!(message.contains("extensions:field:update"), "{message}");
    assert_eq!(tickets.headers().len(), asked, "it was asked all the same");
    assert_eq!(query(&viewer, TICKETS, json!({})).await, door);
    assert_eq!(tickets.opened(), ["mend the roof"]);

    // What it was told: its key, the id of the request, and nothing of who asks.
    let organization = query(&owner, "{ organization { id } }", json!({})).await;
    let organization = organization["organization"]["id"].as_str().unwrap().to_owned();
    let told = tickets.headers();
    assert!(told.len() > 5);
    for headers in &told {
        assert_eq!(headers["x-key"], "hunter2");
        let said = format!("{headers:?}");
        assert!(!said.contains(&token) && !said.contains("Bearer"), "{said}");
        assert!(!headers.contains_key("authorization") && !said.contains(&organization), "{said}");
        assert!(!headers.contains_key("x-studio-caller"), "{said}");
    }
    assert!(told.iter().any(|headers| headers.contains_key("x-request-id")));
    let shown = server.logged();
    assert!(!shown.contains("hunter2"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_extension_is_told_what_the_operator_says() {
    let tickets = Tickets::start().await;
    let more =
        "forward_authorization = true\norganization_header = \"X-Organization\"\nanonymous = true";
    let configuration =
        Configuration::new(&extension("tickets", &format!("{}/graphql", tickets.url), more));
    let (_installation, server, owner) = configuration.set_up().await;
    query(&owner, TICKETS, json!({})).await;
    let data = query(&owner, "{ organization { id } }", json!({})).await;
    let last = tickets.headers().pop().unwrap();
    assert_eq!(last["x-organization"], data["organization"]["id"].as_str().unwrap());
    let token = format!("Bearer {}", owner.tokens().unwrap().access);
    assert_eq!(last["authorization"], token.as_str());
    // Whom nobody knows belongs to no organization, whatever the request says.
    let stranger = reqwest::Client::new()
        .post(format!("{}/graphql", server.url))
        .header("x-organization", "org_1")
        .json(&json!({ "query": TICKETS }));
    let answer: Value = stranger.send().await.unwrap().json().await.unwrap();
    assert_eq!(answer["data"]["tickets"][0]["text"], "mend the door", "{answer}");
    let last = tickets.headers().pop().unwrap();
    assert!(
        !last.contains_key("x-organization") && !last.contains_key("authorization"),
        "{last:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_extension_may_have_a_certificate_of_its_own_authority() {
    let ours = Authority::new("ours");
    let tickets = Tickets::start_encrypted(&ours).await;
    let events = tickets.url.replacen("http", "ws", 1) + "/events";
    let url = format!("{}/graphql", tickets.url);
    let more = format!("subscriptions = \"websocket\"\nwebsocket_url = {events:?}");
    let configuration = Configuration::new(&extension("tickets", &url, &more));
    let (_installation, server, owner) = configuration.set_up().await;
    let log = server.logged();
    assert!(log.contains("UnknownIssuer; if the authority is your own"), "{log}");
    assert!(!knows(&owner, "tickets").await);

    let ca = configuration.write("ca.pem", &ours.pem());
    let more = format!("{more}\nca = {ca:?}");
    configuration.write("studio.toml", &extension("tickets", &url, &more));
    server.hang_up();
    until("the tickets to be there", || async { knows(&owner, "tickets").await.then_some(()) })
        .await;
    let data = query(&owner, TICKETS, json!({})).await;
    assert_eq!(data["tickets"][0]["text"], "mend the door");
    let followed = reqwest::Client::new()
        .post(format!("{}/graphql", server.url))
        .bearer_auth(&owner.tokens().unwrap().access)
        .header("accept", "text/event-stream")
        .json(&json!({ "query": "subscription { ticketOpened { text } }" }));
    let events = followed.send().await.unwrap().text().await.unwrap();
    assert!(events.contains("mend the roof"), "{events}");
}

const LINK: &str = "extend schema @link(url: \"https://specs.apollo.dev/federation/v2.3\", import: [\"@key\", \"@override\", \"@shareable\"])\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_extension_leaves_the_graph_as_it_was() {
    let tickets = Tickets::start().await;
    let good = extension("tickets", &format!("{}/graphql", tickets.url), "");
    let configuration = Configuration::new("");
    let schema = |text: &str| configuration.write("notes.graphql", &format!("{LINK}{text}"));
    let notes = with_schema("notes", &schema("type Query { projects: Int @shareable }"));
    let away = extension("away", "http://127.0.0.1:1/graphql", "");
    configuration.write("studio.toml", &format!("{away}{notes}{good}"));

    // At the start each is judged by itself: one is away, one takes a field, one is fine.
    let (_installation, server, owner) = configuration.set_up().await;
    let ready = || async {
        let ready = reqwest::get(format!("{}/health/ready", server.url)).await.unwrap();
        assert_eq!(ready.status(), 200);
    };
    ready().await;
    let log = server.logged();
    for (name, part) in
        [("away", "cannot be asked"), ("notes", "projects"), ("notes", "goes on without it")]
    {
        let told = log.lines().any(|line| {
            line.contains("ERROR")
                && line.contains(&format!("extension=\"{name}\""))
                && line.contains(part)
        });
        assert!(told, "{name}, {part}: {log}");
    }
    assert!(knows(&owner, "tickets").await);
    assert!(
        query(&owner, "{ projects { nodes { id } } }", json!({})).await["projects"]["nodes"]
            .is_array()
    );

    // Mended, and taken in while the server runs.
    schema("type Query { notes: Int }");
    server.hang_up();
    until("the notes to be there", || async { knows(&owner, "notes").await.then_some(()) }).await;
    ready().await;

    // One that breaks later stays as it was, whatever is wrong with it.
    for (broken, reason) in [
        ("type Query { notes: Int", "cannot be read"),
        (
            "type Query { notes: Int } type Project @key(fields: \"id\") { id: ID! name: String! @override(from: \"controls\") }",
            "Project.name",
        ),
        ("type Query { notes: Int projects: Int @shareable }", "projects"),
        ("type Mutation { logIn: Int @shareable } type Query { notes: Int }", "logIn"),
    ] {
        schema(broken);
        server.hang_up();
        until(&format!("the log to say {reason}"), || async {
            let log = server.logged();
            log.lines()
                .any(|line| line.contains("it stays as it was before") && line.contains(reason))
                .then_some(())
        })
        .await;
        assert!(knows(&owner, "notes").await && knows(&owner, "tickets").await);
        ready().await;
    }
    configuration.write("studio.toml", "[[extensions.subgraphs]]\nname = \"tickets\"\n");
    server.hang_up();
    until("the log to name the setting", || async {
        server.logged().contains("the configuration cannot be used").then_some(())
    })
    .await;
    assert!(knows(&owner, "notes").await && knows(&owner, "tickets").await);

    // And goes when it is taken out.
    configuration.write("studio.toml", &good);
    server.hang_up();
    until("the notes to be gone", || async { (!knows(&owner, "notes").await).then_some(()) }).await;
    assert_eq!(query(&owner, TICKETS, json!({})).await["tickets"][0]["text"], "mend the door");
    // Whoever is signed in stays it.
    owner.refresh().await.unwrap();
    let again = Client::new(&server.url).unwrap();
    again.log_in(EMAIL, PASSWORD).await.unwrap();
    server.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_extension_that_comes_later_is_found_by_polling() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/graphql", listener.local_addr().unwrap());
    drop(listener);
    let text = format!("[extensions]\npoll_seconds = 1\n{}", extension("late", &url, ""));
    let configuration = Configuration::new(&text);
    let (_installation, server, owner) = configuration.set_up().await;
    assert!(!knows(&owner, "weather").await);

    struct Query;
    #[async_graphql::Object]
    impl Query {
        async fn weather(&self) -> &str {
            "fine"
        }
    }
    // Without federation.
    let schema = async_graphql::Schema::new(
        Query,
        async_graphql::EmptyMutation,
        async_graphql::EmptySubscription,
    );
    let app =
        axum::Router::new().route_service("/graphql", async_graphql_axum::GraphQL::new(schema));
    let address = url.trim_start_matches("http://").trim_end_matches("/graphql").to_owned();
    let listener = tokio::net::TcpListener::bind(address).await.unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    until("the weather to be there", || async { knows(&owner, "weather").await.then_some(()) })
        .await;
    assert_eq!(query(&owner, "{ weather }", json!({})).await, json!({ "weather": "fine" }));
    // What is wrong is said once by each router, however often it polls.
    let said = server.logged().matches("an extension is refused").count();
    assert_eq!(said, server.urls.len());
}

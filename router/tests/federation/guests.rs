//! Guests: what a stranger's subgraph may add to a graph, and what of it it may not touch.

use studio_router::{SubgraphSdl, Supergraph, compose, compose_guest};

const LINK: &str = r#"extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: [
    "@key", "@shareable", "@external", "@requires", "@provides", "@override", "@inaccessible",
    "@interfaceObject", "@tag"
]) "#;

const CONTROLS: &str = r#"
type Query { control(id: ID!): Control controls(by: By): [Control!]! page: Page! }
type Mutation { retire(id: ID!): Control }
"What is done."
type Control implements Node @key(fields: "id") {
  "The id of it."
  id: ID!
  title("In which language." language: String = "en"): String!
  state: State!
  owner: User
  score: Score
}
type Score { value: Float! }
interface Node { id: ID! }
"How far it is."
enum State { PLANNED DONE }
union Either = Control | Score
input By { state: State text: String }
type Page @shareable { more: Boolean! }
type User @key(fields: "id", resolvable: false) { id: ID! }
"#;

const IDENTITY: &str = r#"
type Query { me: User }
type User @key(fields: "id") { id: ID! name: String! }
type Page @shareable { more: Boolean! }
"#;

fn part(name: &str, sdl: &str) -> SubgraphSdl {
    let url = Some(format!("http://127.0.0.1:1/{name}"));
    SubgraphSdl { name: name.to_owned(), url, sdl: format!("{LINK}{sdl}") }
}

fn hosts() -> Vec<SubgraphSdl> {
    vec![part("controls", CONTROLS), part("identity", IDENTITY)]
}

/// What comes of a guest, whose name stands before those of its hosts.
fn with(sdl: &str) -> Result<Supergraph, String> {
    let hosts = hosts();
    let graph = compose(hosts.clone()).unwrap();
    compose_guest(&hosts, &graph, part("a-guest", sdl)).map_err(|errors| errors.to_string())
}

#[test]
fn a_guest_adds_types_root_fields_and_fields_of_entities() {
    let composed = with(
        r#"
        type Query { tickets(first: Int = 10): [Ticket!]! }
        type Mutation { open(control: ID!): Ticket }
        type Subscription { opened: Ticket }
        "A ticket of the guest's."
        type Ticket @key(fields: "id") { id: ID! control: Control! by: User page: Page! }
        "Something else entirely."
        type Control @key(fields: "id") {
          "Not the id."
          id: ID!
          title(language: String = "en"): String! @external
          tickets: [Ticket!]!
          length: Int @requires(fields: "title")
        }
        type User @key(fields: "id", resolvable: false) { id: ID! }
        type Page @shareable { more: Boolean! }
        "#,
    )
    .unwrap();
    for added in [
        "tickets(first: Int = 10): [Ticket!]!",
        "open(control: ID!): Ticket",
        "opened: Ticket",
        "length: Int",
        "A ticket of the guest's.",
        "What is done.",
        "The id of it.",
        "In which language.",
    ] {
        assert!(composed.api_sdl.contains(added), "{added} in {}", composed.api_sdl);
    }
    for not in ["Something else", "Not the id"] {
        assert!(!composed.sdl.contains(not), "{not}");
    }
}

#[test]
fn a_second_guest_may_extend_the_first_and_not_change_it() {
    let first = part(
        "tickets",
        "type Query { tickets: [Ticket!]! } type Ticket @key(fields: \"id\") { id: ID! text: String! }",
    );
    let mut hosts = hosts();
    let graph = compose(hosts.clone()).unwrap();
    let graph = compose_guest(&hosts, &graph, first.clone()).unwrap();
    hosts.push(first);
    let second = |field: &str| {
        let sdl = format!("type Ticket @key(fields: \"id\") {{ id: ID! {field} }}");
        compose_guest(&hosts, &graph, part("notes", &sdl)).map_err(|errors| errors.to_string())
    };
    assert!(second("note: String").unwrap().api_sdl.contains("note: String"));
    assert!(
        second("text: String! @override(from: \"tickets\")").unwrap_err().contains("Ticket.text")
    );
}

/// Each of these is refused, in words that name the place.
#[test]
fn a_guest_changes_nothing_of_what_is_there() {
    let entity = |fields: &str| format!("type Control @key(fields: \"id\") {{ id: ID! {fields} }}");
    let cases: Vec<(String, &str)> = vec![
        // It takes a field over, under whatever name the directive has there.
        (entity("title(language: String = \"en\"): String! @override(from: \"controls\")"), "Control.title"),
        (
            entity("title(language: String = \"en\"): String! @federation__override(from: \"controls\")"),
            "Control.title",
        ),
        (
            entity("state: State! @override(from: \"controls\", label: \"percent(0)\")")
                + " enum State { PLANNED DONE }",
            "Control.state",
        ),
        // It answers a field beside who answers it.
        (entity("title(language: String = \"en\"): String!"), "Control.title"),
        (entity("title(language: String = \"en\"): String! @shareable"), "Control.title"),
        ("type Query { me: User @shareable } type User @key(fields: \"id\") { id: ID! }".to_owned(), "Query.me"),
        ("type Mutation { retire(id: ID!): Control @shareable } ".to_owned() + &entity(""), "Mutation.retire"),
        (
            "type Query { best: Control @provides(fields: \"title\") } ".to_owned()
                + &entity("title(language: String = \"en\"): String! @external"),
            "@provides",
        ),
        // It changes what clients see.
        (entity("").replace("ID!", "ID"), "Control.id"),
        (entity("").replace("id: ID!", "id: ID! @inaccessible"), "Control.id"),
        (entity("").replace("id: ID!", "id: ID! @tag(name: \"mine\")"), "Control.id"),
        (entity("").replace("type Control", "type Control @inaccessible"), "Control"),
        (
            "interface Mine { id: ID! } ".to_owned()
                + &entity("").replace("type Control", "type Control implements Mine"),
            "Control would be changed",
        ),
        ("type Query { a: State } enum State { PLANNED DONE NEVER }".to_owned(), "State"),
        ("type Query { a(by: By): Int } input By { text: String }".to_owned(), "By"),
        ("type Query { a(by: By): Int } input By { state: State text: String! } enum State { PLANNED DONE }".to_owned(), "By"),
        ("type Query { a: Either } union Either = Control | Mine type Mine { a: Int } ".to_owned() + &entity(""), "Either"),
        ("type Query { a: Page } type Page @shareable { more: Boolean }".to_owned(), "Page.more"),
        ("type Query { a: Node } interface Node { id: ID! mine: Int }".to_owned(), "Node"),
        ("type Query { a: State } scalar State".to_owned(), "State"),
        // What it adds cannot be had.
        ("type Score { value: Float! @external mine: Int }".to_owned(), "Score"),
        ("type Score @key(fields: \"value\") { value: Float! mine: Int }".to_owned(), "Score"),
        (entity("lost: Lost"), "Lost"),
    ];
    let mut wrong = Vec::new();
    for (sdl, place) in cases {
        match with(&sdl) {
            Ok(_) => wrong.push(format!("taken: {sdl}")),
            Err(error) if error.contains(place) => {}
            Err(error) => wrong.push(format!("{place} is not named: {sdl}\n  {error}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_schema_that_is_too_much_is_not_read() {
    let deep = format!("type Query {{ a: {}Int{} }}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(with(&deep).unwrap_err().contains("brackets are open"));
    let deep = format!("type A @key(fields: \"{}\") {{ a: A }}", "a{".repeat(100_000));
    assert!(with(&deep).unwrap_err().contains("brackets are open"));
    let long = format!("# {}", "x".repeat(1 << 20));
    assert!(with(&long).unwrap_err().contains("bytes"));
    for (broken, reason) in [
        ("type Query { a: Int", "[a-guest] the schema cannot be read"),
        ("not a schema", "[a-guest] the schema cannot be read"),
        ("\u{0}", "[a-guest] the schema cannot be read"),
        ("type Query { a: Nowhere }", "Nowhere"),
    ] {
        let error = with(broken).unwrap_err();
        assert!(error.contains(reason), "{broken}: {error}");
    }
}

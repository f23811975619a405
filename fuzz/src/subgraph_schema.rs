//! The schema of a stranger's subgraph, as text or as what introspection answers: it is composed with
//! another graph, or refused. What is taken leaves that graph's own schema as it was.

use std::sync::LazyLock;

use studio_router::{
    PublicSchema, SubgraphSdl, Supergraph, compose, compose_guest, parsers::introspected_sdl,
};

const HOST: &str = r#"
extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key", "@shareable"])
type Query { control(id: ID!): Control }
type Control @key(fields: "id") { id: ID! state: State! page: Page }
type Page @shareable { more: Boolean! }
enum State { PLANNED DONE }
"#;

fn part(name: &str, sdl: &str) -> SubgraphSdl {
    SubgraphSdl { name: name.to_owned(), url: None, sdl: sdl.to_owned() }
}

static GRAPH: LazyLock<Supergraph> =
    LazyLock::new(|| compose(vec![part("host", HOST)]).expect("it composes"));

pub fn check(bytes: &[u8]) {
    let sdl = match introspected_sdl(bytes) {
        Ok(sdl) => sdl,
        Err(_no_answer) => match std::str::from_utf8(bytes) {
            Ok(text) => text.to_owned(),
            Err(_no_text) => return,
        },
    };
    let Ok(composed) = compose_guest(&[part("host", HOST)], &GRAPH, part("guest", &sdl)) else {
        return;
    };
    let read = |sdl: &str| PublicSchema::read(sdl).expect("what was composed is a schema");
    let changes = read(&GRAPH.api_sdl).changes(&read(&composed.api_sdl));
    assert!(changes.is_empty(), "{}", changes[0]);
}

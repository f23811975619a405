//! Every operation of the composed schema and every route of the server, tried by somebody of each
//! role, by a stranger and by a member of another organization, and held against the tables of
//! `docs/access.md`: one that is not listed there fails here on the day it is added.

mod calls;
mod people;
mod projects;
mod routes;
mod table;
pub(crate) mod websocket;

use std::collections::BTreeSet;

use serde_json::json;
use studio_sdk::Client;

use calls::{Ids, Schema, Told, call, subscribe};
use people::Stage;
use table::{Cell, ELSEWHERE, STRANGER, Table};

use crate::support::{Installation, query};

const ROOTS: [(&str, &str); 3] =
    [("query", "Query"), ("mutation", "Mutation"), ("subscription", "Subscription")];

/// Calls an operation about things.
async fn tell(
    schema: &Schema,
    client: &Client,
    operation: &str,
    field: &serde_json::Value,
    things: &Ids,
) -> Told {
    let name = field["name"].as_str().unwrap();
    let text = schema.call(operation, field, things);
    match operation {
        "subscription" => subscribe(client, name, &text).await,
        _ => call(client, name, &text).await,
    }
}

#[tokio::test]
async fn everybody_may_do_what_the_tables_say() {
    let stage = Stage::set().await;
    routes::try_all(&stage).await;

    let schema = Schema::read(&stage.people[0].client).await;
    let mut operations: Vec<_> = ROOTS
        .iter()
        .flat_map(|(operation, root)| {
            schema.fields(root).into_iter().map(move |field| (*operation, field))
        })
        .collect();
    // By their names, but that nobody is erased before all else was done to them, and whoever signs out
    // asks for nothing more.
    operations.sort_by_key(|(of, field)| {
        let name = field["name"].as_str().unwrap().to_owned();
        (name == "logOut", name == "eraseUser", *of == "mutation", name)
    });
    let Table(table) = Table::of("operation");
    let name = |operation: &str, field: &serde_json::Value| {
        format!("{operation} {}", field["name"].as_str().unwrap())
    };
    let there: BTreeSet<_> = operations.iter().map(|(of, field)| name(of, field)).collect();
    let listed: BTreeSet<_> = table.keys().cloned().collect();
    assert_eq!(listed, there, "docs/access.md must list the operations that there are");

    for (operation, field) in &operations {
        let row = &table[&name(operation, field)];
        let things = of(&stage.things, &stage.spare_project, field);
        let at = |who: &str| format!("{who}: {}", schema.call(operation, field, &things));

        let told = tell(&schema, &stage.stranger, operation, field, &things).await;
        match row[STRANGER] {
            Cell::Yes => assert!(told.worked(operation), "{}: {told:?}", at("a stranger")),
            _ => assert!(told.is("UNAUTHENTICATED"), "{}: {told:?}", at("a stranger")),
        }
        for person in &stage.people {
            let who = at(&person.column);
            let told = tell(&schema, &person.client, operation, field, &things).await;
            match row[&person.column] {
                Cell::Yes => assert!(told.worked(operation), "{who}: {told:?}"),
                Cell::No => assert!(told.is("FORBIDDEN"), "{who}: {told:?}"),
                Cell::Own => {
                    let own = of(&person.own, &stage.spare_project, field);
                    let others = schema.call(operation, field, &things);
                    // Where nothing is named, what is not their own is left out.
                    if others != schema.call(operation, field, &own) {
                        let refused = told.is("FORBIDDEN") || told.found_nothing();
                        assert!(refused, "{who}: {told:?}");
                    }
                    let told = tell(&schema, &person.client, operation, field, &own).await;
                    assert!(told.worked(operation), "{who}, their own: {told:?}");
                    let mine: BTreeSet<_> = own.values().map(String::as_str).collect();
                    assert!(told.ids().iter().all(|id| mine.contains(id)), "{who}: {told:?}");
                }
                other => panic!("{who}: {other:?} is for other organizations"),
            }
        }
        let told = tell(&schema, &stage.elsewhere, operation, field, &things).await;
        let who = at(ELSEWHERE);
        match row[ELSEWHERE] {
            Cell::Nothing => assert!(told.found_nothing(), "{who}: {told:?}"),
            _ => assert!(told.worked(operation), "{who}: {told:?}"),
        }
        let foreign: BTreeSet<_> = stage.things.values().map(String::as_str).collect();
        assert!(!told.ids().iter().any(|id| foreign.contains(id)), "{who}: {told:?}");
    }
    drop(stage.server);
}

/// The things for one operation: a project that is archived hinders no other operation.
fn of(things: &Ids, spare_project: &str, field: &serde_json::Value) -> Ids {
    let mut things = things.clone();
    if matches!(field["name"].as_str(), Some("archiveProject" | "restoreProject")) {
        things.insert("prj", spare_project.to_owned());
    }
    things
}

/// What a stranger may call leads to the schema as little as all else does.
#[tokio::test]
async fn a_stranger_does_not_see_the_schema() {
    const ASKED: &str = "{ __schema { types { name } } }";
    let installation = Installation::empty();
    let (server, owner) = installation.set_up().await;
    let schema = Schema::read(&owner).await;
    let stranger = Client::new(&server.url).unwrap();
    let Table(table) = Table::of("operation");
    let mut tried = 0;
    for (operation, root) in ROOTS {
        for field in schema.fields(root) {
            let name = field["name"].as_str().unwrap();
            let asked = schema.call(operation, &field, &Ids::new());
            let row = &table[&format!("{operation} {name}")];
            let through = asked.replace("{ userErrors { code } }", ASKED);
            // Some answer a value that has no fields.
            if row[STRANGER] != Cell::Yes || through == asked {
                continue;
            }
            let told = call(&stranger, name, &through).await;
            assert!(told.is("GRAPHQL_VALIDATION_FAILED"), "{through}: {told:?}");
            tried += 1;
        }
    }
    assert!(tried > 2, "{tried} operations");
    let beside = format!("{{ setUpState ...S }} fragment S on Query {ASKED}");
    for asked in [ASKED, &beside, "{ __type(name: \"Query\") { fields { name } } }"] {
        assert!(call(&stranger, "__schema", asked).await.is("FORBIDDEN"), "{asked}");
        query(&owner, asked, json!({})).await;
    }
}

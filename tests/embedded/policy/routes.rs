//! The routes of the server, as its sources name them, and each of them tried.

use std::{collections::BTreeSet, fs, path::Path};

use reqwest::{Method, StatusCode};
use serde_json::Value;
use studio_sdk::Client;

use super::{
    calls::Ids,
    people::Stage,
    table::{Cell, ELSEWHERE, STRANGER, Table},
};

/// The paths that the sources route: the files of the pages have one row together.
fn routed() -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = BTreeSet::new();
    for folder in ["src", "router/src", "subgraphs", "platform"] {
        walk(&root.join(folder), &mut paths);
    }
    let pages = fs::read_to_string(root.join("src/pages.rs")).unwrap();
    let files = pages.lines().filter_map(|line| line.trim().strip_prefix("(\"")?.split('"').next());
    let files = files.filter(|path| path.starts_with('/'));
    paths.extend(files.map(|path| match path.starts_with("/assets/") {
        true => "/assets/{file}".to_owned(),
        false => path.to_owned(),
    }));
    paths
}

fn walk(folder: &Path, paths: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if path.file_name().is_some_and(|name| name != "tests") {
                walk(&path, paths);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let product = text.split("#[cfg(test)]").next().unwrap();
            let calls = product.split(".route(").skip(1);
            let literals = calls.filter_map(|call| call.trim_start().strip_prefix('"'));
            paths.extend(literals.filter_map(|it| it.split('"').next()).map(str::to_owned));
        }
    }
}

/// What the REST part of the server describes, as method and path.
async fn described(client: &Client) -> BTreeSet<String> {
    let openapi = client.get("/v1/openapi.json").await.unwrap();
    let paths = openapi["paths"].as_object().unwrap().iter();
    let calls = paths.flat_map(|(path, methods)| {
        let methods = methods.as_object().unwrap().keys();
        methods.map(move |method| format!("{} {path}", method.to_uppercase()))
    });
    calls.collect()
}

/// Whether a document that is named must be somebody's.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Document {
    New,
    Named,
}

/// The status that a call gets.
async fn status(client: &Client, route: &str, ids: &Ids, document: Document) -> StatusCode {
    let (method, path) = route.split_once(' ').unwrap();
    let of = [
        ("/v1/ingest/runs", "run"),
        ("/v1/evidence", "evd"),
        ("/v1/documents", "doc"),
        ("/v1/people", "usr"),
    ];
    let of = of.iter().find(|(start, _)| path.starts_with(start)).map_or("", |(_, of)| *of);
    let path = path
        .replace("{id}", ids.get(of).map_or("", String::as_str))
        .replace("{number}", "1")
        .replace("{file}", "app.js")
        .replace("/json/{name}", "/json/users")
        .replace("{tenant}", "org_00000000000070008000000000000000")
        .replace("{version}", "dvr_00000000000070008000000000000000");
    let (query, body): (String, Value) = match route {
        "POST /v1/ingest/json/{name}" => (format!("?project={}", ids["prj"]), "{}".into()),
        "POST /v1/ingest/prowler" => (format!("?project={}&wait=0", ids["prj"]), "".into()),
        "POST /v1/documents" if document == Document::Named => {
            (format!("?project={}&document={}", ids["prj"], ids["doc"]), "text".into())
        }
        "POST /v1/documents" => (format!("?project={}&name=new.md", ids["prj"]), "text".into()),
        "POST /graphql" => (String::new(), serde_json::json!({ "query": "{ __typename }" })),
        _ => (String::new(), "".into()),
    };
    let method: Method = method.parse().unwrap();
    let mut request = reqwest::Client::new()
        .request(method.clone(), format!("{}{path}{query}", client.url()))
        .header("content-type", "application/json");
    if method == Method::POST {
        request = request.body(body.as_str().map_or_else(|| body.to_string(), str::to_owned));
    }
    if let Some(tokens) = client.tokens() {
        request = request.bearer_auth(tokens.access);
    }
    request.send().await.unwrap().status()
}

const REFUSED: [StatusCode; 2] = [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN];

/// Holds every route against the table.
pub(super) async fn try_all(stage: &Stage) {
    let Table(table) = Table::of("route");
    let path = |route: &String| route.split_once(' ').unwrap().1.to_owned();
    let listed: BTreeSet<String> = table.keys().map(path).collect();
    assert_eq!(listed, routed(), "docs/access.md must list the routes that there are");
    let rest = |route: &&String| route.contains(" /v1/") && !route.ends_with("openapi.json");
    let listed: BTreeSet<String> = table.keys().filter(rest).cloned().collect();
    assert_eq!(listed, described(&stage.people[0].client).await, "and with their methods");

    for (route, row) in &table {
        let named = Document::Named;
        if route.contains(" /internal/") {
            assert!(row.values().all(|cell| *cell == Cell::No), "{route}");
            let told = status(&stage.people[0].client, route, &stage.things, named).await;
            assert_eq!(told, StatusCode::NOT_FOUND, "{route}");
            continue;
        }
        // They are for directories, who are none of these.
        if route.contains(" /scim/") {
            assert!(row.values().all(|cell| *cell == Cell::No), "{route}");
            let people = stage.people.iter().map(|person| &person.client);
            for client in people.chain([&stage.stranger, &stage.elsewhere]) {
                let told = status(client, route, &stage.things, named).await;
                assert_eq!(told, StatusCode::UNAUTHORIZED, "{route}");
            }
            continue;
        }
        let worked = |told: StatusCode| {
            !REFUSED.contains(&told) && told != StatusCode::NOT_FOUND && !told.is_server_error()
        };
        let told = status(&stage.stranger, route, &stage.things, named).await;
        match row[STRANGER] {
            Cell::Yes => assert!(worked(told), "a stranger at {route}: {told}"),
            _ => assert!(REFUSED.contains(&told), "a stranger at {route}: {told}"),
        }
        for person in &stage.people {
            let at = format!("{} at {route}", person.column);
            let told = status(&person.client, route, &stage.things, named).await;
            match row[&person.column] {
                Cell::Yes => assert!(worked(told), "{at}: {told}"),
                Cell::Own => {
                    assert_eq!(told, StatusCode::FORBIDDEN, "{at}, somebody else's");
                    for document in [Document::New, Document::Named] {
                        let told = status(&person.client, route, &person.own, document).await;
                        assert!(worked(told), "{at}, their own: {told}");
                    }
                }
                Cell::No => assert_eq!(told, StatusCode::FORBIDDEN, "{at}"),
                other => panic!("{at}: {other:?} is for other organizations"),
            }
        }
        let told = status(&stage.elsewhere, route, &stage.things, named).await;
        match row[ELSEWHERE] {
            Cell::Nothing => assert_eq!(told, StatusCode::NOT_FOUND, "elsewhere at {route}"),
            _ => assert!(worked(told), "elsewhere at {route}: {told}"),
        }
    }
}

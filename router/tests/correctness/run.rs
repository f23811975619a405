//! Runs a case in process and over HTTP, and compares.

use crate::{
    case::{Answer, Case, Labels, Operation, read},
    journal::Journal,
    schema::Schema,
    server::serve,
    subgraph::Subgraph,
    world::World,
};
use async_graphql::Value;
use serde_json::Value as Json;
use std::sync::Arc;
use studio_router::{
    Caller, GraphqlRequest, Router, RouterBuilder, SubgraphSdl, check_plannable, compose,
    transport::{HttpOptions, HttpSubgraph, InProcess},
};

const LINK: &str = "extend schema @link(url: \"https://specs.apollo.dev/federation/v2.7\", import: [\
    \"@key\", \"@shareable\", \"@external\", \"@requires\", \"@provides\", \"@inaccessible\", \"@override\", \
    \"@interfaceObject\"])\n";

/// Carries the [`Labels`] of a request over HTTP.
const LABELS: &str = "x-labels";

/// A router, and what its subgraphs were asked.
struct Routed {
    router: Arc<Router>,
    journal: Arc<Journal>,
}

struct Running {
    near: Routed,
    far: Routed,
    /// Where clients reach the router whose subgraphs are reached over HTTP.
    url: String,
}

/// Ends where the case does not compose or an operation of it fails.
pub async fn check(name: &str) {
    let case = read(name);
    let mut problems = Vec::new();
    match start(&case).await {
        Err(problem) => problems.push(format!("composition: {problem}")),
        Ok(running) => {
            for operation in &case.operations {
                if let Err(problem) = try_operation(&running, operation).await {
                    problems.push(format!("{}: {problem}", operation.name));
                }
            }
        }
    }
    assert!(problems.is_empty(), "{}:\n{}", case.name, problems.join("\n\n"));
}

async fn start(case: &Case) -> Result<Running, String> {
    let sdls = || {
        case.subgraphs.iter().map(|(name, sdl)| SubgraphSdl {
            name: name.clone(),
            url: None,
            sdl: format!("{LINK}{sdl}"),
        })
    };
    let composed = compose(sdls().collect()).map_err(|errors| errors.to_string())?;
    check_plannable(&composed.sdl).map_err(|errors| errors.to_string())?;
    let backward = compose(sdls().rev().collect()).map_err(|errors| errors.to_string())?;
    if composed.sdl != backward.sdl {
        return Err("the order of subgraphs matters".to_owned());
    }

    let schemas: Vec<(Arc<str>, Arc<Schema>)> = case
        .subgraphs
        .iter()
        .map(|(name, sdl)| (name.as_str().into(), Arc::new(Schema::parse(sdl))))
        .collect();
    let world = Arc::new(World::new(&case.data, schemas.iter().map(|(_, schema)| &**schema)));
    let subgraphs = |journal: &Arc<Journal>| -> Vec<Subgraph> {
        let subgraph = |(name, schema): &(Arc<str>, Arc<Schema>)| Subgraph {
            name: name.clone(),
            schema: schema.clone(),
            world: world.clone(),
            journal: journal.clone(),
        };
        schemas.iter().map(subgraph).collect()
    };
    let journal = Arc::new(Journal::default());
    let mut builder = with_labels(Router::builder().supergraph(composed.sdl.clone()));
    for subgraph in subgraphs(&journal) {
        builder = builder.subgraph(subgraph.name.to_string(), Arc::new(InProcess::new(subgraph)));
    }
    let near = Routed { router: builder.build().map_err(|error| error.to_string())?, journal };

    let journal = Arc::new(Journal::default());
    let mut builder = with_labels(Router::builder().supergraph(composed.sdl));
    for subgraph in subgraphs(&journal) {
        let name = subgraph.name.to_string();
        let url = format!("http://{}/graphql", serve(subgraph.routes()).await);
        let transport = HttpSubgraph::new(&url, HttpOptions::default()).unwrap();
        builder = builder.subgraph(name, Arc::new(transport));
    }
    let builder = builder.authenticate(Arc::new(Everybody));
    let far = Routed { router: builder.build().map_err(|error| error.to_string())?, journal };
    let address = serve(studio_router::serve::routes(far.router.clone())).await;
    Ok(Running { near, far, url: format!("http://{address}/graphql") })
}

/// The labels of a request come with its caller.
fn with_labels(builder: RouterBuilder) -> RouterBuilder {
    let labels = |caller: &Caller| caller.extensions.get::<Labels>().cloned().unwrap_or_default();
    builder
        .override_labels(move |caller, name| labels(caller).on.iter().any(|on| on == name))
        .override_draw(move |caller| labels(caller).draw)
}

fn caller(labels: Labels) -> Caller {
    let mut caller = Caller { may_introspect: true, ..Caller::default() };
    caller.extensions.insert(labels);
    caller
}

/// Every client may see the schema.
struct Everybody;

#[async_trait::async_trait]
impl studio_router::Authenticate for Everybody {
    async fn authenticate(
        &self,
        headers: &http::HeaderMap,
        _: Option<&Json>,
    ) -> Result<Caller, studio_router::AuthError> {
        let labels = headers.get(LABELS).map(|labels| serde_json::from_slice(labels.as_bytes()));
        Ok(caller(labels.map(Result::unwrap).unwrap_or_default()))
    }
}

async fn try_operation(running: &Running, operation: &Operation) -> Result<(), String> {
    let request = Json::Object(operation.request.clone());
    let asked = GraphqlRequest::from_value(request.clone()).map_err(|error| error.message)?;
    let labels = operation.labels.clone();
    let header = serde_json::to_string(&labels).unwrap();
    let near = running.near.router.execute(asked, caller(labels)).await.body;
    let client = reqwest::Client::new().post(&running.url).header(LABELS, header);
    let sent = client.json(&request).send().await.unwrap();
    let far = sent.bytes().await.unwrap();
    let near = String::from_utf8(near.to_vec()).unwrap();
    let far = String::from_utf8(far.to_vec()).unwrap();

    let mut problems = Vec::new();
    for (how, answer, routed) in
        [("in process", &near, &running.near), ("over HTTP", &far, &running.far)]
    {
        let (counts, complaints) = routed.journal.take();
        problems.extend(complaints.into_iter().map(|complaint| format!("{how}: {complaint}")));
        if operation.answer.asked.as_ref().is_some_and(|asked| *asked != counts) {
            problems.push(format!("{how}: asked {}", Json::Object(counts)));
        }
        if let Err(problem) = compare(answer, &operation.answer) {
            problems.push(format!("{how}: {problem}"));
        }
    }
    if near != far {
        problems.push(format!("in process {near}, but over HTTP {far}"));
    }
    match problems.is_empty() {
        true => Ok(()),
        false => Err(problems.join("\n  ")),
    }
}

fn compare(body: &str, expected: &Answer) -> Result<(), String> {
    // Unlike other JSON values, these keep the order of their keys.
    let answer: Value = serde_json::from_str(body).map_err(|error| format!("{error}: {body}"))?;
    let Value::Object(mut answer) = answer else { return Err(format!("no object: {body}")) };
    let data = answer.swap_remove("data");
    let text =
        |data: &Option<Value>| data.as_ref().map(|data| serde_json::to_string(data).unwrap());
    if text(&data) != text(&expected.data) {
        let text = |data| text(data).unwrap_or_else(|| "no data".to_owned());
        return Err(format!("{}\n  expected {}\n  in {body}", text(&data), text(&expected.data)));
    }
    let errors = answer.swap_remove("errors").map(|errors| errors.into_json().unwrap());
    if !answer.is_empty() {
        return Err(format!("more than data and errors: {body}"));
    }
    let mut errors = errors.as_ref().and_then(Json::as_array).cloned().unwrap_or_default();
    for wanted in &expected.errors {
        let found = errors.iter().position(|error| {
            error.get("path") == wanted.path.as_ref()
                && wanted.message.as_ref().is_none_or(|message| error["message"] == **message)
                && wanted.code.as_ref().is_none_or(|code| error["extensions"]["code"] == **code)
        });
        match found {
            Some(index) => errors.remove(index),
            None => return Err(format!("no error {wanted:?} in {body}")),
        };
    }
    // A request may be refused for several reasons at once.
    let refused = data.is_none().then(|| expected.errors.first()?.code.as_ref()).flatten();
    errors.retain(|error| refused.is_none_or(|code| error["extensions"]["code"] != **code));
    match errors.is_empty() {
        true => Ok(()),
        false => Err(format!("unexpected errors {errors:?}")),
    }
}

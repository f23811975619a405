//! One-subgraph and three-subgraph queries through the router, in process and over HTTP, beside a
//! plain axum handler that returns a constant JSON of the same size. Each server is a process of
//! its own, so that its CPU time can be told from the load's.

use std::{process::Command, sync::Arc, time::Duration};

use anyhow::Context;
use async_graphql::{EmptyMutation, EmptySubscription, ID, Object, ObjectType, Schema};
use async_graphql_axum::GraphQL;
use axum::{Router, http::header, routing::post};
use clap::ValueEnum;
use studio_router::{SubgraphSdl, transport::InProcess};
use tokio::net::TcpListener;

use crate::{load, process::Process};

const ONE: &str = "{ products { id name price description } }";
const THREE: &str = "{ products { id name price description stock \
                     reviews { id stars text author } } }";
const PRODUCTS: usize = 50;
const REVIEWS: usize = 4;
const CONNECTIONS: usize = 32;
const LENGTH: Duration = Duration::from_secs(8);

/// What is measured.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Server {
    /// A plain handler with the answer of the one-subgraph query.
    ConstantOne,
    /// A plain handler with the answer of the three-subgraph query.
    ConstantThree,
    /// The router with its subgraphs in the same process.
    InProcess,
    /// The router with its subgraphs behind HTTP, in a process of their own.
    Http,
    /// The subgraphs behind HTTP.
    Subgraphs,
}

struct Product(usize);

#[Object]
impl Product {
    async fn id(&self) -> ID {
        ID(format!("p{}", self.0))
    }
    async fn name(&self) -> String {
        format!("Product {}", self.0)
    }
    async fn price(&self) -> i32 {
        1000 + self.0 as i32
    }
    async fn description(&self) -> &str {
        "A thing that many people buy and few people need, in a box of cardboard."
    }
}

struct Products;

#[Object(name = "Query")]
impl Products {
    async fn products(&self) -> Vec<Product> {
        (0..PRODUCTS).map(Product).collect()
    }
    #[graphql(entity)]
    async fn find(&self, #[graphql(key)] id: ID) -> Option<Product> {
        number(&id).map(Product)
    }
}

struct StockOf(usize);

#[Object(name = "Product")]
impl StockOf {
    async fn id(&self) -> ID {
        ID(format!("p{}", self.0))
    }
    async fn stock(&self) -> i32 {
        self.0 as i32 % 17
    }
}

struct Inventory;

#[Object(name = "Query")]
impl Inventory {
    async fn warehouses(&self) -> i32 {
        3
    }
    #[graphql(entity)]
    async fn find(&self, #[graphql(key)] id: ID) -> Option<StockOf> {
        number(&id).map(StockOf)
    }
}

struct Review(usize, usize);

#[Object]
impl Review {
    async fn id(&self) -> ID {
        ID(format!("r{}-{}", self.0, self.1))
    }
    async fn stars(&self) -> i32 {
        (self.0 + self.1) as i32 % 5 + 1
    }
    async fn text(&self) -> &str {
        "It does what it says, and it says little."
    }
    async fn author(&self) -> String {
        format!("Reader {}", (self.0 * 7 + self.1) % 40)
    }
}

struct ReviewsOf(usize);

#[Object(name = "Product")]
impl ReviewsOf {
    async fn id(&self) -> ID {
        ID(format!("p{}", self.0))
    }
    async fn reviews(&self) -> Vec<Review> {
        (0..REVIEWS).map(|n| Review(self.0, n)).collect()
    }
}

struct Reviews;

#[Object(name = "Query")]
impl Reviews {
    async fn review_count(&self) -> i32 {
        (PRODUCTS * REVIEWS) as i32
    }
    #[graphql(entity)]
    async fn find(&self, #[graphql(key)] id: ID) -> Option<ReviewsOf> {
        number(&id).map(ReviewsOf)
    }
}

fn number(id: &ID) -> Option<usize> {
    id.strip_prefix('p')?.parse().ok()
}

fn schema<Q: ObjectType + 'static>(query: Q) -> Schema<Q, EmptyMutation, EmptySubscription> {
    Schema::build(query, EmptyMutation, EmptySubscription).enable_federation().finish()
}

fn supergraph(url: impl Fn(&str) -> Option<String>) -> anyhow::Result<String> {
    let federation = || async_graphql::SDLExportOptions::new().federation();
    let part = |name: &str, sdl: String| SubgraphSdl { name: name.to_owned(), url: url(name), sdl };
    let parts = vec![
        part("products", schema(Products).sdl_with_options(federation())),
        part("inventory", schema(Inventory).sdl_with_options(federation())),
        part("reviews", schema(Reviews).sdl_with_options(federation())),
    ];
    Ok(studio_router::compose(parts).context("the subgraphs compose")?.sdl)
}

fn in_process() -> anyhow::Result<Arc<studio_router::Router>> {
    studio_router::Router::builder()
        .supergraph(supergraph(|_| None)?)
        .subgraph("products", Arc::new(InProcess::new(schema(Products))))
        .subgraph("inventory", Arc::new(InProcess::new(schema(Inventory))))
        .subgraph("reviews", Arc::new(InProcess::new(schema(Reviews))))
        .build()
        .context("the router starts")
}

fn body(query: &str) -> String {
    serde_json::json!({ "query": query }).to_string()
}

async fn answer(query: &str) -> anyhow::Result<String> {
    let router = in_process()?;
    let request = studio_router::GraphqlRequest::new(query);
    let answer = router.execute(request, studio_router::Caller::default()).await;
    anyhow::ensure!(!answer.has_errors, "{}", String::from_utf8_lossy(&answer.body));
    Ok(String::from_utf8(answer.body.to_vec())?)
}

/// Serves one of them and prints where.
pub(crate) async fn serve(server: Server) -> anyhow::Result<()> {
    let constant = |text: String| {
        let handler = move || async move { ([(header::CONTENT_TYPE, "application/json")], text) };
        Router::new().route("/graphql", post(handler))
    };
    let app = match server {
        Server::ConstantOne => constant(answer(ONE).await?),
        Server::ConstantThree => constant(answer(THREE).await?),
        Server::InProcess => studio_router::serve::routes(in_process()?),
        Server::Http => {
            let base = std::env::var("BENCH_SUBGRAPHS").context("BENCH_SUBGRAPHS is set")?;
            let sdl = supergraph(|name| Some(format!("{base}/{name}")))?;
            let router = studio_router::Router::builder().supergraph(sdl).build()?;
            studio_router::serve::routes(router)
        }
        Server::Subgraphs => Router::new()
            .route_service("/products", GraphQL::new(schema(Products)))
            .route_service("/inventory", GraphQL::new(schema(Inventory)))
            .route_service("/reviews", GraphQL::new(schema(Reviews))),
    };
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("listens on http://{}", listener.local_addr()?);
    Ok(axum::serve(listener, app).await?)
}

fn start(server: Server, subgraphs: Option<&str>) -> anyhow::Result<(Process, String)> {
    let mut command = Command::new(std::env::current_exe()?);
    let name = server.to_possible_value().context("a named server")?;
    command.args(["serve", name.get_name()]);
    if let Some(subgraphs) = subgraphs {
        command.env("BENCH_SUBGRAPHS", subgraphs);
    }
    let (process, line) = Process::start(command, "listens on ")?;
    let url = line.split("listens on ").nth(1).unwrap_or_default().trim().to_owned();
    Ok((process, url))
}

/// Measures all of them and prints a table.
pub(crate) async fn run() -> anyhow::Result<()> {
    println!("\n## Queries: {CONNECTIONS} connections, {LENGTH:?} each\n");
    println!("| query | server | requests/s | of constant | p50 ms | p99 ms | CPU ms/request | times constant | peak MiB |");
    println!("|---|---|---|---|---|---|---|---|---|");
    let (_subgraphs, subgraphs_url) = start(Server::Subgraphs, None)?;
    for (name, query, constant) in
        [("one subgraph", ONE, Server::ConstantOne), ("three subgraphs", THREE, Server::ConstantThree)]
    {
        let expected = answer(query).await?.len();
        let mut base: Option<(f64, f64)> = None;
        for (label, server) in
            [("constant", constant), ("in process", Server::InProcess), ("over HTTP", Server::Http)]
        {
            let (process, url) = start(server, Some(&subgraphs_url))?;
            let url = format!("{url}/graphql");
            load::run(&url, &body(query), expected, CONNECTIONS, Duration::from_secs(1)).await?;
            let before = process.cpu_seconds()?;
            let measured = load::run(&url, &body(query), expected, CONNECTIONS, LENGTH).await?;
            let cpu = (process.cpu_seconds()? - before) * 1000.0 / measured.requests as f64;
            let rate = measured.per_second();
            let (base_rate, base_cpu) = *base.get_or_insert((rate, cpu));
            println!(
                "| {name}, {expected} B | {label} | {rate:.0} | {:.3} | {:.2} | {:.2} | {cpu:.3} | {:.1} | {:.0} |",
                rate / base_rate,
                measured.p50.as_secs_f64() * 1000.0,
                measured.p99.as_secs_f64() * 1000.0,
                cpu / base_cpu,
                process.peak_mib()?,
            );
        }
    }
    Ok(())
}

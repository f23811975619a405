//! The four subgraphs of a small shop. Each is served by a process of its own and counts what it is
//! asked.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

use async_graphql::{EmptyMutation, EmptySubscription, Executor, ID, Object, ObjectType, Schema};
use async_graphql_axum::GraphQL;
use axum::{
    Router,
    extract::Request,
    middleware::{Next, from_fn},
    routing::get,
};
use clap::ValueEnum;

/// The subgraphs, by the names that they have in the supergraph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Subgraph {
    Users,
    Products,
    Reviews,
    Inventory,
}

impl Subgraph {
    pub(crate) const ALL: [Subgraph; 4] =
        [Subgraph::Users, Subgraph::Products, Subgraph::Reviews, Subgraph::Inventory];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Subgraph::Users => "users",
            Subgraph::Products => "products",
            Subgraph::Reviews => "reviews",
            Subgraph::Inventory => "inventory",
        }
    }

    /// The subgraph at `/graphql`, and at `/asked` how often it was asked.
    pub(crate) fn routes(self) -> Router {
        match self {
            Subgraph::Users => counted(schema(Users)),
            Subgraph::Products => counted(schema(Products)),
            Subgraph::Reviews => counted(schema(Reviews)),
            Subgraph::Inventory => counted(schema(Inventory)),
        }
    }

    /// The transport to it in this process.
    pub(crate) fn in_process(self) -> studio_router::transport::InProcess {
        use studio_router::transport::InProcess;
        match self {
            Subgraph::Users => InProcess::new(schema(Users)),
            Subgraph::Products => InProcess::new(schema(Products)),
            Subgraph::Reviews => InProcess::new(schema(Reviews)),
            Subgraph::Inventory => InProcess::new(schema(Inventory)),
        }
    }
}

fn schema<Q: ObjectType + 'static>(query: Q) -> Schema<Q, EmptyMutation, EmptySubscription> {
    Schema::build(query, EmptyMutation, EmptySubscription).enable_federation().finish()
}

fn counted(schema: impl Executor) -> Router {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    Router::new()
        .route_service("/graphql", GraphQL::new(schema))
        .layer(from_fn(move |request: Request, next: Next| {
            count.fetch_add(1, Relaxed);
            next.run(request)
        }))
        .route("/asked", get(move || async move { asked.load(Relaxed).to_string() }))
}

const USERS: usize = 6;
const PRODUCTS: usize = 9;
const REVIEWS: usize = 11;

/// The number in an id such as `u3`.
fn number(id: &ID, letter: char, count: usize) -> Option<usize> {
    let number = id.strip_prefix(letter)?.parse().ok()?;
    (number < count).then_some(number)
}

/// Who wrote a review.
fn author(review: usize) -> usize {
    review * 5 % USERS
}

/// What a review is about.
fn subject(review: usize) -> usize {
    review * 4 % PRODUCTS
}

fn price(product: usize) -> i32 {
    (product as i32 * 131) % 1_000 + 40
}

fn weight(product: usize) -> i32 {
    (product as i32 * 57) % 400 + 10
}

struct Users;
struct User(usize);

#[Object]
impl User {
    async fn id(&self) -> ID {
        ID(format!("u{}", self.0))
    }
    async fn name(&self) -> String {
        format!("Reader Number {}", self.0)
    }
    async fn username(&self) -> String {
        format!("reader-{}", self.0)
    }
    async fn birthday(&self) -> i32 {
        1_940 + self.0 as i32
    }
}

#[Object(name = "Query")]
impl Users {
    async fn me(&self) -> User {
        User(0)
    }
    async fn users(&self) -> Vec<User> {
        (0..USERS).map(User).collect()
    }
    #[graphql(entity)]
    async fn find(&self, #[graphql(key)] id: ID) -> Option<User> {
        number(&id, 'u', USERS).map(User)
    }
}

struct Products;
struct Product(usize);

#[Object]
impl Product {
    async fn upc(&self) -> ID {
        ID(format!("p{}", self.0))
    }
    async fn name(&self) -> String {
        format!("Thing Number {}", self.0)
    }
    async fn price(&self) -> Option<i32> {
        Some(price(self.0))
    }
    async fn weight(&self) -> Option<i32> {
        Some(weight(self.0))
    }
}

#[Object(name = "Query")]
impl Products {
    async fn top_products(&self, #[graphql(default = 5)] first: usize) -> Vec<Product> {
        (0..first.min(PRODUCTS)).map(Product).collect()
    }
    #[graphql(entity)]
    async fn find(&self, #[graphql(key)] upc: ID) -> Option<Product> {
        number(&upc, 'p', PRODUCTS).map(Product)
    }
}

struct Reviews;
struct Review(usize);
struct Author(usize);
struct Subject(usize);

#[Object]
impl Review {
    async fn id(&self) -> ID {
        ID(format!("r{}", self.0))
    }
    async fn body(&self) -> &str {
        "It does what it says, and it says little."
    }
    async fn author(&self) -> Author {
        Author(author(self.0))
    }
    async fn product(&self) -> Subject {
        Subject(subject(self.0))
    }
}

#[Object(name = "User")]
impl Author {
    async fn id(&self) -> ID {
        ID(format!("u{}", self.0))
    }
    async fn reviews(&self) -> Vec<Review> {
        (0..REVIEWS).filter(|review| author(*review) == self.0).map(Review).collect()
    }
}

#[Object(name = "Product")]
impl Subject {
    async fn upc(&self) -> ID {
        ID(format!("p{}", self.0))
    }
    async fn reviews(&self) -> Vec<Review> {
        (0..REVIEWS).filter(|review| subject(*review) == self.0).map(Review).collect()
    }
}

#[Object(name = "Query")]
impl Reviews {
    async fn review_count(&self) -> usize {
        REVIEWS
    }
    #[graphql(entity)]
    async fn user(&self, #[graphql(key)] id: ID) -> Option<Author> {
        number(&id, 'u', USERS).map(Author)
    }
    #[graphql(entity)]
    async fn product(&self, #[graphql(key)] upc: ID) -> Option<Subject> {
        number(&upc, 'p', PRODUCTS).map(Subject)
    }
}

struct Inventory;
struct Stock {
    number: usize,
    price: Option<i32>,
    weight: Option<i32>,
}

#[Object(name = "Product")]
impl Stock {
    async fn upc(&self) -> ID {
        ID(format!("p{}", self.number))
    }
    #[graphql(external)]
    async fn price(&self) -> Option<i32> {
        self.price
    }
    #[graphql(external)]
    async fn weight(&self) -> Option<i32> {
        self.weight
    }
    async fn in_stock(&self) -> bool {
        !self.number.is_multiple_of(3)
    }
    #[graphql(requires = "price weight")]
    async fn shipping_estimate(&self) -> Option<i32> {
        Some(if self.price? > 900 { 0 } else { self.weight? / 2 })
    }
}

#[Object(name = "Query")]
impl Inventory {
    async fn warehouses(&self) -> i32 {
        3
    }
    #[graphql(entity)]
    async fn find(
        &self,
        #[graphql(key)] upc: ID,
        price: Option<i32>,
        weight: Option<i32>,
    ) -> Option<Stock> {
        let number = number(&upc, 'p', PRODUCTS)?;
        Some(Stock { number, price, weight })
    }
}

//! The four subgraphs of a small shop. Each is served by a process of its own and counts what it is
//! asked. It may remember what it answered, so that the cores are there for the gateway that is measured.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use async_graphql::{EmptyMutation, EmptySubscription, Executor, ID, Object, ObjectType, Schema};
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
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

    /// The subgraph at `/graphql`, and at `/asked` how often it was asked. It makes each answer anew
    /// where it does not `remember` them.
    pub(crate) fn routes(self, remember: bool) -> Router {
        match self {
            Subgraph::Users => counted(schema(Users), remember),
            Subgraph::Products => counted(schema(Products), remember),
            Subgraph::Reviews => counted(schema(Reviews), remember),
            Subgraph::Inventory => counted(schema(Inventory), remember),
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

fn counted(schema: impl Executor, remember: bool) -> Router {
    let answers = remember.then(Mutex::default);
    let subgraph = Served { schema, asked: AtomicUsize::new(0), answers };
    Router::new()
        .route("/graphql", post(answer))
        .route("/asked", get(asked))
        .with_state(Arc::new(subgraph))
}

/// A subgraph that is served.
struct Served<E> {
    schema: E,
    asked: AtomicUsize,
    /// Answers by the bodies of their requests.
    answers: Option<Mutex<HashMap<Bytes, Bytes>>>,
}

impl<E> Served<E> {
    fn answers(&self) -> Option<MutexGuard<'_, HashMap<Bytes, Bytes>>> {
        Some(self.answers.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// As many answers are remembered: each gateway asks its own few questions again and again.
const REMEMBERED: usize = 1_000;

async fn answer<E: Executor>(State(subgraph): State<Arc<Served<E>>>, body: Bytes) -> Response {
    subgraph.asked.fetch_add(1, Relaxed);
    let known = subgraph.answers().and_then(|answers| answers.get(&body).cloned());
    let answer = match known {
        Some(known) => known,
        None => match executed(&subgraph.schema, &body).await {
            Ok(answer) => {
                if let Some(mut answers) = subgraph.answers()
                    && answers.len() < REMEMBERED
                {
                    answers.insert(body, answer.clone());
                }
                answer
            }
            Err(error) => return (StatusCode::BAD_REQUEST, error.to_string()).into_response(),
        },
    };
    ([(header::CONTENT_TYPE, "application/json")], answer).into_response()
}

async fn executed(schema: &impl Executor, body: &[u8]) -> serde_json::Result<Bytes> {
    let request: async_graphql::Request = serde_json::from_slice(body)?;
    Ok(serde_json::to_vec(&schema.execute(request).await)?.into())
}

async fn asked<E: Executor>(State(subgraph): State<Arc<Served<E>>>) -> String {
    subgraph.asked.load(Relaxed).to_string()
}

const USERS: usize = 6;
const PRODUCTS: usize = 9;
const REVIEWS: usize = 16;

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
        "It does what it says, and it says little. The box was whole when it came, the screws \
         were all there, and the second drawer has closed by itself ever since the cat learned \
         how to open it. I would buy it again, and have done so twice, for people of whom I think \
         well enough to visit them. The third one stands in the hall now, where nobody needs it \
         much."
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

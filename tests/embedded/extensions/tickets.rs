//! A third party's subgraph: tickets on projects, which knows nothing of Studio but that projects have
//! ids. It keeps the headers of every request.

use std::sync::{Arc, Mutex};

use async_graphql::{ComplexObject, Context, Enum, ID, Object, Schema, SimpleObject, Subscription};
use async_graphql_axum::{GraphQL, GraphQLSubscription};
use axum::{
    extract::{Request, State},
    http::HeaderMap,
    middleware::{self, Next},
    response::Response,
};
use futures::Stream;

use crate::tls_server::Authority;

#[derive(Clone, Copy, PartialEq, Eq, Enum)]
pub(super) enum TicketState {
    Open,
    Closed,
}

/// A ticket.
#[derive(Clone, SimpleObject)]
pub(super) struct Ticket {
    /// What it says.
    text: String,
    state: TicketState,
}

fn ticket(text: &str, state: TicketState) -> Ticket {
    Ticket { text: text.to_owned(), state }
}

#[derive(SimpleObject)]
#[graphql(complex)]
struct Project {
    id: ID,
}

#[ComplexObject]
impl Project {
    async fn tickets(&self) -> Vec<Ticket> {
        vec![ticket(&format!("of {}", *self.id), TicketState::Open)]
    }
}

pub(super) struct Query;

#[Object]
impl Query {
    async fn tickets(&self) -> Vec<Ticket> {
        vec![ticket("mend the door", TicketState::Closed)]
    }

    #[graphql(entity)]
    async fn project(&self, #[graphql(key)] id: ID) -> Option<Project> {
        Some(Project { id })
    }
}

pub(super) struct Mutation;

#[Object]
impl Mutation {
    async fn open_ticket(&self, context: &Context<'_>, text: String) -> Ticket {
        context.data_unchecked::<Opened>().0.lock().unwrap().push(text.clone());
        ticket(&text, TicketState::Open)
    }
}

pub(super) struct Events;

#[Subscription(name = "Subscription")]
impl Events {
    async fn ticket_opened(&self) -> impl Stream<Item = Ticket> {
        futures::stream::iter([ticket("mend the roof", TicketState::Open)])
    }
}

#[derive(Clone, Default)]
struct Opened(Arc<Mutex<Vec<String>>>);

/// Where it runs, and what it was asked.
pub(super) struct Tickets {
    pub(super) url: String,
    headers: Arc<Mutex<Vec<HeaderMap>>>,
    opened: Opened,
}

impl Tickets {
    pub(super) async fn start() -> Self {
        let (app, mut tickets) = Self::app();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        tickets.url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        tickets
    }

    /// The same over TLS, with a certificate of this authority.
    pub(super) async fn start_encrypted(authority: &Authority) -> Self {
        let (app, mut tickets) = Self::app();
        tickets.url = format!("https://{}", authority.serve("127.0.0.1", app).await);
        tickets
    }

    fn app() -> (axum::Router, Self) {
        let (opened, headers) = (Opened::default(), Arc::<Mutex<Vec<HeaderMap>>>::default());
        let schema = Schema::build(Query, Mutation, Events)
            .enable_federation()
            .enable_subscription_in_federation()
            .data(opened.clone())
            .finish();
        let app = axum::Router::new()
            .route_service("/graphql", GraphQL::new(schema.clone()))
            .route_service("/events", GraphQLSubscription::new(schema))
            .layer(middleware::from_fn_with_state(headers.clone(), keep));
        (app, Self { url: String::new(), headers, opened })
    }

    /// The headers of all requests so far.
    pub(super) fn headers(&self) -> Vec<HeaderMap> {
        self.headers.lock().unwrap().clone()
    }

    /// The tickets that were opened.
    pub(super) fn opened(&self) -> Vec<String> {
        self.opened.0.lock().unwrap().clone()
    }
}

async fn keep(
    State(headers): State<Arc<Mutex<Vec<HeaderMap>>>>,
    request: Request,
    next: Next,
) -> Response {
    headers.lock().unwrap().push(request.headers().clone());
    next.run(request).await
}

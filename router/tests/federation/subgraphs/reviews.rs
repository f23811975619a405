//! Reviews, which hang on the users and products of others, and events of them.

use super::Log;
use crate::data::{self, ReviewRow};
use async_graphql::{Context, ID, Object, Result, Schema, Subscription};
use futures::Stream;

#[derive(Clone)]
pub struct Review(ReviewRow);

#[Object]
impl Review {
    async fn id(&self) -> ID {
        self.0.id.into()
    }

    async fn body(&self) -> &str {
        self.0.body
    }

    async fn stars(&self) -> i32 {
        self.0.stars
    }

    async fn author(&self) -> User {
        User { id: self.0.author.into() }
    }

    async fn product(&self) -> Product {
        Product { upc: self.0.product.into() }
    }
}

pub struct User {
    id: ID,
}

#[Object]
impl User {
    async fn id(&self) -> &ID {
        &self.id
    }

    async fn reviews(&self) -> Vec<Review> {
        data::REVIEWS
            .iter()
            .filter(|review| review.author == *self.id)
            .cloned()
            .map(Review)
            .collect()
    }
}

pub struct Product {
    upc: ID,
}

#[Object]
impl Product {
    async fn upc(&self) -> &ID {
        &self.upc
    }

    async fn reviews(&self, first: Option<i32>) -> Vec<Review> {
        let first = usize::try_from(first.unwrap_or(10)).unwrap_or_default();
        let own = data::REVIEWS.iter().filter(|review| review.product == *self.upc);
        own.take(first).cloned().map(Review).collect()
    }
}

pub struct Query;

#[Object]
impl Query {
    #[graphql(entity)]
    async fn find_review(&self, #[graphql(key)] id: ID) -> Option<Review> {
        data::REVIEWS.iter().find(|review| review.id == *id).cloned().map(Review)
    }

    #[graphql(entity)]
    async fn find_user(&self, #[graphql(key)] id: ID) -> Option<User> {
        Some(User { id })
    }

    #[graphql(entity)]
    async fn find_product(&self, #[graphql(key)] upc: ID) -> Option<Product> {
        Some(Product { upc })
    }

    async fn reviews(&self) -> Vec<Review> {
        data::REVIEWS.iter().cloned().map(Review).collect()
    }

    async fn dangling(&self) -> Vec<Option<Review>> {
        vec![Some(Review(data::REVIEWS[0].clone())), Some(Review(data::DANGLING))]
    }
}

pub struct Events;

#[Subscription(name = "Subscription")]
impl Events {
    async fn review_added(
        &self,
        #[graphql(default = 3)] count: usize,
    ) -> impl Stream<Item = Review> {
        futures::stream::iter(data::REVIEWS.iter().take(count).cloned().map(Review))
    }

    /// Never ends by itself; its end is recorded.
    async fn forever(&self, ctx: &Context<'_>) -> Result<impl Stream<Item = Review>> {
        struct OnDrop(Log);
        impl Drop for OnDrop {
            fn drop(&mut self) {
                self.0.0.lock().unwrap().push("ended".to_owned());
            }
        }
        let guard = OnDrop(ctx.data::<Log>()?.clone());
        let first = futures::stream::iter([Review(data::REVIEWS[0].clone())]);
        let rest = futures::stream::pending();
        Ok(futures::StreamExt::map(futures::StreamExt::chain(first, rest), move |review| {
            let _ = &guard;
            review
        }))
    }
}

pub fn schema(log: Log) -> Schema<Query, async_graphql::EmptyMutation, Events> {
    Schema::build(Query, async_graphql::EmptyMutation, Events)
        .data(log)
        .enable_federation()
        .enable_subscription_in_federation()
        .finish()
}

//! Stock, and an estimate that needs the price and weight of another subgraph.

use crate::data;
use async_graphql::{ID, Object, Schema};

pub struct Product {
    upc: ID,
    price: Option<i32>,
    weight: Option<i32>,
}

#[Object]
impl Product {
    async fn upc(&self) -> &ID {
        &self.upc
    }

    #[graphql(external)]
    async fn price(&self) -> Option<i32> {
        self.price
    }

    #[graphql(external)]
    async fn weight(&self) -> Option<i32> {
        self.weight
    }

    async fn in_stock(&self) -> Option<bool> {
        data::product(&self.upc).and_then(|product| product.in_stock)
    }

    #[graphql(requires = "price weight")]
    async fn shipping_estimate(&self) -> Option<i32> {
        data::shipping(self.price, self.weight)
    }
}

pub struct Query;

#[Object]
impl Query {
    #[graphql(entity)]
    async fn find_product(
        &self,
        #[graphql(key)] upc: ID,
        price: Option<i32>,
        weight: Option<i32>,
    ) -> Option<Product> {
        Some(Product { upc, price, weight })
    }
}

pub fn schema() -> Schema<Query, async_graphql::EmptyMutation, async_graphql::EmptySubscription> {
    Schema::build(Query, async_graphql::EmptyMutation, async_graphql::EmptySubscription)
        .enable_federation()
        .finish()
}

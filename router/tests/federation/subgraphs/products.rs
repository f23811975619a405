//! Products and the categories they stand in: an interface, a union, arguments with defaults.

use super::Log;
use crate::data::{self, Filter, Lang, ProductRow};
use async_graphql::{Context, ID, Interface, MaybeUndefined, Object, Result, Schema, Union};

#[derive(Interface)]
#[graphql(field(name = "title", ty = "String"))]
pub enum Titled {
    Product(Product),
    Category(Category),
}

#[derive(Union)]
pub enum Found {
    Product(Product),
    Category(Category),
}

#[derive(Clone)]
pub struct Product(ProductRow);

#[Object]
impl Product {
    async fn upc(&self) -> ID {
        self.0.upc.into()
    }

    async fn title(&self) -> String {
        self.0.name.to_owned()
    }

    async fn name(&self) -> &str {
        self.0.name
    }

    async fn price(&self) -> Option<i32> {
        self.0.price
    }

    async fn weight(&self) -> Option<i32> {
        self.0.weight
    }

    async fn label(&self, #[graphql(default_with = "Lang::En")] lang: Lang) -> String {
        data::label(self.0.name, lang)
    }

    async fn related(&self, first: Option<i32>) -> Vec<Product> {
        let first = usize::try_from(first.unwrap_or(10)).unwrap_or_default();
        self.0
            .related
            .iter()
            .take(first)
            .filter_map(|upc| data::product(upc))
            .map(Product)
            .collect()
    }
}

#[derive(Clone)]
pub struct Category {
    pub name: String,
}

#[Object]
impl Category {
    async fn title(&self) -> String {
        format!("all {}", self.name)
    }

    /// Nullable here, and not in `Product`.
    async fn name(&self) -> Option<&str> {
        Some(&self.name)
    }

    async fn products(&self) -> Vec<Product> {
        data::PRODUCTS.iter().cloned().map(Product).collect()
    }
}

pub struct Query;

#[Object]
impl Query {
    #[graphql(entity)]
    async fn find_product(&self, #[graphql(key)] upc: ID) -> Option<Product> {
        data::product(&upc).map(Product)
    }

    async fn top_products(&self, #[graphql(default = 3)] first: i32) -> Vec<Product> {
        let first = usize::try_from(first).unwrap_or_default();
        data::PRODUCTS.iter().take(first).cloned().map(Product).collect()
    }

    async fn product(&self, upc: ID) -> Option<Product> {
        data::product(&upc).map(Product)
    }

    async fn search(&self) -> Vec<Found> {
        let category = Category { name: "Furniture".to_owned() };
        vec![
            Found::Category(category),
            Found::Product(Product(data::PRODUCTS[0].clone())),
            Found::Product(Product(data::PRODUCTS[2].clone())),
        ]
    }

    async fn titled(&self) -> Vec<Titled> {
        let category = Category { name: "Furniture".to_owned() };
        vec![Titled::Product(Product(data::PRODUCTS[1].clone())), Titled::Category(category)]
    }

    async fn describe(&self, filter: Option<Filter>, number: MaybeUndefined<i32>) -> String {
        format!("{} {number:?}", data::described(filter))
    }
}

pub struct Mutation;

#[Object]
impl Mutation {
    async fn touch_product(&self, ctx: &Context<'_>, upc: ID) -> Result<Option<Product>> {
        ctx.data::<Log>()?.0.lock().unwrap().push(format!("products {}", *upc));
        Ok(data::product(&upc).map(Product))
    }

    async fn count(&self, ctx: &Context<'_>, by: i32) -> Result<i32> {
        let log = ctx.data::<Log>()?;
        let mut log = log.0.lock().unwrap();
        log.push(format!("count {by}"));
        Ok(log.len() as i32)
    }
}

pub fn schema(log: Log) -> Schema<Query, Mutation, async_graphql::EmptySubscription> {
    Schema::build(Query, Mutation, async_graphql::EmptySubscription)
        .data(log)
        .enable_federation()
        .finish()
}

//! The same product as one schema: what the router's answers must equal.

use crate::{
    data::{self, Filter, Lang, ProductRow, ReviewRow, Role, UserRow},
    subgraphs::{Log, refused},
};
use async_graphql::{
    Context, EmptySubscription, ID, Interface, MaybeUndefined, Object, Result, Schema, Union,
};

#[derive(Clone)]
pub struct User(UserRow);

#[Object]
impl User {
    async fn id(&self) -> ID {
        self.0.id.into()
    }
    async fn name(&self) -> Result<&str> {
        Ok(self.0.name)
    }
    async fn email(&self) -> Option<&str> {
        self.0.email
    }
    async fn role(&self) -> Role {
        self.0.role
    }
    async fn secret(&self) -> Result<String> {
        match self.0.broken {
            true => Err(refused("the secret")),
            false => Ok(format!("secret of {}", self.0.name)),
        }
    }
    async fn maybe_secret(&self) -> Result<Option<String>> {
        match self.0.broken {
            true => Err(refused("the secret")),
            false => Ok(Some(format!("secret of {}", self.0.name))),
        }
    }
    async fn reviews(&self) -> Vec<Review> {
        data::REVIEWS
            .iter()
            .filter(|review| review.author == self.0.id)
            .cloned()
            .map(Review)
            .collect()
    }
}

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
    async fn author(&self) -> Result<User> {
        data::user(self.0.author).map(User).ok_or_else(|| refused("the author"))
    }
    async fn product(&self) -> Result<Product> {
        data::product(self.0.product).map(Product).ok_or_else(|| refused("the product"))
    }
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
    async fn reviews(&self, first: Option<i32>) -> Vec<Review> {
        let first = usize::try_from(first.unwrap_or(10)).unwrap_or_default();
        let own = data::REVIEWS.iter().filter(|review| review.product == self.0.upc);
        own.take(first).cloned().map(Review).collect()
    }
    async fn in_stock(&self) -> Option<bool> {
        self.0.in_stock
    }
    async fn shipping_estimate(&self) -> Option<i32> {
        data::shipping(self.0.price, self.0.weight)
    }
}

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

pub struct Category {
    name: String,
}

#[Object]
impl Category {
    async fn title(&self) -> String {
        format!("all {}", self.name)
    }
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
    async fn me(&self) -> Option<User> {
        data::user("u1").map(User)
    }
    async fn user(&self, id: ID) -> Option<User> {
        data::user(&id).map(User)
    }
    async fn users(&self) -> Vec<User> {
        data::USERS.iter().cloned().map(User).collect()
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
    async fn reviews(&self) -> Vec<Review> {
        data::REVIEWS.iter().cloned().map(Review).collect()
    }
}

pub struct Mutation;

#[Object]
impl Mutation {
    async fn touch_user(&self, ctx: &Context<'_>, id: ID) -> Result<Option<User>> {
        ctx.data::<Log>()?.0.lock().unwrap().push(format!("users {}", *id));
        Ok(data::user(&id).map(User))
    }
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

pub fn schema(log: Log) -> Schema<Query, Mutation, EmptySubscription> {
    Schema::build(Query, Mutation, EmptySubscription).data(log).finish()
}

//! Four real subgraphs: users, products, reviews, inventory.

use crate::data::{self, Filter, Lang, ProductRow, ReviewRow, Role, UserRow};
use async_graphql::{
    ComplexObject, Context, Error, ErrorExtensions, ID, Interface, MaybeUndefined, Object, Result,
    Schema, SimpleObject, Subscription, Union,
};
use futures::Stream;
use std::sync::{Arc, Mutex};

/// What mutations did, in order.
#[derive(Clone, Default)]
pub struct Log(pub Arc<Mutex<Vec<String>>>);

/// What the caller's extensions brought into the resolvers.
#[derive(Clone, Debug)]
pub struct Actor(pub String);

pub fn refused(what: &str) -> Error {
    Error::new(format!("{what} cannot be read"))
        .extend_with(|_, extensions| extensions.set("code", "FORBIDDEN"))
}

pub mod users {
    use super::*;

    #[derive(SimpleObject, Clone)]
    #[graphql(complex)]
    pub struct User {
        id: ID,
        name: String,
        email: Option<String>,
        role: Role,
        #[graphql(skip)]
        broken: bool,
    }

    #[ComplexObject]
    impl User {
        async fn secret(&self) -> Result<String> {
            match self.broken {
                true => Err(refused("the secret")),
                false => Ok(format!("secret of {}", self.name)),
            }
        }

        async fn maybe_secret(&self) -> Result<Option<String>> {
            match self.broken {
                true => Err(refused("the secret")),
                false => Ok(Some(format!("secret of {}", self.name))),
            }
        }
    }

    impl From<UserRow> for User {
        fn from(row: UserRow) -> User {
            User {
                id: row.id.into(),
                name: row.name.to_owned(),
                email: row.email.map(str::to_owned),
                role: row.role,
                broken: row.broken,
            }
        }
    }

    pub struct Query;

    #[Object]
    impl Query {
        #[graphql(entity)]
        async fn find_user(&self, #[graphql(key)] id: ID) -> Option<User> {
            data::user(&id).map(User::from)
        }

        async fn me(&self) -> Option<User> {
            data::user("u1").map(User::from)
        }

        async fn user(&self, id: ID) -> Option<User> {
            data::user(&id).map(User::from)
        }

        async fn users(&self) -> Vec<User> {
            data::USERS.iter().cloned().map(User::from).collect()
        }

        async fn whoami(&self, ctx: &Context<'_>) -> Option<String> {
            ctx.data_opt::<Actor>().map(|actor| actor.0.clone())
        }
    }

    pub struct Mutation;

    #[Object]
    impl Mutation {
        async fn touch_user(&self, ctx: &Context<'_>, id: ID) -> Result<Option<User>> {
            ctx.data::<Log>()?.0.lock().unwrap().push(format!("users {}", *id));
            Ok(data::user(&id).map(User::from))
        }
    }

    pub struct Ticks;

    #[Subscription(name = "Subscription")]
    impl Ticks {
        async fn user_seen(&self) -> impl Stream<Item = User> {
            futures::stream::iter(data::USERS.iter().cloned().map(User::from))
        }
    }

    pub fn schema(log: Log) -> Schema<Query, Mutation, Ticks> {
        Schema::build(Query, Mutation, Ticks)
            .data(log)
            .enable_federation()
            .enable_subscription_in_federation()
            .finish()
    }
}

pub mod products {
    use super::*;

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
}

pub mod reviews {
    use super::*;

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
}

pub mod inventory {
    use super::*;

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

    pub fn schema() -> Schema<Query, async_graphql::EmptyMutation, async_graphql::EmptySubscription>
    {
        Schema::build(Query, async_graphql::EmptyMutation, async_graphql::EmptySubscription)
            .enable_federation()
            .finish()
    }
}

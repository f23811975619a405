//! Who there is: users by id, one of whom asks.

use super::{Actor, Log, refused};
use crate::data::{self, Role, UserRow};
use async_graphql::{
    ComplexObject, Context, ID, Object, Result, Schema, SimpleObject, Subscription,
};
use futures::Stream;

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

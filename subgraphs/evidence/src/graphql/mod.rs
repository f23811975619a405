//! The GraphQL schema of evidence (DESIGN section 4), one file per entity. Whatever is read or
//! changed passes the policy first, and every loader lives for one request.

mod asset;
mod control;
mod evidence;
mod finding;
mod ingest_run;
mod loaders;
mod mutation;
mod project;
mod query;

use std::sync::Arc;

use async_graphql::{Context, EmptySubscription, Result, Schema, SchemaBuilder};
use studio_access::Resource;
use studio_kernel::{TenantId, Timestamp};
use studio_service::{
    GraphQlService, Served,
    graphql::{actor, gql},
};

use crate::commands::Core;

/// The schema, with loaders made anew for each request.
pub(crate) fn service(core: &Core) -> Arc<dyn GraphQlService> {
    let schema = schema().data(core.clone()).finish();
    let core = core.clone();
    Served::new(schema, move |request| loaders::prepare(&core, request))
}

/// The federation SDL, without a store behind it.
pub(crate) fn sdl() -> String {
    Served::new(schema().finish(), |request| request).sdl()
}

fn schema() -> SchemaBuilder<query::Query, mutation::Mutation, EmptySubscription> {
    Schema::build(query::Query, mutation::Mutation, EmptySubscription)
        .enable_federation()
        .enable_subscription_in_federation()
}

/// The organization in which the actor may do this to things of that kind.
fn allowed<'a>(
    ctx: &Context<'a>,
    action: &str,
    kind: &'static str,
) -> Result<(&'a Core, TenantId)> {
    let core = ctx.data::<Core>()?;
    let actor = actor(ctx)?;
    let resource = Resource::any(kind, actor.tenant);
    let scope = core.policy.require(actor, action, &resource).map_err(gql)?;
    Ok((core, scope.tenant()))
}

fn instant(micros: i64) -> chrono::DateTime<chrono::Utc> {
    Timestamp::from_micros(micros).to_datetime()
}

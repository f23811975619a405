//! The GraphQL schema of evidence (DESIGN section 4), one file per entity. Whatever is read or
//! changed passes the policy first, and every loader lives for one request.

mod asset;
mod control;
mod control_test;
mod evidence;
mod finding;
mod ingest_run;
mod loaders;
mod mutation;
mod project;
mod query;

use std::sync::Arc;

use async_graphql::{Context, EmptySubscription, Result, Schema, SchemaBuilder};
use studio_access::{Clearance, Extent};
use studio_kernel::Timestamp;
use studio_service::{
    ApiError, GraphQlService, Served,
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

/// How far the actor may do this to things of that kind.
fn allowed<'a>(ctx: &Context<'a>, action: &str, kind: &'static str) -> Result<(&'a Core, Extent)> {
    let core = ctx.data::<Core>()?;
    Ok((core, core.extent(actor(ctx)?, action, kind).map_err(gql)?))
}

/// The same, of the things of a project that somebody's answer names. One that the actor does not see is none.
fn allowed_in<'a>(
    ctx: &Context<'a>,
    action: &str,
    kind: &'static str,
    project: &str,
) -> Result<&'a Core> {
    let (core, extent) = allowed(ctx, action, kind)?;
    if extent.holds(project) { Ok(core) } else { Err(gql(ApiError::not_found("project", project))) }
}

/// What of things of that kind, which have the class of their evidence, the actor may do this to.
fn cleared<'a>(
    ctx: &Context<'a>,
    action: &str,
    kind: &'static str,
) -> Result<(&'a Core, Clearance)> {
    let core = ctx.data::<Core>()?;
    Ok((core, core.clearance(actor(ctx)?, action, kind).map_err(gql)?))
}

/// The same, of the things of a project that somebody's answer names. One that the actor does not see is none.
fn cleared_in<'a>(
    ctx: &Context<'a>,
    action: &str,
    kind: &'static str,
    project: &str,
) -> Result<(&'a Core, Clearance)> {
    let (core, clearance) = cleared(ctx, action, kind)?;
    if clearance.reaches(project) {
        Ok((core, clearance))
    } else {
        Err(gql(ApiError::not_found("project", project)))
    }
}

fn instant(micros: i64) -> chrono::DateTime<chrono::Utc> {
    Timestamp::from_micros(micros).to_datetime()
}

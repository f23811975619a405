//! The GraphQL types of this subgraph, one file per entity.

mod contribution;
mod control;
mod control_list;
mod control_score;
mod coverage;
mod coverage_gaps;
mod crosswalk;
mod dependency;
mod enums;
mod excepted;
mod exception;
mod framework;
mod impact;
mod inherited;
mod inputs;
mod inputs_reviews;
mod inputs_score_watch;
mod inputs_tests;
mod loaders;
mod mutation_controls;
mod mutation_frameworks;
mod mutation_mappings;
mod mutation_nonconformities;
mod mutation_projects;
mod mutation_reviews;
mod mutation_rules;
mod mutation_score_watches;
mod mutation_tests;
mod nonconformity;
mod not_applicable;
mod period_coverage;
mod project;
mod query;
mod reach;
mod references;
mod requirement;
mod score;
mod score_alert;
mod score_diff;
mod score_forecast;
mod score_history;
mod score_target;
mod simulated_changes;
mod simulation;
mod single_points;
mod sliced;
mod subscription;
mod test;
mod test_result;
mod test_rule;

use std::{any::TypeId, sync::Arc};

use async_graphql::{Context, MergedObject, Request, Result, Schema};
use studio_kernel::{Actor, Id, id::Kind};
use studio_service::{
    ApiError, GraphQlService, Served,
    graphql::{PageArgs, UserError, actor, gql},
};

use crate::{
    app::App,
    commands::CommandError,
    projections::read::{From, Read},
};

/// Changes of projects, frameworks and controls, what departs from the rule, and what scores are watched
/// for.
#[derive(MergedObject, Default)]
pub(crate) struct Mutation(
    mutation_projects::ProjectMutations,
    mutation_frameworks::FrameworkMutations,
    mutation_controls::ControlMutations,
    mutation_nonconformities::NonconformityMutations,
    mutation_reviews::ReviewMutations,
    mutation_mappings::MappingMutations,
    mutation_score_watches::ScoreWatchMutations,
    mutation_rules::RuleMutations,
    mutation_tests::TestMutations,
);

pub(crate) type ControlsSchema = Schema<query::Query, Mutation, subscription::Subscription>;

/// The schema; without an [`App`] it can only be printed.
pub(crate) fn schema(app: Option<Arc<App>>) -> ControlsSchema {
    let mut builder = Schema::build(query::Query, Mutation::default(), subscription::Subscription)
        .enable_federation()
        .enable_subscription_in_federation();
    if let Some(app) = app {
        builder = builder.data(app);
    }
    builder.finish()
}

/// The schema, and for each request its own loaders, bound to the actor's organization.
pub(crate) fn serve(
    app: &Arc<App>,
) -> Arc<Served<query::Query, Mutation, subscription::Subscription>> {
    let app = app.clone();
    Served::new(schema(Some(app.clone())), move |request: Request| {
        let actor = request.data.get(&TypeId::of::<Actor>());
        let actor = actor.and_then(|actor| actor.downcast_ref::<Actor>()).cloned();
        match actor {
            Some(actor) => request.data(loaders::Loaders::new(&app, actor)),
            // Without an actor every resolver answers UNAUTHENTICATED before it loads anything.
            None => request,
        }
    })
}

/// The federation SDL, without a store behind it.
pub(crate) fn sdl() -> String {
    Served::new(schema(None), |request| request).sdl()
}

fn app<'a>(ctx: &Context<'a>) -> Result<&'a Arc<App>> {
    ctx.data::<Arc<App>>()
}

/// The read models, where the actor may do this with them.
fn read(ctx: &Context<'_>, action: &str) -> Result<Read> {
    app(ctx)?.read(actor(ctx)?, action).map_err(gql)
}

fn loaders<'a>(ctx: &Context<'a>) -> Result<&'a loaders::Loaders> {
    actor(ctx)?;
    ctx.data::<loaders::Loaders>()
}

/// A page of rows that are ordered by ordinal.
fn from(page: &PageArgs) -> Result<From> {
    let after = match &page.after {
        None => -1,
        Some(after) => after.parse().map_err(|_| bad_cursor())?,
    };
    Ok(From { after, limit: page.limit() })
}

fn bad_cursor() -> async_graphql::Error {
    gql(ApiError::new(
        studio_kernel::Code::BadRequest,
        "That cursor is not of this list: pass endCursor, or the cursor of an edge, as it came.",
    ))
}

/// An id in a row of our own.
fn own_id<K: Kind>(id: &str) -> Result<Id<K>> {
    id.parse().map_err(|error| gql(ApiError::internal(error)))
}

/// What a mutation answers: what was made, or what the person can mend.
type Settled<T> = std::result::Result<T, Vec<UserError>>;

/// Splits what the person can mend from everything else.
fn settle<T>(outcome: std::result::Result<T, CommandError>) -> Result<Settled<T>> {
    match outcome {
        Ok(made) => Ok(Ok(made)),
        Err(CommandError::User(error)) => Ok(Err(vec![error])),
        Err(CommandError::Users(errors)) => Ok(Err(errors)),
        Err(CommandError::Api(error)) => Err(gql(error)),
    }
}

//! What hangs together: what a control rests on and what rests on it, over any number of others.

use async_graphql::{
    Context, ID, Object, Result, SimpleObject,
    connection::{Connection, Edge, EmptyFields},
};
use futures::future::try_join_all;
use studio_access::Resource;
use studio_entities::controls::control::Model as Row;
use studio_kernel::{Actor, Code, Id, kind};
use studio_service::{
    ApiError,
    graphql::{PageArgs, actor, encode_cursor, gql},
};
use studio_stores::graph::{self, Reach, Reached, View, limits};

use super::{
    app,
    control::Control,
    impact::{LostValue, Worth},
    loaders,
    loaders::there,
    own_id,
};
use crate::domain::score::ControlDifference;

/// What is said of a list beside its page.
#[derive(SimpleObject)]
pub(super) struct Completeness {
    /// Whether there was more than one question may read: then the list holds a part of it.
    pub(super) truncated: bool,
}

/// A list that may be cut.
pub(super) type Cut<T> = Connection<String, T, Completeness, EmptyFields>;

/// A page of things that are sorted by the texts behind their cursors.
pub(super) fn page<T, N: async_graphql::OutputType>(
    all: Vec<T>,
    truncated: bool,
    args: &PageArgs,
    key: impl Fn(&T) -> String,
    node: impl Fn(T) -> N,
) -> Cut<N> {
    let after = args.after.as_deref();
    let mut rest: Vec<(String, T)> = all
        .into_iter()
        .map(|thing| (key(&thing), thing))
        .skip_while(|(key, _)| after.is_some_and(|after| key.as_str() <= after))
        .take(args.first + 1)
        .collect();
    let more = rest.len() > args.first;
    rest.truncate(args.first);
    let mut connection =
        Connection::with_additional_fields(after.is_some(), more, Completeness { truncated });
    let edges = rest.into_iter().map(|(key, thing)| Edge::new(encode_cursor(&key), node(thing)));
    connection.edges.extend(edges);
    connection
}

/// The graph of the actor's organization, where the actor may do this with what lies in a project. Nothing
/// leads from one project into another but what all of them share: requirements and frameworks.
pub(super) async fn view(
    ctx: &Context<'_>,
    action: &str,
    project: Id<kind::Project>,
) -> Result<std::sync::Arc<dyn View>> {
    let actor: &Actor = actor(ctx)?;
    let app = app(ctx)?;
    let resource = Resource::any("Graph", actor.tenant).of_project(project);
    app.require(actor, action, &resource).map_err(gql)?;
    app.graphs.view(actor).await.map_err(gql)
}

/// Every control on the ways.
pub(super) async fn controls(ctx: &Context<'_>, ids: &[Id<kind::Control>]) -> Result<Vec<Control>> {
    let loaders = loaders(ctx)?;
    let rows = try_join_all(ids.iter().map(|id| loaders.controls(id.to_string()))).await?;
    rows.into_iter().map(|row| there(row, "control").map(Control)).collect()
}

/// Which way dependencies are followed.
#[derive(Clone, Copy)]
pub(super) enum Follow {
    /// To what a control rests on.
    Dependencies,
    /// To what rests on it.
    Dependents,
}

async fn reach(
    ctx: &Context<'_>,
    control: &Row,
    follow: Follow,
    depth: Option<i32>,
) -> Result<Reach> {
    let deepest = limits::DEPTH;
    let depth = match depth {
        None => deepest,
        Some(depth) => u32::try_from(depth)
            .ok()
            .filter(|depth| (1..=deepest).contains(depth))
            .ok_or_else(|| {
                gql(ApiError::new(
                    Code::BadRequest,
                    format!("depth is {depth}: follow 1 to {deepest} dependencies."),
                ))
            })?,
    };
    let view = view(ctx, "controls:graph:read", own_id(&control.project)?).await?;
    let control = own_id(&control.id)?;
    let reach = match follow {
        Follow::Dependencies => graph::dependencies(&*view, control, depth).await,
        Follow::Dependents => graph::dependents(&*view, control, depth).await,
    };
    reach.map_err(gql)
}

/// A page of what is reached from a control.
pub(super) async fn reached(
    ctx: &Context<'_>,
    control: &Row,
    follow: Follow,
    depth: Option<i32>,
    args: PageArgs,
) -> Result<Cut<ReachedControl>> {
    let reach = reach(ctx, control, follow, depth).await?;
    let key = |reached: &Reached| reached.control.to_string();
    let node = |reached| ReachedControl { reached, loss: None };
    Ok(page(reach.controls, reach.truncated, &args, key, node))
}

/// The circles that a control rests on.
pub(super) async fn cycles(ctx: &Context<'_>, control: &Row) -> Result<Vec<DependencyCycle>> {
    let reach = reach(ctx, control, Follow::Dependencies, None).await?;
    Ok(reach.cycles.into_iter().map(DependencyCycle).collect())
}

/// A control that is reached from another one along dependencies.
pub(super) struct ReachedControl {
    pub(super) reached: Reached,
    /// What would become of it, where a loss is asked about.
    pub(super) loss: Option<ControlDifference>,
}

/// A control that is reached from another one along dependencies.
#[Object]
impl ReachedControl {
    /// The control.
    async fn control(&self, ctx: &Context<'_>) -> Result<Control> {
        let row = loaders(ctx)?.controls(self.reached.control.to_string()).await?;
        there(row, "control").map(Control)
    }

    /// How strongly the two hang together: the product of the strengths along the strongest path,
    /// more than 0 and at most 1. Such a share of a loss at the one end reaches the other. In an
    /// impact it is 0 where no path of at most 16 dependencies leads here: then the control asked
    /// about makes up for a failure on the way.
    async fn weight(&self) -> f64 {
        self.reached.weight.to_f64()
    }

    /// The strongest path, from the control that was asked about to this one; of several the
    /// shortest. Empty where the weight is 0.
    async fn path(&self, ctx: &Context<'_>) -> Result<Vec<Control>> {
        controls(ctx, &self.reached.path).await
    }

    /// In an impact, what it is worth; else null.
    async fn before(&self) -> Option<Worth> {
        self.loss.map(|loss| loss.before.value.into())
    }

    /// In an impact, what it would be worth if the control asked about failed entirely; else null.
    async fn after(&self) -> Option<Worth> {
        self.loss.map(|loss| loss.after.value.into())
    }

    /// In an impact, what it would lose; else null.
    async fn loses(&self) -> Option<LostValue> {
        self.loss.map(|loss| LostValue::between(&loss.before.value, &loss.after.value))
    }
}

/// The circles of dependencies of a project.
pub(super) async fn project_cycles(
    ctx: &Context<'_>,
    project: Id<kind::Project>,
    args: PageArgs,
) -> Result<Cut<DependencyCycle>> {
    let view = view(ctx, "controls:graph:read", project).await?;
    let found = graph::dependency_cycles(&*view, project).await.map_err(gql)?;
    let key =
        |cycle: &Vec<Id<kind::Control>>| cycle.first().map(ToString::to_string).unwrap_or_default();
    Ok(page(found.cycles, found.truncated, &args, key, DependencyCycle))
}

/// Controls that rest on each other in a circle.
pub(super) struct DependencyCycle(pub(super) Vec<Id<kind::Control>>);

/// Controls that rest on each other in a circle.
#[Object]
impl DependencyCycle {
    /// Each rests on the next one, and the last on the first.
    async fn controls(&self, ctx: &Context<'_>) -> Result<Vec<Control>> {
        controls(ctx, &self.0).await
    }
}

/// An id of the graph, for the wire.
pub(super) fn wire(id: impl std::fmt::Display) -> ID {
    ID(id.to_string())
}

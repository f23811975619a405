//! What hangs together: what a control rests on and what rests on it, over any number of others.

use async_graphql::{
    Context, ID, Object, Result, SimpleObject, Union,
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
use studio_stores::graph::{self, Affected, NodeId, NodeKind, Reach, Reached, View, limits};

use super::{
    app, control::Control, framework::Framework, loaders, loaders::there, own_id,
    requirement::Requirement,
};

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
    Ok(page(reach.controls, reach.truncated, &args, key, ReachedControl))
}

/// The circles that a control rests on.
pub(super) async fn cycles(ctx: &Context<'_>, control: &Row) -> Result<Vec<DependencyCycle>> {
    let reach = reach(ctx, control, Follow::Dependencies, None).await?;
    Ok(reach.cycles.into_iter().map(DependencyCycle).collect())
}

/// A control that is reached from another one along dependencies.
pub(super) struct ReachedControl(Reached);

/// A control that is reached from another one along dependencies.
#[Object]
impl ReachedControl {
    /// The control.
    async fn control(&self, ctx: &Context<'_>) -> Result<Control> {
        let row = loaders(ctx)?.controls(self.0.control.to_string()).await?;
        there(row, "control").map(Control)
    }

    /// How strongly the two hang together: the product of the strengths along the strongest path,
    /// more than 0 and at most 1. Such a share of a loss at the one end reaches the other.
    async fn weight(&self) -> f64 {
        self.0.weight.to_f64()
    }

    /// The strongest path, from the control that was asked about to this one; of several the
    /// shortest.
    async fn path(&self, ctx: &Context<'_>) -> Result<Vec<Control>> {
        controls(ctx, &self.0.path).await
    }
}

/// Controls that rest on each other in a circle.
pub(super) struct DependencyCycle(Vec<Id<kind::Control>>);

/// Controls that rest on each other in a circle.
#[Object]
impl DependencyCycle {
    /// Each rests on the next one, and the last on the first.
    async fn controls(&self, ctx: &Context<'_>) -> Result<Vec<Control>> {
        controls(ctx, &self.0).await
    }
}

/// What a loss of a control can reach.
pub(super) struct Impact(graph::Impact);

/// What a loss of a control can reach.
pub(super) async fn impact(ctx: &Context<'_>, control: &Row) -> Result<Impact> {
    let view = view(ctx, "controls:graph:read", own_id(&control.project)?).await?;
    let impact = graph::impact(&*view, own_id(&control.id)?).await;
    impact.map(Impact).map_err(gql)
}

/// What a loss of a control can reach: where its value falls, theirs can.
#[Object]
impl Impact {
    /// The controls in force that rest on it, directly or through others.
    async fn controls(
        &self,
        #[graphql(desc = "How many, 1 to 100; 20 by default.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which to start.")] after: Option<String>,
    ) -> Result<Cut<ReachedControl>> {
        let args = PageArgs::new(first, after)?;
        let key = |reached: &Reached| reached.control.to_string();
        Ok(page(self.0.controls.clone(), self.0.truncated, &args, key, ReachedControl))
    }

    /// The requirements that it or one of these controls covers, in any framework of any project.
    async fn requirements(
        &self,
        #[graphql(desc = "How many, 1 to 100; 20 by default.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which to start.")] after: Option<String>,
    ) -> Result<Cut<AffectedRequirement>> {
        let args = PageArgs::new(first, after)?;
        let key = |affected: &Affected<Id<kind::Requirement>>| affected.id.to_string();
        let all = self.0.requirements.clone();
        Ok(page(all, self.0.truncated, &args, key, AffectedRequirement))
    }

    /// The frameworks of these requirements.
    async fn frameworks(
        &self,
        #[graphql(desc = "How many, 1 to 100; 20 by default.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which to start.")] after: Option<String>,
    ) -> Result<Cut<AffectedFramework>> {
        let args = PageArgs::new(first, after)?;
        let key = |affected: &Affected<Id<kind::Framework>>| affected.id.to_string();
        let all = self.0.frameworks.clone();
        Ok(page(all, self.0.truncated, &args, key, AffectedFramework))
    }
}

/// A requirement that a loss of a control can reach.
pub(super) struct AffectedRequirement(Affected<Id<kind::Requirement>>);

/// A requirement that a loss of a control can reach.
#[Object]
impl AffectedRequirement {
    /// The requirement.
    async fn requirement(&self, ctx: &Context<'_>) -> Result<Requirement> {
        let row = loaders(ctx)?.requirements(self.0.id.to_string()).await?;
        there(row, "requirement").map(Requirement)
    }

    /// At most such a share of a loss of the control reaches it: the product of the strengths and
    /// shares along the strongest path.
    async fn weight(&self) -> f64 {
        self.0.weight.to_f64()
    }

    /// That path, from the control to the requirement.
    async fn path(&self, ctx: &Context<'_>) -> Result<Vec<ImpactStep>> {
        steps(ctx, &self.0.path).await
    }
}

/// A framework that a loss of a control can reach.
pub(super) struct AffectedFramework(Affected<Id<kind::Framework>>);

/// A framework that a loss of a control can reach.
#[Object]
impl AffectedFramework {
    /// The framework.
    async fn framework(&self, ctx: &Context<'_>) -> Result<Framework> {
        let row = loaders(ctx)?.frameworks(self.0.id.to_string()).await?;
        there(row, "framework").map(Framework)
    }

    /// The weight of the requirement in it that is reached most strongly.
    async fn weight(&self) -> f64 {
        self.0.weight.to_f64()
    }

    /// The way there, from the control to the framework.
    async fn path(&self, ctx: &Context<'_>) -> Result<Vec<ImpactStep>> {
        steps(ctx, &self.0.path).await
    }
}

/// Something on the way that a loss takes.
#[derive(Union)]
pub(super) enum ImpactStep {
    Control(Control),
    Requirement(Requirement),
    Framework(Framework),
}

async fn steps(ctx: &Context<'_>, path: &[NodeId]) -> Result<Vec<ImpactStep>> {
    try_join_all(path.iter().map(|node| step(ctx, *node))).await
}

async fn step(ctx: &Context<'_>, node: NodeId) -> Result<ImpactStep> {
    let (loaders, id) = (loaders(ctx)?, node.to_string());
    Ok(match node.kind() {
        NodeKind::Control => {
            ImpactStep::Control(Control(there(loaders.controls(id).await?, "control")?))
        }
        NodeKind::Requirement => {
            let row = there(loaders.requirements(id).await?, "requirement")?;
            ImpactStep::Requirement(Requirement(row))
        }
        NodeKind::Framework => {
            ImpactStep::Framework(Framework(there(loaders.frameworks(id).await?, "framework")?))
        }
        other => {
            return Err(gql(ApiError::internal(format!("{other:?} is no step of an impact"))));
        }
    })
}

/// An id of the graph, for the wire.
pub(super) fn wire(id: impl std::fmt::Display) -> ID {
    ID(id.to_string())
}

//! What proves a requirement, and whose work is behind a score.

use async_graphql::{Context, Object, Result, SimpleObject};
use futures::future::try_join_all;
use studio_kernel::{Id, kind};
use studio_service::graphql::{PageArgs, actor, gql};
use studio_stores::graph::{self, Person};

use super::{
    app,
    control::Control,
    loaders,
    loaders::there,
    reach::{Cut, page, view, wire},
    references::{Evidence, User},
    requirement::Requirement,
    test::ControlTest,
};

/// The ways from a requirement to what proves it in a project.
pub(super) async fn paths(
    ctx: &Context<'_>,
    requirement: Id<kind::Requirement>,
    project: Id<kind::Project>,
    args: PageArgs,
) -> Result<Cut<CoveragePath>> {
    let view = view(ctx, "controls:graph:read", project).await?;
    // Which requirements carry nothing is asked for whoever asks: no score is shown by it.
    let (app, tenant) = (app(ctx)?, actor(ctx)?.tenant);
    let scores = app.scores.view(tenant, project, None, None).await.map_err(gql)?;
    let without = scores.model.not_applicable();
    let coverage = graph::coverage_paths(&*view, requirement, project, &without).await;
    let coverage = coverage.map_err(gql)?;
    Ok(page(coverage.paths, coverage.truncated, &args, place, CoveragePath))
}

/// The text behind a path's cursor: sorts as the paths do, because ids are of one length.
fn place(path: &graph::CoveragePath) -> String {
    let mut place = path.through.len().to_string();
    for requirement in &path.through {
        place.push_str(&format!("/{requirement}"));
    }
    place.push_str(&format!("/{}", path.control));
    if let Some(test) = path.test {
        place.push_str(&format!("/{test}"));
    }
    if let Some(rests_on) = path.evidence {
        place.push_str(&format!("/{}/{:010}", rests_on.evidence, rests_on.version));
    }
    place
}

/// One way from a requirement to what proves it. It ends where there is no more: without a test
/// nothing is looked at, without evidence nothing was seen.
pub(super) struct CoveragePath(graph::CoveragePath);

/// One way from a requirement to what proves it. It ends where there is no more: without a test
/// nothing is looked at, without evidence nothing was seen.
#[Object]
impl CoveragePath {
    /// The requirements that the value is inherited from by approved mappings, the nearest first;
    /// empty for what covers the requirement itself.
    async fn through(&self, ctx: &Context<'_>) -> Result<Vec<Requirement>> {
        let loaders = loaders(ctx)?;
        let ids = self.0.through.iter().map(|id| loaders.requirements(id.to_string()));
        let rows = try_join_all(ids).await?;
        rows.into_iter().map(|row| there(row, "requirement").map(Requirement)).collect()
    }

    /// The control.
    async fn control(&self, ctx: &Context<'_>) -> Result<Control> {
        let row = loaders(ctx)?.controls(self.0.control.to_string()).await?;
        there(row, "control").map(Control)
    }

    /// The test of the control; null where it has none.
    async fn test(&self, ctx: &Context<'_>) -> Result<Option<ControlTest>> {
        let Some(test) = self.0.test else { return Ok(None) };
        let row = loaders(ctx)?.tests(test.to_string()).await?;
        there(row, "test").map(|row| Some(ControlTest(row)))
    }

    /// What the newest results of the test come from; null where there are none, or where they were
    /// entered by hand. Evidence that was rejected is not shown.
    async fn evidence(&self) -> Option<Evidence> {
        self.0.evidence.map(|rests_on| Evidence { id: wire(rests_on.evidence) })
    }

    /// The version of the evidence.
    async fn evidence_version(&self) -> Option<u32> {
        self.0.evidence.map(|rests_on| rests_on.version)
    }

    /// The share of the requirement that the control covers, times what the mappings carry: more
    /// than 0 and at most 1.
    async fn weight(&self) -> f64 {
        self.0.weight.to_f64()
    }
}

/// The people behind the score of a framework in a project.
pub(super) async fn people(
    ctx: &Context<'_>,
    project: Id<kind::Project>,
    framework: Id<kind::Framework>,
    args: PageArgs,
) -> Result<Cut<PersonBehindScore>> {
    let view = view(ctx, "controls:people:read", project).await?;
    let behind = graph::who_is_behind(&*view, project, framework).await.map_err(gql)?;
    // The weightiest first.
    let key = |person: &Person| format!("{:020}/{}", i64::MAX - person.weight.units(), person.user);
    Ok(page(behind.people, behind.truncated, &args, key, PersonBehindScore::of))
}

/// Somebody whose work is behind a score: who answers for its controls, recorded results of their
/// tests, or brought the evidence that their newest results come from.
#[derive(SimpleObject)]
pub(super) struct PersonBehindScore {
    /// Who.
    user: User,
    /// The share of the framework's weight that is covered by controls that they stand behind, from
    /// 0 to 1. Several people may stand behind one control, so these do not add up to 1.
    weight: f64,
    /// How many controls they stand behind, in any way.
    controls: usize,
    /// How many of them they answer for.
    owned: usize,
    /// How many tests they recorded a result of.
    recorded: usize,
    /// How many versions of evidence they brought that tests rest on now.
    uploaded: usize,
}

impl PersonBehindScore {
    fn of(person: Person) -> Self {
        Self {
            user: User { id: wire(person.user) },
            weight: person.weight.to_f64(),
            controls: person.controls,
            owned: person.owned,
            recorded: person.recorded,
            uploaded: person.uploaded,
        }
    }
}

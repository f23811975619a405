//! What moved a score within a period, and by how much.

use async_graphql::{
    Context, ID, Object, Result,
    connection::{Connection, Edge},
};
use chrono::{DateTime, Utc};
use studio_access::Resource;
use studio_events::Metadata;
use studio_kernel::{Id, Timestamp, kind};
use studio_service::{
    ApiError,
    graphql::{Instant, Page, PageArgs, actor, encode_cursor, gql, wire},
};

use super::{
    app, bad_cursor,
    control::Control,
    enums::ScoreCauseKind,
    framework::Framework,
    loaders,
    loaders::there,
    references::{Evidence, User},
    requirement::Requirement,
    score,
    simulation::ScoreDifference,
    subscription::ScoreNumbersShown,
    test::ControlTest,
};
use crate::{
    domain::{
        project::events::{ProjectEvent, TestChanged, TestRetired},
        score::{Difference, Excepted},
    },
    scores::{Cause, Ends, Moved, Period, Place},
};

/// What became of a score within a period.
pub(super) struct ScoreDiff {
    project: Id<kind::Project>,
    framework: Id<kind::Framework>,
    period: Period,
    ends: Ends,
}

pub(super) async fn load(
    ctx: &Context<'_>,
    project: Id<kind::Project>,
    framework: Id<kind::Framework>,
    (from, to): (Instant, Option<Instant>),
) -> Result<ScoreDiff> {
    let actor = score::allow(ctx, project)?;
    let scores = &app(ctx)?.scores;
    let (from, to) = (from.named("from")?, Instant::optional(to.as_ref(), "to")?);
    let period = scores.period(from, to).await.map_err(gql)?;
    let ends = scores.ends((actor.tenant, project), framework, period).await.map_err(gql)?;
    Ok(ScoreDiff { project, framework, period, ends })
}

/// What became of the score of a framework within a period.
#[Object]
impl ScoreDiff {
    /// The framework.
    async fn framework(&self, ctx: &Context<'_>) -> Result<Option<Framework>> {
        let row = loaders(ctx)?.frameworks(self.framework.to_string()).await?;
        Ok(row.map(Framework))
    }

    /// Where the period begins.
    async fn from(&self) -> DateTime<Utc> {
        self.period.from.to_datetime()
    }

    /// Where it ends.
    async fn to(&self) -> DateTime<Utc> {
        self.period.to.to_datetime()
    }

    /// The score at its beginning, as `score(asOf:)` gives it; null where the project had not adopted
    /// the framework by then.
    async fn before(&self) -> Option<ScoreNumbersShown> {
        self.ends.from.as_ref().map(ScoreNumbersShown::of)
    }

    /// The score at its end; null where the project had not adopted the framework by then.
    async fn after(&self) -> Option<ScoreNumbersShown> {
        self.ends.to.as_ref().map(ScoreNumbersShown::of)
    }

    /// The score at its end less the one at its beginning.
    async fn difference(&self) -> ScoreDifference {
        Difference::between(self.ends.from.as_ref(), self.ends.to.as_ref()).into()
    }

    /// What moved the score, in the order of the log: each event by itself, and each day on which time
    /// alone moved it. Their differences add up to that of the period, to the last digit.
    async fn moves(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 20 by default.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which to start.")] after: Option<String>,
    ) -> Result<Connection<String, ScoreMove>> {
        let page = PageArgs::new(first, after)?;
        let after = page.after.as_deref().map(place).transpose()?;
        let key = (actor(ctx)?.tenant, self.project);
        let moves = app(ctx)?
            .scores
            .moves(key, self.framework, self.period, after, page.first + 1)
            .await
            .map_err(gql)?;
        let cut = Page::cut(moves, &page);
        let mut connection = Connection::new(page.after.is_some(), cut.more);
        for moved in cut.rows {
            let Place { position, at } = moved.place;
            let cursor = encode_cursor(&format!("{position}/{}", at.micros()));
            connection.edges.push(Edge::new(cursor, ScoreMove { project: self.project, moved }));
        }
        Ok(connection)
    }
}

fn place(cursor: &str) -> Result<Place> {
    let read = || {
        let (position, at) = cursor.split_once('/')?;
        let at = Timestamp::from_micros(at.parse().ok()?);
        Some(Place { position: position.parse().ok()?, at })
    };
    read().ok_or_else(bad_cursor)
}

/// One thing that moved a score. What it was about is named as far as it was about such a thing.
pub(super) struct ScoreMove {
    project: Id<kind::Project>,
    moved: Moved,
}

/// What an event was about.
#[derive(Default)]
struct About<'a> {
    control: Option<Id<kind::Control>>,
    depends_on: Option<Id<kind::Control>>,
    requirement: Option<Id<kind::Requirement>>,
    test: Option<Id<kind::ControlTest>>,
    checks: Vec<&'a str>,
    evidence: Option<(Id<kind::Evidence>, u32)>,
}

impl<'a> About<'a> {
    fn of(event: &'a ProjectEvent) -> Self {
        let none = Self::default();
        match event {
            ProjectEvent::ControlCreated(made) => Self { control: Some(made.control), ..none },
            ProjectEvent::ControlUpdated(made) => Self { control: Some(made.control), ..none },
            ProjectEvent::ControlRetired(made) => Self { control: Some(made.control), ..none },
            ProjectEvent::ControlReinstated(made) => Self { control: Some(made.control), ..none },
            ProjectEvent::RequirementMapped(made) => {
                Self { control: Some(made.control), requirement: Some(made.requirement), ..none }
            }
            ProjectEvent::RequirementUnmapped(made) => {
                Self { control: Some(made.control), requirement: Some(made.requirement), ..none }
            }
            ProjectEvent::ControlTestAdded(added) => Self {
                control: Some(added.control),
                test: Some(added.test),
                checks: added.check.as_deref().into_iter().collect(),
                ..none
            },
            ProjectEvent::TestRuleChanged(changed) => {
                Self { control: Some(changed.control), test: Some(changed.test), ..none }
            }
            ProjectEvent::TestChanged(TestChanged { control, test, check, .. })
            | ProjectEvent::TestRetired(TestRetired { control, test, check, .. }) => Self {
                control: Some(*control),
                test: Some(*test),
                checks: check.as_deref().into_iter().collect(),
                ..none
            },
            ProjectEvent::TestResultRecorded(result) => Self { test: Some(result.test), ..none },
            ProjectEvent::TestResultSignedOff(signed) => Self { test: Some(signed.test), ..none },
            ProjectEvent::DependencyAdded(made) => {
                Self { control: Some(made.control), depends_on: Some(made.depends_on), ..none }
            }
            ProjectEvent::DependencyRemoved(made) => {
                Self { control: Some(made.control), depends_on: Some(made.depends_on), ..none }
            }
            ProjectEvent::CheckSummariesRecorded(made) => {
                let mut checks: Vec<&str> =
                    made.summaries.iter().map(|summary| summary.check.as_str()).collect();
                checks.sort_unstable();
                checks.dedup();
                Self { checks, evidence: Some((made.evidence, made.evidence_version)), ..none }
            }
            ProjectEvent::EvidenceDiscounted(made) => {
                Self { evidence: Some((made.evidence, made.evidence_version)), ..none }
            }
            ProjectEvent::NotApplicableApproved(made) => {
                Self { requirement: Some(made.requirement), ..none }
            }
            ProjectEvent::NotApplicableWithdrawn(made) => {
                Self { requirement: Some(made.requirement), ..none }
            }
            ProjectEvent::NonconformityOpened(made) => Self { control: Some(made.control), ..none },
            ProjectEvent::NonconformityClosed(made) => Self { control: Some(made.control), ..none },
            ProjectEvent::ExceptionApproved(made) => match &made.terms.on {
                Excepted::Manual { test } => Self { test: Some(*test), ..none },
                Excepted::Resource { check, .. } => Self { checks: vec![check], ..none },
            },
            ProjectEvent::MappingApproved(made) => {
                Self { requirement: Some(made.terms.mapping.target), ..none }
            }
            // The rest is about the project itself, or tells that something has ended by its id alone.
            _ => none,
        }
    }
}

impl ScoreMove {
    fn about(&self) -> About<'_> {
        self.moved.cause.as_ref().map_or_else(About::default, |cause| About::of(&cause.event))
    }

    /// Who caused it, where whoever asks may see whose work is behind a score.
    fn metadata(&self, ctx: &Context<'_>) -> Result<Option<Metadata>> {
        let Some(Cause { recorded, .. }) = &self.moved.cause else { return Ok(None) };
        let actor = actor(ctx)?;
        let resource =
            Resource::one("Project", self.project, actor.tenant).of_project(self.project);
        if app(ctx)?.require(actor, "controls:people:read", &resource).is_err() {
            return Ok(None);
        }
        recorded.metadata().map(Some).map_err(|error| gql(ApiError::internal(error)))
    }
}

/// One thing that moved a score. What it was about is named as far as it was about such a thing.
#[Object]
impl ScoreMove {
    /// Whether something was recorded, or time passed.
    async fn kind(&self) -> ScoreCauseKind {
        match self.moved.cause {
            Some(_) => ScoreCauseKind::Fact,
            None => ScoreCauseKind::Clock,
        }
    }

    /// When; for the clock, the last instant of that day (UTC) at which it moved the score.
    async fn at(&self) -> DateTime<Utc> {
        self.moved.step.at.to_datetime()
    }

    /// What it added.
    async fn difference(&self) -> ScoreDifference {
        self.moved.step.difference().into()
    }

    /// The score before; null before the framework was adopted.
    async fn before(&self) -> Option<ScoreNumbersShown> {
        self.moved.step.before.as_ref().map(ScoreNumbersShown::of)
    }

    /// The score after.
    async fn after(&self) -> Option<ScoreNumbersShown> {
        self.moved.step.after.as_ref().map(ScoreNumbersShown::of)
    }

    /// The type of the event; null for the clock.
    #[graphql(name = "type")]
    async fn event_type(&self) -> Option<&str> {
        self.moved.cause.as_ref().map(|cause| cause.recorded.event_type.as_str())
    }

    /// The event; null for the clock.
    async fn event_id(&self) -> Option<ID> {
        self.moved.cause.as_ref().map(|cause| wire(cause.recorded.event_id))
    }

    /// Who did it; null for the clock, where no person did, and for whoever may not see whose work is
    /// behind a score.
    async fn by(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        let metadata = self.metadata(ctx)?;
        let user = metadata.and_then(|metadata| metadata.principal.user_id());
        Ok(user.map(|user| User { id: wire(user) }))
    }

    /// Who did it as it stands on record: a person's id, a program's, or the name of a part of Studio;
    /// null as `by` is.
    async fn actor(&self, ctx: &Context<'_>) -> Result<Option<String>> {
        Ok(self.metadata(ctx)?.map(|metadata| metadata.principal.on_record()))
    }

    /// The control.
    async fn control(&self, ctx: &Context<'_>) -> Result<Option<Control>> {
        control(ctx, self.about().control).await
    }

    /// The control that it rests on, or does no longer.
    async fn depends_on(&self, ctx: &Context<'_>) -> Result<Option<Control>> {
        control(ctx, self.about().depends_on).await
    }

    /// The requirement.
    async fn requirement(&self, ctx: &Context<'_>) -> Result<Option<Requirement>> {
        let Some(id) = self.about().requirement else { return Ok(None) };
        let row = loaders(ctx)?.requirements(id.to_string()).await?;
        there(row, "requirement").map(|row| Some(Requirement(row)))
    }

    /// The test.
    async fn test(&self, ctx: &Context<'_>) -> Result<Option<ControlTest>> {
        let Some(id) = self.about().test else { return Ok(None) };
        let row = loaders(ctx)?.tests(id.to_string()).await?;
        there(row, "test").map(|row| Some(ControlTest(row)))
    }

    /// The scanner's ids of the checks, the first 100 of them in their order.
    async fn checks(&self) -> Vec<String> {
        self.about().checks.into_iter().take(100).map(str::to_owned).collect()
    }

    /// How many checks there were.
    async fn check_count(&self) -> usize {
        self.about().checks.len()
    }

    /// The evidence.
    async fn evidence(&self) -> Option<Evidence> {
        self.about().evidence.map(|(evidence, _)| Evidence { id: wire(evidence) })
    }

    /// The version of the evidence.
    async fn evidence_version(&self) -> Option<u32> {
        self.about().evidence.map(|(_, version)| version)
    }
}

async fn control(ctx: &Context<'_>, id: Option<Id<kind::Control>>) -> Result<Option<Control>> {
    let Some(id) = id else { return Ok(None) };
    let row = loaders(ctx)?.controls(id.to_string()).await?;
    there(row, "control").map(|row| Some(Control(row)))
}

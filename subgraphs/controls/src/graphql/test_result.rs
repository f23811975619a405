//! What came out of tests by hand.

use async_graphql::{Context, Enum, ID, Object, Result, connection::Connection};
use chrono::{DateTime, Utc};
use studio_entities::controls::test_result;
use studio_kernel::Timestamp;
use studio_service::{
    ApiError,
    graphql::{PageArgs, connection, gql},
};

use super::{
    bad_cursor,
    enums::TestOutcome,
    loaders,
    loaders::there,
    project::Project,
    read,
    references::{Evidence, User},
    test::ControlTest,
};
use crate::projections::{ResultState, read_results::Before};

/// Where the result of a test stands.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "ResultState")]
pub(super) enum TestResultState {
    /// It is a pass that waits for another person to sign it off, and counts for nothing yet.
    Pending,
    /// It counts, or did until a newer one.
    Counted,
    /// It was a pass that another person refused.
    Rejected,
}

impl TestResultState {
    fn of(name: &str) -> Self {
        match name {
            "PENDING" => Self::Pending,
            "REJECTED" => Self::Rejected,
            _ => Self::Counted,
        }
    }
}

/// What came out when somebody did a test by hand.
pub(super) struct TestResult(pub(super) test_result::Model);

/// Whose results are listed.
pub(super) enum Of<'a> {
    /// A test's.
    Test(&'a str),
    /// A project's.
    Project(&'a str),
}

/// Results, the newest first.
pub(super) async fn of(
    ctx: &Context<'_>,
    of: Of<'_>,
    page: PageArgs,
    state: Option<TestResultState>,
) -> Result<Connection<String, TestResult>> {
    let before = match &page.after {
        None => i64::MAX,
        Some(after) => after.parse().map_err(|_| bad_cursor())?,
    };
    let from = Before { before, limit: page.limit() };
    let state = state.map(|state| ResultState::from(state).as_str());
    let read = read(ctx, "controls:test:read")?;
    let rows = match of {
        Of::Test(test) => read.results_of_test(test, state, from).await,
        Of::Project(project) => read.results_of_project(project, state, from).await,
    };
    Ok(connection(rows.map_err(gql)?, &page, |row| row.ordinal.to_string(), TestResult))
}

/// What came out when somebody did a test by hand.
#[Object]
impl TestResult {
    /// The result's id.
    async fn id(&self) -> ID {
        ID(self.0.id.clone())
    }

    /// How often its state changed: pass it as expectedVersion.
    async fn version(&self) -> i64 {
        self.0.version
    }

    /// The test.
    async fn test(&self, ctx: &Context<'_>) -> Result<ControlTest> {
        let row = loaders(ctx)?.tests(self.0.test.clone()).await?;
        Ok(ControlTest(there(row, "test")?))
    }

    /// The project.
    async fn project(&self, ctx: &Context<'_>) -> Result<Project> {
        let row = loaders(ctx)?.projects(self.0.project.clone()).await?;
        Ok(Project(there(row, "project")?))
    }

    /// What came out.
    async fn outcome(&self) -> TestOutcome {
        TestOutcome::of(&self.0.outcome)
    }

    /// What was seen.
    async fn note(&self) -> Option<&str> {
        self.0.note.as_deref()
    }

    /// The evidence that shows it.
    async fn evidence(&self) -> Result<Vec<Evidence>> {
        let ids: Vec<String> = serde_json::from_str(&self.0.evidence)
            .map_err(|error| gql(ApiError::internal(error)))?;
        Ok(ids.into_iter().map(|id| Evidence { id: ID(id) }).collect())
    }

    /// Since when it is true.
    async fn effective_from(&self) -> DateTime<Utc> {
        Timestamp::from_micros(self.0.effective_from).to_datetime()
    }

    /// Until when it was true, where that is known.
    async fn effective_to(&self) -> Option<DateTime<Utc>> {
        self.0.effective_to.map(|at| Timestamp::from_micros(at).to_datetime())
    }

    /// Where it stands.
    async fn state(&self) -> TestResultState {
        TestResultState::of(&self.0.state)
    }

    /// Who carried the test out; null where a program did.
    async fn recorded_by(&self) -> Option<User> {
        self.0.recorded_by.clone().map(|id| User { id: ID(id) })
    }

    /// When it was recorded.
    async fn recorded_at(&self) -> DateTime<Utc> {
        Timestamp::from_micros(self.0.recorded_at).to_datetime()
    }

    /// Who signed it off or refused it: never who recorded it.
    async fn decided_by(&self) -> Option<User> {
        self.0.decided_by.clone().map(|id| User { id: ID(id) })
    }

    /// When.
    async fn decided_at(&self) -> Option<DateTime<Utc>> {
        self.0.decided_at.map(|at| Timestamp::from_micros(at).to_datetime())
    }

    /// Why it was refused.
    async fn rejection(&self) -> Option<&str> {
        self.0.rejection.as_deref()
    }
}

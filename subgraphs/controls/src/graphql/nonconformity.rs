//! Nonconformities of controls.

use async_graphql::{Context, ID, Object, Result, connection::Connection};
use chrono::{DateTime, Utc};
use studio_entities::controls::nonconformity;
use studio_kernel::Timestamp;
use studio_service::graphql::{PageArgs, connection, gql};

use super::{
    control::Control,
    enums::{NonconformityGrade, NonconformityState},
    from, loaders,
    loaders::there,
    project::Project,
    read,
    references::{Evidence, User},
};

/// What was found to be wrong with a control. Until it is closed, the control counts at most 0.8
/// where it is minor, and 0.49 where it is major.
pub(super) struct Nonconformity(pub(super) nonconformity::Model);

/// What was found to be wrong in a project, or with one control of it.
pub(super) async fn of(
    ctx: &Context<'_>,
    (project, control): (&str, Option<&str>),
    page: PageArgs,
    state: Option<NonconformityState>,
) -> Result<Connection<String, Nonconformity>> {
    let state = state.map(NonconformityState::name);
    let rows = read(ctx, "controls:nonconformity:read")?
        .nonconformities(project, control, state, from(&page)?)
        .await
        .map_err(gql)?;
    Ok(connection(rows, &page, |row| row.ordinal.to_string(), Nonconformity))
}

fn person(id: Option<&String>) -> Option<User> {
    id.map(|id| User { id: ID(id.clone()) })
}

fn instant(at: Option<i64>) -> Option<DateTime<Utc>> {
    at.map(|at| Timestamp::from_micros(at).to_datetime())
}

/// What was found to be wrong with a control. Until it is closed, the control counts at most 0.8
/// where it is minor, and 0.49 where it is major.
#[Object]
impl Nonconformity {
    /// The nonconformity's id.
    async fn id(&self) -> ID {
        ID(self.0.id.clone())
    }

    /// How often its state changed: pass it as expectedVersion.
    async fn version(&self) -> i64 {
        self.0.version
    }

    /// The project.
    async fn project(&self, ctx: &Context<'_>) -> Result<Project> {
        let row = loaders(ctx)?.projects(self.0.project.clone()).await?;
        Ok(Project(there(row, "project")?))
    }

    /// The control.
    async fn control(&self, ctx: &Context<'_>) -> Result<Control> {
        let row = loaders(ctx)?.controls(self.0.control.clone()).await?;
        Ok(Control(there(row, "control")?))
    }

    /// How bad it is.
    async fn grade(&self) -> NonconformityGrade {
        NonconformityGrade::of(&self.0.grade)
    }

    /// What is wrong.
    async fn description(&self) -> &str {
        &self.0.description
    }

    /// What was observed.
    async fn observed(&self) -> &str {
        &self.0.observed
    }

    /// The evidence that shows it, if some was named.
    async fn evidence(&self) -> Option<Evidence> {
        self.0.evidence.clone().map(|id| Evidence { id: ID(id) })
    }

    /// Where it stands.
    async fn state(&self) -> NonconformityState {
        NonconformityState::of(&self.0.state)
    }

    /// Who found it; null where a program did.
    async fn opened_by(&self) -> Option<User> {
        person(self.0.opened_by.as_ref())
    }

    /// When it was opened.
    async fn opened_at(&self) -> DateTime<Utc> {
        Timestamp::from_micros(self.0.opened_at).to_datetime()
    }

    /// What was done about it last.
    async fn correction(&self) -> Option<&str> {
        self.0.correction.as_deref()
    }

    /// Who did it.
    async fn corrected_by(&self) -> Option<User> {
        person(self.0.corrected_by.as_ref())
    }

    /// When it was said to be mended.
    async fn corrected_at(&self) -> Option<DateTime<Utc>> {
        instant(self.0.corrected_at)
    }

    /// Why a correction did not do, where one was refused.
    async fn rejection(&self) -> Option<&str> {
        self.0.rejection.as_deref()
    }

    /// Who refused it.
    async fn rejected_by(&self) -> Option<User> {
        person(self.0.rejected_by.as_ref())
    }

    /// When it was refused.
    async fn rejected_at(&self) -> Option<DateTime<Utc>> {
        instant(self.0.rejected_at)
    }

    /// How the correction was verified.
    async fn verification(&self) -> Option<&str> {
        self.0.verification.as_deref()
    }

    /// Who verified it: never who corrected it.
    async fn verified_by(&self) -> Option<User> {
        person(self.0.verified_by.as_ref())
    }

    /// When it was closed.
    async fn closed_at(&self) -> Option<DateTime<Utc>> {
        instant(self.0.closed_at)
    }
}

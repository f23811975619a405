//! The controls of a project by what is said of them, sorted.

use async_graphql::{Context, Enum, ID, InputObject, Result, connection::Connection};
use studio_kernel::{Code, kind};
use studio_service::{
    ApiError,
    graphql::{Instant, PageArgs, connection, gql, id},
};

use super::{control::Control, enums::ImplementationState, from, read};
use crate::projections::{
    read_controls::{self, ControlKey},
    sorted::Sorted,
};

const LONGEST_TEXT: usize = 200;

/// Which controls are wanted: all of what is said holds for them.
#[derive(InputObject, Default)]
pub(super) struct ControlFilter {
    /// With this in the code or the title; small and capital letters count alike. At most 200
    /// characters.
    text: Option<String>,
    /// For which this person answers.
    owner_id: Option<ID>,
    /// In this state.
    implementation: Option<ImplementationState>,
    /// Members of this requirement.
    requirement_id: Option<ID>,
    /// True for those with a test that is done, false for those without one.
    tested: Option<bool>,
    /// True for retired ones alone, false for those in force alone. It goes before includeRetired.
    retired: Option<bool>,
    /// In force, and to be looked at again before this instant.
    review_due_before: Option<Instant>,
}

/// How controls are sorted. Of two that are alike the older one counts as smaller.
#[derive(InputObject)]
pub(super) struct ControlSort {
    /// By what.
    by: ControlSortKey,
    /// Which end comes first.
    #[graphql(default_with = "SortDirection::Asc")]
    direction: SortDirection,
}

/// What controls are sorted by.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "ControlKey")]
pub(super) enum ControlSortKey {
    /// Their codes: small and capital letters count alike, numbers by their value.
    Code,
    /// Their titles, by the same rules, and by their first 100 characters.
    Title,
    /// When they were stated.
    CreatedAt,
    /// When they were last changed.
    UpdatedAt,
}

/// Which end of a sorted list comes first.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SortDirection {
    /// The smallest, or the oldest.
    Asc,
    /// The largest, or the newest.
    Desc,
}

/// Which controls are asked for, and how.
pub(super) struct Wanted {
    pub(super) include_retired: bool,
    pub(super) implementation: Option<ImplementationState>,
    pub(super) filter: Option<ControlFilter>,
    pub(super) sort: Option<ControlSort>,
    pub(super) page: PageArgs,
}

impl Wanted {
    fn filter(&self) -> Result<read_controls::ControlFilter> {
        let none = ControlFilter::default();
        let filter = self.filter.as_ref().unwrap_or(&none);
        let due = filter.review_due_before.as_ref();
        let implementation = filter.implementation.or(self.implementation);
        let owner = filter.owner_id.as_ref().map(id::<kind::User>).transpose()?;
        let requirement =
            filter.requirement_id.as_ref().map(id::<kind::Requirement>).transpose()?;
        Ok(read_controls::ControlFilter {
            retired: filter.retired.or((!self.include_retired).then_some(false)),
            implementation: implementation.map(ImplementationState::name),
            text: filter.text.as_deref().map(searched).transpose()?,
            owner: owner.as_ref().map(ToString::to_string),
            requirement: requirement.as_ref().map(ToString::to_string),
            tested: filter.tested,
            review_due_before: Instant::optional(due, "filter.reviewDueBefore")?,
        })
    }
}

fn searched(text: &str) -> Result<String> {
    if text.chars().count() > LONGEST_TEXT || text.chars().any(char::is_control) {
        let message =
            format!("filter.text must hold at most {LONGEST_TEXT} characters on one line.");
        return Err(gql(ApiError::new(Code::BadRequest, message)));
    }
    Ok(text.to_owned())
}

/// The controls of a project.
pub(super) async fn of(
    ctx: &Context<'_>,
    project: &str,
    wanted: &Wanted,
) -> Result<Connection<String, Control>> {
    let (read, filter) = (read(ctx, "controls:control:read")?, wanted.filter()?);
    let page = &wanted.page;
    let Some(ControlSort { by, direction }) = &wanted.sort else {
        let rows = read.controls(project, &filter, from(page)?).await.map_err(gql)?;
        return Ok(connection(rows, page, |row| row.ordinal.to_string(), Control));
    };
    let descending = *direction == SortDirection::Desc;
    let sorted =
        Sorted::after(ControlKey::from(*by), descending, page.after.as_deref(), page.limit())
            .ok_or_else(sorted_otherwise)?;
    let rows = read.sorted_controls(project, &filter, &sorted).await.map_err(gql)?;
    Ok(connection(rows, page, |row| sorted.cursor(row), Control))
}

fn sorted_otherwise() -> async_graphql::Error {
    gql(ApiError::new(
        Code::BadRequest,
        "That cursor is of a list that is sorted otherwise: give the sort that it came with, or begin \
         without a cursor.",
    ))
}

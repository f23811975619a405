//! The controls of a project by what is said of them.

use sea_orm::{
    ColumnTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait, Select,
    sea_query::{Expr, ExprTrait, LikeExpr},
};
use studio_entities::controls::{control, member, test};
use studio_kernel::Timestamp;

use super::{
    Controls, Members, Tests,
    read::{From, Read, rows, seen},
    sorted::{Key, SortBy, Sorted, containing},
};

/// Which controls are wanted: all of what is said here holds for them.
#[derive(Debug, Clone, Default)]
pub(crate) struct ControlFilter {
    /// Retired ones alone, or those in force alone.
    pub(crate) retired: Option<bool>,
    /// In this state.
    pub(crate) implementation: Option<&'static str>,
    /// With this in the code or the title.
    pub(crate) text: Option<String>,
    /// For which this person answers.
    pub(crate) owner: Option<String>,
    /// Members of this requirement.
    pub(crate) requirement: Option<String>,
    /// With a test that is done, or without one.
    pub(crate) tested: Option<bool>,
    /// In force, and to be looked at again before this.
    pub(crate) review_due_before: Option<Timestamp>,
}

/// What controls may be sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ControlKey {
    /// Their codes, numbers in them by their value.
    Code,
    /// Their titles.
    Title,
    /// When they were stated.
    CreatedAt,
    /// When they were last changed.
    UpdatedAt,
}

impl SortBy for ControlKey {
    type Entity = control::Entity;

    fn name(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::Title => "title",
            Self::CreatedAt => "created",
            Self::UpdatedAt => "updated",
        }
    }

    fn column(self) -> control::Column {
        match self {
            Self::Code => control::Column::CodeKey,
            Self::Title => control::Column::TitleKey,
            Self::CreatedAt => control::Column::CreatedAt,
            Self::UpdatedAt => control::Column::UpdatedAt,
        }
    }

    fn ordinal() -> control::Column {
        control::Column::Ordinal
    }

    fn place(self, row: &control::Model) -> (Key, i64) {
        let key = match self {
            Self::Code => Key::Text(row.code_key.clone()),
            Self::Title => Key::Text(row.title_key.clone()),
            Self::CreatedAt => Key::Number(row.created_at),
            Self::UpdatedAt => Key::Number(row.updated_at),
        };
        (key, row.ordinal)
    }

    fn key(self, text: &str) -> Option<Key> {
        match self {
            Self::Code | Self::Title => Some(Key::Text(text.to_owned())),
            Self::CreatedAt | Self::UpdatedAt => text.parse().ok().map(Key::Number),
        }
    }
}

impl Read {
    /// The controls of a project, the oldest first.
    pub(crate) async fn controls(
        &self,
        project: &str,
        filter: &ControlFilter,
        from: From,
    ) -> Result<Vec<control::Model>, DbErr> {
        let select = self
            .controls_that(project, filter)
            .filter(control::Column::Ordinal.gt(from.after))
            .order_by_asc(control::Column::Ordinal);
        self.all(select.limit(from.limit)).await
    }

    /// The controls of a project, sorted.
    pub(crate) async fn sorted_controls(
        &self,
        project: &str,
        filter: &ControlFilter,
        sorted: &Sorted<ControlKey>,
    ) -> Result<Vec<control::Model>, DbErr> {
        self.all(sorted.page(self.controls_that(project, filter))).await
    }

    fn controls_that(&self, project: &str, filter: &ControlFilter) -> Select<control::Entity> {
        use control::Column;
        let mut select =
            seen!(self, control, Controls, Project).filter(Column::Project.eq(project));
        if let Some(retired) = filter.retired {
            select = select.filter(Column::Retired.eq(i64::from(retired)));
        }
        if let Some(implementation) = filter.implementation {
            select = select.filter(Column::Implementation.eq(implementation));
        }
        if let Some(text) = &filter.text {
            let pattern = LikeExpr::new(containing(text)).escape('!');
            select = select.filter(Expr::col(Column::SearchText).like(pattern));
        }
        if let Some(owner) = &filter.owner {
            select = select.filter(Column::Owner.eq(owner.as_str()));
        }
        if let Some(before) = filter.review_due_before {
            select = select
                .filter(Column::Retired.eq(0))
                .filter(Column::NextReviewAt.lt(before.micros()));
        }
        if let Some(requirement) = &filter.requirement {
            let members = rows!(self, member, Members)
                .filter(member::Column::Project.eq(project))
                .filter(member::Column::Requirement.eq(requirement.as_str()))
                .select_only()
                .column(member::Column::Control);
            select = select.filter(Column::Id.in_subquery(members.into_query()));
        }
        if let Some(tested) = filter.tested {
            let tests = rows!(self, test, Tests)
                .filter(test::Column::Project.eq(project))
                .filter(test::Column::RetiredAt.is_null())
                .select_only()
                .column(test::Column::Control)
                .into_query();
            select = select.filter(match tested {
                true => Column::Id.in_subquery(tests),
                false => Column::Id.not_in_subquery(tests),
            });
        }
        select
    }
}

//! Queries of the read models. A [`Read`] is bound to one organization, and where it is made for somebody
//! who sees single projects alone, to these: nothing else can come out of it.

use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select};
use studio_access::Extent;
use studio_entities::controls::{
    adoption, control, dependency, evidence_use, framework, member, nonconformity, project,
    requirement, review, score,
    score_watch::{alert, target},
    test, test_result, test_rule,
};
use studio_events::EventStore;
use studio_kernel::TenantId;

use super::{
    Adoptions, Controls, Dependencies, EvidenceUses, Frameworks, Members, Nonconformities,
    Projects, Requirements, ReviewKind, Reviews, ScoreWatches, Scores, TestResults, TestRules,
    Tests, score_watches::RAISED,
};

/// The read models of one organization.
#[derive(Clone)]
pub(crate) struct Read {
    pub(super) store: EventStore,
    pub(super) tenant: String,
    pub(super) extent: Extent,
}

/// Where a page starts and how many rows it may have.
#[derive(Debug, Clone, Copy)]
pub(crate) struct From {
    /// The ordinal of the last row of the page before; below every row for the first page.
    pub(crate) after: i64,
    /// Rows to read.
    pub(crate) limit: u64,
}

/// Which tests are wanted.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct TestFilter {
    /// Retired ones too.
    pub(crate) include_retired: bool,
    /// Key tests alone, or the others alone.
    pub(crate) key: Option<bool>,
    /// Those done by hand alone, or those of checks alone.
    pub(crate) manual: Option<bool>,
}

/// Rows of one read model, of this organization and of the generation that is read.
macro_rules! rows {
    ($read:expr, $entity:ident, $projection:ident) => {
        $entity::Entity::find()
            .filter($entity::Column::Generation.eq($read.store.generation($projection::NAME)))
            .filter($entity::Column::Tenant.eq($read.tenant.as_str()))
    };
}

/// The same of what lies in projects, as far as these are seen; `column` holds the project.
macro_rules! seen {
    ($read:expr, $entity:ident, $projection:ident, $column:ident) => {{
        let select = $crate::projections::read::rows!($read, $entity, $projection);
        match $read.extent.projects() {
            Some(only) => {
                select.filter($entity::Column::$column.is_in(only.iter().map(String::as_str)))
            }
            None => select,
        }
    }};
}

pub(super) use rows;
pub(super) use seen;

/// `by_ids`: the rows of these ids, in no order.
macro_rules! by_ids {
    ($($name:ident $entity:ident $projection:ident $($column:ident)?),* $(,)?) => {$(
        #[doc = "The rows of these ids, in no order; ids that are not there are left out."]
        pub(crate) async fn $name(&self, ids: &[String]) -> Result<Vec<$entity::Model>, DbErr> {
            let select = by_ids!(@select self, $entity, $projection $(, $column)?);
            self.all(select.filter($entity::Column::Id.is_in(ids.iter().map(String::as_str)))).await
        }
    )*};
    (@select $read:expr, $entity:ident, $projection:ident) => {
        rows!($read, $entity, $projection)
    };
    (@select $read:expr, $entity:ident, $projection:ident, $column:ident) => {
        seen!($read, $entity, $projection, $column)
    };
}

/// A page by ordinal.
macro_rules! page {
    ($select:expr, $entity:ident, $from:expr) => {
        $select
            .filter($entity::Column::Ordinal.gt($from.after))
            .order_by_asc($entity::Column::Ordinal)
            .limit($from.limit)
    };
}

impl Read {
    /// The read models of this organization, for Studio's own decisions: whoever asks is allowed or
    /// refused by what is found.
    pub(crate) fn new(store: &EventStore, tenant: TenantId) -> Self {
        Self::within(store, Extent::all(tenant))
    }

    /// The read models as far as somebody sees.
    pub(crate) fn within(store: &EventStore, extent: Extent) -> Self {
        Self { store: store.clone(), tenant: extent.tenant().to_string(), extent }
    }

    pub(super) async fn all<E: EntityTrait>(
        &self,
        select: Select<E>,
    ) -> Result<Vec<E::Model>, DbErr> {
        select.all(self.store.database().reader()).await
    }

    by_ids! {
        projects_by_id project Projects Id,
        frameworks_by_id framework Frameworks,
        requirements_by_id requirement Requirements,
        controls_by_id control Controls Project,
        tests_by_id test Tests Project,
        test_rules_by_id test_rule TestRules Project,
        dependencies_by_id dependency Dependencies Project,
        reviews_by_id review Reviews Project,
        nonconformities_by_id nonconformity Nonconformities Project,
        alerts_by_id alert ScoreWatches Project,
        test_results_by_id test_result TestResults Project,
    }

    /// The projects, with or without those that are archived.
    pub(crate) async fn projects(
        &self,
        archived: bool,
        from: From,
    ) -> Result<Vec<project::Model>, DbErr> {
        let mut select = seen!(self, project, Projects, Id);
        if !archived {
            select = select.filter(project::Column::ArchivedAt.is_null());
        }
        self.all(page!(select, project, from)).await
    }

    /// The oldest project in use, other than this one, whose name has this key. It is asked for a
    /// decision: of the primary, not of a replica.
    pub(crate) async fn in_use_named(
        &self,
        key: &str,
        other_than: &str,
    ) -> Result<Option<project::Model>, DbErr> {
        seen!(self, project, Projects, Id)
            .filter(project::Column::NameKey.eq(key))
            .filter(project::Column::ArchivedAt.is_null())
            .filter(project::Column::Id.ne(other_than))
            .order_by_asc(project::Column::Ordinal)
            .one(self.store.database().primary())
            .await
    }

    /// All imported frameworks.
    pub(crate) async fn frameworks(&self, from: From) -> Result<Vec<framework::Model>, DbErr> {
        self.all(page!(rows!(self, framework, Frameworks), framework, from)).await
    }

    /// The framework that was imported from this document.
    pub(crate) async fn framework_by_sha(
        &self,
        sha256: &str,
    ) -> Result<Option<framework::Model>, DbErr> {
        let select =
            rows!(self, framework, Frameworks).filter(framework::Column::Sha256.eq(sha256));
        select.one(self.store.database().reader()).await
    }

    /// Which frameworks these projects adopted, in the order of adoption.
    pub(crate) async fn adoptions(
        &self,
        projects: &[String],
    ) -> Result<Vec<adoption::Model>, DbErr> {
        let select = seen!(self, adoption, Adoptions, Project)
            .filter(adoption::Column::Project.is_in(projects.iter().map(String::as_str)))
            .order_by_asc(adoption::Column::Ordinal);
        self.all(select).await
    }

    /// Which projects adopted a framework.
    pub(crate) async fn adopters(
        &self,
        framework: &str,
        from: From,
    ) -> Result<Vec<adoption::Model>, DbErr> {
        let select = seen!(self, adoption, Adoptions, Project)
            .filter(adoption::Column::Framework.eq(framework));
        self.all(page!(select, adoption, from)).await
    }

    /// The requirements of a framework; only those of an importance, if so asked.
    pub(crate) async fn requirements(
        &self,
        framework: &str,
        importance: Option<&str>,
        from: From,
    ) -> Result<Vec<requirement::Model>, DbErr> {
        let mut select = rows!(self, requirement, Requirements)
            .filter(requirement::Column::Framework.eq(framework));
        if let Some(importance) = importance {
            select = select.filter(requirement::Column::Importance.eq(importance));
        }
        self.all(page!(select, requirement, from)).await
    }

    /// The places and ids of all requirements of a framework, in its order.
    pub(crate) async fn requirement_order(
        &self,
        framework: &str,
    ) -> Result<Vec<(i64, String)>, DbErr> {
        rows!(self, requirement, Requirements)
            .filter(requirement::Column::Framework.eq(framework))
            .order_by_asc(requirement::Column::Ordinal)
            .select_only()
            .column(requirement::Column::Ordinal)
            .column(requirement::Column::Id)
            .into_tuple()
            .all(self.store.database().reader())
            .await
    }

    /// The tests of a control.
    pub(crate) async fn tests(
        &self,
        control: &str,
        filter: TestFilter,
        from: From,
    ) -> Result<Vec<test::Model>, DbErr> {
        let mut select =
            seen!(self, test, Tests, Project).filter(test::Column::Control.eq(control));
        if !filter.include_retired {
            select = select.filter(test::Column::RetiredAt.is_null());
        }
        if let Some(key) = filter.key {
            select = select.filter(test::Column::IsKey.eq(i64::from(key)));
        }
        if let Some(manual) = filter.manual {
            select = select.filter(match manual {
                true => test::Column::CheckId.is_null(),
                false => test::Column::CheckId.is_not_null(),
            });
        }
        self.all(page!(select, test, from)).await
    }

    /// The versions of a test's rule.
    pub(crate) async fn test_rules(
        &self,
        test: &str,
        from: From,
    ) -> Result<Vec<test_rule::Model>, DbErr> {
        let select =
            seen!(self, test_rule, TestRules, Project).filter(test_rule::Column::Test.eq(test));
        self.all(page!(select, test_rule, from)).await
    }

    /// The members of a requirement within a project, retired controls left out.
    pub(crate) async fn members(
        &self,
        project: &str,
        requirement: &str,
    ) -> Result<Vec<member::Model>, DbErr> {
        let members = seen!(self, member, Members, Project)
            .filter(member::Column::Project.eq(project))
            .filter(member::Column::Requirement.eq(requirement))
            .order_by_asc(member::Column::Ordinal);
        let members = self.all(members).await?;
        let ids: Vec<String> = members.iter().map(|member| member.control.clone()).collect();
        let live: std::collections::HashSet<String> = self
            .controls_by_id(&ids)
            .await?
            .into_iter()
            .filter(|control| control.retired == 0)
            .map(|control| control.id)
            .collect();
        Ok(members.into_iter().filter(|member| live.contains(&member.control)).collect())
    }

    /// The memberships of a control.
    pub(crate) async fn memberships(
        &self,
        control: &str,
        from: From,
    ) -> Result<Vec<member::Model>, DbErr> {
        let select =
            seen!(self, member, Members, Project).filter(member::Column::Control.eq(control));
        self.all(page!(select, member, from)).await
    }

    /// What these controls rest on.
    pub(crate) async fn dependencies(
        &self,
        controls: &[String],
    ) -> Result<Vec<dependency::Model>, DbErr> {
        let select = seen!(self, dependency, Dependencies, Project)
            .filter(dependency::Column::Control.is_in(controls.iter().map(String::as_str)))
            .order_by_asc(dependency::Column::Ordinal);
        self.all(select).await
    }

    /// What rests on these controls.
    pub(crate) async fn dependents(
        &self,
        controls: &[String],
    ) -> Result<Vec<dependency::Model>, DbErr> {
        let select = seen!(self, dependency, Dependencies, Project)
            .filter(dependency::Column::DependsOn.is_in(controls.iter().map(String::as_str)))
            .order_by_asc(dependency::Column::Ordinal);
        self.all(select).await
    }

    /// What was proposed in a project; only what stands so, if so asked.
    pub(crate) async fn reviews(
        &self,
        project: &str,
        kind: ReviewKind,
        state: Option<&str>,
        from: From,
    ) -> Result<Vec<review::Model>, DbErr> {
        let mut select = seen!(self, review, Reviews, Project)
            .filter(review::Column::Project.eq(project))
            .filter(review::Column::Kind.eq(kind.as_str()));
        if let Some(state) = state {
            select = select.filter(review::Column::State.eq(state));
        }
        self.all(page!(select, review, from)).await
    }

    /// What was found to be wrong in a project, or with one control of it; only what stands so, if
    /// so asked.
    pub(crate) async fn nonconformities(
        &self,
        project: &str,
        control: Option<&str>,
        state: Option<&str>,
        from: From,
    ) -> Result<Vec<nonconformity::Model>, DbErr> {
        let mut select = seen!(self, nonconformity, Nonconformities, Project)
            .filter(nonconformity::Column::Project.eq(project));
        if let Some(control) = control {
            select = select.filter(nonconformity::Column::Control.eq(control));
        }
        if let Some(state) = state {
            select = select.filter(nonconformity::Column::State.eq(state));
        }
        self.all(page!(select, nonconformity, from)).await
    }

    /// Where the newest recorded scores of a project stand in the log, in its order.
    pub(crate) async fn newest_scores(&self, project: &str) -> Result<Vec<i64>, DbErr> {
        let select = seen!(self, score, Scores, Project)
            .filter(score::Column::Project.eq(project))
            .order_by_asc(score::Column::Position);
        Ok(self.all(select).await?.into_iter().map(|row| row.position).collect())
    }

    /// Where the scores of a project are to be.
    pub(crate) async fn targets(&self, project: &str) -> Result<Vec<target::Model>, DbErr> {
        let select = seen!(self, target, ScoreWatches, Project)
            .filter(target::Column::Project.eq(project))
            .order_by_asc(target::Column::Framework);
        self.all(select).await
    }

    /// The alerts on the scores of a project; only what stands so, if so asked.
    pub(crate) async fn alerts(
        &self,
        project: &str,
        state: Option<&str>,
        from: From,
    ) -> Result<Vec<alert::Model>, DbErr> {
        let mut select =
            seen!(self, alert, ScoreWatches, Project).filter(alert::Column::Project.eq(project));
        if let Some(state) = state {
            select = select.filter(alert::Column::State.eq(state));
        }
        self.all(page!(select, alert, from)).await
    }

    /// Where the events stand that raised what is raised now in a project, in the order of the log.
    pub(crate) async fn raised_alerts(&self, project: &str) -> Result<Vec<i64>, DbErr> {
        let select = seen!(self, alert, ScoreWatches, Project)
            .filter(alert::Column::Project.eq(project))
            .filter(alert::Column::State.eq(RAISED))
            .order_by_asc(alert::Column::RaisedPosition);
        Ok(self.all(select).await?.into_iter().filter_map(|row| row.raised_position).collect())
    }

    /// The projects whose scores rest on some evidence.
    pub(crate) async fn projects_of_evidence(&self, evidence: &str) -> Result<Vec<String>, DbErr> {
        let select = seen!(self, evidence_use, EvidenceUses, Project)
            .filter(evidence_use::Column::Evidence.eq(evidence))
            .order_by_asc(evidence_use::Column::Project);
        Ok(self.all(select).await?.into_iter().map(|row| row.project).collect())
    }
}

/// Every project of every organization that has adopted a framework: `(organization, project)`.
/// For the score engine, which serves all of them.
pub(crate) async fn scored_projects(store: &EventStore) -> Result<Vec<(String, String)>, DbErr> {
    adoption::Entity::find()
        .select_only()
        .column(adoption::Column::Tenant)
        .column(adoption::Column::Project)
        .filter(adoption::Column::Generation.eq(store.generation(Adoptions::NAME)))
        .distinct()
        .into_tuple()
        .all(store.database().reader())
        .await
}

//! What came out of tests by hand, the newest first.

use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select};
use studio_entities::controls::test_result;

use super::{
    TestResults,
    read::{Read, seen},
};

/// A page of a list whose newest row comes first.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Before {
    /// The ordinal of the last row of the page before; above every row for the first page.
    pub(crate) before: i64,
    /// Rows to read.
    pub(crate) limit: u64,
}

impl Read {
    /// The results of a test; only what stands so, if so asked.
    pub(crate) async fn results_of_test(
        &self,
        test: &str,
        state: Option<&str>,
        page: Before,
    ) -> Result<Vec<test_result::Model>, DbErr> {
        let select = seen!(self, test_result, TestResults, Project);
        self.results(select.filter(test_result::Column::Test.eq(test)), state, page).await
    }

    /// The results of all tests of a project; only what stands so, if so asked.
    pub(crate) async fn results_of_project(
        &self,
        project: &str,
        state: Option<&str>,
        page: Before,
    ) -> Result<Vec<test_result::Model>, DbErr> {
        let select = seen!(self, test_result, TestResults, Project);
        self.results(select.filter(test_result::Column::Project.eq(project)), state, page).await
    }

    async fn results(
        &self,
        mut select: Select<test_result::Entity>,
        state: Option<&str>,
        page: Before,
    ) -> Result<Vec<test_result::Model>, DbErr> {
        if let Some(state) = state {
            select = select.filter(test_result::Column::State.eq(state));
        }
        let select = select
            .filter(test_result::Column::Ordinal.lt(page.before))
            .order_by_desc(test_result::Column::Ordinal);
        self.all(select.limit(page.limit)).await
    }
}

//! One DataLoader per kind of row and request. A loader knows its actor: it asks the policy and
//! sees one organization only. It keeps nothing between requests.

use std::{collections::HashMap, future::Future, sync::Arc};

use async_graphql::{
    Result,
    dataloader::{DataLoader, Loader},
};
use studio_entities::controls::{
    adoption, control, dependency, framework, nonconformity, project, requirement, review,
    score_watch::alert, test, test_result, test_rule,
};
use studio_kernel::Actor;
use studio_service::{ApiError, graphql::gql};

use crate::{
    app::App,
    projections::{ReviewKind, read::Read},
};

/// The loaders of one request.
pub(super) struct Loaders {
    projects: DataLoader<Projects>,
    frameworks: DataLoader<Frameworks>,
    requirements: DataLoader<Requirements>,
    controls: DataLoader<Controls>,
    tests: DataLoader<Tests>,
    test_rules: DataLoader<TestRules>,
    dependencies: DataLoader<Dependencies>,
    declarations: DataLoader<Declarations>,
    exceptions: DataLoader<Exceptions>,
    mappings: DataLoader<Mappings>,
    nonconformities: DataLoader<Nonconformities>,
    alerts: DataLoader<Alerts>,
    test_results: DataLoader<TestResults>,
    adoptions: DataLoader<AdoptionsOf>,
    rests_on: DataLoader<RestsOn>,
    carries: DataLoader<Carries>,
}

#[derive(Clone)]
struct Source {
    app: Arc<App>,
    actor: Actor,
}

impl Source {
    fn read(&self, action: &str) -> std::result::Result<Read, ApiError> {
        self.app.read(&self.actor, action)
    }
}

/// A loader of rows by their ids.
macro_rules! by_id {
    ($loader:ident, $entity:ident, $action:literal, $query:ident) => {
        struct $loader(Source);

        impl Loader<String> for $loader {
            type Value = $entity::Model;
            type Error = ApiError;

            fn load(
                &self,
                ids: &[String],
            ) -> impl Future<Output = std::result::Result<HashMap<String, Self::Value>, ApiError>> + Send
            {
                async move {
                    let rows = self.0.read($action)?.$query(ids).await?;
                    Ok(rows.into_iter().map(|row| (row.id.clone(), row)).collect())
                }
            }
        }
    };
}

by_id!(Projects, project, "controls:project:read", projects_by_id);
by_id!(Frameworks, framework, "controls:framework:read", frameworks_by_id);
by_id!(Requirements, requirement, "controls:framework:read", requirements_by_id);
by_id!(Controls, control, "controls:control:read", controls_by_id);
by_id!(Tests, test, "controls:test:read", tests_by_id);
by_id!(TestRules, test_rule, "controls:test:read", test_rules_by_id);
by_id!(Dependencies, dependency, "controls:dependency:read", dependencies_by_id);

by_id!(Nonconformities, nonconformity, "controls:nonconformity:read", nonconformities_by_id);
by_id!(Alerts, alert, "controls:alert:read", alerts_by_id);
by_id!(TestResults, test_result, "controls:test:read", test_results_by_id);

/// A loader of what was proposed, of one kind.
macro_rules! proposed {
    ($loader:ident, $kind:expr, $action:literal) => {
        struct $loader(Source);

        impl Loader<String> for $loader {
            type Value = review::Model;
            type Error = ApiError;

            fn load(
                &self,
                ids: &[String],
            ) -> impl Future<Output = std::result::Result<HashMap<String, Self::Value>, ApiError>> + Send
            {
                async move {
                    let rows = self.0.read($action)?.reviews_by_id(ids).await?;
                    let of_kind = rows.into_iter().filter(|row| row.kind == $kind.as_str());
                    Ok(of_kind.map(|row| (row.id.clone(), row)).collect())
                }
            }
        }
    };
}

proposed!(Declarations, ReviewKind::NotApplicable, "controls:applicability:read");
proposed!(Exceptions, ReviewKind::Exception, "controls:exception:read");
proposed!(Mappings, ReviewKind::Mapping, "controls:crosswalk:read");

/// A loader of several rows for each id.
macro_rules! grouped {
    ($loader:ident, $entity:ident, $key:ident, $action:literal, $query:ident) => {
        struct $loader(Source);

        impl Loader<String> for $loader {
            type Value = Vec<$entity::Model>;
            type Error = ApiError;

            fn load(
                &self,
                ids: &[String],
            ) -> impl Future<Output = std::result::Result<HashMap<String, Self::Value>, ApiError>> + Send
            {
                async move {
                    let mut grouped: HashMap<String, Self::Value> = HashMap::new();
                    for row in self.0.read($action)?.$query(ids).await? {
                        grouped.entry(row.$key.clone()).or_default().push(row);
                    }
                    Ok(grouped)
                }
            }
        }
    };
}

grouped!(AdoptionsOf, adoption, project, "controls:framework:read", adoptions);
grouped!(RestsOn, dependency, control, "controls:dependency:read", dependencies);
grouped!(Carries, dependency, depends_on, "controls:dependency:read", dependents);

impl Loaders {
    pub(super) fn new(app: &Arc<App>, actor: Actor) -> Self {
        let source = Source { app: app.clone(), actor };
        Self {
            projects: loader(Projects(source.clone())),
            frameworks: loader(Frameworks(source.clone())),
            requirements: loader(Requirements(source.clone())),
            controls: loader(Controls(source.clone())),
            tests: loader(Tests(source.clone())),
            test_rules: loader(TestRules(source.clone())),
            dependencies: loader(Dependencies(source.clone())),
            declarations: loader(Declarations(source.clone())),
            exceptions: loader(Exceptions(source.clone())),
            mappings: loader(Mappings(source.clone())),
            nonconformities: loader(Nonconformities(source.clone())),
            alerts: loader(Alerts(source.clone())),
            test_results: loader(TestResults(source.clone())),
            adoptions: loader(AdoptionsOf(source.clone())),
            rests_on: loader(RestsOn(source.clone())),
            carries: loader(Carries(source)),
        }
    }
}

fn loader<L: Send + Sync + 'static>(loader: L) -> DataLoader<L> {
    DataLoader::new(loader, studio_stores::sql::spawn)
}

/// Methods that load one thing or a list.
macro_rules! methods {
    ($($name:ident -> $value:ty),* $(,)?) => {
        impl Loaders {$(
            pub(super) async fn $name(&self, id: String) -> Result<Option<$value>> {
                self.$name.load_one(id).await.map_err(gql)
            }
        )*}
    };
}

methods! {
    projects -> project::Model,
    frameworks -> framework::Model,
    requirements -> requirement::Model,
    controls -> control::Model,
    tests -> test::Model,
    test_rules -> test_rule::Model,
    dependencies -> dependency::Model,
    declarations -> review::Model,
    exceptions -> review::Model,
    mappings -> review::Model,
    nonconformities -> nonconformity::Model,
    alerts -> alert::Model,
    test_results -> test_result::Model,
    adoptions -> Vec<adoption::Model>,
    rests_on -> Vec<dependency::Model>,
    carries -> Vec<dependency::Model>,
}

/// What our own rows refer to must be there.
pub(super) fn there<T>(row: Option<T>, what: &str) -> Result<T> {
    row.ok_or_else(|| gql(ApiError::internal(format!("a {what} that is referred to is missing"))))
}

//! The operations that this client knows, typed from `schema/api.graphql`. Any other
//! `graphql_client` query can be sent with [`Client::query`](crate::Client::query) as well.
#![allow(missing_docs, unreachable_pub, reason = "the code is generated from the schema")]

use graphql_client::GraphQLQuery;

/// An instant, RFC 3339.
pub type DateTime = String;

macro_rules! operations {
    ($($name:ident in $file:tt),* $(,)?) => {$(
        #[derive(GraphQLQuery)]
        #[graphql(
            schema_path = "../../../schema/api.graphql",
            query_path = $file,
            response_derives = "Debug, Clone",
            variables_derives = "Debug, Clone"
        )]
        pub struct $name;
    )*};
}

operations! {
    SetUp in "operations/session.graphql",
    LogIn in "operations/session.graphql",
    CompleteLogIn in "operations/session.graphql",
    Refresh in "operations/session.graphql",
    LogOut in "operations/session.graphql",
    WhoAmI in "operations/session.graphql",
    Me in "operations/session.graphql",
    Projects in "operations/projects.graphql",
    CreateProject in "operations/projects.graphql",
    RenameProject in "operations/projects.graphql",
    ArchiveProject in "operations/projects.graphql",
    RestoreProject in "operations/projects.graphql",
    ProjectDocuments in "operations/projects.graphql",
    ImportFramework in "operations/projects.graphql",
    AdoptFramework in "operations/projects.graphql",
    Controls in "operations/controls.graphql",
    UpdateControl in "operations/controls.graphql",
    AddDependency in "operations/controls.graphql",
    AddTest in "operations/controls.graphql",
    RecordTestResult in "operations/controls.graphql",
    ProjectScore in "operations/scores.graphql",
    ScoreChanged in "operations/scores.graphql",
    Ask in "operations/documents.graphql",
}

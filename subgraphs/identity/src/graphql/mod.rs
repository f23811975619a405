//! The GraphQL schema of the identity subgraph.

mod account;
mod api_key;
mod app;
mod audit;
mod directory;
mod factor;
mod invitation;
mod mailed;
mod oauth_client;
mod options;
mod organization;
mod passkey;
mod password;
mod people;
mod policy;
mod review;
mod session;
mod set_up;
mod stubs;
mod team;
mod user;

use std::sync::Arc;

use async_graphql::{
    Context, EmptySubscription, Enum, MergedObject, Request, Schema, SchemaBuilder,
    dataloader::DataLoader,
};
use studio_kernel::Role;
use studio_service::{GraphQlService, Served};

use crate::commands::{self, Core};

pub(crate) use team::TeamLoader;
pub(crate) use user::UserLoader;

/// Queries, one module each.
#[derive(MergedObject, Default)]
pub(crate) struct Query(
    organization::OrganizationQuery,
    user::UserQuery,
    session::SessionQuery,
    policy::PolicyQuery,
    set_up::SetUpQuery,
    audit::AuditQuery,
    options::SignInOptionsQuery,
    review::ReviewQuery,
    api_key::ApiKeyQuery,
    oauth_client::OAuthClientQuery,
    directory::DirectoryQuery,
    app::AppQuery,
    team::TeamQuery,
);

/// Mutations, one module each.
#[derive(MergedObject, Default)]
pub(crate) struct Mutation(
    account::AccountMutation,
    factor::FactorMutation,
    passkey::PasskeyMutation,
    password::PasswordMutation,
    people::PeopleMutation,
    mailed::MailedMutation,
    review::ReviewMutation,
    api_key::ApiKeyMutation,
    oauth_client::OAuthClientMutation,
    directory::DirectoryMutation,
    app::AppMutation,
    invitation::InvitationMutation,
    team::TeamMutation,
);

/// The schema, served with loaders of its own for each request.
pub(crate) fn service(core: Arc<Core>) -> Arc<dyn GraphQlService> {
    let schema = schema().data(core.clone()).finish();
    Served::new(schema, move |request: Request| {
        request
            .data(DataLoader::new(UserLoader::new(core.clone()), studio_stores::sql::spawn))
            .data(DataLoader::new(TeamLoader::new(core.clone()), studio_stores::sql::spawn))
    })
}

/// The federation SDL, without a store behind it.
pub(crate) fn sdl() -> String {
    Served::new(schema().finish(), |request| request).sdl()
}

fn schema() -> SchemaBuilder<Query, Mutation, EmptySubscription> {
    Schema::build(Query::default(), Mutation::default(), EmptySubscription)
        .enable_federation()
        .enable_subscription_in_federation()
}

/// What a member of an organization may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "Role")]
pub enum RoleName {
    /// May do everything within the organization.
    Owner,
    /// May do everything but what is an owner's alone: making or changing owners, erasing people.
    Admin,
    /// May do everything about controls, evidence and documents, and nothing about people.
    ComplianceManager,
    /// Reads everything, and changes the controls that are theirs, with their tests and documents.
    ControlOwner,
    /// Reads everything, brings evidence and documents in, and changes the own documents.
    Contributor,
    /// Reads everything about controls, evidence and documents, and changes nothing.
    Auditor,
    /// Brings scans and documents in, and reads what that needs.
    Integrator,
    /// May read everything within the organization and change nothing but the own account.
    Viewer,
}

/// The commands and queries behind the schema.
fn core<'a>(ctx: &Context<'a>) -> async_graphql::Result<&'a Arc<Core>> {
    ctx.data::<Arc<Core>>()
}

/// The request that the operation belongs to.
fn request(ctx: &Context<'_>) -> commands::Request {
    commands::Request::of(ctx)
}

//! Apps that act for people: what they ask, and what people allow and end.

use async_graphql::{
    Context, Enum, ID, InputObject, Object, SimpleObject,
    connection::{Connection, EmptyFields},
};
use chrono::{DateTime, Utc};
use studio_access::{ACTIONS, NOT_FOR_PROGRAMS, Resource};
use studio_kernel::{ActionScope, Actor, Id, TenantId, Timestamp, kind};
use studio_service::graphql::{PageArgs, UserError, actor, connection, gql, id};

use super::{
    account::errors,
    core, organization, request,
    user::{self, User},
};
use crate::{
    commands::{AllowedApp, Declined, Failure, RequestState, ShownRequest},
    domain::{
        command::COMMAND,
        reach::{AboutScope, Reach},
    },
    projections::{app_grants, read_id},
    tokens::SealedRequest,
};

/// An app that a person has allowed to act for them.
pub(super) struct App(AllowedApp);

/// An app that a person has allowed to act for them. It may do what they may, as far as they allowed.
#[Object]
impl App {
    /// The app, `cli_…`.
    async fn client_id(&self) -> ID {
        ID(self.0.client.clone())
    }

    /// What people call it.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// All that was allowed: what it may learn of the person (`openid`, `profile`, `email`), and patterns of
    /// actions, such as `controls:*:read`.
    async fn scopes(&self) -> Vec<String> {
        words(&self.0.reach)
    }

    /// When it was first allowed something that goes on.
    async fn allowed_at(&self) -> DateTime<Utc> {
        self.0.allowed_at.to_datetime()
    }

    /// When it last got tokens; null where it never did.
    async fn used_at(&self) -> Option<DateTime<Utc>> {
        self.0.used_at.map(|at| at.to_datetime())
    }
}

fn words(reach: &Reach) -> Vec<String> {
    let about = reach.about.iter().map(|about| about.as_str().to_owned());
    about.chain(reach.scopes.iter().map(ToString::to_string)).collect()
}

/// What a person allowed an app once.
pub(super) struct AppGrant(app_grants::Row);

/// What a person allowed an app once: on one of their devices, say.
#[Object]
impl AppGrant {
    /// The id, `grt_…`: the `credential` of the audit log.
    async fn id(&self) -> ID {
        ID(self.0.id.clone())
    }

    /// Who allowed it.
    async fn user(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<User>> {
        user::find(ctx, read_id(&self.0.user).map_err(gql)?).await
    }

    /// What was allowed.
    async fn scopes(&self) -> Vec<String> {
        words(&Reach::read(&self.0.reach))
    }

    /// When.
    async fn created_at(&self) -> DateTime<Utc> {
        Timestamp::from_micros(self.0.created_at).to_datetime()
    }

    /// When the app last got tokens by it; null where it never did.
    async fn used_at(&self) -> Option<DateTime<Utc>> {
        self.0.used_at.map(|at| Timestamp::from_micros(at).to_datetime())
    }
}

/// What stands between what an app asks and its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "RequestState")]
pub enum AppRequestState {
    /// It was never asked here, took longer than ten minutes, or the app has no access any more.
    Over,
    /// You have to sign in: at all, anew, or as somebody else.
    SignIn,
    /// The app belongs to another organization than you.
    Elsewhere,
    /// You have to be asked.
    Consent,
    /// You allowed all of it before.
    Ready,
}

/// Something that an app wants, in words.
#[derive(SimpleObject)]
struct AppScope {
    /// As the app writes it.
    scope: String,
    /// What it comes to, a phrase each: what the app may learn, or what it may do.
    meanings: Vec<String>,
}

/// What an app asks of a person.
pub(super) struct AppRequest(ShownRequest);

/// What an app asks of a person.
#[Object]
impl AppRequest {
    /// What stands between this and its answer.
    async fn state(&self) -> AppRequestState {
        self.0.state.into()
    }

    /// Whether the app wants nothing to be asked: where something would have to be, it is declined.
    async fn silent(&self) -> bool {
        self.0.request.as_ref().is_some_and(|request| request.silent)
    }

    /// Whether it is the `studio` command on your computer that asks. It is no app of the organization: it wants
    /// to sign in as you, and may then do what you may, in a session of its own.
    async fn command(&self) -> bool {
        self.0.request.as_ref().is_some_and(|request| request.client == COMMAND)
    }

    /// Who will probably sign in, as the app says.
    async fn login_hint(&self) -> Option<&str> {
        self.0.request.as_ref()?.login_hint.as_deref()
    }

    /// What people call the app; null unless you belong to its organization, as all that follows.
    async fn name(&self) -> Option<&str> {
        self.0.app.as_ref().map(|app| app.name.as_str())
    }

    /// The organization that has registered it, and is yours.
    async fn organization(
        &self,
        ctx: &Context<'_>,
    ) -> async_graphql::Result<Option<organization::Organization>> {
        match &self.0.app {
            Some(app) => organization::load(ctx, read_id(&app.tenant).map_err(gql)?).await,
            None => Ok(None),
        }
    }

    /// What whoever registered the app is called; null where that was not kept, or the person was erased.
    async fn registered_by(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<String>> {
        let Some(by) = self.0.app.as_ref().and_then(|app| app.created_by.as_ref()) else {
            return Ok(None);
        };
        core(ctx)?.name_of(actor(ctx)?.tenant, read_id(by).map_err(gql)?).await.map_err(gql)
    }

    /// Where the answer goes: an address, or the scheme of an app on your device.
    async fn answers_to(&self) -> Option<String> {
        self.shown().map(|request| host_of(&request.redirect_uri))
    }

    /// What the app wants.
    async fn scopes(&self) -> Vec<AppScope> {
        let Some(request) = self.shown() else { return Vec::new() };
        let about = request.reach.about.iter().map(|about| AppScope {
            scope: about.as_str().to_owned(),
            meanings: vec![learns(*about).to_owned()],
        });
        let does = request
            .reach
            .scopes
            .iter()
            .map(|scope| AppScope { scope: scope.to_string(), meanings: meanings(scope) });
        about.chain(does).collect()
    }
}

impl AppRequest {
    /// The request, for those who may see its app; that of the command for whoever is asked.
    fn shown(&self) -> Option<&SealedRequest> {
        let shown = self.0.app.is_some() || self.0.state == RequestState::Consent;
        self.0.request.as_ref().filter(|_| shown)
    }
}

const fn learns(about: AboutScope) -> &'static str {
    match about {
        AboutScope::Openid => "know who you are, and how you signed in",
        AboutScope::Profile => "know what you are called",
        AboutScope::Email => "know your e-mail address",
    }
}

/// What the actions mean that a program may do by a scope.
fn meanings(scope: &ActionScope) -> Vec<String> {
    let open = ACTIONS.iter().filter(|action| !NOT_FOR_PROGRAMS.contains(&action.name));
    let covered = open.filter(|action| scope.covers(action.name));
    covered.map(|action| action.meaning.to_owned()).collect()
}

/// The part of an address that says who answers there.
fn host_of(uri: &str) -> String {
    let (scheme, rest) = uri.split_once(':').unwrap_or((uri, ""));
    match rest.strip_prefix("//") {
        Some(rest) if matches!(scheme, "https" | "http") => {
            rest.split(['/', '?']).next().unwrap_or_default().to_owned()
        }
        _ => scheme.to_owned(),
    }
}

/// What an app asks, to be allowed.
#[derive(InputObject)]
struct AllowAppInput {
    /// What it asks: what follows `#authorize=` in the address that it led to.
    request: String,
    /// Whether you were just asked, and said yes. Without that it works where you allowed all of it before.
    consent: bool,
}

/// What an app asks, to be declined.
#[derive(InputObject)]
struct DeclineAppInput {
    /// What it asks: what follows `#authorize=` in the address that it led to.
    request: String,
    /// Why; because you said no unless you say otherwise.
    #[graphql(default_with = "DeclineReason::AccessDenied")]
    reason: DeclineReason,
}

/// Why an app is declined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "Declined")]
pub enum DeclineReason {
    /// You said no.
    AccessDenied,
    /// You would have to sign in, and the app wants nothing to be asked.
    LoginRequired,
    /// You would have to be asked, and the app wants nothing to be asked.
    ConsentRequired,
}

/// Where to go on.
#[derive(SimpleObject, Default)]
struct AppAnswerPayload {
    /// The address that leads back to the app, with the answer.
    redirect_to: Option<String>,
    /// What to mend; empty when it worked.
    user_errors: Vec<UserError>,
}

impl AppAnswerPayload {
    fn of(answered: Result<String, Failure>) -> async_graphql::Result<Self> {
        Ok(match answered {
            Ok(to) => Self { redirect_to: Some(to), user_errors: Vec::new() },
            Err(failure) => Self { redirect_to: None, user_errors: errors(failure)? },
        })
    }
}

/// An app that may act no more.
#[derive(InputObject)]
struct RevokeAppInput {
    /// The app, `cli_…`.
    client_id: ID,
    /// For whom it may act no more, `usr_…`: for you unless you say otherwise.
    user_id: Option<ID>,
}

/// What `revokeApp` did.
#[derive(SimpleObject, Default)]
struct RevokeAppPayload {
    /// How often the app had been allowed something, which is all over now.
    ended: i32,
    /// What to mend; empty when it worked.
    user_errors: Vec<UserError>,
}

/// Queries about apps.
#[derive(Default)]
pub(super) struct AppQuery;

#[Object]
impl AppQuery {
    /// What an app asks of you, which leads people here by `GET /oauth2/authorize`. Whoever is not signed in
    /// learns that they must.
    async fn app_request(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What follows `#authorize=` in the address.")] request: String,
    ) -> async_graphql::Result<AppRequest> {
        let shown = core(ctx)?.app_request(ctx.data_opt::<Actor>(), &request).await;
        shown.map(AppRequest).map_err(gql)
    }
}

/// Mutations about apps.
#[derive(Default)]
pub(super) struct AppMutation;

#[Object]
impl AppMutation {
    /// Lets an app act for you, as far as it asks: it may do what you may, within that, until you end it by
    /// `revokeApp`. The `studio` command on your computer gets a session of yours, which you end as all others.
    /// A program cannot.
    async fn allow_app(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What it asks.")] input: AllowAppInput,
    ) -> async_graphql::Result<AppAnswerPayload> {
        let (actor, consent) = (actor(ctx)?, input.consent);
        let core = core(ctx)?;
        let allowed = core.allow_app(actor, &input.request, consent, request(ctx)).await;
        AppAnswerPayload::of(allowed)
    }

    /// Tells an app that it is not let in. Nobody has to be signed in for that.
    async fn decline_app(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What it asks.")] input: DeclineAppInput,
    ) -> async_graphql::Result<AppAnswerPayload> {
        let declined = core(ctx)?.decline_app(&input.request, input.reason.into()).await;
        AppAnswerPayload::of(declined)
    }

    /// Ends all that you have allowed an app, or, if you are an owner or an admin, that somebody else of the
    /// organization has. A program cannot.
    async fn revoke_app(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The app.")] input: RevokeAppInput,
    ) -> async_graphql::Result<RevokeAppPayload> {
        let client = id(&input.client_id)?;
        let user: Option<Id<kind::User>> = input.user_id.as_ref().map(id).transpose()?;
        match core(ctx)?.revoke_app(actor(ctx)?, client, user, request(ctx)).await {
            Ok(ended) => Ok(RevokeAppPayload { ended, user_errors: Vec::new() }),
            Err(failure) => {
                Ok(RevokeAppPayload { user_errors: errors(failure)?, ..Default::default() })
            }
        }
    }
}

/// The apps that a person has allowed something.
pub(super) async fn of(
    ctx: &Context<'_>,
    tenant: TenantId,
    user: Id<kind::User>,
) -> async_graphql::Result<Vec<App>> {
    let apps = core(ctx)?.apps_of(actor(ctx)?, tenant, user).await.map_err(gql)?;
    Ok(apps.into_iter().map(App).collect())
}

/// What people allowed an app, for those who may see it of everybody.
pub(super) async fn page(
    ctx: &Context<'_>,
    tenant: TenantId,
    client: &str,
    page: &PageArgs,
) -> async_graphql::Result<Connection<String, AppGrant, EmptyFields, EmptyFields>> {
    let core = core(ctx)?;
    // Whoever sees programs of the organization sees this; it is asked all the same.
    let resource = Resource::any("App", tenant);
    let scope = core.policy.require(actor(ctx)?, "identity:app:read", &resource).map_err(gql)?;
    let rows =
        app_grants::of_client(&core.store, scope, client, page.after.as_deref(), page.limit());
    Ok(connection(rows.await.map_err(gql)?, page, |row| row.id.clone(), AppGrant))
}

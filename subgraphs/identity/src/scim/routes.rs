//! The routes under `/scim/v2`.

use std::sync::Arc;

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, FromRequest, Path, Request},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{any, get, post},
};
use serde_json::Value;
use studio_kernel::{Id, id, kind};

use super::{
    MEDIA_TYPE, MOST_BODY, ScimError, ScimType,
    attributes::Resource,
    bearer, discovery,
    document::{self, Document},
    groups::Groups,
    list::{self, Found, Source},
    patch::Patch,
    query::Query,
    shown::Shown,
    users::Users,
};
use crate::commands::{
    self, Core,
    provision::{Provisioner, Seen},
};

/// The routes.
pub(crate) fn routes(core: Arc<Core>) -> Router {
    Router::new()
        .route("/scim/v2/ServiceProviderConfig", get(config))
        .route("/scim/v2/ResourceTypes", get(resource_types))
        .route("/scim/v2/ResourceTypes/{name}", get(one_resource_type))
        .route("/scim/v2/Schemas", get(schemas))
        .route("/scim/v2/Schemas/{id}", get(one_schema))
        .route("/scim/v2/.search", post(search))
        .route("/scim/v2/Users/.search", post(search_users))
        .route("/scim/v2/Groups/.search", post(search_groups))
        .route("/scim/v2/Users", get(users).post(add_user))
        .route(
            "/scim/v2/Users/{id}",
            get(user).put(replace_user).patch(patch_user).delete(delete_user),
        )
        .route("/scim/v2/Groups", get(groups).post(add_group))
        .route(
            "/scim/v2/Groups/{id}",
            get(group).put(replace_group).patch(patch_group).delete(delete_group),
        )
        .route("/scim/v2/{*rest}", any(nothing))
        .layer(DefaultBodyLimit::max(MOST_BODY))
        .with_state(core)
}

type Answer = Result<Response, ScimError>;

/// A request of a directory that showed its token.
struct Asked {
    core: Arc<Core>,
    by: Provisioner,
    headers: HeaderMap,
    query: Option<String>,
    body: Bytes,
}

impl FromRequest<Arc<Core>> for Asked {
    type Rejection = ScimError;

    async fn from_request(request: Request, core: &Arc<Core>) -> Result<Self, ScimError> {
        let asked = commands::Request::of_extensions(request.extensions());
        let headers = request.headers().clone();
        let by = bearer::who(core, &headers, asked).await?;
        let query = request.uri().query().map(str::to_owned);
        let body = Bytes::from_request(request, core).await.map_err(|refused| {
            ScimError::status(
                refused.status(),
                format!("The body has more than {MOST_BODY} bytes, or ended early."),
            )
        })?;
        Ok(Self { core: core.clone(), by, headers, query, body })
    }
}

impl Asked {
    /// The body as JSON.
    fn json(&self) -> Result<Value, ScimError> {
        let kind = self.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let kind = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default().trim();
        if ![MEDIA_TYPE, "application/json"].iter().any(|own| kind.eq_ignore_ascii_case(own)) {
            let says = format!("Send {MEDIA_TYPE}.");
            return Err(ScimError::status(StatusCode::UNSUPPORTED_MEDIA_TYPE, says));
        }
        serde_json::from_slice(&self.body).map_err(|error| {
            ScimError::new(ScimType::InvalidSyntax, format!("The body is no JSON: {error}."))
        })
    }

    /// What `If-Match` says (RFC 9110, section 13.1.1).
    fn seen(&self) -> Seen {
        let Some(value) = self.headers.get(header::IF_MATCH) else { return Seen(None) };
        let text = value.to_str().unwrap_or_default();
        Seen((text.trim() != "*").then(|| versions(text)))
    }

    fn shown(&self) -> Result<Shown, ScimError> {
        Ok(Query::of_address(self.query.as_deref())?.shown)
    }

    fn base(&self) -> String {
        format!("{}/scim/v2", self.core.issuer.issuer())
    }

    /// One resource, with its version and, where it is new, its address.
    fn one(&self, status: StatusCode, shown: &Shown, resource: Document) -> Answer {
        let meta = |name: &str| {
            let text = resource.get("meta")?.get(name)?.as_str()?;
            HeaderValue::try_from(text).ok()
        };
        let (version, place) = (meta("version"), meta("location"));
        let unless = self.headers.get(header::IF_NONE_MATCH).and_then(|it| it.to_str().ok());
        let known = |version: &HeaderValue| {
            let own = versions(version.to_str().unwrap_or_default());
            unless.is_some_and(|it| versions(it).iter().any(|one| own.contains(one)))
        };
        let mut response = match version.as_ref().is_some_and(known) && status == StatusCode::OK {
            true => StatusCode::NOT_MODIFIED.into_response(),
            false => scim(status, &shown.of_resource(resource)),
        };
        let headers = response.headers_mut();
        if let Some(version) = version {
            headers.insert(header::ETAG, version);
        }
        if let Some(place) = place.filter(|_| status == StatusCode::CREATED) {
            headers.insert(header::LOCATION, place);
        }
        Ok(response)
    }

    async fn user(&self, status: StatusCode, id: &str) -> Answer {
        read_id::<kind::User>(Resource::User, id)?;
        let shown = self.shown()?;
        let users = Users::one(&self.core, &self.by, id, &shown);
        self.one(status, &shown, only(&users, id).await?)
    }

    async fn group(&self, status: StatusCode, id: &str) -> Answer {
        read_id::<kind::DirectoryGroup>(Resource::Group, id)?;
        let shown = self.shown()?;
        let groups = Groups::one(&self.core, &self.by, id, &shown);
        self.one(status, &shown, only(&groups, id).await?)
    }

    async fn find(&self, query: &Query, resource: Resource) -> Result<Found, ScimError> {
        let (core, by, filter) = (&*self.core, &self.by, query.filter.as_ref());
        match resource {
            Resource::User => list::find(&Users::new(core, by, filter, &query.shown), query).await,
            Resource::Group => {
                list::find(&Groups::new(core, by, filter, &query.shown), query).await
            }
        }
    }

    async fn list(&self, query: &Query, resource: Resource) -> Answer {
        self.core.may_look(&self.by, resource.name())?;
        let found = self.find(query, resource).await?;
        let resources = found.resources.into_iter().map(|it| query.shown.of_resource(it));
        let body = list::response(found.total, query.start, resources.collect());
        Ok(scim(StatusCode::OK, &body))
    }
}

/// The numbers of versions, as `W/"7"` or `"7"`; others are of nothing.
fn versions(text: &str) -> Vec<i64> {
    let one = |it: &str| {
        let it = it.trim();
        it.strip_prefix("W/").unwrap_or(it).strip_prefix('"')?.strip_suffix('"')?.parse().ok()
    };
    text.split(',').filter_map(one).collect()
}

/// The only resource of a source.
async fn only<S: Source>(source: &S, id: &str) -> Result<Document, ScimError> {
    let (_, found) = source.page(0, 1).await?;
    found.into_iter().next().ok_or_else(|| ScimError::not_found(S::RESOURCE.name(), id))
}

/// An id of ours; what is none is of nothing.
fn read_id<K: id::Kind>(resource: Resource, text: &str) -> Result<Id<K>, ScimError> {
    text.parse().map_err(|_| ScimError::not_found(resource.name(), text))
}

fn scim(status: StatusCode, body: &Value) -> Response {
    let headers = [(header::CONTENT_TYPE, MEDIA_TYPE), (header::CACHE_CONTROL, "no-store")];
    (status, headers, body.to_string()).into_response()
}

async fn nothing(_asked: Asked) -> ScimError {
    let says = "There is nothing at this path: GET /scim/v2/ResourceTypes lists what there is.";
    ScimError::status(StatusCode::NOT_FOUND, says)
}

async fn config(asked: Asked) -> Answer {
    Ok(scim(StatusCode::OK, &discovery::config(&asked.base())))
}

async fn resource_types(asked: Asked) -> Answer {
    Ok(scim(StatusCode::OK, &discovery::resource_types(&asked.base())))
}

async fn one_resource_type(Path(name): Path<String>, asked: Asked) -> Answer {
    let found = discovery::one_resource_type(&asked.base(), &name);
    let found = found.ok_or_else(|| ScimError::not_found("ResourceType", &name))?;
    Ok(scim(StatusCode::OK, &found))
}

async fn schemas(asked: Asked) -> Answer {
    Ok(scim(StatusCode::OK, &discovery::schemas(&asked.base())))
}

async fn one_schema(Path(id): Path<String>, asked: Asked) -> Answer {
    let found = discovery::one_schema(&asked.base(), &id);
    let found = found.ok_or_else(|| ScimError::not_found("Schema", &id))?;
    Ok(scim(StatusCode::OK, &found))
}

/// A search among people and groups: what only the ones can be asked finds those alone.
async fn search(asked: Asked) -> Answer {
    let query = Query::of_body(&asked.json()?)?;
    let (mut found, mut refused) = (Vec::new(), Vec::new());
    for resource in Resource::ALL {
        asked.core.may_look(&asked.by, resource.name())?;
        if let Err(error) = query.check(resource) {
            refused.push(error);
            continue;
        }
        let all = Query { start: 1, count: super::MOST_LOOKED_AT, ..query.clone() };
        let some = asked.find(&all, resource).await?;
        if some.total > some.resources.len() {
            let says = "There are too many for one search: search among Users, or among Groups.";
            return Err(ScimError::new(ScimType::TooMany, says));
        }
        found.extend(some.resources);
    }
    if refused.len() == Resource::ALL.len()
        && let Some(refused) = refused.pop()
    {
        return Err(refused);
    }
    let total = found.len();
    let page = found.into_iter().skip(query.start - 1).take(query.count);
    let resources = page.map(|it| query.shown.of_resource(it)).collect();
    Ok(scim(StatusCode::OK, &list::response(total, query.start, resources)))
}

async fn search_users(asked: Asked) -> Answer {
    let query = Query::of_body(&asked.json()?)?;
    asked.list(&query, Resource::User).await
}

async fn search_groups(asked: Asked) -> Answer {
    let query = Query::of_body(&asked.json()?)?;
    asked.list(&query, Resource::Group).await
}

async fn users(asked: Asked) -> Answer {
    let query = Query::of_address(asked.query.as_deref())?;
    asked.list(&query, Resource::User).await
}

async fn groups(asked: Asked) -> Answer {
    let query = Query::of_address(asked.query.as_deref())?;
    asked.list(&query, Resource::Group).await
}

async fn user(Path(id): Path<String>, asked: Asked) -> Answer {
    asked.core.may_look(&asked.by, Resource::User.name())?;
    asked.user(StatusCode::OK, &id).await
}

async fn group(Path(id): Path<String>, asked: Asked) -> Answer {
    asked.core.may_look(&asked.by, Resource::Group.name())?;
    asked.group(StatusCode::OK, &id).await
}

async fn add_user(asked: Asked) -> Answer {
    let document = document::read(Resource::User, &asked.json()?)?;
    let user = asked.core.provision_person(&asked.by, document).await?;
    asked.user(StatusCode::CREATED, &user.to_string()).await
}

async fn add_group(asked: Asked) -> Answer {
    let document = document::read(Resource::Group, &asked.json()?)?;
    let group = asked.core.provision_group(&asked.by, document).await?;
    asked.group(StatusCode::CREATED, &group.to_string()).await
}

async fn replace_user(Path(id): Path<String>, asked: Asked) -> Answer {
    let document = document::read(Resource::User, &asked.json()?)?;
    let user = read_id(Resource::User, &id)?;
    let change = |before: Document| {
        let mut after = document.clone();
        // Where nothing is said of it, somebody stays active or not: RFC 7644, section 3.5.1, leaves it to us.
        if let Some(active) = before.get("active") {
            after.entry("active").or_insert_with(|| active.clone());
        }
        Ok(after)
    };
    asked.core.change_person(&asked.by, user, &asked.seen(), change).await?;
    asked.user(StatusCode::OK, &id).await
}

async fn replace_group(Path(id): Path<String>, asked: Asked) -> Answer {
    let document = document::read(Resource::Group, &asked.json()?)?;
    let group = read_id(Resource::Group, &id)?;
    let change = |_| Ok(document.clone());
    asked.core.change_group(&asked.by, group, &asked.seen(), change).await?;
    asked.group(StatusCode::OK, &id).await
}

async fn patch_user(Path(id): Path<String>, asked: Asked) -> Answer {
    let patch = Patch::read(&asked.json()?)?;
    let user = read_id(Resource::User, &id)?;
    let change = |before| patch.apply(Resource::User, before);
    asked.core.change_person(&asked.by, user, &asked.seen(), change).await?;
    asked.user(StatusCode::OK, &id).await
}

async fn patch_group(Path(id): Path<String>, asked: Asked) -> Answer {
    let patch = Patch::read(&asked.json()?)?;
    let group = read_id(Resource::Group, &id)?;
    let change = |before| patch.apply(Resource::Group, before);
    asked.core.change_group(&asked.by, group, &asked.seen(), change).await?;
    asked.group(StatusCode::OK, &id).await
}

async fn delete_user(Path(id): Path<String>, asked: Asked) -> Answer {
    let user = read_id(Resource::User, &id)?;
    asked.core.deprovision_person(&asked.by, user, &asked.seen()).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn delete_group(Path(id): Path<String>, asked: Asked) -> Answer {
    let group = read_id(Resource::Group, &id)?;
    asked.core.delete_group(&asked.by, group, &asked.seen()).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

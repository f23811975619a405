//! What directories do to the people of their organization (SCIM 2.0). Each change is one append, with all
//! roles that follow from it, while no other roles change: groups that come and go at once are each judged by
//! what the other has left. Owners are left alone, and nobody whom the directory did not provision exists
//! for it.

mod groups;
mod people;
mod record;
mod roles;

use studio_access::Resource;
use studio_events::{Append, AppendError, Metadata, Recorded, StreamAppend};
use studio_kernel::{Actor, Id, Role, TenantId, kind};
use zeroize::Zeroizing;

pub(crate) use record::Record;
pub(super) use roles::Follow;

use super::{Core, Failure, Request, roles::RANK};
use crate::{
    domain::directory::Settings,
    projections::{api_keys, directories, read_id},
    scim::{ScimError, ScimType},
    tokens::{directory, is_right},
};

/// How often a change is decided again when somebody else was faster.
const TRIES: usize = 3;
/// Microseconds for which a use of a token that was noted stands for all others.
const NOTED_EVERY: i64 = 300_000_000;

/// A directory that showed its token.
#[derive(Debug, Clone)]
pub(crate) struct Provisioner {
    /// The organization.
    pub tenant: TenantId,
    /// Which directory.
    pub directory: Id<kind::Directory>,
    /// What it may do.
    pub settings: Settings,
    /// The request that it made.
    pub request: Request,
}

impl Provisioner {
    /// The directory as who acts.
    pub(crate) fn actor(&self) -> Actor {
        self.request.by(Actor::directory(self.tenant, self.directory))
    }

    fn metadata(&self) -> Metadata {
        super::users::metadata(&self.actor(), &self.request)
    }
}

impl Core {
    /// The directory behind a token; `None` for one that opens nothing, whatever the cause.
    ///
    /// # Errors
    /// From the store.
    pub(crate) async fn provisioner(
        &self,
        token: &str,
        request: Request,
    ) -> Result<Option<Provisioner>, Failure> {
        let Some((id, secret)) = directory::read(token) else { return Ok(None) };
        let secret = Zeroizing::new(secret.to_owned());
        let Some(row) = directories::by_token(&self.store, id).await? else { return Ok(None) };
        let now = self.env.now();
        let holds = is_right(&secret, &row.secret_hash)
            && row.disconnected_at.is_none()
            && row.expires_at.is_none_or(|until| now.micros() < until);
        if !holds {
            return Ok(None);
        }
        let tenant: TenantId = read_id(&row.tenant)?;
        self.still_changes(tenant)?;
        let noted = api_keys::last_used(&self.store, tenant, [row.id.as_str()]).await?;
        if noted.get(&row.id).is_none_or(|at| at + NOTED_EVERY <= now.micros()) {
            let tx = self.store.begin_beside().await?;
            api_keys::note_use(&tx, tenant, id, now).await?;
            tx.commit().await?;
        }
        let settings = directories::read_settings(&row)?;
        Ok(Some(Provisioner { tenant, directory: id, settings, request }))
    }

    /// Whether the directory may do something to somebody with these roles.
    ///
    /// # Errors
    /// `FORBIDDEN`, for an owner above all.
    fn may_provision(
        &self,
        by: &Provisioner,
        what: Resource,
        roles: &[Role],
    ) -> Result<(), Failure> {
        let what = what.with(RANK, super::roles::rank(&[roles]));
        let _all = self.policy.require(&by.actor(), "identity:directory:provision", &what)?;
        Ok(())
    }

    /// Whether the directory may look at what it has provisioned.
    ///
    /// # Errors
    /// `FORBIDDEN`.
    pub(crate) fn may_look(&self, by: &Provisioner, what: &'static str) -> Result<(), Failure> {
        self.may_provision(by, Resource::any(what, by.tenant), &[])
    }

    /// Appends what a directory did. `None` where somebody else was faster.
    async fn append_provisioned(
        &self,
        by: &Provisioner,
        streams: Vec<StreamAppend>,
        taken: &str,
    ) -> Result<Option<Vec<Recorded>>, ScimError> {
        if streams.is_empty() {
            return Ok(Some(Vec::new()));
        }
        match self.store.append(Append::new(by.tenant, by.metadata(), streams)).await {
            Ok(recorded) => Ok(Some(recorded)),
            Err(AppendError::Conflict { .. }) => Ok(None),
            // Only a name or an address that somebody has keeps a read model from taking it in.
            Err(AppendError::Projection { .. }) => Err(ScimError::new(ScimType::Uniqueness, taken)),
            Err(error) => Err(error.into()),
        }
    }
}

/// What was seen of a resource before it is changed (RFC 7644, section 3.14).
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen(pub Option<Vec<i64>>);

impl Seen {
    /// Whether it is still so.
    fn check(&self, version: i64) -> Result<(), ScimError> {
        match &self.0 {
            Some(versions) if !versions.contains(&version) => Err(ScimError::status(
                axum::http::StatusCode::PRECONDITION_FAILED,
                "It was changed meanwhile: read it again, and send If-Match with its version.",
            )),
            _ => Ok(()),
        }
    }
}

/// Somebody else was faster several times in a row.
fn busy() -> ScimError {
    let says = "Others changed the same at the same time: send it again.";
    ScimError::status(axum::http::StatusCode::SERVICE_UNAVAILABLE, says)
}

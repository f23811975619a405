//! Taking a document in: authorize, spool and hash, keep the bytes, then record the version. The
//! bytes are there before the event that names them; bytes that no event names are swept.

use bytes::Bytes;
use futures::Stream;
use studio_access::{Place, Resource};
use studio_entities::documents::{document, version};
use studio_events::{ExecuteError, Metadata};
use studio_kernel::{Actor, Code, DataClass, Id, TenantId, kind};
use studio_service::ApiError;
use studio_stores::blobs::{BlobError, Spooled};

use super::{Documents, UPLOAD, owner};
use crate::{
    domain::{Document, DocumentName, MediaType, NewVersion, UploadRefused},
    projections::documents,
};

/// What comes with the bytes.
#[derive(Debug, Clone)]
pub(crate) struct Upload {
    pub(crate) project: Id<kind::Project>,
    /// The document that gets a new version; a new document where it is absent.
    pub(crate) document: Option<Id<kind::Document>>,
    pub(crate) name: Option<String>,
    /// How closely it is to be kept; an upload raises the class of a document and does not lower it.
    pub(crate) data_class: Option<DataClass>,
    pub(crate) content_type: Option<String>,
    /// As the client announces it.
    pub(crate) content_length: Option<u64>,
}

/// What became of it.
#[derive(Debug, Clone)]
pub(crate) struct Uploaded {
    pub(crate) document: document::Model,
    /// The version with these bytes: the new one, or the newest where nothing changed.
    pub(crate) version: version::Model,
    /// Whether a version was recorded.
    pub(crate) changed: bool,
}

impl Documents {
    /// Takes the bytes in as a new document or a new version.
    pub(crate) async fn upload<E>(
        &self,
        actor: &Actor,
        upload: Upload,
        body: impl Stream<Item = Result<Bytes, E>>,
    ) -> Result<Uploaded, ApiError>
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let (resource, present) = match upload.document {
            Some(document) => match self.resource(actor, document).await? {
                // One of another project is none, for whoever does not see both.
                (resource, row) if resource.place == Place::Project(upload.project) => {
                    (resource, row)
                }
                (resource, _) => (resource.nowhere(), None),
            },
            None => {
                let class = upload.data_class.unwrap_or_default();
                let made = Resource::any("Document", actor.tenant).classed(class);
                (made.of_project(upload.project), None)
            }
        };
        let tenant = self.require(actor, UPLOAD, &resource)?.tenant();
        if upload.content_length.is_some_and(|length| length > self.limit) {
            return Err(self.too_large());
        }
        let given = upload.name.as_deref().map(DocumentName::parse).transpose().map_err(bad)?;
        if !self.knows_project(tenant, upload.project).await? {
            return Err(ApiError::not_found("project", upload.project));
        }
        self.must_be_in_use(tenant, upload.project).await?;
        let name = match upload.document {
            Some(id) => {
                let row = present.as_ref().ok_or_else(|| ApiError::not_found("document", id))?;
                given.clone().map_or_else(
                    || DocumentName::parse(&row.name).map_err(ApiError::internal),
                    Ok,
                )?
            }
            None => given.ok_or_else(|| {
                let hint = "Say what the document is called: add name=… to the address.";
                ApiError::new(Code::BadRequest, hint)
            })?,
        };
        let media_type =
            MediaType::of_upload(upload.content_type.as_deref(), &name).map_err(bad)?;
        let spooled = self.spool(body).await?;
        // A large body takes its time, in which the project may have been archived.
        self.must_be_in_use(tenant, upload.project).await?;
        let version = NewVersion {
            document: upload.document.unwrap_or_else(|| self.env.id()),
            version: self.env.id(),
            project: upload.project,
            media_type,
            sha256: spooled.content_hash().to_string(),
            size: spooled.content_size(),
            data_class: upload.data_class,
            owner: match &present {
                Some(row) => owner(row)?,
                None => actor.user_id(),
            },
        };
        let hash = spooled.content_hash();
        self.blobs.put(tenant, hash, spooled).await?;
        let is_new = upload.document.is_none();
        self.record(actor, is_new, &name, version).await
    }

    /// Refuses an archived project.
    async fn must_be_in_use(
        &self,
        tenant: TenantId,
        project: Id<kind::Project>,
    ) -> Result<(), ApiError> {
        if !self.is_archived(tenant, &project.to_string()).await? {
            return Ok(());
        }
        let hint = format!(
            "Project {project} is archived and takes no document: restore it first \
             (restoreProject)."
        );
        Err(ApiError::new(Code::Conflict, hint))
    }

    async fn spool<E>(
        &self,
        body: impl Stream<Item = Result<Bytes, E>>,
    ) -> Result<Spooled, ApiError>
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let spool = self.blobs.spool(self.limit).await?;
        let spooled = spool.fill(body).await.map_err(|error| match error {
            BlobError::TooLarge { .. } => self.too_large(),
            other => other.into(),
        })?;
        if spooled.content_size() == 0 { Err(bad(UploadRefused::Empty)) } else { Ok(spooled) }
    }

    async fn record(
        &self,
        actor: &Actor,
        is_new: bool,
        name: &DocumentName,
        version: NewVersion,
    ) -> Result<Uploaded, ApiError> {
        let (tenant, id) = (actor.tenant, version.document);
        let metadata = Metadata::by(actor);
        let executed = self
            .store
            .execute::<Document, UploadRefused>(
                tenant,
                &id.to_string(),
                &metadata,
                |document, _| {
                    if is_new {
                        document.create(name, version.clone())
                    } else {
                        document.add_version(Some(name), version.clone())
                    }
                },
            )
            .await
            .map_err(|error| match error {
                ExecuteError::Refused(UploadRefused::NoSuchDocument) => {
                    ApiError::not_found("document", id)
                }
                ExecuteError::Refused(refused) => bad(refused),
                other => append_failed(other),
            })?;
        let number = executed.state.newest_number();
        let document = documents::one(&self.store, tenant, id).await?;
        let stored = documents::version_by_number(&self.store, tenant, id, number).await?;
        match (document, stored) {
            (Some(document), Some(stored)) => {
                let changed = stored.id == version.version.to_string();
                Ok(Uploaded { document, version: stored, changed })
            }
            _ => Err(ApiError::internal(format!("{id} was recorded and has no row"))),
        }
    }

    fn too_large(&self) -> ApiError {
        ApiError::new(
            Code::TooLarge,
            format!(
                "The document is larger than {} bytes, and nothing was kept: split it, or ask \
                 whoever runs this server to raise limits.document.",
                self.limit
            ),
        )
    }
}

/// A conflict that stayed after a second try is the client's to repeat; the rest is ours.
pub(super) fn append_failed<E: std::fmt::Display>(error: ExecuteError<E>) -> ApiError {
    match error {
        ExecuteError::Append(append) if append.code() == Code::Conflict => ApiError::new(
            Code::Conflict,
            "Somebody else changed the document at the same moment: send it again.",
        ),
        ExecuteError::Refused(refused) => ApiError::internal(refused),
        ExecuteError::Append(error) => error.into(),
        ExecuteError::Store(error) => error.into(),
    }
}

/// What the client sent cannot be right.
fn bad(reason: impl std::fmt::Display) -> ApiError {
    let mut sentence = reason.to_string();
    if let Some(first) = sentence.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    ApiError::new(Code::BadRequest, format!("{sentence}."))
}

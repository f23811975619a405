//! Takes JSON in under a name, for rules to look at: authorize, read and validate, keep the bytes, record.
//! Each time it is a new version of the evidence of that name, with a run of its own that is complete as
//! soon as it begins; the same bytes of the same instant are one.

use axum::body::{Body, Bytes};
use futures::StreamExt;
use studio_events::{Append, Expected, Metadata, StreamAppend};
use studio_kernel::{Actor, Code, DataClass, Id, Timestamp, kind};
use studio_rego::{JsonError, LONGEST_JSON, read_json};
use studio_service::ApiError;
use studio_stores::{
    blobs::{BlobError, Spooled},
    sql,
};

use super::{Core, ingest::Ingested};
use crate::{
    domain::{Evidence, EvidenceVersionAdded, HandedIn, Intake, Run, RunCompleted, RunStarted},
    error::{EvidenceError, archived},
    names,
};

/// Bytes of the longest name.
const LONGEST_NAME: usize = 64;
/// How often it is decided anew after others were first.
const CONFLICTS: u32 = 20;

/// What a client says of JSON that it hands in.
#[derive(Debug, Clone)]
pub(crate) struct HandIn {
    /// The project that it is about.
    pub(crate) project: Id<kind::Project>,
    /// The name.
    pub(crate) name: String,
    /// When it was collected; now, where that is not said.
    pub(crate) collected_at: Option<Timestamp>,
    /// How closely it is to be kept.
    pub(crate) data_class: Option<DataClass>,
    /// How long the body is, where the client says so.
    pub(crate) length: Option<u64>,
}

impl HandIn {
    /// Whether that can be a name: what tests call their evidence by.
    fn is_named(&self) -> bool {
        let fits = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_');
        (1..=LONGEST_NAME).contains(&self.name.len())
            && self.name.bytes().all(fits)
            && self.name.as_bytes().first().is_some_and(u8::is_ascii_alphanumeric)
    }
}

impl Core {
    /// Takes JSON into a project.
    pub(crate) async fn hand_in(
        &self,
        actor: &Actor,
        hand_in: HandIn,
        body: Body,
    ) -> Result<Ingested, ApiError> {
        let now = self.store.env().now();
        let allowed = async {
            self.may_bring(actor, hand_in.project).await?;
            may_be(&hand_in, now).map_err(EvidenceError::from)
        };
        if let Err(error) = allowed.await {
            Self::turn_away(body).await;
            return Err(error.into());
        }
        let bytes = whole(body).await?;
        let checked = {
            let bytes = bytes.clone();
            tokio::task::spawn_blocking(move || read_json(&bytes).map(|_text| ()))
        };
        checked.await.map_err(ApiError::internal)?.map_err(refused)?;
        let mut spool = self.blobs.spool_for(actor.tenant, LONGEST_JSON as u64).await?;
        spool.take(bytes).await?;
        let spooled = spool.finish().await?;
        let (core, actor) = (self.clone(), actor.clone());
        let recorded = async move { core.record_json(&actor, hand_in, now, spooled).await };
        let recording = self.running.spawn(sql::carried(recorded));
        recording.await.map_err(ApiError::internal)?.map_err(ApiError::from)
    }

    async fn record_json(
        &self,
        actor: &Actor,
        hand_in: HandIn,
        now: Timestamp,
        spooled: Spooled,
    ) -> Result<Ingested, EvidenceError> {
        let HandIn { project, name, data_class, .. } = hand_in;
        let tenant = actor.tenant;
        let collected_at = hand_in.collected_at.unwrap_or(now);
        let (hash, size) = (spooled.content_hash(), spooled.content_size());
        let sha256 = hash.to_string();
        let run = names::handing_in(tenant, project, &name, &sha256, collected_at);
        let source = HandedIn::source(&name);
        let evidence = names::evidence(tenant, project, &source);
        let metadata = Metadata::by(actor);
        // The bytes are there before the event that names them.
        self.blobs.put(tenant, hash, spooled).await?;
        for _ in 0..CONFLICTS {
            if self.store.load::<Run>(tenant, &run.to_string()).await?.state.started.is_some() {
                self.raise(tenant, evidence, data_class, &metadata).await?;
                return Ok(Ingested { run, created: false });
            }
            if self.store.load::<Intake>(tenant, &project.to_string()).await?.state.archived {
                return Err(archived(project).into());
            }
            let known = self.store.load::<Evidence>(tenant, &evidence.to_string()).await?;
            let version = known.state.next_version();
            let started = RunStarted {
                project,
                evidence,
                evidence_version: version,
                source: source.clone(),
                sha256: sha256.clone(),
                size,
                items: 0,
                uploaded_by: actor.user_id(),
            };
            let counts = Run::default().counts;
            let completed = RunCompleted { project, counts, results_events: 0 };
            let added = EvidenceVersionAdded {
                project,
                run,
                version,
                source: source.clone(),
                sha256: sha256.clone(),
                size,
                data_class: known.state.class_with(data_class),
                handed_in: Some(HandedIn { name: name.clone(), collected_at }),
            };
            let raised = known.state.raise(data_class);
            let recorded = raised.into_iter().chain([added.into()]).collect();
            let streams = vec![
                StreamAppend::of::<Run>(
                    run.to_string(),
                    Expected::NoStream,
                    vec![started.into(), completed.into()],
                )?,
                StreamAppend::of::<Evidence>(
                    evidence.to_string(),
                    Expected::Version(known.version),
                    recorded,
                )?,
            ];
            let append = Append::new(tenant, metadata.clone(), streams);
            match self.store.append(append).await.map_err(EvidenceError::from) {
                Ok(_) => return Ok(Ingested { run, created: true }),
                Err(EvidenceError::Conflict) => {}
                Err(error) => return Err(error),
            }
        }
        Err(EvidenceError::Conflict)
    }
}

/// Refuses what nothing of the body could mend.
fn may_be(hand_in: &HandIn, now: Timestamp) -> Result<(), ApiError> {
    let bad = |message: String| Err(ApiError::new(Code::BadRequest, message));
    if !hand_in.is_named() {
        return bad(format!(
            "The name of evidence is 1 to {LONGEST_NAME} of a-z, 0-9, \"-\" and \"_\", and begins with a \
             letter or a digit."
        ));
    }
    // Once it came true, it would stand before whatever was found until then.
    if let Some(at) = hand_in.collected_at.filter(|at| *at > now.latest_elsewhere()) {
        return bad(format!(
            "collectedAt is {at}, which lies ahead of this server's clock: leave it out for now."
        ));
    }
    match hand_in.length {
        Some(length) if length > LONGEST_JSON as u64 => Err(refused(JsonError::TooLong)),
        _ => Ok(()),
    }
}

/// The whole body. One that is too large is passed over, so that the client sees the answer.
async fn whole(body: Body) -> Result<Bytes, ApiError> {
    let mut gathered = Vec::new();
    let mut stream = body.into_data_stream();
    while let Some(chunk) = stream.next().await {
        let cut = |error| ApiError::from(BlobError::Interrupted(std::io::Error::other(error)));
        gathered.extend_from_slice(&chunk.map_err(cut)?);
        if gathered.len() > LONGEST_JSON {
            Core::turn_away(Body::from_stream(stream)).await;
            return Err(refused(JsonError::TooLong));
        }
    }
    Ok(gathered.into())
}

fn refused(error: JsonError) -> ApiError {
    let code = match error {
        JsonError::TooLong => Code::TooLarge,
        JsonError::NotUtf8(_) | JsonError::Broken(_) => Code::BadRequest,
    };
    ApiError::new(code, crate::error::sentence(&error.to_string()))
}

//! Takes a scan in: authorize, spool and validate, keep the bytes, record. The same bytes in the
//! same project are one run, however often and wherever they are sent.

use std::{future::Future, time::Duration};

use axum::body::Body;
use studio_access::Resource;
use studio_events::{Append, ExecuteError, Expected, Metadata, ProjectionError, StreamAppend};
use studio_kernel::{Actor, DataClass, Id, TenantId, kind};
use studio_service::ApiError;
use studio_stores::{blobs::BlobError, sql};
use tokio::time::timeout;

use super::{Core, Encoding, batch::Owner, notes::Notes, record::Recording, upload::Uploaded};
use crate::{
    domain::{
        Evidence, EvidenceVersionAdded, Intake, IntakeClaimed, IntakeReleased, Run, RunStarted,
    },
    error::{EvidenceError, archived, too_large},
    names,
    projections::{Matched, Matchings, ProjectRow, Projects, Runs},
};

/// How long an unknown project is waited for, while what was published is taken in.
const CATCH_UP: Duration = Duration::from_secs(10);
/// How often a run is taken up again after another process was first.
const CONFLICTS: u32 = 50;

/// What a client says of a scan.
#[derive(Debug, Clone)]
pub(crate) struct Upload {
    /// The project that it is about.
    pub(crate) project: Id<kind::Project>,
    /// How closely the evidence is to be kept; a scan raises its class and does not lower it.
    pub(crate) data_class: Option<DataClass>,
    /// How long the body is, where the client says so.
    pub(crate) length: Option<u64>,
    /// How the body is packed.
    pub(crate) encoding: Encoding,
}

/// A run that is complete.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ingested {
    /// The run.
    pub(crate) run: Id<kind::IngestRun>,
    /// Whether this call began it.
    pub(crate) created: bool,
}

impl Core {
    /// Takes a scan into a project.
    pub(crate) async fn ingest(
        &self,
        actor: &Actor,
        upload: Upload,
        body: Body,
    ) -> Result<Ingested, ApiError> {
        let allowed = self.may_ingest(actor, &upload).await;
        if let Err(error) = allowed {
            Self::turn_away(body).await;
            return Err(error.into());
        }
        let owner = Owner { tenant: actor.tenant, project: upload.project };
        let uploaded = self.take_in(body, upload.encoding, owner).await?;
        let (core, actor) = (self.clone(), actor.clone());
        // From here on the run goes to its end, also if the client goes away.
        let recorded = async move { core.record(&actor, &upload, uploaded).await };
        let recording = self.running.spawn(sql::carried(recorded));
        recording.await.map_err(ApiError::internal)?.map_err(ApiError::from)
    }

    /// Whether the actor may bring something into a project that takes something in.
    pub(super) async fn may_bring(
        &self,
        actor: &Actor,
        project: Id<kind::Project>,
    ) -> Result<(), EvidenceError> {
        let resource = Resource::any("IngestRun", actor.tenant).of_project(project);
        let tenant = self.policy.require(actor, "evidence:run:ingest", &resource)?.tenant();
        match self.find_project(tenant, project).await? {
            None => Err(ApiError::not_found("project", project).into()),
            Some(row) if row.archived != 0 => Err(archived(project).into()),
            Some(_) => Ok(()),
        }
    }

    async fn may_ingest(&self, actor: &Actor, upload: &Upload) -> Result<(), EvidenceError> {
        self.may_bring(actor, upload.project).await?;
        let limit = self.config.limits.ingest_body;
        match upload.length {
            Some(length) if length > limit => Err(too_large(limit).into()),
            _ => Ok(()),
        }
    }

    /// Whether the organization has the project, archived or not.
    pub(crate) async fn knows(
        &self,
        tenant: TenantId,
        project: Id<kind::Project>,
    ) -> Result<bool, EvidenceError> {
        Ok(self.find_project(tenant, project).await?.is_some())
    }

    /// The project, if the organization has it. One that was created a moment ago is known once
    /// everything that the controls subgraph has published by now is taken in.
    async fn find_project(
        &self,
        tenant: TenantId,
        project: Id<kind::Project>,
    ) -> Result<Option<ProjectRow>, EvidenceError> {
        let id = project.to_string();
        if let Some(known) = Projects::find(&self.store, tenant, &id).await? {
            return Ok(Some(known));
        }
        let Some(upstream) = self.upstream() else { return Ok(None) };
        upstream.caught_up_within(CATCH_UP).await?;
        Ok(Projects::find(&self.store, tenant, &id).await?)
    }

    async fn record(
        &self,
        actor: &Actor,
        upload: &Upload,
        uploaded: Uploaded,
    ) -> Result<Ingested, EvidenceError> {
        let (tenant, project) = (actor.tenant, upload.project);
        let Uploaded { spooled, survey, notes } = uploaded;
        let hash = spooled.content_hash();
        let run = names::run(tenant, project, &hash.to_string());
        let metadata = Metadata::by(actor);
        let intake = self.intake(tenant, project);
        let _recording = intake.lock().await;
        let mut created = false;
        let known = self.store.load::<Run>(tenant, &run.to_string()).await?.state;
        if let Some(started) = &known.started {
            self.raise(tenant, started.evidence, upload.data_class, &metadata).await?;
        }
        if known.started.is_some() && !known.completed {
            // A run that was cut needs its bytes, and here they are, should they have been lost.
            self.blobs.put(tenant, hash, spooled).await?;
            self.claim(tenant, project, run, &metadata).await?;
        } else if known.started.is_none() {
            // It may have been archived while the body came: then the bytes are not kept.
            if self.store.load::<Intake>(tenant, &project.to_string()).await?.state.archived {
                return Err(archived(project).into());
            }
            let source = survey.source();
            let mut started = RunStarted {
                project,
                evidence: names::evidence(tenant, project, &source),
                evidence_version: 0,
                source,
                sha256: hash.to_string(),
                size: spooled.content_size(),
                items: survey.items,
                uploaded_by: actor.user_id(),
            };
            self.blobs.put(tenant, hash, spooled).await?;
            let class = upload.data_class;
            created = self.start(tenant, run, &metadata, &mut started, class).await?;
        }
        self.drive(tenant, run, &metadata, Some(&notes)).await?;
        Ok(Ingested { run, created })
    }

    /// Begins a run, once no other is being recorded in the project. False where another process
    /// has begun it meanwhile.
    async fn start(
        &self,
        tenant: TenantId,
        run: Id<kind::IngestRun>,
        metadata: &Metadata,
        started: &mut RunStarted,
        data_class: Option<DataClass>,
    ) -> Result<bool, EvidenceError> {
        for _ in 0..CONFLICTS {
            let project = started.project.to_string();
            let intake = self.store.load::<Intake>(tenant, &project).await?;
            // What was begun before the project was archived goes on; nothing begins after it.
            if intake.state.archived {
                return Err(archived(started.project).into());
            }
            if let Some(other) = intake.state.active.filter(|active| *active != run) {
                self.make_way(tenant, started.project, other).await?;
                continue;
            }
            let evidence =
                self.store.load::<Evidence>(tenant, &started.evidence.to_string()).await?;
            started.evidence_version = evidence.state.next_version();
            let added = EvidenceVersionAdded {
                project: started.project,
                run,
                version: started.evidence_version,
                source: started.source.clone(),
                sha256: started.sha256.clone(),
                size: started.size,
                data_class: evidence.state.class_with(data_class),
                handed_in: None,
            };
            let raised = evidence.state.raise(data_class);
            let recorded = raised.into_iter().chain([added.into()]).collect();
            let streams = vec![
                StreamAppend::of::<Run>(
                    run.to_string(),
                    Expected::NoStream,
                    vec![started.clone().into()],
                )?,
                StreamAppend::of::<Evidence>(
                    started.evidence.to_string(),
                    Expected::Version(evidence.version),
                    recorded,
                )?,
                StreamAppend::of::<Intake>(
                    project,
                    Expected::Version(intake.version),
                    vec![IntakeClaimed { run }.into()],
                )?,
            ];
            let append = Append::new(tenant, metadata.clone(), streams);
            match self.store.append(append).await.map_err(EvidenceError::from) {
                Ok(_) => return Ok(true),
                Err(EvidenceError::Conflict) => {}
                Err(error) => return Err(error),
            }
            if self.store.load::<Run>(tenant, &run.to_string()).await?.state.started.is_some() {
                return Ok(false);
            }
        }
        Err(EvidenceError::Conflict)
    }

    /// Lets a run that was begun before go on, once no other is being recorded in the project.
    async fn claim(
        &self,
        tenant: TenantId,
        project: Id<kind::Project>,
        run: Id<kind::IngestRun>,
        metadata: &Metadata,
    ) -> Result<(), EvidenceError> {
        for _ in 0..CONFLICTS {
            let intake = self.store.load::<Intake>(tenant, &project.to_string()).await?;
            match intake.state.active {
                Some(active) if active == run => return Ok(()),
                Some(other) => self.make_way(tenant, project, other).await?,
                None => {
                    let claimed = StreamAppend::of::<Intake>(
                        project.to_string(),
                        Expected::Version(intake.version),
                        vec![IntakeClaimed { run }.into()],
                    )?;
                    let append = Append::new(tenant, metadata.clone(), vec![claimed]);
                    match self.store.append(append).await.map_err(EvidenceError::from) {
                        Ok(_) => return Ok(()),
                        Err(EvidenceError::Conflict) => {}
                        Err(error) => return Err(error),
                    }
                }
            }
        }
        Err(EvidenceError::Conflict)
    }

    /// Brings the run that holds the claim to its end: it was cut, or another process is at it.
    /// One whose bytes are lost cannot go on; it gives the claim up until they are sent again.
    async fn make_way(
        &self,
        tenant: TenantId,
        project: Id<kind::Project>,
        other: Id<kind::IngestRun>,
    ) -> Result<(), EvidenceError> {
        let metadata = Metadata::system("evidence.resume");
        match Box::pin(self.drive(tenant, other, &metadata, None)).await {
            Err(EvidenceError::Blob(
                error @ (BlobError::NotFound { .. } | BlobError::Damaged { .. }),
            )) => {
                tracing::error!(run = %other, %error, "a run waits for its scan to be sent again");
            }
            other => return other,
        }
        let released = self
            .store
            .execute::<Intake, EvidenceError>(
                tenant,
                &project.to_string(),
                &metadata,
                |intake, _| {
                    let held = intake.active == Some(other);
                    Ok(held.then(|| IntakeReleased { run: other }.into()).into_iter().collect())
                },
            )
            .await;
        match released {
            Ok(_) => Ok(()),
            Err(ExecuteError::Refused(error)) => Err(error),
            Err(ExecuteError::Append(error)) => Err(error.into()),
            Err(ExecuteError::Store(error)) => Err(error.into()),
        }
    }

    /// Brings a run to its end from wherever it stands. Two processes may do so at the same time:
    /// every step follows from the log, and one of them is first. `notes` are of the run's scan.
    pub(super) async fn drive(
        &self,
        tenant: TenantId,
        run: Id<kind::IngestRun>,
        metadata: &Metadata,
        notes: Option<&Notes>,
    ) -> Result<(), EvidenceError> {
        for _ in 0..CONFLICTS {
            let recording = Recording::load(self, tenant, run, metadata.clone()).await?;
            let Some(mut recording) = recording else {
                return Err(EvidenceError::Broken(format!("run {run} was never started")));
            };
            if recording.run.completed {
                return Ok(());
            }
            match self.steps(&mut recording, notes).await {
                Err(EvidenceError::Conflict) => {}
                other => return other,
            }
        }
        Err(EvidenceError::Conflict)
    }

    async fn steps(
        &self,
        recording: &mut Recording,
        notes: Option<&Notes>,
    ) -> Result<(), EvidenceError> {
        recording.observe(self, notes).await?;
        recording.leave(self).await?;
        recording.publish(self).await?;
        recording.complete(self).await
    }

    /// Stops between two steps when the process is to end.
    pub(super) fn go_on(&self) -> Result<(), EvidenceError> {
        if self.shutdown.is_cancelled() { Err(EvidenceError::Stopping) } else { Ok(()) }
    }

    /// Waits until the controls subgraph has taken in what the run published, at most so long.
    pub(crate) async fn matched(
        &self,
        tenant: TenantId,
        run: Id<kind::IngestRun>,
        patience: Duration,
    ) -> Result<(), EvidenceError> {
        let mut head = self.store.wake();
        let all = async {
            loop {
                head.borrow_and_update();
                if self.is_matched(tenant, run).await? {
                    return Ok(());
                }
                if head.changed().await.is_err() {
                    return Ok(());
                }
            }
        };
        let ends = self.shutdown.cancelled();
        // Not in time is no error: the answer says that it is pending.
        tokio::select! {
            done = timeout(patience, all) => done.unwrap_or(Ok(())),
            () = ends => Ok(()),
        }
    }

    async fn is_matched(
        &self,
        tenant: TenantId,
        run: Id<kind::IngestRun>,
    ) -> Result<bool, EvidenceError> {
        let ids = [run.to_string()];
        let runs = Runs::of(&self.store, tenant, &ids).await?;
        let Some(run) = runs.first() else { return Ok(true) };
        let matched = match Matchings::of(&self.store, tenant, &ids).await?.pop() {
            Some(row) => Matched::try_from(row).map_err(ProjectionError::other)?,
            None => Matched::default(),
        };
        Ok(matched.covers(run))
    }

    /// Runs `work` while nobody else of this process records in the project.
    pub(super) async fn alone<T>(
        &self,
        tenant: TenantId,
        project: Id<kind::Project>,
        work: impl Future<Output = T>,
    ) -> T {
        let intake = self.intake(tenant, project);
        let _recording = intake.lock().await;
        work.await
    }
}

//! Lets rules look at evidence: whenever evidence is handed in, and whenever a test gets another rule. It
//! follows the own log. What a rule says is appended together with the checkpoint, to the stream of its
//! test, so that each version of each rule looks at a version of evidence once.

use async_trait::async_trait;
use studio_events::{Expected, Handler, HandlerError, PublishedType, Reaction, StreamAppend};
use studio_kernel::{Id, TenantId, kind, published::CloudEvent};

use crate::{
    commands::Core,
    domain::{CodeTest, EvidenceVersionAdded, HandedIn, Looked, RuleRecorded, Run},
    error::EvidenceError,
    names,
    projections::{CodeTests, EvidenceItems},
};

/// The name of the consumer, and of the part of Studio that acts.
pub(crate) const NAME: &str = "evidence.rules";

/// What it follows.
pub(crate) static FOLLOWED: &[PublishedType] =
    &[PublishedType::of::<RuleRecorded>(), PublishedType::of::<EvidenceVersionAdded>()];

/// See the module.
pub(crate) struct LetRulesLook(pub(crate) Core);

/// Tests whose rules are to look at a version of evidence.
struct Due {
    tests: Vec<String>,
    on: Looked,
}

#[async_trait]
impl Handler for LetRulesLook {
    async fn handle(&self, event: &CloudEvent) -> Result<Reaction, HandlerError> {
        let due = if let Some(added) = event.read::<EvidenceVersionAdded>() {
            self.of_evidence(event, added.map_err(HandlerError::failed)?).await
        } else if let Some(recorded) = event.read::<RuleRecorded>() {
            self.of_rule(event, recorded.map_err(HandlerError::failed)?).await
        } else {
            Ok(None)
        };
        let Some(due) = due.map_err(handler)? else { return Ok(Reaction::none(event)) };
        self.look(event, due).await
    }
}

impl LetRulesLook {
    /// Every test of the project that reads evidence of that name.
    async fn of_evidence(
        &self,
        event: &CloudEvent,
        added: EvidenceVersionAdded,
    ) -> Result<Option<Due>, EvidenceError> {
        let Some(HandedIn { name, .. }) = &added.handed_in else { return Ok(None) };
        let (store, project) = (&self.0.store, added.project.to_string());
        let tests = CodeTests::reading(store, event.tenant, &project, name).await?;
        let evidence = names::evidence(event.tenant, added.project, &added.source);
        let on = self.version(event.tenant, evidence, added.version).await?;
        Ok(on.map(|on| Due { tests, on }))
    }

    /// The one test, and the newest evidence of the name.
    async fn of_rule(
        &self,
        event: &CloudEvent,
        recorded: RuleRecorded,
    ) -> Result<Option<Due>, EvidenceError> {
        let rule = recorded.rule;
        let on = self.0.newest(event.tenant, rule.project, &rule.evidence_name).await?;
        Ok(on.map(|on| Due { tests: vec![rule.test.to_string()], on }))
    }

    async fn version(
        &self,
        tenant: TenantId,
        evidence: Id<kind::Evidence>,
        version: u32,
    ) -> Result<Option<Looked>, EvidenceError> {
        let versions = self.0.versions(tenant, evidence).await?;
        let Some(mut found) = versions.into_iter().find(|it| it.version == version) else {
            return Ok(None);
        };
        found.uploaded_by = self.0.uploaded_by(tenant, found.run).await?;
        Ok(Some(found))
    }

    /// One test at a time: a version of evidence that many rules read comes in parts.
    async fn look(&self, event: &CloudEvent, due: Due) -> Result<Reaction, HandlerError> {
        let Due { mut tests, on } = due;
        while let Some(stream) = tests.pop() {
            let loaded = self.0.store.load::<CodeTest>(event.tenant, &stream).await;
            let loaded = loaded.map_err(HandlerError::unavailable)?;
            let Some(rule) = loaded.state.wants(&on) else { continue };
            let evidence = self.0.text(event.tenant, &on.sha256).await.map_err(handler)?;
            let said = self.0.let_look(rule.source.clone(), evidence).await.map_err(handler)?;
            let events = loaded.state.evaluated(rule, &on, said);
            let append =
                StreamAppend::of::<CodeTest>(stream, Expected::Version(loaded.version), events)
                    .map_err(HandlerError::failed)?;
            let reaction = Reaction::to(event, NAME, vec![append]);
            return Ok(if tests.is_empty() { reaction } else { reaction.as_part() });
        }
        Ok(Reaction::none(event))
    }
}

impl Core {
    /// The versions of JSON evidence.
    pub(crate) async fn versions(
        &self,
        tenant: TenantId,
        evidence: Id<kind::Evidence>,
    ) -> Result<Vec<Looked>, EvidenceError> {
        let rows = EvidenceItems::versions(&self.store, tenant, &[evidence.to_string()]).await?;
        let mut versions = Vec::new();
        for row in rows {
            let Some(collected_at) = row.collected_at else { continue };
            let broken = |error: studio_kernel::IdError| EvidenceError::Broken(error.to_string());
            let run: Id<kind::IngestRun> = row.run_id.parse().map_err(broken)?;
            versions.push(Looked {
                evidence,
                version: u32::try_from(row.version)
                    .map_err(|error| EvidenceError::Broken(error.to_string()))?,
                sha256: row.sha256,
                run,
                uploaded_by: None,
                collected_at: studio_kernel::Timestamp::from_micros(collected_at),
            });
        }
        Ok(versions)
    }

    /// The newest evidence of a name in a project, by when it was collected.
    pub(crate) async fn newest(
        &self,
        tenant: TenantId,
        project: Id<kind::Project>,
        name: &str,
    ) -> Result<Option<Looked>, EvidenceError> {
        let evidence = names::evidence(tenant, project, &HandedIn::source(name));
        let versions = self.versions(tenant, evidence).await?;
        let newest = versions.into_iter().max_by_key(|it| (it.collected_at, it.version));
        let Some(mut newest) = newest else { return Ok(None) };
        newest.uploaded_by = self.uploaded_by(tenant, newest.run).await?;
        Ok(Some(newest))
    }

    /// Who brought a run in, if a person did.
    async fn uploaded_by(
        &self,
        tenant: TenantId,
        run: Id<kind::IngestRun>,
    ) -> Result<Option<Id<kind::User>>, EvidenceError> {
        let run = self.store.load::<Run>(tenant, &run.to_string()).await?.state;
        Ok(run.started.and_then(|started| started.uploaded_by))
    }
}

/// What other bytes or other code alone mend goes among the dead letters.
fn handler(error: EvidenceError) -> HandlerError {
    if error.is_for_good() { HandlerError::failed(error) } else { HandlerError::unavailable(error) }
}

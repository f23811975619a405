//! Records the batches of a run: compares each finding with what is on record, and appends one
//! event a batch, some of them together.

use std::collections::{BTreeSet, HashMap, HashSet};

use studio_events::{Append, EncodeError, EventData, Expected, Metadata, StreamAppend};
use studio_kernel::{Aggregate, Id, TenantId, Timestamp, kind};
use tokio::sync::mpsc;

use super::{
    Core,
    batch::{Batch, Observation},
    notes::Notes,
};
use crate::{
    domain::{
        Class, FindingsObserved, Known, MAX_REFUSED_SHOWN, ObservedGroup, RefusedItem, Run,
        RunEvent, RunStarted, SummaryKey, classify,
    },
    error::EvidenceError,
    projections::{Findings, Summaries},
};

/// Most batches that are appended together: what a transaction costs is shared, and a page of an
/// index is written once for all of them. The first goes alone, then two, so that the database has
/// something to do while the next are read.
const TOGETHER: usize = 3;

/// A run while it is recorded: its state and the version of its stream.
pub(super) struct Recording {
    pub(super) tenant: TenantId,
    pub(super) id: Id<kind::IngestRun>,
    pub(super) metadata: Metadata,
    pub(super) run: Run,
    pub(super) started: RunStarted,
    version: u64,
}

/// What is on record of the findings of a batch.
struct OnRecord {
    findings: HashMap<Id<kind::Finding>, Known>,
    newest: HashMap<SummaryKey, Timestamp>,
}

impl Recording {
    /// The run as the log has it.
    pub(super) async fn load(
        core: &Core,
        tenant: TenantId,
        id: Id<kind::IngestRun>,
        metadata: Metadata,
    ) -> Result<Option<Self>, EvidenceError> {
        let loaded = core.store.load::<Run>(tenant, &id.to_string()).await?;
        let version = loaded.version;
        let run = loaded.state;
        Ok(run.started.clone().map(|started| Self { tenant, id, metadata, run, started, version }))
    }

    /// Appends to the run, and to what `others` name, all or nothing.
    pub(super) async fn append(
        &mut self,
        core: &Core,
        events: Vec<RunEvent>,
        others: Vec<StreamAppend>,
    ) -> Result<(), EvidenceError> {
        let mut encoded = Encoded::of(&self.run);
        events.into_iter().try_for_each(|event| encoded.add(event))?;
        self.append_encoded(core, encoded, others).await
    }

    async fn append_encoded(
        &mut self,
        core: &Core,
        Encoded { events, after }: Encoded,
        others: Vec<StreamAppend>,
    ) -> Result<(), EvidenceError> {
        let count = events.len() as u64;
        let own = StreamAppend {
            stream_type: Run::STREAM_TYPE.into(),
            stream_id: self.id.to_string(),
            expected: Expected::Version(self.version),
            events,
        };
        let streams = std::iter::once(own).chain(others).collect();
        core.store.append(Append::new(self.tenant, self.metadata.clone(), streams)).await?;
        self.version += count;
        self.run = after;
        Ok(())
    }

    /// Records every item that is not recorded yet. While some batches are appended, the next are
    /// looked up and encoded.
    pub(super) async fn observe(
        &mut self,
        core: &Core,
        notes: Option<&Notes>,
    ) -> Result<(), EvidenceError> {
        if self.run.read_whole() {
            return Ok(());
        }
        let from = self.run.next_item;
        let mut batches = core.batches(self.tenant, &self.started, from, notes).await?;
        let mut deciding = Deciding {
            tenant: self.tenant,
            project: self.started.project,
            run: self.id,
            listed: self.run.refused_listed,
            before: HashSet::new(),
            together: 1,
        };
        let mut ready = deciding.next(core, &mut batches, Encoded::of(&self.run)).await?;
        while !ready.events.is_empty() {
            core.go_on()?;
            let following = Encoded::of(&ready.after);
            let append = self.append_encoded(core, ready, Vec::new());
            let next = deciding.next(core, &mut batches, following);
            let (appended, next) = futures::future::join(append, next).await;
            appended?;
            ready = next?;
        }
        if self.run.read_whole() {
            return Ok(());
        }
        Err(EvidenceError::Broken(format!(
            "run {}: the kept scan ends after {} of {} items",
            self.id, self.run.next_item, self.started.items
        )))
    }
}

/// Events that are ready to be appended, and the run as it is then. The events themselves are not
/// kept: a few batches of them are most of what recording holds in memory.
struct Encoded {
    events: Vec<EventData>,
    after: Run,
}

impl Encoded {
    fn of(run: &Run) -> Self {
        Self { events: Vec::new(), after: run.clone() }
    }

    fn add(&mut self, event: RunEvent) -> Result<(), EncodeError> {
        self.events.push(EventData::of(&event)?);
        // When it is recorded is of no concern to a run.
        self.after.apply(&event, Timestamp::default());
        Ok(())
    }
}

/// What it takes to decide on batches while those before them are still being appended.
struct Deciding {
    tenant: TenantId,
    project: Id<kind::Project>,
    run: Id<kind::IngestRun>,
    /// Refused items that the run lists so far.
    listed: usize,
    /// Findings that are being appended, which a lookup may not see yet.
    before: HashSet<Id<kind::Finding>>,
    /// Batches of the next append.
    together: usize,
}

impl Deciding {
    /// The events of the next batches, after `encoded`, which is empty; none at the end.
    async fn next(
        &mut self,
        core: &Core,
        batches: &mut mpsc::Receiver<Result<Batch, EvidenceError>>,
        mut encoded: Encoded,
    ) -> Result<Encoded, EvidenceError> {
        let mut met = HashSet::new();
        while encoded.events.len() < self.together {
            let Some(batch) = batches.recv().await.transpose()? else { break };
            let on_record = look_up(core, self.tenant, self.project, &batch).await?;
            encoded.add(self.decide(batch, on_record, &mut met).into())?;
        }
        self.before = met;
        self.together = (self.together * 2).min(TOGETHER);
        Ok(encoded)
    }

    /// `met` are the findings of the batches before it that are appended together with it.
    fn decide(
        &mut self,
        batch: Batch,
        on_record: OnRecord,
        met: &mut HashSet<Id<kind::Finding>>,
    ) -> FindingsObserved {
        let mut event = FindingsObserved {
            project: self.project,
            next_item: batch.next_item,
            checks: batch.checks,
            groups: Vec::new(),
            superseded: 0,
            refused: 0,
            refused_items: batch.refused,
        };
        let mut groups = Groups::default();
        for observation in batch.observations {
            let id = observation.finding.id;
            let class = if met.insert(id) && !self.before.contains(&id) {
                on_record.classify(self.run, &observation)
            } else {
                Class::Duplicate
            };
            match class {
                Class::Superseded => event.superseded += 1,
                Class::Duplicate => event.refused_items.push(duplicate(observation)),
                Class::New => {
                    let (group, finding) = groups.of(observation);
                    group.new.push(finding);
                }
                Class::Changed => {
                    let (group, finding) = groups.of(observation);
                    group.changed.push(finding);
                }
                Class::Unchanged => {
                    let (group, finding) = groups.of(observation);
                    group.unchanged.push(finding.id);
                }
            }
        }
        event.groups = groups.list;
        event.refused = event.refused_items.len() as u64;
        event.refused_items.sort_by_key(|item| item.index);
        event.refused_items.truncate(MAX_REFUSED_SHOWN.saturating_sub(self.listed));
        self.listed += event.refused_items.len();
        event
    }
}

async fn look_up(
    core: &Core,
    tenant: TenantId,
    project: Id<kind::Project>,
    batch: &Batch,
) -> Result<OnRecord, EvidenceError> {
    let ids: Vec<_> = batch.observations.iter().map(|one| one.finding.id).collect();
    let checks: BTreeSet<&str> = batch.observations.iter().map(|one| one.check.as_str()).collect();
    let checks: Vec<String> = checks.into_iter().map(str::to_owned).collect();
    let findings = Findings::known(&core.store, tenant, &ids).await?;
    let newest = Summaries::newest(&core.store, tenant, project, &checks).await?;
    Ok(OnRecord { findings, newest })
}

impl OnRecord {
    fn classify(&self, run: Id<kind::IngestRun>, observation: &Observation) -> Class {
        // A lookup by parts would save the copies, but a batch has few keys and many findings.
        let key = SummaryKey {
            check: observation.check.clone(),
            account: observation.account.clone(),
            region: observation.region.clone(),
        };
        classify(
            self.findings.get(&observation.finding.id),
            self.newest.get(&key).copied(),
            run,
            observation.at,
            observation.content,
        )
    }
}

/// The groups of a batch in the order in which the file names them first.
#[derive(Default)]
struct Groups {
    list: Vec<ObservedGroup>,
    places: HashMap<(SummaryKey, Timestamp), usize>,
}

impl Groups {
    fn of(
        &mut self,
        observation: Observation,
    ) -> (&mut ObservedGroup, crate::domain::ObservedFinding) {
        let Observation { check, account, region, at, finding, .. } = observation;
        // Scanners write check by check: the group is nearly always the last one.
        let same = |group: &ObservedGroup| {
            group.at == at
                && group.check == check
                && group.account == account
                && group.region == region
        };
        let place = match self.list.last() {
            Some(last) if same(last) => self.list.len() - 1,
            _ => {
                let key = SummaryKey {
                    check: check.clone(),
                    account: account.clone(),
                    region: region.clone(),
                };
                let next = self.list.len();
                let place = *self.places.entry((key, at)).or_insert(next);
                if place == next {
                    let (new, changed, unchanged) = (Vec::new(), Vec::new(), Vec::new());
                    self.list.push(ObservedGroup {
                        check,
                        account,
                        region,
                        at,
                        new,
                        changed,
                        unchanged,
                    });
                }
                place
            }
        };
        (&mut self.list[place], finding)
    }
}

fn duplicate(observation: Observation) -> RefusedItem {
    RefusedItem {
        index: observation.index,
        offset: observation.offset,
        uid: Some(observation.finding.uid),
        reason: "an earlier item of the file is the same finding: that one stands".to_owned(),
    }
}

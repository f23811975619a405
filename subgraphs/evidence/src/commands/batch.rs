//! The items of a scan in batches, as they are recorded. A scan is read once, while it arrives; its
//! batches are noted beside it ([`super::notes`]). Where there are no notes, since the run was cut
//! and its process is gone, the kept scan is read again from where the run stands. Either way at
//! most two batches are in memory.

use std::io::Read;

use serde::{Deserialize, Serialize};
use studio_kernel::{Id, TenantId, Timestamp, kind};
use tokio::sync::mpsc;
use tokio_util::io::SyncIoBridge;

use super::{Core, notes::Notes};
use crate::{
    domain::{
        FindingStatus, ObservedAsset, ObservedCheck, ObservedFinding, RefusedItem, RunStarted,
    },
    error::EvidenceError,
    names,
    ocsf::{Finding, Item, Reader, Requirements, Status},
};

/// Most items of a batch.
const ITEMS: usize = 1000;
/// About as many bytes of JSON as a batch may come to; the event store takes 4 MiB.
const BYTES: usize = 1024 * 1024;
/// Batches between the reader and the recorder.
const AHEAD: usize = 1;

/// A finding with its place.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Observation {
    pub(super) index: u64,
    pub(super) offset: u64,
    pub(super) check: String,
    pub(super) account: String,
    pub(super) region: String,
    pub(super) at: Timestamp,
    pub(super) finding: ObservedFinding,
    /// The fingerprint of what it says.
    pub(super) content: i64,
}

/// Some items of a scan that follow each other.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Batch {
    pub(super) observations: Vec<Observation>,
    pub(super) checks: Vec<ObservedCheck>,
    pub(super) refused: Vec<RefusedItem>,
    /// The number of the item after the last one.
    pub(super) next_item: u64,
    /// Bytes of JSON that it comes to, about.
    pub(super) bytes: usize,
}

/// Whose scan it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Owner {
    pub(super) tenant: TenantId,
    pub(super) project: Id<kind::Project>,
}

impl Core {
    /// The batches of a run from an item on. After an error nothing follows.
    pub(super) async fn batches(
        &self,
        tenant: TenantId,
        started: &RunStarted,
        from: u64,
        notes: Option<&Notes>,
    ) -> Result<mpsc::Receiver<Result<Batch, EvidenceError>>, EvidenceError> {
        let (sender, receiver) = mpsc::channel(AHEAD);
        let give = {
            let sender = sender.clone();
            move |batch| Ok(sender.blocking_send(Ok(batch)).is_ok())
        };
        let read: Box<dyn FnOnce() -> Result<(), EvidenceError> + Send> = match notes {
            Some(notes) => {
                let source = SyncIoBridge::new(notes.open().await?);
                Box::new(move || super::notes::read(source, from, give))
            }
            None => {
                let name = started.sha256.parse().map_err(|_| {
                    EvidenceError::Broken(format!("\"{}\" is no SHA-256", started.sha256))
                })?;
                let source = SyncIoBridge::new(self.blobs.open(tenant, name).await?);
                let limits = self.limits();
                let owner = Owner { tenant, project: started.project };
                Box::new(move || {
                    let mut reader = Reader::new(source, limits, false)?;
                    reader.skip(from)?;
                    read(reader, owner, from, |_| {}, give)
                })
            }
        };
        // The thread ends by itself once the receiver is dropped.
        tokio::task::spawn_blocking(move || {
            if let Err(error) = read() {
                // Nobody is there to hear it if the receiver is gone.
                let _heard = sender.blocking_send(Err(error));
            }
        });
        Ok(receiver)
    }
}

/// Shows each item to `see`, and gives the batches to `give` until it wants no more. The reader
/// stands at the item `from`.
pub(super) fn read<R: Read>(
    mut reader: Reader<R>,
    owner: Owner,
    from: u64,
    mut see: impl FnMut(&Item<'_>),
    mut give: impl FnMut(Batch) -> Result<bool, EvidenceError>,
) -> Result<(), EvidenceError> {
    let mut batch = Batch { next_item: from, ..Batch::default() };
    while let Some(item) = reader.next_item()? {
        see(&item);
        let (index, offset) = (item.index, item.offset);
        match item.finding {
            Ok(finding) => batch.take(owner, index, offset, finding, item.requirements),
            Err(refusal) => {
                batch.bytes += 200 + refusal.reason.len();
                let (uid, reason) = (refusal.uid, refusal.reason);
                batch.refused.push(RefusedItem { index, offset, uid, reason });
            }
        }
        batch.next_item = index + 1;
        if batch.observations.len() + batch.refused.len() >= ITEMS || batch.bytes >= BYTES {
            let next_item = batch.next_item;
            if !give(std::mem::take(&mut batch))? {
                return Ok(());
            }
            batch.next_item = next_item;
        }
    }
    if batch.bytes > 0 {
        give(batch)?;
    }
    Ok(())
}

impl Batch {
    fn take(
        &mut self,
        owner: Owner,
        index: u64,
        offset: u64,
        finding: Finding<'_>,
        requirements: Option<Requirements>,
    ) {
        let Owner { tenant, project } = owner;
        let account = finding.account.into_owned();
        let assets: Vec<ObservedAsset> = finding
            .assets
            .into_iter()
            .map(|asset| ObservedAsset {
                id: names::asset(tenant, project, &account, &asset.uid),
                uid: asset.uid.into_owned(),
                name: asset.name.into_owned(),
                kind: asset.kind.into_owned(),
                region: asset.region.into_owned(),
            })
            .collect();
        let resource = assets.first().map_or("", |asset| asset.uid.as_str());
        let name = names::FindingName {
            uid: &finding.uid,
            check: &finding.check.id,
            account: &account,
            region: &finding.region,
            resource,
        };
        let id = names::finding(tenant, project, name);
        if let Some(requirements) = requirements {
            let check = ObservedCheck {
                id: finding.check.id.clone().into_owned(),
                title: finding.check.title.into_owned(),
                severity: finding.severity.clone(),
                requirements,
            };
            self.bytes += check_weight(&check);
            self.checks.push(check);
        }
        let observed = ObservedFinding {
            id,
            uid: finding.uid.into_owned(),
            status: status(finding.status),
            severity: finding.severity,
            message: finding.message.into_owned(),
            assets,
        };
        self.bytes += weight(&observed);
        self.observations.push(Observation {
            index,
            offset,
            check: finding.check.id.into_owned(),
            account,
            region: finding.region.into_owned(),
            at: finding.time,
            content: names::content(&observed),
            finding: observed,
        });
    }
}

const fn status(status: Status) -> FindingStatus {
    match status {
        Status::Pass => FindingStatus::Pass,
        Status::Fail => FindingStatus::Fail,
        Status::Manual => FindingStatus::Manual,
        Status::Muted => FindingStatus::Muted,
        Status::Error => FindingStatus::Error,
    }
}

/// Bytes that a text comes to in JSON: a control character becomes six.
pub(super) fn json_length(text: &str) -> usize {
    let escapes = text.bytes().map(|byte| match byte {
        0..=0x1F => 5,
        b'"' | b'\\' => 1,
        _ => 0,
    });
    text.len() + 3 + escapes.sum::<usize>()
}

fn weight(finding: &ObservedFinding) -> usize {
    let assets = finding.assets.iter().map(|asset| {
        let parts = [&asset.uid, &asset.name, &asset.kind, &asset.region];
        100 + parts.into_iter().map(|part| json_length(part)).sum::<usize>()
    });
    200 + json_length(&finding.uid) + json_length(&finding.message) + assets.sum::<usize>()
}

fn check_weight(check: &ObservedCheck) -> usize {
    let requirements = check.requirements.iter().map(|(framework, ids)| {
        json_length(framework) + ids.iter().map(|id| json_length(id)).sum::<usize>()
    });
    100 + json_length(&check.id) + json_length(&check.title) + requirements.sum::<usize>()
}

#[cfg(test)]
mod tests {
    use studio_kernel::Env;

    use super::*;
    use crate::ocsf::Limits;

    #[test]
    fn batches_are_bounded_and_hold_every_item_once() {
        let env = Env::system();
        let owner = Owner { tenant: env.id(), project: env.id() };
        let limits =
            Limits { unpacked: u64::MAX, item: 1 << 20, latest: Timestamp::from_micros(i64::MAX) };
        let item = |number: usize| {
            serde_json::json!({
                "class_uid": if number.is_multiple_of(7) { 1 } else { 2004 },
                "metadata": {"event_code": "check"},
                "finding_info": {"uid": number.to_string()},
                "cloud": {"account": {"uid": "1"}},
                "status_detail": "\u{1}".repeat(if number > 600 { 2000 } else { 0 }),
                "time": 1,
            })
        };
        let text = serde_json::to_vec(&(0..1234).map(item).collect::<Vec<_>>()).unwrap();
        for from in [0, 1, 499, 1233, 1234] {
            let (mut items, mut next) = (Vec::new(), from);
            let mut reader = Reader::new(&text[..], limits, false).unwrap();
            reader.skip(from).unwrap();
            let mut seen = 0;
            let see = |_: &Item<'_>| seen += 1;
            read(reader, owner, from, see, |batch| {
                let count = batch.observations.len() + batch.refused.len();
                assert!(count <= ITEMS);
                assert!(batch.bytes < BYTES + (1 << 20));
                let json: usize = batch
                    .observations
                    .iter()
                    .map(|one| serde_json::to_vec(&one.finding).unwrap().len())
                    .sum();
                assert!(json <= batch.bytes);
                items.extend(batch.observations.iter().map(|one| one.index));
                items.extend(batch.refused.iter().map(|one| one.index));
                assert_eq!(batch.next_item, next + count as u64);
                next = batch.next_item;
                Ok(true)
            })
            .unwrap();
            assert_eq!(seen, 1234 - from);
            items.sort_unstable();
            assert_eq!(items, (from..1234).collect::<Vec<_>>());
        }
    }
}

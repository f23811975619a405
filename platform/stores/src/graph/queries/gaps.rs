//! What nothing proves: requirements whose chain from control over test to evidence is broken
//! everywhere, and that inherit nothing.

use std::collections::{BTreeMap, BTreeSet};

use studio_kernel::{Id, kind};

use super::{
    members::{Far, by_near, members},
    typed,
};
use crate::graph::{
    Direction, View,
    edge::{EdgeKind, Link},
    error::GraphError,
    limits,
    node::NodeId,
    walk::Reader,
};

/// Requirements that are looked at together. A part that cannot be read whole is left out, so that
/// nothing is called a gap because it was not read.
const TOGETHER: usize = 100;

/// Why nothing proves a requirement: where its chain to evidence ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GapReason {
    /// No control in force meets it.
    NoControl,
    /// None of its controls has a test.
    NoTest,
    /// None of their tests has a result.
    NoEvidence,
}

/// A requirement that nothing proves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CoverageGap {
    /// The requirement.
    pub requirement: Id<kind::Requirement>,
    /// Why.
    pub reason: GapReason,
}

/// What nothing proves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CoverageGaps {
    /// In the order of the ids of the requirements.
    pub gaps: Vec<CoverageGap>,
    /// Whether there was more than the limits allow.
    pub truncated: bool,
}

/// Those of some requirements that nothing proves in a project: their own chains to evidence are
/// broken, and so are those of all that they inherit from. What does not apply carries nothing.
///
/// # Errors
/// The graph cannot be read.
pub async fn coverage_gaps(
    view: &dyn View,
    project: Id<kind::Project>,
    requirements: &BTreeSet<Id<kind::Requirement>>,
    not_applicable: &BTreeSet<Id<kind::Requirement>>,
) -> Result<CoverageGaps, GraphError> {
    let mut reader = Reader::new(view);
    let mut gaps = Vec::new();
    let all: Vec<NodeId> = requirements.iter().map(|id| (*id).into()).collect();
    let without: BTreeSet<NodeId> = not_applicable.iter().map(|id| (*id).into()).collect();
    for some in all.chunks(TOGETHER) {
        let sources = sources(&mut reader, project, some, &without).await?;
        let looked_at: BTreeSet<NodeId> =
            some.iter().chain(sources.values().flatten()).copied().collect();
        let lacking = lacking(&mut reader, project, &looked_at).await?;
        if reader.truncated {
            break;
        }
        for id in some {
            let Some(reason) = lacking.get(id) else { continue };
            let mut carriers = sources.get(id).into_iter().flatten();
            if carriers.all(|source| lacking.contains_key(source)) {
                gaps.push(CoverageGap { requirement: typed(*id)?, reason: *reason });
            }
        }
    }
    reader.cut(&mut gaps);
    Ok(CoverageGaps { gaps, truncated: reader.truncated })
}

/// Those of some requirements that have no whole chain to evidence of their own, and why.
async fn lacking(
    reader: &mut Reader<'_>,
    project: Id<kind::Project>,
    requirements: &BTreeSet<NodeId>,
) -> Result<BTreeMap<NodeId, GapReason>, GraphError> {
    let members = members(reader, project, requirements.iter().copied()).await?;
    let controls = members.values().flatten().copied();
    let tests = by_near(reader.step(EdgeKind::Tests, Direction::In, controls).await?);
    let all_tests = || tests.values().flatten().copied();
    let mut proven = BTreeSet::new();
    for (kind, direction) in
        [(EdgeKind::RestsOn, Direction::Out), (EdgeKind::Recorded, Direction::In)]
    {
        let hops = reader.step(kind, direction, all_tests()).await?;
        proven.extend(hops.into_iter().map(|hop| hop.near));
    }
    let lack = |id: &NodeId| {
        let Some(controls) = members.get(id) else { return Some(GapReason::NoControl) };
        let mut tests =
            controls.iter().filter_map(|control| tests.get(control)).flatten().peekable();
        if tests.peek().is_none() {
            return Some(GapReason::NoTest);
        }
        (!tests.any(|test| proven.contains(test))).then_some(GapReason::NoEvidence)
    };
    Ok(requirements.iter().filter_map(|id| Some((*id, lack(id)?))).collect())
}

/// What each of some requirements inherits from over the mappings approved in a project, over two at
/// most (formula v1, rule 6).
async fn sources(
    reader: &mut Reader<'_>,
    project: Id<kind::Project>,
    requirements: &[NodeId],
    without: &BTreeSet<NodeId>,
) -> Result<Far, GraphError> {
    // By the requirement that is carried to: from where, and whether nothing may be added.
    let mut carriers: BTreeMap<NodeId, Vec<(NodeId, bool)>> = BTreeMap::new();
    let mut at: BTreeSet<NodeId> = requirements.iter().copied().collect();
    for _ in 0..limits::MAPPINGS {
        let mut next = BTreeSet::new();
        for direction in [Direction::Out, Direction::In] {
            for hop in reader.step(EdgeKind::MapsTo, direction, at.iter().copied()).await? {
                let Link::MapsTo(mapping) = hop.link else { continue };
                // Values run to the near end: against a mapping that starts there.
                let carried = mapping.carries(direction == Direction::Out);
                let Some(carried) = carried.filter(|_| mapping.project == project) else {
                    continue;
                };
                carriers.entry(hop.near).or_default().push((hop.far.id, carried.single_hop));
                if !carried.single_hop {
                    next.insert(hop.far.id);
                }
            }
        }
        at = next.into_iter().filter(|id| !carriers.contains_key(id)).collect();
    }
    let of = |id: &NodeId| carriers.get(id).into_iter().flatten().copied();
    let mut sources = Far::new();
    for id in requirements {
        let mut found = Vec::new();
        for (near, single_hop) in of(id) {
            found.push(near);
            if !single_hop {
                let second = of(&near).filter(|(far, single_hop)| !single_hop && far != id);
                found.extend(second.map(|(far, _)| far));
            }
        }
        found.retain(|source| !without.contains(source));
        sources.insert(*id, found);
    }
    Ok(sources)
}

//! What proves a requirement: its controls, their tests, the evidence that these rest on; and the
//! same of the requirements that it inherits from.

use std::collections::{BTreeMap, BTreeSet};

use studio_kernel::{Id, kind};

use super::{
    impact::{Way, inheritors},
    members::{self, by_near},
    typed, typed_path,
};
use crate::graph::{
    Direction, View,
    edge::{EdgeKind, Link},
    error::GraphError,
    node::NodeId,
    walk::{Best, Reader},
    weight::Weight,
};

/// A version of a piece of evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct EvidenceVersion {
    /// The evidence.
    pub evidence: Id<kind::Evidence>,
    /// The version, from 1.
    pub version: u32,
}

/// One way from a requirement to what proves it. It ends where there is no more.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CoveragePath {
    /// The requirements that the value is inherited from, the nearest first; empty for what covers
    /// the requirement itself.
    pub through: Vec<Id<kind::Requirement>>,
    /// The control.
    pub control: Id<kind::Control>,
    /// Its test; `None` where it has none.
    pub test: Option<Id<kind::ControlTest>>,
    /// What the test rests on; `None` where there is nothing.
    pub evidence: Option<EvidenceVersion>,
    /// The control's share (1 at most), times what the mappings carry.
    pub weight: Weight,
}

/// The ways from a requirement to what proves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coverage {
    /// The own ones first, then in the order of ids along the way.
    pub paths: Vec<CoveragePath>,
    /// Whether there was more than the limits allow.
    pub truncated: bool,
}

/// What proves a requirement in a project. Requirements that do not apply there carry nothing to
/// others (formula v1, rule 6).
///
/// # Errors
/// The graph cannot be read.
pub async fn coverage_paths(
    view: &dyn View,
    requirement: Id<kind::Requirement>,
    project: Id<kind::Project>,
    not_applicable: &BTreeSet<Id<kind::Requirement>>,
) -> Result<Coverage, GraphError> {
    let mut reader = Reader::new(view);
    let own = NodeId::from(requirement);
    let mut sources = BTreeMap::from([(own, Best::start(own))]);
    let without: BTreeSet<NodeId> = not_applicable.iter().map(|id| (*id).into()).collect();
    for (_, level) in inheritors(&mut reader, project, &sources.clone(), Way::Back).await? {
        for (id, best) in level.into_iter().filter(|(id, _)| !without.contains(id)) {
            // The nearer one counts: formula v1 never inherits what was inherited.
            sources.entry(id).or_insert(best);
        }
    }

    let mut covers: BTreeMap<(NodeId, NodeId), Weight> = BTreeMap::new();
    for hop in reader.step(EdgeKind::Covers, Direction::In, sources.keys().copied()).await? {
        let Link::Covers { share, .. } = hop.link else { continue };
        if !hop.far.retired {
            let known = covers.entry((hop.near, hop.far.id)).or_default();
            *known = share.at_most_one().max(*known);
        }
    }
    let controls = covers.keys().map(|(_, control)| *control);
    let inside = members::within(&mut reader, project, controls).await?;
    covers.retain(|(_, control), _| inside.contains(control));
    let controls = covers.keys().map(|(_, control)| *control);
    let tests = by_near(reader.step(EdgeKind::Tests, Direction::In, controls).await?);
    let all_tests = tests.values().flatten().copied();
    let rests = by_near(reader.step(EdgeKind::RestsOn, Direction::Out, all_tests).await?);

    let mut paths = Vec::new();
    for ((source, control), share) in covers {
        let Some(best) = sources.get(&source) else { continue };
        let blank = CoveragePath {
            through: typed_path(best.path.get(1..).unwrap_or_default())?,
            control: typed(control)?,
            test: None,
            evidence: None,
            weight: best.weight.times(share),
        };
        chains(&blank, tests.get(&control), &rests, &mut paths)?;
    }
    paths.sort_by(|one, other| {
        one.through.len().cmp(&other.through.len()).then_with(|| one.cmp(other))
    });
    reader.cut(&mut paths);
    Ok(Coverage { paths, truncated: reader.truncated })
}

/// A control's path goes on to each test, and from there to each piece of evidence.
fn chains(
    blank: &CoveragePath,
    tests: Option<&Vec<NodeId>>,
    rests: &members::Far,
    paths: &mut Vec<CoveragePath>,
) -> Result<(), GraphError> {
    let Some(tests) = tests else {
        paths.push(blank.clone());
        return Ok(());
    };
    for test in tests {
        let tested = CoveragePath { test: Some(typed(*test)?), ..blank.clone() };
        let Some(evidence) = rests.get(test) else {
            paths.push(tested);
            continue;
        };
        for version in evidence {
            let evidence =
                EvidenceVersion { evidence: typed(*version)?, version: version.version() };
            paths.push(CoveragePath { evidence: Some(evidence), ..tested.clone() });
        }
    }
    Ok(())
}

//! What must be known of a project to turn its next event into changes of the graph: which tests
//! look at which check, which evidence the newest results of each check come from, who owns what, and
//! which mappings are approved.

use std::collections::{BTreeMap, BTreeSet};

use studio_kernel::{Id, Timestamp, kind};
use studio_stores::graph::NodeId;

type TestId = Id<kind::ControlTest>;

/// A project, as far as the graph needs it.
#[derive(Debug, Default)]
pub(super) struct Shape {
    /// Who answers for each control.
    pub(super) owners: BTreeMap<Id<kind::Control>, Id<kind::User>>,
    /// The requirements of each mapping that is approved.
    pub(super) mappings:
        BTreeMap<Id<kind::ControlMapping>, (Id<kind::Requirement>, Id<kind::Requirement>)>,
    checks: BTreeMap<String, Check>,
    /// In how many places each version of evidence is the newest.
    uses: BTreeMap<NodeId, usize>,
    /// Versions of evidence that prove nothing.
    rejected: BTreeSet<NodeId>,
}

/// A scanner's check.
#[derive(Debug, Default)]
struct Check {
    tests: BTreeSet<TestId>,
    /// The newest results, by account and region.
    newest: BTreeMap<(String, String), Newest>,
}

#[derive(Debug)]
struct Newest {
    effective_from: Timestamp,
    evidence: NodeId,
}

/// What became of the edges between tests and evidence.
#[derive(Debug, Default)]
pub(super) struct Moved {
    pub(super) added: Vec<(TestId, NodeId)>,
    pub(super) removed: Vec<(TestId, NodeId)>,
    /// Evidence that nothing rests on any more.
    pub(super) unused: Vec<NodeId>,
}

impl Check {
    fn evidence(&self, rejected: &BTreeSet<NodeId>) -> BTreeSet<NodeId> {
        let newest = self.newest.values().map(|newest| newest.evidence);
        newest.filter(|evidence| !rejected.contains(evidence)).collect()
    }
}

impl Shape {
    /// A test looks at a check from now on. Gives the evidence of its newest results.
    pub(super) fn add_test(&mut self, check: &str, test: TestId) -> BTreeSet<NodeId> {
        let known = self.checks.entry(check.to_owned()).or_default();
        known.tests.insert(test);
        known.evidence(&self.rejected)
    }

    /// A test looks at a check no longer.
    pub(super) fn retire_test(&mut self, check: &str, test: TestId) {
        if let Some(known) = self.checks.get_mut(check) {
            known.tests.remove(&test);
        }
    }

    /// A check's results in an account and region. They count unless newer ones are known, as in
    /// formula v1, rule 2.
    pub(super) fn take(
        &mut self,
        check: &str,
        place: (String, String),
        effective_from: Timestamp,
        evidence: NodeId,
        moved: &mut Moved,
    ) {
        let known = self.checks.entry(check.to_owned()).or_default();
        let before = known.evidence(&self.rejected);
        match known.newest.get_mut(&place) {
            Some(newest) if newest.effective_from > effective_from => return,
            Some(newest) => {
                let old = std::mem::replace(newest, Newest { effective_from, evidence }).evidence;
                if old == evidence {
                    return;
                }
                if let Some(count) = self.uses.get_mut(&old) {
                    *count -= 1;
                    if *count == 0 {
                        self.uses.remove(&old);
                        moved.unused.push(old);
                    }
                }
            }
            None => {
                known.newest.insert(place, Newest { effective_from, evidence });
            }
        }
        *self.uses.entry(evidence).or_default() += 1;
        let after = known.evidence(&self.rejected);
        for test in &known.tests {
            moved.added.extend(after.difference(&before).map(|evidence| (*test, *evidence)));
            moved.removed.extend(before.difference(&after).map(|evidence| (*test, *evidence)));
        }
    }

    /// A version of evidence proves nothing any more.
    pub(super) fn reject(&mut self, evidence: NodeId) {
        self.rejected.insert(evidence);
    }

    /// Whether something rests on a version of evidence.
    pub(super) fn rests_on(&self, evidence: NodeId) -> bool {
        self.uses.contains_key(&evidence) && !self.rejected.contains(&evidence)
    }
}

//! Rule 6, its second half: what a requirement inherits from requirements of other frameworks, over
//! mappings that two people decided on.
//!
//! It inherits from what its sources are worth by their own controls, never from what these inherit:
//! so a circle of mappings lifts nobody.

use std::{cmp::Reverse, collections::BTreeSet};

use serde::{Deserialize, Serialize};

use super::{
    Fixed, FrameworkId, MappingId, RequirementId,
    model::{ByMembers, Model, Requirement},
    value::Triple,
};

/// A mapping between two requirements (NIST IR 8477, section 4.3; OSCAL's mapping model).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mapping {
    /// One requirement.
    pub source: RequirementId,
    /// Another one.
    pub target: RequirementId,
    /// What the source is to the target.
    pub relation: Relation,
    /// How much they have in common, from 1 to 10, where somebody said so.
    pub strength: Option<u8>,
}

/// What the source of a mapping is to its target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Relation {
    /// The same, word for word.
    Equal,
    /// The same in other words.
    Equivalent,
    /// A part of it.
    Subset,
    /// All of it, and more.
    Superset,
    /// They have something in common.
    Intersects,
}

/// A mapping on the way from a source, read towards the requirement that inherits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Hop {
    /// The requirement that it comes from.
    pub from: RequirementId,
    /// The mapping.
    pub mapping: MappingId,
    /// g, in tenths.
    pub tenths: u8,
}

/// What a requirement inherits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inherited {
    /// The way: the nearest requirement first, the source last; one hop or two.
    pub hops: Vec<Hop>,
    /// What the source is worth by its own controls.
    pub source: Triple,
    /// What arrives: the product of g times that.
    pub value: Triple,
}

/// What a mapping carries towards one of its ends.
struct Carried {
    from: RequirementId,
    tenths: u8,
    single_hop: bool,
}

impl Mapping {
    /// What it carries to one of its ends; `None` where that is nothing.
    fn carried_to(&self, end: RequirementId) -> Option<Carried> {
        use Relation::{Equal, Equivalent, Intersects, Subset, Superset};
        let (from, relation) = if end == self.target {
            (self.source, self.relation)
        } else {
            let turned = match self.relation {
                Subset => Superset,
                Superset => Subset,
                same => same,
            };
            (self.target, turned)
        };
        let strength = self.strength.unwrap_or(0);
        let (tenths, single_hop) = match relation {
            Equal | Equivalent | Superset => (10, false),
            Subset => (strength, false),
            Intersects => (strength.min(5), true),
        };
        (tenths > 0).then_some(Carried { from, tenths, single_hop })
    }

    /// Its other end.
    fn other(&self, end: RequirementId) -> RequirementId {
        if end == self.target { self.source } else { self.target }
    }
}

impl Model {
    /// What a requirement inherits, the most first: of equal ways the shortest, then the one with
    /// the smallest ids. `None` where its own controls show a failure or hide one, or nothing arrives.
    pub(super) fn inherited(
        &self,
        id: RequirementId,
        by_members: impl Fn(RequirementId, &Requirement) -> ByMembers,
    ) -> Option<Inherited> {
        if !by_members(id, self.requirements.get(&id)?).unfailing {
            return None;
        }
        let arriving =
            self.ways_to(id).into_iter().filter_map(|hops| self.arrive(hops, &by_members));
        arriving.min_by_key(|it| (Reverse(it.value.lo), it.hops.len(), it.hops.clone()))
    }

    /// Whether mappings lead to a requirement, over at most two hops, from one of a framework.
    pub fn is_mapped(&self, to: RequirementId, from: FrameworkId) -> bool {
        let framework = self.frameworks.get(&from);
        self.ways_to(to).iter().filter_map(|hops| hops.last()).any(|source| {
            self.applies(&source.from)
                && framework.is_some_and(|it| it.requirements.contains_key(&source.from))
        })
    }

    /// Every way over one mapping, or over two that may be joined.
    fn ways_to(&self, id: RequirementId) -> Vec<Vec<Hop>> {
        let mut ways = Vec::new();
        for first in self.hops_to(id) {
            ways.push(vec![first.0]);
            if first.1 {
                continue;
            }
            let further = self.hops_to(first.0.from).filter(|(hop, single)| {
                !single && hop.from != id && hop.mapping != first.0.mapping
            });
            ways.extend(further.map(|(second, _)| vec![first.0, second]));
        }
        ways
    }

    /// The mappings that carry something to a requirement, and whether each may only be a single
    /// hop.
    fn hops_to(&self, id: RequirementId) -> impl Iterator<Item = (Hop, bool)> {
        let mappings = self.requirements.get(&id).into_iter().flat_map(|entry| &entry.mappings);
        mappings.filter_map(move |mapping| {
            let Carried { from, tenths, single_hop } =
                self.mappings.get(mapping)?.carried_to(id)?;
            Some((Hop { from, mapping: *mapping, tenths }, single_hop))
        })
    }

    /// What comes over a way; nothing from a requirement that does not apply.
    fn arrive(
        &self,
        hops: Vec<Hop>,
        by_members: impl Fn(RequirementId, &Requirement) -> ByMembers,
    ) -> Option<Inherited> {
        let from = hops.last()?.from;
        let entry = self.requirements.get(&from)?;
        if entry.not_applicable.is_some() {
            return None;
        }
        let source = by_members(from, entry).own;
        let (mut share, mut whole) = (1_i128, 1_i128);
        for hop in &hops {
            share *= i128::from(hop.tenths);
            whole *= 10;
        }
        let carried = |value: Fixed| Fixed::quotient(share * value.wide(), whole);
        let value = Triple {
            lo: carried(source.lo),
            hi: carried(source.hi),
            decided: carried(source.decided),
        };
        (value.lo > Fixed::ZERO).then_some(Inherited { hops, source, value })
    }

    /// Rule 6 with what is inherited: the better `lo` counts, and `decided` goes with it.
    pub(super) fn with_inherited(
        &self,
        id: RequirementId,
        by_members: impl Fn(RequirementId, &Requirement) -> ByMembers,
    ) -> Triple {
        let entry = self.requirements.get(&id);
        let own = entry.map_or(Triple::UNKNOWN, |entry| by_members(id, entry).own);
        match self.inherited(id, by_members) {
            Some(inherited) if inherited.value.lo > own.lo => {
                let Triple { lo, hi, decided } = inherited.value;
                Triple { lo, hi: own.hi.max(hi), decided }
            }
            _ => own,
        }
    }

    /// These requirements and those that may inherit from them.
    pub(super) fn inheriting(&self, from: BTreeSet<RequirementId>) -> BTreeSet<RequirementId> {
        let mut all = from.clone();
        let mut last = from;
        for _hop in 0..2 {
            let mut next = BTreeSet::new();
            for id in last {
                let mappings = self.requirements.get(&id).into_iter().flat_map(|it| &it.mappings);
                next.extend(mappings.filter_map(|it| Some(self.mappings.get(it)?.other(id))));
            }
            all.extend(&next);
            last = next;
        }
        all
    }

    /// Takes a mapping in, or out, and tells which requirements that reaches.
    pub(super) fn map(
        &mut self,
        id: MappingId,
        stated: Option<Mapping>,
    ) -> BTreeSet<RequirementId> {
        let mut reached = BTreeSet::new();
        if let Some(before) = self.mappings.remove(&id) {
            let ends = [before.source, before.target];
            reached.extend(self.inheriting(ends.into()));
            for end in ends {
                if let Some(entry) = self.requirements.get_mut(&end) {
                    entry.mappings.remove(&id);
                }
            }
        }
        if let Some(stated) = stated {
            let ends = [stated.source, stated.target];
            for end in ends {
                self.requirements.entry(end).or_default().mappings.insert(id);
            }
            self.mappings.insert(id, stated);
            reached.extend(self.inheriting(ends.into()));
        }
        reached
    }
}

//! Which requirement of a catalog a scanner means. Scanners spell ids in their own way
//! (`ac_2_1`, `cc_6_1`, `164_308_a_5_ii_d`) and name frameworks in their own way; both are tables
//! here. What matches nothing creates nothing and is reported.

mod spelling;
mod table;

use std::collections::{BTreeMap, HashMap, HashSet};

use studio_kernel::{Id, kind};

pub use spelling::{Candidate, Spelling};
pub use table::{Alias, alias};

use super::catalog::Catalog;

/// A catalog that was imported, made ready for looking up.
#[derive(Debug)]
pub struct CatalogIndex {
    family: String,
    edition: String,
    codes: HashMap<String, Entry>,
}

#[derive(Debug)]
struct Entry {
    requirement: Id<kind::Requirement>,
    parts: HashSet<String>,
}

impl CatalogIndex {
    /// Indexes a catalog whose requirements have these ids, in the same order.
    pub fn new(catalog: &Catalog, ids: &[Id<kind::Requirement>]) -> Self {
        let codes = catalog
            .requirements
            .iter()
            .zip(ids)
            .map(|(requirement, id)| {
                let parts = requirement.parts.iter().cloned().collect();
                (requirement.code.to_lowercase(), Entry { requirement: *id, parts })
            })
            .collect();
        Self { family: catalog.family.clone(), edition: catalog.edition.clone(), codes }
    }

    /// Whether the scanner's framework of that name is this catalog.
    pub fn is(&self, scanner_framework: &str) -> bool {
        self.spelling(scanner_framework).is_some()
    }

    fn spelling(&self, scanner_framework: &str) -> Option<Spelling> {
        let alias = alias(scanner_framework)?;
        let same_edition =
            alias.edition.is_none_or(|edition| edition.eq_ignore_ascii_case(&self.edition));
        (alias.family == self.family && same_edition).then_some(alias.spelling)
    }

    /// The requirement that a scanner's id means, or `None`.
    pub fn find(&self, scanner_framework: &str, id: &str) -> Option<Id<kind::Requirement>> {
        let spelling = self.spelling(scanner_framework)?;
        spelling.candidates(id).into_iter().find_map(|candidate| {
            let entry = self.codes.get(&candidate.code)?;
            let holds_part = candidate.part.is_none_or(|part| entry.parts.contains(&part));
            holds_part.then_some(entry.requirement)
        })
    }
}

/// What came of matching the ids that one check names.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Matched {
    /// The requirements that are meant.
    pub requirements: std::collections::BTreeSet<Id<kind::Requirement>>,
    /// Ids that mean nothing in the given catalogs, by the scanner's name of the framework; a
    /// framework that is none of the catalogs is not listed.
    pub unmatched: BTreeMap<String, Vec<String>>,
}

/// Matches ids by framework, as a scanner gives them, with the catalogs that a project has adopted.
pub fn match_all<'a>(
    catalogs: impl IntoIterator<Item = &'a CatalogIndex> + Clone,
    named: &BTreeMap<String, Vec<String>>,
) -> Matched {
    let mut matched = Matched::default();
    for (framework, ids) in named {
        let meant: Vec<&CatalogIndex> =
            catalogs.clone().into_iter().filter(|catalog| catalog.is(framework)).collect();
        if meant.is_empty() {
            continue;
        }
        for id in ids {
            let found: Vec<_> =
                meant.iter().filter_map(|catalog| catalog.find(framework, id)).collect();
            matched.requirements.extend(&found);
            if found.is_empty() {
                matched.unmatched.entry(framework.clone()).or_default().push(id.clone());
            }
        }
    }
    matched
}

#[cfg(test)]
mod tests;

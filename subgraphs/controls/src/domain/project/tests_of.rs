//! Which tests a project's controls should have of the checks that were met: one per (control,
//! check), for the members of the requirements that the check names (DESIGN section 6, "What a scan
//! makes").

use std::{collections::BTreeMap, sync::Arc};

use super::{
    FrameworkId, NewIds, Project, ProjectId,
    events::{ControlTestAdded, ProjectEvent, SeenCheck},
};
use crate::domain::matching::{CatalogIndex, match_all};

/// The catalogs of the frameworks that a project has adopted.
pub type Catalogs = BTreeMap<FrameworkId, Arc<CatalogIndex>>;

const WEIGHT: u32 = 1;
const VALIDITY_DAYS: u32 = 30;

impl Project {
    /// The tests that are missing for these checks.
    pub(super) fn missing_tests(
        &self,
        project: ProjectId,
        catalogs: &Catalogs,
        checks: &BTreeMap<String, SeenCheck>,
        ids: &mut impl NewIds,
    ) -> Vec<ProjectEvent> {
        let mut events = Vec::new();
        for (id, check) in checks {
            let matched =
                match_all(self.adopted_catalogs(catalogs), &check.requirements).requirements;
            let members: std::collections::BTreeSet<_> = matched
                .iter()
                .filter_map(|requirement| self.requirements.get(requirement))
                .flat_map(super::Members::all)
                .collect();
            for control in members {
                let wanted = self
                    .controls
                    .get(&control)
                    .is_some_and(|known| !known.retired && !known.knows(id));
                if wanted {
                    events.push(
                        ControlTestAdded {
                            test: ids.test(),
                            control,
                            project,
                            check: Some(id.clone()),
                            title: check.title.clone(),
                            weight: WEIGHT,
                            key: false,
                            validity_days: VALIDITY_DAYS,
                        }
                        .into(),
                    );
                }
            }
        }
        events
    }

    /// Of the given catalogs, those that this project has adopted.
    pub(super) fn adopted_catalogs<'a>(
        &'a self,
        catalogs: &'a Catalogs,
    ) -> impl Iterator<Item = &'a CatalogIndex> + Clone {
        self.frameworks.keys().filter_map(|framework| catalogs.get(framework)).map(|index| &**index)
    }
}

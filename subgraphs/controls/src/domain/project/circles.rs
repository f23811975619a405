//! Circles of dependencies. They are allowed: a loss goes round them at most once (formula v1, rule 5).
//! But whoever closes one is told.

use std::collections::{BTreeMap, VecDeque};

use super::{ControlId, Project};

impl Project {
    /// The circle that a dependency closes, if it closes one: the shortest, with the control that
    /// rests first. Each rests on the next one, and the last on the first. A retired control is in
    /// none.
    pub fn circle_closed_by(
        &self,
        control: ControlId,
        depends_on: ControlId,
    ) -> Option<Vec<ControlId>> {
        let in_force = |id: &ControlId| self.controls.get(id).filter(|known| !known.retired);
        in_force(&control)?;
        let mut before: BTreeMap<ControlId, ControlId> = BTreeMap::new();
        let mut open = VecDeque::from([depends_on]);
        while let Some(at) = open.pop_front() {
            if at == control {
                let mut circle = vec![control];
                let mut last = control;
                while last != depends_on {
                    last = *before.get(&last)?;
                    circle.push(last);
                }
                circle[1..].reverse();
                return Some(circle);
            }
            for on in in_force(&at).into_iter().flat_map(|known| known.dependencies.keys()) {
                if *on != depends_on && !before.contains_key(on) {
                    before.insert(*on, at);
                    open.push_back(*on);
                }
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use studio_kernel::{Aggregate, Id, Timestamp, id::Kind};

    use super::*;
    use crate::domain::{
        project::events::{
            ControlCreated, ControlRetired, ControlText, DependencyAdded, ProjectEvent,
        },
        score::{Implementation, Strength},
    };

    fn id<K: Kind>(number: u32) -> Id<K> {
        format!("{}_{number:032x}", K::PREFIX).parse().unwrap()
    }

    fn resting(edges: &[(u32, u32)]) -> Project {
        let mut project = Project::default();
        let mut tell = |event: ProjectEvent| project.apply(&event, Timestamp::default());
        for number in 1..=5 {
            let stated = ControlText {
                title: String::new(),
                description: String::new(),
                implementation: Implementation::Implemented,
                owner: None,
                scope: String::new(),
                review_every_days: None,
            };
            let (control, code) = (id(number), number.to_string());
            tell(ControlCreated { project: id(1), control, code, stated }.into());
        }
        for (from, to) in edges {
            let (control, depends_on) = (id(*from), id(*to));
            let (project, dependency, strength) = (id(1), id(1), Strength::Weak);
            let added = DependencyAdded { project, dependency, control, depends_on, strength };
            tell(added.into());
        }
        project
    }

    fn circle(project: &Project, from: u32, to: u32) -> Option<Vec<ControlId>> {
        project.circle_closed_by(id(from), id(to))
    }

    #[test]
    fn the_shortest_circle_is_named_from_the_control_that_rests() {
        let project = resting(&[(1, 2), (2, 3), (3, 4), (4, 1), (3, 1), (4, 5)]);
        assert_eq!(circle(&project, 3, 1), Some(vec![id(3), id(1), id(2)]));
        assert_eq!(circle(&project, 1, 2), Some(vec![id(1), id(2), id(3)]));
        assert_eq!(circle(&project, 4, 1), Some(vec![id(4), id(1), id(2), id(3)]));
        assert_eq!(circle(&project, 4, 5), None);
        assert_eq!(circle(&resting(&[(1, 2), (2, 3), (1, 3)]), 1, 3), None);
    }

    #[test]
    fn a_retired_control_is_in_no_circle() {
        let mut project = resting(&[(1, 2), (2, 3), (3, 1)]);
        let retired = ControlRetired {
            project: id(1),
            control: id(2),
            implementation: Implementation::Implemented,
            reason: String::new(),
        };
        project.apply(&retired.into(), Timestamp::default());
        assert_eq!(circle(&project, 3, 1), None);
    }
}

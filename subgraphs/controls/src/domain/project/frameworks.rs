//! Adopting frameworks.

use studio_kernel::Aggregate;

use super::{
    Catalogs, ControlId, Project, ProjectId, Refused, TestId,
    events::{AdoptedControl, AdoptedRequirement, FrameworkAdopted, ProjectEvent},
};
use crate::domain::{framework::Framework, score::Implementation};

/// Gives new ids.
pub trait NewIds {
    /// Of a control.
    fn control(&mut self) -> ControlId;
    /// Of a test.
    fn test(&mut self) -> TestId;
}

/// How a framework is adopted.
#[derive(Debug, Clone, Copy)]
pub struct Adoption {
    /// Whether a control is made for each requirement.
    pub one_control_each: bool,
    /// The state of the controls that are made.
    pub implementation: Implementation,
}

impl Project {
    /// Adopts a framework, with a control for each requirement if so asked, and with tests of the
    /// checks that were met before and name its requirements.
    pub fn adopt(
        &self,
        project: ProjectId,
        framework: &Framework,
        adoption: Adoption,
        catalogs: &Catalogs,
        ids: &mut impl NewIds,
    ) -> Result<Vec<ProjectEvent>, Refused> {
        self.must_exist(project, "projectId")?;
        let Some(imported) = &framework.imported else {
            return Err(Refused::UnknownFramework);
        };
        if self.frameworks.contains_key(&imported.framework) {
            return Err(Refused::AdoptedAlready);
        }
        let mut taken: std::collections::HashSet<String> =
            self.controls.values().map(|control| control.code.to_lowercase()).collect();
        let mut controls = Vec::new();
        if adoption.one_control_each {
            for item in &framework.requirements {
                let code = free_code(&item.requirement.label, &mut taken);
                controls.push(AdoptedControl {
                    control: ids.control(),
                    requirement: item.id,
                    code,
                    title: item.requirement.title.clone(),
                });
            }
        }
        let adopted = FrameworkAdopted {
            project,
            framework: imported.framework,
            sha256: imported.sha256.clone(),
            requirements: framework
                .requirements
                .iter()
                .map(|item| AdoptedRequirement {
                    requirement: item.id,
                    importance: item.requirement.importance,
                })
                .collect(),
            controls,
            implementation: adoption.implementation,
        };
        let mut events = vec![adopted.into()];
        if !self.checks.is_empty() {
            let mut after = self.clone();
            after.apply(&events[0], studio_kernel::Timestamp::default());
            events.extend(after.missing_tests(project, catalogs, &after.checks, ids));
        }
        Ok(events)
    }
}

/// The label itself, or with a number after it where the project has a control of that code.
fn free_code(label: &str, taken: &mut std::collections::HashSet<String>) -> String {
    let mut code = label.to_owned();
    let mut number = 2;
    while !taken.insert(code.to_lowercase()) {
        code = format!("{label} #{number}");
        number += 1;
    }
    code
}

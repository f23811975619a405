//! Stating, changing and retiring controls; their tests, results, dependencies and memberships.

use std::collections::BTreeSet;

use studio_kernel::{Aggregate, Id, Timestamp, kind, published::controls::RULE_CHECKS};

use super::{
    Assessment, Catalogs, Control, ControlId, NewIds, Project, ProjectId, Refused, RequirementId,
    TestId, TestText,
    control_life::cadence,
    error::{line, long},
    events::{
        ControlCreated, ControlRetired, ControlTestAdded, ControlText, ControlUpdated,
        DependencyAdded, DependencyRemoved, ProjectEvent, RequirementMapped, RequirementUnmapped,
    },
    facts,
};
use crate::domain::score::{Fixed, Implementation, Member, Strength};

const LONGEST_CODE: usize = 64;
pub(super) const LONGEST_TITLE: usize = 300;
const LONGEST_DESCRIPTION: usize = 20_000;
const LONGEST_SCOPE: usize = 2_000;

/// A control to be stated.
#[derive(Debug, Clone)]
pub struct NewControl {
    /// Its short name.
    pub code: String,
    /// In a line.
    pub title: String,
    /// In full.
    pub description: String,
    /// How far it is in place.
    pub implementation: Implementation,
    /// Who answers for it.
    pub owner: Option<Id<kind::User>>,
    /// What it covers.
    pub scope: String,
    /// After how many days somebody has to look at it again.
    pub review_every_days: Option<u32>,
    /// The requirements that it is a member of, with share 1.
    pub requirements: BTreeSet<RequirementId>,
}

/// What is to change; `None` leaves as it is.
#[derive(Debug, Clone, Default)]
pub struct ControlChange {
    /// In a line.
    pub title: Option<String>,
    /// In full.
    pub description: Option<String>,
    /// How far it is in place.
    pub implementation: Option<Implementation>,
    /// Who answers for it; `Some(None)` for nobody.
    pub owner: Option<Option<Id<kind::User>>>,
    /// What it covers.
    pub scope: Option<String>,
    /// After how many days somebody has to look at it again; `Some(None)` for never.
    pub review_every_days: Option<Option<u32>>,
}

/// A membership to be stated.
#[derive(Debug, Clone)]
pub struct NewMapping {
    /// The requirement.
    pub requirement: RequirementId,
    /// The control.
    pub control: ControlId,
    /// The share; of the group, where one is named.
    pub share: Fixed,
    /// The any-of group.
    pub group: Option<String>,
}

/// A test to be added.
#[derive(Debug, Clone)]
pub struct NewTest {
    /// The control.
    pub control: ControlId,
    /// What it looks at.
    pub title: String,
    /// The scanner's check; `None` for a manual test.
    pub check: Option<String>,
    /// Its share in the control's value.
    pub weight: u32,
    /// Whether it caps the control.
    pub key: bool,
    /// Days for which a pass counts in full.
    pub validity_days: u32,
    /// How it is done.
    pub assessment: Assessment,
}

impl Project {
    /// States a control.
    pub fn create_control(
        &self,
        project: ProjectId,
        new: &NewControl,
        catalogs: &Catalogs,
        ids: &mut impl NewIds,
    ) -> Result<Vec<ProjectEvent>, Refused> {
        self.must_exist(project, "projectId")?;
        let code = line("code", &new.code, LONGEST_CODE)?;
        if self.controls.values().any(|control| control.code.eq_ignore_ascii_case(&code)) {
            return Err(Refused::CodeTaken(code));
        }
        if let Some(unknown) =
            new.requirements.iter().find(|id| !self.requirements.contains_key(id))
        {
            return Err(Refused::UnknownRequirement {
                field: "requirementIds",
                requirement: *unknown,
            });
        }
        let control = ids.control();
        let stated = ControlText {
            title: line("title", &new.title, LONGEST_TITLE)?,
            description: long("description", &new.description, LONGEST_DESCRIPTION)?,
            implementation: new.implementation,
            owner: new.owner,
            scope: long("scope", &new.scope, LONGEST_SCOPE)?,
            review_every_days: cadence(new.review_every_days)?,
        };
        let mut events = vec![ControlCreated { project, control, code, stated }.into()];
        events.extend(new.requirements.iter().map(|requirement| {
            RequirementMapped {
                project,
                requirement: *requirement,
                control,
                member: Member::Control(control),
                share: Fixed::ONE,
            }
            .into()
        }));
        self.with_tests(project, events, catalogs, ids)
    }

    /// Changes a control.
    pub fn update_control(
        &self,
        project: ProjectId,
        control: ControlId,
        expected: u32,
        change: &ControlChange,
    ) -> Result<Vec<ProjectEvent>, Refused> {
        let known = self.at_version(control, expected)?;
        let mut stated = known.stated.clone();
        if let Some(title) = &change.title {
            stated.title = line("title", title, LONGEST_TITLE)?;
        }
        if let Some(description) = &change.description {
            stated.description = long("description", description, LONGEST_DESCRIPTION)?;
        }
        if let Some(implementation) = change.implementation {
            stated.implementation = implementation;
        }
        if let Some(owner) = change.owner {
            stated.owner = owner;
        }
        if let Some(scope) = &change.scope {
            stated.scope = long("scope", scope, LONGEST_SCOPE)?;
        }
        if let Some(days) = change.review_every_days {
            stated.review_every_days = cadence(days)?;
        }
        if stated == known.stated {
            return Ok(Vec::new());
        }
        Ok(vec![ControlUpdated { project, control, stated }.into()])
    }

    /// Retires a control.
    pub fn retire_control(
        &self,
        project: ProjectId,
        control: ControlId,
        expected: u32,
        reason: &str,
    ) -> Result<Vec<ProjectEvent>, Refused> {
        let implementation = self.at_version(control, expected)?.stated.implementation;
        let reason = line("reason", reason, LONGEST_TITLE)?;
        Ok(vec![ControlRetired { project, control, implementation, reason }.into()])
    }

    pub(super) fn at_version(
        &self,
        control: ControlId,
        expected: u32,
    ) -> Result<&Control, Refused> {
        let known = self.live_control(control, "id")?;
        known.must_be_at(expected).map(|()| known)
    }

    /// Makes a control a member of a requirement.
    pub fn map(
        &self,
        project: ProjectId,
        new: &NewMapping,
        catalogs: &Catalogs,
        ids: &mut impl NewIds,
    ) -> Result<Vec<ProjectEvent>, Refused> {
        self.must_exist(project, "projectId")?;
        let Some(members) = self.requirements.get(&new.requirement) else {
            return Err(Refused::UnknownRequirement {
                field: "requirementId",
                requirement: new.requirement,
            });
        };
        self.live_control(new.control, "controlId")?;
        let member = match &new.group {
            None => Member::Control(new.control),
            Some(group) => {
                let group = line("anyOf", group, LONGEST_CODE)?;
                let mut controls = members
                    .groups
                    .get(&group)
                    .map(|known| known.controls.clone())
                    .unwrap_or_default();
                controls.insert(new.control);
                Member::AnyOf { group, controls }
            }
        };
        let mapped = ProjectEvent::from(RequirementMapped {
            project,
            requirement: new.requirement,
            control: new.control,
            member,
            share: new.share,
        });
        refuse("share", &mapped)?;
        self.with_tests(project, vec![mapped], catalogs, ids)
    }

    /// Ends every membership of a control in a requirement.
    pub fn unmap(
        &self,
        project: ProjectId,
        requirement: RequirementId,
        control: ControlId,
    ) -> Result<Vec<ProjectEvent>, Refused> {
        self.must_exist(project, "projectId")?;
        let Some(members) = self.requirements.get(&requirement) else {
            return Err(Refused::UnknownRequirement { field: "requirementId", requirement });
        };
        let mut events = Vec::new();
        let mut end = |group, remaining| {
            let event = RequirementUnmapped { project, requirement, control, group, remaining };
            events.push(event.into());
        };
        if members.controls.contains_key(&control) {
            end(None, None);
        }
        for (name, group) in &members.groups {
            if !group.controls.contains(&control) {
                continue;
            }
            let mut controls = group.controls.clone();
            controls.remove(&control);
            let remaining = (!controls.is_empty())
                .then(|| (Member::AnyOf { group: name.clone(), controls }, group.share));
            end(Some(name.clone()), remaining);
        }
        if events.is_empty() { Err(Refused::NotAMember) } else { Ok(events) }
    }

    /// These events, and tests of the checks that name what they bring in.
    pub(super) fn with_tests(
        &self,
        project: ProjectId,
        mut events: Vec<ProjectEvent>,
        catalogs: &Catalogs,
        ids: &mut impl NewIds,
    ) -> Result<Vec<ProjectEvent>, Refused> {
        if !self.checks.is_empty() {
            let mut after = self.clone();
            events.iter().for_each(|event| after.apply(event, Timestamp::default()));
            events.extend(after.missing_tests(project, catalogs, &after.checks, ids));
        }
        Ok(events)
    }

    /// Adds a test to a control.
    pub fn add_test(
        &self,
        project: ProjectId,
        new: &NewTest,
        ids: &mut impl NewIds,
    ) -> Result<Vec<ProjectEvent>, Refused> {
        let control = self.live_control(new.control, "controlId")?;
        let check = new.check.as_deref().map(|check| line("check", check, 200)).transpose()?;
        if check.as_ref().is_some_and(|check| check.starts_with(RULE_CHECKS)) {
            return Err(Refused::CheckOfARule);
        }
        if let Some(check) = check.as_ref().filter(|check| control.checks.contains(*check)) {
            return Err(Refused::SecondTest(check.clone()));
        }
        let id = ids.test();
        let new = NewTest { check, ..new.clone() };
        let added = test_added(project, id, &new)?;
        let stated = TestText {
            title: added.title.clone(),
            assessment: new.assessment,
            weight: new.weight,
            key: new.key,
            validity_days: new.validity_days,
        };
        let done =
            Self::how_it_is_done(project, (id, new.control), added.check.as_deref(), stated)?;
        Ok([added.into()].into_iter().chain(done).collect())
    }

    /// States that a control rests on another one, or how strongly it does from now on.
    pub fn depend(
        &self,
        project: ProjectId,
        control: ControlId,
        depends_on: ControlId,
        strength: Strength,
        dependency: Id<kind::ControlDependency>,
    ) -> Result<Vec<ProjectEvent>, Refused> {
        let known = self.live_control(control, "controlId")?;
        self.live_control(depends_on, "dependsOnId")?;
        let before = known.dependencies.get(&depends_on);
        if before.is_some_and(|before| before.strength == strength) {
            return Err(Refused::DependsAlready);
        }
        let dependency = before.map_or(dependency, |before| before.id);
        let added = ProjectEvent::from(DependencyAdded {
            project,
            dependency,
            control,
            depends_on,
            strength,
        });
        refuse("dependsOnId", &added)?;
        Ok(vec![added])
    }

    /// Ends a dependency.
    pub fn undepend(
        &self,
        project: ProjectId,
        control: ControlId,
        depends_on: ControlId,
    ) -> Result<Vec<ProjectEvent>, Refused> {
        let Some(known) = self.controls.get(&control) else {
            return Err(Refused::UnknownControl { field: "controlId", id: control });
        };
        let Some(dependency) = known.dependencies.get(&depends_on) else {
            return Err(Refused::NoDependency);
        };
        let dependency = dependency.id;
        Ok(vec![DependencyRemoved { project, dependency, control, depends_on }.into()])
    }
}

/// That a test is added, whose check is checked.
pub(super) fn test_added(
    project: ProjectId,
    test: TestId,
    new: &NewTest,
) -> Result<ControlTestAdded, Refused> {
    let added = ControlTestAdded {
        test,
        control: new.control,
        project,
        check: new.check.clone(),
        title: line("title", &new.title, LONGEST_TITLE)?,
        weight: new.weight,
        key: new.key,
        validity_days: new.validity_days,
    };
    let weighs = new.weight > 0 && new.weight <= 1000;
    refuse(if weighs { "validityDays" } else { "weight" }, &added.clone().into())?;
    Ok(added)
}

/// Refuses what the formula cannot take, before it is recorded.
pub(super) fn refuse(field: &'static str, event: &ProjectEvent) -> Result<(), Refused> {
    facts(event, Timestamp::default())
        .map(|_facts| ())
        .map_err(|refusal| Refused::Value { field, refusal })
}

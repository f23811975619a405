//! From creating a project to archiving it. Nothing of a project is ever removed: an archived one
//! takes no change, and all that was recorded of it stays and can be replayed.

use super::{
    Project, ProjectId, Refused,
    error::line,
    events::{ProjectArchived, ProjectCreated, ProjectEvent, ProjectRenamed, ProjectRestored},
};

/// The most characters of a project's name.
const LONGEST_NAME: usize = 120;

impl Project {
    pub(super) fn called(&mut self, name: &str) {
        self.name = Some(name.to_owned());
        self.version += 1;
    }

    pub(super) fn archived(&mut self, archived: bool) {
        self.archived = archived;
        self.version += 1;
    }

    /// Whether the project was created.
    pub fn exists(&self) -> bool {
        self.name.is_some()
    }

    /// Refuses a project that was not created, or that is archived. `field` is the field of the
    /// input that leads to it.
    pub fn must_take_changes(
        &self,
        project: ProjectId,
        field: &'static str,
    ) -> Result<(), Refused> {
        self.must_exist(project, field)?;
        if self.archived { Err(Refused::Archived { field, id: project }) } else { Ok(()) }
    }

    pub(super) fn must_exist(&self, id: ProjectId, field: &'static str) -> Result<(), Refused> {
        if self.exists() { Ok(()) } else { Err(Refused::UnknownProject { field, id }) }
    }

    fn must_be_at(&self, expected: u32) -> Result<(), Refused> {
        if self.version == expected {
            Ok(())
        } else {
            Err(Refused::Stale { what: "project", expected, actual: self.version })
        }
    }

    /// Creates the project.
    pub fn create(&self, project: ProjectId, name: &str) -> Result<Vec<ProjectEvent>, Refused> {
        let name = line("name", name, LONGEST_NAME)?;
        Ok(vec![ProjectCreated { project, name }.into()])
    }

    /// Gives the project another name.
    pub fn rename(
        &self,
        project: ProjectId,
        expected: u32,
        name: &str,
    ) -> Result<Vec<ProjectEvent>, Refused> {
        self.must_take_changes(project, "id")?;
        self.must_be_at(expected)?;
        self.renamed(project, name)
    }

    fn renamed(&self, project: ProjectId, name: &str) -> Result<Vec<ProjectEvent>, Refused> {
        let name = line("name", name, LONGEST_NAME)?;
        if self.name.as_ref() == Some(&name) {
            return Ok(Vec::new());
        }
        Ok(vec![ProjectRenamed { project, name }.into()])
    }

    /// Archives the project.
    pub fn archive(&self, project: ProjectId, expected: u32) -> Result<Vec<ProjectEvent>, Refused> {
        self.must_take_changes(project, "id")?;
        self.must_be_at(expected)?;
        Ok(vec![ProjectArchived { project }.into()])
    }

    /// Takes the project into use again, under another name where one is given.
    pub fn restore(
        &self,
        project: ProjectId,
        expected: u32,
        name: Option<&str>,
    ) -> Result<Vec<ProjectEvent>, Refused> {
        self.must_exist(project, "id")?;
        if !self.archived {
            return Err(Refused::NotArchived(project));
        }
        self.must_be_at(expected)?;
        let mut events = vec![ProjectRestored { project }.into()];
        if let Some(name) = name {
            events.extend(self.renamed(project, name)?);
        }
        Ok(events)
    }
}

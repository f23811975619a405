//! Who has a name among the projects of an organization. Each name has a stream of its own, and an
//! append that gives a project a name claims it there in the same moment: of two that want one name
//! at once, the log lets one through. A project that is archived, or called otherwise, gives its
//! name up.
//!
//! Projects of logs from before there were claims hold their names without one; whoever claims a
//! name looks for those, too.

use serde::{Deserialize, Serialize};
use studio_kernel::{Aggregate, Id, Timestamp, event, events, kind};

/// A project got the name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NameClaimed {
    /// The project.
    pub project: Id<kind::Project>,
    /// The name as names are compared ([`key`]).
    pub key: String,
}
event!(NameClaimed, "controls.project_name.claimed", 1);

/// The project has the name no longer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NameReleased {
    /// The project.
    pub project: Id<kind::Project>,
}
event!(NameReleased, "controls.project_name.released", 1);

events! {
    /// What happens to a name.
    pub enum ProjectNameEvent { NameClaimed, NameReleased }
}

/// A name of the organization.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProjectName {
    /// The project that has it.
    pub holder: Option<Id<kind::Project>>,
}

impl Aggregate for ProjectName {
    const STREAM_TYPE: &'static str = "controls.project_name";
    const STATE_VERSION: u32 = 1;
    type Event = ProjectNameEvent;

    fn apply(&mut self, event: &ProjectNameEvent, _recorded_at: Timestamp) {
        match event {
            ProjectNameEvent::NameClaimed(claimed) => self.holder = Some(claimed.project),
            ProjectNameEvent::NameReleased(released) => {
                self.holder = self.holder.filter(|holder| *holder != released.project);
            }
        }
    }
}

/// A name as names are compared: without blanks around it, in small letters (Unicode).
pub fn key(name: &str) -> String {
    name.trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::key;

    #[test]
    fn names_are_compared_in_small_letters() {
        assert_eq!(key(" Zahlungen ÄÖÜ\t"), "zahlungen äöü");
        assert_eq!(key("ПЛАТЕЖИ"), key("платежи"));
        assert_ne!(key("Payments"), key("Payments 2"));
    }
}

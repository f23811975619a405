//! A group of a directory that provisions people. Its members are kept in the read model: who is removed from
//! the directory, or erased, is in none of its groups any more.

use serde::{Deserialize, Serialize};
use studio_kernel::{Aggregate, Id, Timestamp, event, events, kind};

/// A directory made a group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DirectoryGroupCreated {
    /// The group.
    pub group: Id<kind::DirectoryGroup>,
    /// The directory.
    pub directory: Id<kind::Directory>,
    /// What it is called.
    pub display_name: String,
    /// The id that the directory gave it.
    pub external_id: Option<String>,
    /// Who is in it, sorted.
    pub members: Vec<Id<kind::User>>,
}
event!(DirectoryGroupCreated, "identity.directory_group.created", 1);

/// A directory changed a group: its name, its id or who is in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DirectoryGroupChanged {
    /// The group.
    pub group: Id<kind::DirectoryGroup>,
    /// What it is called now.
    pub display_name: String,
    /// The id that the directory gave it.
    pub external_id: Option<String>,
    /// Who came, sorted.
    pub added: Vec<Id<kind::User>>,
    /// Who left, sorted.
    pub removed: Vec<Id<kind::User>>,
}
event!(DirectoryGroupChanged, "identity.directory_group.changed", 1);

/// A directory deleted a group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DirectoryGroupDeleted {
    /// The group.
    pub group: Id<kind::DirectoryGroup>,
}
event!(DirectoryGroupDeleted, "identity.directory_group.deleted", 1);

events! {
    /// What happens to a group of a directory.
    pub enum DirectoryGroupEvent {
        DirectoryGroupCreated,
        DirectoryGroupChanged,
        DirectoryGroupDeleted,
    }
}

/// The state of a group.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct DirectoryGroup {
    /// Whether it was made and not deleted.
    pub exists: bool,
}

impl Aggregate for DirectoryGroup {
    const STREAM_TYPE: &'static str = "identity.directory_group";
    const STATE_VERSION: u32 = 1;
    type Event = DirectoryGroupEvent;

    fn apply(&mut self, event: &DirectoryGroupEvent, _recorded_at: Timestamp) {
        match event {
            DirectoryGroupEvent::DirectoryGroupCreated(_) => self.exists = true,
            DirectoryGroupEvent::DirectoryGroupChanged(_) => {}
            DirectoryGroupEvent::DirectoryGroupDeleted(_) => self.exists = false,
        }
    }
}

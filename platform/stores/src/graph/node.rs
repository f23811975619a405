//! What stands in the graph: ids of the domain, each with its kind.

use std::fmt;

use studio_kernel::{Id, id::Kind, kind};
use uuid::Uuid;

use super::error::GraphError;

/// The kinds of nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NodeKind {
    /// An organization: the tenant itself.
    Organization,
    /// A person, by id alone.
    User,
    /// A project.
    Project,
    /// A framework.
    Framework,
    /// A requirement of a framework.
    Requirement,
    /// A control of a project.
    Control,
    /// A test of a control.
    ControlTest,
    /// A version of a piece of evidence.
    Evidence,
}

impl NodeKind {
    /// Every kind.
    pub const ALL: [Self; 8] = [
        Self::Organization,
        Self::User,
        Self::Project,
        Self::Framework,
        Self::Requirement,
        Self::Control,
        Self::ControlTest,
        Self::Evidence,
    ];

    /// What its ids start with.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Organization => kind::Organization::PREFIX,
            Self::User => kind::User::PREFIX,
            Self::Project => kind::Project::PREFIX,
            Self::Framework => kind::Framework::PREFIX,
            Self::Requirement => kind::Requirement::PREFIX,
            Self::Control => kind::Control::PREFIX,
            Self::ControlTest => kind::ControlTest::PREFIX,
            Self::Evidence => kind::Evidence::PREFIX,
        }
    }
}

/// The id of a node: a typed id, and for evidence its version.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId {
    kind: NodeKind,
    uuid: Uuid,
    version: u32,
}

macro_rules! from_ids {
    ($($kind:ident),*) => {$(
        impl From<Id<kind::$kind>> for NodeId {
            fn from(id: Id<kind::$kind>) -> Self {
                Self { kind: NodeKind::$kind, uuid: id.uuid(), version: 0 }
            }
        }
    )*};
}

from_ids!(Organization, User, Project, Framework, Requirement, Control, ControlTest);

impl NodeId {
    /// A version of a piece of evidence.
    pub fn evidence(id: Id<kind::Evidence>, version: u32) -> Self {
        Self { kind: NodeKind::Evidence, uuid: id.uuid(), version }
    }

    /// Its kind.
    pub const fn kind(&self) -> NodeKind {
        self.kind
    }

    /// The version of evidence; 0 for everything else.
    pub const fn version(&self) -> u32 {
        self.version
    }

    /// The typed id, where it is of this kind.
    pub fn id<K: Kind>(&self) -> Option<Id<K>> {
        (self.kind.prefix() == K::PREFIX).then(|| Id::from_uuid(self.uuid))
    }

    /// Reads what [`fmt::Display`] writes.
    ///
    /// # Errors
    /// It is no id of a node.
    pub fn parse(text: &str) -> Result<Self, GraphError> {
        let unread = || GraphError::Unreadable(format!("{text:?} is not the id of a node"));
        let (id, version) = match text.split_once('@') {
            Some((id, version)) => (id, version.parse().map_err(|_| unread())?),
            None => (text, 0),
        };
        let (prefix, digits) = id.split_once('_').ok_or_else(unread)?;
        let kind =
            NodeKind::ALL.into_iter().find(|kind| kind.prefix() == prefix).ok_or_else(unread)?;
        let uuid = Uuid::try_parse(digits).map_err(|_| unread())?;
        Ok(Self { kind, uuid, version })
    }
}

/// `ctl_…`; for evidence with its version in ten digits, `evd_…@0000000002`, so that texts sort as
/// the ids do.
impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_{}", self.kind.prefix(), self.uuid.simple())?;
        match self.kind {
            NodeKind::Evidence => write!(f, "@{:010}", self.version),
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A node with what is known of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Node {
    /// Its id.
    pub id: NodeId,
    /// Of a control: whether it is no longer in force.
    pub retired: bool,
    /// Of a requirement: its weight W in its framework (formula v1, rule 7); 0 for everything else.
    pub importance: u32,
}

impl Node {
    /// A node of which nothing but its id is known.
    pub const fn plain(id: NodeId) -> Self {
        Self { id, retired: false, importance: 0 }
    }

    /// A control that is in force, or retired.
    pub fn control(id: Id<kind::Control>, retired: bool) -> Self {
        Self { retired, ..Self::plain(id.into()) }
    }

    /// A requirement with its weight.
    pub fn requirement(id: Id<kind::Requirement>, importance: u32) -> Self {
        Self { importance, ..Self::plain(id.into()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_read_back_and_their_texts_sort_as_they_do() {
        let id = |version| {
            NodeId::evidence(Id::from_uuid(Uuid::from_u128(0x0193_7000_8000_0001)), version)
        };
        assert_eq!(NodeId::parse(&id(7).to_string()).unwrap(), id(7));
        assert!(id(9) < id(10) && id(9).to_string() < id(10).to_string());
        let control: NodeId = Id::<kind::Control>::from_uuid(Uuid::from_u128(5)).into();
        assert_eq!(NodeId::parse(&control.to_string()).unwrap(), control);
        assert_eq!(control.id::<kind::Requirement>(), None);
        for bad in ["", "ctl", "xyz_00000000000000000000000000000005", "ctl_5@x"] {
            assert!(NodeId::parse(bad).is_err(), "{bad}");
        }
    }
}

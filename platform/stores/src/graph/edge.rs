//! How nodes hang together: typed edges, each between the kinds that it makes sense between.

use std::borrow::Cow;

use studio_kernel::{Id, kind};

use super::{
    error::GraphError,
    mapping::Mapping,
    node::{NodeId, NodeKind},
    weight::Weight,
};

/// The kinds of edges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EdgeKind {
    /// Project to organization or to the project above it, control to project, requirement to
    /// framework.
    BelongsTo,
    /// Project to framework.
    Adopts,
    /// User to control: who answers for it.
    Owns,
    /// User to project or control: who made it.
    Created,
    /// User to test: who recorded a result of it; from the organization itself where a program did.
    Recorded,
    /// User to evidence: who brought it.
    Uploaded,
    /// Control to requirement.
    Covers,
    /// Control to the control that it rests on.
    DependsOn,
    /// Requirement to requirement.
    MapsTo,
    /// Test to control.
    Tests,
    /// Test to the evidence that its newest results come from.
    RestsOn,
}

impl EdgeKind {
    /// Every kind.
    pub const ALL: [Self; 11] = [
        Self::BelongsTo,
        Self::Adopts,
        Self::Owns,
        Self::Created,
        Self::Recorded,
        Self::Uploaded,
        Self::Covers,
        Self::DependsOn,
        Self::MapsTo,
        Self::Tests,
        Self::RestsOn,
    ];

    /// Whether there may be several between two nodes, each of another group.
    pub const fn is_grouped(self) -> bool {
        matches!(self, Self::Covers | Self::MapsTo)
    }

    /// From which kinds to which it may lead.
    pub const fn shapes(self) -> &'static [(NodeKind, NodeKind)] {
        use NodeKind::{
            Control, ControlTest, Evidence, Framework, Organization, Project, Requirement, User,
        };
        match self {
            Self::BelongsTo => &[
                (Project, Organization),
                (Project, Project),
                (Control, Project),
                (Requirement, Framework),
            ],
            Self::Adopts => &[(Project, Framework)],
            Self::Owns => &[(User, Control)],
            Self::Created => &[(User, Project), (User, Control)],
            Self::Recorded => &[(User, ControlTest), (Organization, ControlTest)],
            Self::Uploaded => &[(User, Evidence)],
            Self::Covers => &[(Control, Requirement)],
            Self::DependsOn => &[(Control, Control)],
            Self::MapsTo => &[(Requirement, Requirement)],
            Self::Tests => &[(ControlTest, Control)],
            Self::RestsOn => &[(ControlTest, Evidence)],
        }
    }
}

/// What an edge says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Link {
    /// See [`EdgeKind::BelongsTo`].
    BelongsTo,
    /// See [`EdgeKind::Adopts`].
    Adopts,
    /// See [`EdgeKind::Owns`].
    Owns,
    /// See [`EdgeKind::Created`].
    Created,
    /// See [`EdgeKind::Recorded`].
    Recorded,
    /// See [`EdgeKind::Uploaded`].
    Uploaded,
    /// The control meets a share of the requirement, by itself or as one of a group.
    Covers {
        /// The share; of the group, where it is in one.
        share: Weight,
        /// The any-of group within the requirement; empty for a control by itself.
        group: String,
    },
    /// The control rests on the other one, this strongly (1, 0.5 or 0.3).
    DependsOn {
        /// How strongly, at most 1.
        strength: Weight,
    },
    /// The requirement says something of what the other one says.
    MapsTo(Mapping),
    /// See [`EdgeKind::Tests`].
    Tests,
    /// See [`EdgeKind::RestsOn`].
    RestsOn,
}

impl Link {
    /// Its kind.
    pub const fn kind(&self) -> EdgeKind {
        match self {
            Self::BelongsTo => EdgeKind::BelongsTo,
            Self::Adopts => EdgeKind::Adopts,
            Self::Owns => EdgeKind::Owns,
            Self::Created => EdgeKind::Created,
            Self::Recorded => EdgeKind::Recorded,
            Self::Uploaded => EdgeKind::Uploaded,
            Self::Covers { .. } => EdgeKind::Covers,
            Self::DependsOn { .. } => EdgeKind::DependsOn,
            Self::MapsTo(_) => EdgeKind::MapsTo,
            Self::Tests => EdgeKind::Tests,
            Self::RestsOn => EdgeKind::RestsOn,
        }
    }

    /// What tells edges of a kind between two nodes from each other: the any-of group of a coverage,
    /// the project of a mapping; empty for everything else.
    pub fn group(&self) -> Cow<'_, str> {
        match self {
            Self::Covers { group, .. } => Cow::Borrowed(group),
            Self::MapsTo(mapping) => Cow::Owned(mapping.project.to_string()),
            _ => Cow::Borrowed(""),
        }
    }
}

/// What tells an edge from all others: there is at most one edge with a key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EdgeKey {
    pub(super) kind: EdgeKind,
    pub(super) from: NodeId,
    pub(super) to: NodeId,
    /// See [`Link::group`].
    pub(super) group: String,
}

impl EdgeKey {
    /// The edge of a kind between two nodes; coverages by themselves, outside any group. A mapping
    /// needs its project too.
    ///
    /// # Errors
    /// Edges of this kind do not lead between nodes of these kinds.
    pub fn new(kind: EdgeKind, from: NodeId, to: NodeId) -> Result<Self, GraphError> {
        if kind.shapes().contains(&(from.kind(), to.kind())) {
            return Ok(Self { kind, from, to, group: String::new() });
        }
        Err(GraphError::Shape { kind, from: from.kind(), to: to.kind() })
    }

    /// The coverage within an any-of group; edges of other kinds are in no such group.
    #[must_use]
    pub fn in_group(self, group: &str) -> Self {
        match self.kind {
            EdgeKind::Covers => Self { group: group.to_owned(), ..self },
            _ => self,
        }
    }

    /// The mapping that was approved in a project; edges of other kinds are of none.
    #[must_use]
    pub fn of_project(self, project: Id<kind::Project>) -> Self {
        match self.kind {
            EdgeKind::MapsTo => Self { group: project.to_string(), ..self },
            _ => self,
        }
    }
}

/// An edge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    pub(super) from: NodeId,
    pub(super) to: NodeId,
    pub(super) link: Link,
}

impl Edge {
    /// An edge.
    ///
    /// # Errors
    /// Such edges do not lead between nodes of these kinds, or a dependency is stronger than 1.
    pub fn new(
        from: impl Into<NodeId>,
        link: Link,
        to: impl Into<NodeId>,
    ) -> Result<Self, GraphError> {
        let (from, to) = (from.into(), to.into());
        EdgeKey::new(link.kind(), from, to)?;
        match &link {
            Link::DependsOn { strength } if *strength > Weight::ONE => Err(GraphError::TooStrong),
            _ => Ok(Self { from, to, link }),
        }
    }

    /// Its kind.
    pub const fn kind(&self) -> EdgeKind {
        self.link.kind()
    }

    /// Where it starts.
    pub const fn from(&self) -> NodeId {
        self.from
    }

    /// Where it ends.
    pub const fn to(&self) -> NodeId {
        self.to
    }

    pub(super) fn key(&self) -> EdgeKey {
        EdgeKey {
            kind: self.link.kind(),
            from: self.from,
            to: self.to,
            group: self.link.group().into_owned(),
        }
    }
}

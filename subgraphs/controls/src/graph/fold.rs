//! What an event of the log changes in the graph. The changes of an event depend on the events
//! before it in the same stream and on nothing else.

use std::collections::HashMap;

use studio_events::Recorded;
use studio_kernel::{Aggregate, Id, TenantId, kind};
use studio_stores::graph::{
    self, Change, Edge, EdgeKey, EdgeKind, GraphError, Link, Node, NodeId, Weight,
};

use super::shape::{Moved, Shape};
use crate::domain::{
    framework::{Framework, FrameworkEvent},
    project::{
        Project,
        events::{
            CheckSummariesRecorded, ControlText, FrameworkAdopted, MappingApproved, ProjectEvent,
            RequirementMapped, RequirementUnmapped,
        },
    },
    score::{Fixed, Mapping, Member, Relation},
};

/// Why an event cannot be turned into changes.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FoldError {
    /// The event does not read.
    #[error(transparent)]
    Decode(#[from] studio_kernel::DecodeError),
    /// Who caused it does not read.
    #[error("the metadata of an event does not read: {0}")]
    Metadata(#[from] serde_json::Error),
    /// The changes make no sense.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// A stream is not named by the id of a project.
    #[error("{0}")]
    Stream(#[from] studio_kernel::IdError),
}

/// A project of an organization.
pub(super) type Key = (TenantId, Id<kind::Project>);
pub(super) type Shapes = HashMap<Key, Shape>;

/// The project that an event is of, if it is of one.
pub(super) fn project_of(event: &Recorded) -> Result<Option<Key>, FoldError> {
    if event.stream_type != Project::STREAM_TYPE {
        return Ok(None);
    }
    Ok(Some((event.tenant, event.stream_id.parse()?)))
}

/// The changes in an event of a framework; none for any other event.
pub(super) fn framework(event: &Recorded) -> Result<Vec<Change>, FoldError> {
    if event.stream_type != Framework::STREAM_TYPE {
        return Ok(Vec::new());
    }
    let FrameworkEvent::RequirementsImported(some) = event.decode()? else {
        return Ok(Vec::new());
    };
    let mut changes = Vec::with_capacity(2 * some.requirements.len());
    for item in &some.requirements {
        let importance = item.requirement.importance.weight();
        changes.push(Change::Node(Node::requirement(item.id, importance)));
        changes.push(edge(item.id, Link::BelongsTo, some.framework)?);
    }
    Ok(changes)
}

/// The changes in an event of a project.
pub(super) fn project(event: &Recorded, shape: &mut Shape) -> Result<Vec<Change>, FoldError> {
    let by = event.metadata()?.principal.user_id();
    let mut out = Changes(Vec::new());
    match event.decode()? {
        ProjectEvent::ProjectCreated(created) => {
            out.edge(created.project, Link::BelongsTo, event.tenant)?;
            out.by(by, Link::Created, created.project)?;
        }
        ProjectEvent::FrameworkAdopted(adopted) => out.adoption(&adopted, by)?,
        ProjectEvent::ControlCreated(created) => {
            out.control(created.control, created.project, by)?;
            out.owner(created.control, &created.stated, shape)?;
        }
        ProjectEvent::ControlUpdated(updated) => {
            out.owner(updated.control, &updated.stated, shape)?;
        }
        ProjectEvent::ControlRetired(retired) => {
            out.0.push(Change::Node(Node::control(retired.control, true)));
        }
        ProjectEvent::ControlReinstated(reinstated) => {
            out.0.push(Change::Node(Node::control(reinstated.control, false)));
        }
        ProjectEvent::RequirementMapped(mapped) => out.mapping(&mapped)?,
        ProjectEvent::RequirementUnmapped(unmapped) => out.unmapping(&unmapped)?,
        ProjectEvent::ControlTestAdded(added) => {
            out.edge(added.test, Link::Tests, added.control)?;
            if let Some(check) = &added.check {
                for evidence in shape.add_test(check, added.test) {
                    out.edge(added.test, Link::RestsOn, evidence)?;
                }
            }
        }
        ProjectEvent::TestRetired(retired) => {
            if let Some(check) = &retired.check {
                shape.retire_test(check, retired.test);
            }
            out.0.push(Change::RemoveNode(retired.test.into()));
        }
        ProjectEvent::TestResultRecorded(result) => match by {
            Some(user) => out.edge(user, Link::Recorded, result.test)?,
            None => out.edge(event.tenant, Link::Recorded, result.test)?,
        },
        ProjectEvent::DependencyAdded(added) => {
            let strength = weight(added.strength.factor());
            out.edge(added.control, Link::DependsOn { strength }, added.depends_on)?;
        }
        ProjectEvent::DependencyRemoved(removed) => {
            out.cut(EdgeKind::DependsOn, removed.control, removed.depends_on)?;
        }
        ProjectEvent::CheckSummariesRecorded(recorded) => out.summaries(&recorded, shape)?,
        ProjectEvent::EvidenceDiscounted(discounted) => {
            let evidence = NodeId::evidence(discounted.evidence, discounted.evidence_version);
            shape.reject(evidence);
            out.0.push(Change::RemoveNode(evidence));
        }
        ProjectEvent::MappingApproved(approved) => out.approval(&approved, shape)?,
        ProjectEvent::MappingWithdrawn(withdrawn) => {
            if let Some((source, target)) = shape.mappings.remove(&withdrawn.mapping) {
                let key = EdgeKey::new(EdgeKind::MapsTo, source.into(), target.into())?;
                out.0.push(Change::RemoveEdge(key.of_project(withdrawn.project)));
            }
        }
        ProjectEvent::ProjectRenamed(_)
        | ProjectEvent::ProjectArchived(_)
        | ProjectEvent::ProjectRestored(_)
        | ProjectEvent::ChecksSeen(_)
        | ProjectEvent::TestRuleChanged(_)
        | ProjectEvent::CheckResultsMatched(_)
        | ProjectEvent::ResultsTakenInPart(_)
        | ProjectEvent::NotApplicableProposed(_)
        | ProjectEvent::NotApplicableApproved(_)
        | ProjectEvent::NotApplicableRejected(_)
        | ProjectEvent::NotApplicableWithdrawn(_)
        | ProjectEvent::NonconformityOpened(_)
        | ProjectEvent::NonconformityCorrected(_)
        | ProjectEvent::CorrectionRejected(_)
        | ProjectEvent::NonconformityClosed(_)
        | ProjectEvent::ExceptionProposed(_)
        | ProjectEvent::ExceptionApproved(_)
        | ProjectEvent::ExceptionRejected(_)
        | ProjectEvent::ExceptionRevoked(_)
        | ProjectEvent::MappingProposed(_)
        | ProjectEvent::MappingRejected(_)
        | ProjectEvent::TestChanged(_)
        | ProjectEvent::TestResultSignedOff(_)
        | ProjectEvent::TestResultRejected(_)
        | ProjectEvent::ControlReviewed(_) => {}
    }
    Ok(out.0)
}

fn weight(fixed: Fixed) -> Weight {
    Weight::from_units(fixed.units())
}

fn edge(from: impl Into<NodeId>, link: Link, to: impl Into<NodeId>) -> Result<Change, GraphError> {
    Edge::new(from, link, to).map(Change::Edge)
}

/// Changes in the making.
struct Changes(Vec<Change>);

impl Changes {
    fn edge(
        &mut self,
        from: impl Into<NodeId>,
        link: Link,
        to: impl Into<NodeId>,
    ) -> Result<(), GraphError> {
        self.0.push(edge(from, link, to)?);
        Ok(())
    }

    /// What a person did; what Studio itself did is nobody's work.
    fn by(
        &mut self,
        user: Option<Id<kind::User>>,
        link: Link,
        to: impl Into<NodeId>,
    ) -> Result<(), GraphError> {
        user.map_or(Ok(()), |user| self.edge(user, link, to))
    }

    fn cut(
        &mut self,
        kind: EdgeKind,
        from: impl Into<NodeId>,
        to: impl Into<NodeId>,
    ) -> Result<(), GraphError> {
        self.0.push(Change::RemoveEdge(EdgeKey::new(kind, from.into(), to.into())?));
        Ok(())
    }

    fn control(
        &mut self,
        control: Id<kind::Control>,
        project: Id<kind::Project>,
        by: Option<Id<kind::User>>,
    ) -> Result<(), GraphError> {
        self.0.push(Change::Node(Node::control(control, false)));
        self.edge(control, Link::BelongsTo, project)?;
        self.by(by, Link::Created, control)
    }

    fn owner(
        &mut self,
        control: Id<kind::Control>,
        stated: &ControlText,
        shape: &mut Shape,
    ) -> Result<(), GraphError> {
        let before = match stated.owner {
            Some(owner) => shape.owners.insert(control, owner),
            None => shape.owners.remove(&control),
        };
        if let Some(before) = before.filter(|before| Some(*before) != stated.owner) {
            self.cut(EdgeKind::Owns, before, control)?;
        }
        self.by(stated.owner.filter(|owner| before != Some(*owner)), Link::Owns, control)
    }

    fn adoption(
        &mut self,
        adopted: &FrameworkAdopted,
        by: Option<Id<kind::User>>,
    ) -> Result<(), GraphError> {
        self.edge(adopted.project, Link::Adopts, adopted.framework)?;
        for made in &adopted.controls {
            self.control(made.control, adopted.project, by)?;
            self.covers(made.control, Fixed::ONE, "", made.requirement)?;
        }
        Ok(())
    }

    fn covers(
        &mut self,
        control: Id<kind::Control>,
        share: Fixed,
        group: &str,
        requirement: Id<kind::Requirement>,
    ) -> Result<(), GraphError> {
        let link = Link::Covers { share: weight(share), group: group.to_owned() };
        self.edge(control, link, requirement)
    }

    /// A member as it is now: of a group, all its controls.
    fn member(
        &mut self,
        requirement: Id<kind::Requirement>,
        member: &Member,
        share: Fixed,
    ) -> Result<(), GraphError> {
        match member {
            Member::Control(control) => self.covers(*control, share, "", requirement),
            Member::AnyOf { group, controls } => {
                controls.iter().try_for_each(|one| self.covers(*one, share, group, requirement))
            }
        }
    }

    fn mapping(&mut self, mapped: &RequirementMapped) -> Result<(), GraphError> {
        self.member(mapped.requirement, &mapped.member, mapped.share)
    }

    fn unmapping(&mut self, unmapped: &RequirementUnmapped) -> Result<(), GraphError> {
        let (control, requirement) = (unmapped.control.into(), unmapped.requirement.into());
        let key = EdgeKey::new(EdgeKind::Covers, control, requirement)?;
        let key = key.in_group(unmapped.group.as_deref().unwrap_or_default());
        self.0.push(Change::RemoveEdge(key));
        match &unmapped.remaining {
            Some((member, share)) => self.member(unmapped.requirement, member, *share),
            None => Ok(()),
        }
    }

    /// A mapping carries from its approval on.
    fn approval(
        &mut self,
        approved: &MappingApproved,
        shape: &mut Shape,
    ) -> Result<(), GraphError> {
        let Mapping { source, target, relation, strength } = approved.terms.mapping;
        shape.mappings.insert(approved.mapping, (source, target));
        let relation = match relation {
            Relation::Equal => graph::Relation::Equal,
            Relation::Equivalent => graph::Relation::Equivalent,
            Relation::Subset => graph::Relation::Subset,
            Relation::Superset => graph::Relation::Superset,
            Relation::Intersects => graph::Relation::Intersects,
        };
        let (project, strength) = (approved.project, strength.map(u32::from));
        let link = Link::MapsTo(graph::Mapping { project, relation, strength });
        self.edge(source, link, target)
    }

    fn summaries(
        &mut self,
        recorded: &CheckSummariesRecorded,
        shape: &mut Shape,
    ) -> Result<(), GraphError> {
        let evidence = NodeId::evidence(recorded.evidence, recorded.evidence_version);
        let mut moved = Moved::default();
        for summary in &recorded.summaries {
            let place = (summary.account.clone(), summary.region.clone());
            shape.take(&summary.check, place, summary.effective_from, evidence, &mut moved);
        }
        for (test, evidence) in moved.removed {
            self.cut(EdgeKind::RestsOn, test, evidence)?;
        }
        for (test, evidence) in moved.added {
            self.edge(test, Link::RestsOn, evidence)?;
        }
        self.0.extend(moved.unused.into_iter().map(Change::RemoveNode));
        if shape.rests_on(evidence) {
            self.by(recorded.uploaded_by, Link::Uploaded, evidence)?;
        }
        Ok(())
    }
}

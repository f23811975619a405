//! Who is behind the score of a framework in a project: the people who answer for its controls, who
//! recorded results of their tests, and who brought the evidence that the tests rest on.

use std::collections::{BTreeMap, BTreeSet};

use studio_kernel::{Id, kind};

use super::typed;
use crate::graph::{
    Direction, View,
    edge::{EdgeKind, Link},
    error::GraphError,
    node::{NodeId, NodeKind},
    walk::Reader,
    weight::Weight,
};

/// Somebody who stands behind a score.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Who.
    pub user: Id<kind::User>,
    /// The share of the framework's weight W that is covered by controls that they stand behind.
    /// Several people may stand behind one control, so these do not add up to 1.
    pub weight: Weight,
    /// The controls that they stand behind, in any way.
    pub controls: usize,
    /// The controls that they answer for.
    pub owned: usize,
    /// The tests that they recorded a result of.
    pub recorded: usize,
    /// The versions of evidence that they brought and that tests rest on.
    pub uploaded: usize,
}

/// The people behind a score.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Behind {
    /// The weightiest first; of equal ones in the order of ids.
    pub people: Vec<Person>,
    /// Whether there was more than the limits allow.
    pub truncated: bool,
}

/// What somebody did.
#[derive(Default)]
struct Deeds {
    controls: BTreeSet<NodeId>,
    owned: BTreeSet<NodeId>,
    recorded: BTreeSet<NodeId>,
    uploaded: BTreeSet<NodeId>,
}

/// A member of a requirement: a control by itself or a group, with its share.
#[derive(Default)]
struct Member {
    share: Weight,
    controls: BTreeSet<NodeId>,
}

/// A requirement's weight W and its members, by the control or the group.
struct Counted {
    importance: u32,
    members: BTreeMap<(String, Option<NodeId>), Member>,
}

/// Who is behind the score of a framework in a project.
///
/// # Errors
/// The graph cannot be read.
pub async fn who_is_behind(
    view: &dyn View,
    project: Id<kind::Project>,
    framework: Id<kind::Framework>,
) -> Result<Behind, GraphError> {
    let mut reader = Reader::new(view);
    let adopted = reader.step(EdgeKind::Adopts, Direction::Out, [project.into()]).await?;
    if !adopted.iter().any(|hop| hop.far.id == NodeId::from(framework)) {
        return Ok(Behind { people: Vec::new(), truncated: reader.truncated });
    }
    let requirements = counted(&mut reader, project, framework).await?;
    let controls = requirements.values().flat_map(|counted| counted.members.values());
    let controls: BTreeSet<NodeId> =
        controls.flat_map(|member| member.controls.iter().copied()).collect();
    let deeds = deeds(&mut reader, &controls).await?;
    let mut people = Vec::with_capacity(deeds.len());
    for (user, deeds) in deeds {
        people.push(Person {
            user: typed(user)?,
            weight: stands_behind(&requirements, &deeds.controls),
            controls: deeds.controls.len(),
            owned: deeds.owned.len(),
            recorded: deeds.recorded.len(),
            uploaded: deeds.uploaded.len(),
        });
    }
    people.sort_by_key(|person| (std::cmp::Reverse(person.weight), person.user));
    reader.cut(&mut people);
    Ok(Behind { people, truncated: reader.truncated })
}

/// The requirements of the framework with their members in the project.
async fn counted(
    reader: &mut Reader<'_>,
    project: Id<kind::Project>,
    framework: Id<kind::Framework>,
) -> Result<BTreeMap<NodeId, Counted>, GraphError> {
    let of_framework = reader.step(EdgeKind::BelongsTo, Direction::In, [framework.into()]).await?;
    let mut requirements: BTreeMap<NodeId, Counted> = of_framework
        .into_iter()
        .map(|hop| {
            let importance = hop.far.importance;
            (hop.far.id, Counted { importance, members: BTreeMap::new() })
        })
        .collect();
    let of_project = reader.step(EdgeKind::BelongsTo, Direction::In, [project.into()]).await?;
    // Projects below this one belong to it too.
    let controls = of_project
        .into_iter()
        .filter(|hop| hop.far.id.id::<kind::Control>().is_some() && !hop.far.retired)
        .map(|hop| hop.far.id);
    for hop in reader.step(EdgeKind::Covers, Direction::Out, controls).await? {
        let Link::Covers { share, group } = hop.link else { continue };
        let Some(requirement) = requirements.get_mut(&hop.far.id) else { continue };
        let alone = group.is_empty().then_some(hop.near);
        let member = requirement.members.entry((group, alone)).or_default();
        member.share = member.share.max(share);
        member.controls.insert(hop.near);
    }
    Ok(requirements)
}

/// What people did for these controls.
async fn deeds(
    reader: &mut Reader<'_>,
    controls: &BTreeSet<NodeId>,
) -> Result<BTreeMap<NodeId, Deeds>, GraphError> {
    let mut people: BTreeMap<NodeId, Deeds> = BTreeMap::new();
    for hop in reader.step(EdgeKind::Owns, Direction::In, controls.iter().copied()).await? {
        let deeds = people.entry(hop.far.id).or_default();
        deeds.owned.insert(hop.near);
        deeds.controls.insert(hop.near);
    }
    let tests = reader.step(EdgeKind::Tests, Direction::In, controls.iter().copied()).await?;
    let control_of: BTreeMap<NodeId, NodeId> =
        tests.into_iter().map(|hop| (hop.far.id, hop.near)).collect();
    let all = || control_of.keys().copied();
    let recorded = reader.step(EdgeKind::Recorded, Direction::In, all()).await?;
    // What a program recorded is nobody's work.
    for hop in recorded.into_iter().filter(|hop| hop.far.id.kind() == NodeKind::User) {
        let deeds = people.entry(hop.far.id).or_default();
        deeds.recorded.insert(hop.near);
        deeds.controls.extend(control_of.get(&hop.near));
    }
    let mut proves: BTreeMap<NodeId, BTreeSet<NodeId>> = BTreeMap::new();
    for hop in reader.step(EdgeKind::RestsOn, Direction::Out, all()).await? {
        proves.entry(hop.far.id).or_default().extend(control_of.get(&hop.near));
    }
    for hop in reader.step(EdgeKind::Uploaded, Direction::In, proves.keys().copied()).await? {
        let deeds = people.entry(hop.far.id).or_default();
        deeds.uploaded.insert(hop.near);
        deeds.controls.extend(proves.get(&hop.near).into_iter().flatten());
    }
    Ok(people)
}

/// The share of the requirements' weight that these controls cover.
fn stands_behind(requirements: &BTreeMap<NodeId, Counted>, controls: &BTreeSet<NodeId>) -> Weight {
    let mut covered = Weight::ZERO;
    let mut whole = Weight::ZERO;
    for requirement in requirements.values() {
        whole = whole.plus(Weight::ONE.multiplied(requirement.importance));
        let mut all = Weight::ZERO;
        let mut theirs = Weight::ZERO;
        for member in requirement.members.values() {
            all = all.plus(member.share);
            if !member.controls.is_disjoint(controls) {
                theirs = theirs.plus(member.share);
            }
        }
        let part = theirs.of(all.max(Weight::ONE));
        covered = covered.plus(part.multiplied(requirement.importance));
    }
    covered.of(whole)
}

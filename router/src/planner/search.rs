//! Finds for each selection the subgraph that answers it.
//!
//! What stands at a place is asked of the subgraph that returned the object there, as far as it answers
//! it. The rest is asked of others: fewest rounds first, then the subgraph that answers most. What no
//! subgraph can be asked for at a place is handed back to the place above, whose field may be answered
//! by another subgraph as well; what is left at the root cannot be planned. Nothing is tried twice in one
//! place, so that the work is bounded by the operation's size; [`Search::tick`] bounds it for what is
//! repeated for each type of an interface.

use super::{
    Subgraph,
    fetches::{FetchId, Fetches, NodeId, Place},
    keys::PlainKeys,
    later::{Defers, Later},
    model::{Graph, Model},
    reach::{Reach, local, reach},
    selection::{Sel, Wanted},
};
use crate::{plan::types::OperationKind, schema::Schema};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    rc::Rc,
    time::Instant,
};

/// Why the search gave up.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// The operation is too large for the limits.
    TooLong,
}

pub(super) type Result<T> = std::result::Result<T, Stop>;
/// The fetches that a selection turned out to rest on.
pub(super) type Used = BTreeSet<FetchId>;

/// Selection sets that are looked at for one operation.
const STEPS: usize = 200_000;
/// Requirements and keys inside each other.
pub(super) const NESTED_NEEDS: usize = 24;

/// A place in the answer, and the fetch that fills it.
#[derive(Clone, Debug)]
pub(super) struct Site {
    pub(super) fetch: FetchId,
    pub(super) node: NodeId,
    pub(super) graph: Graph,
    /// The type as the subgraph has it there.
    pub(super) ty: String,
    pub(super) path: Vec<Place>,
    /// What `@provides` adds to the type's own fields.
    pub(super) provided: Rc<Vec<Sel>>,
    /// Whether this or a surrounding place is of several types.
    pub(super) mixed: bool,
}

/// A field that the subgraph of its place does not answer, or not in full.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) wanted: Wanted,
    /// The subgraphs that were asked already.
    pub(super) tried: BTreeSet<Graph>,
    /// Whether the subgraph of the place may be asked for it by another fetch.
    pub(super) again: bool,
}

impl Pending {
    pub(super) fn new(wanted: Wanted) -> Pending {
        Pending { wanted, tried: BTreeSet::new(), again: false }
    }
}

pub(super) struct Search<'a> {
    pub(super) model: &'a Model,
    pub(super) schema: &'a Schema,
    pub(super) subgraphs: &'a [Subgraph],
    pub(super) fetches: Fetches,
    /// Numbers of the keys of requirements, by what they stand for.
    pub(super) keys: BTreeMap<String, usize>,
    pub(super) plain: PlainKeys,
    /// Fields whose requirements are being looked for: type, field, subgraph, length of the path.
    pub(super) open: Vec<(String, String, Graph, usize)>,
    pub(super) needs: usize,
    /// Why something could not be asked for, the first that was met.
    pub(super) reason: Option<String>,
    pub(super) defers: Defers<'a>,
    /// What is planned after all that is not deferred.
    pub(super) waiting: VecDeque<Later>,
    reached: BTreeMap<(String, Graph), Rc<Reach>>,
    steps: usize,
    deadline: Instant,
}

impl<'a> Search<'a> {
    pub(super) fn new(
        model: &'a Model,
        schema: &'a Schema,
        subgraphs: &'a [Subgraph],
        deadline: Instant,
    ) -> Search<'a> {
        Search {
            model,
            schema,
            subgraphs,
            fetches: Fetches::default(),
            keys: BTreeMap::new(),
            plain: PlainKeys::default(),
            open: Vec::new(),
            needs: 0,
            reason: None,
            defers: Defers::default(),
            waiting: VecDeque::new(),
            reached: BTreeMap::new(),
            steps: 0,
            deadline,
        }
    }

    /// Plans root fields. What it returns could not be planned.
    pub(super) fn root(
        &mut self,
        kind: OperationKind,
        ty: &str,
        items: &[Sel],
    ) -> Result<Vec<Sel>> {
        self.plain.read(self.model, ty, items);
        let mut pending = Vec::new();
        for wanted in self.model.flatten(ty, items) {
            match self.later(&wanted) {
                Some(wave) => self.put_off(None, wave, wanted),
                None => pending.push(Pending::new(wanted)),
            }
        }
        let left = self.root_fields(kind, ty, pending)?;
        match left.is_empty() {
            true => self.rest(kind, ty),
            false => Ok(left),
        }
    }

    /// Plans the root fields that are asked for together.
    pub(super) fn root_fields(
        &mut self,
        kind: OperationKind,
        ty: &str,
        mut pending: Vec<Pending>,
    ) -> Result<Vec<Sel>> {
        let mut left = Vec::new();
        loop {
            let mut options = Vec::new();
            pending.retain(|field| {
                let graphs = self.roots(ty, field);
                if graphs.is_empty() {
                    self.give_up(ty, &field.wanted.name, None);
                    left.push(Sel::Field(field.wanted.clone()));
                    return false;
                }
                options.push(graphs);
                true
            });
            let Some(graph) = self.best(ty, &pending, &options) else { break };
            let fetch = self.fetches.root(graph, kind, &[], BTreeSet::new());
            let site = Site {
                fetch,
                node: self.fetches.all[fetch].node,
                graph,
                ty: ty.to_owned(),
                path: Vec::new(),
                provided: Rc::default(),
                mixed: false,
            };
            self.ask(&site, &mut pending, &options, &mut Used::new())?;
        }
        Ok(left)
    }

    /// Puts the fields that a subgraph may be asked for into a fetch, and keeps what it leaves.
    pub(super) fn ask(
        &mut self,
        site: &Site,
        pending: &mut Vec<Pending>,
        options: &[Vec<Graph>],
        used: &mut Used,
    ) -> Result<()> {
        let all = std::mem::take(pending);
        for (mut field, graphs) in all.into_iter().zip(options) {
            if !graphs.contains(&site.graph) {
                pending.push(field);
                continue;
            }
            field.tried.insert(site.graph);
            let children = match self.put_found(site, &field.wanted, used)? {
                Some(children) if children.is_empty() => continue,
                Some(children) => children,
                None => field.wanted.children.clone(),
            };
            field.wanted.children = children;
            pending.push(field);
        }
        Ok(())
    }

    fn roots(&self, ty: &str, field: &Pending) -> Vec<Graph> {
        let graphs = 0..self.subgraphs.len();
        graphs
            .filter(|graph| !field.tried.contains(graph))
            .filter(|graph| self.model.resolves(ty, &field.wanted.name, *graph).is_some())
            .collect()
    }

    /// The subgraph that answers most of what is pending.
    pub(super) fn best(
        &self,
        ty: &str,
        pending: &[Pending],
        options: &[Vec<Graph>],
    ) -> Option<Graph> {
        let mut covered: BTreeMap<Graph, usize> = BTreeMap::new();
        for (field, graphs) in pending.iter().zip(options) {
            for graph in graphs {
                *covered.entry(*graph).or_default() += 1 + self.coverage(ty, *graph, &field.wanted);
            }
        }
        covered.into_iter().rev().max_by_key(|(_, fields)| *fields).map(|(graph, _)| graph)
    }

    /// How much of a field's selection the subgraph answers by itself.
    fn coverage(&self, ty: &str, graph: Graph, wanted: &Wanted) -> usize {
        let Some(found) = self.model.find(ty, &wanted.name, graph) else { return 0 };
        self.covered(found.returns(), graph, &found.mark.provides, &wanted.children)
    }

    fn covered(&self, ty: &str, graph: Graph, provided: &[Sel], items: &[Sel]) -> usize {
        let mut fields = 0;
        for item in items {
            fields += match item {
                Sel::On(condition, inner) => {
                    let known = self.model.join(condition, graph).is_some();
                    if known { self.covered(condition, graph, provided, inner) } else { 0 }
                }
                Sel::Field(wanted) => match local(self.model, ty, graph, provided, wanted) {
                    Some((returns, inner)) => {
                        2 + self.covered(&returns, graph, &inner, &wanted.children)
                    }
                    None => 0,
                },
            };
        }
        fields
    }

    /// Plans what stands at a place. What it returns has to be planned from above.
    pub(super) fn selection(
        &mut self,
        site: &Site,
        items: &[Sel],
        used: &mut Used,
    ) -> Result<Vec<Sel>> {
        self.tick()?;
        if !self.model.is_abstract(&site.ty) {
            return self.object(site, items, Vec::new(), used);
        }
        match self.model.is_interface_object(&site.ty, site.graph) {
            true => self.interface_object(site, items, used),
            false => self.several(site, items, used),
        }
    }

    /// A place of one type. `pending` is what was left of its fields elsewhere.
    pub(super) fn object(
        &mut self,
        site: &Site,
        items: &[Sel],
        mut pending: Vec<Pending>,
        used: &mut Used,
    ) -> Result<Vec<Sel>> {
        for wanted in self.model.flatten(&site.ty, items) {
            match self.later(&wanted) {
                Some(wave) => self.put_off(Some(site), wave, wanted),
                None => self.put_or_keep(site, wanted, &mut pending, used)?,
            }
        }
        self.elsewhere(site, pending, used)
    }

    pub(super) fn put_or_keep(
        &mut self,
        site: &Site,
        wanted: Wanted,
        pending: &mut Vec<Pending>,
        used: &mut Used,
    ) -> Result<()> {
        match self.put(site, &wanted, used)? {
            None => pending.push(Pending::new(wanted)),
            Some(children) if children.is_empty() => {}
            Some(children) => pending.push(Pending {
                wanted: wanted.with(children),
                tried: BTreeSet::from([site.graph]),
                again: false,
            }),
        }
        Ok(())
    }

    /// The type that a field returns at a place and what is provided inside, if the place's own subgraph
    /// answers it there.
    pub(super) fn answered(&self, site: &Site, wanted: &Wanted) -> Option<(String, Vec<Sel>)> {
        local(self.model, &site.ty, site.graph, &site.provided, wanted)
    }

    /// Asks the place's own subgraph for a field: what is left of its children; `None` if the subgraph
    /// does not answer it.
    pub(super) fn put(
        &mut self,
        site: &Site,
        wanted: &Wanted,
        used: &mut Used,
    ) -> Result<Option<Vec<Sel>>> {
        if wanted.name == "__typename" {
            self.fetches.leaf(site.node, wanted);
            used.insert(site.fetch);
            return Ok(Some(Vec::new()));
        }
        let Some((returns, provided)) = self.answered(site, wanted) else { return Ok(None) };
        self.place(site, wanted, returns, provided, used).map(Some)
    }

    /// The same for a field whose requirements are met.
    fn put_found(
        &mut self,
        site: &Site,
        wanted: &Wanted,
        used: &mut Used,
    ) -> Result<Option<Vec<Sel>>> {
        let Some(found) = self.model.find(&site.ty, &wanted.name, site.graph) else {
            return self.put(site, wanted, used);
        };
        let (returns, provided) = (found.returns().to_owned(), found.mark.provides.clone());
        self.place(site, wanted, returns, provided, used).map(Some)
    }

    pub(super) fn place(
        &mut self,
        site: &Site,
        wanted: &Wanted,
        returns: String,
        provided: Vec<Sel>,
        used: &mut Used,
    ) -> Result<Vec<Sel>> {
        used.insert(site.fetch);
        if wanted.children.is_empty() {
            self.fetches.leaf(site.node, wanted);
            return Ok(Vec::new());
        }
        let inner = self.inside(site, wanted, returns, provided);
        self.selection(&inner, &wanted.children, used)
    }

    /// The place of a field's object, with the field asked for.
    pub(super) fn inside(
        &mut self,
        site: &Site,
        wanted: &Wanted,
        returns: String,
        provided: Vec<Sel>,
    ) -> Site {
        let mut path = site.path.clone();
        path.push(Place::Field(wanted.key.clone()));
        Site {
            fetch: site.fetch,
            node: self.fetches.child(site.node, wanted),
            graph: site.graph,
            mixed: site.mixed || self.model.is_abstract(&returns),
            ty: returns,
            path,
            provided: Rc::new(provided),
        }
    }

    pub(super) fn reach(&mut self, site: &Site) -> Rc<Reach> {
        if !site.provided.is_empty() {
            return Rc::new(reach(self.model, &site.ty, site.graph, &site.provided));
        }
        let known = (site.ty.clone(), site.graph);
        if let Some(reached) = self.reached.get(&known) {
            return reached.clone();
        }
        let reached = Rc::new(reach(self.model, &site.ty, site.graph, &[]));
        self.reached.insert(known, reached.clone());
        reached
    }

    /// Remembers why a field could not be asked for.
    pub(super) fn give_up(&mut self, ty: &str, field: &str, from: Option<Graph>) {
        if self.reason.is_some() {
            return;
        }
        let having: Vec<&str> = (0..self.subgraphs.len())
            .filter(|graph| {
                self.model.find(ty, field, *graph).is_some_and(|found| !found.mark.is_elsewhere())
            })
            .map(|graph| self.subgraphs[graph].name.as_str())
            .collect();
        let from = from.map(|graph| format!(" from the subgraph {}", self.subgraphs[graph].name));
        let from = from.unwrap_or_default();
        self.reason = Some(match having.is_empty() {
            true => format!("no subgraph resolves {ty}.{field}{from}"),
            false => format!(
                "{ty}.{field} cannot be reached{from}: {} has it, and can be asked for it neither \
                 by a @key of {ty} nor by what the field requires",
                having.join(", ")
            ),
        });
    }

    fn tick(&mut self) -> Result<()> {
        self.steps += 1;
        if self.steps > STEPS || (self.steps.is_multiple_of(64) && Instant::now() > self.deadline) {
            return Err(Stop::TooLong);
        }
        Ok(())
    }
}

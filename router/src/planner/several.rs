//! Places that may hold values of several types.
//!
//! What all types of a place have in the subgraph is asked on the interface. Everything else is asked of
//! each object type by itself; the entity fetches of one place come together again in one request.

use super::{
    fetches::Place,
    model::Graph,
    reach::local,
    search::{Pending, Result, Search, Site, Used},
    selection::{Sel, Wanted, merge, merge_all},
};
use std::collections::{BTreeMap, BTreeSet};

/// What is wanted of each object type.
type PerObject = BTreeMap<String, Vec<Sel>>;

impl Search<'_> {
    /// A place of an interface or union, in a subgraph that knows its types.
    pub(super) fn several(
        &mut self,
        site: &Site,
        items: &[Sel],
        used: &mut Used,
    ) -> Result<Vec<Sel>> {
        let possible: BTreeSet<String> = self
            .model
            .ty(&site.ty)
            .and_then(|ty| ty.objects.get(&site.graph))
            .cloned()
            .unwrap_or_default();
        self.fetches.leaf(site.node, &Wanted::plain("__typename"));
        used.insert(site.fetch);
        let mut common = Vec::new();
        let mut single = PerObject::new();
        self.sort(items, &possible, &mut common, &mut single);
        // A client sees nothing of a type that is hidden; a requirement does.
        let shown: Vec<String> = possible
            .iter()
            .filter(|object| self.needs > 0 || self.schema.object_number(object).is_some())
            .cloned()
            .collect();
        let mut pending: BTreeMap<String, Vec<Pending>> = BTreeMap::new();
        for wanted in common {
            let put = match self.later(&wanted) {
                // Which subgraph is asked for it later depends on the object's type.
                Some(_) => None,
                None => self.put_on_all(site, &wanted, &shown, used)?,
            };
            match put {
                Some(children) if children.is_empty() => {}
                Some(children) => {
                    for object in &shown {
                        pending.entry(object.clone()).or_default().push(Pending {
                            wanted: wanted.with(children.clone()),
                            tried: BTreeSet::from([site.graph]),
                            again: false,
                        });
                    }
                }
                None => {
                    for object in &shown {
                        let own = single.entry(object.clone()).or_default();
                        merge_all(own, &[Sel::Field(wanted.clone())]);
                    }
                }
            }
        }
        let mut left = Vec::new();
        for object in &shown {
            let items = single.remove(object).unwrap_or_default();
            let pending = pending.remove(object).unwrap_or_default();
            if items.is_empty() && pending.is_empty() {
                continue;
            }
            let mut path = site.path.clone();
            path.push(Place::Types(vec![object.clone()]));
            let inner = Site {
                node: self.fetches.fragment(site.node, object),
                ty: object.clone(),
                path,
                mixed: true,
                ..site.clone()
            };
            let rest = self.object(&inner, &items, pending, used)?;
            if !rest.is_empty() {
                left.push(Sel::On(object.clone(), rest));
            }
        }
        Ok(left)
    }

    /// Sorts what is wanted of a place into what is wanted of all of its types and of single ones.
    fn sort(
        &self,
        items: &[Sel],
        possible: &BTreeSet<String>,
        common: &mut Vec<Wanted>,
        single: &mut PerObject,
    ) {
        for item in items {
            match item {
                Sel::Field(wanted) if wanted.name == "__typename" => {}
                Sel::Field(wanted) => merge(common, wanted),
                Sel::On(condition, inner) => {
                    let objects = self.model.objects(condition);
                    if possible.is_subset(&objects) && self.model.is_abstract(condition) {
                        self.sort(inner, possible, common, single);
                        continue;
                    }
                    for object in objects.intersection(possible) {
                        merge_all(single.entry(object.clone()).or_default(), inner);
                    }
                }
            }
        }
    }

    /// Asks for a field on the interface itself; `None` if the types differ in it.
    fn put_on_all(
        &mut self,
        site: &Site,
        wanted: &Wanted,
        objects: &[String],
        used: &mut Used,
    ) -> Result<Option<Vec<Sel>>> {
        let Some(found) = self.model.resolves(&site.ty, &wanted.name, site.graph) else {
            return Ok(None);
        };
        let returns = found.returns().to_owned();
        let mut provided: Option<Vec<Sel>> = None;
        for object in objects {
            let own = local(self.model, object, site.graph, &site.provided, wanted);
            let Some((own_returns, own_provided)) = own else {
                return Ok(None);
            };
            // A narrower type in one of the objects may have more than the interface's.
            if own_returns != returns || provided.as_ref().is_some_and(|all| *all != own_provided) {
                return Ok(None);
            }
            provided = Some(own_provided);
        }
        let provided = provided.unwrap_or_default();
        self.place(site, wanted, returns, provided, used).map(Some)
    }

    /// A place of an interface in a subgraph that takes it for an object and does not know its types.
    pub(super) fn interface_object(
        &mut self,
        site: &Site,
        items: &[Sel],
        used: &mut Used,
    ) -> Result<Vec<Sel>> {
        self.fetches.leaf(site.node, &Wanted::plain("__typename"));
        used.insert(site.fetch);
        let mut fields = Vec::new();
        let mut typed = Vec::new();
        let mut of_one = Vec::new();
        self.sort_untyped(site, items, &mut fields, &mut typed, &mut of_one);
        settle(&mut fields, &mut typed, &of_one);
        let mut pending = Vec::new();
        for wanted in fields {
            match self.later(&wanted) {
                Some(wave) => self.put_off(Some(site), wave, wanted),
                None => self.put_or_keep(site, wanted, &mut pending, used)?,
            }
        }
        // Who knows the types is asked for the rest as well, as far as it has it.
        let mut others = Vec::new();
        for field in pending {
            let graphs = self.options(site, &field);
            let behind =
                graphs.iter().any(|graph| self.model.is_interface_object(&site.ty, *graph));
            let known = graphs.iter().any(|graph| self.knows_types(&site.ty, *graph));
            if !behind || (known && !typed.is_empty()) {
                typed.push(Sel::Field(field.wanted));
            } else {
                others.push(field);
            }
        }
        let mut left = self.elsewhere(site, others, used)?;
        let reached = self.reach(site);
        let mut ways: Vec<(usize, Graph)> = reached
            .iter()
            .filter(|(graph, _)| self.knows_types(&site.ty, **graph))
            .map(|(graph, way)| (way.rounds, *graph))
            .collect();
        ways.sort_unstable();
        for (_, graph) in ways {
            if typed.is_empty() {
                break;
            }
            let Some(way) = reached.get(&graph).cloned() else { continue };
            if let Some(there) = self.enter(site, graph, &way, &[], used)? {
                typed = self.selection(&there, &typed, used)?;
            }
        }
        if !typed.is_empty() {
            self.give_up(&site.ty, "__typename", Some(site.graph));
        }
        left.extend(typed);
        Ok(left)
    }

    /// Whether the subgraph can tell the types of the interface's objects.
    fn knows_types(&self, ty: &str, graph: Graph) -> bool {
        self.model.view(ty, graph).is_some_and(|view| view.ty == ty)
            && !self.model.is_interface_object(ty, graph)
    }

    /// Sorts what is wanted into fields of the interface and what needs the type of the object. What is
    /// wanted of one type alone and here for all may be asked for all.
    fn sort_untyped(
        &self,
        site: &Site,
        items: &[Sel],
        fields: &mut Vec<Wanted>,
        typed: &mut Vec<Sel>,
        of_one: &mut Vec<(String, Wanted)>,
    ) {
        let all = self.model.objects(&site.ty);
        for item in items {
            match item {
                Sel::Field(wanted) if wanted.name == "__typename" => {
                    merge_all(typed, std::slice::from_ref(item));
                }
                Sel::Field(wanted) => merge(fields, wanted),
                Sel::On(condition, inner) if all.is_subset(&self.model.objects(condition)) => {
                    self.sort_untyped(site, inner, fields, typed, of_one);
                }
                Sel::On(condition, inner) => {
                    for item in inner {
                        match item {
                            Sel::Field(wanted) if self.may_be_asked_for_all(site, wanted) => {
                                of_one.push((condition.clone(), wanted.clone()));
                            }
                            other => {
                                let fragment = Sel::On(condition.clone(), vec![other.clone()]);
                                merge_all(typed, &[fragment]);
                            }
                        }
                    }
                }
            }
        }
    }

    /// Whether the subgraph answers a field for all types of an interface, none of which is harmed when
    /// it fails: where it is never null, it would make null of objects that were not asked for it.
    fn may_be_asked_for_all(&self, site: &Site, wanted: &Wanted) -> bool {
        let field = self.model.ty(&site.ty).and_then(|ty| ty.fields.get(&wanted.name));
        wanted.name != "__typename"
            && field.is_some_and(|field| field.nullable)
            && self.answered(site, wanted).is_some()
    }
}

/// Asks for all what is wanted of one type, unless others want something else of the same object: an
/// error inside of what one wants must not make null of it for the others.
fn settle(fields: &mut Vec<Wanted>, typed: &mut Vec<Sel>, of_one: &[(String, Wanted)]) {
    let of_all = fields.clone();
    for (condition, wanted) in of_one {
        let mut others = of_all.iter().chain(of_one.iter().map(|(_, other)| other));
        match others.any(|other| other.key == wanted.key && other.children != wanted.children) {
            true => {
                merge_all(typed, &[Sel::On(condition.clone(), vec![Sel::Field(wanted.clone())])])
            }
            false => merge(fields, wanted),
        }
    }
}

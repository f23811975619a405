//! Places of several types: an interface or a union.

use super::{
    fetches::Place,
    search::{Pending, Result, Search, Site, Used},
    selection::{Sel, Wanted},
};
use std::rc::Rc;

impl Search<'_> {
    /// Asks for each type apart what applies to it.
    pub(super) fn several(
        &mut self,
        site: &Site,
        items: &[Sel],
        used: &mut Used,
    ) -> Result<Vec<Sel>> {
        self.fetches.leaf(site.node, &Wanted::plain("__typename"));
        used.insert(site.fetch);
        let known = self.model.ty(&site.ty).and_then(|ty| ty.objects.get(&site.graph));
        let mut left = Vec::new();
        for object in known.cloned().unwrap_or_default() {
            if self.model.flatten(&object, items).is_empty() {
                continue;
            }
            let mut path = site.path.clone();
            if matches!(path.last(), Some(Place::Types(_))) {
                path.pop();
            }
            path.push(Place::Types(vec![object.clone()]));
            let inner = Site {
                node: self.fetches.fragment(site.node, &object),
                ty: object.clone(),
                path,
                provided: Rc::clone(&site.provided),
                mixed: true,
                ..site.clone()
            };
            let rest = self.selection(&inner, items, used)?;
            if !rest.is_empty() {
                left.push(Sel::On(object, rest));
            }
        }
        Ok(left)
    }

    /// Asks an interface object for its own fields; the rest is left.
    pub(super) fn interface_object(
        &mut self,
        site: &Site,
        items: &[Sel],
        used: &mut Used,
    ) -> Result<Vec<Sel>> {
        let mut pending: Vec<Pending> = Vec::new();
        let mut left = Vec::new();
        for item in items {
            match item {
                Sel::Field(wanted) => {
                    self.put_or_keep(site, wanted.clone(), &mut pending, used)?;
                }
                Sel::On(..) => left.push(item.clone()),
            }
        }
        left.extend(pending.into_iter().map(|field| Sel::Field(field.wanted)));
        Ok(left)
    }
}

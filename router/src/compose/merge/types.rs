//! The type of a field or an argument that several subgraphs have.

use super::super::subgraph::{Kind, Subgraph};
use crate::schema::TypeRef;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// Which types are wider than others: interfaces and unions, with what they can be in any subgraph.
#[derive(Debug, Default)]
pub(super) struct Wider(BTreeMap<String, BTreeSet<String>>);

impl Wider {
    pub(super) fn new(subgraphs: &[Subgraph]) -> Wider {
        let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for ty in subgraphs.iter().flat_map(|subgraph| &subgraph.types) {
            for interface in &ty.implements {
                all.entry(interface.clone()).or_default().insert(ty.name.clone());
            }
            if ty.kind == Kind::Union {
                all.entry(ty.name.clone()).or_default().extend(ty.members.iter().cloned());
            }
        }
        Wider(all)
    }

    pub(super) fn is(&self, wide: &str, narrow: &str) -> bool {
        wide == narrow || self.0.get(wide).is_some_and(|narrower| narrower.contains(narrow))
    }

    /// The type that takes what each subgraph answers: the widest named type, and null wherever one of them
    /// has it (Apollo Federation, "Differing shared field return types"). `None` where there is none.
    pub(super) fn output(&self, types: &[&TypeRef]) -> Option<TypeRef> {
        let names: BTreeSet<&Arc<str>> = types.iter().map(|ty| ty.name()).collect();
        let widest = names.iter().find(|wide| names.iter().all(|name| self.is(wide, name)))?;
        let (first, rest) = types.split_first()?;
        rest.iter().try_fold(named(first, widest), |merged, ty| looser(&merged, &named(ty, widest)))
    }
}

/// The type that each subgraph takes: never null where one of them wants no null. `None` where there is none.
pub(super) fn input(types: &[&TypeRef]) -> Option<TypeRef> {
    let (first, rest) = types.split_first()?;
    rest.iter().try_fold((*first).clone(), |merged, ty| stricter(&merged, ty))
}

fn named(ty: &TypeRef, name: &Arc<str>) -> TypeRef {
    match ty {
        TypeRef::Named(_) => TypeRef::Named(name.clone()),
        TypeRef::List(inner) => TypeRef::List(Box::new(named(inner, name))),
        TypeRef::NonNull(inner) => TypeRef::NonNull(Box::new(named(inner, name))),
    }
}

fn looser(a: &TypeRef, b: &TypeRef) -> Option<TypeRef> {
    Some(match (a, b) {
        (TypeRef::NonNull(a), TypeRef::NonNull(b)) => TypeRef::NonNull(Box::new(looser(a, b)?)),
        (TypeRef::NonNull(inner), other) | (other, TypeRef::NonNull(inner)) => {
            looser(inner, other)?
        }
        (TypeRef::List(a), TypeRef::List(b)) => TypeRef::List(Box::new(looser(a, b)?)),
        (TypeRef::Named(a), TypeRef::Named(b)) if a == b => TypeRef::Named(a.clone()),
        _ => return None,
    })
}

fn stricter(a: &TypeRef, b: &TypeRef) -> Option<TypeRef> {
    Some(match (a, b) {
        (TypeRef::NonNull(a), TypeRef::NonNull(b)) => TypeRef::NonNull(Box::new(stricter(a, b)?)),
        (TypeRef::NonNull(inner), other) | (other, TypeRef::NonNull(inner)) => {
            TypeRef::NonNull(Box::new(stricter(inner, other)?))
        }
        (TypeRef::List(a), TypeRef::List(b)) => TypeRef::List(Box::new(stricter(a, b)?)),
        (TypeRef::Named(a), TypeRef::Named(b)) if a == b => TypeRef::Named(a.clone()),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ty(text: &str) -> TypeRef {
        if let Some(inner) = text.strip_suffix('!') {
            return TypeRef::NonNull(Box::new(ty(inner)));
        }
        match text.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')) {
            Some(inner) => TypeRef::List(Box::new(ty(inner))),
            None => TypeRef::Named(text.into()),
        }
    }

    #[test]
    fn an_output_is_as_wide_and_as_nullable_as_the_widest() {
        let mut wider = Wider::default();
        let narrower = ["Cat", "Dog"].map(str::to_owned);
        wider.0.insert("Pet".to_owned(), BTreeSet::from(narrower));
        for (types, merged) in [
            (&["[[Int!]!]!", "[[Int]!]"][..], Some("[[Int]!]")),
            (&["Cat!", "Pet"], Some("Pet")),
            (&["Cat", "Dog!", "Pet!"], Some("Pet")),
            (&["[Cat!]!", "[Pet!]!"], Some("[Pet!]!")),
            (&["Cat", "Dog"], None),
            (&["Int", "[Int]"], None),
            (&["Int", "String"], None),
        ] {
            let types: Vec<TypeRef> = types.iter().map(|text| ty(text)).collect();
            let types: Vec<&TypeRef> = types.iter().collect();
            assert_eq!(wider.output(&types), merged.map(ty), "{types:?}");
        }
    }

    #[test]
    fn an_input_is_as_strict_as_the_strictest() {
        for (types, merged) in [
            (["[Int]!", "[Int!]"], Some("[Int!]!")),
            (["Int", "Int!"], Some("Int!")),
            (["Int", "ID"], None),
            (["Int", "[Int]"], None),
        ] {
            let types = types.map(ty);
            assert_eq!(input(&[&types[0], &types[1]]), merged.map(ty), "{types:?}");
        }
    }
}

//! Fragments that may be sent later (`@defer`): which fields are in which, and which are left once a
//! field is sent as early as one of its selections asks for (incremental delivery, "CollectFields" and
//! "BuildExecutionPlan").

use super::{schedule::Schedule, types::Selection};
use crate::schema::TypeSet;
use graphql_tools::parser::query as ast;
use std::collections::HashMap;

/// A set of deferred fragments, each by its number. What is not deferred is in none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct DeferUsages(u64);

impl DeferUsages {
    pub(crate) const NONE: DeferUsages = DeferUsages(0);
    /// So many fragments have a number.
    pub(crate) const MOST: usize = u64::BITS as usize;

    pub(crate) fn one(number: usize) -> DeferUsages {
        DeferUsages(1 << number)
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(crate) fn contains(self, number: usize) -> bool {
        self.0 & (1 << number) != 0
    }

    pub(crate) fn and(self, other: DeferUsages) -> DeferUsages {
        DeferUsages(self.0 & other.0)
    }

    pub(crate) fn or(self, other: DeferUsages) -> DeferUsages {
        DeferUsages(self.0 | other.0)
    }

    /// The fragments of a field that is selected twice: none if one of the two is not deferred.
    pub(crate) fn beside(self, other: DeferUsages) -> DeferUsages {
        match self.is_empty() || other.is_empty() {
            true => DeferUsages::NONE,
            false => self.or(other),
        }
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = usize> {
        (0..DeferUsages::MOST).filter(move |number| self.contains(*number))
    }

    /// The same fragments without those inside of others among them.
    pub(crate) fn outermost(self, parents: &[Option<usize>]) -> DeferUsages {
        let is_inside = |number: usize| ancestors(number, parents).any(|one| self.contains(one));
        let outer = self.iter().filter(|number| !is_inside(*number));
        outer.fold(DeferUsages::NONE, |all, number| all.or(DeferUsages::one(number)))
    }

    /// The same fragments and those around them.
    pub(crate) fn with_ancestors(self, parents: &[Option<usize>]) -> DeferUsages {
        let around = self.iter().flat_map(|number| ancestors(number, parents));
        around.fold(self, |all, number| all.or(DeferUsages::one(number)))
    }
}

/// The fragments around one, from the inside outwards.
pub(crate) fn ancestors(number: usize, parents: &[Option<usize>]) -> impl Iterator<Item = usize> {
    let parent = move |number: usize| parents.get(number).copied().flatten();
    std::iter::successors(parent(number), move |number| parent(*number))
}

/// What is sent after the first answer.
#[derive(Debug)]
pub(crate) struct Deferred {
    /// The label of each fragment.
    pub(crate) labels: Vec<Option<String>>,
    /// The fragment in which each fragment stands.
    pub(crate) parents: Vec<Option<usize>>,
    /// Where deferred fields are left out, by the number in [`Selection::anchor`].
    pub(crate) anchors: Vec<Anchor>,
    /// How they are fetched.
    pub(crate) waves: Vec<Wave>,
}

/// A selection set of which some is sent later.
#[derive(Debug, Default)]
pub(crate) struct Anchor {
    /// The fragments that begin here, with the types to which they apply; `None` for all.
    pub(crate) begun: Vec<(usize, Option<TypeSet>)>,
    /// What is sent together, once every fragment that has it wants it or an earlier one has sent it.
    pub(crate) groups: Vec<Group>,
}

/// Fields of one object that are in the same deferred fragments.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) usages: DeferUsages,
    pub(crate) selection: Selection,
}

/// Fetches of fields that are in the same deferred fragments.
#[derive(Debug)]
pub(crate) struct Wave {
    pub(crate) usages: DeferUsages,
    /// The waves that have to be done before; [`DeferUsages::NONE`] for what is not deferred.
    pub(crate) after: Vec<DeferUsages>,
    pub(crate) schedule: Schedule,
}

/// Numbers the deferred fragments of an operation. A fragment that is put in at several places, or in
/// several fragments of one place, is another one each time.
#[derive(Debug, Default)]
pub(crate) struct Defers<'a> {
    pub(crate) labels: Vec<Option<String>>,
    pub(crate) parents: Vec<Option<usize>>,
    numbers: HashMap<Identity<'a>, usize>,
    /// The client's keys from the root to the selection set that is looked at.
    place: Vec<&'a str>,
    /// Whether anything is deferred at all.
    pub(crate) on: bool,
}

/// A place, the fragment around, and the address of the directive.
type Identity<'a> = (Vec<&'a str>, Option<usize>, usize);

impl<'a> Defers<'a> {
    /// Goes into the selection set of a field.
    pub(crate) fn enter(&mut self, response_key: &'a str) {
        self.place.push(response_key);
    }

    pub(crate) fn leave(&mut self) {
        self.place.pop();
    }

    /// The number of the fragment that a directive defers.
    pub(super) fn number(
        &mut self,
        directive: &'a ast::Directive<'static, String>,
        parent: Option<usize>,
    ) -> Option<usize> {
        let address = std::ptr::from_ref(directive).addr();
        let identity = (self.place.clone(), parent, address);
        if let Some(number) = self.numbers.get(&identity) {
            return Some(*number);
        }
        let number = self.parents.len();
        if number >= DeferUsages::MOST {
            return None;
        }
        self.numbers.insert(identity, number);
        self.parents.push(parent);
        self.labels.push(label(directive));
        Some(number)
    }

    /// The fragments after which a field is sent that is selected in these (`None` for outside of all).
    pub(crate) fn of(&self, usages: impl IntoIterator<Item = Option<usize>>) -> DeferUsages {
        let mut all = DeferUsages::NONE;
        for usage in usages {
            let Some(number) = usage else { return DeferUsages::NONE };
            all = all.or(DeferUsages::one(number));
        }
        all.outermost(&self.parents)
    }
}

fn label(directive: &ast::Directive<'static, String>) -> Option<String> {
    directive.arguments.iter().find_map(|(name, value)| match value {
        ast::Value::String(text) if name == "label" => Some(text.clone()),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(numbers: &[usize]) -> DeferUsages {
        let all = numbers.iter().map(|number| DeferUsages::one(*number));
        all.fold(DeferUsages::NONE, DeferUsages::or)
    }

    #[test]
    fn what_stands_inside_of_another_fragment_is_sent_with_it() {
        // 0 holds 1, which holds 2; 3 stands by itself.
        let parents = [None, Some(0), Some(1), None];
        assert_eq!(set(&[0, 2, 3]).outermost(&parents), set(&[0, 3]));
        assert_eq!(set(&[1, 2]).outermost(&parents), set(&[1]));
        assert_eq!(set(&[2, 3]).outermost(&parents), set(&[2, 3]));
        assert_eq!(set(&[2]).with_ancestors(&parents), set(&[0, 1, 2]));
    }

    #[test]
    fn a_field_that_is_selected_outside_too_is_not_deferred() {
        let defers = Defers { parents: vec![None, None], ..Defers::default() };
        assert_eq!(defers.of([Some(0), None]), DeferUsages::NONE);
        assert_eq!(defers.of([Some(0), Some(1)]), set(&[0, 1]));
        assert_eq!(set(&[0]).beside(DeferUsages::NONE), DeferUsages::NONE);
        assert_eq!(set(&[0]).beside(set(&[63])), set(&[0, 63]));
    }
}

//! Labels of progressive overrides (`@override(from:, label:)`, which the join specification keeps as
//! `overrideLabel` since version 0.4). For a request whose label is on, the field has moved; for all others
//! the overridden subgraph answers it as before.

use super::{
    model::{FieldModel, Model},
    selection::Sel,
};
use crate::plan::document::{Fragment, SelectionSet};
use graphql_tools::parser::query as ast;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// A label by its number in [`Labels::all`].
pub(crate) type LabelId = usize;

/// When a field has moved.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Label {
    /// `percent(n)`: for this share of the requests, from 0 to 100.
    Percent(f64),
    /// Where the embedder says so.
    Named(String),
}

impl Label {
    pub(crate) fn parse(text: &str) -> Result<Label, String> {
        let share = text.strip_prefix("percent(").and_then(|rest| rest.strip_suffix(')'));
        let Some(share) = share.map(str::trim) else { return Ok(Label::Named(text.to_owned())) };
        let is_decimal = share.chars().all(|letter| letter.is_ascii_digit() || letter == '.');
        match share.parse::<f64>() {
            Ok(share) if is_decimal && share <= 100.0 => Ok(Label::Percent(share)),
            _ => Err(format!("the label \"{text}\" is no percentage from 0 to 100")),
        }
    }
}

/// The labels of a supergraph, and which of them an operation can meet.
#[derive(Clone, Debug, Default)]
pub(crate) struct Labels {
    pub(crate) all: Vec<Label>,
    /// By a field's name, the labels on which it and what it requires depend. Names alone: what counts is
    /// that none is missed, whatever type a way to the field goes through.
    by_field: BTreeMap<String, BTreeSet<LabelId>>,
    /// Those of fields in keys, through which the planner goes unasked.
    in_keys: BTreeSet<LabelId>,
}

impl Labels {
    pub(super) fn new(all: Vec<Label>, model: &Model) -> Labels {
        if all.is_empty() {
            return Labels::default();
        }
        let mut by_field: BTreeMap<String, BTreeSet<LabelId>> = BTreeMap::new();
        let mut requires: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        let mut keys = BTreeSet::new();
        for ty in model.types.values() {
            for part in ty.joins.values().flat_map(|join| &join.keys).flat_map(|key| &key.fields) {
                names(part, &mut keys);
            }
            for (name, field) in &ty.fields {
                let own = field.moves.iter().map(|moved| moved.label);
                by_field.entry(name.clone()).or_default().extend(own);
                let needed = requires.entry(name).or_default();
                for part in field.marks.values().flat_map(|mark| &mark.requires) {
                    names(part, needed);
                }
            }
        }
        // What is required may require something itself.
        loop {
            let mut grown = false;
            for (name, needed) in &requires {
                let met: BTreeSet<LabelId> = needed
                    .iter()
                    .filter_map(|name| by_field.get(name))
                    .flatten()
                    .copied()
                    .collect();
                let own = by_field.entry((*name).to_owned()).or_default();
                grown |= !met.is_subset(own);
                own.extend(met);
            }
            if !grown {
                break;
            }
        }
        let in_keys =
            keys.iter().filter_map(|name| by_field.get(name)).flatten().copied().collect();
        by_field.retain(|_, labels| !labels.is_empty());
        Labels { all, by_field, in_keys }
    }

    /// The labels on which the plan of a selection can depend, in order.
    pub(crate) fn met(
        &self,
        set: &SelectionSet,
        fragments: &HashMap<&str, &Fragment>,
    ) -> Vec<LabelId> {
        if self.all.is_empty() {
            return Vec::new();
        }
        let mut met = self.in_keys.clone();
        let mut seen = BTreeSet::new();
        self.meet(set, fragments, &mut seen, &mut met);
        met.into_iter().collect()
    }

    fn meet<'a>(
        &self,
        set: &'a SelectionSet,
        fragments: &HashMap<&str, &'a Fragment>,
        seen: &mut BTreeSet<&'a str>,
        met: &mut BTreeSet<LabelId>,
    ) {
        for item in &set.items {
            match item {
                ast::Selection::Field(field) => {
                    met.extend(self.by_field.get(&field.name).into_iter().flatten());
                    self.meet(&field.selection_set, fragments, seen, met);
                }
                ast::Selection::InlineFragment(fragment) => {
                    self.meet(&fragment.selection_set, fragments, seen, met);
                }
                ast::Selection::FragmentSpread(spread) => {
                    if let Some(&fragment) = fragments.get(spread.fragment_name.as_str())
                        && seen.insert(&fragment.name)
                    {
                        self.meet(&fragment.selection_set, fragments, seen, met);
                    }
                }
            }
        }
    }
}

/// All names of fields in a part of a field set.
fn names(part: &Sel, all: &mut BTreeSet<String>) {
    let inner = match part {
        Sel::Field(wanted) => {
            all.insert(wanted.name.clone());
            &wanted.children
        }
        Sel::On(_, inner) => inner,
    };
    for part in inner {
        names(part, all);
    }
}

impl Model {
    /// The same model for requests with these labels on and all others off.
    pub(super) fn with(&self, on: &BTreeSet<LabelId>) -> Model {
        let mut model = self.clone();
        for ty in model.types.values_mut() {
            if ty.fields.values().any(|field| !field.moves.is_empty()) {
                let ty = std::sync::Arc::make_mut(ty);
                ty.fields.values_mut().for_each(|field| field.settle(on));
            }
        }
        model
    }
}

impl FieldModel {
    /// Of the two subgraphs of each move, leaves the field to one.
    pub(super) fn settle(&mut self, on: &BTreeSet<LabelId>) {
        self.marks.values_mut().for_each(|mark| mark.overridden = false);
        for moved in &self.moves {
            let loser = match on.contains(&moved.label) {
                true => moved.from,
                false => Some(moved.to),
            };
            if let Some(mark) = loser.and_then(|loser| self.marks.get_mut(&loser)) {
                mark.overridden = true;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Label;
    use crate::{
        SubgraphSdl, compose,
        compose::read_supergraph,
        plan::document::{fragments, parts},
    };
    use graphql_tools::parser::query::{Definition, parse_query};

    const SUBGRAPHS: [(&str, &str); 3] = [
        (
            "old",
            "type Query { jobs: [Job] } type Job @key(fields: \"id\") { id: ID! name: Int hours: Int code: ID @shareable \
             boss: Boss } type Boss { rank: Int @shareable }",
        ),
        (
            "new",
            "type Job @key(fields: \"id\") { id: ID! hours: Int @override(from: \"old\", label: \"hours\") \
             code: ID @shareable @override(from: \"old\", label: \"code\") name: Int @override(from: \"old\", label: \
             \"percent(5)\") }",
        ),
        (
            "pay",
            "type Job @key(fields: \"id\") @key(fields: \"code\") { id: ID! code: ID hours: Int @external wage: \
             Int @requires(fields: \"hours\") }",
        ),
    ];

    #[test]
    fn an_operation_meets_the_labels_of_what_it_needs() {
        let link = "extend schema @link(url: \"https://specs.apollo.dev/federation/v2.7\", import: [\"@key\", \
                    \"@external\", \"@requires\", \"@override\", \"@shareable\"])";
        let parts_of = SUBGRAPHS.map(|(name, sdl)| SubgraphSdl {
            name: name.to_owned(),
            url: None,
            sdl: format!("{link} {sdl}"),
        });
        let (supergraph, ..) = read_supergraph(&compose(parts_of.to_vec()).unwrap().sdl).unwrap();
        let met = |text: &str| -> Vec<String> {
            let query = parse_query::<String>(text).unwrap().into_static();
            let Some(Definition::Operation(operation)) = query.definitions.first() else {
                panic!("no operation: {text}")
            };
            let met = supergraph.labels.met(parts(operation).selection, &fragments(&query));
            let label = |id: usize| match &supergraph.labels.all[id] {
                Label::Percent(share) => share.to_string(),
                Label::Named(name) => name.clone(),
            };
            let mut met: Vec<String> = met.into_iter().map(label).collect();
            met.sort();
            met
        };
        // A key that the planner may go by is met by all.
        assert_eq!(met("{ jobs { id boss { rank } } }"), ["code"]);
        assert_eq!(met("{ jobs { name } }"), ["5", "code"]);
        assert_eq!(met("{ jobs { wage } }"), ["code", "hours"]);
        assert_eq!(met("query { ...a } fragment a on Query { jobs { hours } }"), ["code", "hours"]);
    }

    #[test]
    fn a_share_is_a_decimal_from_0_to_100() {
        for (text, label) in [
            ("percent(0)", Label::Percent(0.0)),
            ("percent(2.5)", Label::Percent(2.5)),
            ("percent(100)", Label::Percent(100.0)),
            ("percent", Label::Named("percent".to_owned())),
            ("new-bills", Label::Named("new-bills".to_owned())),
        ] {
            assert_eq!(Label::parse(text), Ok(label), "{text}");
        }
        for text in ["percent()", "percent(101)", "percent(-1)", "percent(inf)", "percent(1e1)"] {
            assert!(Label::parse(text).unwrap_err().contains(text), "{text}");
        }
    }
}

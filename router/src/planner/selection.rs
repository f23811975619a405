//! Selections as the planner handles them: names, response keys, arguments, and nothing else.

use crate::{
    plan::{defer::DeferUsages, internal::deferred_in},
    schema::Literal,
};
use graphql_tools::parser::query as ast;

/// A part of a selection set.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Sel {
    Field(Wanted),
    /// A fragment and its type condition.
    On(String, Vec<Sel>),
}

/// A field that somebody wants.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Wanted {
    /// Its response key.
    pub(super) key: String,
    pub(super) name: String,
    pub(super) arguments: Vec<(String, Literal)>,
    /// Empty for leaves alone.
    pub(super) children: Vec<Sel>,
    /// The deferred fragments in which it is wanted; none if it is wanted at once.
    pub(super) usages: DeferUsages,
}

impl Wanted {
    pub(super) fn plain(name: &str) -> Wanted {
        Wanted {
            key: name.to_owned(),
            name: name.to_owned(),
            arguments: Vec::new(),
            children: Vec::new(),
            usages: DeferUsages::NONE,
        }
    }

    pub(super) fn with(&self, children: Vec<Sel>) -> Wanted {
        Wanted {
            key: self.key.clone(),
            name: self.name.clone(),
            arguments: self.arguments.clone(),
            children,
            usages: self.usages,
        }
    }
}

/// Adds a field, into the one of the same response key if there is one.
pub(super) fn merge(fields: &mut Vec<Wanted>, wanted: &Wanted) {
    match fields.iter_mut().find(|known| known.key == wanted.key) {
        Some(known) => {
            known.usages = known.usages.beside(wanted.usages);
            merge_all(&mut known.children, &wanted.children);
        }
        None => fields.push(wanted.clone()),
    }
}

/// Adds selections to others.
pub(super) fn merge_all(items: &mut Vec<Sel>, added: &[Sel]) {
    for item in added {
        let same = items.iter_mut().find(|known| match (known, item) {
            (Sel::Field(known), Sel::Field(item)) => known.key == item.key,
            (Sel::On(known, _), Sel::On(item, _)) => known == item,
            _ => false,
        });
        match (same, item) {
            (Some(Sel::Field(known)), Sel::Field(item)) => {
                known.usages = known.usages.beside(item.usages);
                merge_all(&mut known.children, &item.children);
            }
            (Some(Sel::On(_, known)), Sel::On(_, item)) => merge_all(known, item),
            _ => items.push(item.clone()),
        }
    }
}

/// Reads what the pipeline hands over: fragments inline, conditions resolved.
pub(super) fn read(items: &[ast::Selection<'static, String>]) -> Vec<Sel> {
    let mut all = Vec::new();
    for item in items {
        match item {
            ast::Selection::Field(field) => all.push(Sel::Field(Wanted {
                key: field.alias.as_ref().unwrap_or(&field.name).clone(),
                name: field.name.clone(),
                arguments: field.arguments.clone(),
                children: read(&field.selection_set.items),
                usages: deferred_in(field).map_or(DeferUsages::NONE, DeferUsages::one),
            })),
            ast::Selection::InlineFragment(fragment) => {
                let inner = read(&fragment.selection_set.items);
                match &fragment.type_condition {
                    Some(ast::TypeCondition::On(name)) => all.push(Sel::On(name.clone(), inner)),
                    None => all.extend(inner),
                }
            }
            ast::Selection::FragmentSpread(_) => {}
        }
    }
    all
}

/// Reads a field set such as `id organization { id }` (federation, "FieldSet").
pub(super) fn field_set(text: &str) -> Result<Vec<Sel>, String> {
    let trimmed = text.trim();
    let braced = match trimmed.starts_with('{') {
        true => trimmed.to_owned(),
        false => format!("{{ {trimmed} }}"),
    };
    let document = ast::parse_query::<String>(&braced)
        .map_err(|error| format!("the field set \"{text}\" cannot be read: {error}"))?
        .into_static();
    match document.definitions.first() {
        Some(ast::Definition::Operation(ast::OperationDefinition::SelectionSet(set))) => {
            Ok(read(&set.items))
        }
        _ => Err(format!("the field set \"{text}\" holds no fields")),
    }
}

//! What the client will see: its selections merged per possible type ("CollectFields" and
//! "MergeSelectionSets" of the specification, done once for all types instead of once per value).

use super::{
    aliases::Aliases,
    document::SelectionSet,
    types::{FieldKind, OutputType, ProjectedField, Selection},
};
use crate::{
    data::{Key, KeyTable},
    schema::{FieldDef, TypeKind, TypeRef, TypeSet},
};
use graphql_tools::parser::query as ast;
use std::sync::Arc;

type Field = ast::Field<'static, String>;

/// One response key, for the types for which the same fields were selected under it.
struct Entry<'a> {
    types: TypeSet,
    fields: Vec<&'a Field>,
}

/// A root field of a mutation: its projection and the selections that ask for it.
pub(crate) struct RootField<'a> {
    pub(crate) fields: Vec<&'a Field>,
    pub(crate) projected: ProjectedField,
}

pub(crate) struct Projector<'a, 'b> {
    pub(crate) aliases: &'b mut Aliases<'a>,
    pub(crate) keys: &'b mut KeyTable,
}

impl<'a> Projector<'a, '_> {
    /// Projects the selections of an operation. Root fields of a mutation are salted with their number.
    pub(crate) fn root(
        &mut self,
        set: &'a SelectionSet,
        root: &str,
        salted: bool,
    ) -> (Selection, Vec<RootField<'a>>) {
        let possible = self.aliases.schema.possible(root).clone();
        let entries = self.collect(&[set], &possible);
        let mut selection = self.scope(root, possible);
        let mut roots = Vec::new();
        for (number, entry) in entries.into_iter().enumerate() {
            self.aliases.salt = salted.then_some(number);
            for projected in self.project(&entry, &selection, false) {
                roots
                    .push(RootField { fields: entry.fields.clone(), projected: projected.clone() });
                selection.fields.push(projected);
            }
        }
        self.aliases.salt = None;
        (selection, roots)
    }

    fn scope(&self, ty: &str, possible: TypeSet) -> Selection {
        let schema = self.aliases.schema;
        let concrete = match schema.ty(ty) {
            Some(definition) if !definition.is_abstract() => Some(definition.name.clone()),
            _ => None,
        };
        Selection { possible, concrete, fields: Vec::new() }
    }

    fn selection(&mut self, sets: &[&'a SelectionSet], ty: &str, mixed: bool) -> Selection {
        let possible = self.aliases.schema.possible(ty).clone();
        let entries = self.collect(sets, &possible);
        let mut selection = self.scope(ty, possible);
        let salt = self.aliases.salt.take();
        for entry in entries {
            let projected = self.project(&entry, &selection, mixed);
            selection.fields.extend(projected);
        }
        self.aliases.salt = salt;
        selection
    }

    fn collect(&self, sets: &[&'a SelectionSet], possible: &TypeSet) -> Vec<Entry<'a>> {
        let mut entries = Vec::new();
        for set in sets {
            self.collect_into(set, possible, &mut entries);
        }
        entries
    }

    fn collect_into(&self, set: &'a SelectionSet, types: &TypeSet, entries: &mut Vec<Entry<'a>>) {
        let narrowed = |condition: &str| types.and(self.aliases.schema.possible(condition));
        for item in &set.items {
            match item {
                ast::Selection::Field(field) => {
                    if self.aliases.includes(&field.directives) {
                        add(entries, field, types.clone());
                    }
                }
                ast::Selection::InlineFragment(fragment) => {
                    if !self.aliases.includes(&fragment.directives) {
                        continue;
                    }
                    let types = match &fragment.type_condition {
                        Some(ast::TypeCondition::On(condition)) => narrowed(condition),
                        None => types.clone(),
                    };
                    if !types.is_empty() {
                        self.collect_into(&fragment.selection_set, &types, entries);
                    }
                }
                ast::Selection::FragmentSpread(spread) => {
                    if !self.aliases.includes(&spread.directives) {
                        continue;
                    }
                    let Some(&fragment) = self.aliases.fragments.get(spread.fragment_name.as_str())
                    else {
                        continue;
                    };
                    let ast::TypeCondition::On(condition) = &fragment.type_condition;
                    let types = narrowed(condition);
                    if !types.is_empty() {
                        self.collect_into(&fragment.selection_set, &types, entries);
                    }
                }
            }
        }
    }

    /// One field per type that the field has among the entry's types: usually one.
    fn project(
        &mut self,
        entry: &Entry<'a>,
        scope: &Selection,
        mixed: bool,
    ) -> Vec<ProjectedField> {
        let schema = self.aliases.schema;
        let Some(first) = entry.fields.first().copied() else {
            return Vec::new();
        };
        let response_key: Arc<str> = first.alias.as_ref().unwrap_or(&first.name).as_str().into();
        let only = |types: &TypeSet| (*types != scope.possible).then(|| types.clone());
        if first.name == "__typename" {
            return vec![ProjectedField {
                response_key,
                internal: Key::TYPENAME,
                coordinate: "__typename".into(),
                only: only(&entry.types),
                ty: OutputType { non_null: true, item: None },
                kind: FieldKind::Typename,
            }];
        }
        let mut groups: Vec<(&FieldDef, Arc<str>, TypeSet)> = Vec::new();
        for number in entry.types.iter() {
            let owner = &schema.objects[number];
            let definition = match schema.ty(owner).and_then(|object| object.field(&first.name)) {
                Some(definition) => definition,
                None => match self.meta_field(&first.name) {
                    Some(definition) => definition,
                    None => continue,
                },
            };
            match groups.iter_mut().find(|(known, ..)| known.ty == definition.ty) {
                Some((_, _, types)) => types.insert(number),
                None => groups.push((definition, owner.clone(), [number].into_iter().collect())),
            }
        }
        let mixed = mixed || scope.concrete.is_none();
        groups
            .into_iter()
            .map(|(definition, owner, types)| {
                let arguments = self.aliases.arguments(first);
                let alias = self.aliases.alias(definition, &response_key, &arguments, mixed);
                let internal = self.keys.intern(alias.as_deref().unwrap_or(&definition.name));
                ProjectedField {
                    response_key: response_key.clone(),
                    internal,
                    coordinate: format!("{owner}.{}", definition.name).into(),
                    only: only(&types),
                    ty: output_type(&definition.ty),
                    kind: self.kind(entry, definition, arguments, &owner, mixed),
                }
            })
            .collect()
    }

    /// `__schema` and `__type`, which no object type lists.
    fn meta_field(&self, name: &str) -> Option<&'a FieldDef> {
        self.aliases.schema.meta_fields.iter().find(|field| &*field.name == name)
    }

    fn kind(
        &mut self,
        entry: &Entry<'a>,
        definition: &FieldDef,
        arguments: Vec<(String, crate::schema::Literal)>,
        owner: &str,
        mixed: bool,
    ) -> FieldKind {
        let schema = self.aliases.schema;
        let name = definition.ty.name();
        let Some(returned) = schema.ty(name) else {
            return FieldKind::Leaf;
        };
        let sets: Vec<&'a SelectionSet> =
            entry.fields.iter().map(|field| &field.selection_set).collect();
        if owner.starts_with("__") || definition.name.starts_with("__") {
            let selection = match returned.is_composite() {
                true => self.selection(&sets, name, mixed),
                false => Selection::default(),
            };
            return FieldKind::Introspection(definition.name.clone(), arguments, selection);
        }
        match &returned.kind {
            TypeKind::Enum(values) => {
                FieldKind::Enum(values.iter().map(|value| value.name.clone()).collect())
            }
            _ if returned.is_composite() => FieldKind::Object(self.selection(&sets, name, mixed)),
            _ => FieldKind::Leaf,
        }
    }
}

/// Adds a field to the entries of its response key, splitting them where its types differ from theirs.
fn add<'a>(entries: &mut Vec<Entry<'a>>, field: &'a Field, mut types: TypeSet) {
    let response_key = field.alias.as_ref().unwrap_or(&field.name);
    let mut index = 0;
    while index < entries.len() && !types.is_empty() {
        let entry = &entries[index];
        let first = entry.fields[0];
        let common = entry.types.and(&types);
        if first.alias.as_ref().unwrap_or(&first.name) != response_key || common.is_empty() {
            index += 1;
            continue;
        }
        types = types.minus(&common);
        if common == entry.types {
            entries[index].fields.push(field);
        } else {
            let mut fields = entry.fields.clone();
            fields.push(field);
            entries[index].types = entries[index].types.minus(&common);
            entries.insert(index + 1, Entry { types: common, fields });
            index += 1;
        }
        index += 1;
    }
    if !types.is_empty() {
        entries.push(Entry { types, fields: vec![field] });
    }
}

fn output_type(ty: &TypeRef) -> OutputType {
    match ty {
        TypeRef::NonNull(inner) => OutputType { non_null: true, ..output_type(inner) },
        TypeRef::List(item) => {
            OutputType { non_null: false, item: Some(Box::new(output_type(item))) }
        }
        TypeRef::Named(_) => OutputType { non_null: false, item: None },
    }
}

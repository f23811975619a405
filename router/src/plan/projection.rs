//! What the client will see: its selections merged per possible type ("CollectFields" and
//! "MergeSelectionSets" of the specification, done once for all types instead of once per value).

use super::{
    aliases::Aliases,
    defer::{Anchor, DeferUsages, Group},
    document::SelectionSet,
    types::{FieldKind, OutputType, ProjectedField, Selection},
};
use crate::{
    data::{Key, KeyTable, Scalar},
    schema::{FieldDef, TypeKind, TypeRef, TypeSet},
};
use graphql_tools::parser::query as ast;
use std::sync::Arc;

type Field = ast::Field<'static, String>;

/// A field, and the deferred fragment in which it is selected.
type Selected<'a> = (&'a Field, Option<usize>);

/// One response key, for the types for which the same fields were selected under it.
struct Entry<'a> {
    types: TypeSet,
    fields: Vec<Selected<'a>>,
}

/// The selections of one object.
#[derive(Default)]
struct Collected<'a> {
    entries: Vec<Entry<'a>>,
    /// The deferred fragments that begin among them, and the types to which each applies.
    begun: Vec<(usize, TypeSet)>,
    /// Named fragments that were put in, each with the deferred fragment in which it was, and for which
    /// types.
    put_in: Vec<(&'a str, Option<usize>, TypeSet)>,
}

impl Collected<'_> {
    /// Notes a deferred fragment that is met; one that was around already begins elsewhere.
    fn begin(&mut self, usage: Option<usize>, around: Option<usize>, types: &TypeSet) {
        let Some(number) = usage.filter(|_| usage != around) else { return };
        match self.begun.iter_mut().find(|(known, _)| *known == number) {
            Some((_, known)) => types.iter().for_each(|ty| known.insert(ty)),
            None => self.begun.push((number, types.clone())),
        }
    }

    /// Whether a named fragment adds nothing: it was put in for these types already, in the same deferred
    /// fragment or in none ("CollectFields").
    fn has(&self, name: &str, usage: Option<usize>, types: &TypeSet) -> bool {
        self.put_in.iter().any(|(known, in_usage, of)| {
            *known == name
                && (in_usage.is_none() || *in_usage == usage)
                && types.minus(of).is_empty()
        })
    }
}

/// A root field of a mutation: its projection and the selections that ask for it.
pub(crate) struct RootField<'a> {
    pub(crate) fields: Vec<&'a Field>,
    pub(crate) projected: ProjectedField,
}

pub(crate) struct Projector<'a, 'b> {
    pub(crate) aliases: &'b mut Aliases<'a>,
    pub(crate) keys: &'b mut KeyTable,
    pub(crate) anchors: &'b mut Vec<Anchor>,
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
        let Collected { entries, begun, .. } = self.collect(&[(set, None)], &possible);
        let mut selection = self.scope(root, possible);
        let mut roots = Vec::new();
        let mut groups = Vec::new();
        for (number, entry) in entries.into_iter().enumerate() {
            self.aliases.salt = salted.then_some(number);
            let usages = self.usages(&entry);
            let projected = self.project(&entry, &selection, false, usages);
            if !usages.is_empty() {
                add_to_group(&mut groups, usages, &selection, projected);
                continue;
            }
            for projected in projected {
                let fields = entry.fields.iter().map(|(field, _)| *field).collect();
                roots.push(RootField { fields, projected: projected.clone() });
                selection.fields.push(projected);
            }
        }
        self.aliases.salt = None;
        selection.anchor = self.anchor(begun, groups, &selection.possible);
        (selection, roots)
    }

    fn scope(&self, ty: &str, possible: TypeSet) -> Selection {
        let schema = self.aliases.schema;
        let concrete = match schema.ty(ty) {
            Some(definition) if !definition.is_abstract() => Some(definition.name.clone()),
            _ => None,
        };
        Selection { possible, concrete, fields: Vec::new(), anchor: None }
    }

    /// What is selected in several sets, each in its deferred fragment, of the object of a field that is
    /// sent with `own`. Other fields than those that are sent with it are left to the anchor.
    fn selection(
        &mut self,
        sets: &[(&'a SelectionSet, Option<usize>)],
        ty: &str,
        mixed: bool,
        own: DeferUsages,
    ) -> Selection {
        let possible = self.aliases.schema.possible(ty).clone();
        let Collected { entries, begun, .. } = self.collect(sets, &possible);
        let mut selection = self.scope(ty, possible);
        let mut groups = Vec::new();
        let salt = self.aliases.salt.take();
        for entry in entries {
            let usages = self.usages(&entry);
            let projected = self.project(&entry, &selection, mixed, usages);
            match usages == own || !self.aliases.defers.on {
                true => selection.fields.extend(projected),
                false => add_to_group(&mut groups, usages, &selection, projected),
            }
        }
        self.aliases.salt = salt;
        selection.anchor = self.anchor(begun, groups, &selection.possible);
        selection
    }

    fn usages(&self, entry: &Entry<'_>) -> DeferUsages {
        self.aliases.defers.of(entry.fields.iter().map(|(_, usage)| *usage))
    }

    /// The number of an anchor; `None` where nothing is sent later.
    fn anchor(
        &mut self,
        begun: Vec<(usize, TypeSet)>,
        groups: Vec<Group>,
        possible: &TypeSet,
    ) -> Option<usize> {
        if begun.is_empty() && groups.is_empty() {
            return None;
        }
        let only = |types: TypeSet| (types != *possible).then_some(types);
        let begun = begun.into_iter().map(|(number, types)| (number, only(types))).collect();
        self.anchors.push(Anchor { begun, groups });
        Some(self.anchors.len() - 1)
    }

    fn collect(
        &mut self,
        sets: &[(&'a SelectionSet, Option<usize>)],
        possible: &TypeSet,
    ) -> Collected<'a> {
        let mut all = Collected::default();
        for (set, usage) in sets {
            self.collect_into(set, *usage, possible, &mut all);
        }
        all
    }

    fn collect_into(
        &mut self,
        set: &'a SelectionSet,
        usage: Option<usize>,
        types: &TypeSet,
        all: &mut Collected<'a>,
    ) {
        let schema = self.aliases.schema;
        let narrowed = |condition: &str| types.and(schema.possible(condition));
        for item in &set.items {
            match item {
                ast::Selection::Field(field) => {
                    if self.aliases.includes(&field.directives) {
                        add(&mut all.entries, (field, usage), types.clone());
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
                        let inner = self.aliases.defer(&fragment.directives, usage);
                        all.begin(inner, usage, &types);
                        self.collect_into(&fragment.selection_set, inner, &types, all);
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
                    if types.is_empty() {
                        continue;
                    }
                    let inner = self.aliases.defer(&spread.directives, usage);
                    if !all.has(&fragment.name, inner, &types) {
                        all.begin(inner, usage, &types);
                        all.put_in.push((&fragment.name, inner, types.clone()));
                        self.collect_into(&fragment.selection_set, inner, &types, all);
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
        usages: DeferUsages,
    ) -> Vec<ProjectedField> {
        let schema = self.aliases.schema;
        let Some((first, _)) = entry.fields.first().copied() else {
            return Vec::new();
        };
        let response_key: Arc<str> = response_key(first).into();
        // A name has nothing to escape.
        let json_key: Box<str> = format!("\"{response_key}\":").into();
        let only = |types: &TypeSet| (*types != scope.possible).then(|| types.clone());
        if first.name == "__typename" {
            return vec![ProjectedField {
                response_key,
                json_key,
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
                None => match schema.meta_field(owner, &first.name) {
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
                    json_key: json_key.clone(),
                    internal,
                    coordinate: format!("{owner}.{}", definition.name).into(),
                    only: only(&types),
                    ty: output_type(&definition.ty),
                    kind: self.kind(entry, definition, arguments, &owner, (mixed, usages)),
                }
            })
            .collect()
    }

    fn kind(
        &mut self,
        entry: &Entry<'a>,
        definition: &FieldDef,
        arguments: Vec<(String, crate::schema::Literal)>,
        owner: &str,
        (mixed, usages): (bool, DeferUsages),
    ) -> FieldKind {
        let schema = self.aliases.schema;
        let name = definition.ty.name();
        let (Some(returned), Some((first, _))) = (schema.ty(name), entry.fields.first()) else {
            return FieldKind::Leaf(Scalar::named(name));
        };
        let sets: Vec<(&'a SelectionSet, Option<usize>)> =
            entry.fields.iter().map(|(field, usage)| (&field.selection_set, *usage)).collect();
        if owner.starts_with("__") || definition.name.starts_with("__") {
            // The router has the schema at hand: of it, all is sent at once.
            let on = std::mem::take(&mut self.aliases.defers.on);
            let selection = match returned.is_composite() {
                true => self.selection(&sets, name, mixed, usages),
                false => Selection::default(),
            };
            self.aliases.defers.on = on;
            return FieldKind::Introspection(definition.name.clone(), arguments, selection);
        }
        match &returned.kind {
            TypeKind::Enum(values) => {
                FieldKind::Enum(values.iter().map(|value| value.name.clone()).collect())
            }
            _ if returned.is_composite() => {
                self.aliases.defers.enter(response_key(first));
                let selection = self.selection(&sets, name, mixed, usages);
                self.aliases.defers.leave();
                FieldKind::Object(selection)
            }
            _ => FieldKind::Leaf(Scalar::named(name)),
        }
    }
}

/// Adds a field to the entries of its response key, splitting them where its types differ from theirs.
fn add<'a>(entries: &mut Vec<Entry<'a>>, selected: Selected<'a>, mut types: TypeSet) {
    let mut index = 0;
    while index < entries.len() && !types.is_empty() {
        let entry = &entries[index];
        let (first, _) = entry.fields[0];
        let common = entry.types.and(&types);
        if response_key(first) != response_key(selected.0) || common.is_empty() {
            index += 1;
            continue;
        }
        types = types.minus(&common);
        if common == entry.types {
            entries[index].fields.push(selected);
        } else {
            let mut fields = entry.fields.clone();
            fields.push(selected);
            entries[index].types = entries[index].types.minus(&common);
            entries.insert(index + 1, Entry { types: common, fields });
            index += 1;
        }
        index += 1;
    }
    if !types.is_empty() {
        entries.push(Entry { types, fields: vec![selected] });
    }
}

fn response_key(field: &Field) -> &str {
    field.alias.as_ref().unwrap_or(&field.name)
}

/// Adds fields to what is sent with the same deferred fragments.
fn add_to_group(
    groups: &mut Vec<Group>,
    usages: DeferUsages,
    scope: &Selection,
    fields: Vec<ProjectedField>,
) {
    match groups.iter_mut().find(|group| group.usages == usages) {
        Some(group) => group.selection.fields.extend(fields),
        None => {
            let (possible, concrete) = (scope.possible.clone(), scope.concrete.clone());
            let selection = Selection { possible, concrete, fields, anchor: None };
            groups.push(Group { usages, selection });
        }
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

//! The field sets of `@key`, `@requires` and `@provides` in one subgraph (federation, `FieldSet`): whether they
//! can be read and fit the types, and which fields they name.

use super::subgraph::{Field, Kind, Subgraph, Type, find};
use graphql_tools::parser::query as ast;
use std::collections::BTreeSet;

type Items = [ast::Selection<'static, String>];

/// Fields of a subgraph that its field sets name, each with its type.
#[derive(Debug, Default)]
pub(super) struct Used {
    keys: BTreeSet<(String, String)>,
    others: BTreeSet<(String, String)>,
}

impl Used {
    /// Whether the field is part of a key.
    pub(super) fn in_key(&self, ty: &str, field: &str) -> bool {
        self.keys.contains(&(ty.to_owned(), field.to_owned()))
    }

    pub(super) fn is_used(&self, ty: &str, field: &str) -> bool {
        self.in_key(ty, field) || self.others.contains(&(ty.to_owned(), field.to_owned()))
    }
}

/// What a subgraph's field sets name, and what is wrong with them.
pub(super) fn read(subgraph: &Subgraph) -> (Used, Vec<String>) {
    let mut reader = Reader { subgraph, used: Used::default(), problems: Vec::new() };
    for ty in &subgraph.types {
        for key in ty.keys() {
            reader.key(ty, key.text("fields"));
        }
        for field in &ty.fields {
            for name in ["requires", "provides"] {
                if let Some(mark) = find(&field.marks, name) {
                    reader.needs(ty, field, name, mark.text("fields"));
                }
            }
        }
    }
    (reader.used, reader.problems)
}

struct Reader<'a> {
    subgraph: &'a Subgraph,
    used: Used,
    problems: Vec<String>,
}

/// A field that a set names.
struct Named {
    ty: String,
    field: String,
    /// Whether the set takes its value, and not only what is inside.
    is_leaf: bool,
    /// Whether it or a field around it is `@external`.
    external: bool,
}

impl Reader<'_> {
    fn key(&mut self, ty: &Type, set: Option<&str>) {
        let name = &ty.name;
        let Some(set) = set else {
            return self.fail(name, "@key needs fields: the names of fields as a text");
        };
        if !matches!(ty.kind, Kind::Object | Kind::Interface) {
            let what = ty.kind.described();
            return self.fail(
                name,
                &format!("@key stands on {what}; it belongs on objects and interfaces"),
            );
        }
        match self.read(name, set, false) {
            Err(reason) => self.fail(name, &format!("@key(fields: \"{set}\"): {reason}")),
            Ok(named) => self.used.keys.extend(named.into_iter().map(|one| (one.ty, one.field))),
        }
    }

    fn needs(&mut self, ty: &Type, field: &Field, name: &str, set: Option<&str>) {
        let at = format!("{}.{}", ty.name, field.name);
        let Some(set) = set else {
            return self.fail(&at, &format!("@{name} needs fields: the names of fields as a text"));
        };
        let of = match name {
            "provides" => field.ty.name().to_string(),
            _ => ty.name.clone(),
        };
        let named = match self.read(&of, set, true) {
            Err(reason) => {
                return self.fail(&at, &format!("@{name}(fields: \"{set}\"): {reason}"));
            }
            Ok(named) => named,
        };
        if name == "requires" && self.subgraph.federation_2 {
            for own in named.iter().filter(|one| one.is_leaf && !one.external) {
                let reason = format!(
                    "@requires(fields: \"{set}\"): the subgraph has {}.{} itself; mark it @external, or do not \
                     require it",
                    own.ty, own.field
                );
                self.fail(&at, &reason);
            }
        }
        self.used.others.extend(named.into_iter().map(|one| (one.ty, one.field)));
    }

    fn fail(&mut self, at: &str, reason: &str) {
        self.problems.push(format!("[{}] {at}: {reason}", self.subgraph.name));
    }

    fn read(&self, ty: &str, set: &str, arguments: bool) -> Result<Vec<Named>, String> {
        let items = parse(set)?;
        let mut named = Vec::new();
        self.walk(ty, &items, arguments, false, &mut named)?;
        Ok(named)
    }

    fn walk(
        &self,
        ty: &str,
        items: &Items,
        arguments: bool,
        external: bool,
        named: &mut Vec<Named>,
    ) -> Result<(), String> {
        for item in items {
            match item {
                ast::Selection::Field(field) => {
                    self.field(ty, field, arguments, external, named)?;
                }
                ast::Selection::InlineFragment(fragment) => {
                    if !fragment.directives.is_empty() {
                        return Err("a fragment has a directive; a field set has none".to_owned());
                    }
                    let condition = match &fragment.type_condition {
                        Some(ast::TypeCondition::On(condition)) => condition,
                        None => ty,
                    };
                    self.check_condition(ty, condition)?;
                    self.walk(
                        condition,
                        &fragment.selection_set.items,
                        arguments,
                        external,
                        named,
                    )?;
                }
                ast::Selection::FragmentSpread(spread) => {
                    return Err(format!(
                        "there is no fragment {}; a field set has inline fragments only",
                        spread.fragment_name
                    ));
                }
            }
        }
        Ok(())
    }

    fn check_condition(&self, ty: &str, condition: &str) -> Result<(), String> {
        let here = self.subgraph.objects(ty);
        let there = self.subgraph.objects(condition);
        let common = here.iter().any(|one| there.iter().any(|other| one.name == other.name));
        match common || condition == ty {
            true => Ok(()),
            false => Err(format!("a {ty} can never be a {condition}")),
        }
    }

    fn field(
        &self,
        ty: &str,
        field: &ast::Field<'static, String>,
        arguments: bool,
        external: bool,
        named: &mut Vec<Named>,
    ) -> Result<(), String> {
        let name = &field.name;
        if field.alias.is_some() || !field.directives.is_empty() {
            return Err(format!("{ty}.{name} has an alias or a directive; a field set has none"));
        }
        if name == "__typename" {
            return Ok(());
        }
        let definition = self
            .subgraph
            .ty(ty)
            .and_then(|known| known.field(name))
            .ok_or_else(|| format!("{ty} has no field {name}"))?;
        self.check_arguments(ty, field, definition, arguments)?;
        let returned = &**definition.ty.name();
        let kind = self.subgraph.ty(returned).map(|ty| ty.kind);
        let composite = matches!(kind, Some(Kind::Object | Kind::Interface | Kind::Union));
        let inner = &field.selection_set.items;
        if composite == inner.is_empty() {
            return Err(match composite {
                true => format!("{ty}.{name} is a {returned}, of which fields must be named"),
                false => format!("{ty}.{name} is a {returned}, which has no fields"),
            });
        }
        let mut external = external || definition.has("external");
        // A field of an interface is as external as it is in its objects.
        let objects = self.subgraph.objects(ty);
        let mut owners: BTreeSet<&str> = BTreeSet::from([ty]);
        for object in objects {
            owners.insert(&object.name);
            external |= object.field(name).is_some_and(|own| own.has("external"));
        }
        for owner in owners {
            named.push(Named {
                ty: owner.to_owned(),
                field: name.clone(),
                is_leaf: inner.is_empty(),
                external,
            });
        }
        self.walk(returned, inner, arguments, external, named)
    }

    fn check_arguments(
        &self,
        ty: &str,
        field: &ast::Field<'static, String>,
        definition: &Field,
        allowed: bool,
    ) -> Result<(), String> {
        let at = format!("{ty}.{}", field.name);
        if !allowed
            && (!field.arguments.is_empty() || definition.arguments.iter().any(Field::is_required))
        {
            return Err(format!("{at} has arguments; fields of a key have none"));
        }
        for (name, value) in &field.arguments {
            if definition.argument(name).is_none() {
                return Err(format!("{at} has no argument {name}"));
            }
            if let ast::Value::Variable(variable) = value {
                return Err(format!("{at}({name}:) is the variable ${variable}; give a value"));
            }
        }
        let missing = definition
            .arguments
            .iter()
            .filter(|argument| argument.is_required())
            .find(|argument| !field.arguments.iter().any(|(name, _)| *name == argument.name));
        match missing {
            Some(argument) => Err(format!("{at} needs the argument {}", argument.name)),
            None => Ok(()),
        }
    }
}

/// A field set as a selection.
fn parse(set: &str) -> Result<Vec<ast::Selection<'static, String>>, String> {
    let trimmed = set.trim();
    let braced = match trimmed.starts_with('{') {
        true => trimmed.to_owned(),
        false => format!("{{ {trimmed} }}"),
    };
    let document = ast::parse_query::<String>(&braced)
        .map_err(|_| {
            "it cannot be read; write fields as in a query, \"id owner { id }\"".to_owned()
        })?
        .into_static();
    match document.definitions.into_iter().collect::<Vec<_>>().as_mut_slice() {
        [ast::Definition::Operation(ast::OperationDefinition::SelectionSet(set))] => {
            Ok(std::mem::take(&mut set.items))
        }
        _ => Err("it is more than a selection of fields".to_owned()),
    }
}

//! What types have without listing it (GraphQL, "Schema Introspection"): `__typename` of every object,
//! interface and union, and `__schema` and `__type` of the query type.
//!
//! The rules of graphql-tools know only what a type lists, and let through whatever else begins with `__`.
//! So it is listed in the document that the validator sees, and the rules here refuse the rest.

use super::document::{Fragment, SelectionSet};
use crate::{
    planner::ast_type,
    schema::{FieldDef, InputDef, Schema},
};
use graphql_tools::{
    ast::{OperationVisitor, OperationVisitorContext as Context},
    parser::Pos,
    static_graphql::{
        query::{
            Directive, Field, FragmentDefinition, InlineFragment, Selection, TypeCondition, Value,
            VariableDefinition,
        },
        schema::{self as ast, Definition, InputValue, Type, TypeDefinition},
    },
    validation::{
        rules::{KnownArgumentNames, ValidationRule, ValidationVisitor},
        utils::{ValidationError, ValidationErrorContext as Errors},
        validate::ValidationPlan,
    },
};
use std::collections::{HashMap, HashSet};

const TYPENAME: &str = "__typename";

/// Lists in each type of the validator's document what the type has without listing it.
pub(super) fn list(document: &mut ast::Document, schema: &Schema) {
    for definition in &mut document.definitions {
        let (name, fields) = match definition {
            Definition::TypeDefinition(TypeDefinition::Object(object)) => {
                (&object.name, &mut object.fields)
            }
            Definition::TypeDefinition(TypeDefinition::Interface(interface)) => {
                (&interface.name, &mut interface.fields)
            }
            _ => continue,
        };
        // The names are reserved: `Schema` leaves out what a document lists under them, too.
        fields.retain(|field| !field.name.starts_with("__"));
        let of_string = Type::NonNullType(Box::new(Type::NamedType("String".to_owned())));
        fields.push(field(TYPENAME, Vec::new(), of_string));
        if *name == *schema.query {
            fields.extend(schema.meta_fields.iter().map(listed));
        }
    }
}

fn listed(definition: &FieldDef) -> ast::Field {
    let argument = |argument: &InputDef| InputValue {
        position: Pos::default(),
        description: None,
        name: argument.name.to_string(),
        value_type: ast_type(&argument.ty),
        default_value: argument.default.clone(),
        directives: Vec::new(),
    };
    let arguments = definition.arguments.iter().map(argument).collect();
    field(&definition.name, arguments, ast_type(&definition.ty))
}

fn field(name: &str, arguments: Vec<InputValue>, field_type: Type) -> ast::Field {
    let (position, description, directives) = (Pos::default(), None, Vec::new());
    ast::Field { position, description, name: name.to_owned(), arguments, field_type, directives }
}

/// Whether something selected asks for the schema, fragments put in, whatever the conditions on it are.
pub(super) fn introspects<'a>(
    set: &'a SelectionSet,
    fragments: &HashMap<&'a str, &'a Fragment>,
    seen: &mut HashSet<&'a str>,
) -> bool {
    set.items.iter().any(|item| match item {
        Selection::Field(field) => {
            (field.name.starts_with("__") && field.name != TYPENAME)
                || introspects(&field.selection_set, fragments, seen)
        }
        Selection::InlineFragment(inline) => introspects(&inline.selection_set, fragments, seen),
        Selection::FragmentSpread(spread) => {
            fragments.get(spread.fragment_name.as_str()).is_some_and(|fragment| {
                seen.insert(&fragment.name) && introspects(&fragment.selection_set, fragments, seen)
            })
        }
    })
}

/// Has the rules look at names that begin with `__`.
pub(super) fn complete(plan: &mut ValidationPlan) {
    // It takes the arguments of a field that no type lists for those of the field around.
    let replaced = KnownArgumentNames::new();
    plan.rules.retain(|rule| rule.error_code() != ValidationRule::error_code(&replaced));
    plan.add_rule(Box::new(ReservedNames));
    plan.add_rule(Box::new(ArgumentNames));
}

/// Unions list no fields, and have this one.
fn is_typename_of_union(parent: &TypeDefinition, field: &Field) -> bool {
    parent.is_union_type() && field.name == TYPENAME
}

/// "Field Selections", "Leaf Field Selections", "Fragment Spread Type Existence" and the types of
/// variables, for names that begin with `__`.
struct ReservedNames;

impl ReservedNames {
    fn report(&self, errors: &mut Errors, position: Pos, message: String) {
        let (locations, error_code) = (vec![position], self.error_code());
        errors.report_error(ValidationError { locations, message, error_code });
    }

    fn check_type(&self, context: &Context<'_>, errors: &mut Errors, name: &str, position: Pos) {
        if name.starts_with("__") && context.schema.type_by_name(name).is_none() {
            self.report(errors, position, format!("Unknown type \"{name}\"."));
        }
    }
}

impl<'doc> OperationVisitor<'doc, Errors> for ReservedNames {
    fn enter_field(&mut self, context: &mut Context<'doc>, errors: &mut Errors, field: &Field) {
        let Some(parent) = context.current_parent_type() else { return };
        if !field.name.starts_with("__") || parent.field_by_name(&field.name).is_some() {
            return;
        }
        let message = match is_typename_of_union(parent, field) {
            true if field.selection_set.items.is_empty() => return,
            true => format!(
                "Field \"{TYPENAME}\" must not have a selection since type \"String!\" has no subfields."
            ),
            false => {
                format!("Cannot query field \"{}\" on type \"{}\".", field.name, parent.name())
            }
        };
        self.report(errors, field.position, message);
    }

    fn enter_fragment_definition(
        &mut self,
        context: &mut Context<'doc>,
        errors: &mut Errors,
        fragment: &FragmentDefinition,
    ) {
        let TypeCondition::On(name) = &fragment.type_condition;
        self.check_type(context, errors, name, fragment.position);
    }

    fn enter_inline_fragment(
        &mut self,
        context: &mut Context<'doc>,
        errors: &mut Errors,
        inline: &InlineFragment,
    ) {
        if let Some(TypeCondition::On(name)) = &inline.type_condition {
            self.check_type(context, errors, name, inline.position);
        }
    }

    fn enter_variable_definition(
        &mut self,
        context: &mut Context<'doc>,
        errors: &mut Errors,
        variable: &VariableDefinition,
    ) {
        self.check_type(context, errors, variable.var_type.inner_type(), variable.position);
    }
}

impl ValidationRule for ReservedNames {
    fn error_code(&self) -> &'static str {
        "ReservedNames"
    }

    fn visitor<'doc>(&self) -> ValidationVisitor<'doc> {
        Box::new(ReservedNames)
    }
}

/// "Argument Names".
struct ArgumentNames;

impl ArgumentNames {
    fn check(
        &self,
        known: &[InputValue],
        given: &[(String, Value)],
        errors: &mut Errors,
        (owner, position): (impl std::fmt::Display, Pos),
    ) {
        let unknown = |name: &str| !known.iter().any(|argument| argument.name == name);
        for (name, _) in given.iter().filter(|(name, _)| unknown(name)) {
            errors.report_error(ValidationError {
                locations: vec![position],
                message: format!("Unknown argument \"{name}\" on {owner}."),
                error_code: self.error_code(),
            });
        }
    }
}

impl<'doc> OperationVisitor<'doc, Errors> for ArgumentNames {
    fn enter_field(&mut self, context: &mut Context<'doc>, errors: &mut Errors, field: &Field) {
        let Some(parent) = context.current_parent_type() else { return };
        let known = match parent.field_by_name(&field.name) {
            Some(definition) => &definition.arguments[..],
            None if is_typename_of_union(parent, field) => &[],
            // The field itself is told.
            None => return,
        };
        let owner = format_args!("field \"{}.{}\"", parent.name(), field.name);
        self.check(known, &field.arguments, errors, (owner, field.position));
    }

    fn enter_directive(
        &mut self,
        context: &mut Context<'doc>,
        errors: &mut Errors,
        directive: &Directive,
    ) {
        if let Some(definition) = context.schema.directive_by_name(&directive.name) {
            let owner = format_args!("directive \"@{}\"", directive.name);
            let (known, given) = (&definition.arguments, &directive.arguments);
            self.check(known, given, errors, (owner, directive.position));
        }
    }
}

impl ValidationRule for ArgumentNames {
    fn error_code(&self) -> &'static str {
        "ArgumentNames"
    }

    fn visitor<'doc>(&self) -> ValidationVisitor<'doc> {
        Box::new(ArgumentNames)
    }
}

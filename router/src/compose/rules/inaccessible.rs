//! What is left for clients of a supergraph without what is `@inaccessible` must be a schema (the inaccessible
//! specification 0.2, "Validations").

use crate::compose::{accessible::is_hidden, sdl::Sdl};
use graphql_tools::parser::schema::{
    Definition, Field, InputValue, Type as Written, TypeDefinition,
};
use std::collections::{BTreeMap, BTreeSet};

pub(in crate::compose) fn check(document: &Sdl) -> Vec<String> {
    let types: Vec<&TypeDefinition<'static, String>> = document
        .definitions
        .iter()
        .filter_map(|definition| match definition {
            Definition::TypeDefinition(ty) => Some(ty),
            _ => None,
        })
        .collect();
    let mut check =
        Check { hidden: BTreeSet::new(), fields: BTreeMap::new(), problems: Vec::new() };
    for ty in &types {
        let (name, marks, fields) = match ty {
            TypeDefinition::Object(ty) => (&ty.name, &ty.directives, &ty.fields[..]),
            TypeDefinition::Interface(ty) => (&ty.name, &ty.directives, &ty.fields[..]),
            TypeDefinition::Union(ty) => (&ty.name, &ty.directives, &[][..]),
            TypeDefinition::Enum(ty) => (&ty.name, &ty.directives, &[][..]),
            TypeDefinition::Scalar(ty) => (&ty.name, &ty.directives, &[][..]),
            TypeDefinition::InputObject(ty) => (&ty.name, &ty.directives, &[][..]),
        };
        if is_hidden(marks) {
            check.hidden.insert(name);
        }
        check.fields.insert(name, fields);
    }
    for ty in types {
        check.ty(ty);
    }
    check.problems
}

struct Check<'a> {
    hidden: BTreeSet<&'a str>,
    fields: BTreeMap<&'a str, &'a [Field<'static, String>]>,
    problems: Vec<String>,
}

impl<'a> Check<'a> {
    fn ty(&mut self, ty: &'a TypeDefinition<'static, String>) {
        let (name, shown) = match ty {
            TypeDefinition::Object(ty) => {
                self.fields(&ty.name, &ty.fields, &ty.implements_interfaces);
                (&ty.name, ty.fields.iter().any(|field| !is_hidden(&field.directives)))
            }
            TypeDefinition::Interface(ty) => {
                self.fields(&ty.name, &ty.fields, &ty.implements_interfaces);
                (&ty.name, ty.fields.iter().any(|field| !is_hidden(&field.directives)))
            }
            TypeDefinition::Union(ty) => {
                (&ty.name, ty.types.iter().any(|member| !self.hidden.contains(member.as_str())))
            }
            TypeDefinition::Enum(ty) => {
                (&ty.name, ty.values.iter().any(|value| !is_hidden(&value.directives)))
            }
            TypeDefinition::InputObject(ty) => {
                if !self.hidden.contains(ty.name.as_str()) {
                    for field in &ty.fields {
                        self.input(&format!("{}.{}", ty.name, field.name), field);
                    }
                }
                (&ty.name, ty.fields.iter().any(|field| !is_hidden(&field.directives)))
            }
            TypeDefinition::Scalar(ty) => (&ty.name, true),
        };
        if !shown && !self.hidden.contains(name.as_str()) {
            self.problems.push(format!(
                "{name}: all that it holds is @inaccessible, so that clients see an empty type; mark the type, too"
            ));
        }
    }

    fn fields(&mut self, ty: &str, fields: &'a [Field<'static, String>], implements: &[String]) {
        if self.hidden.contains(ty) {
            return;
        }
        for field in fields {
            let at = format!("{ty}.{}", field.name);
            if is_hidden(&field.directives) {
                let wanting =
                    implements.iter().find(|interface| self.shows(interface, &field.name));
                if let Some(interface) = wanting {
                    self.problems.push(format!(
                        "{at}: it is @inaccessible, and the interface {interface} shows the field; mark it there, \
                         too"
                    ));
                }
                continue;
            }
            self.reference(&at, &field.field_type);
            for argument in &field.arguments {
                self.input(&format!("{at}({}:)", argument.name), argument);
            }
        }
    }

    fn shows(&self, interface: &str, field: &str) -> bool {
        let fields = self.fields.get(interface).copied().unwrap_or_default();
        !self.hidden.contains(interface)
            && fields.iter().any(|own| own.name == field && !is_hidden(&own.directives))
    }

    fn input(&mut self, at: &str, input: &InputValue<'static, String>) {
        if !is_hidden(&input.directives) {
            return self.reference(at, &input.value_type);
        }
        let required =
            matches!(input.value_type, Written::NonNullType(_)) && input.default_value.is_none();
        if required {
            self.problems.push(format!(
                "{at}: it is required and @inaccessible, so that clients cannot give it; make it optional"
            ));
        }
    }

    fn reference(&mut self, at: &str, ty: &Written<'static, String>) {
        let mut inner = ty;
        let name = loop {
            inner = match inner {
                Written::NamedType(name) => break name,
                Written::ListType(inner) | Written::NonNullType(inner) => inner,
            };
        };
        if self.hidden.contains(name.as_str()) {
            self.problems.push(format!(
                "{at}: clients see it, and its type {name} is @inaccessible; mark it @inaccessible, too"
            ));
        }
    }
}

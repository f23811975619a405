//! What clients see of a supergraph: all but what is `@inaccessible` (inaccessible specification,
//! version 0.2).

use super::sdl::{Mark, Sdl};
use graphql_tools::parser::schema::{Definition, Field, InputValue, TypeDefinition};

/// Takes out what is inaccessible: types, fields, arguments, input fields and enum values.
pub(super) fn only(document: &mut Sdl) {
    document.definitions.retain_mut(|definition| match definition {
        Definition::TypeDefinition(definition) => is_shown(definition),
        _ => true,
    });
}

fn is_shown(definition: &mut TypeDefinition<'static, String>) -> bool {
    match definition {
        TypeDefinition::Scalar(scalar) => !is_hidden(&scalar.directives),
        TypeDefinition::Union(union) => !is_hidden(&union.directives),
        TypeDefinition::Object(object) => {
            fields(&mut object.fields);
            !is_hidden(&object.directives)
        }
        TypeDefinition::Interface(interface) => {
            fields(&mut interface.fields);
            !is_hidden(&interface.directives)
        }
        TypeDefinition::InputObject(input) => {
            inputs(&mut input.fields);
            !is_hidden(&input.directives)
        }
        TypeDefinition::Enum(own) => {
            own.values.retain(|value| !is_hidden(&value.directives));
            !is_hidden(&own.directives)
        }
    }
}

fn fields(fields: &mut Vec<Field<'static, String>>) {
    fields.retain_mut(|field| {
        inputs(&mut field.arguments);
        !is_hidden(&field.directives)
    });
}

fn inputs(inputs: &mut Vec<InputValue<'static, String>>) {
    inputs.retain(|input| !is_hidden(&input.directives));
}

pub(super) fn is_hidden(directives: &[Mark]) -> bool {
    directives.iter().any(|directive| directive.name == "inaccessible")
}

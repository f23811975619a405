//! Answers `__schema` and `__type` from the public schema, in full.

use crate::{
    data::write_string,
    plan::{
        operation::{Variables, literal},
        types::{FieldKind, ProjectedField, Selection},
    },
    schema::{
        Deprecation, DirectiveDef, EnumValueDef, FieldDef, InputDef, Literal, Schema, TypeDef,
        TypeKind, TypeRef,
    },
};
use async_graphql::Value;

type Arguments = [(String, Literal)];

/// Something that introspection shows.
enum Subject<'a> {
    Schema,
    Type(&'a TypeDef),
    /// A list of, or never null, as the outermost wrapper.
    Wrapped(&'a TypeRef),
    Field(&'a FieldDef),
    Input(&'a InputDef),
    EnumValue(&'a EnumValueDef),
    Directive(&'a DirectiveDef),
}

/// Writes the value of `__schema` or `__type`.
pub(crate) fn write(
    schema: &Schema,
    name: &str,
    arguments: &Arguments,
    variables: &Variables,
    selection: &Selection,
    out: &mut Vec<u8>,
) {
    let writer = Writer { schema, variables };
    let subject = match name {
        "__schema" => Some(Subject::Schema),
        _ => match writer.argument(arguments, "name") {
            Some(Value::String(name)) => schema.ty(&name).map(Subject::Type),
            _ => None,
        },
    };
    writer.object(subject, selection, out);
}

struct Writer<'a> {
    schema: &'a Schema,
    variables: &'a Variables,
}

impl<'a> Writer<'a> {
    fn argument(&self, arguments: &Arguments, name: &str) -> Option<Value> {
        let (_, value) = arguments.iter().find(|(candidate, _)| candidate == name)?;
        literal(value, self.variables)
    }

    fn includes_deprecated(&self, arguments: &Arguments) -> bool {
        matches!(self.argument(arguments, "includeDeprecated"), Some(Value::Boolean(true)))
    }

    fn object(&self, subject: Option<Subject<'a>>, selection: &Selection, out: &mut Vec<u8>) {
        let Some(subject) = subject else {
            return out.extend_from_slice(b"null");
        };
        out.push(b'{');
        for (index, field) in selection.fields.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            write_string(&field.response_key, out);
            out.push(b':');
            self.field(&subject, selection, field, out);
        }
        out.push(b'}');
    }

    fn list(
        &self,
        subjects: impl Iterator<Item = Subject<'a>>,
        selection: &Selection,
        out: &mut Vec<u8>,
    ) {
        out.push(b'[');
        for (index, subject) in subjects.enumerate() {
            if index > 0 {
                out.push(b',');
            }
            self.object(Some(subject), selection, out);
        }
        out.push(b']');
    }

    fn field(
        &self,
        subject: &Subject<'a>,
        parent: &Selection,
        field: &ProjectedField,
        out: &mut Vec<u8>,
    ) {
        let (name, arguments, selection) = match &field.kind {
            FieldKind::Introspection(name, arguments, selection) => {
                (name, &arguments[..], selection)
            }
            _ => return text(parent.concrete.as_deref(), out),
        };
        match subject {
            Subject::Schema => self.schema_field(name, selection, out),
            Subject::Type(definition) => {
                self.type_field(definition, name, arguments, selection, out)
            }
            Subject::Wrapped(ty) => self.wrapper_field(ty, name, selection, out),
            Subject::Field(definition) => match &**name {
                "name" => text(Some(&definition.name), out),
                "description" => text(definition.description.as_deref(), out),
                "args" => self.inputs(&definition.arguments, arguments, selection, out),
                "type" => self.type_ref(&definition.ty, selection, out),
                name => deprecation(name, &definition.deprecated, out),
            },
            Subject::Input(definition) => match &**name {
                "name" => text(Some(&definition.name), out),
                "description" => text(definition.description.as_deref(), out),
                "type" => self.type_ref(&definition.ty, selection, out),
                "defaultValue" => {
                    let default = definition.default.as_ref().map(ToString::to_string);
                    text(default.as_deref(), out);
                }
                name => deprecation(name, &definition.deprecated, out),
            },
            Subject::EnumValue(definition) => match &**name {
                "name" => text(Some(&definition.name), out),
                "description" => text(definition.description.as_deref(), out),
                name => deprecation(name, &definition.deprecated, out),
            },
            Subject::Directive(definition) => match &**name {
                "name" => text(Some(&definition.name), out),
                "description" => text(definition.description.as_deref(), out),
                "isRepeatable" => boolean(definition.repeatable, out),
                "locations" => {
                    out.push(b'[');
                    for (index, location) in definition.locations.iter().enumerate() {
                        if index > 0 {
                            out.push(b',');
                        }
                        write_string(location, out);
                    }
                    out.push(b']');
                }
                "args" => self.inputs(&definition.arguments, arguments, selection, out),
                _ => text(None, out),
            },
        }
    }

    fn schema_field(&self, name: &str, selection: &Selection, out: &mut Vec<u8>) {
        let root = |name: Option<&'a std::sync::Arc<str>>| {
            name.and_then(|name| self.schema.ty(name)).map(Subject::Type)
        };
        match name {
            "types" => self.list(self.schema.types.values().map(Subject::Type), selection, out),
            "queryType" => self.object(root(Some(&self.schema.query)), selection, out),
            "mutationType" => self.object(root(self.schema.mutation.as_ref()), selection, out),
            "subscriptionType" => {
                self.object(root(self.schema.subscription.as_ref()), selection, out)
            }
            "directives" => {
                self.list(self.schema.directives.iter().map(Subject::Directive), selection, out)
            }
            _ => text(None, out),
        }
    }

    fn type_field(
        &self,
        definition: &'a TypeDef,
        name: &str,
        arguments: &Arguments,
        selection: &Selection,
        out: &mut Vec<u8>,
    ) {
        let named = |names: &'a [std::sync::Arc<str>]| {
            names.iter().filter_map(|name| self.schema.ty(name)).map(Subject::Type)
        };
        let all = self.includes_deprecated(arguments);
        match (name, &definition.kind) {
            ("kind", kind) => {
                let kind = match kind {
                    TypeKind::Scalar(_) => "SCALAR",
                    TypeKind::Object(..) => "OBJECT",
                    TypeKind::Interface(..) => "INTERFACE",
                    TypeKind::Union(_) => "UNION",
                    TypeKind::Enum(_) => "ENUM",
                    TypeKind::Input(..) => "INPUT_OBJECT",
                };
                text(Some(kind), out);
            }
            ("name", _) => text(Some(&definition.name), out),
            ("description", _) => text(definition.description.as_deref(), out),
            ("specifiedByURL", TypeKind::Scalar(url)) => text(url.as_deref(), out),
            ("fields", TypeKind::Object(fields, _) | TypeKind::Interface(fields, _)) => {
                let shown = fields.iter().filter(|field| all || field.deprecated.is_none());
                self.list(shown.map(Subject::Field), selection, out);
            }
            (
                "interfaces",
                TypeKind::Object(_, interfaces) | TypeKind::Interface(_, interfaces),
            ) => {
                self.list(named(interfaces), selection, out);
            }
            ("possibleTypes", TypeKind::Interface(..) | TypeKind::Union(_)) => {
                let possible = self.schema.possible(&definition.name);
                let objects = possible.iter().filter_map(|number| self.schema.objects.get(number));
                let types = objects.filter_map(|name| self.schema.ty(name)).map(Subject::Type);
                self.list(types, selection, out);
            }
            ("enumValues", TypeKind::Enum(values)) => {
                let shown = values.iter().filter(|value| all || value.deprecated.is_none());
                self.list(shown.map(Subject::EnumValue), selection, out);
            }
            ("inputFields", TypeKind::Input(fields, _)) => {
                self.inputs(fields, arguments, selection, out)
            }
            ("isOneOf", TypeKind::Input(_, one_of)) => boolean(*one_of, out),
            _ => text(None, out),
        }
    }

    fn inputs(
        &self,
        inputs: &'a [InputDef],
        arguments: &Arguments,
        selection: &Selection,
        out: &mut Vec<u8>,
    ) {
        let all = self.includes_deprecated(arguments);
        let shown = inputs.iter().filter(|input| all || input.deprecated.is_none());
        self.list(shown.map(Subject::Input), selection, out);
    }

    fn type_ref(&self, ty: &'a TypeRef, selection: &Selection, out: &mut Vec<u8>) {
        let subject = match ty {
            TypeRef::Named(name) => self.schema.ty(name).map(Subject::Type),
            wrapped => Some(Subject::Wrapped(wrapped)),
        };
        self.object(subject, selection, out);
    }

    fn wrapper_field(&self, ty: &'a TypeRef, name: &str, selection: &Selection, out: &mut Vec<u8>) {
        let (kind, inner) = match ty {
            TypeRef::List(inner) => ("LIST", inner),
            TypeRef::NonNull(inner) => ("NON_NULL", inner),
            TypeRef::Named(_) => return text(None, out),
        };
        match name {
            "kind" => text(Some(kind), out),
            "ofType" => self.type_ref(inner, selection, out),
            _ => text(None, out),
        }
    }
}

fn text(text: Option<&str>, out: &mut Vec<u8>) {
    match text {
        Some(text) => write_string(text, out),
        None => out.extend_from_slice(b"null"),
    }
}

fn boolean(value: bool, out: &mut Vec<u8>) {
    out.extend_from_slice(if value { b"true" } else { b"false" });
}

fn deprecation(name: &str, deprecated: &Deprecation, out: &mut Vec<u8>) {
    match name {
        "isDeprecated" => boolean(deprecated.is_some(), out),
        "deprecationReason" => text(deprecated.as_deref(), out),
        _ => text(None, out),
    }
}

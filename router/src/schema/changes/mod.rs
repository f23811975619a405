//! What differs between two public schemas, as clients of the first feel it: what breaks operations
//! that were valid, and what may surprise whoever sends them. What only adds is not listed.
//!
//! Which changes are which follows from the GraphQL specification: what a document may ask for
//! (section 5, "Validation") and what an answer may hold (section 6, "Execution").

mod members;
mod types;

use super::{FieldDef, InputDef, Schema, TypeDef, TypeKind};
use std::{fmt, sync::Arc};
use types::{narrows_input, widens_output};

/// How much a change concerns a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// An operation that was valid is refused, or what it answers is of another type.
    Breaking,
    /// Every operation stays valid, and one that meets the new part may answer what its sender never
    /// saw.
    Dangerous,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Severity::Breaking => "breaking",
            Severity::Dangerous => "dangerous",
        })
    }
}

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SchemaChange {
    /// How much it concerns a client.
    pub severity: Severity,
    /// Where, as a schema coordinate (GraphQL, September 2025, section 3.14): `Type.field(argument:)`.
    pub at: String,
    /// What is so, in a sentence without its full stop.
    pub what: String,
}

impl fmt::Display for SchemaChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<9}  {}: {}", self.severity, self.at, self.what)
    }
}

/// What differs, the worst first, then by place.
pub(crate) fn changes(published: &Schema, next: &Schema) -> Vec<SchemaChange> {
    let mut found = Changes(Vec::new());
    found.roots(published, next);
    for before in published.types.values() {
        match next.types.get(&before.name) {
            None => found.breaking(&*before.name, "the type is gone"),
            Some(after) => found.of_type(before, after),
        }
    }
    found.directives(published, next);
    found.0.sort();
    found.0
}

struct Changes(Vec<SchemaChange>);

impl Changes {
    fn breaking(&mut self, at: impl Into<String>, what: impl Into<String>) {
        self.0.push(SchemaChange {
            severity: Severity::Breaking,
            at: at.into(),
            what: what.into(),
        });
    }

    fn dangerous(&mut self, at: impl Into<String>, what: impl Into<String>) {
        self.0.push(SchemaChange {
            severity: Severity::Dangerous,
            at: at.into(),
            what: what.into(),
        });
    }

    /// A root type that is gone is told with the other types.
    fn roots(&mut self, published: &Schema, next: &Schema) {
        for (operation, before, after) in [
            ("query", Some(&published.query), Some(&next.query)),
            ("mutation", published.mutation.as_ref(), next.mutation.as_ref()),
            ("subscription", published.subscription.as_ref(), next.subscription.as_ref()),
        ] {
            let stays = |name: &&Arc<str>| next.types.contains_key(*name) && Some(*name) != after;
            let Some(before) = before.filter(stays) else { continue };
            let what = match after {
                Some(after) => format!("the {operation} type is {after} now"),
                None => format!("it is not the {operation} type any more"),
            };
            self.breaking(&**before, what);
        }
    }

    fn of_type(&mut self, before: &TypeDef, after: &TypeDef) {
        let name = &*before.name;
        match (&before.kind, &after.kind) {
            (TypeKind::Scalar(_), TypeKind::Scalar(_)) => {}
            (TypeKind::Object(fields, interfaces), TypeKind::Object(now, now_implemented))
            | (
                TypeKind::Interface(fields, interfaces),
                TypeKind::Interface(now, now_implemented),
            ) => {
                self.fields(name, fields, now);
                self.interfaces(name, interfaces, now_implemented);
            }
            (TypeKind::Union(members), TypeKind::Union(now)) => self.members(name, members, now),
            (TypeKind::Enum(values), TypeKind::Enum(now)) => self.values(name, values, now),
            (TypeKind::Input(fields, one_of), TypeKind::Input(now, now_one_of)) => {
                let place = |field: &str| format!("{name}.{field}");
                self.inputs("field", place, fields, now);
                if *now_one_of && !one_of {
                    self.breaking(name, "exactly one of its fields must be given now (@oneOf)");
                }
            }
            (before, after) => {
                let what = format!("it was {}, and is {} now", kind(before), kind(after));
                self.breaking(name, what);
            }
        }
    }

    fn fields(&mut self, name: &str, before: &[FieldDef], after: &[FieldDef]) {
        for field in before {
            let at = format!("{name}.{}", field.name);
            let Some(now) = after.iter().find(|now| now.name == field.name) else {
                self.breaking(at, gone("field", field.deprecated.as_deref()));
                continue;
            };
            if widens_output(&field.ty, &now.ty) {
                self.breaking(&at, format!("its type was {}, and is {} now", field.ty, now.ty));
            }
            let place = |argument: &str| format!("{at}({argument}:)");
            self.inputs("argument", place, &field.arguments, &now.arguments);
        }
    }

    /// Arguments, or the fields of an input object.
    fn inputs(
        &mut self,
        what: &str,
        place: impl Fn(&str) -> String,
        before: &[InputDef],
        after: &[InputDef],
    ) {
        for input in before {
            let at = place(&input.name);
            let Some(now) = after.iter().find(|now| now.name == input.name) else {
                self.breaking(at, gone(what, input.deprecated.as_deref()));
                continue;
            };
            if narrows_input(input, now) {
                let without = |input: &InputDef| match input.default {
                    None if input.ty.is_non_null() => " without a default",
                    _ => "",
                };
                let (was, is) = (without(input), without(now));
                self.breaking(
                    at,
                    format!("its type was {}{was}, and is {}{is} now", input.ty, now.ty),
                );
            } else if input.default != now.default {
                let told = |input: &InputDef| match &input.default {
                    Some(default) => format!("{default}"),
                    None => "none".to_owned(),
                };
                let (was, is) = (told(input), told(now));
                self.dangerous(at, format!("its default was {was}, and is {is} now"));
            }
        }
        let known = |name| before.iter().any(|input| input.name == name);
        for input in after.iter().filter(|input| !known(input.name.clone())) {
            if input.ty.is_non_null() && input.default.is_none() {
                let what = format!("the {what} is new, and must be given ({})", input.ty);
                self.breaking(place(&input.name), what);
            }
        }
    }
}

fn gone(what: &str, deprecated: Option<&str>) -> String {
    match deprecated {
        Some(reason) => format!("the {what} is gone; it was deprecated: {reason}"),
        None => format!("the {what} is gone, and was not deprecated"),
    }
}

fn kind(kind: &TypeKind) -> &'static str {
    match kind {
        TypeKind::Scalar(_) => "a scalar",
        TypeKind::Object(..) => "an object type",
        TypeKind::Interface(..) => "an interface",
        TypeKind::Union(_) => "a union",
        TypeKind::Enum(_) => "an enum",
        TypeKind::Input(..) => "an input object type",
    }
}

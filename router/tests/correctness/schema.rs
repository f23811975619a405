//! A subgraph's own schema: what it may be asked, and what federation says about it.

use graphql_tools::{
    parser::{
        query as ast, query,
        schema::{self as sdl, Definition, Directive, Field, TypeDefinition, TypeExtension},
    },
    validation::{rules::default_rules_validation_plan, validate::validate},
};
use std::collections::BTreeMap;

pub type FieldSet = Vec<ast::Selection<'static, String>>;
pub type Type = sdl::Type<'static, String>;
type Marks = [Directive<'static, String>];

pub struct Schema {
    pub types: BTreeMap<String, TypeDefinition<'static, String>>,
    document: sdl::Document<'static, String>,
}

/// What a subgraph has besides its own schema.
const MACHINERY: &str = "scalar _Any scalar Int scalar Float scalar String scalar Boolean scalar ID \
    directive @skip(if: Boolean!) on FIELD | FRAGMENT_SPREAD | INLINE_FRAGMENT \
    directive @include(if: Boolean!) on FIELD | FRAGMENT_SPREAD | INLINE_FRAGMENT";

fn parse(text: &str) -> sdl::Document<'static, String> {
    let parsed = sdl::parse_schema::<String>(text);
    parsed.unwrap_or_else(|error| panic!("{error} in {text}")).into_static()
}

impl Schema {
    pub fn parse(text: &str) -> Schema {
        let text = format!("{text}\n{MACHINERY}");
        let mut types: BTreeMap<String, TypeDefinition<'static, String>> = BTreeMap::new();
        let mut rest = Vec::new();
        let mut extensions = Vec::new();
        for definition in parse(&text).definitions {
            match definition {
                Definition::TypeDefinition(ty) => {
                    let name = name(&ty).to_owned();
                    assert!(types.insert(name.clone(), ty).is_none(), "{name} is there twice");
                }
                Definition::TypeExtension(TypeExtension::Object(object)) => extensions.push(object),
                Definition::TypeExtension(other) => panic!("write it as a type: {other:?}"),
                other => rest.push(other),
            }
        }
        for extension in extensions {
            let new = || TypeDefinition::Object(sdl::ObjectType::new(extension.name.clone()));
            let ty = types.entry(extension.name.clone()).or_insert_with(new);
            let TypeDefinition::Object(object) = ty else {
                panic!("{} is no type", extension.name)
            };
            object.implements_interfaces.extend(extension.implements_interfaces);
            object.directives.extend(extension.directives);
            object.fields.extend(extension.fields);
        }
        let entities: Vec<&str> = types
            .values()
            .filter_map(|ty| match ty {
                TypeDefinition::Object(object) if marked(&object.directives, "key") => {
                    Some(object.name.as_str())
                }
                _ => None,
            })
            .collect();
        if !entities.is_empty() {
            let machinery = format!(
                "union _Entity = {} type Query {{ _entities(representations: [_Any!]!): [_Entity]! }}",
                entities.join(" | ")
            );
            for definition in parse(&machinery).definitions {
                match definition {
                    Definition::TypeDefinition(TypeDefinition::Object(own)) => {
                        let query = types.entry("Query".to_owned()).or_insert_with(|| {
                            TypeDefinition::Object(sdl::ObjectType::new(own.name))
                        });
                        let TypeDefinition::Object(query) = query else {
                            panic!("Query is no type")
                        };
                        query.fields.extend(own.fields);
                    }
                    Definition::TypeDefinition(union) => {
                        types.insert("_Entity".to_owned(), union);
                    }
                    _ => {}
                }
            }
        }
        let all = types.values().cloned().map(Definition::TypeDefinition);
        let document = sdl::Document { definitions: rest.into_iter().chain(all).collect() };
        Schema { types, document }
    }

    /// What is wrong with a document that this subgraph is sent.
    pub fn problems(&self, text: &str) -> Vec<String> {
        let document = match query::parse_query::<String>(text) {
            Ok(document) => document.into_static(),
            Err(error) => return vec![error.to_string()],
        };
        let problems = validate(&self.document, &document, &default_rules_validation_plan());
        problems.into_iter().map(|problem| problem.message).collect()
    }

    pub fn ty(&self, name: &str) -> Option<&TypeDefinition<'static, String>> {
        self.types.get(name)
    }

    pub fn is_object(&self, name: &str) -> bool {
        matches!(self.ty(name), Some(TypeDefinition::Object(_)))
    }

    pub fn field(&self, ty: &str, name: &str) -> Option<&Field<'static, String>> {
        let fields = match self.ty(ty)? {
            TypeDefinition::Object(object) => &object.fields,
            TypeDefinition::Interface(interface) => &interface.fields,
            _ => return None,
        };
        fields.iter().find(|field| field.name == name)
    }

    /// Whether an object of a type is one of another type, by this schema.
    pub fn is(&self, object: &str, other: &str) -> bool {
        object == other
            || match (self.ty(object), self.ty(other)) {
                (_, Some(TypeDefinition::Union(union))) => {
                    union.types.iter().any(|member| member == object)
                }
                (Some(TypeDefinition::Object(object)), _) => {
                    object.implements_interfaces.iter().any(|name| name == other)
                }
                _ => false,
            }
    }

    pub fn marks(&self, ty: &str) -> &Marks {
        match self.ty(ty) {
            Some(TypeDefinition::Object(object)) => &object.directives,
            Some(TypeDefinition::Interface(interface)) => &interface.directives,
            _ => &[],
        }
    }

    /// The keys by which this subgraph finds a type.
    pub fn keys(&self, ty: &str) -> Vec<FieldSet> {
        let keys = self.marks(ty).iter().filter(|mark| mark.name == "key");
        let resolvable = keys.filter(|mark| {
            !mark.arguments.contains(&("resolvable".to_owned(), sdl::Value::Boolean(false)))
        });
        resolvable.filter_map(field_set).map(|key| self.for_type(ty, key)).collect()
    }

    /// A field set without the fragments at its top, as one type has it.
    fn for_type(&self, ty: &str, set: FieldSet) -> FieldSet {
        let of = |item: ast::Selection<'static, String>| match item {
            ast::Selection::InlineFragment(fragment) => {
                let matches = fragment.type_condition.iter().all(|condition| {
                    let ast::TypeCondition::On(condition) = condition;
                    self.is(ty, condition)
                });
                let inner = if matches { fragment.selection_set.items } else { Vec::new() };
                self.for_type(ty, inner)
            }
            item => vec![item],
        };
        set.into_iter().flat_map(of).collect()
    }

    /// Each object type with an interface that it says it implements.
    pub fn implemented(&self) -> impl Iterator<Item = (&str, &str)> {
        let objects = self.types.values().filter_map(|ty| match ty {
            TypeDefinition::Object(object) => Some(object),
            _ => None,
        });
        objects.flat_map(|object| {
            let interfaces = object.implements_interfaces.iter();
            interfaces.map(|interface| (object.name.as_str(), interface.as_str()))
        })
    }

    /// The types that stand for all objects of an interface.
    pub fn interface_objects(&self) -> impl Iterator<Item = &str> {
        self.types.values().filter_map(|ty| match ty {
            TypeDefinition::Object(object) if marked(&object.directives, "interfaceObject") => {
                Some(object.name.as_str())
            }
            _ => None,
        })
    }
}

fn name<'a>(ty: &'a TypeDefinition<'static, String>) -> &'a str {
    match ty {
        TypeDefinition::Scalar(ty) => &ty.name,
        TypeDefinition::Object(ty) => &ty.name,
        TypeDefinition::Interface(ty) => &ty.name,
        TypeDefinition::Union(ty) => &ty.name,
        TypeDefinition::Enum(ty) => &ty.name,
        TypeDefinition::InputObject(ty) => &ty.name,
    }
}

pub fn marked(marks: &Marks, name: &str) -> bool {
    marks.iter().any(|mark| mark.name == name)
}

/// The field set of `@requires` or `@provides` on a field.
pub fn fields_of(marks: &Marks, name: &str) -> Option<FieldSet> {
    marks.iter().find(|mark| mark.name == name).and_then(field_set)
}

fn field_set(mark: &Directive<'static, String>) -> Option<FieldSet> {
    let (_, value) = mark.arguments.iter().find(|(name, _)| name == "fields")?;
    let sdl::Value::String(text) = value else { return None };
    let document = query::parse_query::<String>(&format!("{{ {text} }}")).unwrap().into_static();
    match document.definitions.into_iter().next() {
        Some(ast::Definition::Operation(ast::OperationDefinition::SelectionSet(set))) => {
            Some(set.items)
        }
        other => panic!("no field set: {other:?}"),
    }
}

//! The oracle: one async-graphql schema over the same table.
//!
//! async-graphql parses, coerces variables, resolves conditions, collects and merges fields, walks lists
//! and types, and introspects. Three things that it does not do as the GraphQL specification says are
//! done here, each of them small and by the types alone:
//!
//! - In its dynamic schemas a list has no null items and an item cannot fail: [`Nulls`] puts them in.
//! - It leaves a failed field out instead of propagating the null ("Handling Execution Errors"):
//!   [`Oracle::answer`] propagates.
//! - It makes null of an object without fields, which is an empty object.

use crate::{
    input,
    model::{Model, nullable},
    requirements::{Requirements, Unasked},
    schema::{Schema as Sdl, Type},
    template::{Filling, canonical},
    world::{ROOTS, World},
};
use async_graphql::{
    ErrorExtensionValues, Name, PathSegment, Request, Response, ServerError, ServerResult,
    ValidationMode, Value, Variables,
    dynamic::{
        Enum, Field, FieldFuture, FieldValue, InputObject, InputValue, Interface, InterfaceField,
        Object, ResolverContext, Schema, TypeRef, Union,
    },
    extensions::{Extension, ExtensionContext, ExtensionFactory, NextResolve, ResolveInfo},
};
use graphql_tools::parser::schema::{self as sdl, TypeDefinition};
use serde_json::{Map, Value as Json};
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

/// What resolvers find out of an answer, by paths such as `products.0.name`.
#[derive(Default)]
struct Found {
    nulls: BTreeSet<String>,
    objects: BTreeSet<String>,
    never_null: BTreeSet<String>,
    mutations: Vec<String>,
    unasked: Unasked,
}

/// The data and the state of one request.
#[derive(Clone)]
struct Asked {
    world: Arc<World>,
    found: Arc<Mutex<Found>>,
}

/// What the specification says that the answer is.
pub struct Expected {
    pub data: Value,
    pub errors: Vec<ServerError>,
    /// Where a null stands because of one further inside; `""` is the whole answer.
    pub emptied: BTreeSet<String>,
    pub mutations: Vec<String>,
    pub unasked: Unasked,
}

pub struct Oracle {
    schema: Schema,
}

impl Oracle {
    pub fn new(model: &Arc<Model>) -> Oracle {
        let requirements = Arc::new(Requirements::new(model));
        let mut builder = Schema::build("Query", Some("Mutation"), None)
            // The router validates in full; some of async-graphql's rules refuse what is allowed.
            .validation_mode(ValidationMode::Fast)
            .extension(Nulls);
        for definition in model.api.types.values() {
            builder = match definition {
                TypeDefinition::Object(own) => {
                    let object = own.fields.iter().fold(Object::new(&own.name), |object, field| {
                        object.field(self::field((model, &requirements), &own.name, field))
                    });
                    let interfaces = own.implements_interfaces.iter();
                    builder.register(interfaces.fold(object, Object::implement))
                }
                TypeDefinition::Interface(own) => {
                    let fields = own.fields.iter().map(|field| {
                        let new = InterfaceField::new(&field.name, type_ref(&field.field_type));
                        field.arguments.iter().map(argument).fold(new, InterfaceField::argument)
                    });
                    builder.register(fields.fold(Interface::new(&own.name), Interface::field))
                }
                TypeDefinition::Union(own) => {
                    let members = own.types.iter();
                    builder.register(members.fold(Union::new(&own.name), Union::possible_type))
                }
                TypeDefinition::Enum(own) => {
                    let values = own.values.iter().map(|value| value.name.as_str());
                    builder.register(values.fold(Enum::new(&own.name), Enum::item))
                }
                TypeDefinition::InputObject(own) => {
                    let fields = own.fields.iter().map(argument);
                    builder.register(fields.fold(InputObject::new(&own.name), InputObject::field))
                }
                TypeDefinition::Scalar(_) => builder,
            };
        }
        Oracle { schema: builder.finish().unwrap() }
    }

    /// Executes a document.
    pub async fn answer(
        &self,
        world: &Arc<World>,
        document: &str,
        variables: &Map<String, Json>,
    ) -> Result<Expected, String> {
        let asked = Asked { world: world.clone(), found: Arc::default() };
        let variables = Variables::from_json(variables.clone().into());
        let request = Request::new(document).variables(variables).data(asked.clone());
        let Response { data, errors, .. } = self.schema.execute(request).await;
        if let Some(refused) = errors.iter().find(|error| error.path.is_empty()) {
            return Err(format!("the oracle refuses it: {refused:?}"));
        }
        let found = std::mem::take(&mut *asked.found.lock().unwrap());
        let mut emptied = BTreeSet::new();
        let data = match data {
            Value::Null => Value::Object(async_graphql::indexmap::IndexMap::new()),
            data => data,
        };
        let data = propagated(data, "", &found, &mut emptied).unwrap_or_else(|Bubble| {
            emptied = BTreeSet::from([String::new()]);
            Value::Null
        });
        Ok(Expected { data, errors, emptied, mutations: found.mutations, unasked: found.unasked })
    }
}

/// A null that what surrounds it must not have.
struct Bubble;

fn propagated(
    value: Value,
    path: &str,
    found: &Found,
    emptied: &mut BTreeSet<String>,
) -> Result<Value, Bubble> {
    let below = |step: &dyn std::fmt::Display| match path {
        "" => step.to_string(),
        path => format!("{path}.{step}"),
    };
    let before = emptied.clone();
    let inside: Result<Value, Bubble> = match value {
        Value::Null if found.never_null.contains(path) => return Err(Bubble),
        Value::Object(fields) => fields
            .into_iter()
            .map(|(key, value)| {
                let value = propagated(value, &below(&key), found, emptied)?;
                Ok((key, value))
            })
            .collect::<Result<_, _>>()
            .map(Value::Object),
        Value::List(items) => items
            .into_iter()
            .enumerate()
            .map(|(index, item)| propagated(item, &below(&index), found, emptied))
            .collect::<Result<_, _>>()
            .map(Value::List),
        leaf => Ok(leaf),
    };
    match inside {
        Err(Bubble) if path.is_empty() || found.never_null.contains(path) => Err(Bubble),
        Err(Bubble) => {
            *emptied = before;
            emptied.insert(path.to_owned());
            Ok(Value::Null)
        }
        Ok(value) => Ok(value),
    }
}

fn type_ref(ty: &Type) -> TypeRef {
    match ty {
        Type::NamedType(name) => TypeRef::named(name),
        Type::ListType(item) => TypeRef::List(Box::new(type_ref(item))),
        Type::NonNullType(inner) => TypeRef::NonNull(Box::new(type_ref(inner))),
    }
}

fn argument(definition: &sdl::InputValue<'static, String>) -> InputValue {
    let new = InputValue::new(&definition.name, type_ref(&definition.value_type));
    match &definition.default_value {
        Some(value) => new.default_value(literal(value)),
        None => new,
    }
}

fn literal(value: &sdl::Value<'static, String>) -> Value {
    match value {
        sdl::Value::Enum(name) => Value::Enum(Name::new(name)),
        sdl::Value::List(items) => Value::List(items.iter().map(literal).collect()),
        other => Value::from_json(input::constant(other)).unwrap(),
    }
}

fn field(
    (model, requirements): (&Arc<Model>, &Arc<Requirements>),
    ty: &str,
    definition: &sdl::Field<'static, String>,
) -> Field {
    let resolver = Resolver {
        model: model.clone(),
        requirements: requirements.clone(),
        ty: ty.to_owned(),
        definition: definition.clone(),
    };
    let new = Field::new(&definition.name, type_ref(&definition.field_type), move |asked| {
        FieldFuture::Value(resolver.resolve(&asked))
    });
    definition.arguments.iter().map(argument).fold(new, Field::argument)
}

struct Resolver {
    model: Arc<Model>,
    requirements: Arc<Requirements>,
    ty: String,
    definition: sdl::Field<'static, String>,
}

impl Resolver {
    fn resolve<'a>(&self, ctx: &ResolverContext<'a>) -> Option<FieldValue<'a>> {
        let asked = ctx.data::<Asked>().unwrap();
        let name = &self.definition.name;
        let given = ctx
            .args
            .iter()
            .map(|(name, value)| (name.to_string(), value.as_value().clone().into_json().unwrap()));
        let given: Map<String, Json> = given.collect();
        let mut place = Place { ctx, asked, api: &self.model.api, path: Vec::new() };
        let node = ctx.path_node.as_ref().unwrap();
        let mut steps: Vec<_> = std::iter::once(node).chain(node.parents()).collect();
        steps.reverse();
        place.path.extend(steps.into_iter().map(|node| match node.segment {
            async_graphql::QueryPathSegment::Name(name) => PathSegment::Field(name.to_owned()),
            async_graphql::QueryPathSegment::Index(index) => PathSegment::Index(index),
        }));
        let arguments: Map<_, _> =
            match input::fields(&self.model.api, &self.definition.arguments, &given) {
                Ok(arguments) => arguments.into_iter().collect(),
                Err(problem) => {
                    place.mark(&self.definition.field_type);
                    return place.fail(problem, None);
                }
            };
        let mut found = asked.found.lock().unwrap();
        if self.ty == "Mutation" {
            found.mutations.push(crate::execute::with_arguments(name, &arguments));
        }
        drop(found);
        let root;
        let row = match ROOTS.contains(&self.ty.as_str()) {
            true => {
                root = asked.world.root(&self.ty);
                &root
            }
            false => ctx.parent_value.downcast_ref::<Json>().unwrap(),
        };
        self.requirements.note(
            (&self.model, &asked.world),
            (&place.text(), name),
            row,
            &mut asked.found.lock().unwrap().unasked,
        );
        let value = crate::execute::lookup(row, name, &arguments, "").unwrap();
        let filling =
            Filling { arguments: &arguments, representation: &Json::Null, log: String::new() };
        place.complete(&filling.fill(value), &self.definition.field_type)
    }
}

/// Where a value is completed.
struct Place<'p, 'a> {
    ctx: &'p ResolverContext<'a>,
    asked: &'p Asked,
    api: &'p Sdl,
    path: Vec<PathSegment>,
}

impl Place<'_, '_> {
    fn text(&self) -> String {
        text(&self.path)
    }

    fn mark(&self, ty: &Type) {
        if matches!(ty, Type::NonNullType(_)) {
            self.asked.found.lock().unwrap().never_null.insert(self.text());
        }
    }

    fn null<'v>(&self) -> Option<FieldValue<'v>> {
        self.asked.found.lock().unwrap().nulls.insert(self.text());
        None
    }

    fn fail<'v>(&self, message: impl Into<String>, code: Option<&str>) -> Option<FieldValue<'v>> {
        let mut error = ServerError::new(message, None);
        error.path.clone_from(&self.path);
        if let Some(code) = code {
            error.extensions.get_or_insert_with(ErrorExtensionValues::default).set("code", code);
        }
        self.ctx.add_error(error);
        self.null()
    }

    fn complete<'v>(&mut self, value: &Json, ty: &Type) -> Option<FieldValue<'v>> {
        self.mark(ty);
        let (inner, nullable) = nullable(ty);
        if let Some(message) = value.get("$error") {
            return self.fail(message.as_str().unwrap(), value["$code"].as_str());
        }
        match (inner, value) {
            (_, Json::Null) if !nullable => self.fail(crate::execute::NULL, None),
            (_, Json::Null) => self.null(),
            (Type::ListType(item), Json::Array(items)) => {
                let mut all = Vec::new();
                for (index, value) in items.iter().enumerate() {
                    self.path.push(PathSegment::Index(index));
                    all.push(self.complete(value, item).unwrap_or(FieldValue::NULL));
                    self.path.pop();
                }
                Some(FieldValue::list(all))
            }
            (Type::NamedType(name), value) => Some(self.named(value, name)),
            (ty, value) => panic!("{} for {ty}", canonical(value)),
        }
    }

    fn named<'v>(&self, value: &Json, name: &str) -> FieldValue<'v> {
        match self.api.ty(name) {
            Some(TypeDefinition::Scalar(_) | TypeDefinition::Enum(_)) => {
                FieldValue::value(Value::from_json(value.clone()).unwrap())
            }
            _ => {
                let row = self.asked.world.follow(value);
                self.asked.found.lock().unwrap().objects.insert(self.text());
                let ty = row["__typename"].as_str().unwrap().to_owned();
                let value = FieldValue::owned_any(row);
                if ty == name { value } else { value.with_type(ty) }
            }
        }
    }
}

pub fn text(path: &[PathSegment]) -> String {
    let steps = path.iter().map(|step| match step {
        PathSegment::Field(name) => name.clone(),
        PathSegment::Index(index) => index.to_string(),
    });
    steps.collect::<Vec<_>>().join(".")
}

/// Makes null of what the resolvers say is null.
struct Nulls;

impl ExtensionFactory for Nulls {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Nulls)
    }
}

#[async_trait::async_trait]
impl Extension for Nulls {
    async fn resolve(
        &self,
        ctx: &ExtensionContext<'_>,
        info: ResolveInfo<'_>,
        next: NextResolve<'_>,
    ) -> ServerResult<Option<Value>> {
        if info.is_for_introspection {
            return next.run(ctx, info).await;
        }
        let found = &ctx.data_unchecked::<Asked>().found;
        let path = info.path_node.to_string();
        let is_null = || found.lock().unwrap().nulls.contains(&path);
        if is_null() {
            return Ok(None);
        }
        let value = next.run(ctx, info).await;
        if is_null() {
            return Ok(None);
        }
        match value? {
            None | Some(Value::Null) if found.lock().unwrap().objects.contains(&path) => {
                Ok(Some(Value::Object(async_graphql::indexmap::IndexMap::new())))
            }
            value => Ok(value),
        }
    }
}

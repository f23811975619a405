//! Executes a document as the GraphQL specification's section "Execution" says, over the rows of the
//! table, and complains of what the subgraph's schema does not allow.

use crate::{
    entities, input,
    schema::{FieldSet, Type, fields_of, marked},
    subgraph::Subgraph,
    template::{Filling, canonical},
};
use async_graphql::{
    ErrorExtensionValues, Name, PathSegment, Response, ServerError, Value,
    parser::types::{ExecutableDocument, Field, OperationType, Selection, SelectionSet},
};
use graphql_tools::parser::{query as sets, schema::Field as Definition, schema::TypeDefinition};
use serde_json::{Map, Value as Json};

/// What a subgraph says where there is nothing and something must be.
pub const NULL: &str = "null for what is never null";

/// A null that what surrounds it must not have; the error is told.
pub struct Bubble;

/// An object that fields are selected on.
pub struct Object<'a> {
    /// Its type in this subgraph.
    pub ty: String,
    pub row: Json,
    /// What the router said about it, if it is an entity that the router asked for.
    pub representation: Option<&'a Json>,
    /// What `@provides` allows to select here.
    pub provided: FieldSet,
}

pub struct Execution<'a> {
    pub subgraph: &'a Subgraph,
    document: &'a ExecutableDocument,
    variables: Map<String, Json>,
    pub path: Vec<PathSegment>,
    errors: Vec<ServerError>,
}

impl<'a> Execution<'a> {
    pub fn new(subgraph: &'a Subgraph, document: &'a ExecutableDocument) -> Execution<'a> {
        Execution {
            subgraph,
            document,
            variables: Map::new(),
            path: Vec::new(),
            errors: Vec::new(),
        }
    }

    pub fn run(mut self, given: Map<String, Json>) -> Response {
        let (_, operation) = self.document.operations.iter().next().unwrap();
        let operation = &operation.node;
        for definition in &operation.variable_definitions {
            let name = definition.node.name.node.to_string();
            let ty = input::asked(&definition.node.var_type.node);
            let default = definition.node.default_value.as_ref();
            let default = default.map(|value| value.node.clone().into_json().unwrap());
            match given.get(&name).cloned().or(default) {
                Some(value) => match input::coerce(&self.subgraph.schema, &value, &ty) {
                    Ok(value) => {
                        self.variables.insert(name, value);
                    }
                    Err(problem) => self.subgraph.complain(format!("${name}: {problem}")),
                },
                None if !definition.node.var_type.node.nullable => {
                    self.subgraph.complain(format!("${name} has no value"));
                }
                None => {}
            }
        }
        if let Some(unknown) = given.keys().find(|name| {
            operation.variable_definitions.iter().all(|own| own.node.name.node != name.as_str())
        }) {
            self.subgraph.complain(format!("${unknown} is not declared"));
        }
        let root = match operation.ty {
            OperationType::Mutation => "Mutation",
            _ => "Query",
        };
        let object = Object {
            ty: root.to_owned(),
            row: self.subgraph.world.root(root),
            representation: None,
            provided: Vec::new(),
        };
        let mut response = Response::new(
            self.object(&object, &[&operation.selection_set.node]).unwrap_or(Value::Null),
        );
        response.errors = self.errors;
        response
    }

    fn included(&self, selection: &Selection) -> bool {
        selection.directives().iter().all(|directive| {
            let condition = directive.node.get_argument("if").unwrap().node.clone();
            let wanted = directive.node.name.node == "include";
            condition.into_const_with(|name| self.variable(&name)) == Ok(Value::Boolean(wanted))
        })
    }

    /// CollectFields: the fields of one object by response key.
    fn collect(&self, ty: &str, set: &'a SelectionSet, out: &mut Vec<(Name, Vec<&'a Field>)>) {
        for item in &set.items {
            if !self.included(&item.node) {
                continue;
            }
            let (condition, inner) = match &item.node {
                Selection::Field(field) => {
                    let key = &field.node.response_key().node;
                    match out.iter_mut().find(|(known, _)| known == key) {
                        Some((_, fields)) => fields.push(&field.node),
                        None => out.push((key.clone(), vec![&field.node])),
                    }
                    continue;
                }
                Selection::InlineFragment(fragment) => {
                    (fragment.node.type_condition.as_ref(), &fragment.node.selection_set)
                }
                Selection::FragmentSpread(spread) => {
                    let fragment = &self.document.fragments[&spread.node.fragment_name.node].node;
                    (Some(&fragment.type_condition), &fragment.selection_set)
                }
            };
            let condition = condition.map(|condition| condition.node.on.node.as_str());
            if condition.is_none_or(|condition| self.subgraph.schema.is(ty, condition)) {
                self.collect(ty, &inner.node, out);
            }
        }
    }

    pub fn object(
        &mut self,
        object: &Object<'_>,
        sets: &[&'a SelectionSet],
    ) -> Result<Value, Bubble> {
        let mut fields = Vec::new();
        sets.iter().for_each(|set| self.collect(&object.ty, set, &mut fields));
        let mut out = async_graphql::indexmap::IndexMap::new();
        for (key, fields) in fields {
            self.path.push(PathSegment::Field(key.to_string()));
            let value = self.field(object, &fields);
            self.path.pop();
            out.insert(key, value?);
        }
        Ok(Value::Object(out))
    }

    fn field(&mut self, object: &Object<'_>, fields: &[&'a Field]) -> Result<Value, Bubble> {
        let subgraph = self.subgraph;
        let name = fields[0].name.node.as_str();
        if name == "__typename" {
            return Ok(object.ty.as_str().into());
        }
        let Some(definition) = subgraph.schema.field(&object.ty, name) else {
            subgraph.complain(format!("{} has no field {name}", object.ty));
            return Ok(Value::Null);
        };
        let arguments = match self.arguments(definition, fields[0]) {
            Ok(arguments) => arguments,
            Err(problem) => {
                self.error(&problem, None);
                let null = !matches!(definition.field_type, Type::NonNullType(_));
                return if null { Ok(Value::Null) } else { Err(Bubble) };
            }
        };
        if name == "_entities" && object.ty == "Query" {
            return entities::answer(self, &arguments["representations"], fields);
        }
        let provided = self.provided(object, name);
        if marked(&definition.directives, "external")
            && provided.is_none()
            && !self.in_key(object, name)
        {
            subgraph.complain(format!("{}.{name} is external and not provided here", object.ty));
        }
        if let Some(set) = fields_of(&definition.directives, "requires") {
            entities::check_requirement(subgraph, object, name, &set);
        }
        if object.ty == "Mutation" {
            subgraph.journal.mutation(with_arguments(name, &arguments));
        }
        let filling = Filling {
            arguments: &arguments,
            representation: object.representation.unwrap_or(&Json::Null),
            log: subgraph.journal.mutations(),
        };
        let Some(value) = lookup(&object.row, name, &arguments, &subgraph.name) else {
            subgraph.complain(format!(
                "the table has no {} of {}",
                with_arguments(name, &arguments),
                object.row
            ));
            return Ok(Value::Null);
        };
        let value = filling.fill(value);
        let mut provided = provided.unwrap_or_default();
        provided.extend(fields_of(&definition.directives, "provides").unwrap_or_default());
        self.complete(&value, &definition.field_type, fields, &provided)
    }

    fn variable(&self, name: &str) -> Result<Value, String> {
        let value = self.variables.get(name).ok_or("no value")?;
        Value::from_json(value.clone()).map_err(|error| error.to_string())
    }

    fn arguments(
        &self,
        definition: &Definition<'static, String>,
        field: &Field,
    ) -> Result<Map<String, Json>, String> {
        let given = field.arguments.iter().filter_map(|(name, value)| {
            // An argument whose variable has no value is not given.
            let value = value.node.clone().into_const_with(|name| self.variable(&name)).ok()?;
            Some((name.node.to_string(), value.into_json().unwrap()))
        });
        let given: Map<String, Json> = given.collect();
        let coerced = input::fields(&self.subgraph.schema, &definition.arguments, &given);
        coerced.map(|fields| fields.into_iter().collect()).map_err(|problem| {
            // A nullable variable may stand where an argument has a default, and be null.
            if !given.values().any(has_null) {
                self.subgraph.complain(format!("{}: {problem}", definition.name));
            }
            problem
        })
    }

    /// What is provided inside a field, if the field is itself.
    fn provided(&self, object: &Object<'_>, name: &str) -> Option<FieldSet> {
        let mut inner = None;
        let mut open: Vec<&FieldSet> = vec![&object.provided];
        while let Some(set) = open.pop() {
            for item in set {
                match item {
                    sets::Selection::Field(field) if field.name == name => {
                        let inner: &mut FieldSet = inner.get_or_insert_default();
                        inner.extend(field.selection_set.items.iter().cloned());
                    }
                    sets::Selection::InlineFragment(fragment) => {
                        let fits = match &fragment.type_condition {
                            Some(sets::TypeCondition::On(ty)) => {
                                self.subgraph.schema.is(&object.ty, ty)
                            }
                            None => true,
                        };
                        if fits {
                            open.push(&fragment.selection_set.items);
                        }
                    }
                    _ => {}
                }
            }
        }
        inner
    }

    /// A key that a subgraph only names to refer to an entity may be marked as external.
    fn in_key(&self, object: &Object<'_>, name: &str) -> bool {
        let keys = self.subgraph.schema.marks(&object.ty).iter().filter(|mark| mark.name == "key");
        keys.flat_map(|key| fields_of(std::slice::from_ref(key), "key").unwrap_or_default())
            .any(|item| matches!(item, sets::Selection::Field(field) if field.name == name))
    }

    /// CompleteValue.
    fn complete(
        &mut self,
        value: &Json,
        ty: &Type,
        fields: &[&'a Field],
        provided: &FieldSet,
    ) -> Result<Value, Bubble> {
        if let Some(message) = value.get("$error") {
            self.error(message.as_str().unwrap(), value["$code"].as_str());
            return if matches!(ty, Type::NonNullType(_)) { Err(Bubble) } else { Ok(Value::Null) };
        }
        match (ty, value) {
            (Type::NonNullType(inner), value) => {
                let before = self.errors.len();
                match self.complete(value, inner, fields, provided)? {
                    Value::Null => {
                        if self.errors.len() == before {
                            self.error(NULL, None);
                        }
                        Err(Bubble)
                    }
                    value => Ok(value),
                }
            }
            (_, Json::Null) => Ok(Value::Null),
            (Type::ListType(item), Json::Array(items)) => {
                let mut out = Vec::new();
                for (index, value) in items.iter().enumerate() {
                    self.path.push(PathSegment::Index(index));
                    let value = self.complete(value, item, fields, provided);
                    self.path.pop();
                    match value {
                        Ok(value) => out.push(value),
                        Err(Bubble) => return Ok(Value::Null),
                    }
                }
                Ok(Value::List(out))
            }
            (Type::ListType(_), other) => panic!("the table has no list but {other}"),
            (Type::NamedType(name), value) => self.named(value, name, fields, provided),
        }
    }

    fn named(
        &mut self,
        value: &Json,
        name: &str,
        fields: &[&'a Field],
        provided: &FieldSet,
    ) -> Result<Value, Bubble> {
        let subgraph = self.subgraph;
        match subgraph.schema.ty(name) {
            Some(TypeDefinition::Scalar(_)) => Ok(Value::from_json(value.clone()).unwrap()),
            Some(TypeDefinition::Enum(own)) => {
                let known = own.values.iter().any(|own| value == own.name.as_str());
                assert!(known, "subgraph {}: {value} is no {name}", subgraph.name);
                Ok(Value::Enum(Name::new(value.as_str().unwrap())))
            }
            Some(_) => {
                let row = subgraph.world.follow(value);
                let ty = runtime_type(subgraph, &row, name);
                let object = Object { ty, row, representation: None, provided: provided.clone() };
                let sets: Vec<_> = fields.iter().map(|field| &field.selection_set.node).collect();
                // What may be null takes a null that bubbles up from inside.
                Ok(self.object(&object, &sets).unwrap_or(Value::Null))
            }
            None => panic!("subgraph {} has no type {name}", subgraph.name),
        }
    }

    pub fn error(&mut self, message: &str, code: Option<&str>) {
        let mut error = ServerError::new(message, None);
        error.path.clone_from(&self.path);
        if let Some(code) = code {
            error.extensions.get_or_insert_with(ErrorExtensionValues::default).set("code", code);
        }
        self.errors.push(error);
    }
}

/// The object type of a row in a subgraph, where `declared` is expected.
pub fn runtime_type(subgraph: &Subgraph, row: &Json, declared: &str) -> String {
    let (schema, world) = (&subgraph.schema, &subgraph.world);
    let own = row["__typename"].as_str().unwrap_or(declared);
    let mut known = std::iter::once(own)
        .filter(|own| schema.is_object(own))
        .chain(schema.interface_objects().filter(|interface| world.is(own, interface)));
    match known.next() {
        Some(ty) => ty.to_owned(),
        None => panic!("subgraph {} has no type for {row}", subgraph.name),
    }
}

fn has_null(value: &Json) -> bool {
    match value {
        Json::Null => true,
        Json::Array(items) => items.iter().any(has_null),
        Json::Object(fields) => fields.values().any(has_null),
        _ => false,
    }
}

pub fn with_arguments(name: &str, arguments: &Map<String, Json>) -> String {
    if arguments.is_empty() {
        return name.to_owned();
    }
    let text = |value: &Json| value.as_str().map_or_else(|| canonical(value), str::to_owned);
    let mut all: Vec<String> =
        arguments.iter().map(|(name, value)| format!("{name}: {}", text(value))).collect();
    all.sort();
    format!("{name}({})", all.join(", "))
}

/// A field of a row as a subgraph answers it.
pub fn lookup<'r>(
    row: &'r Json,
    name: &str,
    arguments: &Map<String, Json>,
    subgraph: &str,
) -> Option<&'r Json> {
    let full = with_arguments(name, arguments);
    let own = [format!("{full}@{subgraph}"), full, format!("{name}@{subgraph}"), name.to_owned()];
    own.iter().find_map(|key| row.get(key))
}

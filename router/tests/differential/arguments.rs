//! Random arguments and variables, of every kind of input, with and without defaults and values.

use crate::{
    model::named,
    operations::{Generator, Text},
    schema::Type,
};
use graphql_tools::parser::{
    query::Value,
    schema::{InputValue, TypeDefinition},
};
use serde_json::{Map, Value as Json};

pub type Literal = Value<'static, Text>;

/// Names that routers like to use for themselves are among them.
const NAMES: [&str; 8] = ["representations", "at", "id", "a", "input", "if", "_v0", "c_a"];

pub struct Variable {
    pub name: String,
    pub ty: Type,
    pub default: Option<Literal>,
    /// What the request says, if it says something.
    pub value: Option<Json>,
}

impl Generator<'_> {
    pub fn arguments(&mut self, definitions: &[InputValue<'static, Text>]) -> Vec<(Text, Literal)> {
        let mut all = Vec::new();
        for definition in definitions {
            let has_default = definition.default_value.is_some();
            let must = matches!(definition.value_type, Type::NonNullType(_)) && !has_default;
            if must || self.random.percent(50) {
                let value = self.input(&definition.value_type, has_default, 3);
                all.push((definition.name.clone(), value));
            }
        }
        if self.random.percent(30) {
            all.reverse();
        }
        all
    }

    /// A literal, or a variable, or a literal with variables in it.
    fn input(&mut self, ty: &Type, has_default: bool, depth: usize) -> Literal {
        match self.random.percent(if depth == 3 { 45 } else { 15 }) {
            true => self.variable(ty, has_default),
            false => self.literal(ty, depth, true),
        }
    }

    fn variable(&mut self, ty: &Type, has_default: bool) -> Literal {
        let known = self.variables.iter().find(|known| known.ty == *ty);
        if let Some(known) = known.filter(|_| self.random_reuse()) {
            return Value::Variable(known.name.clone());
        }
        let own = match ty {
            // "Variables Are Allowed Only in Allowed Positions": a default makes up for it.
            Type::NonNullType(inner) if has_default && self.random.percent(30) => (**inner).clone(),
            Type::NonNullType(_) => ty.clone(),
            ty if self.random.percent(25) => Type::NonNullType(Box::new(ty.clone())),
            ty => ty.clone(),
        };
        let default = self.random.percent(35).then(|| self.literal(&own, 3, false));
        let may_be_absent = default.is_some() || !matches!(own, Type::NonNullType(_));
        let value = (!may_be_absent || self.random.percent(65)).then(|| self.json(&own, 3));
        self.declare(own, default, value)
    }

    fn random_reuse(&self) -> bool {
        // Every second variable is used twice where it can be.
        self.variables.len() % 2 == 1
    }

    fn declare(&mut self, ty: Type, default: Option<Literal>, value: Option<Json>) -> Literal {
        let wanted = *self.random.pick(&NAMES);
        let name = match self.variables.iter().any(|known| known.name == wanted) {
            true => format!("v{}", self.variables.len()),
            false => wanted.to_owned(),
        };
        self.variables.push(Variable { name: name.clone(), ty, default, value });
        Value::Variable(name)
    }

    /// A variable for `@skip` and `@include`.
    pub fn condition_variable(&mut self) -> Literal {
        let boolean = Type::NamedType("Boolean".to_owned());
        let never_null = Type::NonNullType(Box::new(boolean.clone()));
        let usable = |known: &&Variable| {
            named(&known.ty) == "Boolean"
                && (known.ty == never_null || matches!(known.default, Some(Value::Boolean(_))))
                && known.value != Some(Json::Null)
        };
        let known: Vec<Text> =
            self.variables.iter().filter(usable).map(|known| known.name.clone()).collect();
        if !known.is_empty() && self.random.percent(60) {
            return Value::Variable(self.random.pick(&known).clone());
        }
        let default = self.random.percent(50).then(|| Value::Boolean(self.random.percent(50)));
        let may_be_absent = default.is_some();
        let ty = if may_be_absent && self.random.percent(50) { boolean } else { never_null };
        let value = (!may_be_absent || self.random.percent(50))
            .then(|| Json::Bool(self.random.percent(50)));
        self.declare(ty, default, value)
    }

    fn literal(&mut self, ty: &Type, depth: usize, variables: bool) -> Literal {
        let inner = match ty {
            Type::NonNullType(inner) => inner,
            _ if self.random.percent(12) => return Value::Null,
            ty => ty,
        };
        let part = |own: &mut Self, ty: &Type, has_default: bool| match variables {
            true => own.input(ty, has_default, depth - 1),
            false => own.literal(ty, depth - 1, false),
        };
        let name = match inner {
            Type::ListType(item) if self.random.percent(20) && !is_list(item) => {
                return self.literal(&never_null(item), depth, false);
            }
            Type::ListType(item) => {
                let length = if depth == 0 { 0 } else { self.random.below(3) };
                return Value::List((0..length).map(|_| part(self, item, false)).collect());
            }
            inner => named(inner),
        };
        let model = self.model;
        match model.api.ty(name) {
            Some(TypeDefinition::Enum(own)) => {
                Value::Enum(self.random.pick(&own.values).name.clone())
            }
            Some(TypeDefinition::InputObject(own)) => {
                let mut fields = Vec::new();
                for field in &own.fields {
                    if depth > 0 && self.random.percent(40) {
                        let has_default = field.default_value.is_some();
                        let value = part(self, &field.value_type, has_default);
                        fields.push((field.name.clone(), value));
                    }
                }
                Value::Object(fields)
            }
            _ => match name {
                "Int" => Value::Int((self.random.below(200) as i32 - 100).into()),
                "Float" if self.random.percent(50) => Value::Float(0.25),
                "Float" => Value::Int(7.into()),
                "Boolean" => Value::Boolean(self.random.percent(50)),
                "ID" if self.random.percent(40) => Value::Int(42.into()),
                _ => Value::String(
                    (*self.random.pick(&["", "s", "\"q\" \\", "ü\u{1F600}"])).to_owned(),
                ),
            },
        }
    }

    fn json(&mut self, ty: &Type, depth: usize) -> Json {
        let inner = match ty {
            Type::NonNullType(inner) => inner,
            _ if self.random.percent(20) => return Json::Null,
            ty => ty,
        };
        let name = match inner {
            Type::ListType(item) if self.random.percent(20) && !is_list(item) => {
                return self.json(&never_null(item), depth);
            }
            Type::ListType(item) => {
                let length = if depth == 0 { 0 } else { self.random.below(3) };
                return (0..length).map(|_| self.json(item, depth - 1)).collect();
            }
            inner => named(inner),
        };
        let model = self.model;
        match model.api.ty(name) {
            Some(TypeDefinition::Enum(own)) => self.random.pick(&own.values).name.as_str().into(),
            Some(TypeDefinition::InputObject(own)) => {
                let mut fields = Map::new();
                for field in &own.fields {
                    if depth > 0 && self.random.percent(40) {
                        fields.insert(field.name.clone(), self.json(&field.value_type, depth - 1));
                    }
                }
                fields.into()
            }
            _ => match name {
                "Int" => (self.random.below(200) as i64 - 100).into(),
                "Float" if self.random.percent(50) => (-1.75).into(),
                "Float" => 3.into(),
                "Boolean" => self.random.percent(50).into(),
                "ID" if self.random.percent(40) => 17.into(),
                _ => (*self.random.pick(&["", "t", "\"q\" \\ \n", "\u{1F600}"])).into(),
            },
        }
    }
}

fn is_list(ty: &Type) -> bool {
    match ty {
        Type::NonNullType(inner) => is_list(inner),
        Type::ListType(_) => true,
        Type::NamedType(_) => false,
    }
}

fn never_null(ty: &Type) -> Type {
    match ty {
        Type::NonNullType(_) => ty.clone(),
        ty => Type::NonNullType(Box::new(ty.clone())),
    }
}

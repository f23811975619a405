//! Random data: a table ([`crate::world`]) of what every object has, nulls and errors among it, and which
//! subgraph does not answer.

use crate::{
    model::{Model, Subgraph, named, nullable},
    random::Random,
    schema::Type,
    world::{ROOTS, World},
};
use graphql_tools::parser::schema::{Field, TypeDefinition};
use serde_json::{Map, Value as Json, json};
use std::sync::Arc;

/// Each type has one object of each label.
const LABELS: [&str; 4] = ["A", "B", "C", "D"];

/// Entities that a subgraph may lose, or not have: nothing else is found by way of it there.
const MAY_BE_LOST: [(&str, &str); 8] = [
    ("Product", "stock"),
    ("Product", "ratings"),
    ("Product", "trade"),
    ("Author", "ratings"),
    ("Book", "ratings"),
    ("Film", "ratings"),
    ("Maker", "trade"),
    ("Store", "depots"),
];

/// Subgraphs that may be away: nothing is found by way of them alone.
const MAY_BE_AWAY: [&str; 3] = ["stock", "ratings", "depots"];

pub struct Data {
    pub world: Arc<World>,
    /// The subgraph that does not answer.
    pub away: Option<&'static str>,
}

impl Data {
    pub fn new(model: &Model, seed: u64) -> Data {
        let mut random = Random::new(seed);
        // Some data are without any fault, so that nothing hides behind nulls.
        let faults = *random.pick(&[0, 1, 1, 3]);
        let away = (faults > 0 && random.percent(15)).then(|| *random.pick(&MAY_BE_AWAY));
        let mut maker = Maker { model, random, faults };
        let mut types = Map::new();
        let objects: Vec<&String> =
            model.api.types.keys().filter(|name| model.api.is_object(name)).collect();
        for ty in objects {
            let rows = match ROOTS.contains(&ty.as_str()) {
                true => maker.row(ty, "", 0),
                false => {
                    let rows = LABELS.iter().enumerate().map(|(number, label)| {
                        let label = format!("{ty}-{label}");
                        let row = maker.row(ty, &label, number);
                        (label, row)
                    });
                    Json::Object(rows.collect())
                }
            };
            types.insert(ty.clone(), rows);
        }
        for (ty, subgraph) in MAY_BE_LOST {
            maker.lose(&mut types[ty], ty, subgraph);
        }
        if let Some(away) = away {
            maker.take_away(&mut types, away);
        }
        let schemas = model.subgraphs.iter().map(|subgraph| &*subgraph.schema);
        Data { world: Arc::new(World::new(&types.into(), schemas)), away }
    }
}

/// What the router says of a subgraph that does not answer.
fn away_message(subgraph: &str) -> String {
    format!("the subgraph \"{subgraph}\" is not available; try again later")
}

/// What a subgraph says of an entity that it cannot get, or of what it would have of it.
fn lost_message(label: &str, subgraph: &str) -> String {
    format!("{label} is lost in {subgraph}")
}

struct Maker<'a> {
    model: &'a Model,
    random: Random,
    /// How many nulls and errors there are, from none to 3.
    faults: usize,
}

impl Maker<'_> {
    fn row(&mut self, ty: &str, label: &str, number: usize) -> Json {
        let model = self.model;
        let mut row = Map::new();
        for field in model.fields(ty) {
            let by = model.owners(ty, &field.name);
            if model.key_fields(ty).contains(&field.name) {
                row.insert(field.name.clone(), self.key(field, label, number, &by));
                continue;
            }
            let what = format!("{label}.{}", field.name);
            for key in variants(model, field) {
                let value = self.value(&field.field_type, &what, &by, !field.arguments.is_empty());
                row.insert(key, value);
            }
        }
        if !is_found(&row, "depots") {
            owned(model, ty, "depots")
                .iter()
                .for_each(|field| overwrite(&mut row, field, &Json::Null));
        }
        row.into()
    }

    /// A value that no other object of the type has; the last object has null where it may.
    fn key(
        &mut self,
        field: &Field<'static, String>,
        label: &str,
        number: usize,
        by: &[&Subgraph],
    ) -> Json {
        let may_be_null = !matches!(field.field_type, Type::NonNullType(_));
        if may_be_null && number + 1 == LABELS.len() && self.random.percent(50) {
            return Json::Null;
        }
        match named(&field.field_type) {
            "Int" => (number * 7).into(),
            "ID" | "String" => format!("{label} \"{}\"", field.name).into(),
            object => self.reference(object, by),
        }
    }

    fn reference(&mut self, ty: &str, by: &[&Subgraph]) -> Json {
        let objects = self.model.returnable(ty, by);
        let object = *self.random.pick(&objects);
        // Depots know stores by their numbers alone, which the last may lack.
        let by_number = object == "Store" && by.iter().any(|subgraph| &*subgraph.name == "depots");
        let labels = &LABELS[..LABELS.len() - usize::from(by_number)];
        format!("#{object}-{}", self.random.pick(labels)).into()
    }

    fn value(&mut self, ty: &Type, what: &str, by: &[&Subgraph], arguments: bool) -> Json {
        let (inner, nullable) = nullable(ty);
        let (null, error) = if nullable { (6, 3) } else { (0, 1) };
        let chance = self.random.below(100);
        if chance < null * self.faults {
            return Json::Null;
        }
        if chance < (null + error) * self.faults {
            return match self.random.percent(10) && !nullable {
                true => Json::Null,
                false => json!({ "$error": format!("{what} failed"), "$code": "FAILED" }),
            };
        }
        match inner {
            Type::ListType(item) => {
                let length = *self.random.pick(&[0, 1, 2, 2, 3]);
                (0..length).map(|_| self.value(item, what, by, arguments)).collect()
            }
            Type::NamedType(name) => self.leaf(name, what, by, arguments),
            Type::NonNullType(_) => panic!("twice non-null"),
        }
    }

    fn leaf(&mut self, name: &str, what: &str, by: &[&Subgraph], arguments: bool) -> Json {
        match self.model.api.ty(name) {
            Some(TypeDefinition::Enum(own)) => self.random.pick(&own.values).name.as_str().into(),
            Some(TypeDefinition::Scalar(_)) => match name {
                "Int" => (self.random.below(2_000) as i64 - 1_000).into(),
                "Boolean" => self.random.percent(50).into(),
                "String" if arguments => format!("{what} of {{args}}").into(),
                "String" => match self.random.percent(10) {
                    true => "é \"quoted\" \\ \n \u{1F600} {x}".into(),
                    false => format!("{what} {}", self.random.below(9)).into(),
                },
                other => panic!("no data of the type {other}"),
            },
            _ => self.reference(name, by),
        }
    }

    /// Some entities are not there for a subgraph, and some it fails to get.
    fn lose(&mut self, rows: &mut Json, ty: &str, subgraph: &str) {
        for (label, row) in rows.as_object_mut().unwrap() {
            let row = row.as_object_mut().unwrap();
            if !self.random.percent(4 * self.faults) || !is_found(row, subgraph) {
                continue;
            }
            let missing = self.random.percent(50);
            for field in owned(self.model, ty, subgraph) {
                let value = match missing {
                    true => Json::Null,
                    false => json!({ "$error": lost_message(label, subgraph) }),
                };
                overwrite(row, &field, &value);
            }
            match missing {
                true => row.insert(format!("$missing@{subgraph}"), true.into()),
                false => {
                    row.insert(format!("$error@{subgraph}"), lost_message(label, subgraph).into())
                }
            };
        }
    }

    /// Nothing of a subgraph can be had.
    fn take_away(&mut self, types: &mut Map<String, Json>, subgraph: &str) {
        let error = json!({ "$error": away_message(subgraph), "$code": "SUBGRAPH_UNAVAILABLE" });
        for (ty, rows) in types {
            let fields = owned(self.model, ty, subgraph);
            let rows: Vec<&mut Json> = match ROOTS.contains(&ty.as_str()) {
                true => vec![rows],
                false => rows.as_object_mut().unwrap().values_mut().collect(),
            };
            for row in rows {
                let row = row.as_object_mut().unwrap();
                if !is_found(row, subgraph) {
                    continue;
                }
                fields.iter().for_each(|field| overwrite(row, field, &error));
            }
        }
    }
}

/// Depots keep stores by their numbers, and have nothing of one without: nobody asks them.
fn is_found(row: &Map<String, Json>, subgraph: &str) -> bool {
    let is_store = row.contains_key("depots");
    !(is_store && subgraph == "depots" && row["number"].is_null())
}

/// The fields of a type that one subgraph alone resolves, without keys.
fn owned(model: &Model, ty: &str, subgraph: &str) -> Vec<String> {
    let keys = model.key_fields(ty);
    let names = model.fields(ty).iter().map(|field| field.name.clone());
    let alone = |name: &String| {
        let owners = model.owners(ty, name);
        owners.len() == 1 && &*owners[0].name == subgraph
    };
    names.filter(|name| !keys.contains(name) && alone(name)).collect()
}

fn overwrite(row: &mut Map<String, Json>, field: &str, value: &Json) {
    let with_arguments = format!("{field}(");
    row.retain(|key, _| !key.starts_with(&with_arguments));
    row.insert(field.to_owned(), value.clone());
}

/// How the table names a field: once, and for each value that its only argument can have.
fn variants(model: &Model, field: &Field<'static, String>) -> Vec<String> {
    let mut all = vec![field.name.clone()];
    if let [argument] = &field.arguments[..]
        && let Some(TypeDefinition::Enum(values)) = model.api.ty(named(&argument.value_type))
    {
        let values = values.values.iter().map(|value| value.name.as_str());
        let variant = |value| format!("{}({}: {value})", field.name, argument.name);
        all.extend(values.chain(["null"]).map(variant));
    }
    all
}

//! Texts of the table with places that are filled in when the field is asked for.
//!
//! `{args}` is the arguments as the subgraph got them (JSON, keys in alphabetical order), `{args.name}` one of them, `{rep.name.name}` what
//! the entity's representation has, and `{log}` the mutations until now. A text that is nothing but one
//! such place becomes its value, whatever that is.

use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;

pub struct Filling<'a> {
    pub arguments: &'a Map<String, Json>,
    pub representation: &'a Json,
    pub log: String,
}

/// Whether a value depends on how it is asked for.
pub fn is_template(value: &Json) -> bool {
    value
        .as_str()
        .is_some_and(|text| ["{args", "{rep.", "{log}"].iter().any(|start| text.contains(start)))
}

impl Filling<'_> {
    pub fn fill(&self, value: &Json) -> Json {
        let Some(mut rest) = value.as_str().filter(|_| is_template(value)) else {
            return value.clone();
        };
        let mut text = String::new();
        while let Some((before, place)) = rest.split_once('{') {
            let (place, after) = place.split_once('}').unwrap();
            let filled = self.place(place);
            if before.is_empty() && after.is_empty() && text.is_empty() {
                return filled;
            }
            text += before;
            match filled {
                Json::String(filled) => text += &filled,
                filled => text += &canonical(&filled),
            }
            rest = after;
        }
        Json::String(text + rest)
    }

    fn place(&self, place: &str) -> Json {
        let mut steps = place.split('.');
        let arguments = Json::Object(self.arguments.clone());
        let mut value = match steps.next() {
            Some("log") => return self.log.as_str().into(),
            Some("rep") => self.representation,
            Some("args") if place == "args" => return canonical(&arguments).into(),
            Some("args") => &arguments,
            other => panic!("no such place: {other:?}"),
        };
        for step in steps {
            value = &value[step];
        }
        value.clone()
    }
}

/// JSON text with the keys in alphabetical order.
pub fn canonical(value: &Json) -> String {
    match value {
        Json::Object(fields) => {
            let sorted: BTreeMap<_, _> = fields.iter().collect();
            let fields =
                sorted.into_iter().map(|(name, value)| format!("{name:?}:{}", canonical(value)));
            format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
        }
        Json::Array(items) => {
            format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(","))
        }
        leaf => leaf.to_string(),
    }
}

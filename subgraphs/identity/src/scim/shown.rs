//! Which attributes are shown (RFC 7644, section 3.9): some, all but some, or all. `schemas` and `id` always
//! are.

use serde_json::{Map, Value};

use super::document::Document;

/// Names that somebody wrote, in lower case and without a schema: `name.familyname`.
type Names = Vec<String>;

/// Which attributes are shown.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) enum Shown {
    #[default]
    All,
    Only(Names),
    But(Names),
}

const ALWAYS: [&str; 2] = ["schemas", "id"];

impl Shown {
    /// By the two parameters, of which the first counts.
    pub(super) fn of<'a>(
        only: impl IntoIterator<Item = &'a str>,
        but: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let names = |given: &mut dyn Iterator<Item = &'a str>| -> Names {
            let names = given.map(str::trim).filter(|name| !name.is_empty());
            let own = names.map(|name| name.rsplit_once(':').map_or(name, |(_, own)| own));
            own.map(str::to_ascii_lowercase).collect()
        };
        let (only, but) = (names(&mut only.into_iter()), names(&mut but.into_iter()));
        match (only.is_empty(), but.is_empty()) {
            (false, _) => Self::Only(only),
            (true, false) => Self::But(but),
            (true, true) => Self::All,
        }
    }

    /// Whether an attribute, or something within it, is shown.
    pub(super) fn wants(&self, attribute: &str) -> bool {
        let attribute = attribute.to_ascii_lowercase();
        match self {
            Self::All => true,
            Self::Only(names) => names
                .iter()
                .any(|name| name.split('.').next().is_some_and(|first| first == attribute)),
            Self::But(names) => !names.contains(&attribute),
        }
    }

    /// What is shown of a resource.
    pub(super) fn of_resource(&self, resource: Document) -> Value {
        let shown = resource.into_iter().filter_map(|(name, value)| {
            if ALWAYS.contains(&name.as_str()) {
                return Some((name, value));
            }
            if !self.wants(&name) {
                return None;
            }
            let value = self.within(&name.to_ascii_lowercase(), value);
            Some((name, value))
        });
        Value::Object(shown.collect::<Map<_, _>>())
    }

    fn within(&self, attribute: &str, value: Value) -> Value {
        let (keep, names) = match self {
            Self::All => return value,
            Self::Only(names) if names.iter().any(|name| name == attribute) => return value,
            Self::Only(names) => (true, names),
            Self::But(names) => (false, names),
        };
        let named = |sub: &str| {
            let whole = format!("{attribute}.{}", sub.to_ascii_lowercase());
            names.contains(&whole) == keep
        };
        match value {
            Value::Object(map) => map.into_iter().filter(|(sub, _)| named(sub)).collect(),
            Value::Array(values) => {
                values.into_iter().map(|value| self.within(attribute, value)).collect()
            }
            plain => plain,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shown(only: &str, but: &str) -> Value {
        let resource = json!({
            "schemas": ["s"], "id": "usr_1", "userName": "ada", "active": true,
            "name": { "givenName": "Ada", "familyName": "Lovelace" },
            "emails": [{ "value": "a@b.example", "type": "work" }],
        });
        Shown::of(only.split(','), but.split(','))
            .of_resource(resource.as_object().unwrap().clone())
    }

    #[test]
    fn some_attributes_are_shown_or_left_out() {
        assert_eq!(shown("", "").as_object().unwrap().len(), 6);
        let some =
            shown("USERNAME, name.familyName,emails.value,urn:x:2.0:User:active,none", "userName");
        let expected = json!({
            "schemas": ["s"], "id": "usr_1", "userName": "ada", "active": true,
            "name": { "familyName": "Lovelace" }, "emails": [{ "value": "a@b.example" }],
        });
        assert_eq!(some, expected);
        let rest = shown("", "id,schemas,emails,name.givenName,active,userName");
        assert_eq!(
            rest,
            json!({ "schemas": ["s"], "id": "usr_1", "name": { "familyName": "Lovelace" } })
        );
    }
}

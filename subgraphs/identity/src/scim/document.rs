//! What a directory says of a person or a group: an object of the attributes that are kept, under their own
//! names, checked. Attributes that are unknown, or that Studio alone changes, are left out (RFC 7644, sections
//! 3.3 and 3.5.1): nobody gets a role by sending `roles`.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{
    ScimError, ScimType,
    attributes::{Attribute, Kind, Mutability, Resource, find},
    filter::as_bool,
};

/// Attributes by their names.
pub type Document = Map<String, Value>;

/// Characters of a text at most.
const LONGEST: usize = 512;
/// Values of an attribute at most,
const MOST_VALUES: usize = 20;
/// and members of a group.
pub(crate) const MOST_MEMBERS: usize = 5_000;

/// The body of a POST or a PUT, as far as it is kept.
///
/// # Errors
/// `invalidSyntax`, `invalidValue`.
pub fn read(resource: Resource, body: &Value) -> Result<Document, ScimError> {
    let syntax = |says: String| ScimError::new(ScimType::InvalidSyntax, says);
    let body = body.as_object().ok_or_else(|| syntax("Send an object.".to_owned()))?;
    let mut document = Document::new();
    let mut seen = BTreeSet::new();
    for (name, value) in body {
        if !seen.insert(name.to_ascii_lowercase()) {
            return Err(syntax(format!("{} comes twice.", shortened(name))));
        }
        if name.eq_ignore_ascii_case("schemas") {
            let own = |it: &Value| it.as_str().is_some_and(|it| resource.is_schema(Some(it)));
            if !value.as_array().is_some_and(|all| all.iter().any(own)) {
                return Err(syntax(format!("schemas must name {}.", resource.schema())));
            }
        }
        let attribute = resource.attribute(name);
        let Some(attribute) = attribute.filter(|it| it.mutability != Mutability::ReadOnly) else {
            continue;
        };
        if let Some(value) = checked(attribute, value)? {
            document.insert(attribute.name.to_owned(), value);
        }
    }
    complete(resource, &document)?;
    Ok(document)
}

/// Whether all that must be there is.
///
/// # Errors
/// `invalidValue`.
pub(crate) fn complete(resource: Resource, document: &Document) -> Result<(), ScimError> {
    let missing = resource.own().iter().find(|it| it.required && !document.contains_key(it.name));
    match missing {
        None => Ok(()),
        Some(attribute) => {
            let says = format!("{} is missing.", attribute.name);
            Err(ScimError::new(ScimType::InvalidValue, says))
        }
    }
}

/// A value of the attribute, or several where it has several; `None` where it is left without one.
///
/// # Errors
/// `invalidValue`.
pub(crate) fn checked(attribute: &Attribute, value: &Value) -> Result<Option<Value>, ScimError> {
    if !attribute.multi {
        return one(attribute, value);
    }
    let several: &[Value] = match value {
        Value::Array(several) => several,
        Value::Null => &[],
        one => std::slice::from_ref(one),
    };
    let most = if attribute.name == "members" { MOST_MEMBERS } else { MOST_VALUES };
    if several.len() > most {
        return Err(wrong(attribute, &format!("at most {most} values")));
    }
    let mut kept = Vec::with_capacity(several.len());
    for value in several {
        kept.extend(one(attribute, value)?);
    }
    Ok(if kept.is_empty() { None } else { Some(Value::Array(kept)) })
}

/// One value of the attribute.
pub(crate) fn one(attribute: &Attribute, value: &Value) -> Result<Option<Value>, ScimError> {
    if value.is_null() {
        return Ok(None);
    }
    match attribute.kind {
        Kind::Boolean => match as_bool(value) {
            Some(value) => Ok(Some(value.into())),
            None => Err(wrong(attribute, "true or false")),
        },
        Kind::Complex(within) => {
            let Some(given) = value.as_object() else {
                return Err(wrong(attribute, "an object"));
            };
            let mut kept = Document::new();
            for (name, value) in given {
                let Some(sub) = find(within, name) else { continue };
                if sub.mutability == Mutability::ReadOnly {
                    continue;
                }
                if let Some(value) = one(sub, value)? {
                    kept.insert(sub.name.to_owned(), value);
                }
            }
            if attribute.multi && !kept.contains_key("value") {
                return Err(wrong(attribute, "objects that have a value"));
            }
            Ok(if kept.is_empty() { None } else { Some(kept.into()) })
        }
        Kind::String | Kind::DateTime | Kind::Reference => {
            let Some(text) = value.as_str() else { return Err(wrong(attribute, "a text")) };
            if text.chars().count() > LONGEST || text.chars().any(char::is_control) {
                let what = format!("a text of one line and {LONGEST} characters at most");
                return Err(wrong(attribute, &what));
            }
            Ok(if text.trim().is_empty() { None } else { Some(text.trim().into()) })
        }
    }
}

fn wrong(attribute: &Attribute, takes: &str) -> ScimError {
    ScimError::new(ScimType::InvalidValue, format!("{} takes {takes}.", attribute.name))
}

/// A name that somebody sent, for a message.
pub(crate) fn shortened(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(80).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_kept_is_kept_under_its_own_name() {
        let body = json!({
            "schemas": [Resource::User.schema(), "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],
            "USERNAME": " ada ", "externalid": "E-1", "active": "False", "displayName": "",
            "name": { "givenName": "Ada", "middleName": "x", "familyName": null },
            "emails": [{ "value": "a@b.example", "primary": "TRUE", "display": "x" }],
            "roles": [{ "value": "owner" }], "entitlements": ["owner"], "password": "x", "id": "usr_9",
            "groups": [{ "value": "grp_1" }], "meta": { "version": "x" }, "title": "Countess",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": { "department": "x" },
            "__proto__": { "owner": true }, "tenant": "org_1",
        });
        let kept = read(Resource::User, &body).unwrap();
        let expected = json!({
            "userName": "ada", "externalId": "E-1", "active": false, "name": { "givenName": "Ada" },
            "emails": [{ "value": "a@b.example", "primary": true }],
        });
        assert_eq!(Value::Object(kept), expected);
    }

    #[test]
    fn what_is_not_right_is_refused() {
        let code = |resource: Resource, body: Value| {
            read(resource, &body).unwrap_err().scim_type().unwrap()
        };
        let user = |body: Value| code(Resource::User, body);
        for syntax in [
            json!([]),
            json!("x"),
            json!(null),
            json!({ "userName": "a", "username": "b" }),
            json!({ "userName": "a", "schemas": [Resource::Group.schema()] }),
            json!({ "schemas": "x" }),
        ] {
            assert_eq!(user(syntax.clone()), ScimType::InvalidSyntax, "{syntax}");
        }
        for value in [
            json!({}),
            json!({ "userName": "" }),
            json!({ "userName": 1 }),
            json!({ "userName": ["a"] }),
            json!({ "userName": "a\nb" }),
            json!({ "userName": "x".repeat(LONGEST + 1) }),
            json!({ "userName": "a", "active": "maybe" }),
            json!({ "userName": "a", "active": 0 }),
            json!({ "userName": "a", "name": "Ada" }),
            json!({ "userName": "a", "emails": ["a@b.example"] }),
            json!({ "userName": "a", "emails": [{ "type": "work" }] }),
            json!({ "userName": "a", "emails": vec![json!({ "value": "a@b.example" }); MOST_VALUES + 1] }),
        ] {
            assert_eq!(user(value.clone()), ScimType::InvalidValue, "{value}");
        }
        let many = vec![json!({ "value": "usr_1" }); MOST_MEMBERS + 1];
        assert_eq!(
            code(Resource::Group, json!({ "displayName": "x", "members": many })),
            ScimType::InvalidValue
        );
    }
}

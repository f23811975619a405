//! PATCH (RFC 7644, section 3.5.2), and how directories write it in fact: operations in capitals, truth values
//! as texts, members to remove in the value, and paths as the names of an object.

mod apply;
mod path;

use serde_json::Value;

pub use path::Path;

use super::{
    ScimError, ScimType,
    attributes::Resource,
    document::{Document, complete},
};

/// Operations of one request at most.
const MOST: usize = 1_000;
/// What every request says that it is.
const SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// What an operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Does {
    Add,
    Replace,
    Remove,
}

/// One operation.
#[derive(Debug, Clone)]
struct Operation {
    does: Does,
    path: Option<String>,
    value: Value,
}

/// The operations of a request.
#[derive(Debug, Clone)]
pub struct Patch(Vec<Operation>);

impl Patch {
    /// Reads the body of a request.
    ///
    /// # Errors
    /// `invalidSyntax`.
    pub fn read(body: &Value) -> Result<Self, ScimError> {
        let syntax = |says: &str| ScimError::new(ScimType::InvalidSyntax, says);
        let schemas = member(body, "schemas").and_then(Value::as_array);
        if !schemas.is_some_and(|all| all.iter().any(|it| it == SCHEMA)) {
            return Err(syntax(&format!("schemas must name {SCHEMA}.")));
        }
        let operations = member(body, "Operations").and_then(Value::as_array);
        let operations = operations.filter(|all| (1..=MOST).contains(&all.len()));
        let operations = operations
            .ok_or_else(|| syntax(&format!("Operations must be 1 to {MOST} operations.")))?;
        let read = operations.iter().map(|given| {
            let op = member(given, "op").and_then(Value::as_str).unwrap_or_default();
            let does = match op.to_ascii_lowercase().as_str() {
                "add" => Does::Add,
                "replace" => Does::Replace,
                "remove" => Does::Remove,
                _ => return Err(syntax("op must be add, replace or remove.")),
            };
            let path = match member(given, "path") {
                None | Some(Value::Null) => None,
                Some(Value::String(path)) => Some(path.clone()).filter(|path| !path.is_empty()),
                Some(_) => return Err(syntax("path must be a text.")),
            };
            let value = member(given, "value").cloned().unwrap_or_default();
            if does == Does::Add && value.is_null() {
                return Err(ScimError::new(
                    ScimType::InvalidValue,
                    "Say what to add: value is missing.",
                ));
            }
            Ok(Operation { does, path, value })
        });
        Ok(Self(read.collect::<Result<_, _>>()?))
    }

    /// The document after all operations.
    ///
    /// # Errors
    /// `invalidPath`, `invalidFilter`, `noTarget`, `mutability`, `invalidValue`.
    pub fn apply(&self, resource: Resource, mut document: Document) -> Result<Document, ScimError> {
        for Operation { does, path, value } in &self.0 {
            match (path, value) {
                (Some(path), value) => apply::at(resource, &mut document, *does, path, value)?,
                (None, Value::Object(values)) if *does != Does::Remove => {
                    // Some directories name the resource in it.
                    let named =
                        |it: &str| ["id", "meta"].iter().any(|own| it.eq_ignore_ascii_case(own));
                    for (name, value) in values.iter().filter(|(name, _)| !named(name)) {
                        if resource.is_schema(Some(name)) {
                            let within = value.as_object().into_iter().flatten();
                            for (name, value) in within {
                                apply::at(resource, &mut document, *does, name, value)?;
                            }
                        } else {
                            apply::at(resource, &mut document, *does, name, value)?;
                        }
                    }
                }
                (None, _) if *does == Does::Remove => {
                    return Err(ScimError::new(
                        ScimType::NoTarget,
                        "Say what to remove: path is missing.",
                    ));
                }
                (None, _) => {
                    let says = "Without a path, value must be an object of attributes.";
                    return Err(ScimError::new(ScimType::InvalidValue, says));
                }
            }
        }
        complete(resource, &document)?;
        Ok(document)
    }
}

/// A member of an object, in whatever case: some directories write `operations`.
fn member<'a>(object: &'a Value, name: &str) -> Option<&'a Value> {
    object.as_object()?.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, it)| it)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn ada() -> Document {
        let kept = json!({
            "userName": "ada", "active": true, "name": { "givenName": "Ada", "familyName": "Byron" },
            "emails": [
                { "value": "ada@example.org", "type": "work", "primary": true },
                { "value": "ada@home.example", "type": "home" },
            ],
        });
        kept.as_object().unwrap().clone()
    }

    fn patch(operations: Value) -> Result<Value, ScimType> {
        patch_of(Resource::User, ada(), operations)
    }

    fn patch_of(
        resource: Resource,
        document: Document,
        operations: Value,
    ) -> Result<Value, ScimType> {
        let body = json!({ "schemas": [SCHEMA], "Operations": operations });
        Patch::read(&body)
            .and_then(|patch| patch.apply(resource, document))
            .map(Value::Object)
            .map_err(|error| error.scim_type().unwrap())
    }

    #[test]
    fn attributes_are_added_replaced_and_removed() {
        let changed = patch(json!([
            { "op": "replace", "path": "name.familyName", "value": "Lovelace" },
            { "op": "add", "path": "displayName", "value": "Ada L." },
            { "op": "remove", "path": "name.givenName" },
            { "op": "add", "value": { "externalId": "E-1", "emails": [{ "value": "a@x.example" }] } },
            { "op": "replace", "path": "emails[type eq \"home\"].value", "value": "b@home.example" },
        ]));
        let changed = changed.unwrap();
        assert_eq!(changed["name"], json!({ "familyName": "Lovelace" }));
        assert_eq!(
            (&changed["displayName"], &changed["externalId"]),
            (&json!("Ada L."), &json!("E-1"))
        );
        let emails: Vec<_> =
            changed["emails"].as_array().unwrap().iter().map(|it| &it["value"]).collect();
        assert_eq!(emails, ["ada@example.org", "b@home.example", "a@x.example"]);
        let gone = patch(json!([{ "op": "remove", "path": "emails[type eq \"home\"]" }])).unwrap();
        assert_eq!(gone["emails"].as_array().unwrap().len(), 1);
        let all = patch(json!([{ "op": "remove", "path": "emails" }])).unwrap();
        assert_eq!(all.get("emails"), None);
        let null = patch(json!([{ "op": "replace", "path": "name", "value": null }])).unwrap();
        assert_eq!(null.get("name"), None);
    }

    #[test]
    fn one_address_is_the_primary_one() {
        let changed = patch(json!([
            { "op": "add", "path": "emails", "value": [{ "value": "new@example.org", "primary": true }] },
        ]));
        let changed = changed.unwrap();
        let primary: Vec<_> = changed["emails"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|it| it["primary"] == true)
            .map(|it| &it["value"])
            .collect();
        assert_eq!(primary, ["new@example.org"]);
    }

    #[test]
    fn directories_are_read_as_they_write() {
        for off in [
            json!([{ "op": "Replace", "path": "active", "value": "False" }]),
            json!([{ "op": "REPLACE", "value": { "active": false } }]),
            json!([{ "op": "replace", "value": { "urn:ietf:params:scim:schemas:core:2.0:User": { "active": "false" } } }]),
            json!([{ "op": "replace", "path": "urn:ietf:params:scim:schemas:core:2.0:User:active", "value": false }]),
        ] {
            assert_eq!(patch(off.clone()).unwrap()["active"], false, "{off}");
        }
        let dotted = patch(json!([{ "op": "Add", "value": {
            "name.familyName": "Lovelace", "emails[type eq \"work\"].value": "l@example.org",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department": "Numbers",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": { "manager": { "value": "x" } },
            "title": "Countess", "id": "usr_9",
        } }]));
        let dotted = dotted.unwrap();
        assert_eq!(dotted["name"]["familyName"], "Lovelace");
        assert_eq!(dotted["emails"][0]["value"], "l@example.org");
        assert_eq!(dotted.get("title"), None);
        // What is added where no value is such yet becomes one.
        let other = patch(json!([
            { "op": "Add", "path": "emails[type eq \"other\"].value", "value": "o@example.org" },
        ]));
        assert_eq!(
            other.unwrap()["emails"][2],
            json!({ "type": "other", "value": "o@example.org" })
        );
    }

    #[test]
    fn members_come_and_go() {
        let group =
            json!({ "displayName": "x", "members": [{ "value": "usr_1" }, { "value": "usr_2" }] });
        let group = group.as_object().unwrap().clone();
        let members = |operations: Value| {
            let changed = patch_of(Resource::Group, group.clone(), operations).unwrap();
            let members = changed["members"].as_array().cloned().unwrap_or_default();
            members.iter().map(|it| it["value"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        let add = json!([{ "op": "Add", "path": "members", "value": [{ "value": "usr_3" }, { "value": "usr_1" }] }]);
        assert_eq!(members(add), ["usr_1", "usr_2", "usr_3"]);
        for gone in [
            json!([{ "op": "remove", "path": "members[value eq \"usr_1\"]" }]),
            json!([{ "op": "Remove", "path": "members", "value": [{ "value": "usr_1" }] }]),
            json!([{ "op": "replace", "path": "members", "value": [{ "value": "usr_2" }] }]),
        ] {
            assert_eq!(members(gone.clone()), ["usr_2"], "{gone}");
        }
        assert_eq!(members(json!([{ "op": "remove", "path": "members" }])), Vec::<String>::new());
        let nobody = json!([{ "op": "remove", "path": "members[value eq \"usr_9\"]" }]);
        assert_eq!(members(nobody), ["usr_1", "usr_2"]);
    }

    #[test]
    fn what_cannot_be_done_is_refused_and_nothing_is() {
        for (operation, code) in [
            (
                json!({ "op": "replace", "path": "roles", "value": ["owner"] }),
                ScimType::InvalidPath,
            ),
            (json!({ "op": "add", "value": { "roles": ["owner"] } }), ScimType::InvalidPath),
            (json!({ "op": "replace", "path": "id", "value": "usr_1" }), ScimType::Mutability),
            (
                json!({ "op": "add", "value": { "groups": [{ "value": "grp_1" }] } }),
                ScimType::Mutability,
            ),
            (json!({ "op": "remove", "path": "userName" }), ScimType::Mutability),
            (json!({ "op": "replace", "path": "userName", "value": "" }), ScimType::Mutability),
            (json!({ "op": "remove" }), ScimType::NoTarget),
            (
                json!({ "op": "replace", "path": "emails[type eq \"x\"].value", "value": "a" }),
                ScimType::NoTarget,
            ),
            (json!({ "op": "replace", "path": "emails[", "value": "a" }), ScimType::InvalidPath),
            (
                json!({ "op": "replace", "path": "active", "value": "maybe" }),
                ScimType::InvalidValue,
            ),
            (json!({ "op": "replace", "path": "name", "value": "Ada" }), ScimType::InvalidValue),
            (json!({ "op": "replace", "value": "Ada" }), ScimType::InvalidValue),
            (json!({ "op": "add", "path": "displayName" }), ScimType::InvalidValue),
            (json!({ "op": "move", "path": "name" }), ScimType::InvalidSyntax),
            (json!({ "op": "replace", "path": 7, "value": "a" }), ScimType::InvalidSyntax),
            (json!("replace"), ScimType::InvalidSyntax),
        ] {
            assert_eq!(patch(json!([operation])).unwrap_err(), code, "{operation}");
        }
        assert_eq!(patch(json!([])).unwrap_err(), ScimType::InvalidSyntax);
        let many = vec![json!({ "op": "remove", "path": "emails" }); MOST + 1];
        assert_eq!(patch(json!(many)).unwrap_err(), ScimType::InvalidSyntax);
        assert!(
            Patch::read(&json!({ "Operations": [{ "op": "remove", "path": "emails" }] })).is_err()
        );
    }
}

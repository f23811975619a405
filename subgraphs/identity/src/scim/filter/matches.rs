//! Whether a resource is one that a filter asks for.

use std::cmp::Ordering;

use serde_json::{Map, Value};
use studio_kernel::Timestamp;

use super::{Filter, FilterError, Name, Op};
use crate::scim::attributes::{Attribute, Kind, Resource, find};

/// What attributes are named by: those of a resource, or those within one attribute.
#[derive(Clone, Copy)]
enum Among {
    Resource(Resource),
    Within(&'static [Attribute]),
}

impl Among {
    fn attribute(self, name: &Name) -> Option<&'static Attribute> {
        match self {
            Self::Resource(resource) if resource.is_schema(name.schema.as_deref()) => {
                resource.attribute(&name.attribute)
            }
            Self::Resource(_) => None,
            Self::Within(attributes) if name.schema.is_none() => find(attributes, &name.attribute),
            Self::Within(_) => None,
        }
    }

    /// The attribute, and what of it is compared: of several values it is `value` unless something else is
    /// named (RFC 7644, section 3.4.2.2).
    fn compared(self, name: &Name) -> Option<(&'static Attribute, Option<&'static Attribute>)> {
        let attribute = self.attribute(name)?;
        let sub = match (&name.sub, attribute.kind) {
            (Some(sub), _) => Some(find(attribute.within(), sub)?),
            (None, Kind::Complex(within)) if attribute.multi => find(within, "value"),
            (None, _) => None,
        };
        Some((attribute, sub))
    }
}

impl Filter {
    /// Whether resources of that kind can be compared so.
    ///
    /// # Errors
    /// With what cannot be.
    pub fn check(&self, resource: Resource) -> Result<(), FilterError> {
        self.check_among(Among::Resource(resource))
    }

    /// As [`Filter::check`], of the values of an attribute.
    pub(crate) fn check_within(&self, attribute: &'static Attribute) -> Result<(), FilterError> {
        self.check_among(Among::Within(attribute.within()))
    }

    fn check_among(&self, among: Among) -> Result<(), FilterError> {
        match self {
            Self::And(one, two) | Self::Or(one, two) => {
                one.check_among(among)?;
                two.check_among(among)
            }
            Self::Not(filter) => filter.check_among(among),
            Self::Present(name) => among.compared(name).map(|_| ()).ok_or_else(|| unknown(name)),
            Self::Compare(name, op, value) => {
                let (attribute, sub) = among.compared(name).ok_or_else(|| unknown(name))?;
                comparable(name, sub.unwrap_or(attribute), *op, value)
            }
            Self::Within(name, filter) => {
                let attribute = among.attribute(name).ok_or_else(|| unknown(name))?;
                if !attribute.multi || attribute.within().is_empty() {
                    return Err(FilterError(format!("{name} has no values to choose from.")));
                }
                filter.check_among(Among::Within(attribute.within()))
            }
        }
    }

    /// Whether a resource of that kind is such. What cannot be compared is not.
    pub fn matches(&self, resource: Resource, shown: &Map<String, Value>) -> bool {
        self.holds(Among::Resource(resource), shown)
    }

    /// Whether one of the values of an attribute is such.
    pub(crate) fn matches_within(&self, attribute: &'static Attribute, value: &Value) -> bool {
        value.as_object().is_some_and(|value| self.holds(Among::Within(attribute.within()), value))
    }

    fn holds(&self, among: Among, of: &Map<String, Value>) -> bool {
        match self {
            Self::And(one, two) => one.holds(among, of) && two.holds(among, of),
            Self::Or(one, two) => one.holds(among, of) || two.holds(among, of),
            Self::Not(filter) => !filter.holds(among, of),
            Self::Present(name) => !values(among, name, of).1.is_empty(),
            Self::Compare(name, op, Value::Null) => {
                let absent = values(among, name, of).1.is_empty();
                absent == (*op == Op::Eq)
            }
            Self::Compare(name, Op::Ne, wanted) => {
                let (kind, found) = values(among, name, of);
                !found.iter().any(|value| compare(kind, value, Op::Eq, wanted))
            }
            Self::Compare(name, op, wanted) => {
                let (kind, found) = values(among, name, of);
                found.iter().any(|value| compare(kind, value, *op, wanted))
            }
            Self::Within(name, filter) => {
                let Some(attribute) = among.attribute(name) else { return false };
                let several = of.get(attribute.name).and_then(Value::as_array);
                several.into_iter().flatten().any(|value| filter.matches_within(attribute, value))
            }
        }
    }
}

fn unknown(name: &Name) -> FilterError {
    FilterError(format!("{name} is no attribute that is kept: GET /scim/v2/Schemas lists them."))
}

fn comparable(
    name: &Name,
    attribute: &Attribute,
    op: Op,
    value: &Value,
) -> Result<(), FilterError> {
    let refuse = |what: &str| Err(FilterError(format!("{name} {} takes {what}.", op.as_str())));
    if value.is_null() && matches!(op, Op::Eq | Op::Ne) {
        return Ok(());
    }
    match attribute.kind {
        Kind::Complex(_) => Err(FilterError(format!("Compare what is within {name}, or use pr."))),
        Kind::Boolean if !matches!(op, Op::Eq | Op::Ne) => {
            Err(FilterError(format!("{name} is true or false: compare it by eq or ne.")))
        }
        Kind::Boolean if as_bool(value).is_none() => refuse("true or false"),
        Kind::DateTime if matches!(op, Op::Co | Op::Sw | Op::Ew) => Err(FilterError(format!(
            "{name} is an instant: compare it by eq, ne, gt, ge, lt or le."
        ))),
        Kind::DateTime if as_instant(value).is_none() => {
            refuse("an instant, as in \"2026-03-01T09:00:00Z\"")
        }
        Kind::String | Kind::Reference if !value.is_string() => refuse("a text in quotation marks"),
        _ => Ok(()),
    }
}

/// The values of a name, with what kind they are.
fn values<'a>(
    among: Among,
    name: &Name,
    of: &'a Map<String, Value>,
) -> (Option<&'static Attribute>, Vec<&'a Value>) {
    let Some((attribute, sub)) = among.compared(name) else { return (None, Vec::new()) };
    let value = of.get(attribute.name);
    let each: Vec<&Value> = match value {
        Some(Value::Array(several)) => several.iter().collect(),
        one => one.into_iter().collect(),
    };
    let found = each.into_iter().filter_map(|value| match sub {
        Some(sub) => value.get(sub.name),
        None => Some(value),
    });
    let some = |value: &&Value| match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Object(map) => !map.is_empty(),
        _ => true,
    };
    (Some(sub.unwrap_or(attribute)), found.filter(some).collect())
}

/// True or false; some directories write it as a text.
pub(crate) fn as_bool(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(value) => Some(*value),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

fn as_instant(value: &Value) -> Option<Timestamp> {
    value.as_str()?.parse().ok()
}

fn compare(attribute: Option<&Attribute>, found: &Value, op: Op, wanted: &Value) -> bool {
    let Some(attribute) = attribute else { return false };
    match attribute.kind {
        Kind::Boolean => op == Op::Eq && as_bool(found) == as_bool(wanted),
        Kind::DateTime => match (as_instant(found), as_instant(wanted)) {
            (Some(found), Some(wanted)) => ordered(found.cmp(&wanted), op),
            _ => false,
        },
        Kind::String | Kind::Reference => {
            let (Some(found), Some(wanted)) = (found.as_str(), wanted.as_str()) else {
                return false;
            };
            match attribute.case_exact {
                true => texts(found, wanted, op),
                false => texts(&found.to_lowercase(), &wanted.to_lowercase(), op),
            }
        }
        Kind::Complex(_) => false,
    }
}

fn texts(found: &str, wanted: &str, op: Op) -> bool {
    match op {
        Op::Co => found.contains(wanted),
        Op::Sw => found.starts_with(wanted),
        Op::Ew => found.ends_with(wanted),
        _ => ordered(found.cmp(wanted), op),
    }
}

fn ordered(ordering: Ordering, op: Op) -> bool {
    match op {
        Op::Eq => ordering.is_eq(),
        Op::Gt => ordering.is_gt(),
        Op::Ge => ordering.is_ge(),
        Op::Lt => ordering.is_lt(),
        Op::Le => ordering.is_le(),
        Op::Ne | Op::Co | Op::Sw | Op::Ew => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn ada() -> Map<String, Value> {
        let shown = json!({
            "id": "usr_1", "externalId": "E-1", "userName": "Ada@Example.org", "active": true,
            "name": { "familyName": "Lovelace", "givenName": "" },
            "emails": [
                { "value": "ada@example.org", "type": "work", "primary": true },
                { "value": "ada@home.example", "type": "home" },
            ],
            "meta": { "created": "2026-03-01T09:00:00Z", "resourceType": "User" },
        });
        shown.as_object().unwrap().clone()
    }

    fn holds(text: &str) -> bool {
        let filter = Filter::parse(text).unwrap();
        filter.check(Resource::User).unwrap_or_else(|error| panic!("{text}: {error}"));
        filter.matches(Resource::User, &ada())
    }

    #[test]
    fn every_operator_compares() {
        for yes in [
            r#"userName eq "ada@example.ORG""#,
            r#"externalId eq "E-1""#,
            r#"userName co "EXAMPLE""#,
            r#"userName sw "ada""#,
            r#"userName ew ".org""#,
            r#"userName gt "ab""#,
            r#"userName le "b""#,
            r#"userName ge "ada@example.org""#,
            r#"userName lt "adb""#,
            r#"userName ne "x""#,
            "active eq true",
            r#"active eq "True""#,
            "active ne false",
            "name.familyName pr",
            "emails pr",
            "displayName eq null",
            "userName ne null",
            r#"emails eq "ada@home.example""#,
            r#"emails.type eq "HOME""#,
            r#"emails[type eq "work" and primary eq true]"#,
            r#"not (emails[type eq "other"])"#,
            r#"meta.created ge "2026-03-01T10:00:00+01:00""#,
            r#"meta.created lt "2026-03-02T00:00:00Z""#,
            r#"active eq false or userName sw "a""#,
            r#"displayName ne "x""#,
            r#"urn:ietf:params:scim:schemas:core:2.0:user:userName pr"#,
        ] {
            assert!(holds(yes), "{yes}");
        }
        for no in [
            r#"userName eq "ada""#,
            r#"externalId eq "e-1""#,
            "active eq false",
            "displayName pr",
            "name.givenName pr",
            r#"userName ne "ADA@example.org""#,
            r#"emails[type eq "home" and primary eq true]"#,
            r#"emails.type ne "work""#,
            r#"meta.created gt "2026-03-01T09:00:00Z""#,
            r#"userName sw "a" and active eq false"#,
            r#"displayName eq "x""#,
            r#"displayName gt "x""#,
            "userName eq null",
        ] {
            assert!(!holds(no), "{no}");
        }
    }

    #[test]
    fn what_cannot_be_compared_is_refused() {
        for bad in [
            "title pr",
            r#"roles eq "owner""#,
            "name.middleName pr",
            "active gt true",
            r#"active eq "yes""#,
            "active co \"t\"",
            r#"meta.created co "2026""#,
            r#"meta.created gt "yesterday""#,
            "userName eq 1",
            r#"name eq "Ada""#,
            r#"name[familyName eq "x"]"#,
            r#"userName[value eq "x"]"#,
            "emails[title pr]",
            r#"urn:ietf:params:scim:schemas:core:2.0:Group:displayName pr"#,
            r#"members eq "x""#,
            r#"emails[urn:ietf:params:scim:schemas:core:2.0:User:value pr]"#,
            r#"password sw "a""#,
            "userName gt null",
        ] {
            assert!(Filter::parse(bad).unwrap().check(Resource::User).is_err(), "{bad}");
        }
        let filter = Filter::parse(r#"members[value eq "usr_1"]"#).unwrap();
        assert!(filter.check(Resource::Group).is_ok());
        assert!(!filter.matches(Resource::User, &ada()));
    }
}

//! Where an operation of a PATCH leads (RFC 7644, section 3.5.2): `attrPath / valuePath [subAttr]`, as in
//! `name.familyName`, `members[value eq "…"]` and `emails[type eq "work"].value`.

use std::fmt;

use crate::scim::{
    ScimError, ScimType,
    attributes::{self, Attribute, Mutability, Resource, find},
    filter::{Filter, FilterError, Name, Parser},
};

/// A path as somebody wrote it.
#[derive(Debug, Clone, PartialEq)]
pub struct Path {
    /// The attribute, and what is within it.
    pub name: Name,
    /// Which of its values.
    pub filter: Option<Filter>,
}

/// What a path leads to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Target<'a> {
    /// Something that is known and of which nothing is kept.
    NotKept,
    /// An attribute, some of its values, or what is within them.
    Kept {
        attribute: &'static Attribute,
        filter: Option<&'a Filter>,
        sub: Option<&'static Attribute>,
    },
}

impl Path {
    /// Reads a path.
    ///
    /// # Errors
    /// With what is wrong, and where.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        let mut parser = Parser::new(text)?;
        let mut name = parser.name()?;
        let mut filter = None;
        if parser.take('[') {
            if name.sub.is_some() {
                return Err(FilterError(format!("{name} has no values to choose from.")));
            }
            filter = Some(parser.within()?);
            if parser.take('.') {
                let sub = parser.name()?;
                if sub.schema.is_some() || sub.sub.is_some() {
                    return Err(FilterError(format!("{sub} is not within {name}.")));
                }
                name.sub = Some(sub.attribute);
            }
        }
        parser.end()?;
        Ok(Self { name, filter })
    }

    /// What of a resource it leads to.
    ///
    /// # Errors
    /// `invalidPath`, `invalidFilter`; `mutability` where only Studio changes it.
    pub(crate) fn target(&self, resource: Resource) -> Result<Target<'_>, ScimError> {
        let Name { schema, attribute, sub } = &self.name;
        let schema = schema.as_deref();
        if resource.is_not_kept(schema, attribute) {
            return Ok(Target::NotKept);
        }
        let nothing = || {
            let says = format!("{self} leads to nothing: GET /scim/v2/Schemas lists what is kept.");
            ScimError::new(ScimType::InvalidPath, says)
        };
        let read_only = || {
            let says = format!("{} is not for a directory to change.", self.name);
            ScimError::new(ScimType::Mutability, says)
        };
        let found = resource.is_schema(schema).then(|| resource.attribute(attribute)).flatten();
        let attribute = found.ok_or_else(nothing)?;
        if attribute.name == "schemas" {
            return Ok(Target::NotKept);
        }
        if attribute.mutability == Mutability::ReadOnly {
            return Err(read_only());
        }
        let sub = match sub {
            Some(sub) => Some(find(attribute.within(), sub).ok_or_else(nothing)?),
            None => None,
        };
        if sub.is_some_and(|sub| sub.mutability == Mutability::ReadOnly) {
            return Err(read_only());
        }
        let filter = self.filter.as_ref();
        if let Some(filter) = filter {
            if !attribute.multi {
                return Err(nothing());
            }
            filter
                .check_within(attribute)
                .map_err(|error| ScimError::new(ScimType::InvalidFilter, error.to_string()))?;
        }
        Ok(Target::Kept { attribute, filter, sub })
    }
}

/// Reads the path of an operation. An extension is named as a whole, too.
pub(super) fn read(text: &str) -> Result<Option<Path>, ScimError> {
    if attributes::is_extension(text) && !text.contains('[') {
        return Ok(None);
    }
    let read = Path::parse(text);
    read.map(Some)
        .map_err(|error| ScimError::new(ScimType::InvalidPath, format!("The path: {error}")))
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(filter) = &self.filter else { return write!(f, "{}", self.name) };
        let attribute = Name { sub: None, ..self.name.clone() };
        write!(f, "{attribute}[{filter}]")?;
        match &self.name.sub {
            Some(sub) => write!(f, ".{sub}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_read_as_the_specification_has_them() {
        for good in [
            "members",
            "name.familyName",
            r#"addresses[type eq "work"]"#,
            r#"members[value eq "2819c223-7f76-453a-919d-413861904646"]"#,
            r#"emails[type eq "work" and value ew "example.com"].value"#,
            "urn:ietf:params:scim:schemas:core:2.0:User:name.familyName",
        ] {
            assert_eq!(Path::parse(good).unwrap().to_string(), good);
        }
        for bad in [
            "",
            " ",
            "members[",
            "members[]",
            "members]",
            r#"members[value eq "x"#,
            r#"a[b eq "x"].c.d"#,
            r#"a[b eq "x"]c"#,
            r#"a[b eq "x"][c eq "y"]"#,
            r#"a.b[c eq "x"]"#,
            "a b",
            "a.b.c",
            "a/b",
            "a,b",
            r#"a[b[c eq 1]]"#,
            "a eq 1",
            "ä",
            "members[value eq \"x\"].urn:a:b",
            "../../x",
            "a.",
            "[a pr]",
        ] {
            assert!(Path::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn paths_lead_to_what_a_directory_may_change() {
        let code = |resource: Resource, text: &str| {
            let path = Path::parse(text).unwrap();
            path.target(resource).unwrap_err().scim_type().unwrap()
        };
        for (text, expected) in [
            ("roles", ScimType::InvalidPath),
            (r#"roles[value eq "owner"].value"#, ScimType::InvalidPath),
            ("entitlements", ScimType::InvalidPath),
            ("password", ScimType::InvalidPath),
            ("tenant", ScimType::InvalidPath),
            ("name.middleName", ScimType::InvalidPath),
            (r#"userName[value eq "x"]"#, ScimType::InvalidPath),
            ("id", ScimType::Mutability),
            ("meta.version", ScimType::Mutability),
            ("groups", ScimType::Mutability),
            (r#"groups[value eq "x"].display"#, ScimType::Mutability),
            (r#"emails[title eq "x"]"#, ScimType::InvalidFilter),
            ("urn:ietf:params:scim:schemas:core:2.0:Group:displayName", ScimType::InvalidPath),
        ] {
            assert_eq!(code(Resource::User, text), expected, "{text}");
        }
        assert_eq!(code(Resource::Group, "title"), ScimType::InvalidPath);
        for ignored in [
            "title",
            r#"phoneNumbers[type eq "mobile"].value"#,
            "schemas",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
        ] {
            let path = Path::parse(ignored).unwrap();
            assert_eq!(path.target(Resource::User).unwrap(), Target::NotKept, "{ignored}");
        }
        assert!(
            read("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User").unwrap().is_none()
        );
    }
}

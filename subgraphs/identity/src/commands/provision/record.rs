//! What a directory says of a person, and what Studio makes of it.

use serde_json::Value;

use crate::{
    domain::{
        directory::Settings,
        input::{self, canonical_email},
    },
    personal::Profile,
    scim::{ScimError, ScimType, document::Document},
};

/// What a directory says of a person.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Record {
    /// What is sealed: all but whether they are active.
    pub document: Document,
    /// Whether they are.
    pub active: bool,
}

impl Record {
    /// Takes apart what was read. Who is not said to be inactive is active.
    pub(crate) fn of(mut document: Document) -> Self {
        let active = document.remove("active").and_then(|it| it.as_bool()).unwrap_or(true);
        Self { document, active }
    }

    /// Puts it together again.
    pub(crate) fn whole(&self) -> Document {
        let mut document = self.document.clone();
        document.insert("active".to_owned(), self.active.into());
        document
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.document.get(name)?.as_str()
    }

    /// By what the directory knows them.
    pub(crate) fn user_name(&self) -> &str {
        self.text("userName").unwrap_or_default()
    }

    /// The primary address, or else the one for work, or the first one; without any, the name by which the
    /// directory knows them, if it is one.
    fn address(&self) -> Option<&str> {
        let emails = self.document.get("emails").and_then(Value::as_array);
        let emails = || emails.into_iter().flatten();
        let is = |it: &&Value, name: &str, value: &Value| it.get(name) == Some(value);
        let chosen = emails()
            .find(|it| is(it, "primary", &true.into()))
            .or_else(|| emails().find(|it| is(it, "type", &"work".into())))
            .or_else(|| emails().next());
        match chosen {
            Some(chosen) => chosen.get("value")?.as_str(),
            None => Some(self.user_name()),
        }
    }

    fn called(&self) -> String {
        let part = |name: &str| self.document.get("name")?.get(name)?.as_str();
        let parts: Vec<&str> =
            [part("givenName"), part("familyName")].into_iter().flatten().collect();
        let parts = parts.join(" ");
        let named = self.text("displayName").or_else(|| part("formatted"));
        let named = named.or(Some(parts.as_str()).filter(|it| !it.is_empty()));
        named.unwrap_or_else(|| self.user_name()).to_owned()
    }

    /// Name and address of the account. An address that is not `before` must be one that the directory may
    /// vouch for.
    ///
    /// # Errors
    /// `invalidValue`.
    pub(crate) fn profile(
        &self,
        settings: &Settings,
        before: Option<&Profile>,
    ) -> Result<Profile, ScimError> {
        let given = self.address().unwrap_or_default();
        let email = input::email("emails", given)?;
        let same = before.is_some_and(|it| canonical_email(&it.email) == canonical_email(&email));
        if !same && !settings.may_vouch(&email) {
            let says = format!(
                "This directory may not vouch for that address: it may for those of {}. \
                 updateDirectory changes it.",
                settings.email_domains.join(", ")
            );
            return Err(ScimError::new(ScimType::InvalidValue, says));
        }
        let name = input::name("displayName", &self.called())?;
        Ok(Profile { name, email })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn profile(document: Value) -> Result<(String, String), ScimError> {
        let settings =
            Settings { email_domains: vec!["example.org".into()], ..Settings::default() };
        let record = Record::of(document.as_object().unwrap().clone());
        record.profile(&settings, None).map(|it| (it.name, it.email))
    }

    #[test]
    fn the_account_has_one_address_and_one_name() {
        let emails = json!([
            { "value": "home@example.org", "type": "home" },
            { "value": "work@example.org", "type": "work" },
            { "value": "first@example.org", "primary": true },
        ]);
        let told = |document: Value| profile(document).unwrap();
        let all = told(json!({ "userName": "u", "displayName": "Ada L.", "emails": emails }));
        assert_eq!(all, ("Ada L.".into(), "first@example.org".into()));
        let work = told(json!({ "userName": "u", "emails": [emails[0], emails[1]],
            "name": { "givenName": "Ada", "familyName": "Lovelace" } }));
        assert_eq!(work, ("Ada Lovelace".into(), "work@example.org".into()));
        let first = told(
            json!({ "userName": "u", "emails": [emails[0]], "name": { "formatted": "A. L." } }),
        );
        assert_eq!(first, ("A. L.".into(), "home@example.org".into()));
        let name = told(json!({ "userName": "ada@example.org" }));
        assert_eq!(name, ("ada@example.org".into(), "ada@example.org".into()));
    }

    #[test]
    fn an_address_must_be_one_that_the_directory_may_vouch_for() {
        for bad in [
            json!({ "userName": "ada" }),
            json!({ "userName": "ada@example.net" }),
            json!({ "userName": "ada@example.org", "emails": [{ "value": "ada@example.net" }] }),
            json!({ "userName": "ada@example.org.evil.example" }),
            json!({ "userName": "ada@example.org", "displayName": "x".repeat(201) }),
        ] {
            assert_eq!(
                profile(bad.clone()).unwrap_err().scim_type(),
                Some(ScimType::InvalidValue),
                "{bad}"
            );
        }
        let record =
            Record::of(json!({ "userName": "Ada@example.net" }).as_object().unwrap().clone());
        let before = Profile { name: "Ada".into(), email: "ada@example.net".into() };
        let settings = Settings::default();
        assert!(record.profile(&settings, Some(&before)).is_ok(), "it has not changed");
    }

    #[test]
    fn whether_somebody_is_active_stands_beside_the_rest() {
        let document = json!({ "userName": "ada", "active": false });
        let record = Record::of(document.as_object().unwrap().clone());
        assert!(!record.active && !record.document.contains_key("active"));
        assert_eq!(Value::Object(record.whole()), document);
        assert!(Record::of(Document::new()).active);
    }
}

//! Instants that a client sends.
//!
//! The scalar of async-graphql refuses a malformed one before the resolver is asked, with a message
//! that does not say which argument it was. This one is taken as it came, and the resolver, which
//! knows the name, reads it.

use std::borrow::Cow;

use async_graphql::{InputType, InputValueResult, Value, registry::Registry};
use chrono::{DateTime, Utc};
use studio_kernel::{Code, Timestamp};

use crate::error::{ApiError, gql};

/// A `DateTime` in an argument or an input, as it came.
#[derive(Debug, Clone, PartialEq)]
pub struct Instant(Value);

impl Instant {
    /// The instant, or `BAD_REQUEST` with the name of the argument.
    pub fn named(&self, argument: &str) -> async_graphql::Result<Timestamp> {
        let read = match &self.0 {
            Value::String(text) => text.parse::<Timestamp>().map_err(|error| error.to_string()),
            other => Err(format!(
                "{other} is not an instant: write RFC 3339 as a string, for example \
                 \"2026-01-31T12:00:00Z\""
            )),
        };
        read.map_err(|why| gql(ApiError::new(Code::BadRequest, format!("{argument}: {why}"))))
    }

    /// The same for an argument that may be absent.
    pub fn optional(
        given: Option<&Self>,
        argument: &str,
    ) -> async_graphql::Result<Option<Timestamp>> {
        given.map(|instant| instant.named(argument)).transpose()
    }
}

impl InputType for Instant {
    type RawValueType = Self;

    fn type_name() -> Cow<'static, str> {
        <DateTime<Utc> as InputType>::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        <DateTime<Utc> as InputType>::create_type_info(registry)
    }

    fn parse(value: Option<Value>) -> InputValueResult<Self> {
        Ok(Self(value.unwrap_or_default()))
    }

    fn to_value(&self) -> Value {
        self.0.clone()
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_read_is_told_with_the_name_of_the_argument() {
        let given = |value: Value| InputType::parse(Some(value)).map(|read: Instant| read).unwrap();
        let good = given("2026-01-31T12:00:00Z".into());
        assert_eq!(good.named("asOf").unwrap(), "2026-01-31T12:00:00Z".parse().unwrap());
        for (bad, quoted) in [(Value::from("yesterday"), "yesterday"), (Value::from(7), "7")] {
            let error = given(bad).named("input.effectiveFrom").unwrap_err();
            assert!(error.message.starts_with("input.effectiveFrom: "), "{}", error.message);
            assert!(error.message.contains(quoted) && error.message.contains("RFC 3339"));
        }
        assert_eq!(Instant::optional(None, "at").unwrap(), None);
    }
}

//! Reads JSON as it is handed in as evidence: one document, whole, in UTF-8, in which no object says
//! the same key twice. Readers disagree about everything else, and evidence must say one thing.

use std::{cell::RefCell, collections::HashSet, fmt};

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

/// Bytes of the longest document.
pub const LONGEST_JSON: usize = 4 << 20;
/// Objects and lists within each other.
pub const DEEPEST_JSON: usize = 64;

/// Why a document is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// It is larger than the limit.
    #[error(
        "the evidence has more than {LONGEST_JSON} bytes: leave out what no rule reads, or hand it in \
         under several names"
    )]
    TooLong,
    /// It is no text.
    #[error("the evidence is no text in UTF-8 (from byte {0} on)")]
    NotUtf8(usize),
    /// It is no JSON, or says something twice.
    #[error("the evidence is no JSON that can be taken: {0}")]
    Broken(String),
}

/// The text of a document that can be taken.
///
/// # Errors
/// What is wrong with it, with line and column where it has some.
pub fn read_json(bytes: &[u8]) -> Result<&str, JsonError> {
    if bytes.len() > LONGEST_JSON {
        return Err(JsonError::TooLong);
    }
    let text =
        std::str::from_utf8(bytes).map_err(|error| JsonError::NotUtf8(error.valid_up_to()))?;
    let mut reader = serde_json::Deserializer::from_str(text);
    let at = RefCell::new(Vec::new());
    let read = Value { at: &at, depth: 0 }.deserialize(&mut reader);
    read.and_then(|()| reader.end()).map_err(|error| JsonError::Broken(error.to_string()))?;
    Ok(text)
}

/// A value that is looked at and not kept.
struct Value<'a> {
    /// The keys that lead to it.
    at: &'a RefCell<Vec<String>>,
    depth: usize,
}

impl Value<'_> {
    fn within<E: serde::de::Error>(&self) -> Result<usize, E> {
        if self.depth < DEEPEST_JSON {
            return Ok(self.depth + 1);
        }
        Err(E::custom(format!("more than {DEEPEST_JSON} objects and lists are within each other")))
    }
}

impl<'de> DeserializeSeed<'de> for Value<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let depth = self.within()?;
        while items.next_element_seed(Value { at: self.at, depth })?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        let depth = self.within()?;
        let mut seen = HashSet::new();
        while let Some(key) = fields.next_key::<String>()? {
            if seen.contains(&key) {
                let mut path = self.at.borrow().join("/");
                if !path.is_empty() {
                    path.insert_str(0, " in /");
                }
                return Err(A::Error::custom(format!("the key \"{key}\" is there twice{path}")));
            }
            self.at.borrow_mut().push(key.clone());
            seen.insert(key);
            fields.next_value_seed(Value { at: self.at, depth })?;
            self.at.borrow_mut().pop();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_whole_document_is_taken_as_it_is() {
        for good in ["{}", " [1, -2.5e3, \"ü\", null, true] \n", "\"x\"", "0", "{\"a\":{\"a\":1}}"]
        {
            assert_eq!(read_json(good.as_bytes()), Ok(good));
        }
        let deep = format!("{}{}", "[".repeat(DEEPEST_JSON), "]".repeat(DEEPEST_JSON));
        assert_eq!(read_json(deep.as_bytes()), Ok(&*deep));
    }

    #[test]
    fn what_readers_disagree_about_is_refused_with_its_place() {
        let said = |bytes: &[u8]| read_json(bytes).unwrap_err().to_string();
        for (bad, about) in [
            ("", "EOF"),
            ("{} {}", "trailing"),
            ("{\"a\":1,}", "line 1 column 8"),
            ("{\"users\":[{\"id\":1,\n\"id\":2}]}", "\"id\" is there twice in /users"),
            ("{\"a\":1,\"\\u0061\":2}", "\"a\" is there twice"),
            ("1e999", "out of range"),
            ("NaN", "expected"),
            ("\u{feff}{}", "expected value"),
        ] {
            assert!(said(bad.as_bytes()).contains(about), "{bad}: {}", said(bad.as_bytes()));
        }
        assert!(said(b"{\"a\":\"\xff\"}").contains("byte 6"), "{}", said(b"{\"a\":\"\xff\"}"));
        let deep = format!("{}{}", "[".repeat(DEEPEST_JSON + 1), "]".repeat(DEEPEST_JSON + 1));
        assert!(said(deep.as_bytes()).contains("64"));
        let endless = "[".repeat(200_000);
        assert!(said(endless.as_bytes()).contains("64"));
        let long = format!("\"{}\"", "x".repeat(LONGEST_JSON));
        assert_eq!(read_json(long.as_bytes()), Err(JsonError::TooLong));
    }
}

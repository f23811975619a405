//! Which values the scalars of the specification take in an answer (GraphQL, section 3.5, "Result
//! Coercion" of each).

use super::{Arena, Node, NodeId};

/// The scalar of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scalar {
    /// A whole number of 32 bits, written as one.
    Int,
    /// A finite number.
    Float,
    /// A string.
    String,
    /// `true` or `false`.
    Boolean,
    /// A string, or a whole number of any length, which becomes a string.
    Id,
    /// One of the schema's own: what it takes, its subgraphs alone know.
    Custom,
}

impl Scalar {
    /// The scalar of that name.
    pub(crate) fn named(name: &str) -> Scalar {
        match name {
            "Int" => Scalar::Int,
            "Float" => Scalar::Float,
            "String" => Scalar::String,
            "Boolean" => Scalar::Boolean,
            "ID" => Scalar::Id,
            _ => Scalar::Custom,
        }
    }

    /// Its name, or what it is.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Scalar::Int => "Int",
            Scalar::Float => "Float",
            Scalar::String => "String",
            Scalar::Boolean => "Boolean",
            Scalar::Id => "ID",
            Scalar::Custom => "value",
        }
    }
}

/// How a value is written as one of a scalar.
enum Fit {
    AsItIs,
    InQuotes,
    Not,
}

impl From<bool> for Fit {
    fn from(fits: bool) -> Fit {
        if fits { Fit::AsItIs } else { Fit::Not }
    }
}

impl Arena {
    /// Writes a value as JSON, where it is one that the scalar takes: whether it is. Null is none.
    #[inline]
    pub(crate) fn write_scalar(&self, id: NodeId, scalar: Scalar, out: &mut Vec<u8>) -> bool {
        let fit = match (self.node(id), scalar) {
            (Node::Null, _) => Fit::Not,
            (_, Scalar::Custom)
            | (Node::Bool(_), Scalar::Boolean)
            | (Node::Text(_) | Node::Name(_), Scalar::String | Scalar::Id) => Fit::AsItIs,
            (Node::Raw { buffer, start, end }, _) => {
                raw(&self.buffers[*buffer as usize][*start as usize..*end as usize], scalar)
            }
            (Node::Number(number), Scalar::Int) => {
                number.as_i64().is_some_and(|whole| i32::try_from(whole).is_ok()).into()
            }
            (Node::Number(number), Scalar::Float) => {
                number.as_f64().is_some_and(f64::is_finite).into()
            }
            (Node::Number(number), Scalar::Id) if !number.is_f64() => Fit::InQuotes,
            _ => Fit::Not,
        };
        match fit {
            Fit::AsItIs => self.write(id, out),
            Fit::InQuotes => {
                out.push(b'"');
                self.write(id, out);
                out.push(b'"');
            }
            Fit::Not => return false,
        }
        true
    }
}

/// The same for a string or a number of a JSON text. What it begins with tells which it is.
#[inline]
fn raw(text: &[u8], scalar: Scalar) -> Fit {
    if text.first() == Some(&b'"') {
        return matches!(scalar, Scalar::String | Scalar::Id).into();
    }
    match scalar {
        // Nine digits are always within 32 bits.
        Scalar::Int => ((text.len() < 10 && is_whole(text)) || is_int(text)).into(),
        // Fewer digits than the largest double has are within its range, but for an exponent.
        Scalar::Float => (text.len() < 300 && !has_exponent(text) || is_finite(text)).into(),
        Scalar::Id if is_whole(text) => Fit::InQuotes,
        _ => Fit::Not,
    }
}

fn is_whole(number: &[u8]) -> bool {
    number.iter().all(|byte| byte.is_ascii_digit() || *byte == b'-')
}

fn has_exponent(number: &[u8]) -> bool {
    number.iter().any(|byte| matches!(byte, b'e' | b'E'))
}

#[cold]
fn is_int(number: &[u8]) -> bool {
    parsed::<i32>(number).is_some()
}

#[cold]
fn is_finite(number: &[u8]) -> bool {
    parsed::<f64>(number).is_some_and(f64::is_finite)
}

fn parsed<T: std::str::FromStr>(number: &[u8]) -> Option<T> {
    std::str::from_utf8(number).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::KeyTable;
    use async_graphql::{Name, Value};
    use bytes::Bytes;
    use std::sync::Arc;

    fn arena() -> Arena {
        Arena::new(Arc::new(KeyTable::new()))
    }

    fn written(arena: &Arena, id: NodeId, scalar: Scalar) -> Option<String> {
        let mut out = Vec::new();
        let fits = arena.write_scalar(id, scalar, &mut out);
        assert!(fits || out.is_empty());
        fits.then(|| String::from_utf8(out).unwrap())
    }

    const ALL: [Scalar; 6] =
        [Scalar::Int, Scalar::Float, Scalar::String, Scalar::Boolean, Scalar::Id, Scalar::Custom];

    /// The names of the scalars that take a value, and which of them write it in quotes.
    fn taking(arena: &Arena, id: NodeId) -> String {
        let mut plain = Vec::new();
        arena.write(id, &mut plain);
        let plain = String::from_utf8(plain).unwrap();
        let mut taking = Vec::new();
        for scalar in ALL {
            match written(arena, id, scalar) {
                Some(text) if text == plain => taking.push(scalar.name().to_owned()),
                Some(text) => {
                    assert_eq!(text, format!("\"{plain}\""));
                    taking.push(format!("{} in quotes", scalar.name()));
                }
                None => {}
            }
        }
        taking.join(", ")
    }

    #[test]
    fn each_scalar_takes_what_it_may_be_of_json() {
        let long = format!("1{}", "0".repeat(308));
        let longer = format!("{long}0");
        let small = format!("0.{}", "3".repeat(400));
        for (json, taking_it) in [
            ("null", ""),
            ("true", "Boolean, value"),
            ("false", "Boolean, value"),
            ("\"\"", "String, ID, value"),
            ("\"yes\"", "String, ID, value"),
            ("\"1\"", "String, ID, value"),
            ("0", "Int, Float, ID in quotes, value"),
            ("-1", "Int, Float, ID in quotes, value"),
            ("999999999", "Int, Float, ID in quotes, value"),
            ("2147483647", "Int, Float, ID in quotes, value"),
            ("2147483648", "Float, ID in quotes, value"),
            ("-2147483648", "Int, Float, ID in quotes, value"),
            ("-2147483649", "Float, ID in quotes, value"),
            ("99999999999999999999", "Float, ID in quotes, value"),
            ("1.5", "Float, value"),
            ("1.0", "Float, value"),
            ("1e2", "Float, value"),
            ("1E999", "value"),
            (&long, "Float, ID in quotes, value"),
            (&longer, "ID in quotes, value"),
            (&small, "Float, value"),
            ("[1]", "value"),
            ("{\"a\":1}", "value"),
        ] {
            let mut arena = arena();
            let id = arena.read_json(Bytes::copy_from_slice(json.as_bytes())).unwrap();
            assert_eq!(taking(&arena, id), taking_it, "{json}");
        }
    }

    #[test]
    fn each_scalar_takes_what_it_may_be_of_values() {
        for (value, taking_it) in [
            (Value::Null, ""),
            (Value::Boolean(true), "Boolean, value"),
            (Value::String("x".to_owned()), "String, ID, value"),
            (Value::Enum(Name::new("X")), "String, ID, value"),
            (Value::from(7), "Int, Float, ID in quotes, value"),
            (Value::from(i64::from(i32::MAX) + 1), "Float, ID in quotes, value"),
            (Value::from(u64::MAX), "Float, ID in quotes, value"),
            (Value::from(1.5), "Float, value"),
            (Value::List(vec![Value::from(1)]), "value"),
        ] {
            let mut arena = arena();
            let id = arena.read_value(value.clone());
            assert_eq!(taking(&arena, id), taking_it, "{value}");
        }
    }

    #[test]
    fn scalars_are_known_by_their_names() {
        for scalar in ALL {
            assert_eq!(Scalar::named(scalar.name()), scalar);
        }
    }
}

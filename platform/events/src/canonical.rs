//! Canonical JSON (RFC 8785, JCS): one spelling for each value, so that a hash over it can be
//! computed again by anyone. Integers beyond ±(2^53 − 1) have no exact spelling there (section
//! 3.2.2.3, I-JSON) and are refused instead of being rounded.

mod serializer;

use serde::Serialize;
use serde_json::{Number, Value};

/// The largest integer that a double holds exactly.
const MAX_SAFE: u64 = (1 << 53) - 1;
/// As deep as serde_json reads: what is written can be read back.
const MAX_DEPTH: usize = 120;

/// Why a value has no canonical form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CanonicalError {
    /// The integer would be rounded.
    #[error("{0} is beyond ±9007199254740991 and would be rounded: write it as a string")]
    Integer(String),
    /// Nested too deeply to be read back.
    #[error("it is nested more than 120 levels deep")]
    Depth,
    /// A number that the writer of doubles refuses.
    #[error("{0} is not a JSON number")]
    Number(String),
    /// It does not serialize, or not without becoming a value first.
    #[error("{0}")]
    Serialize(String),
}

/// The canonical JSON of anything that serializes: what [`to_string`] makes of its value, without
/// the value.
pub fn of<T: Serialize + ?Sized>(value: &T) -> Result<String, CanonicalError> {
    let mut writer = serializer::Writer::default();
    value.serialize(&mut writer)?;
    Ok(writer.out)
}

/// The canonical JSON of a value.
pub fn to_string(value: &Value) -> Result<String, CanonicalError> {
    let mut out = String::with_capacity(256);
    write(value, &mut out, 0)?;
    Ok(out)
}

fn write(value: &Value, out: &mut String, depth: usize) -> Result<(), CanonicalError> {
    if depth > MAX_DEPTH {
        return Err(CanonicalError::Depth);
    }
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Number(number) => write_number(number, out)?,
        Value::String(text) => write_text(text, out),
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write(item, out, depth + 1)?;
            }
            out.push(']');
        }
        Value::Object(members) => {
            // Sorted by UTF-16 code units (section 3.2.3), which is the order of the bytes but for
            // characters beyond the basic plane.
            let mut sorted: Vec<(&String, &Value)> = members.iter().collect();
            sorted.sort_by(|a, b| by_utf16(a.0, b.0));
            out.push('{');
            for (index, (name, member)) in sorted.into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_text(name, out);
                out.push(':');
                write(member, out, depth + 1)?;
            }
            out.push('}');
        }
    }
    Ok(())
}

fn by_utf16(a: &str, b: &str) -> std::cmp::Ordering {
    if a.is_ascii() && b.is_ascii() { a.cmp(b) } else { a.encode_utf16().cmp(b.encode_utf16()) }
}

fn write_number(number: &Number, out: &mut String) -> Result<(), CanonicalError> {
    use std::fmt::Write as _;
    let exact = match (number.as_u64(), number.as_i64()) {
        (Some(n), _) => n <= MAX_SAFE,
        (None, Some(n)) => n.unsigned_abs() <= MAX_SAFE,
        (None, None) => {
            let text = number
                .as_f64()
                .and_then(|double| serde_json_canonicalizer::to_string(&double).ok())
                .ok_or_else(|| CanonicalError::Number(number.to_string()))?;
            out.push_str(&text);
            return Ok(());
        }
    };
    if !exact {
        return Err(CanonicalError::Integer(number.to_string()));
    }
    let _infallible = write!(out, "{number}");
    Ok(())
}

/// Writes a string with the escapes of section 3.2.2.2.
pub(crate) fn write_text(text: &str, out: &mut String) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.push('"');
    let mut plain = 0;
    for (at, byte) in text.bytes().enumerate() {
        let escape = match byte {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            0x08 => "\\b",
            0x09 => "\\t",
            0x0a => "\\n",
            0x0c => "\\f",
            0x0d => "\\r",
            0x00..=0x1f => "",
            _ => continue,
        };
        out.push_str(&text[plain..at]);
        plain = at + 1;
        if escape.is_empty() {
            out.push_str("\\u00");
            out.push(char::from(HEX[usize::from(byte >> 4)]));
            out.push(char::from(HEX[usize::from(byte & 0xf)]));
        } else {
            out.push_str(escape);
        }
    }
    out.push_str(&text[plain..]);
    out.push('"');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn writes_the_example_of_rfc_8785() {
        let value = json!({
            "numbers": [333_333_333.333_333_3, 1e30, 4.50, 2e-3, 1e-27],
            "string": "\u{20ac}$\u{f}\nA'B\"\\\\\"/",
            "literals": [null, true, false],
        });
        assert_eq!(
            to_string(&value).unwrap(),
            r#"{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}"#
        );
    }

    #[test]
    fn sorts_by_utf16_as_section_3_2_3_shows() {
        let value = json!({"\u{fb33}": 1, "\u{1f600}": 2, "\u{20ac}": 3, "\r": 4, "1": 5, "\u{80}": 6, "\u{f6}": 7});
        assert_eq!(
            to_string(&value).unwrap(),
            "{\"\\r\":4,\"1\":5,\"\u{80}\":6,\"\u{f6}\":7,\"\u{20ac}\":3,\"\u{1f600}\":2,\"\u{fb33}\":1}"
        );
    }

    #[test]
    fn refuses_what_would_be_rounded_or_not_read_back() {
        assert_eq!(to_string(&json!(9_007_199_254_740_991_i64)).unwrap(), "9007199254740991");
        assert!(matches!(to_string(&json!(u64::MAX)), Err(CanonicalError::Integer(_))));
        assert!(matches!(to_string(&json!(i64::MIN)), Err(CanonicalError::Integer(_))));
        let deep = (0..200).fold(json!(1), |inner, _| json!([inner]));
        assert_eq!(to_string(&deep), Err(CanonicalError::Depth));
    }

    #[derive(Serialize)]
    struct All {
        z: (u8, i64, char),
        a: Option<Vec<f32>>,
        #[serde(flatten)]
        more: std::collections::HashMap<String, Variant>,
        numbered: std::collections::BTreeMap<i32, ()>,
        #[serde(skip_serializing_if = "Option::is_none")]
        none: Option<u8>,
        not_a_number: f64,
        unit: Unit,
        wrapped: Wrapped,
    }
    #[derive(Serialize)]
    struct Unit;
    #[derive(Serialize)]
    struct Wrapped(Box<[u8]>);
    #[derive(Serialize)]
    enum Variant {
        Unit,
        One(bool),
        Two(u8, String),
        Named { y: u8, b: Option<u8> },
    }

    #[test]
    fn writes_at_once_what_it_writes_of_values() {
        let more = [
            ("\u{1f600}", Variant::Unit),
            ("\u{fb33}", Variant::One(true)),
            ("b", Variant::Two(1, "\"\n\0".to_owned())),
            ("zz", Variant::Named { y: 1, b: None }),
            // A name that the struct has, too.
            ("z", Variant::Unit),
        ];
        let all = All {
            z: (1, -7, '\u{e9}'),
            a: Some(vec![0.1, -0.0, 1e30]),
            more: more.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            numbered: [(10, ()), (9, ()), (-1, ())].into(),
            none: None,
            not_a_number: f64::NAN,
            unit: Unit,
            wrapped: Wrapped([1, 2].into()),
        };
        let value = serde_json::to_value(&all).unwrap();
        assert_eq!(of(&all).unwrap(), to_string(&value).unwrap());
    }

    #[test]
    fn refuses_at_once_what_it_refuses_of_values() {
        assert!(matches!(of(&u64::MAX), Err(CanonicalError::Integer(_))));
        let nested = |depth| (0..depth).fold(json!(1), |inner, _| json!({ "a": [inner] }));
        for depth in [59, 60, 61] {
            assert_eq!(of(&nested(depth)), to_string(&nested(depth)), "{depth}");
        }
        let odd = std::collections::BTreeMap::from([(vec![1], 1)]);
        assert!(matches!(of(&odd), Err(CanonicalError::Serialize(_))));
        let raw = serde_json::value::RawValue::from_string("[1]".to_owned()).unwrap();
        assert!(matches!(of(&raw), Err(CanonicalError::Serialize(_))));
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (-9_007_199_254_740_991_i64..=9_007_199_254_740_991).prop_map(Value::from),
            any::<f64>().prop_filter("finite", |f| f.is_finite()).prop_map(Value::from),
            ".*".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::hash_map(".*", inner, 0..6)
                    .prop_map(|m| Value::from_iter(m.into_iter())),
            ]
        })
    }

    proptest! {
        #[test]
        fn agrees_with_another_implementation(value in any_value()) {
            prop_assert_eq!(
                to_string(&value).unwrap(),
                serde_json_canonicalizer::to_string(&value).unwrap()
            );
            prop_assert_eq!(of(&value).unwrap(), to_string(&value).unwrap());
        }
    }
}

//! Writes anything that serde can serialize as canonical JSON at once, without building a value of
//! it first: payloads have up to some megabytes. The members of an object are put in order when it
//! ends, where they did not come so.

use std::{borrow::Cow, fmt::Display};

use serde::{
    Serialize,
    ser::{
        self, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
        SerializeTupleStruct, SerializeTupleVariant,
    },
};
use serde_json::{Number, Value};

use super::{CanonicalError, MAX_DEPTH, by_utf16, write_number, write_text};

/// What is written, and the members of the objects that are still open.
#[derive(Default)]
pub(super) struct Writer {
    pub(super) out: String,
    members: Vec<Member>,
    depth: usize,
    moved: String,
}

struct Member {
    name: Cow<'static, str>,
    /// Where it stands in what is written, name and value.
    start: usize,
    end: usize,
}

/// An array or an object that is being written.
pub(super) struct Open<'a> {
    writer: &'a mut Writer,
    /// Its first member among the open ones; for an array, whether nothing was written yet.
    first: usize,
    /// An object begins here.
    start: usize,
    /// Closes the object that a variant is wrapped in.
    wrapped: bool,
}

impl ser::Error for CanonicalError {
    fn custom<T: Display>(message: T) -> Self {
        Self::Serialize(message.to_string())
    }
}

impl Writer {
    /// Whether a value may stand here.
    fn place(&self) -> Result<(), CanonicalError> {
        if self.depth > MAX_DEPTH { Err(CanonicalError::Depth) } else { Ok(()) }
    }

    fn number(&mut self, number: &Number) -> Result<(), CanonicalError> {
        self.place()?;
        write_number(number, &mut self.out)
    }

    fn text(&mut self, text: &str) -> Result<(), CanonicalError> {
        self.place()?;
        write_text(text, &mut self.out);
        Ok(())
    }

    fn open(&mut self, bracket: char, wrapped: bool) -> Result<Open<'_>, CanonicalError> {
        self.place()?;
        self.depth += 1;
        let (first, start) = (self.members.len(), self.out.len());
        self.out.push(bracket);
        Ok(Open { writer: self, first, start, wrapped })
    }

    /// The object with one member that a variant is: what follows is its value.
    fn variant(&mut self, variant: &str) -> Result<(), CanonicalError> {
        self.place()?;
        self.depth += 1;
        self.out.push('{');
        write_text(variant, &mut self.out);
        self.out.push(':');
        Ok(())
    }

    fn end_variant(&mut self) {
        self.out.push('}');
        self.depth -= 1;
    }
}

impl Open<'_> {
    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), CanonicalError> {
        if self.writer.out.len() > self.start + 1 {
            self.writer.out.push(',');
        }
        value.serialize(&mut *self.writer)
    }

    fn begin_member(&mut self, name: Cow<'static, str>) {
        if self.writer.members.len() > self.first {
            self.writer.out.push(',');
        }
        let start = self.writer.out.len();
        write_text(&name, &mut self.writer.out);
        self.writer.out.push(':');
        self.writer.members.push(Member { name, start, end: start });
    }

    fn member<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), CanonicalError> {
        let place = self.writer.members.len() - 1;
        value.serialize(&mut *self.writer)?;
        self.writer.members[place].end = self.writer.out.len();
        Ok(())
    }

    fn close(self, bracket: char) {
        self.writer.out.push(bracket);
        self.writer.depth -= 1;
        if self.wrapped {
            self.writer.end_variant();
        }
    }

    fn close_object(self) {
        let Writer { out, members, moved, .. } = &mut *self.writer;
        let own = &mut members[self.first..];
        let in_order = own.windows(2).all(|pair| by_utf16(&pair[0].name, &pair[1].name).is_lt());
        if !in_order {
            // Of two members with one name the last one stands: the sort keeps their order.
            own.sort_by(|a, b| by_utf16(&a.name, &b.name));
            moved.clear();
            for (place, member) in own.iter().enumerate() {
                if own.get(place + 1).is_some_and(|next| next.name == member.name) {
                    continue;
                }
                if !moved.is_empty() {
                    moved.push(',');
                }
                moved.push_str(&out[member.start..member.end]);
            }
            out.truncate(self.start + 1);
            out.push_str(moved);
        }
        members.truncate(self.first);
        self.close('}');
    }
}

macro_rules! numbers {
    ($($method:ident: $number:ty),+) => {
        $(fn $method(self, value: $number) -> Result<(), CanonicalError> {
            self.number(&value.into())
        })+
    };
}

impl<'a> ser::Serializer for &'a mut Writer {
    type Ok = ();
    type Error = CanonicalError;
    type SerializeSeq = Open<'a>;
    type SerializeTuple = Open<'a>;
    type SerializeTupleStruct = Open<'a>;
    type SerializeTupleVariant = Open<'a>;
    type SerializeMap = Open<'a>;
    type SerializeStruct = Open<'a>;
    type SerializeStructVariant = Open<'a>;

    numbers!(serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64);

    fn serialize_bool(self, value: bool) -> Result<(), CanonicalError> {
        self.place()?;
        self.out.push_str(if value { "true" } else { "false" });
        Ok(())
    }

    fn serialize_f32(self, value: f32) -> Result<(), CanonicalError> {
        self.serialize_f64(value.into())
    }

    fn serialize_f64(self, value: f64) -> Result<(), CanonicalError> {
        match Number::from_f64(value) {
            Some(number) => self.number(&number),
            // As serde_json has it: what is no number of JSON is null.
            None => self.serialize_unit(),
        }
    }

    fn serialize_char(self, value: char) -> Result<(), CanonicalError> {
        self.text(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Result<(), CanonicalError> {
        self.text(value)
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), CanonicalError> {
        value.serialize(self)
    }

    fn serialize_none(self) -> Result<(), CanonicalError> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), CanonicalError> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), CanonicalError> {
        self.place()?;
        self.out.push_str("null");
        Ok(())
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<(), CanonicalError> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
    ) -> Result<(), CanonicalError> {
        self.text(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        value: &T,
    ) -> Result<(), CanonicalError> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), CanonicalError> {
        self.variant(variant)?;
        value.serialize(&mut *self)?;
        self.end_variant();
        Ok(())
    }

    fn serialize_seq(self, _length: Option<usize>) -> Result<Open<'a>, CanonicalError> {
        self.open('[', false)
    }

    fn serialize_tuple(self, _length: usize) -> Result<Open<'a>, CanonicalError> {
        self.open('[', false)
    }

    fn serialize_tuple_struct(
        self,
        _name: &'static str,
        _length: usize,
    ) -> Result<Open<'a>, CanonicalError> {
        self.open('[', false)
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _length: usize,
    ) -> Result<Open<'a>, CanonicalError> {
        self.variant(variant)?;
        self.open('[', true)
    }

    fn serialize_map(self, _length: Option<usize>) -> Result<Open<'a>, CanonicalError> {
        self.open('{', false)
    }

    fn serialize_struct(
        self,
        name: &'static str,
        _length: usize,
    ) -> Result<Open<'a>, CanonicalError> {
        // JSON that is carried as it stands, and numbers of any size, are no structs.
        if name.starts_with("$serde_json::private") {
            return Err(ser::Error::custom(format!("{name} must become a value first")));
        }
        self.open('{', false)
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _length: usize,
    ) -> Result<Open<'a>, CanonicalError> {
        self.variant(variant)?;
        self.open('{', true)
    }
}

macro_rules! elements {
    ($($kind:ident::$method:ident),+) => {
        $(impl $kind for Open<'_> {
            type Ok = ();
            type Error = CanonicalError;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), CanonicalError> {
                self.element(value)
            }

            fn end(self) -> Result<(), CanonicalError> {
                self.close(']');
                Ok(())
            }
        })+
    };
}
elements!(
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field,
    SerializeTupleVariant::serialize_field
);

macro_rules! fields {
    ($($kind:ident),+) => {
        $(impl $kind for Open<'_> {
            type Ok = ();
            type Error = CanonicalError;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), CanonicalError> {
                self.begin_member(Cow::Borrowed(name));
                self.member(value)
            }

            fn end(self) -> Result<(), CanonicalError> {
                self.close_object();
                Ok(())
            }
        })+
    };
}
fields!(SerializeStruct, SerializeStructVariant);

impl SerializeMap for Open<'_> {
    type Ok = ();
    type Error = CanonicalError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), CanonicalError> {
        // Whatever serde_json takes for the name of a member.
        let name = match serde_json::to_value(key) {
            Ok(Value::String(name)) => name,
            Ok(Value::Number(number)) => number.to_string(),
            Ok(Value::Bool(truth)) => truth.to_string(),
            Ok(_) => return Err(ser::Error::custom("a key must be a text")),
            Err(error) => return Err(ser::Error::custom(error)),
        };
        self.begin_member(Cow::Owned(name));
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), CanonicalError> {
        self.member(value)
    }

    fn end(self) -> Result<(), CanonicalError> {
        self.close_object();
        Ok(())
    }
}

//! As much of CBOR (RFC 8949) as authenticators write: the "CTAP2 canonical form" (FIDO CTAP 2.1, section
//! 8), whose lengths are definite, whose keys differ, and which nests four levels deep at most. The order
//! of keys is not asked for: not every browser keeps it. Items borrow from the bytes, and no length is
//! believed before the bytes are there.

use super::Refused;

/// Levels of maps and arrays.
const DEEPEST: usize = 4;

/// One item.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Item<'a> {
    Integer(i64),
    Bytes(&'a [u8]),
    Text(&'a str),
    Array(Vec<Item<'a>>),
    Map(Vec<(Item<'a>, Item<'a>)>),
    /// Numbers with a fraction, true, false and null: nothing here asks for one.
    Simple,
}

impl<'a> Item<'a> {
    /// The value of a text key of a map.
    pub(super) fn at(&self, key: &str) -> Option<&Item<'a>> {
        self.find(|item| matches!(item, Item::Text(text) if *text == key))
    }

    /// The value of an integer key of a map.
    pub(super) fn at_number(&self, key: i64) -> Option<&Item<'a>> {
        self.find(|item| matches!(item, Item::Integer(number) if *number == key))
    }

    fn find(&self, is_it: impl Fn(&Item<'a>) -> bool) -> Option<&Item<'a>> {
        let Item::Map(pairs) = self else { return None };
        pairs.iter().find(|(key, _)| is_it(key)).map(|(_, value)| value)
    }

    pub(super) fn integer(&self) -> Option<i64> {
        if let Item::Integer(number) = self { Some(*number) } else { None }
    }

    pub(super) fn bytes(&self) -> Option<&'a [u8]> {
        if let Item::Bytes(bytes) = self { Some(bytes) } else { None }
    }

    pub(super) fn text(&self) -> Option<&'a str> {
        if let Item::Text(text) = self { Some(text) } else { None }
    }
}

/// Reads the one item that the bytes are.
pub(super) fn whole(bytes: &[u8]) -> Result<Item<'_>, Refused> {
    match first(bytes)? {
        (item, []) => Ok(item),
        _ => Err(Refused::Malformed("there is something after the end of its CBOR")),
    }
}

/// Reads the item that the bytes begin with, and gives what comes after it.
pub(super) fn first(bytes: &[u8]) -> Result<(Item<'_>, &[u8]), Refused> {
    let mut reader = Reader { left: bytes };
    let item = reader.item(DEEPEST)?;
    Ok((item, reader.left))
}

const CUT_OFF: Refused = Refused::Malformed("its CBOR ends too early");

struct Reader<'a> {
    left: &'a [u8],
}

impl<'a> Reader<'a> {
    fn item(&mut self, levels: usize) -> Result<Item<'a>, Refused> {
        let initial = self.take(1)?[0];
        let (major, info) = (initial >> 5, initial & 0x1F);
        let value = self.argument(info)?;
        let negative = || i64::try_from(value).map(|number| -1 - number);
        let too_large = |_| Refused::Malformed("its CBOR has too large a number");
        match major {
            0 => i64::try_from(value).map(Item::Integer).map_err(too_large),
            1 => negative().map(Item::Integer).map_err(too_large),
            2 => Ok(Item::Bytes(self.take_many(value)?)),
            3 => std::str::from_utf8(self.take_many(value)?)
                .map(Item::Text)
                .map_err(|_| Refused::Malformed("its CBOR has text that is not UTF-8")),
            4 | 5 => {
                let levels = levels.checked_sub(1);
                let levels = levels.ok_or(Refused::Malformed("its CBOR nests too deep"))?;
                if major == 4 { self.array(value, levels) } else { self.map(value, levels) }
            }
            7 => Ok(Item::Simple),
            _ => Err(Refused::Malformed("its CBOR has a tag")),
        }
    }

    fn array(&mut self, length: u64, levels: usize) -> Result<Item<'a>, Refused> {
        // Each takes a byte at least, so that a length that lies ends at the end of the bytes.
        let mut items = Vec::new();
        for _ in 0..length {
            items.push(self.item(levels)?);
        }
        Ok(Item::Array(items))
    }

    fn map(&mut self, length: u64, levels: usize) -> Result<Item<'a>, Refused> {
        let mut pairs: Vec<(Item<'a>, Item<'a>)> = Vec::new();
        for _ in 0..length {
            let key = self.item(levels)?;
            if !matches!(key, Item::Integer(_) | Item::Text(_)) {
                return Err(Refused::Malformed("its CBOR has a key that is no number and no text"));
            }
            if pairs.len() >= MOST_KEYS {
                return Err(Refused::Malformed("its CBOR has too many keys"));
            }
            if pairs.iter().any(|(before, _)| *before == key) {
                return Err(Refused::Malformed("its CBOR has a key twice"));
            }
            pairs.push((key, self.item(levels)?));
        }
        Ok(Item::Map(pairs))
    }

    /// What follows the first byte (RFC 8949, section 3).
    fn argument(&mut self, info: u8) -> Result<u64, Refused> {
        let length = match info {
            0..=23 => return Ok(u64::from(info)),
            24 => 1,
            25 => 2,
            26 => 4,
            27 => 8,
            _ => return Err(Refused::Malformed("its CBOR has no definite length")),
        };
        Ok(self.take(length)?.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)))
    }

    fn take_many(&mut self, length: u64) -> Result<&'a [u8], Refused> {
        self.take(usize::try_from(length).map_err(|_| CUT_OFF)?)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Refused> {
        let (taken, left) = self.left.split_at_checked(length).ok_or(CUT_OFF)?;
        self.left = left;
        Ok(taken)
    }
}

/// Keys of a map: those of a key are seven at most, extensions a few. Each is compared with all before.
const MOST_KEYS: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_authenticators_write() {
        let bytes = b"\xA3\x01\x02\x20\x43abc\x63fmt\x82\x38\x63\xF5";
        let item = whole(bytes).unwrap();
        assert_eq!(item.at_number(1).unwrap().integer(), Some(2));
        assert_eq!(item.at_number(-1).unwrap().bytes(), Some(&b"abc"[..]));
        assert_eq!(item.at("fmt"), Some(&Item::Array(vec![Item::Integer(-100), Item::Simple])));
        assert_eq!(item.at("none"), None);
        assert_eq!(first(b"\x19\x01\x00rest"), Ok((Item::Integer(256), &b"rest"[..])));
        assert_eq!(whole(b"\x3B\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF"), Ok(Item::Integer(i64::MIN)));
    }

    #[test]
    fn refuses_all_else_and_believes_no_length() {
        let deep = [0x81; 5];
        let many: Vec<u8> =
            [0xB8, 0x80].into_iter().chain((0..128).flat_map(|n| [0x18, n, 0])).collect();
        for (bytes, why) in [
            (&b""[..], "too early"),
            (b"\x18", "too early"),
            (b"\x42a", "too early"),
            (b"\x5B\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", "too early"),
            (b"\x9B\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", "too early"),
            (b"\xBB\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", "too early"),
            (b"\x1B\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", "too large"),
            (b"\x3B\x80\x00\x00\x00\x00\x00\x00\x00", "too large"),
            (b"\x5F\x41a\xFF", "definite"),
            (b"\xBF\xFF", "definite"),
            (b"\xC0\x00", "tag"),
            (b"\x61\xFF", "UTF-8"),
            (b"\xA2\x01\x00\x01\x00", "twice"),
            (b"\xA1\xF5\x00", "no number"),
            (b"\x00\x00", "after the end"),
            (&deep, "too deep"),
            (&many, "too many"),
        ] {
            let refused = whole(bytes).unwrap_err().to_string();
            assert!(refused.contains(why), "{bytes:x?}: {refused}");
        }
    }
}

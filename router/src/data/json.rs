//! Reads JSON into the arena without copying: strings and numbers stay where they are.

use super::{Arena, Key, Node, NodeId};
use bytes::Bytes;

/// Deeper nesting than this is refused; no GraphQL answer comes near.
const DEPTH: usize = 256;

/// Why an answer is not JSON.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum JsonError {
    #[error("not valid UTF-8")]
    Utf8,
    #[error("not valid JSON at byte {0}")]
    Syntax(usize),
    #[error("nested deeper than {DEPTH} levels")]
    Depth,
    #[error("larger than 4 GiB in all")]
    Size,
}

impl Arena {
    /// Reads one JSON value.
    pub(crate) fn read_json(&mut self, bytes: Bytes) -> Result<NodeId, JsonError> {
        // Places are 32 bits; the sum bounds the number of nodes as well.
        let total: usize = self.buffers.iter().map(Bytes::len).sum();
        if total.saturating_add(bytes.len()) > (u32::MAX / 2) as usize {
            return Err(JsonError::Size);
        }
        // About what an answer holds; a large one is not trusted to hold it.
        self.nodes.reserve((bytes.len() / 48).min(1 << 14));
        self.buffers.push(bytes.clone());
        let buffer = (self.buffers.len() - 1) as u32;
        let mut reader = Reader {
            arena: self,
            bytes: &bytes,
            buffer,
            at: 0,
            depth: 0,
            items: Vec::new(),
            entries: Vec::new(),
        };
        let root = reader.value()?;
        reader.space();
        match reader.at == reader.bytes.len() {
            true => Ok(root),
            false => Err(JsonError::Syntax(reader.at)),
        }
    }
}

struct Reader<'a> {
    arena: &'a mut Arena,
    bytes: &'a [u8],
    buffer: u32,
    at: usize,
    depth: usize,
    /// Elements and fields of the lists and objects that are still open.
    items: Vec<NodeId>,
    entries: Vec<(Key, NodeId)>,
}

impl Reader<'_> {
    fn space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.bytes.get(self.at) {
            self.at += 1;
        }
    }

    fn fail<T>(&self) -> Result<T, JsonError> {
        Err(JsonError::Syntax(self.at))
    }

    fn expect(&mut self, word: &[u8]) -> Result<(), JsonError> {
        if self.bytes[self.at..].starts_with(word) {
            self.at += word.len();
            Ok(())
        } else {
            self.fail()
        }
    }

    fn value(&mut self) -> Result<NodeId, JsonError> {
        self.space();
        let start = self.at;
        match self.bytes.get(self.at) {
            Some(b'{') => self.nested(Self::object),
            Some(b'[') => self.nested(Self::list),
            Some(b'"') => {
                self.string()?;
                Ok(self.raw(start))
            }
            Some(b'n') => self.expect(b"null").map(|()| self.arena.push(Node::Null)),
            Some(b't') => self.expect(b"true").map(|()| self.arena.push(Node::Bool(true))),
            Some(b'f') => self.expect(b"false").map(|()| self.arena.push(Node::Bool(false))),
            Some(b'-' | b'0'..=b'9') => {
                self.number()?;
                Ok(self.raw(start))
            }
            _ => self.fail(),
        }
    }

    fn raw(&mut self, start: usize) -> NodeId {
        self.arena.push(Node::Raw { buffer: self.buffer, start: start as u32, end: self.at as u32 })
    }

    fn nested(
        &mut self,
        read: fn(&mut Self) -> Result<NodeId, JsonError>,
    ) -> Result<NodeId, JsonError> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(JsonError::Depth);
        }
        self.at += 1;
        let node = read(self);
        self.depth -= 1;
        node
    }

    fn list(&mut self) -> Result<NodeId, JsonError> {
        let first = self.items.len();
        self.space();
        if self.bytes.get(self.at) == Some(&b']') {
            self.at += 1;
            return Ok(self.arena.push_list([]));
        }
        loop {
            let item = self.value()?;
            self.items.push(item);
            self.space();
            match self.bytes.get(self.at) {
                Some(b',') => self.at += 1,
                Some(b']') => {
                    self.at += 1;
                    return Ok(self.arena.push_list(self.items.drain(first..)));
                }
                _ => return self.fail(),
            }
        }
    }

    fn object(&mut self) -> Result<NodeId, JsonError> {
        let first = self.entries.len();
        self.space();
        if self.bytes.get(self.at) == Some(&b'}') {
            self.at += 1;
            return Ok(self.arena.push_object([]));
        }
        let mut previous = None;
        loop {
            self.space();
            let key = match self.key_as_before(previous) {
                Some(key) => key,
                None => self.key(previous)?,
            };
            previous = Some(key);
            self.space();
            self.expect(b":")?;
            let value = self.value()?;
            self.entries.push((key, value));
            self.space();
            match self.bytes.get(self.at) {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    return Ok(self.arena.push_object(self.entries.drain(first..)));
                }
                _ => return self.fail(),
            }
        }
    }

    /// Passes over a key that followed `previous` before. Subgraphs answer in the order asked.
    fn key_as_before(&mut self, previous: Option<Key>) -> Option<Key> {
        let rest = self.bytes.get(self.at..)?.strip_prefix(b"\"")?;
        let is_next = |(_, name): &(Key, &str)| {
            rest.starts_with(name.as_bytes()) && rest.get(name.len()) == Some(&b'"')
        };
        let (key, name) = self.arena.followers(previous).find(is_next)?;
        self.at += name.len() + 2;
        Some(key)
    }

    fn key(&mut self, previous: Option<Key>) -> Result<Key, JsonError> {
        let start = self.at;
        let escaped = self.string()?;
        let quoted = &self.bytes[start..self.at];
        if escaped {
            let name: String =
                serde_json::from_slice(quoted).map_err(|_| JsonError::Syntax(start))?;
            return Ok(self.arena.key(&name));
        }
        let name = std::str::from_utf8(&quoted[1..quoted.len() - 1]);
        Ok(self.arena.key_after(previous, name.map_err(|_| JsonError::Utf8)?))
    }

    /// Passes over a string and tells whether it holds escapes. All else in JSON is ASCII, so that only
    /// strings have to be looked at for UTF-8.
    fn string(&mut self) -> Result<bool, JsonError> {
        let start = self.at;
        self.expect(b"\"")?;
        let (mut escaped, mut ascii) = (false, true);
        loop {
            match self.bytes.get(self.at) {
                Some(b'"') => {
                    self.at += 1;
                    if !ascii {
                        let text = std::str::from_utf8(&self.bytes[start..self.at]);
                        text.map_err(|_| JsonError::Utf8)?;
                    }
                    return Ok(escaped);
                }
                Some(b'\\') => {
                    escaped = true;
                    match self.bytes.get(self.at + 1) {
                        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                            self.at += 2
                        }
                        Some(b'u') => match self.bytes.get(self.at + 2..self.at + 6) {
                            Some(digits) if digits.iter().all(u8::is_ascii_hexdigit) => {
                                self.at += 6
                            }
                            _ => return self.fail(),
                        },
                        _ => return self.fail(),
                    }
                }
                Some(0..=0x1f) | None => return self.fail(),
                Some(_) => {
                    let plain = plain(&self.bytes[self.at..]);
                    ascii &= self.bytes[self.at..self.at + plain].is_ascii();
                    self.at += plain;
                }
            }
        }
    }

    fn digits(&mut self) -> Result<(), JsonError> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.bytes.get(self.at) {
            self.at += 1;
        }
        if self.at == start { self.fail() } else { Ok(()) }
    }

    fn number(&mut self) -> Result<(), JsonError> {
        if self.bytes.get(self.at) == Some(&b'-') {
            self.at += 1;
        }
        if self.bytes.get(self.at) == Some(&b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.bytes.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.bytes.get(self.at) {
            self.at += 1;
            if let Some(b'+' | b'-') = self.bytes.get(self.at) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }
}

/// Whether a text is the same in JSON, but for the quotes.
pub(super) fn stands_for_itself(text: &str) -> bool {
    plain(text.as_bytes()) == text.len()
}

/// How many bytes at the start of `bytes` stand for themselves in a JSON string.
fn plain(bytes: &[u8]) -> usize {
    let (words, rest) = bytes.as_chunks::<8>();
    for (number, word) in words.iter().enumerate() {
        let special = special(u64::from_le_bytes(*word));
        if special != 0 {
            return 8 * number + (special.trailing_zeros() / 8) as usize;
        }
    }
    let is_special = |byte: &u8| *byte < 0x20 || *byte == b'"' || *byte == b'\\';
    let end = rest.iter().position(is_special);
    8 * words.len() + end.unwrap_or(rest.len())
}

/// The high bit of the lowest byte of a word that does not stand for itself, and maybe of ones above
/// it: 0 if there is none.
fn special(word: u64) -> u64 {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    // A byte less than `limit` borrows from its high bit, unless that was set.
    let below = |word: u64, limit: u8| word.wrapping_sub(ONES * u64::from(limit)) & !word;
    let is = |byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
    (below(word, 0x20) | is(b'"') | is(b'\\')) & (ONES << 7)
}

/// Writes a string as JSON.
pub(crate) fn write_string(text: &str, out: &mut Vec<u8>) {
    let mut rest = text.as_bytes();
    out.reserve(rest.len() + 2);
    out.push(b'"');
    loop {
        let (copied, special) = rest.split_at(plain(rest));
        out.extend_from_slice(copied);
        let [byte, after @ ..] = special else { break };
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            _ => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
        }
        rest = after;
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::KeyTable;
    use proptest::prelude::*;
    use std::sync::Arc;

    fn read(json: &[u8]) -> Result<String, JsonError> {
        let mut arena = Arena::new(Arc::new(KeyTable::new()));
        let id = arena.read_json(Bytes::copy_from_slice(json))?;
        let mut out = Vec::new();
        arena.write(id, &mut out);
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn what_is_no_json_is_refused() {
        let broken: [&[u8]; 16] = [
            b"",
            b"{",
            b"[1,]",
            b"{\"a\"}",
            b"{\"a\":1,}",
            b"01",
            b"1.",
            b"1e",
            b"-",
            b"nul",
            b"\"\x01\"",
            b"\"\\x\"",
            b"\"\\u12g4\"",
            b"1 2",
            b"\"\xff\"",
            b"{a:1}",
        ];
        for json in broken {
            assert!(read(json).is_err(), "{:?}", String::from_utf8_lossy(json));
        }
        assert_eq!(read("[".repeat(300).as_bytes()), Err(JsonError::Depth));
    }

    fn json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            any::<f64>().prop_map(|number| serde_json::json!(number)),
            ".*".prop_map(Into::into),
        ];
        leaf.prop_recursive(5, 60, 8, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..8).prop_map(Into::into),
                prop::collection::vec((".*", inner), 0..8)
                    .prop_map(|fields| serde_json::Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn json_comes_out_as_it_went_in(value in json()) {
            let text = value.to_string();
            let parse = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
            prop_assert_eq!(parse(&read(text.as_bytes()).unwrap()), parse(&text));
        }

        #[test]
        fn strings_are_written_as_json(text in ".*") {
            let mut out = Vec::new();
            write_string(&text, &mut out);
            prop_assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
        }

        #[test]
        fn special_bytes_are_found_wherever_they_stand(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let special = |byte: &u8| *byte < 0x20 || *byte == b'"' || *byte == b'\\';
            let first = bytes.iter().position(special).unwrap_or(bytes.len());
            prop_assert_eq!(plain(&bytes), first);
        }

        #[test]
        fn any_bytes_are_read_or_refused_as_the_standard_parser_does(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let standard = serde_json::from_slice::<serde::de::IgnoredAny>(&bytes).is_ok();
            // The standard parser reads unpaired surrogates only lazily; nothing else may differ.
            prop_assert_eq!(read(&bytes).is_ok(), standard);
        }
    }
}

//! The arena itself.

use super::{
    Key, KeyTable,
    json::{stands_for_itself, write_string},
};
use bytes::Bytes;
use std::{borrow::Cow, collections::HashMap, io::Write as _, ops::Range, sync::Arc};

/// A value's place in the arena.
pub(crate) type NodeId = u32;

const NONE: u32 = u32::MAX;

/// One value.
#[derive(Debug)]
pub(crate) enum Node {
    Null,
    Bool(bool),
    /// A JSON string (with its quotes) or number in one of the arena's buffers.
    Raw {
        buffer: u32,
        start: u32,
        end: u32,
    },
    Number(serde_json::Number),
    Text(String),
    Name(async_graphql::Name),
    List {
        start: u32,
        len: u32,
    },
    /// The first of the object's chunks.
    Object(u32),
}

/// A run of an object's fields; an object grows by linking another chunk, whose entries it may share.
#[derive(Clone, Copy, Debug)]
struct Chunk {
    start: u32,
    len: u32,
    next: u32,
    /// Which keys it may hold, a bit for each, which keys that differ by 32 share.
    keys: u32,
}

impl Chunk {
    /// Where its fields are among all entries.
    fn slots(&self) -> Range<usize> {
        self.start as usize..(self.start + self.len) as usize
    }
}

/// The bit of a key in [`Chunk::keys`].
fn bit(key: Key) -> u32 {
    1 << (key.0 % u32::BITS)
}

/// Values of one request.
#[derive(Debug)]
pub(crate) struct Arena {
    keys: Arc<KeyTable>,
    more_keys: Vec<Arc<str>>,
    more_numbers: HashMap<Arc<str>, Key>,
    /// The last two keys that followed each key: subgraphs answer in the order asked, and objects and
    /// those inside them take turns.
    followers: Vec<[u32; 2]>,
    pub(super) buffers: Vec<Bytes>,
    pub(super) nodes: Vec<Node>,
    items: Vec<NodeId>,
    entries: Vec<(Key, NodeId)>,
    chunks: Vec<Chunk>,
}

impl Arena {
    pub(crate) const ROOT: NodeId = 0;

    /// An arena that holds an empty object, the root.
    pub(crate) fn new(keys: Arc<KeyTable>) -> Arena {
        let followers = vec![[NONE; 2]; keys.len() + 1];
        Arena {
            keys,
            more_keys: Vec::new(),
            more_numbers: HashMap::new(),
            followers,
            buffers: Vec::new(),
            nodes: vec![Node::Object(0)],
            items: Vec::new(),
            entries: Vec::new(),
            chunks: vec![Chunk { start: 0, len: 0, next: NONE, keys: 0 }],
        }
    }

    pub(crate) fn key(&mut self, name: &str) -> Key {
        if let Some(key) = self.find_key(name) {
            return key;
        }
        let key = Key((self.keys.len() + self.more_keys.len()) as u32);
        let name: Arc<str> = name.into();
        self.more_keys.push(name.clone());
        self.more_numbers.insert(name, key);
        key
    }

    /// The key of `name`, if the plan or any answer has it.
    pub(crate) fn find_key(&self, name: &str) -> Option<Key> {
        self.keys.find(name).or_else(|| self.more_numbers.get(name).copied())
    }

    /// The key of `name`, which is likely one that followed `previous` before.
    pub(super) fn key_after(&mut self, previous: Option<Key>, name: &str) -> Key {
        if let Some(known) = self.follower(previous, name) {
            return known;
        }
        let key = self.key(name);
        if let Some(followers) = self.followers.get_mut(slot(previous))
            && stands_for_itself(name)
        {
            *followers = [key.0, followers[0]];
        }
        key
    }

    /// The keys that followed `previous` lately, with their names, which need no escapes in JSON.
    pub(super) fn followers(&self, previous: Option<Key>) -> impl Iterator<Item = (Key, &str)> {
        let known = self.followers.get(slot(previous)).into_iter().flatten();
        known.filter(|key| **key != NONE).map(|key| (Key(*key), self.name(Key(*key))))
    }

    fn follower(&self, previous: Option<Key>, name: &str) -> Option<Key> {
        self.followers(previous).find(|(_, known)| *known == name).map(|(key, _)| key)
    }

    pub(crate) fn name(&self, key: Key) -> &str {
        match self.keys.name(key) {
            Some(name) => name,
            None => &self.more_keys[key.0 as usize - self.keys.len()],
        }
    }

    /// How many values there are.
    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// What tells an object from all others until it is changed, less than [`Arena::objects`].
    pub(crate) fn object(&self, id: NodeId) -> Option<usize> {
        match self.node(id) {
            Node::Object(chunk) => Some(*chunk as usize),
            _ => None,
        }
    }

    /// One more than the largest number of an object.
    pub(crate) fn objects(&self) -> usize {
        self.chunks.len()
    }

    pub(crate) fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id as usize]
    }

    pub(super) fn push(&mut self, node: Node) -> NodeId {
        self.nodes.push(node);
        (self.nodes.len() - 1) as NodeId
    }

    pub(super) fn push_list(&mut self, items: impl IntoIterator<Item = NodeId>) -> NodeId {
        let start = self.items.len() as u32;
        self.items.extend(items);
        let len = self.items.len() as u32 - start;
        self.push(Node::List { start, len })
    }

    pub(super) fn push_object(
        &mut self,
        entries: impl IntoIterator<Item = (Key, NodeId)>,
    ) -> NodeId {
        let start = self.entries.len();
        self.entries.extend(entries);
        let chunk = self.chunk_from(start);
        let chunk = self.push_chunk(chunk);
        self.push(Node::Object(chunk))
    }

    /// A chunk of the entries that were added last, from `start` on.
    fn chunk_from(&self, start: usize) -> Chunk {
        let entries = &self.entries[start..];
        let keys = entries.iter().fold(0, |keys, (key, _)| keys | bit(*key));
        Chunk { start: start as u32, len: entries.len() as u32, next: NONE, keys }
    }

    fn push_chunk(&mut self, chunk: Chunk) -> u32 {
        self.chunks.push(Chunk { next: NONE, ..chunk });
        (self.chunks.len() - 1) as u32
    }

    /// The elements of a list; nothing for every other value.
    pub(crate) fn list(&self, id: NodeId) -> Option<&[NodeId]> {
        match self.node(id) {
            Node::List { start, len } => {
                Some(&self.items[*start as usize..(*start + *len) as usize])
            }
            _ => None,
        }
    }

    fn chunk_slots(&self, id: NodeId) -> impl Iterator<Item = usize> + '_ {
        let mut chunk = match self.node(id) {
            Node::Object(chunk) => *chunk,
            _ => NONE,
        };
        std::iter::from_fn(move || {
            let current = self.chunks.get(chunk as usize)?;
            chunk = current.next;
            Some(current.slots())
        })
        .flatten()
    }

    /// The fields of an object; nothing for every other value.
    pub(crate) fn fields(&self, id: NodeId) -> impl Iterator<Item = (Key, NodeId)> + '_ {
        self.chunk_slots(id).map(|slot| self.entries[slot])
    }

    /// The field of an object.
    #[inline]
    pub(crate) fn get(&self, id: NodeId, key: Key) -> Option<NodeId> {
        let Node::Object(mut next) = *self.node(id) else { return None };
        while let Some(chunk) = self.chunks.get(next as usize) {
            if chunk.keys & bit(key) != 0 {
                let entries = &self.entries[chunk.slots()];
                if let Some((_, value)) = entries.iter().find(|(candidate, _)| *candidate == key) {
                    return Some(*value);
                }
            }
            next = chunk.next;
        }
        None
    }

    pub(crate) fn is_null(&self, id: NodeId) -> bool {
        matches!(self.node(id), Node::Null)
    }

    /// The text of a string or enum value.
    pub(crate) fn text(&self, id: NodeId) -> Option<Cow<'_, str>> {
        match self.node(id) {
            Node::Text(text) => Some(Cow::Borrowed(text)),
            Node::Name(name) => Some(Cow::Borrowed(name.as_str())),
            Node::Raw { .. } => {
                let raw = self.raw(id)?;
                let inner = raw.strip_prefix('"')?.strip_suffix('"')?;
                if inner.contains('\\') {
                    serde_json::from_str(raw).ok().map(Cow::Owned)
                } else {
                    Some(Cow::Borrowed(inner))
                }
            }
            _ => None,
        }
    }

    pub(crate) fn typename(&self, id: NodeId) -> Option<Cow<'_, str>> {
        self.text(self.get(id, Key::TYPENAME)?)
    }

    pub(super) fn raw(&self, id: NodeId) -> Option<&str> {
        match self.node(id) {
            Node::Raw { buffer, start, end } => {
                let bytes = self.buffers.get(*buffer as usize)?;
                std::str::from_utf8(bytes.get(*start as usize..*end as usize)?).ok()
            }
            _ => None,
        }
    }

    /// Writes a value as JSON.
    pub(crate) fn write(&self, id: NodeId, out: &mut Vec<u8>) {
        match self.node(id) {
            Node::Null => out.extend_from_slice(b"null"),
            Node::Bool(true) => out.extend_from_slice(b"true"),
            Node::Bool(false) => out.extend_from_slice(b"false"),
            Node::Raw { buffer, start, end } => {
                out.extend_from_slice(
                    &self.buffers[*buffer as usize][*start as usize..*end as usize],
                );
            }
            // Writing to memory does not fail.
            Node::Number(number) => drop(write!(out, "{number}")),
            Node::Text(text) => write_string(text, out),
            Node::Name(name) => write_string(name, out),
            Node::List { .. } => {
                out.push(b'[');
                for (index, item) in self.list(id).unwrap_or_default().iter().enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    self.write(*item, out);
                }
                out.push(b']');
            }
            Node::Object(_) => {
                out.push(b'{');
                for (index, (key, value)) in self.fields(id).enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    write_string(self.name(key), out);
                    out.push(b':');
                    self.write(value, out);
                }
                out.push(b'}');
            }
        }
    }

    /// Adds what `source` has to `target`. Objects are merged field by field, lists of equal length
    /// element by element; a value that is there already stays, unless it is null.
    pub(crate) fn merge(&mut self, target: NodeId, source: NodeId) {
        if target == source {
            return;
        }
        match (self.node(target), self.node(source)) {
            (Node::Object(_), Node::Object(added)) => self.merge_fields(target, *added),
            (Node::List { .. }, Node::List { .. }) => {
                let targets = self.list(target).unwrap_or_default().to_vec();
                let sources = self.list(source).unwrap_or_default().to_vec();
                if targets.len() == sources.len() {
                    for (target, source) in targets.into_iter().zip(sources) {
                        self.merge(target, source);
                    }
                }
            }
            _ => {}
        }
    }

    /// Merges the fields of the source, which the chunks from `added` on hold.
    fn merge_fields(&mut self, target: NodeId, added: u32) {
        // Mostly the target has none of them, which the bits of their keys tell.
        if matches!(self.node(target), Node::Object(own) if self.keys(*own) & self.keys(added) == 0)
        {
            return self.share(target, added);
        }
        let (mut fresh, mut all) = (0, 0);
        let mut next = added;
        while let Some(chunk) = self.chunks.get(next as usize).copied() {
            for slot in chunk.slots() {
                let (key, value) = self.entries[slot];
                all += 1;
                match self.get(target, key) {
                    None => fresh += 1,
                    Some(present) if present == value => {}
                    Some(present) if self.is_null(present) => self.set(target, key, value),
                    Some(present) => self.merge(present, value),
                }
            }
            next = chunk.next;
        }
        if fresh == 0 {
            return;
        }
        if fresh == all {
            return self.share(target, added);
        }
        let begin = self.entries.len();
        let mut next = added;
        while let Some(chunk) = self.chunks.get(next as usize).copied() {
            for slot in chunk.slots() {
                let entry = self.entries[slot];
                if self.get(target, entry.0).is_none() {
                    self.entries.push(entry);
                }
            }
            next = chunk.next;
        }
        self.link(target, self.chunk_from(begin));
    }

    /// Gives an object that has none of them the fields that the chunks from `added` on hold, whose
    /// entries it shares from now on.
    fn share(&mut self, target: NodeId, added: u32) {
        let mut next = added;
        while let Some(chunk) = self.chunks.get(next as usize).copied() {
            self.link(target, chunk);
            next = chunk.next;
        }
    }

    /// The keys that the chunks from `next` on may hold.
    fn keys(&self, mut next: u32) -> u32 {
        let mut keys = 0;
        while let Some(chunk) = self.chunks.get(next as usize) {
            keys |= chunk.keys;
            next = chunk.next;
        }
        keys
    }

    /// Gives an object the entries of a chunk as well.
    fn link(&mut self, target: NodeId, chunk: Chunk) {
        let Node::Object(mut last) = *self.node(target) else { return };
        while self.chunks[last as usize].next != NONE {
            last = self.chunks[last as usize].next;
        }
        let added = self.push_chunk(chunk);
        self.chunks[last as usize].next = added;
    }

    /// Replaces a field. Entries may be shared with other objects that got the same answer, so the
    /// object gets entries of its own.
    pub(crate) fn set(&mut self, target: NodeId, key: Key, value: NodeId) {
        let fields: Vec<(Key, NodeId)> = self
            .fields(target)
            .map(|(candidate, present)| (candidate, if candidate == key { value } else { present }))
            .collect();
        let start = self.entries.len();
        self.entries.extend(fields);
        let chunk = self.chunk_from(start);
        let chunk = self.push_chunk(chunk);
        self.nodes[target as usize] = Node::Object(chunk);
    }
}

/// Where the followers of a key are.
fn slot(previous: Option<Key>) -> usize {
    previous.map_or(0, |key| key.0 as usize + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arena(json: &'static str) -> (Arena, NodeId) {
        let mut arena = Arena::new(Arc::new(KeyTable::new()));
        let id = arena.read_json(Bytes::from_static(json.as_bytes())).unwrap();
        (arena, id)
    }

    fn written(arena: &Arena, id: NodeId) -> String {
        let mut out = Vec::new();
        arena.write(id, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn one_answer_stands_in_two_places_and_grows_apart() {
        let (mut arena, list) =
            arena(r#"[{"id":1},{"id":1},{"name":"x","o":{"a":1}},{"b":2},{"o":{"c":3}}]"#);
        let items = arena.list(list).unwrap().to_vec();
        arena.merge(items[0], items[2]);
        arena.merge(items[1], items[2]);
        arena.merge(items[0], items[3]);
        assert_eq!(written(&arena, items[0]), r#"{"id":1,"name":"x","o":{"a":1},"b":2}"#);
        assert_eq!(written(&arena, items[1]), r#"{"id":1,"name":"x","o":{"a":1}}"#);
        arena.merge(items[0], items[4]);
        assert_eq!(written(&arena, items[0]), r#"{"id":1,"name":"x","o":{"a":1,"c":3},"b":2}"#);
    }

    #[test]
    fn a_null_gives_way_and_a_value_stays() {
        let (mut arena, list) = arena(r#"[{"a":null,"b":1},{"a":2,"b":3},{"a":null}]"#);
        let items = arena.list(list).unwrap().to_vec();
        arena.merge(items[0], items[1]);
        arena.merge(items[0], items[2]);
        assert_eq!(written(&arena, items[0]), r#"{"a":2,"b":1}"#);
    }
}

//! Response keys as numbers, so that a field is found without comparing strings.

use std::{collections::HashMap, sync::Arc};

/// A response key by its number in a [`KeyTable`] (or, for keys no plan knows, in one request's arena).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key(pub(crate) u32);

impl Key {
    /// `__typename`, first in every table.
    pub(crate) const TYPENAME: Key = Key(0);
}

/// The keys that one plan knows.
#[derive(Clone, Debug)]
pub(crate) struct KeyTable {
    names: Vec<Arc<str>>,
    numbers: HashMap<Arc<str>, Key>,
}

impl KeyTable {
    pub(crate) fn new() -> KeyTable {
        let mut table = KeyTable { names: Vec::new(), numbers: HashMap::new() };
        table.intern("__typename");
        table
    }

    pub(crate) fn intern(&mut self, name: &str) -> Key {
        if let Some(key) = self.numbers.get(name) {
            return *key;
        }
        let key = Key(self.names.len() as u32);
        let name: Arc<str> = name.into();
        self.names.push(name.clone());
        self.numbers.insert(name, key);
        key
    }

    pub(crate) fn find(&self, name: &str) -> Option<Key> {
        self.numbers.get(name).copied()
    }

    pub(crate) fn name(&self, key: Key) -> Option<&Arc<str>> {
        self.names.get(key.0 as usize)
    }

    pub(crate) fn len(&self) -> usize {
        self.names.len()
    }
}

//! What happened in the subgraphs of one router while it answered.

use serde_json::{Map, Value as Json};
use std::sync::Mutex;

#[derive(Default)]
pub struct Journal {
    requests: Mutex<Vec<String>>,
    mutations: Mutex<Vec<String>>,
    complaints: Mutex<Vec<String>>,
}

impl Journal {
    pub fn request(&self, subgraph: &str) {
        self.requests.lock().unwrap().push(subgraph.to_owned());
    }

    pub fn mutation(&self, text: String) {
        self.mutations.lock().unwrap().push(text);
    }

    /// A subgraph was asked for what it cannot be asked.
    pub fn complaint(&self, text: String) {
        self.complaints.lock().unwrap().push(text);
    }

    /// The mutations until now.
    pub fn mutations(&self) -> String {
        self.mutations.lock().unwrap().join(", ")
    }

    /// How often each subgraph was asked, and what was wrong with it; forgets everything.
    pub fn take(&self) -> (Map<String, Json>, Vec<String>) {
        self.mutations.lock().unwrap().clear();
        let mut counts = Map::new();
        for subgraph in self.requests.lock().unwrap().drain(..) {
            let count = counts.get(&subgraph).and_then(Json::as_u64).unwrap_or_default();
            counts.insert(subgraph, (count + 1).into());
        }
        (counts, std::mem::take(&mut self.complaints.lock().unwrap()))
    }
}

//! Moves values of in-process subgraphs into the arena, and values out of it for their variables.

use super::{Arena, Node, NodeId};
use async_graphql::{Name, Value};

impl Arena {
    /// Moves a value in.
    pub(crate) fn read_value(&mut self, value: Value) -> NodeId {
        match value {
            Value::Null => self.push(Node::Null),
            Value::Boolean(value) => self.push(Node::Bool(value)),
            Value::Number(number) => self.push(Node::Number(number)),
            Value::String(text) => self.push(Node::Text(text)),
            Value::Enum(name) => self.push(Node::Name(name)),
            Value::Binary(bytes) => {
                let items: Vec<NodeId> =
                    bytes.iter().map(|byte| self.push(Node::Number((*byte).into()))).collect();
                self.push_list(items)
            }
            Value::List(values) => {
                let items: Vec<NodeId> =
                    values.into_iter().map(|value| self.read_value(value)).collect();
                self.push_list(items)
            }
            Value::Object(fields) => {
                let mut previous = None;
                let mut entries = Vec::with_capacity(fields.len());
                for (name, value) in fields {
                    let key = self.key_after(previous, &name);
                    previous = Some(key);
                    entries.push((key, self.read_value(value)));
                }
                self.push_object(entries)
            }
        }
    }

    /// A copy of a value, for the variables of an in-process subgraph.
    pub(crate) fn value(&self, id: NodeId) -> Value {
        match self.node(id) {
            Node::Null => Value::Null,
            Node::Bool(value) => Value::Boolean(*value),
            Node::Number(number) => Value::Number(number.clone()),
            Node::Text(text) => Value::String(text.clone()),
            Node::Name(name) => Value::Enum(name.clone()),
            Node::Raw { .. } => match self.text(id) {
                Some(text) => Value::String(text.into_owned()),
                None => self
                    .raw(id)
                    .and_then(|raw| serde_json::from_str(raw).ok())
                    .map_or(Value::Null, Value::Number),
            },
            Node::List { .. } => Value::List(
                self.list(id).unwrap_or_default().iter().map(|item| self.value(*item)).collect(),
            ),
            Node::Object(_) => Value::Object(
                self.fields(id)
                    .map(|(key, value)| (Name::new(self.name(key)), self.value(value)))
                    .collect(),
            ),
        }
    }
}

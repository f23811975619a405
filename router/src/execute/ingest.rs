//! Puts subgraphs' answers into the arena.

use crate::{
    data::{Arena, NodeId},
    transport::{SubgraphError, SubgraphPath, SubgraphResponse, TransportError},
};

/// What an answer holds once it is in the arena.
pub(super) struct Ingested {
    pub(super) data: Option<NodeId>,
    pub(super) errors: Vec<SubgraphError>,
}

/// Puts an answer into the arena.
pub(super) fn ingest(
    arena: &mut Arena,
    answer: SubgraphResponse,
) -> Result<Ingested, TransportError> {
    let (data, errors) = match answer {
        SubgraphResponse::Values { data, errors } => (Some(arena.read_value(data)), errors),
        SubgraphResponse::Json(body) => {
            let root = arena
                .read_json(body)
                .map_err(|error| TransportError::Protocol(error.to_string()))?;
            let (data_key, errors_key) = (arena.key("data"), arena.key("errors"));
            let errors = arena.get(root, errors_key).filter(|errors| !arena.is_null(*errors));
            // What is no list is one error: whoever wrote it meant to tell something.
            let one = errors.as_slice();
            let errors = errors.and_then(|errors| arena.list(errors)).unwrap_or(one);
            let errors = errors.iter().map(|error| read_error(arena, *error)).collect();
            (arena.get(root, data_key), errors)
        }
    };
    let data = data.filter(|data| !arena.is_null(*data));
    if data.is_none() && errors.is_empty() {
        return Err(TransportError::Protocol("neither data nor errors".to_owned()));
    }
    Ok(Ingested { data, errors })
}

fn read_error(arena: &Arena, error: NodeId) -> SubgraphError {
    let mut json = Vec::new();
    arena.write(error, &mut json);
    let value: serde_json::Value = serde_json::from_slice(&json).unwrap_or_default();
    let path = value.get("path").and_then(serde_json::Value::as_array);
    SubgraphError {
        message: match value.get("message").and_then(serde_json::Value::as_str) {
            Some(message) => message.to_owned(),
            None => "the subgraph gave an error without a message".to_owned(),
        },
        path: path
            .into_iter()
            .flatten()
            .filter_map(|step| match step {
                serde_json::Value::String(key) => Some(SubgraphPath::Key(key.clone())),
                step => {
                    let index = step.as_u64().and_then(|index| u32::try_from(index).ok());
                    index.map(SubgraphPath::Index)
                }
            })
            .collect(),
        extensions: value
            .get("extensions")
            .and_then(serde_json::Value::as_object)
            .cloned()
            .unwrap_or_default(),
    }
}

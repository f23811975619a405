//! The form of the specification's draft: `pending`, `incremental`, `completed`, `hasNext`.

use super::{Part, data, has_next, list};
use crate::{
    data::write_string,
    error::{write_errors, write_path},
};

pub(super) fn write(part: &Part) -> Vec<u8> {
    let mut out = vec![b'{'];
    if let Some((first, errors)) = &part.first {
        data(first, errors, &mut out);
        out.push(b',');
    }
    if !part.pending.is_empty() {
        out.extend_from_slice(b"\"pending\":");
        list(&part.pending, &mut out, |fragment, out| {
            id(fragment.id, out);
            out.extend_from_slice(b",\"path\":");
            write_path(&fragment.path, out);
            if let Some(label) = &fragment.label {
                out.extend_from_slice(b",\"label\":");
                write_string(label, out);
            }
            out.push(b'}');
        });
        out.push(b',');
    }
    if !part.incremental.is_empty() {
        out.extend_from_slice(b"\"incremental\":");
        list(&part.incremental, &mut out, |(fragment, fields), out| {
            id(fragment.id, out);
            out.push(b',');
            let below = fields.path.get(fragment.path.len()..).unwrap_or_default();
            if !below.is_empty() {
                out.extend_from_slice(b"\"subPath\":");
                write_path(below, out);
                out.push(b',');
            }
            data(&fields.data, &fields.errors, out);
            out.push(b'}');
        });
        out.push(b',');
    }
    if !part.completed.is_empty() {
        out.extend_from_slice(b"\"completed\":");
        list(&part.completed, &mut out, |(fragment, outcome), out| {
            id(fragment.id, out);
            if let Err(errors) = outcome {
                out.push(b',');
                write_errors(errors, out);
            }
            out.push(b'}');
        });
        out.push(b',');
    }
    has_next(part, &mut out);
    out
}

/// Begins an object with the id of a fragment.
fn id(id: usize, out: &mut Vec<u8>) {
    out.extend_from_slice(format!("{{\"id\":\"{id}\"").as_bytes());
}

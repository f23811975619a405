//! The form of 2022: each fragment is sent with its path and its label when all of it is there. Fields that
//! several fragments have come with each of them; those that came first do not come again.

use super::{Fields, Fragment, Part, data, has_next, list};
use crate::{
    data::write_string,
    error::{GraphqlError, PathSegment, write_path},
};
use std::sync::Arc;

pub(super) fn write(part: &Part) -> Vec<u8> {
    let mut out = vec![b'{'];
    if let Some((first, errors)) = &part.first {
        data(first, errors, &mut out);
        out.push(b',');
    }
    if !part.completed.is_empty() {
        let mut all = Vec::new();
        for (fragment, outcome) in &part.completed {
            match outcome {
                Ok(fields) => entries(fragment, fields, &mut all),
                Err(errors) => {
                    let errors = errors.clone();
                    all.push(Entry { fragment, path: &fragment.path, data: None, errors });
                }
            }
        }
        out.extend_from_slice(b"\"incremental\":");
        list(&all, &mut out, Entry::write);
        out.push(b',');
    }
    has_next(part, &mut out);
    out
}

struct Entry<'a> {
    fragment: &'a Fragment,
    path: &'a [PathSegment],
    data: Option<Vec<u8>>,
    errors: Vec<GraphqlError>,
}

/// The fields of a fragment: those of its own object in one entry, which is there in any case, and one
/// for each object below of which some was sent before.
fn entries<'a>(fragment: &'a Fragment, fields: &'a [Arc<Fields>], all: &mut Vec<Entry<'a>>) {
    let (here, below): (Vec<_>, Vec<_>) =
        fields.iter().partition(|fields| fields.path == fragment.path);
    let mut own = vec![b'{'];
    let mut errors = Vec::new();
    for fields in here {
        // Objects without their braces; no field is in two of them.
        let inner = fields.data.get(1..fields.data.len().saturating_sub(1)).unwrap_or_default();
        if own.len() > 1 && !inner.is_empty() {
            own.push(b',');
        }
        own.extend_from_slice(inner);
        errors.extend(fields.errors.iter().cloned());
    }
    own.push(b'}');
    all.push(Entry { fragment, path: &fragment.path, data: Some(own), errors });
    for fields in below {
        let (data, errors) = (Some(fields.data.clone()), fields.errors.clone());
        all.push(Entry { fragment, path: &fields.path, data, errors });
    }
}

impl Entry<'_> {
    fn write(&self, out: &mut Vec<u8>) {
        out.push(b'{');
        data(self.data.as_deref().unwrap_or(b"null"), &self.errors, out);
        out.extend_from_slice(b",\"path\":");
        write_path(self.path, out);
        if let Some(label) = &self.fragment.label {
            out.extend_from_slice(b",\"label\":");
            write_string(label, out);
        }
        out.push(b'}');
    }
}

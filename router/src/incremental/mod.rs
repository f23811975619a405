//! An answer in parts, and the forms in which it is written.

mod current;
mod legacy;

use crate::error::{GraphqlError, PathSegment};
use std::sync::Arc;

/// A form of answers in parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// That of the specification's draft (section "Response Format") and of graphql-js 17: fragments are
    /// announced, and data names them by id.
    Current,
    /// That of 2022 (`deferSpec=20220824`): data has a path and a label.
    Legacy,
}

/// A deferred fragment at one place of the answer.
#[derive(Debug)]
pub(crate) struct Fragment {
    pub(crate) id: usize,
    pub(crate) path: Vec<PathSegment>,
    pub(crate) label: Option<String>,
}

/// Deferred fields of one object.
#[derive(Debug)]
pub(crate) struct Fields {
    pub(crate) path: Vec<PathSegment>,
    /// A JSON object.
    pub(crate) data: Vec<u8>,
    pub(crate) errors: Vec<GraphqlError>,
}

/// How a fragment ended: with all of its fields, sent now or before, or not at all, since a null would
/// have to go beyond it.
pub(crate) type Outcome = Result<Vec<Arc<Fields>>, Vec<GraphqlError>>;

/// What is sent at once.
#[derive(Debug, Default)]
pub(crate) struct Part {
    /// The data that comes first, as a JSON object, and its errors.
    pub(crate) first: Option<(Vec<u8>, Vec<GraphqlError>)>,
    /// Fragments that will be sent.
    pub(crate) pending: Vec<Arc<Fragment>>,
    /// Fields, with a fragment to which they belong.
    pub(crate) incremental: Vec<(Arc<Fragment>, Arc<Fields>)>,
    /// Fragments of which all is sent.
    pub(crate) completed: Vec<(Arc<Fragment>, Outcome)>,
    /// Whether more follows.
    pub(crate) has_next: bool,
}

impl Part {
    /// Whether it says anything.
    pub(crate) fn is_empty(&self) -> bool {
        self.first.is_none()
            && self.pending.is_empty()
            && self.incremental.is_empty()
            && self.completed.is_empty()
    }

    /// The part as JSON.
    pub(crate) fn write(&self, format: Format) -> Vec<u8> {
        match format {
            Format::Current => current::write(self),
            Format::Legacy => legacy::write(self),
        }
    }
}

/// Writes the elements of a list with commas between them.
fn list<T>(
    items: impl IntoIterator<Item = T>,
    out: &mut Vec<u8>,
    mut write: impl FnMut(T, &mut Vec<u8>),
) {
    out.push(b'[');
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write(item, out);
    }
    out.push(b']');
}

fn has_next(part: &Part, out: &mut Vec<u8>) {
    out.extend_from_slice(match part.has_next {
        true => b"\"hasNext\":true}",
        false => b"\"hasNext\":false}",
    });
}

/// Writes the member `data`, and `errors` where there are some.
fn data(data: &[u8], errors: &[GraphqlError], out: &mut Vec<u8>) {
    out.extend_from_slice(b"\"data\":");
    out.extend_from_slice(data);
    if !errors.is_empty() {
        out.push(b',');
        crate::error::write_errors(errors, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::code;
    use serde_json::{Value, json};

    fn key(name: &str) -> PathSegment {
        PathSegment::Key(name.into())
    }

    fn fragment(id: usize, path: &[PathSegment], label: Option<&str>) -> Arc<Fragment> {
        Arc::new(Fragment { id, path: path.to_vec(), label: label.map(str::to_owned) })
    }

    fn written(part: &Part, format: Format) -> Value {
        serde_json::from_slice(&part.write(format)).unwrap()
    }

    #[test]
    fn the_first_part_announces_what_follows_in_the_current_form_alone() {
        let pending = vec![
            fragment(0, &[], Some("all")),
            fragment(1, &[key("a"), PathSegment::Index(2)], None),
        ];
        let first = Some((b"{\"a\":[1,2,3]}".to_vec(), Vec::new()));
        let part = Part { first, pending, has_next: true, ..Part::default() };
        assert_eq!(
            written(&part, Format::Current),
            json!({
                "data": { "a": [1, 2, 3] },
                "pending": [{ "id": "0", "path": [], "label": "all" }, { "id": "1", "path": ["a", 2] }],
                "hasNext": true
            })
        );
        let old = json!({ "data": { "a": [1, 2, 3] }, "hasNext": true });
        assert_eq!(written(&part, Format::Legacy), old);
    }

    #[test]
    fn fields_name_their_fragment_or_their_place() {
        let error = GraphqlError::new(code::INTERNAL, "no").at(vec![key("a"), key("x")]);
        let (outer, inner) =
            (fragment(0, &[key("a")], Some("A")), fragment(1, &[key("a")], Some("B")));
        let own = |path: &[PathSegment], data: &str, errors| {
            Arc::new(Fields { path: path.to_vec(), data: data.as_bytes().to_vec(), errors })
        };
        let here = own(&[key("a")], "{\"x\":null}", vec![error.clone()]);
        let too = own(&[key("a")], "{\"y\":1}", Vec::new());
        let below = own(&[key("a"), key("b")], "{\"z\":2}", Vec::new());
        let incremental = vec![
            (outer.clone(), here.clone()),
            (outer.clone(), too.clone()),
            (outer.clone(), below.clone()),
        ];
        let all = vec![here, too, below];
        let completed = vec![(outer, Ok(all)), (inner, Err(vec![error]))];
        let part = Part { incremental, completed, ..Part::default() };
        let told =
            json!([{ "message": "no", "path": ["a", "x"], "extensions": { "code": "INTERNAL" } }]);
        assert_eq!(
            written(&part, Format::Current),
            json!({
                "incremental": [
                    { "id": "0", "data": { "x": null }, "errors": told },
                    { "id": "0", "data": { "y": 1 } },
                    { "id": "0", "subPath": ["b"], "data": { "z": 2 } }
                ],
                "completed": [{ "id": "0" }, { "id": "1", "errors": told }],
                "hasNext": false
            })
        );
        assert_eq!(
            written(&part, Format::Legacy),
            json!({
                "incremental": [
                    { "data": { "x": null, "y": 1 }, "path": ["a"], "label": "A", "errors": told },
                    { "data": { "z": 2 }, "path": ["a", "b"], "label": "A" },
                    { "data": null, "path": ["a"], "label": "B", "errors": told }
                ],
                "hasNext": false
            })
        );
    }
}

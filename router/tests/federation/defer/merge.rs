//! The answer that a client has in the end, put together of its parts as the incremental delivery draft
//! says (section "Response Format"); whatever a part may not say ends the test.

use serde_json::Value;
use std::collections::BTreeMap;

/// All parts together.
#[derive(Debug)]
pub struct Merged {
    pub data: Value,
    pub errors: Vec<Value>,
    /// Paths of fragments that did not come.
    pub failed: Vec<Value>,
}

/// The answer of which these are all parts; a whole answer is one.
pub fn merged(parts: &[Value]) -> Merged {
    let first = parts.first().unwrap();
    let mut all =
        Merged { data: first["data"].clone(), errors: list(first, "errors"), failed: vec![] };
    let mut pending: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    let mut announced = Vec::new();
    let mut more = true;
    for (number, part) in parts.iter().enumerate() {
        assert!(more, "a part after the last: {part}");
        more = part.get("hasNext").is_some_and(|next| *next == true);
        assert_eq!(number == 0, part.get("data").is_some(), "data comes first, and once: {part}");
        for fragment in list(part, "pending") {
            let id = fragment["id"].as_str().unwrap().to_owned();
            assert!(!announced.contains(&id), "announced twice: {fragment}");
            announced.push(id.clone());
            pending.insert(id, list(&fragment, "path"));
        }
        for fields in list(part, "incremental") {
            let path = pending.get(fields["id"].as_str().unwrap());
            let mut path = path.unwrap_or_else(|| panic!("not pending: {fields}")).clone();
            path.extend(list(&fields, "subPath"));
            merge(at(&mut all.data, &path), &fields["data"]);
            all.errors.extend(list(&fields, "errors"));
        }
        for ended in list(part, "completed") {
            let path = pending.remove(ended["id"].as_str().unwrap());
            let path = path.unwrap_or_else(|| panic!("not pending: {ended}"));
            if ended.get("errors").is_some() {
                all.failed.push(path.into());
                all.errors.extend(list(&ended, "errors"));
            }
        }
    }
    assert!(!more, "the last part says that there is another");
    assert!(pending.is_empty(), "never completed: {pending:?}");
    all
}

fn list(object: &Value, name: &str) -> Vec<Value> {
    object.get(name).and_then(Value::as_array).cloned().unwrap_or_default()
}

fn at<'a>(data: &'a mut Value, path: &[Value]) -> &'a mut Value {
    path.iter().fold(data, |value, step| match step {
        Value::String(key) => value.get_mut(key).unwrap_or_else(|| panic!("no {key}")),
        step => value.get_mut(step.as_u64().unwrap() as usize).unwrap(),
    })
}

/// Adds an object's fields to those of another; none comes twice, except for objects that have more.
fn merge(target: &mut Value, added: &Value) {
    let (Value::Object(target), Value::Object(added)) = (target, added) else {
        panic!("fields of no object: {added}");
    };
    for (key, value) in added {
        assert!(!target.contains_key(key), "sent twice: {key}");
        target.insert(key.clone(), value.clone());
    }
}

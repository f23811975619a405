//! Bodies that directories send: whatever they hold, what is kept has the attributes that are kept and no
//! others, and what was changed can be read again.

use serde_json::Value;
use studio_identity::scim::{
    attributes::{Mutability, Resource},
    document::{Document, read},
    patch::Patch,
};

fn is_kept(resource: Resource, document: &Document) {
    for (name, value) in document {
        let attribute = resource.attribute(name).expect("only what is known is kept");
        assert_eq!(attribute.name, name);
        assert!(attribute.mutability != Mutability::ReadOnly, "{name}");
        assert!(!value.is_null(), "{name}");
    }
    let again = read(resource, &Value::Object(document.clone())).expect("what is kept reads");
    assert_eq!(&again, document);
}

pub fn check(bytes: &[u8]) {
    let Ok(body) = serde_json::from_slice::<Value>(bytes) else { return };
    let patch = Patch::read(&body);
    for resource in Resource::ALL {
        let required = resource.own().iter().find(|it| it.required).expect("each has a name");
        let mut before = Document::new();
        before.insert(required.name.to_owned(), "x".into());
        if let Ok(document) = read(resource, &body) {
            is_kept(resource, &document);
            before = document;
        }
        if let Ok(patch) = &patch
            && let Ok(document) = patch.apply(resource, before)
        {
            is_kept(resource, &document);
        }
    }
}

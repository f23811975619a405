//! Catalogs in Studio's own format: what is read is whole and reads again from its own JSON, and a
//! refusal says something.

use studio_controls::domain::catalog::{self, Catalog, MOST_REQUIREMENTS};

const LIMIT: usize = 1 << 20;

pub fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match catalog::read(text, LIMIT) {
        Ok(catalog) => {
            assert!((1..=MOST_REQUIREMENTS).contains(&catalog.requirements.len()));
            assert!(catalog.requirements.iter().all(|requirement| !requirement.code.is_empty()));
            let kept = serde_json::to_string(&catalog).expect("a catalog can be kept");
            let again: Catalog = serde_json::from_str(&kept).expect("what was kept reads");
            assert_eq!(again, catalog);
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

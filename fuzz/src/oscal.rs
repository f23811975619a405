//! Framework documents from outside: whatever the text, the reader answers with a catalog or with a
//! sentence that names the place, and the matcher takes every spelling.

use studio_controls::domain::{catalog, matching};

const LIMIT: usize = 1 << 20;
const FRAMEWORKS: [&str; 6] =
    ["NIST-800-53-Revision-5", "SOC2", "HIPAA", "GDPR", "PCI-4.0", "NIST-CSF-2.0"];

pub fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(catalog) = catalog::read(text, LIMIT) {
        assert!(!catalog.requirements.is_empty());
        let index = matching::CatalogIndex::new(&catalog, &[]);
        assert_eq!(index.find("SOC2", text), None, "no id was given, so none can be found");
    }
    for framework in FRAMEWORKS {
        if let Some(alias) = matching::alias(framework) {
            let _candidates = alias.spelling.candidates(text);
        }
    }
}

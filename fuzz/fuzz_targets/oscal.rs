//! Framework documents from outside: whatever the bytes, the reader answers with a catalog or with
//! a sentence that names the place, and the matcher takes every spelling.
#![no_main]

use libfuzzer_sys::fuzz_target;
use studio_controls::domain::{catalog, matching};

fuzz_target!(|text: &str| {
    if let Ok(catalog) = catalog::read(text, 1 << 20) {
        assert!(!catalog.requirements.is_empty());
        let index = matching::CatalogIndex::new(&catalog, &[]);
        assert_eq!(index.find("SOC2", text), None, "no id was given, so none can be found");
    }
    for framework in ["NIST-800-53-Revision-5", "SOC2", "HIPAA", "GDPR", "PCI-4.0", "NIST-CSF-2.0"] {
        if let Some(alias) = matching::alias(framework) {
            let _candidates = alias.spelling.candidates(text);
        }
    }
});

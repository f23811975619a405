//! Frameworks as they come in: OSCAL 1.x catalogs and resolved baselines, and Studio's own
//! `studio-catalog/1` (docs/catalog-format.md). Reading is strict and bounded: what does not read
//! gives an error that names the place as a JSON pointer (RFC 6901), and nothing is half taken in.

mod error;
mod oscal;
mod prose;
mod raw;
mod shipped;
mod studio;

use serde::{Deserialize, Serialize};

pub use error::CatalogError;
pub use shipped::{SHIPPED, Shipped, shipped};

use super::score::Importance;

/// The most requirements that one catalog may hold.
pub const MOST_REQUIREMENTS: usize = 10_000;
/// How deep groups, controls and parts may be nested in each other.
pub(crate) const DEEPEST: usize = 16;

/// A framework as it was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Catalog {
    /// As people know it.
    pub name: String,
    /// The publisher's edition, verbatim.
    pub version: String,
    /// Which rule matches the requirement ids of scanners: `nist-800-53`, `soc2`, …; `other`
    /// where none does.
    pub family: String,
    /// The edition within the family, as [`super::matching`] compares it: `5`, `2022`; empty where
    /// the family has only one.
    pub edition: String,
    /// Who publishes it.
    pub publisher: Option<String>,
    /// Whose texts these are; shown wherever the catalog is.
    pub notice: Option<String>,
    /// In the publisher's order.
    pub requirements: Vec<CatalogRequirement>,
}

/// One requirement. What OSCAL calls a control is a requirement here: a control is what an
/// organization does about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CatalogRequirement {
    /// The identifier, unique in the catalog without regard to case: `ac-2.1`, `CC6.1`, `A.5.15`.
    pub code: String,
    /// The identifier as people write it: `AC-2(1)`.
    pub label: String,
    /// A short name.
    pub title: String,
    /// What is required, as plain text; lines are separated by `\n`.
    pub text: String,
    /// The title of the group that holds it, outermost first, separated by ` / `.
    pub group: String,
    /// How much of the score it moves.
    pub importance: Importance,
    /// The labels of the parts of its statement, as paths: `d`, `d.1`.
    pub parts: Vec<String>,
}

/// Reads a catalog of either format, told apart by what it begins with.
///
/// # Errors
/// [`CatalogError`] names the place and what to do about it.
pub fn read(document: &str, limit: usize) -> Result<Catalog, CatalogError> {
    if document.len() > limit {
        return Err(CatalogError::TooLarge { size: document.len(), limit });
    }
    let document = document.strip_prefix('\u{feff}').unwrap_or(document);
    let top = raw::object(document, "")?;
    let catalog = if let Some(catalog) = top.get("catalog") {
        oscal::read(catalog.get())?
    } else if top.contains_key("format") {
        studio::read(document)?
    } else if let Some((model, advice)) =
        OTHER_MODELS.iter().find(|(model, _)| top.contains_key(*model))
    {
        return Err(CatalogError::at(
            format!("/{model}"),
            format!("this is an OSCAL {model}, not a catalog"),
            *advice,
        ));
    } else {
        return Err(CatalogError::at(
            "",
            "the document has neither \"catalog\" (OSCAL) nor \"format\" (studio-catalog/1)",
            "export the catalog, or the resolved baseline, as OSCAL JSON",
        ));
    };
    check(&catalog)?;
    Ok(catalog)
}

const OTHER_MODELS: &[(&str, &str)] = &[
    (
        "profile",
        "resolve it first and import the resolved catalog: NIST publishes its baselines resolved, \
         as …_baseline-resolved-profile_catalog.json",
    ),
    ("component-definition", "import the catalog or the resolved baseline that it refers to"),
    ("system-security-plan", "import the catalog or the resolved baseline that it refers to"),
    ("assessment-plan", "import the catalog or the resolved baseline that it refers to"),
    ("assessment-results", "import the catalog or the resolved baseline that it refers to"),
    ("plan-of-action-and-milestones", "import the catalog or the resolved baseline instead"),
    ("mapping-collection", "import the two catalogs that it maps"),
];

/// What both formats must hold.
fn check(catalog: &Catalog) -> Result<(), CatalogError> {
    if catalog.requirements.is_empty() {
        return Err(CatalogError::at(
            "",
            "there is no requirement in it",
            "import a catalog or a resolved baseline that holds controls",
        ));
    }
    let mut seen = std::collections::HashSet::new();
    for requirement in &catalog.requirements {
        if !seen.insert(requirement.code.to_lowercase()) {
            return Err(CatalogError::at(
                "",
                format!("the id \"{}\" occurs twice", requirement.code),
                "give each requirement an id of its own (upper and lower case are the same)",
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;

//! A framework that an organization has imported: the catalog as it was read, under ids of our own.
//! Its stream is named by the SHA-256 of the document, so that the same document is imported once.

use serde::{Deserialize, Serialize};
use studio_kernel::{Aggregate, Id, Timestamp, event, events, kind};

use super::{catalog::CatalogRequirement, matching::CatalogIndex};
use crate::domain::catalog::Catalog;

/// A catalog or baseline was imported. Its requirements follow in the same append, in chunks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FrameworkImported {
    /// The framework.
    pub framework: Id<kind::Framework>,
    /// SHA-256 of the document, 64 lower-case hexadecimal digits.
    pub sha256: String,
    /// As people know it.
    pub name: String,
    /// The publisher's edition.
    pub version: String,
    /// See [`Catalog::family`].
    pub family: String,
    /// See [`Catalog::edition`].
    pub edition: String,
    /// Who publishes it.
    pub publisher: Option<String>,
    /// Whose texts these are.
    pub notice: Option<String>,
    /// How many requirements follow.
    pub requirement_count: u32,
}
event!(FrameworkImported, "controls.framework.imported", 1);

/// Some of the requirements of an imported framework, in its order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RequirementsImported {
    /// The framework.
    pub framework: Id<kind::Framework>,
    /// The place of the first of them among all, from 0.
    pub first: u32,
    /// The requirements.
    pub requirements: Vec<ImportedRequirement>,
}
event!(RequirementsImported, "controls.framework.requirements_imported", 1);

/// A requirement under its id.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ImportedRequirement {
    /// The id.
    pub id: Id<kind::Requirement>,
    /// As it was read.
    #[serde(flatten)]
    pub requirement: CatalogRequirement,
}

events! {
    /// What happens to a framework.
    pub enum FrameworkEvent { FrameworkImported, RequirementsImported }
}

/// How many requirements one event carries.
const CHUNK: usize = 100;

/// An imported framework.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Framework {
    /// What was said of it; `None` where nothing was imported under this name.
    pub imported: Option<FrameworkImported>,
    /// Its requirements, in its order.
    pub requirements: Vec<ImportedRequirement>,
}

impl Framework {
    /// Makes it ready for matching; `None` where nothing was imported.
    pub fn index(&self) -> Option<CatalogIndex> {
        let imported = self.imported.as_ref()?;
        let (ids, requirements): (Vec<_>, Vec<_>) =
            self.requirements.iter().map(|item| (item.id, item.requirement.clone())).unzip();
        let catalog = Catalog {
            name: imported.name.clone(),
            version: imported.version.clone(),
            family: imported.family.clone(),
            edition: imported.edition.clone(),
            publisher: None,
            notice: None,
            requirements,
        };
        Some(CatalogIndex::new(&catalog, &ids))
    }
}

impl Aggregate for Framework {
    const STREAM_TYPE: &'static str = "controls.framework";
    const STATE_VERSION: u32 = 1;
    type Event = FrameworkEvent;

    fn apply(&mut self, event: &FrameworkEvent, _recorded_at: Timestamp) {
        match event {
            FrameworkEvent::FrameworkImported(imported) => self.imported = Some(imported.clone()),
            FrameworkEvent::RequirementsImported(some) => {
                self.requirements.extend(some.requirements.iter().cloned());
            }
        }
    }
}

/// The events of an import; ids come from `requirement_id`.
pub fn import(
    framework: Id<kind::Framework>,
    sha256: String,
    catalog: Catalog,
    mut requirement_id: impl FnMut() -> Id<kind::Requirement>,
) -> Vec<FrameworkEvent> {
    let count = u32::try_from(catalog.requirements.len()).unwrap_or(u32::MAX);
    let mut events = vec![
        FrameworkImported {
            framework,
            sha256,
            name: catalog.name,
            version: catalog.version,
            family: catalog.family,
            edition: catalog.edition,
            publisher: catalog.publisher,
            notice: catalog.notice,
            requirement_count: count,
        }
        .into(),
    ];
    let mut first = 0;
    for chunk in catalog.requirements.chunks(CHUNK) {
        let requirements: Vec<_> = chunk
            .iter()
            .map(|requirement| ImportedRequirement {
                id: requirement_id(),
                requirement: requirement.clone(),
            })
            .collect();
        let taken = u32::try_from(requirements.len()).unwrap_or(u32::MAX);
        events.push(RequirementsImported { framework, first, requirements }.into());
        first += taken;
    }
    events
}

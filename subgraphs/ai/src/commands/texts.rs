//! The texts of versions, each read once while one answer is made.

use std::collections::{HashMap, hash_map::Entry};

use studio_kernel::{Id, TenantId, kind};
use studio_service::{ApiError, DocumentText};

pub(super) struct Texts<'a> {
    source: &'a dyn DocumentText,
    tenant: TenantId,
    read: HashMap<Id<kind::DocumentVersion>, Option<String>>,
}

impl<'a> Texts<'a> {
    pub(super) fn of(source: &'a dyn DocumentText, tenant: TenantId) -> Self {
        Self { source, tenant, read: HashMap::new() }
    }

    /// A part of the text of a version by bytes, where there is one.
    pub(super) async fn slice(
        &mut self,
        version: Id<kind::DocumentVersion>,
        offset: u64,
        length: u64,
    ) -> Result<Option<&str>, ApiError> {
        let text = match self.read.entry(version) {
            Entry::Occupied(read) => read.into_mut(),
            Entry::Vacant(unread) => unread.insert(self.source.text(self.tenant, version).await?),
        };
        Ok(text.as_deref().and_then(|text| slice(text, offset, length)))
    }
}

fn slice(text: &str, offset: u64, length: u64) -> Option<&str> {
    let start = usize::try_from(offset).ok()?;
    let end = start.checked_add(usize::try_from(length).ok()?)?;
    text.get(start..end)
}

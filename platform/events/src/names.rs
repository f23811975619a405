//! One namespace for the names of projections and consumers.
//!
//! Both keep the place that they have come to in `checkpoints`, under their names: a consumer in
//! generation 0, a projection in its generations from 1 on. Two of one name would move each
//! other's places, so that events are lost or taken in twice. So a name belongs to whoever had it
//! first, in this process and on record.

use std::collections::HashSet;

use crate::{
    error::{NameOwner, StoreError},
    log::Core,
};

/// The generation of a consumer's row.
pub(crate) const OF_CONSUMERS: i64 = 0;

pub(crate) fn taken(name: &str, owner: NameOwner) -> StoreError {
    StoreError::NameTaken { name: name.to_owned(), owner }
}

/// Refuses two projections of one name.
pub(crate) fn projections_differ(core: &Core) -> Result<(), StoreError> {
    let mut names = HashSet::new();
    match core.projections().map(|projection| projection.name()).find(|name| !names.insert(*name)) {
        Some(twice) => Err(taken(twice, NameOwner::Projection)),
        None => Ok(()),
    }
}

/// Refuses a consumer the name of a projection that the store was opened with. Those of other
/// processes are found on record, when the checkpoint is written.
pub(crate) fn free_for_consumer(core: &Core, name: &str) -> Result<(), StoreError> {
    match core.projections().find(|projection| projection.name() == name) {
        Some(_) => Err(taken(name, NameOwner::Projection)),
        None => Ok(()),
    }
}

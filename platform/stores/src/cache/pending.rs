//! What was to be forgotten while the server was away. Until the server has been told, this process
//! answers nothing from it.

use std::{
    collections::BTreeSet,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use studio_kernel::TenantId;

/// So many are remembered one by one; beyond that, all of an organization's at once.
const MOST: usize = 10_000;

/// The tag that every entry carries.
pub(super) const EVERYTHING: &str = "";

/// One thing that the server has not been told.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Forget {
    Key(TenantId, String),
    Tag(TenantId, String),
}

impl Forget {
    fn all_of_it(&self) -> Self {
        let (Self::Key(tenant, _) | Self::Tag(tenant, _)) = self;
        Self::Tag(*tenant, EVERYTHING.to_owned())
    }
}

/// All of them. Telling the server twice does no harm.
#[derive(Debug, Default)]
pub(super) struct Pending {
    some: AtomicBool,
    list: Mutex<BTreeSet<Forget>>,
}

impl Pending {
    pub(super) fn any(&self) -> bool {
        self.some.load(Ordering::Acquire)
    }

    fn list(&self) -> MutexGuard<'_, BTreeSet<Forget>> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn add(&self, forget: Forget) {
        let mut list = self.list();
        if !list.contains(&forget.all_of_it()) {
            list.insert(forget);
        }
        if list.len() > MOST {
            *list = list.iter().map(Forget::all_of_it).collect();
        }
        self.some.store(true, Ordering::Release);
    }

    pub(super) fn first(&self) -> Option<Forget> {
        self.list().first().cloned()
    }

    pub(super) fn told(&self, forget: &Forget) {
        let mut list = self.list();
        list.remove(forget);
        self.some.store(!list.is_empty(), Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use studio_kernel::Env;

    use super::*;

    #[test]
    fn remembers_each_until_there_are_too_many() {
        let env = Env::system();
        let (pending, tenant): (_, TenantId) = (Pending::default(), env.id());
        let tag = Forget::Tag(tenant, "t".to_owned());
        pending.add(tag.clone());
        pending.add(tag.clone());
        assert_eq!(pending.first(), Some(tag.clone()));
        pending.told(&tag);
        assert!(!pending.any() && pending.first().is_none());
        for number in 0..=MOST {
            pending.add(Forget::Key(tenant, number.to_string()));
        }
        pending.add(tag.clone());
        assert_eq!(pending.first(), Some(tag.all_of_it()));
        pending.told(&tag.all_of_it());
        assert!(!pending.any());
    }
}

//! How objects are named: `<prefix><organization>/<name>/<moment>-<random>-<SHA-256 of the bytes>`.
//!
//! Every put makes an object of its own, a copy, that is never written again. The newest copy of a
//! name is the blob. So a delete takes exactly the copies that it has seen, a put at the same time
//! makes another one that it cannot have seen, and no conditional request is needed, which servers
//! implement differently. Names sort as organizations, names and moments do.

use studio_kernel::{Env, TenantId, Timestamp};

use crate::blobs::ContentHash;

/// An object that holds the bytes of a blob.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BlobCopy {
    pub(super) tenant: TenantId,
    pub(super) name: ContentHash,
    /// When its put began.
    pub(super) stored_at: Timestamp,
    /// SHA-256 of the bytes of the object: the name, unless they are sealed.
    pub(super) bytes: ContentHash,
    pub(super) key: String,
    pub(super) size: u64,
}

/// The keys below one prefix.
#[derive(Debug, Clone)]
pub(super) struct Keys {
    prefix: String,
}

impl Keys {
    pub(super) fn new(prefix: String) -> Self {
        Self { prefix }
    }

    /// What all keys begin with.
    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// What the keys of all copies of a blob begin with.
    pub(super) fn of_blob(&self, tenant: TenantId, name: ContentHash) -> String {
        format!("{}{tenant}/{name}/", self.prefix)
    }

    /// A key after those of all copies of a blob and before those of the next.
    pub(super) fn after_blob(&self, tenant: TenantId, name: ContentHash) -> String {
        format!("{}{tenant}/{name}/~", self.prefix)
    }

    /// A key for a copy that is being made.
    pub(super) fn new_copy(
        &self,
        tenant: TenantId,
        name: ContentHash,
        bytes: ContentHash,
        env: &Env,
    ) -> String {
        let moment = env.now().micros().max(0);
        let random = hex::encode(env.bytes::<8>());
        format!("{}{moment:016x}-{random}-{bytes}", self.of_blob(tenant, name))
    }

    /// What a key says; `None` for one that is no copy's.
    pub(super) fn read(&self, key: &str, size: u64) -> Option<BlobCopy> {
        let mut parts = key.strip_prefix(&self.prefix)?.split('/');
        let (tenant, name, copy) = (parts.next()?, parts.next()?, parts.next()?);
        let mut copy = copy.split('-');
        let (moment, _random, bytes) = (copy.next()?, copy.next()?, copy.next()?);
        let over = parts.next().is_some() || copy.next().is_some();
        if over || moment.len() != 16 {
            return None;
        }
        Some(BlobCopy {
            tenant: tenant.parse().ok()?,
            name: name.parse().ok()?,
            stored_at: Timestamp::from_micros(i64::from_str_radix(moment, 16).ok()?),
            bytes: bytes.parse().ok()?,
            key: key.to_owned(),
            size,
        })
    }
}

#[cfg(test)]
mod tests {
    use studio_kernel::{FixedEntropy, ManualClock};
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_key_says_what_it_names_and_later_copies_sort_after() {
        let clock = ManualClock::at(Timestamp::from_micros(1_800_000_000_000_000));
        let env = Env::new(clock.clone(), FixedEntropy::seeded(1));
        let keys = Keys::new("a/b/".to_owned());
        let tenant = TenantId::from_uuid(Uuid::from_u128(7));
        let (name, bytes) = (ContentHash::of(b"plain"), ContentHash::of(b"sealed"));
        let first = keys.new_copy(tenant, name, bytes, &env);
        clock.advance_micros(1);
        let second = keys.new_copy(tenant, name, bytes, &env);
        assert!(first < second && second < keys.after_blob(tenant, name));
        assert!(first.starts_with(&keys.of_blob(tenant, name)));
        let copy = keys.read(&second, 5).unwrap();
        assert_eq!((copy.tenant, copy.name, copy.bytes, copy.size), (tenant, name, bytes, 5));
        assert_eq!(copy.stored_at, env.now());
        for other in [
            "a/b/readme.txt",
            "elsewhere",
            &first[..first.len() - 1],
            &format!("{first}/x"),
            &format!("{first}-x"),
            &first[4..],
        ] {
            assert_eq!(keys.read(other, 1), None, "{other}");
        }
    }
}

//! Recovery codes: for a person whose app is gone. Each has 60 random bits and works once. Only keyed
//! hashes of them are kept: without the keyring nobody can try codes out.

use studio_kernel::{Env, Id, kind};
use studio_stores::keyring::IndexKey;
use zeroize::Zeroizing;

use super::base32;

/// How many a person gets.
const COUNT: usize = 10;
/// Characters of one, shown in groups of [`GROUP`].
const LENGTH: usize = 12;
const GROUP: usize = 4;

/// Makes recovery codes, and the hashes by which they are known.
pub(crate) struct RecoveryCodes {
    key: IndexKey,
    env: Env,
}

impl RecoveryCodes {
    /// With the key of the hashes.
    pub(crate) fn new(key: IndexKey, env: Env) -> Self {
        Self { key, env }
    }

    /// Ten new ones, as they are shown.
    pub(crate) fn make(&self) -> Vec<Zeroizing<String>> {
        let one = || {
            let random = Zeroizing::new(self.env.bytes::<8>());
            let text = Zeroizing::new(base32::encode(&*random));
            let groups: Vec<&str> =
                (0..LENGTH).step_by(GROUP).map(|at| &text[at..at + GROUP]).collect();
            Zeroizing::new(groups.join("-"))
        };
        (0..COUNT).map(|_| one()).collect()
    }

    /// The hash of a person's code, 64 hexadecimal digits. `code` may be grouped.
    pub(crate) fn hash(&self, user: Id<kind::User>, code: &str) -> String {
        let plain = Zeroizing::new(code.replace('-', ""));
        let value = Zeroizing::new(format!("{user} {}", *plain));
        self.key.digest(value.as_bytes())
    }
}

/// Whether the characters, without what groups them, can be a recovery code.
pub(super) fn well_formed(plain: &str) -> bool {
    plain.len() == LENGTH && plain.bytes().all(|byte| base32::ALPHABET.contains(&byte))
}

//! API keys as text: `stk_`, 32 hexadecimal digits that say which key it is, `_`, and a secret of 256
//! random bits (base64url without padding, RFC 4648, section 5). Of the secret its SHA-256 alone is kept:
//! what cannot be guessed needs no slow hash.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use studio_kernel::{Env, Id, kind};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::sha256;

/// What every key begins with: by it, keys are told from access tokens, and found in what should hold none.
pub(super) const PREFIX: &str = "stk_";
const ID: usize = 32;
const SECRET: usize = 32;
/// Characters of a secret.
const TEXT: usize = 43;

/// A new secret as it is shown, once, and its hash.
pub(crate) struct NewSecret {
    /// Base64url.
    pub text: Zeroizing<String>,
    /// SHA-256 of the text, 64 hexadecimal digits.
    pub hash: String,
}

impl NewSecret {
    /// 256 random bits.
    pub(crate) fn make(env: &Env) -> Self {
        let bytes = Zeroizing::new(env.bytes::<SECRET>());
        let text = Zeroizing::new(URL_SAFE_NO_PAD.encode(*bytes));
        let hash = sha256(text.as_bytes());
        Self { text, hash }
    }
}

/// A key as it is shown.
pub(crate) fn write(key: Id<kind::ApiKey>, secret: &NewSecret) -> Zeroizing<String> {
    write_as(PREFIX, key.uuid(), secret)
}

/// An id and a secret behind a prefix.
pub(super) fn write_as(prefix: &str, id: Uuid, secret: &NewSecret) -> Zeroizing<String> {
    Zeroizing::new(format!("{prefix}{}_{}", id.simple(), *secret.text))
}

/// The id and the secret behind a prefix; `None` for what has another form.
pub(super) fn read_as<'a>(prefix: &str, text: &'a str) -> Option<(Uuid, &'a str)> {
    let rest = text.strip_prefix(prefix)?;
    let (id, rest) = rest.split_at_checked(ID)?;
    let secret = rest.strip_prefix('_')?;
    let lower = id.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_lowercase());
    (lower && secret.len() == TEXT).then_some(())?;
    Some((Uuid::try_parse(id).ok()?, secret))
}

/// A key as somebody sent it.
pub(crate) struct Presented<'a> {
    /// Which one it says it is.
    pub key: Id<kind::ApiKey>,
    /// The secret.
    pub secret: &'a str,
}

impl<'a> Presented<'a> {
    /// Takes it apart; `None` for what can be no key.
    pub(crate) fn read(text: &'a str) -> Option<Self> {
        let (id, secret) = read_as(PREFIX, text)?;
        Some(Self { key: Id::from_uuid(id), secret })
    }
}

/// Whether a secret is the one of that hash, in a time that says nothing of how near it is.
pub(crate) fn is_right(secret: &str, hash: &str) -> bool {
    let given = sha256(secret.as_bytes());
    aws_lc_rs::constant_time::verify_slices_are_equal(given.as_bytes(), hash.as_bytes()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_as_it_was_written_and_in_no_other_way() {
        let env = Env::system();
        for _ in 0..50 {
            let (key, secret) = (env.id(), NewSecret::make(&env));
            let text = write(key, &secret);
            let read = Presented::read(&text).unwrap();
            assert_eq!((read.key, read.secret), (key, &**secret.text));
            assert!(is_right(read.secret, &secret.hash));
            assert!(!is_right(&NewSecret::make(&env).text, &secret.hash));
            for cut in 0..text.len() {
                assert!(Presented::read(&text[..cut]).is_none(), "{cut}");
            }
            for odd in [
                format!("{}x", *text),
                format!(" {}", *text),
                text.replacen("stk_", "STK_", 1),
                text.replacen("stk_", "key_", 1),
                text[..4 + ID].to_uppercase() + &text[4 + ID..],
                format!("stk_ü{}", &text[6..]),
            ] {
                assert!(Presented::read(&odd).is_none(), "{odd}");
            }
        }
    }
}

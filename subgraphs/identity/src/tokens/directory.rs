//! The tokens of directories as text: `scm_`, 32 hexadecimal digits that say which directory it is, `_`, and a
//! secret of 256 random bits, as API keys are written ([`super::api_key`]).

use studio_kernel::{Id, kind};
use zeroize::Zeroizing;

use super::{NewSecret, api_key};

/// What every token of a directory begins with.
pub(crate) const PREFIX: &str = "scm_";

/// A token as it is shown.
pub(crate) fn write(directory: Id<kind::Directory>, secret: &NewSecret) -> Zeroizing<String> {
    api_key::write_as(PREFIX, directory.uuid(), secret)
}

/// The directory that a token names, and the secret; `None` for what can be no token.
pub(crate) fn read(text: &str) -> Option<(Id<kind::Directory>, &str)> {
    api_key::read_as(PREFIX, text).map(|(id, secret)| (Id::from_uuid(id), secret))
}

#[cfg(test)]
mod tests {
    use studio_kernel::Env;

    use super::*;

    #[test]
    fn a_token_is_read_as_it_was_written_and_is_no_key() {
        let env = Env::system();
        let (id, secret) = (env.id(), NewSecret::make(&env));
        let text = write(id, &secret);
        assert_eq!(read(&text), Some((id, secret.text.as_str())));
        assert!(api_key::Presented::read(&text).is_none());
        let key = api_key::write(env.id(), &secret);
        assert!(read(&key).is_none());
        assert!((0..text.len()).all(|cut| read(&text[..cut]).is_none()));
    }
}

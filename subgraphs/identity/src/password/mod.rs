//! Passwords: argon2id (RFC 9106) with 19 MiB, two passes and one lane, as OWASP's password
//! storage cheat sheet recommends. Hashing happens beside the async threads, and only so many at a
//! time, so that a flood of sign-ins takes neither all memory nor all processors.
//!
//! A password is hashed in its form NFKC (NIST SP 800-63B, section 5.1.1.2), so that it is the same from
//! every keyboard. A new one must be hard to guess ([`strength`]) and not be known from a breach
//! ([`breached`]).

mod breached;
mod strength;

use std::{fmt, path::Path, sync::Arc};

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use studio_kernel::Env;
use tokio::sync::Semaphore;
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

use breached::{BreachedError, BreachedPasswords};

use crate::domain::input::{self, Fault};

/// KiB.
const MEMORY: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;
const SALT_LEN: usize = 16;

/// A password cannot be hashed or looked up, which no input can cause.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// The machine cannot, or a stored hash does not read.
    #[error("the password cannot be hashed: {0}")]
    Hash(String),
    /// The operator's file cannot be used.
    #[error(transparent)]
    Breached(#[from] BreachedError),
}

/// Hashes and checks passwords.
pub(crate) struct Passwords {
    argon2: Argon2<'static>,
    /// The hash of a password that nobody knows: an unknown account costs as much as a known one.
    decoy: String,
    breached: Option<BreachedPasswords>,
    at_once: Arc<Semaphore>,
    env: Env,
}

impl Passwords {
    /// With the parameters above, and the operator's file of breached passwords, if there is one.
    ///
    /// # Errors
    /// When the file is missing or malformed; when the parameters are refused, which a test would
    /// show.
    pub(crate) fn new(env: Env, breached: Option<&Path>) -> Result<Self, PasswordError> {
        let breached = breached.map(BreachedPasswords::open).transpose()?;
        let params = Params::new(MEMORY, PASSES, LANES, None).map_err(shown)?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let decoy = hash(&argon2, &env.bytes::<32>(), &env.bytes())?;
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Ok(Self { argon2, decoy, breached, at_once: Arc::new(Semaphore::new(processors)), env })
    }

    /// Refuses a new password that is too short or too long, that could be guessed by whoever knows
    /// `about` (the person's name, address and organization), or that is known from a breach.
    ///
    /// # Errors
    /// When the file of breached passwords is no longer what it was at the start.
    pub(crate) async fn judge(
        &self,
        field: &'static str,
        password: &str,
        about: Vec<String>,
    ) -> Result<Result<(), Fault>, PasswordError> {
        let normal = normal(password);
        // As it came: a shorter form does not make it right.
        if let Err(fault) =
            input::password(field, password).and_then(|()| input::password(field, &normal))
        {
            return Ok(Err(fault));
        }
        let (breached, given) = (self.breached.clone(), Zeroizing::new(password.to_owned()));
        self.run(move || {
            if let Some(weakness) = strength::weakness(&normal, &about) {
                return Ok(Err(Fault::new("WEAK_PASSWORD", field, weakness)));
            }
            for form in forms(&given) {
                if let Some(breached) = &breached
                    && breached.contains(&form)?
                {
                    return Ok(Err(Fault::new("BREACHED_PASSWORD", field, BREACHED)));
                }
            }
            Ok(Ok(()))
        })
        .await?
    }

    /// The hash of a new password, as a PHC string.
    ///
    /// # Errors
    /// When the machine cannot: not enough memory.
    pub(crate) async fn hash(&self, password: &str) -> Result<String, PasswordError> {
        let (argon2, salt) = (self.argon2.clone(), self.env.bytes());
        let password = normal(password);
        self.run(move || hash(&argon2, password.as_bytes(), &salt)).await?
    }

    /// Whether the password is the one that was hashed. Without a hash (no such account) it takes
    /// the same work and says no.
    ///
    /// # Errors
    /// When the stored hash does not read, or the machine cannot.
    pub(crate) async fn verify(
        &self,
        password: &str,
        phc: Option<Zeroizing<String>>,
    ) -> Result<bool, PasswordError> {
        let argon2 = self.argon2.clone();
        let too_long = password.len() > input::LONGEST_PASSWORD;
        // Nobody's: it takes the work of any other.
        let forms = forms(if too_long { "" } else { password });
        let known = phc.is_some() && !too_long;
        let phc = phc.unwrap_or_else(|| Zeroizing::new(self.decoy.clone()));
        let matches = self
            .run(move || {
                let hash = PasswordHash::new(&phc).map_err(shown)?;
                let matches = |form: &Zeroizing<String>| {
                    argon2.verify_password(form.as_bytes(), &hash).is_ok()
                };
                Ok::<_, PasswordError>(forms.iter().any(matches))
            })
            .await??;
        Ok(matches && known)
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, PasswordError> {
        let _permit = self.at_once.acquire().await.map_err(shown)?;
        tokio::task::spawn_blocking(work).await.map_err(shown)
    }
}

const BREACHED: &str = "That password is in a list of passwords that were stolen elsewhere, which is \
                        what is tried first: choose one that you use nowhere else.";

/// The form NFKC.
fn normal(password: &str) -> Zeroizing<String> {
    Zeroizing::new(password.nfkc().collect())
}

/// The form NFKC, and the password as it came where that is another: earlier hashes are of that.
fn forms(password: &str) -> Vec<Zeroizing<String>> {
    let mut forms = vec![normal(password)];
    if *forms[0] != password {
        forms.push(Zeroizing::new(password.to_owned()));
    }
    forms
}

fn hash(
    argon2: &Argon2<'_>,
    password: &[u8],
    salt: &[u8; SALT_LEN],
) -> Result<String, PasswordError> {
    Ok(argon2.hash_password_with_salt(password, salt).map_err(shown)?.to_string())
}

fn shown(error: impl fmt::Display) -> PasswordError {
    PasswordError::Hash(error.to_string())
}

impl fmt::Debug for Passwords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passwords(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_right_password_and_no_other() {
        let passwords = Passwords::new(Env::system(), None).unwrap();
        let phc = passwords.hash("correct horse battery").await.unwrap();
        assert!(phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{phc}");
        assert_ne!(phc, passwords.hash("correct horse battery").await.unwrap());
        let phc = || Some(Zeroizing::new(phc.clone()));
        assert!(passwords.verify("correct horse battery", phc()).await.unwrap());
        assert!(!passwords.verify("correct horse batterz", phc()).await.unwrap());
        assert!(!passwords.verify("correct horse battery", None).await.unwrap());
        assert!(passwords.verify("x", Some(Zeroizing::new("no hash".into()))).await.is_err());
    }
    #[tokio::test]
    async fn one_password_from_every_keyboard() {
        let passwords = Passwords::new(Env::system(), None).unwrap();
        // "ü" in one code point and in two, and a full-width letter.
        let (composed, decomposed) =
            ("ein l\u{fc}ckenloses Wort", "ein lu\u{308}ckenloses \u{ff37}ort");
        let phc = passwords.hash(decomposed).await.unwrap();
        let phc = || Some(Zeroizing::new(phc.clone()));
        assert!(passwords.verify(composed, phc()).await.unwrap());
        assert!(passwords.verify(decomposed, phc()).await.unwrap());
        assert!(!passwords.verify("ein luckenloses Wort", phc()).await.unwrap());
        // A hash from before, of the password as it came.
        let before = hash(&passwords.argon2, decomposed.as_bytes(), &[7; SALT_LEN]).unwrap();
        let before = || Some(Zeroizing::new(before.clone()));
        assert!(passwords.verify(decomposed, before()).await.unwrap());
        assert!(!passwords.verify(composed, before()).await.unwrap());
        // Nothing longer than a password may be is looked at.
        let long = "x".repeat(input::LONGEST_PASSWORD + 1);
        let of_long = hash(&passwords.argon2, long.as_bytes(), &[7; SALT_LEN]).unwrap();
        assert!(!passwords.verify(&long, Some(Zeroizing::new(of_long))).await.unwrap());
        let of_nothing = hash(&passwords.argon2, b"", &[7; SALT_LEN]).unwrap();
        assert!(!passwords.verify(&long, Some(Zeroizing::new(of_nothing))).await.unwrap());
    }

    #[tokio::test]
    async fn new_passwords_are_judged() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("breached.txt");
        // SHA-1 of "one walnut per tide", as sha1sum gives it.
        std::fs::write(&path, "EDD752AED2F49809A844968EFCF9AA44A6E87739:7\n").unwrap();
        let passwords = Passwords::new(Env::system(), Some(&path)).unwrap();
        let judge = async |password: &str| {
            let about = vec!["Ada Lovelace".to_owned()];
            passwords.judge("password", password, about).await.unwrap().err().map(|f| f.code)
        };
        assert_eq!(judge("two walnuts per tide").await, None);
        assert_eq!(judge("one walnut per tide").await, Some("BREACHED_PASSWORD"));
        assert_eq!(judge("lovelace lovelace").await, Some("WEAK_PASSWORD"));
        assert_eq!(judge("too short").await, Some("WEAK_PASSWORD"));
        // Eleven characters that are twelve code points as they came.
        assert_eq!(judge("w\u{75}\u{308}hlt xyz q").await, Some("WEAK_PASSWORD"));
        std::fs::remove_file(&path).unwrap();
        let gone = passwords.judge("password", "two walnuts per tide", Vec::new()).await;
        assert!(gone.unwrap_err().to_string().contains("identity.breached_passwords_file"));
        let missing = Passwords::new(Env::system(), Some(&path)).unwrap_err();
        assert!(missing.to_string().contains("breached.txt"), "{missing}");
    }
}

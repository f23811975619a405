//! Passwords: argon2id (RFC 9106) with 19 MiB, two passes and one lane, as OWASP's password
//! storage cheat sheet recommends. Hashing happens beside the async threads, and only so many at a
//! time, so that a flood of sign-ins takes neither all memory nor all processors.

use std::{fmt, sync::Arc};

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use studio_kernel::Env;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

/// KiB.
const MEMORY: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;
const SALT_LEN: usize = 16;

/// Hashing failed, which no input can cause.
#[derive(Debug, thiserror::Error)]
#[error("the password cannot be hashed: {0}")]
pub struct PasswordError(String);

/// Hashes and checks passwords.
pub(crate) struct Passwords {
    argon2: Argon2<'static>,
    /// The hash of a password that nobody knows: an unknown account costs as much as a known one.
    decoy: String,
    at_once: Arc<Semaphore>,
    env: Env,
}

impl Passwords {
    /// With the parameters above.
    ///
    /// # Errors
    /// When the parameters are refused, which a test would show.
    pub(crate) fn new(env: Env) -> Result<Self, PasswordError> {
        let params = Params::new(MEMORY, PASSES, LANES, None).map_err(shown)?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let decoy = hash(&argon2, &env.bytes::<32>(), &env.bytes())?;
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Ok(Self { argon2, decoy, at_once: Arc::new(Semaphore::new(processors)), env })
    }

    /// The hash of a new password, as a PHC string.
    ///
    /// # Errors
    /// When the machine cannot: not enough memory.
    pub(crate) async fn hash(&self, password: &str) -> Result<String, PasswordError> {
        let (argon2, salt) = (self.argon2.clone(), self.env.bytes());
        let password = Zeroizing::new(password.to_owned());
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
        let password = Zeroizing::new(password.to_owned());
        let known = phc.is_some();
        let phc = phc.unwrap_or_else(|| Zeroizing::new(self.decoy.clone()));
        let matches = self
            .run(move || {
                let hash = PasswordHash::new(&phc).map_err(shown)?;
                Ok(argon2.verify_password(password.as_bytes(), &hash).is_ok())
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

fn hash(
    argon2: &Argon2<'_>,
    password: &[u8],
    salt: &[u8; SALT_LEN],
) -> Result<String, PasswordError> {
    Ok(argon2.hash_password_with_salt(password, salt).map_err(shown)?.to_string())
}

fn shown(error: impl fmt::Display) -> PasswordError {
    PasswordError(error.to_string())
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
        let passwords = Passwords::new(Env::system()).unwrap();
        let phc = passwords.hash("correct horse battery").await.unwrap();
        assert!(phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{phc}");
        assert_ne!(phc, passwords.hash("correct horse battery").await.unwrap());
        let phc = || Some(Zeroizing::new(phc.clone()));
        assert!(passwords.verify("correct horse battery", phc()).await.unwrap());
        assert!(!passwords.verify("correct horse batterz", phc()).await.unwrap());
        assert!(!passwords.verify("correct horse battery", None).await.unwrap());
        assert!(passwords.verify("x", Some(Zeroizing::new("no hash".into()))).await.is_err());
    }
}

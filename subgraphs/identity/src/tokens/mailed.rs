//! Tokens that stand in mails. A token names its organization and person and carries 128 random bits and a
//! keyed hash of 256 bits over all of that: it follows from what the log holds of it and the key, so that
//! the mail can be written after the event, and again after a crash, while the log holds its hash alone.
//! Tokens for one purpose have another key than those for the other.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use studio_kernel::{Env, Id, TenantId, kind};
use studio_stores::keyring::{IndexKey, Keyring, KeyringError};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::sha256;
use crate::domain::mailed::MailKind;

/// organization, person, randomness.
const BODY: usize = 16 + 16 + NONCE;
const NONCE: usize = 16;
const MAC: usize = 32;

/// A token, taken apart.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct MailedToken {
    /// The organization.
    pub tenant: TenantId,
    /// Who it was sent to, or who may come of it.
    pub user: Id<kind::User>,
    nonce: [u8; NONCE],
}

impl MailedToken {
    /// A new one for a person.
    pub(crate) fn new(tenant: TenantId, user: Id<kind::User>, env: &Env) -> Self {
        Self { tenant, user, nonce: env.bytes() }
    }

    /// The one that was made for the person with this nonce.
    pub(crate) fn again(tenant: TenantId, user: Id<kind::User>, nonce: &str) -> Option<Self> {
        let nonce = Uuid::try_parse(nonce).ok()?.into_bytes();
        Some(Self { tenant, user, nonce })
    }

    /// Its random part, as the log holds it: 32 hexadecimal digits.
    pub(crate) fn nonce(&self) -> String {
        Uuid::from_bytes(self.nonce).simple().to_string()
    }

    fn body(&self) -> [u8; BODY] {
        let mut body = [0; BODY];
        body[..16].copy_from_slice(self.tenant.uuid().as_bytes());
        body[16..32].copy_from_slice(self.user.uuid().as_bytes());
        body[32..].copy_from_slice(&self.nonce);
        body
    }
}

impl fmt::Debug for MailedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MailedToken({})", self.user)
    }
}

/// Makes and checks the tokens of mails.
pub(crate) struct MailedTokens {
    reset: IndexKey,
    verification: IndexKey,
    invitation: IndexKey,
}

impl MailedTokens {
    /// With the keys that tell our own from others.
    pub(crate) async fn open(keyring: &Keyring) -> Result<Self, KeyringError> {
        Ok(Self {
            reset: keyring.index_key("password_reset").await?,
            verification: keyring.index_key("email_verification").await?,
            invitation: keyring.index_key("invitation").await?,
        })
    }

    /// The token as text for a link.
    pub(crate) fn write(&self, mail: MailKind, token: &MailedToken) -> Zeroizing<String> {
        let body = token.body();
        let mut bytes = Zeroizing::new(body.to_vec());
        bytes.extend_from_slice(&self.key(mail).mac(&body));
        Zeroizing::new(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// Reads what a client sent, and gives its hash as the log holds it; `None` for whatever this
    /// server never sent out for that purpose.
    pub(crate) fn read(&self, mail: MailKind, text: &str) -> Option<(MailedToken, String)> {
        // Base64 of a fixed length: nothing longer is worth decoding.
        if text.len() != ((BODY + MAC) * 8).div_ceil(6) {
            return None;
        }
        let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(text).ok()?);
        let (body, mac) = bytes.split_first_chunk::<BODY>()?;
        let expected = self.key(mail).mac(body);
        aws_lc_rs::constant_time::verify_slices_are_equal(mac, &expected).ok()?;
        let (tenant, rest) = body.split_first_chunk::<16>()?;
        let (user, nonce) = rest.split_first_chunk::<16>()?;
        let token = MailedToken {
            tenant: Id::from_uuid(Uuid::from_bytes(*tenant)),
            user: Id::from_uuid(Uuid::from_bytes(*user)),
            nonce: nonce.try_into().ok()?,
        };
        Some((token, sha256(text.as_bytes())))
    }

    fn key(&self, mail: MailKind) -> &IndexKey {
        match mail {
            MailKind::PasswordReset => &self.reset,
            MailKind::EmailVerification => &self.verification,
            MailKind::Invitation => &self.invitation,
        }
    }
}

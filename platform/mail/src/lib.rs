//! The port by which mail leaves, and its adapter for SMTP.
//!
//! Holds always: an error says nothing of who the mail was for or what was in it, since errors are
//! logged and kept; a mail that is sent twice has the same id both times.

mod smtp;

use std::fmt;

use async_trait::async_trait;
use studio_kernel::Timestamp;

pub use smtp::{Security, SetUpError, SmtpMailer, SmtpOptions};

/// A mail of plain text to one person.
#[derive(Clone, PartialEq, Eq)]
pub struct Mail {
    /// Tells it from all others, and is the same when it is sent again: letters, digits and `_`. It
    /// becomes the left half of `Message-ID` (RFC 5322, section 3.6.4).
    pub id: String,
    /// When it was written.
    pub at: Timestamp,
    /// What the person is called, where that is known.
    pub name: Option<String>,
    /// Where it goes.
    pub address: String,
    /// One line.
    pub subject: String,
    /// Lines end in LF.
    pub text: String,
}

impl fmt::Debug for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mail({})", self.id)
    }
}

/// Why a mail was not taken. The messages hold no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MailError {
    /// This mail will never be taken.
    #[error("the mail is refused: {0}")]
    Refused(String),
    /// It may be later.
    #[error("the mail server cannot be used now: {0}")]
    Unavailable(String),
}

/// Sends mail.
#[async_trait]
pub trait Mailer: Send + Sync + 'static {
    /// Hands a mail to whoever delivers it. That it was taken does not mean that it arrives.
    ///
    /// # Errors
    /// [`MailError`]; after [`MailError::Unavailable`] it may have been taken all the same.
    async fn send(&self, mail: &Mail) -> Result<(), MailError>;
}

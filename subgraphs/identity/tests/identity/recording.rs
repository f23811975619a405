//! A mailer that records mails in memory and sends none. The real one is tried in `tests/real/mail.rs`.

use std::sync::Mutex;

use async_trait::async_trait;
use studio_mail::{Mail, MailError, Mailer};
use tokio::sync::watch;

/// Records what it is given.
#[derive(Debug)]
pub(crate) struct RecordingMailer {
    sent: watch::Sender<Vec<Mail>>,
    /// What it answers to the next mails, instead of recording them.
    refusals: Mutex<Vec<MailError>>,
}

impl Default for RecordingMailer {
    fn default() -> Self {
        Self { sent: watch::Sender::new(Vec::new()), refusals: Mutex::default() }
    }
}

impl RecordingMailer {
    /// All mails, once there are so many.
    pub(crate) async fn sent(&self, count: usize) -> Vec<Mail> {
        let mut sent = self.sent.subscribe();
        let mails = sent.wait_for(|sent| sent.len() >= count);
        let mails = tokio::time::timeout(std::time::Duration::from_secs(20), mails).await;
        mails.unwrap_or_else(|_| panic!("there are no {count} mails")).unwrap().clone()
    }

    /// How many there are now.
    pub(crate) fn count(&self) -> usize {
        self.sent.borrow().len()
    }

    /// Answers the next mail so.
    pub(crate) fn refuse_next(&self, error: MailError) {
        self.refusals.lock().unwrap().push(error);
    }
}

#[async_trait]
impl Mailer for RecordingMailer {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        if let Some(error) = self.refusals.lock().unwrap().pop() {
            return Err(error);
        }
        self.sent.send_modify(|sent| sent.push(mail.clone()));
        Ok(())
    }
}

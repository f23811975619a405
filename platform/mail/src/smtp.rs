//! Mail by SMTP (RFC 5321), with STARTTLS (RFC 3207), with TLS from the start (RFC 8314, section 3.3),
//! or in the clear to this machine.

use std::{fmt, time::Duration};

use async_trait::async_trait;
use lettre::{
    Address, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{
        Mailbox,
        header::{ContentType, Header, HeaderName, HeaderValue},
    },
    transport::smtp::{
        self,
        authentication::Credentials,
        client::{Certificate, Tls, TlsParameters},
        extension::ClientId,
    },
};
use studio_kernel::Timestamp;
use zeroize::Zeroizing;

use crate::{Mail, MailError, Mailer};

/// How the connection is kept from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// It begins in the clear and must change to TLS before anything is said. Port 587.
    StartTls,
    /// TLS from the start. Port 465.
    Tls,
    /// Nothing does. Port 25.
    None,
}

impl Security {
    /// The port that is meant where none is named.
    pub const fn port(self) -> u16 {
        match self {
            Self::StartTls => 587,
            Self::Tls => 465,
            Self::None => 25,
        }
    }
}

/// A server, and how to speak to it.
#[derive(Clone)]
pub struct SmtpOptions {
    /// Its name, which its certificate must have, or its IP address.
    pub host: String,
    /// Its port; [`Security::port`] by default.
    pub port: Option<u16>,
    /// How the connection is kept from others.
    pub security: Security,
    /// Name and password, where the server asks for them.
    pub credentials: Option<(String, Zeroizing<String>)>,
    /// `Studio <studio@example.org>`.
    pub from: String,
    /// Certificates (PEM) of authorities that are trusted besides the system's.
    pub ca: Option<Vec<u8>>,
    /// How long the server may take to connect, and for each answer.
    pub timeout: Duration,
}

/// Why no mailer is made of options.
#[derive(Debug, thiserror::Error)]
pub enum SetUpError {
    /// The sender.
    #[error("\"{0}\" is no sender: write Studio <studio@example.org>")]
    From(String),
    /// The authorities.
    #[error("the certificates cannot be used: {0}")]
    Ca(String),
    /// TLS.
    #[error("TLS cannot be used: {0}")]
    Tls(String),
}

/// Sends mail by a server.
#[derive(Clone)]
pub struct SmtpMailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    /// For all commands of one mail together.
    patience: Duration,
}

/// Commands of one mail at most: greeting, EHLO twice, STARTTLS, AUTH, MAIL, RCPT, DATA, the text, QUIT.
const COMMANDS: u32 = 12;

impl SmtpMailer {
    /// Makes one; the server is not asked yet.
    ///
    /// # Errors
    /// [`SetUpError`].
    pub fn new(options: SmtpOptions) -> Result<Self, SetUpError> {
        let from: Mailbox =
            options.from.parse().map_err(|_| SetUpError::From(options.from.clone()))?;
        let tls = match options.security {
            Security::None => Tls::None,
            Security::StartTls => Tls::Required(parameters(&options)?),
            Security::Tls => Tls::Wrapper(parameters(&options)?),
        };
        let mut builder =
            AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(options.host.as_str())
                .port(options.port.unwrap_or(options.security.port()))
                .tls(tls)
                .hello_name(ClientId::Domain(from.email.domain().to_owned()))
                .timeout(Some(options.timeout));
        if let Some((name, password)) = options.credentials {
            builder = builder.credentials(Credentials::new(name, password.to_string()));
        }
        let patience = options.timeout * COMMANDS;
        Ok(Self { transport: builder.build(), from, patience })
    }

    /// Connects and signs in, and sends nothing.
    ///
    /// # Errors
    /// [`MailError::Unavailable`] with what the server or the connection said.
    pub async fn probe(&self) -> Result<(), MailError> {
        match self.transport.test_connection().await {
            Ok(true) => Ok(()),
            Ok(false) => {
                Err(MailError::Unavailable("it hung up before it was asked anything".to_owned()))
            }
            // No mail, so that there is nothing in the answer that must not be told.
            Err(error) => Err(MailError::Unavailable(chain(&error))),
        }
    }

    fn message(&self, mail: &Mail) -> Result<Message, MailError> {
        let refused = |what: &str| MailError::Refused(what.to_owned());
        // The library would encode or refuse them; nothing of the kind is to come so far.
        let one_line = |text: &str| !text.chars().any(char::is_control);
        let head = [&mail.id, &mail.address, &mail.subject].into_iter().chain(&mail.name);
        if !head.into_iter().all(|text| one_line(text)) {
            return Err(refused("a control character is in its head"));
        }
        let address: Address =
            mail.address.parse().map_err(|_| refused("its address is none of e-mail"))?;
        let to = Mailbox::new(mail.name.clone(), address);
        Message::builder()
            .message_id(Some(format!("<{}@{}>", mail.id, self.from.email.domain())))
            .date(system_time(mail.at))
            .from(self.from.clone())
            .to(to)
            .subject(mail.subject.clone())
            .header(AutoSubmitted)
            .header(ContentType::TEXT_PLAIN)
            .body(mail.text.clone())
            .map_err(|_| refused("it cannot be written as a message"))
    }
}

fn parameters(options: &SmtpOptions) -> Result<TlsParameters, SetUpError> {
    let mut builder = TlsParameters::builder(options.host.clone());
    if let Some(ca) = &options.ca {
        let certificate =
            Certificate::from_pem(ca).map_err(|error| SetUpError::Ca(error.to_string()))?;
        builder = builder.add_root_certificate(certificate);
    }
    builder.build_rustls().map_err(|error| SetUpError::Tls(error.to_string()))
}

fn system_time(at: Timestamp) -> std::time::SystemTime {
    let since = Duration::from_micros(u64::try_from(at.micros()).unwrap_or_default());
    std::time::SystemTime::UNIX_EPOCH + since
}

#[async_trait]
impl Mailer for SmtpMailer {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        let message = self.message(mail)?;
        let sent = tokio::time::timeout(self.patience, self.transport.send(message)).await;
        match sent {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(told(&error)),
            Err(_) => Err(MailError::Unavailable("it took too long to answer".to_owned())),
        }
    }
}

/// What went wrong, without what the server wrote: that may name the recipient.
fn told(error: &smtp::Error) -> MailError {
    match error.status() {
        // A server that does not let this one in (RFC 4954, section 6) may do so once that is mended.
        Some(code) if error.is_permanent() && !matches!(u16::from(code), 530 | 534 | 535 | 538) => {
            MailError::Refused(format!("the mail server answered {code}"))
        }
        Some(code) => MailError::Unavailable(format!("it answered {code}")),
        None => MailError::Unavailable(chain(error)),
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

/// No machine is to answer (RFC 3834, section 5).
#[derive(Debug, Clone)]
struct AutoSubmitted;

const GENERATED: &str = "auto-generated";

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(text: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        if text == GENERATED { Ok(Self) } else { Err("it was written by a person".into()) }
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), GENERATED.to_owned())
    }
}

impl fmt::Debug for SmtpMailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SmtpMailer(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options() -> SmtpOptions {
        SmtpOptions {
            host: "127.0.0.1".to_owned(),
            port: Some(1),
            security: Security::None,
            credentials: None,
            from: "Studio <studio@example.org>".to_owned(),
            ca: None,
            timeout: Duration::from_secs(5),
        }
    }

    fn mail() -> Mail {
        Mail {
            id: "evt_1".to_owned(),
            at: Timestamp::from_micros(0),
            name: Some("Zoë \"Zed\" O'Neill".to_owned()),
            address: "zoe@example.org".to_owned(),
            subject: "A new password".to_owned(),
            text: "Open this:\nhttps://studio.example.org/#reset=abc\n".to_owned(),
        }
    }

    fn written(mail: &Mail) -> Result<String, MailError> {
        let message = SmtpMailer::new(options()).unwrap().message(mail)?;
        Ok(String::from_utf8(message.formatted()).unwrap())
    }

    #[test]
    fn a_mail_has_its_id_and_its_address_stands_whole() {
        let text = written(&mail()).unwrap();
        for line in [
            "Message-ID: <evt_1@example.org>\r\n",
            "Date: Thu, 01 Jan 1970 00:00:00 +0000\r\n",
            "Auto-Submitted: auto-generated\r\n",
            "Subject: A new password\r\n",
            "\r\nhttps://studio.example.org/#reset=abc\r\n",
        ] {
            assert!(text.contains(line), "{line}: {text}");
        }
        assert!(text.contains("<zoe@example.org>"), "{text}");
    }

    #[test]
    fn nobody_writes_a_header_of_their_own() {
        let injected = "x\r\nBcc: eve@example.net";
        let changes: [fn(&mut Mail, &str); 4] = [
            |mail, text| mail.name = Some(text.to_owned()),
            |mail, text| mail.subject = text.to_owned(),
            |mail, text| mail.address = format!("{text}@example.org"),
            |mail, text| mail.id = text.to_owned(),
        ];
        for change in changes {
            for text in [injected, "x\nBcc: eve@example.net", "x\rBcc: eve@example.net", "x\0"] {
                let mut mail = mail();
                change(&mut mail, text);
                let refused = written(&mail).unwrap_err();
                assert!(matches!(refused, MailError::Refused(_)));
                assert!(!refused.to_string().contains("eve"));
            }
        }
        for address in ["a@example.org, eve@example.net", "a@example.org> <eve@example.net", "a"] {
            let mail = Mail { address: address.to_owned(), ..mail() };
            assert!(matches!(written(&mail), Err(MailError::Refused(_))), "{address}");
        }
        // A name may look like one: it stays a name.
        let name = Some("eve@example.net, <mallory@example.net>".to_owned());
        let text = written(&Mail { name, ..mail() }).unwrap();
        let to = text.lines().find(|line| line.starts_with("To: ")).unwrap();
        assert!(to.ends_with(" <zoe@example.org>") && to.matches('@').count() == 1, "{to}");
        let text = written(&Mail { name: None, ..mail() }).unwrap();
        assert!(text.contains("\r\nTo: zoe@example.org\r\n"), "{text}");
    }

    #[tokio::test]
    async fn a_server_that_is_away_is_waited_for() {
        let mailer = SmtpMailer::new(options()).unwrap();
        let error = mailer.send(&mail()).await.unwrap_err();
        assert!(matches!(error, MailError::Unavailable(_)), "{error}");
        assert!(!error.to_string().contains("zoe"), "{error}");
        assert!(mailer.probe().await.is_err());
    }

    #[test]
    fn options_that_cannot_work_are_told() {
        let from = SmtpOptions { from: "nobody".to_owned(), ..options() };
        assert!(matches!(SmtpMailer::new(from), Err(SetUpError::From(_))));
        let ca = Some(b"-----BEGIN CERTIFICATE-----\nnone".to_vec());
        let wrong = SmtpOptions { security: Security::Tls, ca, ..options() };
        assert!(matches!(SmtpMailer::new(wrong), Err(SetUpError::Ca(_))));
    }
}

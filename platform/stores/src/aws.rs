//! What every service that speaks Amazon's protocols is reached by: address, region, credentials,
//! trusted certificates, time limits and retries.

use std::{fmt, path::PathBuf, time::Duration};

use aws_config::{BehaviorVersion, Region, SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};
use aws_sdk_s3::{
    config::{Credentials, ProvideCredentials, SharedHttpClient, http::HttpResponse},
    error::SdkError,
};
use aws_smithy_http_client::{Builder, tls};
use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use zeroize::Zeroizing;

/// How a service is reached. The secret key never shows in `Debug` and is overwritten when dropped.
#[derive(Clone)]
pub struct AwsAccess {
    /// Where the service answers, for example `https://s3.example.org`. `None`: Amazon's own address
    /// for the region.
    pub endpoint: Option<String>,
    /// The region that requests are signed for; servers other than Amazon's take any.
    pub region: String,
    /// The access key. With neither key, credentials come from where Amazon's tools look for them:
    /// `AWS_ACCESS_KEY_ID` and its like, a profile, a web identity (Kubernetes), a container's or a
    /// machine's role.
    pub access_key: Option<String>,
    /// The secret key that belongs to it.
    pub secret_key: Option<Zeroizing<String>>,
    /// Certificates (PEM) of authorities to trust besides the system's.
    pub ca_file: Option<PathBuf>,
    /// How often a request is tried; pauses between double from 0.2 to 5 seconds.
    pub attempts: u32,
    /// How long one try may take.
    pub timeout: Duration,
}

impl Default for AwsAccess {
    fn default() -> Self {
        Self {
            endpoint: None,
            region: "us-east-1".to_owned(),
            access_key: None,
            secret_key: None,
            ca_file: None,
            attempts: 5,
            timeout: Duration::from_secs(60),
        }
    }
}

impl fmt::Debug for AwsAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AwsAccess")
            .field("endpoint", &self.endpoint)
            .field("region", &self.region)
            .field("access_key", &self.access_key)
            .field("secret_key", &self.secret_key.as_ref().map(|_| "***"))
            .field("ca_file", &self.ca_file)
            .field("attempts", &self.attempts)
            .field("timeout", &self.timeout)
            .finish()
    }
}

/// A setting that cannot be used: which one, and what to do.
#[derive(Debug, thiserror::Error)]
#[error("{setting} {what}")]
pub(crate) struct Unusable {
    /// The setting's name below its section.
    pub(crate) setting: &'static str,
    /// What is wrong with it and what to do.
    pub(crate) what: String,
}

fn unusable(setting: &'static str, what: impl Into<String>) -> Unusable {
    Unusable { setting, what: what.into() }
}

impl AwsAccess {
    /// The address for messages.
    pub(crate) fn address(&self, service: &str) -> String {
        self.endpoint
            .clone()
            .unwrap_or_else(|| format!("https://{service}.{}.amazonaws.com", self.region))
    }

    /// Checks the settings, finds the credentials and prepares the connections. Nothing is sent to
    /// the service yet.
    pub(crate) async fn load(&self) -> Result<SdkConfig, Unusable> {
        if self.region.is_empty() {
            return Err(unusable(
                "region",
                "is empty: name the region, or leave it out for us-east-1",
            ));
        }
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .region(Region::new(self.region.clone()))
            .http_client(self.http_client()?)
            .retry_config(
                RetryConfig::standard()
                    .with_max_attempts(self.attempts.max(1))
                    .with_initial_backoff(Duration::from_millis(200))
                    .with_max_backoff(Duration::from_secs(5)),
            )
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(Duration::from_secs(5).min(self.timeout))
                    .operation_attempt_timeout(self.timeout)
                    .build(),
            );
        if let Some(endpoint) = &self.endpoint {
            // The text is not shown: it may be a secret that came into the wrong setting.
            let url = endpoint.parse::<http::Uri>().ok();
            let whole = url.is_some_and(|url| {
                // A name and password before the host would show in messages.
                matches!(url.scheme_str(), Some("http" | "https"))
                    && url.authority().is_some_and(|whole| !whole.as_str().contains('@'))
            });
            if !whole {
                return Err(unusable(
                    "endpoint",
                    "is no address: write http://host:port or https://host",
                ));
            }
            loader = loader.endpoint_url(endpoint);
        }
        match (&self.access_key, &self.secret_key) {
            (Some(access), Some(secret)) => {
                let keys = Credentials::new(access, secret.as_str(), None, None, "configuration");
                loader = loader.credentials_provider(keys);
            }
            (None, None) => {}
            (Some(_), None) => return Err(unusable("secret_key", "is missing beside access_key")),
            (None, Some(_)) => return Err(unusable("access_key", "is missing beside secret_key")),
        }
        let config = loader.load().await;
        let provider = config.credentials_provider().ok_or_else(no_credentials)?;
        provider.provide_credentials().await.map_err(|_| no_credentials())?;
        Ok(config)
    }

    fn http_client(&self) -> Result<SharedHttpClient, Unusable> {
        let mut trusted = tls::TrustStore::default();
        if let Some(path) = &self.ca_file {
            let shown = path.display();
            let pem = std::fs::read(path).map_err(|error| {
                unusable("ca_file", format!("names {shown}, which cannot be read: {error}"))
            })?;
            let no_certificate =
                || unusable("ca_file", format!("names {shown}, which holds no certificate as PEM"));
            let mut readable = RootCertStore::empty();
            for certificate in CertificateDer::pem_slice_iter(&pem) {
                certificate
                    .ok()
                    .and_then(|certificate| readable.add(certificate).ok())
                    .ok_or_else(no_certificate)?;
            }
            if readable.is_empty() {
                return Err(no_certificate());
            }
            trusted = trusted.with_pem_certificate(pem);
        }
        let context = tls::TlsContext::builder()
            .with_trust_store(trusted)
            .build()
            .map_err(|error| unusable("ca_file", error.to_string()))?;
        Ok(Builder::new()
            .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::AwsLc))
            .tls_context(context)
            .build_https())
    }
}

fn no_credentials() -> Unusable {
    unusable(
        "access_key",
        "is missing, and there are no credentials elsewhere: set it with secret_key, or give the \
         process AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or a role",
    )
}

/// The status that the service answered with; 0 where no answer came.
pub(crate) fn status<E>(error: &SdkError<E, HttpResponse>) -> u16 {
    error.raw_response().map_or(0, |response| response.status().as_u16())
}

/// Whether the same request may well be answered later.
pub(crate) fn may_answer_later<E>(error: &SdkError<E, HttpResponse>) -> bool {
    matches!(status(error), 0 | 408 | 429 | 500..)
}

/// The last cause, which is what the operating system or the TLS library says.
pub(crate) fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}

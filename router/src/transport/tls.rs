//! TLS to subgraphs: whose certificates are trusted.

use super::http_subgraph::error_chain;
use hyper_rustls::ConfigBuilderExt;
use rustls::{
    CertificateError, ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use std::{error::Error, io, sync::Arc};

/// Authorities that sign certificates of subgraphs.
#[derive(Clone, Debug)]
pub struct Authorities(Arc<RootCertStore>);

/// Why a text names no authorities.
#[derive(Debug, thiserror::Error)]
pub enum AuthoritiesError {
    /// There is no certificate in it.
    #[error(
        "there is no certificate in it: it must be PEM, with the authority's certificate between the \
         lines BEGIN CERTIFICATE and END CERTIFICATE"
    )]
    NoCertificate,
    /// One of the certificates is none.
    #[error("its certificate number {number} cannot be read ({reason}): write it anew")]
    Unreadable {
        /// Which, from 1 on.
        number: usize,
        /// What is wrong with it.
        reason: String,
    },
}

impl Authorities {
    /// How connections to whoever they sign for are encrypted; without them those of the system are
    /// trusted.
    ///
    /// # Errors
    /// Where the system has none.
    pub fn client_config(authorities: Option<&Authorities>) -> Result<ClientConfig, String> {
        client_config(authorities, true)
    }

    /// Reads their certificates, which stand in the text one after the other (PEM, RFC 7468). What else
    /// stands there is passed over.
    ///
    /// # Errors
    /// Where there is no certificate, or one that cannot be read.
    pub fn from_pem(pem: &[u8]) -> Result<Authorities, AuthoritiesError> {
        let mut roots = RootCertStore::empty();
        for (index, certificate) in CertificateDer::pem_slice_iter(pem).enumerate() {
            let unreadable =
                |reason: String| AuthoritiesError::Unreadable { number: index + 1, reason };
            let certificate = certificate.map_err(|error| unreadable(error.to_string()))?;
            roots.add(certificate).map_err(|error| unreadable(error.to_string()))?;
        }
        if roots.is_empty() {
            return Err(AuthoritiesError::NoCertificate);
        }
        Ok(Authorities(Arc::new(roots)))
    }
}

/// How connections are encrypted, without a word about protocols above TLS (ALPN). Without
/// authorities those of the system are trusted; a system that has none can still do without TLS, which
/// is `needed` or not.
pub(super) fn client_config(
    authorities: Option<&Authorities>,
    needed: bool,
) -> Result<ClientConfig, String> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    let config = match authorities {
        Some(Authorities(roots)) => config.with_root_certificates(roots.clone()),
        None if needed => config.try_with_platform_verifier().map_err(|error| error.to_string())?,
        None => config.with_root_certificates(RootCertStore::empty()),
    };
    Ok(config.with_no_client_auth())
}

/// The text of an error with its causes, and what to do where the certificate is signed by somebody
/// who is not trusted here.
pub(super) fn explained(error: &(dyn Error + 'static)) -> String {
    let text = error_chain(error);
    match signed_by_a_stranger(error) {
        true => format!("{text}; if the authority is your own, name its certificate by `ca`"),
        false => text,
    }
}

fn signed_by_a_stranger(error: &(dyn Error + 'static)) -> bool {
    // An error of the system's gives the cause of what it wraps as its own, and so hides that.
    if let Some(wrapped) = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        return signed_by_a_stranger(wrapped);
    }
    if let Some(error) = error.downcast_ref::<rustls::Error>() {
        let unknown = rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer);
        return *error == unknown;
    }
    error.source().is_some_and(signed_by_a_stranger)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};

    fn authority() -> String {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().pem()
    }

    fn refused(pem: &str) -> String {
        Authorities::from_pem(pem.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn authorities_are_read() {
        let (one, other) = (authority(), authority());
        let key = KeyPair::generate().unwrap().serialize_pem();
        let text = format!("# ours\n{one}\n{key}\n# theirs\n{other}");
        assert_eq!(Authorities::from_pem(text.as_bytes()).unwrap().0.len(), 2);
        assert!(client_config(Some(&Authorities::from_pem(one.as_bytes()).unwrap()), true).is_ok());
    }

    #[test]
    fn what_names_no_authority_is_refused() {
        let one = authority();
        let key = KeyPair::generate().unwrap().serialize_pem();
        for nothing in ["", "certificate", key.as_str()] {
            assert!(refused(nothing).contains("no certificate in it"), "{nothing}");
        }
        let cut = &one[..one.len() / 2];
        let other_letters = one.replacen("MII", "M*I", 1);
        let empty = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        for broken in [cut, &other_letters, empty] {
            assert!(refused(broken).contains("number 1 cannot be read"), "{broken}");
            let second = format!("{one}{broken}");
            assert!(refused(&second).contains("number 2 cannot be read"), "{broken}");
        }
        assert!(Authorities::from_pem(b"\xff\xfe\x00-----BEGIN CERTIFICATE-----").is_err());
    }

    #[test]
    fn who_is_not_trusted_is_found_in_what_wraps_it() {
        let stranger = rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer);
        let wrapped = io::Error::other(io::Error::new(io::ErrorKind::InvalidData, stranger));
        assert!(explained(&wrapped).ends_with("by `ca`"), "{}", explained(&wrapped));
        let expired = rustls::Error::InvalidCertificate(CertificateError::Expired);
        assert!(!explained(&io::Error::other(expired)).contains("`ca`"));
        assert!(!explained(&io::Error::from(io::ErrorKind::ConnectionRefused)).contains("`ca`"));
    }
}

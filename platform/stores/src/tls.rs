//! One TLS and crypto library for the whole process: aws-lc-rs.

/// Makes aws-lc-rs the provider for whoever asks rustls for the default one. The Bolt driver brings
/// a second provider into the build, and rustls refuses to choose between two. Where a provider has
/// been chosen already, that one stays.
pub fn use_aws_lc_rs() {
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
}

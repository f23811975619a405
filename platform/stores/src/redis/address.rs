//! The address of Redis as people write it, made into what the driver takes.

use std::{path::Path, time::Duration};

use redis::{ConnectionInfo, IntoConnectionInfo, TlsCertificates, io::tcp::TcpSettings};

use super::{RedisError, RedisOptions};

/// Where Redis is.
#[derive(Debug)]
pub(super) struct Address {
    /// At least one.
    pub(super) nodes: Vec<ConnectionInfo>,
    /// For people: without user and password.
    pub(super) shown: String,
}

impl Address {
    pub(super) fn parse(options: &RedisOptions) -> Result<Self, RedisError> {
        let shown = redact(&options.url);
        let wrong = || RedisError::Address(shown.clone());
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b':');
        if options.prefix.is_empty() || !options.prefix.bytes().all(plain) {
            return Err(RedisError::Prefix(options.prefix.chars().take(80).collect()));
        }
        let (scheme, rest) = options.url.split_once("://").ok_or_else(wrong)?;
        if !matches!(scheme, "redis" | "rediss") {
            return Err(wrong());
        }
        let (user, places) = rest
            .rsplit_once('@')
            .map_or(("", rest), |(user, places)| (&rest[..=user.len()], places));
        let end = places.find(['/', '?']).unwrap_or(places.len());
        let (hosts, path) = places.split_at(end);
        let nodes = hosts
            .split(',')
            .map(|host| {
                let node = format!("{scheme}://{user}{host}{path}").into_connection_info();
                node.map(|node| node.set_tcp_settings(tcp_settings())).map_err(|_| wrong())
            })
            .collect::<Result<Vec<_>, _>>()?;
        if nodes.len() > 1 && !options.cluster {
            return Err(RedisError::SeveralNodes(shown));
        }
        if options.ca_file.is_some() && scheme != "rediss" {
            return Err(RedisError::NoTls(shown));
        }
        Ok(Self { nodes, shown })
    }
}

/// A peer that vanished without a word is noticed within seconds, not after the kernel's quarter of
/// an hour.
pub(super) fn tcp_settings() -> TcpSettings {
    let settings = TcpSettings::default().set_nodelay(true);
    #[cfg(target_os = "linux")]
    let settings = settings.set_user_timeout(Duration::from_secs(10));
    settings
}

/// Reads the authority's certificate.
pub(super) async fn authority(file: &Path) -> Result<TlsCertificates, RedisError> {
    let unreadable = |cause: String| RedisError::Authority { file: file.to_owned(), cause };
    let pem = tokio::fs::read(file).await.map_err(|error| unreadable(error.to_string()))?;
    if !pem.windows(27).any(|window| window == b"-----BEGIN CERTIFICATE-----") {
        return Err(unreadable("it holds no PEM certificate".to_owned()));
    }
    Ok(TlsCertificates { client_tls: None, root_cert: Some(pem) })
}

/// The address without user, password and parameters.
pub(super) fn redact(url: &str) -> String {
    let bare = url.split('?').next().unwrap_or_default();
    match (bare.split_once("://"), bare.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, place))) => format!("{scheme}://{place}"),
        _ => bare.chars().take(200).collect(),
    }
}

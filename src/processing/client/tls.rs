//! Whom an encrypted connection trusts.

use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio_rustls::TlsConnector;

/// Why connections cannot be encrypted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TlsError {
    /// The text holds no certificate, or a broken one.
    #[error("the certificates of authorities cannot be read: {0}")]
    Authorities(Box<str>),
    /// No certificate can be for this host.
    #[error("the URL's host is none that a certificate can be for")]
    Host,
    /// The library says so.
    #[error("encryption cannot be set up: {0}")]
    Setup(Box<str>),
}

/// How a processor's certificate is checked, and for which name.
#[derive(Clone)]
pub struct Tls {
    pub connector: TlsConnector,
    pub name: ServerName<'static>,
}

impl Tls {
    /// Trusts the authorities that browsers trust, and these.
    pub fn new(host: &str, authorities: Option<&str>) -> Result<Self, TlsError> {
        let name = ServerName::try_from(host.to_owned()).map_err(|_| TlsError::Host)?;
        let mut roots = RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        add(authorities.unwrap_or_default(), &mut roots)
            .map_err(|error| TlsError::Authorities(error.into()))?;
        let setup = |error: rustls::Error| TlsError::Setup(error.to_string().into());
        let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(setup)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { connector: TlsConnector::from(Arc::new(config)), name })
    }
}

fn add(authorities: &str, roots: &mut RootCertStore) -> Result<(), String> {
    let mut found = 0;
    for certificate in CertificateDer::pem_slice_iter(authorities.as_bytes()) {
        let certificate = certificate.map_err(|error| error.to_string())?;
        roots.add(certificate).map_err(|error| error.to_string())?;
        found += 1;
    }
    if found == 0 && !authorities.trim().is_empty() {
        return Err("there is none in the text".to_owned());
    }
    Ok(())
}

//! Which certificates receivers are known by: those that the system trusts, and those of the drain.

use std::sync::Arc;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// Why certificates of a drain cannot be trusted.
const NO_CERTIFICATES: &str =
    "This is no list of certificates in PEM: -----BEGIN CERTIFICATE----- … -----END CERTIFICATE-----.";

/// Looks whether a text is certificates that can be trusted.
///
/// # Errors
/// A sentence that says what is wrong.
pub(super) fn check(certificates: &str) -> Result<(), &'static str> {
    let found = certificates_of(certificates).ok_or(NO_CERTIFICATES)?;
    let mut roots = RootCertStore::empty();
    if found.is_empty() || found.into_iter().any(|certificate| roots.add(certificate).is_err()) {
        return Err(NO_CERTIFICATES);
    }
    Ok(())
}

/// What opens connections to receivers that the system or `certificates` vouch for.
///
/// # Errors
/// When no certificate is trusted at all.
pub(super) fn connector(certificates: Option<&str>) -> Result<TlsConnector, String> {
    let mut roots = RootCertStore::empty();
    let system = rustls_native_certs::load_native_certs().certs;
    // One of many that cannot be read is not trusted; the others are.
    roots.add_parsable_certificates(system);
    roots.add_parsable_certificates(certificates.and_then(certificates_of).unwrap_or_default());
    if roots.is_empty() {
        return Err("The system trusts no certificates, and the drain has none of its own.".to_owned());
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

fn certificates_of(pem: &str) -> Option<Vec<CertificateDer<'static>>> {
    CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<_, _>>().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_are_looked_at() {
        let empty = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        for wrong in ["", "x", empty, "-----BEGIN CERTIFICATE-----\n%\n-----END CERTIFICATE-----\n"] {
            assert!(check(wrong).is_err(), "{wrong}");
        }
    }
}

//! How servers are known: by the system's certificates, and those of the user.

use std::sync::Arc;

use rustls::{
    ClientConfig, Error, RootCertStore,
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, pem::PemObject},
};
use rustls_platform_verifier::Verifier;

use super::WebhookError;

/// TLS 1.2 and 1.3, with the system's certificates and those of `roots`.
///
/// The provider of the cryptography is handed over, and not set for the process: that is its owner's to do.
pub(super) fn config(
    roots: &[CertificateDer<'static>],
    is_needed: bool,
) -> Result<ClientConfig, WebhookError> {
    let provider = Arc::new(ring::default_provider());
    let failed = |error: Error| WebhookError::NoTls { cause: error.to_string() };
    match verifier(roots, &provider) {
        Ok(verifier) => {
            let versions = ClientConfig::builder_with_provider(provider);
            let config = versions.with_safe_default_protocol_versions().map_err(failed)?;
            let verifier = Arc::new(verifier);
            Ok(config.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth())
        }
        Err(error) if is_needed => Err(failed(error)),
        // A machine may have no certificates and need none. Then nobody is known.
        Err(_) => {
            let versions = ClientConfig::builder_with_provider(provider);
            let config = versions.with_safe_default_protocol_versions().map_err(failed)?;
            Ok(config.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
        }
    }
}

fn verifier(
    roots: &[CertificateDer<'static>],
    provider: &Arc<CryptoProvider>,
) -> Result<Verifier, Error> {
    Verifier::new_with_extra_roots(roots.iter().cloned(), Arc::clone(provider))
}

/// Reads the certificates of a PEM file: one or more.
pub(super) fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, WebhookError> {
    let invalid = |cause: String| WebhookError::InvalidCertificate { cause };
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let certificates = read.map_err(|error| invalid(error.to_string()))?;
    if certificates.is_empty() {
        return Err(invalid("there is no `BEGIN CERTIFICATE` in it".to_owned()));
    }
    // Those that are none are found here and named, rather than with the system's.
    let mut store = RootCertStore::empty();
    for certificate in &certificates {
        store.add(certificate.clone()).map_err(|error| invalid(error.to_string()))?;
    }
    Ok(certificates)
}

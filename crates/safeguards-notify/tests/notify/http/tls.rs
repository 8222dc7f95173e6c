//! Whom a channel trusts.

use std::sync::Arc;

use rcgen::{CertificateParams, Issuer, KeyPair};
use safeguards_notify::{Channel as _, WebhookBuilder, WebhookChannel};
use tokio_rustls::rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};

use super::{delivery, fate};
use crate::http_server::{HttpServer, Reply};

/// An authority of our own, as PEM, and a server that it vouches for under `name`.
fn authority(name: &str) -> (String, Arc<ServerConfig>) {
    let authority_key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let root = params.self_signed(&authority_key).unwrap();
    let issuer = Issuer::new(params, authority_key);

    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new([name.to_owned()]).unwrap();
    let leaf = params.signed_by(&key, &issuer).unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], key)
        .unwrap();
    (pem(root.der()), Arc::new(config))
}

/// The text form of a certificate.
fn pem(der: &[u8]) -> String {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", STANDARD.encode(der))
}

fn hook(url: &str) -> WebhookBuilder {
    WebhookChannel::builder(url).allow_private("localhost")
}

#[tokio::test]
async fn a_server_is_believed_if_somebody_trusted_vouches_for_it() {
    let (root, config) = authority("localhost");
    let (other_root, _) = authority("localhost");
    let server = HttpServer::start_tls(config, |_| Reply::status(200)).await;
    let url = server.url_at("localhost", "/");

    for stranger in [hook(&url), hook(&url).root_certificate(other_root.as_str())] {
        let (is_retryable, cause) = fate(&stranger.build().unwrap()).await.unwrap_err();
        // A certificate is replaced some day.
        assert!(is_retryable);
        assert!(cause.contains("certificate"), "{cause}");
    }
    assert!(server.requests().is_empty());

    // Several in one file, as authorities are handed out.
    let both = hook(&url).root_certificate(format!("{other_root}{root}")).build().unwrap();
    both.deliver(&delivery("no money")).await.unwrap();
    let each = hook(&url).root_certificate(root).root_certificate(other_root).build().unwrap();
    each.deliver(&delivery("no money")).await.unwrap();
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn a_certificate_for_another_name_is_none() {
    let (root, config) = authority("hooks.example.com");
    let server = HttpServer::start_tls(config, |_| Reply::status(200)).await;
    let hook = hook(&server.url_at("localhost", "/")).root_certificate(root).build().unwrap();
    let (_, cause) = fate(&hook).await.unwrap_err();
    assert!(cause.contains("not valid for name"), "{cause}");
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn no_redirect_leads_out_of_tls() {
    let plain = HttpServer::start(|_| Reply::status(200)).await;
    let to = plain.url_at("localhost", "/");
    let (root, config) = authority("localhost");
    let server = HttpServer::start_tls(config, move |_| Reply::redirect(307, &to)).await;
    // Leave to speak plainly to that host holds for the first URL.
    let hook =
        hook(&server.url_at("localhost", "/")).root_certificate(root).allow_http("localhost");
    let (is_retryable, cause) = fate(&hook.build().unwrap()).await.unwrap_err();
    assert!(!is_retryable);
    assert!(cause.ends_with("with a URL without TLS, which is not followed"), "{cause}");
    assert_eq!(plain.connections(), 0);
}

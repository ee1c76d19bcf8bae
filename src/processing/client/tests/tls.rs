//! Encrypted connections.

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::AsyncWriteExt as _;
use tokio_rustls::TlsAcceptor;

use super::listener::{read_request, serving};
use super::*;

/// A server with a certificate for this name, and the certificate. Answers each request
/// of each connection.
async fn encrypted(name: &str) -> (Listener, String) {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed([name.to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = Listener::start(serving(move |peer| {
        let acceptor = acceptor.clone();
        async move {
            // A client that does not trust it goes away.
            let Ok(mut stream) = acceptor.accept(peer.stream).await else { return };
            while read_request(&mut stream).await.is_some() {
                stream.write_all(ok("{}").as_bytes()).await.unwrap();
            }
        }
    }))
    .await;
    (listener, cert.pem())
}

fn trusting(url: &str, authorities: String) -> Client {
    Client::new(&ClientSettings { authorities: Some(authorities), ..settings(url) }).unwrap()
}

#[tokio::test]
async fn a_certificate_that_is_trusted_gives_a_connection_that_is_kept() {
    for name in ["localhost", "127.0.0.1"] {
        let (listener, certificate) = encrypted(name).await;
        let client = trusting(&format!("https://{name}:{}", listener.port()), certificate);
        for _ in 0..3 {
            assert_eq!(result(&client.send(&delivery()).await), "{}");
        }
        assert_eq!((listener.accepted(), client.pool.len()), (1, 1), "{name}");
    }
}

#[tokio::test]
async fn a_certificate_of_nobody_we_trust_is_refused() {
    let (listener, _) = encrypted("localhost").await;
    let answer = client(&format!("https://localhost:{}", listener.port())).send(&delivery()).await;
    assert_eq!(class(&answer), Class::Unreachable);
    let Fault::Tls(reason) = fault(answer) else { panic!("it is no fault of TLS") };
    assert!(reason.contains("UnknownIssuer"), "{reason}");
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused() {
    let (listener, certificate) = encrypted("elsewhere.test").await;
    let url = format!("https://localhost:{}", listener.port());
    let answer = trusting(&url, certificate).send(&delivery()).await;
    let Fault::Tls(reason) = fault(answer) else { panic!("it is no fault of TLS") };
    assert!(reason.contains("not valid for"), "{reason}");
}

#[tokio::test]
async fn a_server_without_encryption_is_told_so() {
    let listener = Listener::start(serving(|mut peer| async move {
        // The first bytes of a handshake are no request: an error, as servers do.
        peer.stream.readable().await.unwrap();
        peer.send(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").await;
        peer.closed().await;
    }))
    .await;
    let answer = client(&format!("https://localhost:{}", listener.port())).send(&delivery()).await;
    assert!(matches!(fault(answer), Fault::Tls(_)));
}

#[tokio::test]
async fn a_server_that_says_nothing_is_given_up_in_time() {
    let listener = Listener::start(serving(|mut peer| async move { peer.closed().await })).await;
    let url = format!("https://127.0.0.1:{}", listener.port());
    let answer = impatient(&url).send(&delivery()).await;
    assert_eq!(class(&answer), Class::Unreachable);
    assert_eq!(fault(answer), Fault::ConnectTimeout(SHORT));
    assert_eq!(listener.accepted(), 1);
}

//! A processor whose certificate is of an authority of one's own.

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::PrivateKeyDer;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use super::stored::{Stored, ids_in};
use super::{start, wait_until};
use crate::home::Home;
use crate::sample;
use crate::service::Service;

/// A server that takes everything over TLS, with a certificate that nobody knows.
struct Encrypted {
    url: String,
    certificate: String,
    taken: Arc<AtomicUsize>,
    server: JoinHandle<()>,
}

impl Encrypted {
    async fn start() -> Self {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
        let key = PrivateKeyDer::try_from(signing_key.serialize_der()).expect("a key");
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key)
            .expect("a certificate");
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let taken = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&taken);
        let server = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, count) = (acceptor.clone(), Arc::clone(&count));
                tokio::spawn(async move {
                    // Who does not trust it goes away.
                    let Ok(stream) = acceptor.accept(stream).await else { return };
                    let take = service_fn(|_: Request<Incoming>| {
                        count.fetch_add(1, Ordering::SeqCst);
                        async { Ok::<_, Infallible>(Response::new(String::new())) }
                    });
                    let connection = hyper::server::conn::http1::Builder::new();
                    let _ = connection.serve_connection(TokioIo::new(stream), take).await;
                });
            }
        });
        Self { url: format!("https://localhost:{port}"), certificate: cert.pem(), taken, server }
    }
}

impl Drop for Encrypted {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn written(home: &Home, name: &str, text: &str) -> PathBuf {
    let path = home.folder().join(name);
    std::fs::write(&path, text).expect("a file");
    path
}

#[tokio::test]
async fn a_certificate_of_an_own_authority_is_trusted_where_its_file_is_named() {
    let (home, processor) = (Home::embedded(), Encrypted::start().await);
    let service = start(&home, &processor.url, &[]).await;
    service.post(&sample::events("ann", "e", 0..3)).await.expect(202);
    let seen = wait_until(&service, "away").await;
    let problem = seen["problem"].as_str().expect("a problem");
    assert!(problem.contains("UnknownIssuer"), "{problem}");
    assert_eq!(processor.taken.load(Ordering::SeqCst), 0);
    assert_eq!(service.terminate().await.code, Some(0));
    let file = written(&home, "authority.pem", &processor.certificate);
    let file = file.to_str().expect("a path");

    let _service =
        start(&home, &processor.url, &[("PROCESSORS_DEFAULT_AUTHORITIES_FILE", file)]).await;

    let outcomes = Stored::of(&home).await.wait_for("default", 3).await;
    assert_eq!(ids_in(&outcomes, "ann", "processed"), sample::ids("e", 0..3));
    assert_eq!(processor.taken.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn a_file_of_authorities_that_gives_none_ends_the_start_with_a_clear_message() {
    let home = Home::embedded();
    let empty = written(&home, "none.pem", "no certificate is in here\n");
    let broken = written(
        &home,
        "broken.pem",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    );
    let missing = home.folder().join("missing.pem");
    for (file, words) in [
        (&missing, "missing.pem of certificates cannot be read"),
        (&empty, "there is none in the text"),
        (&broken, "the certificates of authorities cannot be read"),
    ] {
        let settings = [
            ("PROCESSOR_URL", "https://localhost:9"),
            ("PROCESSORS_DEFAULT_AUTHORITIES_FILE", file.to_str().expect("a path")),
        ];
        let ended = Service::refuses_to_start(&home, &settings).await;
        assert!(!matches!(ended.code, Some(0) | None), "{ended:?}");
        assert!(ended.log.contains(words), "no {words:?} in: {}", ended.log);
        assert!(!ended.log.contains("panicked"), "{}", ended.log);
    }
}

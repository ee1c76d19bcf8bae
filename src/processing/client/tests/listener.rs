//! A server that answers as a test says, byte by byte.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

type Served = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What is done with each connection.
pub type Serve = Box<dyn Fn(Peer) -> Served + Send>;

/// A connection that was accepted.
pub struct Peer {
    pub stream: TcpStream,
    /// Which one it is, from 1.
    pub number: usize,
    seen: Arc<Mutex<Vec<String>>>,
}

/// Listens until it is dropped.
pub struct Listener {
    port: u16,
    accepted: Arc<AtomicUsize>,
    seen: Arc<Mutex<Vec<String>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Listener {
    pub async fn start(serve: Serve) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let accepted = Arc::new(AtomicUsize::new(0));
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (count, requests) = (Arc::clone(&accepted), Arc::clone(&seen));
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let number = count.fetch_add(1, Ordering::SeqCst) + 1;
                let peer = Peer { stream, number, seen: Arc::clone(&requests) };
                tokio::spawn(serve(peer));
            }
        });
        Self { port, accepted, seen, task }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// How many connections there were so far.
    pub fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }

    /// The requests so far, heads and bodies.
    pub fn requests(&self) -> Vec<String> {
        self.seen.lock().clone()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Peer {
    /// Reads a request; `None` where the other side has closed.
    pub async fn request(&mut self) -> Option<String> {
        let request = read_request(&mut self.stream).await?;
        self.seen.lock().push(request.clone());
        Some(request)
    }

    /// False where the other side has closed.
    pub async fn send(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).await.is_ok()
    }

    /// Returns when the other side has closed.
    pub async fn closed(&mut self) {
        let mut bytes = [0; 1024];
        while matches!(self.stream.read(&mut bytes).await, Ok(1..)) {}
    }
}

/// Reads a head, and as much body as it announces.
pub async fn read_request(stream: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut request = String::new();
    let mut bytes = [0; 4096];
    while !is_whole(&request) {
        match stream.read(&mut bytes).await {
            Ok(0) | Err(_) => return None,
            Ok(length) => request.push_str(std::str::from_utf8(&bytes[..length]).unwrap()),
        }
    }
    Some(request)
}

fn is_whole(request: &str) -> bool {
    let Some((head, body)) = request.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    body.len() >= length.map_or(0, |length| length.parse().unwrap())
}

/// Serves each connection so.
pub fn serving<F>(serve: impl Fn(Peer) -> F + Send + 'static) -> Serve
where
    F: Future<Output = ()> + Send + 'static,
{
    Box::new(move |peer| Box::pin(serve(peer)))
}

/// Answers the first request of each connection so, and closes.
pub fn answering(answer: impl Into<Vec<u8>>) -> Serve {
    let answer: Arc<[u8]> = Into::<Vec<u8>>::into(answer).into();
    serving(move |mut peer| {
        let answer = Arc::clone(&answer);
        async move {
            if peer.request().await.is_some() {
                peer.send(&answer).await;
            }
        }
    })
}

/// Answers each request of each connection so.
pub fn answering_all(answer: impl Into<Vec<u8>>) -> Serve {
    let answer: Arc<[u8]> = Into::<Vec<u8>>::into(answer).into();
    serving(move |mut peer| {
        let answer = Arc::clone(&answer);
        async move { while peer.request().await.is_some() && peer.send(&answer).await {} }
    })
}

/// An answer with this body.
pub fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

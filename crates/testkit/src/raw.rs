//! HTTP byte by byte, for what no client library would send.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::service::Service;

/// A bare connection to a service.
pub struct RawConnection(TcpStream);

impl RawConnection {
    /// Connects.
    pub async fn open(service: &Service) -> Self {
        let stream = TcpStream::connect(service.address()).await.expect("the service listens");
        stream.set_nodelay(true).expect("a TCP socket");
        Self(stream)
    }

    /// Sends bytes; false when the other side has closed.
    pub async fn send(&mut self, bytes: &[u8]) -> bool {
        self.0.write_all(bytes).await.is_ok()
    }

    /// What comes until it holds this text, as a text.
    ///
    /// # Panics
    ///
    /// Where it does not come within the limit.
    pub async fn read_until(&mut self, wanted: &str, limit: Duration) -> String {
        let mut read = String::new();
        let reading = async {
            let mut chunk = [0; 4096];
            while !read.contains(wanted) {
                let length = self.0.read(&mut chunk).await.expect("an open connection");
                assert!(length > 0, "{wanted:?} does not come in {read:?}");
                read += &String::from_utf8_lossy(&chunk[..length]);
            }
        };
        assert!(timeout(limit, reading).await.is_ok(), "{wanted:?} does not come");
        read
    }

    /// What is answered until the other side closes or a whole answer is
    /// there; `None` when neither happens within the limit.
    pub async fn answer(&mut self, limit: Duration) -> Option<String> {
        let mut answer = Vec::new();
        let reading = async {
            let mut chunk = [0; 4096];
            while !is_whole(&answer) {
                match self.0.read(&mut chunk).await {
                    Ok(0) | Err(_) => break,
                    Ok(length) => answer.extend_from_slice(&chunk[..length]),
                }
            }
        };
        timeout(limit, reading).await.ok()?;
        Some(String::from_utf8_lossy(&answer).into_owned())
    }
}

/// Whether the bytes hold a head and as much body as it announces.
fn is_whole(answer: &[u8]) -> bool {
    let text = String::from_utf8_lossy(answer);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    head.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, length)| length.trim().parse::<usize>().ok())
        .is_some_and(|length| body.len() >= length)
}

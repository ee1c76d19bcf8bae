//! Kept-alive HTTP/1.1 connections that do no more than a benchmark needs: a
//! request costs one write and one read.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::ops::Range;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// After which no answer is taken to come.
const ANSWER_LIMIT: Duration = Duration::from_secs(20);
const HEAD_END: &[u8] = b"\r\n\r\n";

/// A connection that blocks its thread.
pub struct Connection {
    address: SocketAddr,
    /// `None` after the service, or a fault, has closed it.
    stream: Option<TcpStream>,
    answer: Answer,
}

impl Connection {
    /// Connects.
    pub fn open(address: SocketAddr) -> io::Result<Self> {
        Ok(Self { address, stream: Some(connect(address)?), answer: Answer::default() })
    }

    /// Sends a request and reads its answer to the end; gives the status.
    pub fn exchange(&mut self, request: &[u8]) -> io::Result<u16> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => connect(self.address)?,
        };
        stream.write_all(request)?;
        self.answer.clear();
        let head = loop {
            let bytes = stream.read(self.answer.space())?;
            if let Some(head) = self.answer.take(bytes)? {
                break head;
            }
        };
        self.stream = (!head.is_closing).then_some(stream);
        Ok(head.status)
    }

    /// The body of the last answer.
    pub fn body(&self) -> &[u8] {
        &self.answer.buffer[self.answer.body.clone()]
    }
}

fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(ANSWER_LIMIT))?;
    Ok(stream)
}

/// The same for a task.
pub struct AsyncConnection {
    address: SocketAddr,
    stream: Option<tokio::net::TcpStream>,
    answer: Answer,
}

impl AsyncConnection {
    /// Connects.
    pub async fn open(address: SocketAddr) -> io::Result<Self> {
        Ok(Self { address, stream: Some(connect_async(address).await?), answer: Answer::default() })
    }

    /// Sends a request and reads its answer to the end; gives the status.
    pub async fn exchange(&mut self, request: &[u8]) -> io::Result<u16> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => connect_async(self.address).await?,
        };
        stream.write_all(request).await?;
        self.answer.clear();
        let head = loop {
            let bytes = stream.read(self.answer.space()).await?;
            if let Some(head) = self.answer.take(bytes)? {
                break head;
            }
        };
        self.stream = (!head.is_closing).then_some(stream);
        Ok(head.status)
    }
}

async fn connect_async(address: SocketAddr) -> io::Result<tokio::net::TcpStream> {
    let stream = tokio::net::TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// An answer, as its bytes come.
struct Answer {
    buffer: Vec<u8>,
    filled: usize,
    head: Option<Head>,
    body: Range<usize>,
}

/// What the head of an answer says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Head {
    status: u16,
    length: usize,
    is_closing: bool,
}

impl Default for Answer {
    fn default() -> Self {
        Self { buffer: vec![0; 16 * 1024], filled: 0, head: None, body: 0..0 }
    }
}

impl Answer {
    fn clear(&mut self) {
        self.filled = 0;
        self.head = None;
        self.body = 0..0;
    }

    /// Where the next bytes go.
    fn space(&mut self) -> &mut [u8] {
        let needed = self.body.end.max(self.filled + 1);
        if self.buffer.len() < needed {
            self.buffer.resize(needed.next_power_of_two(), 0);
        }
        &mut self.buffer[self.filled..]
    }

    /// Takes note of so many bytes that came; gives the head once all of the
    /// answer is there.
    fn take(&mut self, bytes: usize) -> io::Result<Option<Head>> {
        if bytes == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.filled += bytes;
        if self.head.is_none()
            && let Some(end) = find(&self.buffer[..self.filled], HEAD_END)
        {
            let start = end + HEAD_END.len();
            let head = read_head(&self.buffer[..end])?;
            self.body = start..start + head.length;
            self.head = Some(head);
        }
        Ok(self.head.filter(|_| self.filled >= self.body.end))
    }
}

fn read_head(head: &[u8]) -> io::Result<Head> {
    let malformed = || io::Error::new(io::ErrorKind::InvalidData, "no HTTP/1.1 head with a length");
    let head = std::str::from_utf8(head).map_err(|_| malformed())?;
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.get(9..12)?.parse().ok());
    let mut length = None;
    let mut is_closing = false;
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().ok();
        } else if name.eq_ignore_ascii_case("connection") {
            is_closing = value.trim().eq_ignore_ascii_case("close");
        }
    }
    Ok(Head {
        status: status.ok_or_else(malformed)?,
        length: length.ok_or_else(malformed)?,
        is_closing,
    })
}

/// Where the needle begins.
pub fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes the text in pieces of so many bytes.
    fn take(text: &[u8], piece: usize) -> io::Result<Option<Head>> {
        let mut answer = Answer::default();
        let mut head = None;
        for piece in text.chunks(piece) {
            assert_eq!(head, None, "before the end");
            answer.space()[..piece.len()].copy_from_slice(piece);
            head = answer.take(piece.len())?;
        }
        Ok(head)
    }

    #[test]
    fn an_answer_is_whole_when_its_body_is_however_it_comes() {
        let text = b"HTTP/1.1 202 Accepted\r\nContent-Length: 4\r\n\r\nbody";
        let expected = Head { status: 202, length: 4, is_closing: false };
        for piece in [1, 7, text.len()] {
            assert_eq!(take(text, piece).unwrap(), Some(expected));
        }
        assert_eq!(take(&text[..text.len() - 1], 5).unwrap(), None);
    }

    #[test]
    fn an_answer_says_whether_the_connection_stays() {
        let closing = b"HTTP/1.1 503 x\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
        assert!(take(closing, 9).unwrap().unwrap().is_closing);
    }

    #[test]
    fn an_answer_without_a_length_is_an_error() {
        assert!(take(b"HTTP/1.1 200 OK\r\n\r\n", 100).is_err());
    }
}

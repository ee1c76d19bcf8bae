//! A kept-alive HTTP/1.1 connection that does no more than a benchmark needs.
//!
//! A blocking socket: a request costs one write and one read, and a thread
//! that sleeps until its next request wakes within some 50 microseconds, where
//! an asynchronous timer counts in milliseconds.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::ops::Range;
use std::time::Duration;

/// After which no answer is taken to come.
const ANSWER_LIMIT: Duration = Duration::from_secs(20);
const HEAD_END: &[u8] = b"\r\n\r\n";

/// A connection to a service.
pub struct Connection {
    address: SocketAddr,
    stream: TcpStream,
    buffer: Vec<u8>,
    body: Range<usize>,
    is_closing: bool,
}

/// What the head of an answer says.
struct Head {
    status: u16,
    length: usize,
    is_closing: bool,
}

impl Connection {
    /// Connects.
    pub fn open(address: SocketAddr) -> io::Result<Self> {
        Ok(Self {
            address,
            stream: connect(address)?,
            buffer: vec![0; 64 * 1024],
            body: 0..0,
            is_closing: false,
        })
    }

    /// Sends a request and reads its answer to the end; gives the status.
    pub fn exchange(&mut self, request: &[u8]) -> io::Result<u16> {
        if self.is_closing {
            self.stream = connect(self.address)?;
            self.is_closing = false;
        }
        let answer = self.stream.write_all(request).and_then(|()| self.read());
        self.is_closing |= answer.is_err();
        answer
    }

    /// The body of the last answer.
    pub fn body(&self) -> &[u8] {
        &self.buffer[self.body.clone()]
    }

    fn read(&mut self) -> io::Result<u16> {
        let mut filled = 0;
        let head_end = loop {
            filled += self.fill(filled)?;
            if let Some(end) = find(&self.buffer[..filled], HEAD_END) {
                break end + HEAD_END.len();
            }
        };
        let head = read_head(&self.buffer[..head_end])?;
        self.body = head_end..head_end + head.length;
        if self.buffer.len() < self.body.end {
            self.buffer.resize(self.body.end, 0);
        }
        while filled < self.body.end {
            filled += self.fill(filled)?;
        }
        self.is_closing = head.is_closing;
        Ok(head.status)
    }

    fn fill(&mut self, from: usize) -> io::Result<usize> {
        match self.stream.read(&mut self.buffer[from..])? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            bytes => Ok(bytes),
        }
    }
}

fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(ANSWER_LIMIT))?;
    Ok(stream)
}

fn read_head(head: &[u8]) -> io::Result<Head> {
    let malformed = || io::Error::new(io::ErrorKind::InvalidData, "no HTTP/1.1 head with a length");
    let head = std::str::from_utf8(head).map_err(|_| malformed())?;
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.get(9..12));
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
        status: status
            .and_then(|status| status.parse().ok())
            .ok_or_else(malformed)?,
        length: length.ok_or_else(malformed)?,
        is_closing,
    })
}

/// Where the needle begins.
pub fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack
        .windows(needle.len())
        .position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_tells_status_length_and_whether_the_connection_stays() {
        let head = read_head(b"HTTP/1.1 202 Accepted\r\nContent-Length: 17\r\n\r\n").unwrap();
        assert_eq!(
            (head.status, head.length, head.is_closing),
            (202, 17, false)
        );
        let closing = b"HTTP/1.1 503 x\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
        assert!(read_head(closing).unwrap().is_closing);
        assert!(read_head(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
    }
}

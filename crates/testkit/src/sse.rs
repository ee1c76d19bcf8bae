//! Server-sent events, as a browser's `EventSource` takes them.

use std::time::Duration;

use reqwest::{Method, RequestBuilder, Response};
use serde_json::Value;
use tokio::time::timeout;

use crate::eventually::SOON;
use crate::service::Service;

/// One event of a stream.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// `message` where the stream gives no name.
    pub name: String,
    /// The last id that was given, with this event or before it.
    pub id: String,
    /// Its data, which is JSON.
    pub data: Value,
}

impl Told {
    /// The `eventId` of an event; empty for anything else.
    pub fn event_id(&self) -> &str {
        self.data["eventId"].as_str().unwrap_or_default()
    }
}

/// A stream that is read as it comes.
pub struct Sse {
    response: Response,
    unread: Vec<u8>,
    /// The last id that was given.
    pub last_id: String,
    /// Comments so far.
    pub comments: usize,
}

impl Service {
    /// Opens a stream as the administrator; it begins with a `hello`, which is read.
    pub async fn watch(&self, path: &str) -> Sse {
        self.watch_since(path, None).await.1
    }

    /// Opens a stream that goes on from an id. Answers its `hello`, too.
    pub async fn watch_since(&self, path: &str, id: Option<&str>) -> (Told, Sse) {
        let mut request = self.watching(path).bearer_auth(self.admin().await);
        if let Some(id) = id {
            request = request.header("last-event-id", id);
        }
        let mut stream = Sse::open(request).await;
        let hello = stream.next().await;
        assert_eq!(hello.name, "hello", "{hello:?}");
        (hello, stream)
    }

    /// A request for a stream, which may last.
    pub fn watching(&self, path: &str) -> RequestBuilder {
        let request = self.request(Method::GET, path).header("accept", "text/event-stream");
        request.timeout(Duration::from_secs(600))
    }
}

impl Sse {
    /// Opens a stream, which has to be answered as one.
    pub async fn open(request: RequestBuilder) -> Self {
        let response = request.send().await.expect("an answer");
        assert_eq!(response.status(), 200);
        let header = |name: &str| response.headers()[name].to_str().expect("ASCII").to_owned();
        assert_eq!(header("content-type"), "text/event-stream");
        assert_eq!(header("cache-control"), "no-store");
        assert_eq!(header("x-accel-buffering"), "no");
        Self { response, unread: Vec::new(), last_id: String::new(), comments: 0 }
    }

    /// The next event.
    ///
    /// # Panics
    ///
    /// Where none comes soon, or the stream has ended.
    pub async fn next(&mut self) -> Told {
        let told = timeout(SOON, self.next_or_end()).await.expect("an event comes soon");
        told.expect("the stream goes on")
    }

    /// The next event; `None` where none comes within this time.
    pub async fn next_within(&mut self, limit: Duration) -> Option<Told> {
        timeout(limit, self.next_or_end()).await.ok().map(|told| told.expect("the stream goes on"))
    }

    /// The next event; `None` where the stream has ended.
    pub async fn next_or_end(&mut self) -> Option<Told> {
        loop {
            while let Some(block) = self.block() {
                if let Some(told) = self.dispatch(&block) {
                    return Some(told);
                }
            }
            match self.response.chunk().await {
                Ok(Some(chunk)) => self.unread.extend_from_slice(&chunk),
                Ok(None) | Err(_) => return None,
            }
        }
    }

    /// Lines up to the next empty one.
    fn block(&mut self) -> Option<String> {
        let end = self.unread.windows(2).position(|two| two == b"\n\n")?;
        let block: Vec<u8> = self.unread.drain(..end + 2).collect();
        Some(String::from_utf8(block).expect("UTF-8"))
    }

    /// What a block says; none where it has no data.
    fn dispatch(&mut self, block: &str) -> Option<Told> {
        let (mut name, mut data) = ("message".to_owned(), None);
        for line in block.lines() {
            match line.split_once(": ") {
                Some(("", _)) => self.comments += 1,
                Some(("event", value)) => value.clone_into(&mut name),
                Some(("id", value)) => value.clone_into(&mut self.last_id),
                Some(("data", value)) => data = Some(value.to_owned()),
                Some(("retry", _)) => {}
                _ => assert!(line.is_empty(), "a line of no kind: {line}"),
            }
        }
        let data = serde_json::from_str(&data?).expect("data is JSON");
        Some(Told { name, id: self.last_id.clone(), data })
    }
}

//! Events that are told apart by a number, so that each can be followed from its 202 to
//! the processor.

use std::fmt::Write as _;
use std::time::Duration;

use trailkeep_testkit::trouble::{Trouble, While as _};

use crate::batch::PAYLOAD;
use crate::connection::Connection;

/// After a 503.
const REST: Duration = Duration::from_millis(10);

/// An event: of whom, and which.
pub struct Numbered<'a> {
    pub user: &'a str,
    /// What its id begins with.
    pub kind: &'a str,
    pub number: u32,
}

/// The id of an event.
pub fn id(kind: &str, number: u32) -> String {
    format!("{kind}-{number:07}")
}

/// What its id begins with, and the number of an event.
pub fn read_id(id: &str) -> Option<(&str, u32)> {
    let (kind, number) = id.split_once('-')?;
    Some((kind, number.parse().ok()?))
}

/// A `POST /events` with these.
pub fn request<'a>(events: impl Iterator<Item = Numbered<'a>>) -> Vec<u8> {
    let mut body = String::from("[");
    for Numbered { user, kind, number } in events {
        if body.len() > 1 {
            body.push(',');
        }
        let id = id(kind, number);
        // Writing to a string does not fail.
        let _ = write!(
            body,
            r#"{{"userId":"{user}","type":"page_view","eventId":"{id}","payload":{PAYLOAD}}}"#
        );
    }
    body.push(']');
    let head = format!(
        "POST /events HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n",
        body.len()
    );
    (head + &body).into_bytes()
}

/// Posts a request until it is answered 202.
pub fn post(connection: &mut Connection, request: &[u8]) -> Result<(), Trouble> {
    loop {
        match connection.exchange(request).during("posting events")? {
            202 => return Ok(()),
            503 => std::thread::sleep(REST),
            status => return Err(Trouble(format!("events were answered {status}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_has_all_of_its_events_and_each_is_known_by_its_id() {
        let events = (8..11).map(|number| Numbered { user: "ann", kind: "slow", number });
        let request = String::from_utf8(request(events)).unwrap();
        let (head, body) = request.split_once("\r\n\r\n").unwrap();
        assert!(head.ends_with(&format!("content-length: {}", body.len())));
        let events: Vec<serde_json::Value> = serde_json::from_str(body).unwrap();
        let ids = events.iter().map(|event| read_id(event["eventId"].as_str().unwrap()).unwrap());
        assert_eq!(ids.collect::<Vec<_>>(), [("slow", 8), ("slow", 9), ("slow", 10)]);
        assert!(events.iter().all(|event| event["userId"] == "ann"));
    }
}

//! What a stream says, as server-sent events. Pure.

use std::io::Write as _;

use trailkeep_event::json_writer::write_string;

use crate::journeys::export;
use crate::live::instance::{A_SECOND, InstanceStream};
use crate::live::resume::ResumeId;
use crate::live::user::UserStream;
use crate::live::{Said, What};

/// Milliseconds until a browser comes back whose connection broke.
const RETRY_MS: u32 = 2000;

/// Why a stream ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The service stops.
    Stopping,
    /// The session or the token is no more.
    SignedOut,
    /// The caller may not read any more.
    Forbidden,
    /// For too long nobody could say whether the caller may.
    Unverified,
}

impl End {
    fn name(self) -> &'static str {
        match self {
            Self::Stopping => "stopping",
            Self::SignedOut => "signed-out",
            Self::Forbidden => "forbidden",
            Self::Unverified => "unverified",
        }
    }
}

/// What the stream of a user begins with.
pub fn hello_of_user(stream: &UserStream, user_id: &str, process: &str) -> Vec<u8> {
    let mut data = b"{\"scope\":\"user\",\"userId\":".to_vec();
    write_string(user_id, &mut data);
    if let Some(linked_to) = stream.linked_to() {
        data.extend_from_slice(b",\"linkedTo\":");
        write_string(linked_to, &mut data);
    }
    data.extend_from_slice(format!(",\"instance\":\"{process}\"}}").as_bytes());
    let mut out = Vec::new();
    hello(stream.id(), &data, &mut out);
    out
}

/// What the stream of an instance begins with.
pub fn hello_of_instance(stream: &InstanceStream, process: &str) -> Vec<u8> {
    let data = format!(
        "{{\"scope\":\"instance\",\"instance\":\"{process}\",\"mostPerSecond\":{A_SECOND}}}"
    );
    let mut out =
        b": events that this instance accepts; others have streams of their own\n".to_vec();
    hello(stream.id(), data.as_bytes(), &mut out);
    out
}

fn hello(id: ResumeId, data: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(format!("retry: {RETRY_MS}\n").as_bytes());
    frame(Some("hello"), Some(id), data, out);
}

/// Appends what a stream says.
pub fn say(said: &Said, out: &mut Vec<u8>) {
    let id = Some(said.id);
    match &said.what {
        What::Event(event) => {
            let mut data = Vec::with_capacity(event.bytes());
            export::write_json(event, &mut data);
            frame(None, id, &data, out);
        }
        What::Gap(gap) => {
            let data = format!("{{\"reason\":\"{}\"}}", gap.name());
            frame(Some("gap"), id, data.as_bytes(), out);
        }
        What::Skipped(count) => {
            let data = format!("{{\"count\":{count}}}");
            frame(Some("skipped"), id, data.as_bytes(), out);
        }
    }
}

/// A comment, which no reader shows, and where to go on from: a client that has heard
/// nothing for long comes back to here, and not to what it heard last.
pub fn heartbeat(id: ResumeId) -> Vec<u8> {
    format!(": heartbeat\nid: {id}\n\n").into_bytes()
}

/// The last frame.
pub fn end(end: End) -> Vec<u8> {
    let mut out = Vec::new();
    let data = format!("{{\"reason\":\"{}\"}}", end.name());
    frame(Some("end"), None, data.as_bytes(), &mut out);
    out
}

/// JSON has no line break of its own, so it is one line of data.
fn frame(name: Option<&str>, id: Option<ResumeId>, data: &[u8], out: &mut Vec<u8>) {
    if let Some(name) = name {
        let _ = writeln!(out, "event: {name}");
    }
    if let Some(id) = id {
        let _ = writeln!(out, "id: {id}");
    }
    out.extend_from_slice(b"data: ");
    out.extend_from_slice(data);
    out.extend_from_slice(b"\n\n");
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use trailkeep_event::{Arrival, StoreId, Timestamp};
    use trailkeep_store::StoredEvent;

    use super::*;
    use crate::live::Gap;

    fn id() -> ResumeId {
        ResumeId { process: 10, position: 7, at: Timestamp::from_millis_clamped(255) }
    }

    fn said(what: What) -> String {
        let mut out = Vec::new();
        say(&Said { id: id(), what }, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn an_event_is_one_frame_whatever_is_in_it() {
        let at = Timestamp::from_millis_clamped(1_765_794_600_000);
        let event = StoredEvent {
            id: StoreId::derive("a\nb", "e\r1"),
            user_id: "a\nb".into(),
            event_id: "e\r1".into(),
            kind: "visit".into(),
            anonymous_id: None,
            session_id: None,
            account_id: None,
            payload: r#"{"text":"one\ntwo"}"#.into(),
            occurred_at: at,
            received_at: at,
            arrival: Arrival::from_i64(1),
        };
        let mut json = Vec::new();
        export::write_json(&event, &mut json);
        let json = String::from_utf8(json).unwrap();
        let frame = said(What::Event(Box::new(event)));
        assert_eq!(frame, format!("id: 000000000000000a-7-ff\ndata: {json}\n\n"));
        assert_eq!(frame.lines().count(), 3);
    }

    #[test]
    fn what_is_not_an_event_has_a_name_and_data() {
        // Without data a browser would not hand it on.
        let id = "id: 000000000000000a-7-ff";
        assert_eq!(
            said(What::Gap(Gap::Behind)),
            format!("event: gap\n{id}\ndata: {{\"reason\":\"behind\"}}\n\n")
        );
        assert_eq!(
            said(What::Skipped(3)),
            format!("event: skipped\n{id}\ndata: {{\"count\":3}}\n\n")
        );
        assert_eq!(
            String::from_utf8(end(End::SignedOut)).unwrap(),
            "event: end\ndata: {\"reason\":\"signed-out\"}\n\n"
        );
        assert_eq!(
            String::from_utf8(heartbeat(self::id())).unwrap(),
            format!(": heartbeat\n{id}\n\n")
        );
    }
}

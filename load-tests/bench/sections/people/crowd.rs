//! The people of the section, and the events that tell of them.

use std::net::SocketAddr;
use std::ops::Range;
use std::time::Duration;

use serde_json::{Value, json};
use trailkeep_testkit::trouble::{Trouble, While as _};

use crate::connection::Connection;

/// Events of each person.
pub const EVENTS_EACH: u32 = 10;
/// Events of each user whose ids are linked, of all ids together.
pub const LINKED_EVENTS: u32 = 120;

/// People of one request.
const TOGETHER: u32 = 100;
const SENDERS: u32 = 4;
/// Before a batch that found no room is sent again.
const PAUSE: Duration = Duration::from_millis(20);
const FIRST_NAMES: [&str; 26] = [
    "anna", "ben", "clara", "david", "emma", "felix", "greta", "hugo", "ida", "jonas", "klara",
    "leo", "mia", "noah", "olga", "paul", "quinn", "rosa", "sam", "tina", "ulf", "vera", "willi",
    "xenia", "yara", "zoe",
];
const LAST_NAMES: u32 = 20_000;
const CONSONANTS: [char; 14] =
    ['b', 'c', 'd', 'f', 'g', 'h', 'k', 'l', 'm', 'n', 'p', 'r', 's', 't'];
const VOWELS: [char; 5] = ['a', 'e', 'i', 'o', 'u'];

/// The first and the last name of a person: one of 26, and one of 20,000.
pub fn name(person: u32) -> (&'static str, String) {
    let first = FIRST_NAMES[(person as usize) % FIRST_NAMES.len()];
    // Neighbours have different ones.
    let mut rest = person.wrapping_mul(7919) % LAST_NAMES;
    let mut last = String::new();
    for _ in 0..3 {
        last.push(CONSONANTS[rest as usize % CONSONANTS.len()]);
        rest /= 14;
        last.push(VOWELS[rest as usize % VOWELS.len()]);
        rest /= 5;
    }
    (first, last)
}

/// The address of a person, which nobody else has.
pub fn email(person: u32) -> String {
    let (first, last) = name(person);
    format!("{first}.{last}.{person}@example.com")
}

/// A user of so many links.
pub fn linked_user(links: u32, number: u32) -> String {
    format!("linked-{links}-{number}")
}

fn events_of(person: u32) -> impl Iterator<Item = Value> {
    let (first, last) = name(person);
    let user = format!("user-{person}");
    let identify = json!({
        "userId": user, "anonymousId": format!("dev-{person}"), "sessionId": format!("sess-{person}"),
        "type": "identify",
        "payload": { "name": format!("{first} {last}"), "email": email(person) },
    });
    let page =
        move |page| json!({ "userId": user, "type": "page_view", "payload": { "path": page } });
    std::iter::once(identify).chain((1..EVENTS_EACH).map(page))
}

/// The same events by one id, or in equal parts by it and each of its links.
fn events_of_linked(links: u32, number: u32) -> Vec<Value> {
    let user = linked_user(links, number);
    let each = LINKED_EVENTS / (links + 1);
    let mut events = Vec::new();
    for link in 0..links {
        let device = format!("{user}-device-{link}");
        let browse = json!({ "anonymousId": device, "type": "page_view" });
        events.extend(std::iter::repeat_n(browse, each as usize - 1));
        events.push(json!({ "userId": user, "anonymousId": device, "type": "page_view" }));
    }
    let own = json!({ "userId": user, "type": "page_view" });
    events.extend(std::iter::repeat_n(own, each as usize));
    events
}

/// Posts the events of so many people, and gives how many these are.
pub fn post_people(address: SocketAddr, people: u32) -> Result<u64, Trouble> {
    let batch = |people: Range<u32>| people.flat_map(events_of).collect();
    post(address, people, TOGETHER, batch)
}

/// Posts the events of so many users with so many links each.
pub fn post_linked(address: SocketAddr, links: u32, users: u32) -> Result<u64, Trouble> {
    let batch = |users: Range<u32>| users.flat_map(|user| events_of_linked(links, user)).collect();
    post(address, users, TOGETHER / 20, batch)
}

/// Posts from several connections, each its part.
fn post(
    address: SocketAddr,
    all: u32,
    together: u32,
    batch: impl Fn(Range<u32>) -> Vec<Value> + Sync,
) -> Result<u64, Trouble> {
    let part = all.div_ceil(SENDERS).max(1);
    let send = |first: u32| {
        let mut connection = Connection::open(address).during("connecting")?;
        let mut sent = 0;
        let end = all.min(first + part);
        for start in (first..end).step_by(together as usize) {
            let events = batch(start..end.min(start + together));
            sent += events.len() as u64;
            send_until_taken(&mut connection, &json!(events).to_string())?;
        }
        Ok(sent)
    };
    let send = &send;
    std::thread::scope(|scope| {
        let senders: Vec<_> =
            (0..all).step_by(part as usize).map(|first| scope.spawn(move || send(first))).collect();
        let ended = |sender: std::thread::ScopedJoinHandle<'_, Result<u64, Trouble>>| {
            sender.join().unwrap_or_else(|_| Err(Trouble("a sender panicked".to_owned())))
        };
        senders.into_iter().map(ended).sum()
    })
}

fn send_until_taken(connection: &mut Connection, body: &str) -> Result<(), Trouble> {
    let request = format!(
        "POST /events HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    loop {
        match connection.exchange(request.as_bytes()).during("posting events")? {
            202 => return Ok(()),
            503 => std::thread::sleep(PAUSE),
            status => {
                let body = String::from_utf8_lossy(connection.body()).into_owned();
                return Err(Trouble(format!("events were answered {status}: {body}")));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_has_as_many_events_whatever_the_links() {
        for links in [0, 3, 19] {
            assert_eq!(events_of_linked(links, 1).len(), LINKED_EVENTS as usize, "{links}");
        }
        assert_eq!(events_of(7).count(), EVENTS_EACH as usize);
    }
}

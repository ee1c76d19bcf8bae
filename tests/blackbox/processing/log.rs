//! What the promises say about the lines that a processor has written down.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

fn text<'a>(line: &'a Value, name: &str) -> &'a str {
    line[name].as_str().unwrap_or_else(|| panic!("no {name} in {line}"))
}

fn is_request(line: &Value) -> bool {
    line["what"] == "request"
}

/// Users with their events, in the order in which they were first sent.
pub fn first_requests(log: &[Value]) -> BTreeMap<String, Vec<String>> {
    let mut by_user = BTreeMap::<String, Vec<String>>::new();
    for line in log.iter().filter(|line| is_request(line)) {
        let sent = by_user.entry(text(line, "user").to_owned()).or_default();
        let id = text(line, "eventId");
        if !sent.iter().any(|sent| sent == id) {
            sent.push(id.to_owned());
        }
    }
    by_user
}

/// The events that were sent first, in their order.
pub fn sent_of(log: &[Value], user: &str) -> Vec<String> {
    first_requests(log).remove(user).unwrap_or_default()
}

/// How often each event was sent, by user and id.
pub fn requests(log: &[Value]) -> BTreeMap<(String, String), usize> {
    let mut counted = BTreeMap::new();
    for line in log.iter().filter(|line| is_request(line)) {
        let event = (text(line, "user").to_owned(), text(line, "eventId").to_owned());
        *counted.entry(event).or_default() += 1;
    }
    counted
}

/// The events that were sent more than once.
pub fn repeated(log: &[Value]) -> BTreeSet<(String, String)> {
    let counted = requests(log).into_iter();
    counted.filter(|(_, count)| *count > 1).map(|(event, _)| event).collect()
}

/// Of no user were more than so many events sent again. One at a time is in flight, so a
/// crash has at most one of each to be sent again.
#[track_caller]
pub fn assert_repeats(log: &[Value], of_each_user: usize) {
    let mut counted = BTreeMap::<_, usize>::new();
    for (user, _) in repeated(log) {
        *counted.entry(user).or_default() += 1;
    }
    let most = counted.values().max().copied().unwrap_or_default();
    assert!(most <= of_each_user, "more than what was in flight: {:?}", repeated(log));
}

/// How many answers with this status there are.
pub fn answers(log: &[Value], status: u16) -> usize {
    log.iter().filter(|line| line["status"] == status).count()
}

/// No event of a user was sent for the first time before the one before it was taken, and
/// none has two identities.
#[track_caller]
pub fn assert_in_order(log: &[Value]) {
    let mut taken = BTreeSet::new();
    let mut last = BTreeMap::<&str, &str>::new();
    let mut identities = BTreeMap::new();
    for line in log {
        let (user, id, identity) =
            (text(line, "user"), text(line, "eventId"), text(line, "webhookId"));
        assert_eq!(*identities.entry((user, id)).or_insert(identity), identity, "{line}");
        if !is_request(line) {
            if line["status"].as_u64().is_some_and(|status| (200..300).contains(&status)) {
                taken.insert((user, id));
            }
            continue;
        }
        // An instance that was in charge before may wake up with a request on its way: of
        // what is done, that is a repeat and nothing else.
        if taken.contains(&(user, id)) {
            continue;
        }
        let before = last.insert(user, id).filter(|before| *before != id);
        if let Some(before) = before {
            assert!(
                taken.contains(&(user, before)),
                "{id} of {user} was sent before {before} was taken"
            );
        }
    }
}

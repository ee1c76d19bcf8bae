//! Promises about the audit trail.

use std::sync::Arc;

use trailkeep_event::Timestamp;
use trailkeep_store::access::{AccessStore, AuditEntry, AuditRange, TrailAges};
use uuid::Uuid;

use super::samples::{HOSTILE, at, ends_of_the_calendar, entry};

const ALL: AuditRange = AuditRange { before: None, actor: None, subject: None };

fn of_actor(actor: &str) -> AuditRange {
    AuditRange { actor: Some(actor.to_owned()), ..ALL }
}

fn of_subject(subject: &str) -> AuditRange {
    AuditRange { subject: Some(subject.to_owned()), ..ALL }
}

async fn read(store: &dyn AccessStore, range: &AuditRange) -> Vec<AuditEntry> {
    store.audit(range, 10_000).await.unwrap()
}

/// All pages of a range, put together. No page but the last may be short.
async fn page_through(store: &dyn AccessStore, range: &AuditRange, limit: usize) -> Vec<Uuid> {
    let mut range = range.clone();
    let mut seen = Vec::new();
    loop {
        let page = store.audit(&range, limit).await.unwrap();
        assert!(page.len() <= limit);
        let is_last = page.len() < limit;
        range.before = page.last().map(|entry| entry.id).or(range.before);
        seen.extend(page.into_iter().map(|entry| entry.id));
        assert!(seen.len() <= 1_000, "pages without an end");
        if is_last {
            return seen;
        }
    }
}

/// Their ids, newest first; they are given oldest first.
fn newest_first<'a>(entries: impl DoubleEndedIterator<Item = &'a AuditEntry>) -> Vec<Uuid> {
    entries.rev().map(|entry| entry.id).collect()
}

pub async fn entries_are_read_back_unchanged_newest_first(store: Arc<dyn AccessStore>) {
    assert_eq!(read(&*store, &ALL).await, []);
    store.record(&[]).await.unwrap();
    let [first, last] = ends_of_the_calendar();
    let bare = AuditEntry { at: first, ..entry(0, "anonymous", None) };
    let full = AuditEntry {
        at: last,
        actor_id: Some(Uuid::new_v4()),
        action: "account.create".to_owned(),
        client: Some("2001:db8::1".to_owned()),
        reason: Some("Ticket 17: \"żółć\"".to_owned()),
        ..entry(1, "ann@example.com", Some("bob@example.com"))
    };
    let latest = entry(2, "shell", Some(""));
    store.record(&[full.clone(), bare.clone()]).await.unwrap();
    store.record(std::slice::from_ref(&latest)).await.unwrap();
    assert_eq!(read(&*store, &ALL).await, [latest, full, bare]);
}

/// 90 entries of three actors about four subjects, or none, oldest first.
fn varied() -> Vec<AuditEntry> {
    (0..90)
        .map(|number: u64| {
            let actor = ["ann", "bob", "cid"][usize::try_from(number % 3).unwrap()];
            let subject = [None, Some("u1"), Some("u2"), Some("u3"), Some("ann")]
                [usize::try_from(number / 2 % 5).unwrap()];
            // Several in the same millisecond.
            let at = number / 4;
            let mut entry = entry(at, actor, subject);
            let mut id = entry.id.into_bytes();
            id[15] = u8::try_from(number).unwrap();
            id[8..15].copy_from_slice(&[0x80, 0, 0, 0, 0, 0, 0]);
            id[6..8].copy_from_slice(&[0x70, 0]);
            entry.id = Uuid::from_bytes(id);
            entry
        })
        .collect()
}

pub async fn pages_of_the_trail_visit_each_entry_once(store: Arc<dyn AccessStore>) {
    let entries = varied();
    store.record(&entries).await.unwrap();
    for limit in [1, 7, 89, 90, 91] {
        let all = newest_first(entries.iter());
        assert_eq!(page_through(&*store, &ALL, limit).await, all);
        let anns = newest_first(entries.iter().filter(|entry| entry.actor == "ann"));
        assert_eq!(page_through(&*store, &of_actor("ann"), limit).await, anns);
        let of_u2 = |entry: &&AuditEntry| entry.subject.as_deref() == Some("u2");
        let of_u2 = newest_first(entries.iter().filter(of_u2));
        assert_eq!(page_through(&*store, &of_subject("u2"), limit).await, of_u2);
    }
    assert_eq!(store.audit(&ALL, 0).await.unwrap(), []);

    // What is recorded meanwhile does not come into older pages.
    let before = AuditRange { before: Some(entries[10].id), ..ALL };
    store.record(&[entry(1_000, "ann", None)]).await.unwrap();
    let older = newest_first(entries[..10].iter());
    assert_eq!(page_through(&*store, &before, 4).await, older);
}

pub async fn the_trail_of_an_actor_is_theirs_alone(store: Arc<dyn AccessStore>) {
    let entries: Vec<_> = (0..)
        .zip(HOSTILE)
        .map(|(number, text)| AuditEntry {
            action: text.to_owned(),
            client: Some(text.to_owned()),
            reason: Some(text.to_owned()),
            ..entry(number, text, Some("u1"))
        })
        .collect();
    store.record(&entries).await.unwrap();
    for entry in entries {
        assert_eq!(read(&*store, &of_actor(&entry.actor)).await, [entry]);
    }
    assert_eq!(read(&*store, &of_actor("")).await, []);
    assert_eq!(read(&*store, &of_actor("u1")).await, []);
}

pub async fn the_trail_of_a_subject_is_its_alone(store: Arc<dyn AccessStore>) {
    let mut entries: Vec<_> =
        (0..).zip(HOSTILE).map(|(number, text)| entry(number, "ann", Some(text))).collect();
    entries.push(entry(100, "ann", None));
    store.record(&entries).await.unwrap();
    for text in HOSTILE {
        let found = read(&*store, &of_subject(text)).await;
        let subjects: Vec<_> = found.iter().map(|entry| entry.subject.as_deref()).collect();
        assert_eq!(subjects, [Some(text)]);
    }
    assert_eq!(read(&*store, &of_subject("")).await, []);
}

pub async fn actor_and_subject_go_together(store: Arc<dyn AccessStore>) {
    let entries = varied();
    store.record(&entries).await.unwrap();
    let range = AuditRange {
        actor: Some("bob".to_owned()),
        subject: Some("u1".to_owned()),
        before: Some(entries[60].id),
    };
    let expected = newest_first(
        entries[..60]
            .iter()
            .filter(|entry| entry.actor == "bob" && entry.subject.as_deref() == Some("u1")),
    );
    assert!(expected.len() > 2);
    assert_eq!(page_through(&*store, &range, 2).await, expected);
}

pub async fn entries_recorded_again_stay_as_they_are(store: Arc<dyn AccessStore>) {
    let (one, two, three) = (entry(1, "ann", None), entry(2, "ann", None), entry(3, "ann", None));
    store.record(&[one.clone(), two.clone()]).await.unwrap();
    let altered = AuditEntry { actor: "mallory".to_owned(), ..two.clone() };
    let again = [altered, three.clone(), one.clone()];
    store.record(&again).await.unwrap();
    assert_eq!(read(&*store, &ALL).await, [three, two, one]);
}

pub async fn many_entries_are_recorded_at_once(store: Arc<dyn AccessStore>) {
    let entries: Vec<_> = (0..2_100).map(|number| entry(number, "ann", None)).collect();
    store.record(&entries).await.unwrap();
    let read: Vec<_> = read(&*store, &ALL).await;
    assert_eq!(read.len(), entries.len());
    assert!(read.iter().eq(entries.iter().rev()));
}

fn entries_before(since: Timestamp) -> TrailAges {
    TrailAges { entries_since: Some(since), addresses_since: None }
}

pub async fn a_sweep_takes_addresses_out_of_entries_from_before_and_no_others(
    store: Arc<dyn AccessStore>,
) {
    let with_address = |number| AuditEntry {
        client: Some("192.0.2.7".to_owned()),
        ..entry(number, "ann", Some("u"))
    };
    let mut entries: Vec<_> = (0..1_300).map(with_address).collect();
    store.record(&entries).await.unwrap();
    let ages = TrailAges { entries_since: None, addresses_since: Some(at(1_200)) };
    store.sweep(at(5_000), ages).await.unwrap();
    entries[..1_200].iter_mut().for_each(|entry| entry.client = None);
    assert!(read(&*store, &ALL).await.iter().eq(entries.iter().rev()));
    store.sweep(at(5_000), ages).await.unwrap();
    assert!(read(&*store, &ALL).await.iter().eq(entries.iter().rev()));
}

pub async fn a_sweep_removes_entries_from_before_and_no_others(store: Arc<dyn AccessStore>) {
    let entries: Vec<_> = (0..1_300).map(|number| entry(number, "ann", None)).collect();
    store.record(&entries).await.unwrap();
    store.sweep(at(5_000), entries_before(at(1_200))).await.unwrap();
    let left = read(&*store, &ALL).await;
    assert!(left.iter().eq(entries[1_200..].iter().rev()));
    store.sweep(at(5_000), entries_before(at(1_200))).await.unwrap();
    assert_eq!(read(&*store, &ALL).await.len(), 100);
}

pub async fn a_sweep_without_a_limit_keeps_the_trail(store: Arc<dyn AccessStore>) {
    let entries = varied();
    store.record(&entries).await.unwrap();
    store.sweep(ends_of_the_calendar()[1], TrailAges::default()).await.unwrap();
    assert_eq!(read(&*store, &ALL).await.len(), entries.len());
}

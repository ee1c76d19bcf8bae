//! What goes of an id besides its events.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use trailkeep_event::{StoreId, Timestamp};
use trailkeep_store::access::AuditRange;
use trailkeep_store::dead_letters::DeadLetter;
use trailkeep_store::erasures::ErasureKey;
use trailkeep_store::people::{Matching, TermKind};
use trailkeep_store::processing::{Processed, ProcessedEvent, ProcessedState};
use trailkeep_store::{Id, Outcome, Reason, Refusal, Retention};

use super::samples::{Stores, ids, named, until};
use crate::access::samples::entry;
use crate::people::samples::{arrival, identified, person, session};
use crate::processing::samples::{NAME, add, outcome};
use crate::samples::{at, store_all};

/// What became of an event of this user.
fn outcome_of(user: &str, number: i64) -> Processed {
    let state = ProcessedState::ALL[usize::try_from(number).unwrap() % 4];
    let outcome = outcome(number, 0, state);
    let event = outcome.event.clone();
    let event = event.map(|event| ProcessedEvent { user_id: user.into(), ..event });
    Processed { id: StoreId::derive(user, &format!("e{number}")), event, ..outcome }
}

async fn record(stores: &Stores, name: &str, outcomes: &[Processed]) {
    let kept = stores.processing.record(name, outcomes).await.unwrap();
    assert!(kept.iter().all(|outcome| *outcome == Outcome::Stored), "{kept:?}");
}

async fn is_there(stores: &Stores, name: &str, outcome: &Processed) -> bool {
    !stores.processing.outcomes(name, &[outcome.id]).await.unwrap().is_empty()
}

pub async fn outcomes_of_all_processors_go_and_of_removed_ones_too(stores: Stores) {
    let names = [NAME, "other", "gone"];
    let (hers, his): (Vec<_>, Vec<_>) =
        (0..40).map(|number| (outcome_of("ann", number), outcome_of("bob", number))).unzip();
    for name in names {
        add(&*stores.processing, name).await;
        record(&stores, name, &hers).await;
        record(&stores, name, &his).await;
    }
    stores.processing.remove_processor("gone").await.unwrap();
    let first: Vec<_> = hers[..25].iter().map(|outcome| outcome.id).collect();
    assert_eq!(stores.erasures.remove_outcomes(&first).await.unwrap(), 3 * 25);
    assert_eq!(stores.erasures.remove_outcomes(&first).await.unwrap(), 0);
    assert_eq!(stores.erasures.remove_outcomes(&[]).await.unwrap(), 0);
    for name in names {
        for (number, (hers, his)) in hers.iter().zip(&his).enumerate() {
            assert_eq!(is_there(&stores, name, hers).await, number >= 25, "{name} {number}");
            assert!(is_there(&stores, name, his).await, "{name} {number}");
        }
    }
}

pub async fn an_id_is_found_by_its_hash_wherever_something_is_kept_of_it(stores: Stores) {
    let in_events = ids();
    let events: Vec<_> =
        in_events.iter().zip(1..).map(|(id, number)| named(id, "e", number)).collect();
    store_all(&*stores.events, &events).await;
    let letter = DeadLetter {
        accepted: Arc::new(named("of a letter", "e", 1)),
        refusal: Refusal::new(Reason::TooLarge, "too large"),
        set_aside_at: at(5),
        tried_at: at(5),
        tries: 1,
    };
    stores.letters.put(&[letter]).await.unwrap();
    for name in [NAME, "other"] {
        add(&*stores.processing, name).await;
        record(&stores, name, &[outcome_of(&format!("of {name}"), 1)]).await;
    }
    let people = [
        person("a device").claimed_by("its owner", arrival(1)),
        person("a device").claimed_by("somebody after", arrival(2)),
    ];
    stores.people.merge_in(&people).await.unwrap();
    stores.people.note_sessions(&[session("a session", "of a session", 1)]).await.unwrap();
    stores.access.record(&[entry(1, "jo", Some("a subject"))]).await.unwrap();
    let elsewhere = ["of a letter", "of default", "of other", "a device", "its owner"];
    let more = ["somebody after", "of a session", "a subject"];
    let elsewhere = elsewhere.into_iter().chain(more).map(str::to_owned);
    let mut everywhere: Vec<String> = in_events.into_iter().chain(elsewhere).collect();
    everywhere.sort();

    let key = ErasureKey([3; 32]);
    let find = async |ids: &[String]| {
        let hashes: HashSet<_> = ids.iter().map(|id| key.hash(id)).collect();
        let mut found = stores.erasures.ids_with(key, Arc::new(hashes)).await.unwrap();
        found.sort();
        found.into_iter().map(String::from).collect::<Vec<_>>()
    };
    assert_eq!(find(&everywhere).await, everywhere);
    assert_eq!(find(&everywhere[3..5]).await, everywhere[3..5]);
    assert_eq!(find(&["nobody".to_owned(), String::new()]).await, Vec::<String>::new());
    let hashes = Arc::new(HashSet::from([ErasureKey([4; 32]).hash("ann")]));
    assert!(stores.erasures.ids_with(key, hashes).await.unwrap().is_empty(), "another key");
}

pub async fn without_a_processor_there_are_no_outcomes_to_remove(stores: Stores) {
    let id = StoreId::derive("ann", "e1");
    assert_eq!(stores.erasures.remove_outcomes(&[id]).await.unwrap(), 0);
    assert_eq!(strays(&stores, &[Id::whole("ann")], at(0), Some(at(9))).await, []);
}

async fn strays(
    stores: &Stores,
    ids: &[Id],
    since: Timestamp,
    expired: Option<Timestamp>,
) -> Vec<StoreId> {
    let day = Duration::from_secs(24 * 60 * 60);
    let retention = Retention::of_all(expired.map(|_| day));
    let at = expired.map_or(at(0), |expired| expired.plus_millis(day.as_millis() as i64));
    let found = stores.erasures.stray_outcomes(ids, since, (&retention, at), 1_000).await.unwrap();
    let mut found = found;
    found.sort();
    found.dedup();
    found
}

/// Sorted, as [`strays`] are.
fn ids_of<'a>(outcomes: impl IntoIterator<Item = &'a Processed>) -> Vec<StoreId> {
    let mut ids: Vec<_> = outcomes.into_iter().map(|outcome| outcome.id).collect();
    ids.sort();
    ids
}

pub async fn outcomes_are_found_whose_events_may_be_gone_already(stores: Stores) {
    // Each a second later than the one before, of an event that was received then.
    let timed = |user: &str, number: i64| {
        let outcome = outcome_of(user, number);
        let event = outcome.event.map(|event| ProcessedEvent { received_at: at(number), ..event });
        Processed { processed_at: at(number), event, ..outcome }
    };
    let names = [NAME, "other"];
    let ids = ids();
    let mut all = Vec::new();
    for name in names {
        add(&*stores.processing, name).await;
        for number in 0..20 {
            let of_second: Vec<_> = ids.iter().map(|id| timed(id, number)).collect();
            record(&stores, name, &of_second).await;
            all.push(of_second);
        }
        // The event is gone: whose it was, nobody knows.
        record(&stores, name, &[Processed { event: None, ..timed("nobody", 19) }]).await;
    }
    for (place, id) in ids.iter().enumerate() {
        let of = |seconds: std::ops::Range<usize>| ids_of(seconds.map(|n| &all[n][place]));
        let whole = [Id::whole(id)];
        assert_eq!(strays(&stores, &whole, at(15), None).await, of(15..20), "{id:?}");
        assert_eq!(strays(&stores, &whole, at(20), Some(at(3))).await, of(0..3), "{id:?}");
        let cut = [until(id, 17)];
        assert_eq!(strays(&stores, &cut, at(15), None).await, of(15..17), "{id:?}");
    }
    let both = [Id::whole(&ids[0]), Id::whole(&ids[1])];
    let found = strays(&stores, &both, at(19), Some(at(1))).await;
    assert_eq!(found.len(), 4);
    assert_eq!(stores.erasures.remove_outcomes(&found).await.unwrap(), 2 * 4);
    assert_eq!(strays(&stores, &both, at(19), Some(at(1))).await, []);
}

pub async fn people_that_were_removed_are_found_by_nothing(stores: Stores) {
    let traits = |name: &str| {
        format!(r#"{{"email":"{name}@example.com","name":"{name} Dyck","plan":"pro"}}"#)
    };
    let device = person("device").claimed_by("ann", arrival(1));
    let said = [
        identified("ann", &traits("ann"), 1),
        identified("Ann", &traits("other"), 2),
        device,
        identified("bob", &traits("bob"), 3),
    ];
    stores.people.merge_in(&said).await.unwrap();
    let gone = ["ann", "device", "nobody"];
    assert_eq!(stores.people.remove_people(&gone).await.unwrap(), 2);
    assert_eq!(stores.people.remove_people(&gone).await.unwrap(), 0);
    assert_eq!(stores.people.remove_people(&[]).await.unwrap(), 0);
    assert_eq!(stores.people.people(&gone).await.unwrap(), []);
    assert_eq!(stores.people.linked_to("ann", &["device"], 9).await.unwrap(), []);
    let found = async |kind, text| {
        let found = stores.people.by_term(kind, text, Matching::Prefix, 9).await.unwrap();
        found.into_iter().map(|person| person.id.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(found(TermKind::Email, "ann@").await, Vec::<String>::new());
    assert_eq!(found(TermKind::NameWord, "ann").await, Vec::<String>::new());
    assert_eq!(found(TermKind::Email, "other@").await, ["Ann"]);
    assert_eq!(found(TermKind::NameWord, "bob").await, ["bob"]);
    // Whoever comes back is new.
    stores.people.merge_in(&[identified("ann", &traits("new"), 9)]).await.unwrap();
    assert_eq!(found(TermKind::Email, "new@").await, ["ann"]);
    assert_eq!(found(TermKind::Email, "ann@").await, Vec::<String>::new());
}

pub async fn people_are_removed_byte_for_byte(stores: Stores) {
    let ids = ids();
    stores.people.merge_in(&ids.iter().map(|id| person(id)).collect::<Vec<_>>()).await.unwrap();
    for (place, id) in ids.iter().enumerate() {
        assert_eq!(stores.people.remove_people(&[id]).await.unwrap(), 1, "{id:?}");
        let left: Vec<&str> = ids[place + 1..].iter().map(String::as_str).collect();
        assert_eq!(stores.people.people(&left).await.unwrap().len(), left.len(), "{id:?}");
    }
}

pub async fn sessions_go_where_they_are_this_users(stores: Stores) {
    let sessions = [session("s1", "ann", 1), session("s2", "ann", 2), session("s3", "Ann", 3)];
    stores.people.note_sessions(&sessions).await.unwrap();
    let named = ["s1", "s3", "S2", "unknown"];
    assert_eq!(stores.people.remove_sessions(&named, "ann").await.unwrap(), 1);
    assert_eq!(stores.people.remove_sessions(&named, "ann").await.unwrap(), 0);
    assert_eq!(stores.people.remove_sessions(&[], "ann").await.unwrap(), 0);
    for (session, is_there) in sessions.iter().zip([false, true, true]) {
        let found = stores.people.session_user(&session.session_id).await.unwrap();
        assert_eq!(found.as_ref(), is_there.then_some(session));
    }
}

pub async fn entries_with_a_subject_name_another_one(stores: Stores) {
    const MANY: u64 = 1_200;
    let mut entries: Vec<_> = (0..MANY).map(|number| entry(number, "root", Some("ann"))).collect();
    let others = ["Ann", "ann ", "$ann", "erased:2"];
    entries.extend(others.iter().zip(MANY..).map(|(id, n)| entry(n, "ann", Some(id))));
    entries.push(entry(MANY + 50, "ann", None));
    stores.access.record(&entries).await.unwrap();
    let of = async |subject: &str| {
        let range = AuditRange { subject: Some(subject.to_owned()), ..AuditRange::default() };
        stores.access.audit(&range, 5_000).await.unwrap()
    };
    let renamed = async || stores.erasures.rename_subject("ann", "erased:1").await.unwrap();
    assert_eq!(renamed().await, MANY);
    assert_eq!(renamed().await, 0);
    assert_eq!(of("ann").await, []);
    let mut expected = entries.clone();
    for entry in expected.iter_mut().filter(|entry| entry.subject.as_deref() == Some("ann")) {
        entry.subject = Some("erased:1".to_owned());
    }
    expected.reverse();
    assert_eq!(of("erased:1").await.len() as u64, MANY);
    let trail = stores.access.audit(&AuditRange::default(), 5_000).await.unwrap();
    assert_eq!(trail, expected);
    for subject in others {
        assert_eq!(of(subject).await.len(), 1, "{subject}");
    }
    // An entry that comes late goes where the others are; a name of its own is no change.
    stores.access.record(&[entry(MANY + 60, "root", Some("ann"))]).await.unwrap();
    assert_eq!(renamed().await, 1);
    assert_eq!(stores.erasures.rename_subject("erased:1", "erased:1").await.unwrap(), 0);
}

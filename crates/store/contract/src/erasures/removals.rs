//! What goes of an id besides its events.

use trailkeep_event::StoreId;
use trailkeep_store::access::AuditRange;
use trailkeep_store::people::{Matching, TermKind};
use trailkeep_store::processing::{Processed, ProcessedEvent, ProcessedState};
use trailkeep_store::{Id, Outcome};

use super::samples::{Stores, ids, until};
use crate::access::samples::entry;
use crate::people::samples::{arrival, identified, person, session};
use crate::processing::samples::{NAME, add, outcome};

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

/// Until none is left.
async fn remove_outcomes(stores: &Stores, id: &Id, limit: usize) -> u64 {
    let mut removed = 0;
    loop {
        match stores.erasures.remove_outcomes(id, limit).await.unwrap() {
            0 => return removed,
            step => removed += step,
        }
    }
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
    assert_eq!(remove_outcomes(&stores, &until("ann", 25), 7).await, 3 * 25);
    for name in names {
        for (number, (hers, his)) in hers.iter().zip(&his).enumerate() {
            assert_eq!(is_there(&stores, name, hers).await, number >= 25, "{name} {number}");
            assert!(is_there(&stores, name, his).await, "{name} {number}");
        }
    }
    assert_eq!(remove_outcomes(&stores, &Id::whole("ann"), 1_000).await, 3 * 15);
    assert_eq!(remove_outcomes(&stores, &Id::whole("ann"), 1_000).await, 0);
    assert!(is_there(&stores, NAME, &his[7]).await);
}

pub async fn outcomes_of_an_id_are_found_byte_for_byte(stores: Stores) {
    add(&*stores.processing, NAME).await;
    let outcomes: Vec<_> = ids().iter().map(|id| outcome_of(id, 1)).collect();
    record(&stores, NAME, &outcomes).await;
    // The event is gone: whose it was, nobody knows.
    let nobodys = Processed { event: None, ..outcome_of("nobody", 1) };
    record(&stores, NAME, std::slice::from_ref(&nobodys)).await;
    for (id, outcome) in ids().iter().zip(&outcomes) {
        assert!(is_there(&stores, NAME, outcome).await, "{id:?}");
        assert_eq!(remove_outcomes(&stores, &Id::whole(id), 9).await, 1, "{id:?}");
        assert!(!is_there(&stores, NAME, outcome).await, "{id:?}");
    }
    assert!(is_there(&stores, NAME, &nobodys).await);
}

pub async fn without_a_processor_there_are_no_outcomes_to_remove(stores: Stores) {
    assert_eq!(stores.erasures.remove_outcomes(&Id::whole("ann"), 9).await.unwrap(), 0);
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

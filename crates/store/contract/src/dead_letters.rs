//! Promises about events that were refused for good.

use std::sync::Arc;

use trailkeep_event::{Accepted, StoreId};
use trailkeep_store::dead_letters::{DeadLetter, DeadLetterStore};
use trailkeep_store::{Outcome, Reason, Refusal};

use crate::samples::{at, event, payload};

fn letter(user: &str, event_id: &str, millis: i64) -> DeadLetter {
    let accepted = Arc::new(event(user, event_id, millis, millis));
    let refusal = Refusal::new(Reason::Validation, "it is not wanted");
    DeadLetter::new(accepted, refusal, at(millis))
}

fn id(user: &str, event_id: &str) -> StoreId {
    StoreId::derive(user, event_id)
}

async fn keep(store: &dyn DeadLetterStore, letters: &[DeadLetter]) {
    let outcomes = store.put(letters).await.unwrap();
    assert_eq!(outcomes, vec![Outcome::Stored; letters.len()]);
}

async fn names(store: &dyn DeadLetterStore) -> Vec<String> {
    let heads = store.list(None, 1_000).await.unwrap();
    heads.into_iter().map(|head| head.event_id.into()).collect()
}

pub async fn a_letter_is_read_back_unchanged(store: Arc<dyn DeadLetterStore>) {
    let mut full = event("ann ä", "e1", 0, i64::MAX);
    full.event.anonymous_id = Some("v1".into());
    full.event.session_id = Some("s1".into());
    full.event.account_id = Some("a1".into());
    full.event.payload = payload(
        r#"{"$oid":"x","a.b":{"":[1,1.0,-0.5,9007199254740993,1e300,null,true]},"t":"ä\n\"\u0001"}"#,
    );
    let mut ends = event("bob", "e2", 0, i64::MIN);
    ends.event.occurred_at = trailkeep_event::Timestamp::from_millis(-62_167_219_200_000).unwrap();
    for accepted in [full, ends] {
        let letter = DeadLetter {
            accepted: Arc::new(accepted),
            refusal: Refusal::new(Reason::TooLarge, "too\nlarge ä"),
            set_aside_at: at(5),
            tried_at: at(6),
            tries: u32::MAX,
        };
        keep(&*store, std::slice::from_ref(&letter)).await;
        let id = letter.accepted.event.id;
        let found = store.get(id).await.unwrap();
        assert_eq!(found.as_ref(), Some(&letter));
        let heads = store.list(None, 10).await.unwrap();
        assert!(heads.contains(&letter.head()), "{heads:?}");
    }
}

pub async fn a_letter_put_again_stays_as_it_is(store: Arc<dyn DeadLetterStore>) {
    let first = letter("ann", "e1", 0);
    keep(&*store, std::slice::from_ref(&first)).await;
    let mut again = letter("ann", "e1", 7);
    again.refusal = Refusal::new(Reason::Unknown, "another reason");
    let outcomes = store.put(&[again, letter("ann", "e2", 8)]).await.unwrap();
    assert_eq!(outcomes, [Outcome::Duplicate, Outcome::Stored]);
    assert_eq!(store.get(id("ann", "e1")).await.unwrap(), Some(first));
    assert_eq!(store.count().await.unwrap(), 2);
}

pub async fn letters_are_listed_newest_first_in_pages(store: Arc<dyn DeadLetterStore>) {
    // Three of each moment, so that pages end within one.
    let letters: Vec<_> =
        (0..30).map(|number| letter("ann", &format!("e{number}"), i64::from(number / 3))).collect();
    keep(&*store, &letters).await;
    let mut expected: Vec<_> = letters.iter().map(DeadLetter::head).collect();
    expected.sort_by_key(|head| std::cmp::Reverse(head.place()));

    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let page = store.list(after, 4).await.unwrap();
        assert!(page.len() <= 4);
        let Some(last) = page.last() else { break };
        after = Some(last.place());
        // What goes and what comes shifts no page.
        store.remove(&[last.id]).await.unwrap();
        keep(&*store, &[letter("bob", &format!("n{}", seen.len()), 100)]).await;
        seen.extend(page);
    }
    assert_eq!(seen, expected);
    assert!(store.list(None, 0).await.unwrap().is_empty());
}

pub async fn a_try_is_noted_on_its_letter(store: Arc<dyn DeadLetterStore>) {
    keep(&*store, &[letter("ann", "e1", 0), letter("ann", "e2", 0)]).await;
    let refusal = Refusal::new(Reason::UniqueIndex, "it is there twice");
    let tried = id("ann", "e1");
    store.refused_again(tried, &refusal, at(9)).await.unwrap();
    store.refused_again(tried, &refusal, at(10)).await.unwrap();
    let expected = DeadLetter {
        refusal: refusal.clone(),
        tried_at: at(10),
        tries: 3,
        ..letter("ann", "e1", 0)
    };
    assert_eq!(store.get(tried).await.unwrap(), Some(expected));
    let other = store.get(id("ann", "e2")).await.unwrap();
    assert_eq!(other, Some(letter("ann", "e2", 0)));

    let unknown = id("ann", "e3");
    store.refused_again(unknown, &refusal, at(9)).await.unwrap();
    assert_eq!(store.get(unknown).await.unwrap(), None);
}

pub async fn removed_letters_are_gone_and_no_others(store: Arc<dyn DeadLetterStore>) {
    let letters: Vec<_> = (0..4).map(|n| letter("ann", &format!("e{n}"), n)).collect();
    keep(&*store, &letters).await;
    let ids = [id("ann", "e1"), id("ann", "e3"), id("ann", "unknown")];
    assert_eq!(store.remove(&ids).await.unwrap(), 2);
    assert_eq!(store.remove(&ids).await.unwrap(), 0);
    assert_eq!(store.remove(&[]).await.unwrap(), 0);
    assert_eq!(names(&*store).await, ["e2", "e0"]);
    assert_eq!(store.get(ids[0]).await.unwrap(), None);
    assert_eq!(store.count().await.unwrap(), 2);
}

pub async fn payloads_of_any_size_are_kept(store: Arc<dyn DeadLetterStore>) {
    let large = |name: &str, bytes: usize, arrival: i64| {
        let mut letter = letter("ann", name, arrival);
        let accepted = Accepted::clone(&letter.accepted);
        // Several times as large as BSON.
        let numbers = vec!["7"; bytes / 2].join(",");
        letter.accepted = Arc::new(Accepted {
            event: trailkeep_event::Event {
                payload: payload(&format!("{{\"n\":[{numbers}]}}")),
                ..accepted.event
            },
            ..accepted
        });
        letter
    };
    let letters = [
        large("e0", 3 << 20, 0),
        large("e1", 3 << 20, 1),
        large("e2", 8 << 20, 2),
        letter("ann", "e3", 3),
    ];
    keep(&*store, &letters).await;
    for letter in letters {
        let found = store.get(letter.accepted.event.id).await.unwrap();
        assert!(found == Some(letter), "changed");
    }
}

//! Of an erased user nothing is written, and everything of others is.

use std::sync::atomic::Ordering;

use proptest::prelude::*;
use trailkeep_event::Arrival;
use trailkeep_store::erasures::{ErasedId, ErasureKey};
use trailkeep_store::people::PeopleStore as _;

use super::*;
use crate::ingest::erased::Dropped;

const KEY: ErasureKey = ErasureKey([7; 32]);

/// All that has arrived of this user so far is erased.
fn erase(ingest: &Ingest, user: &str) -> Arrival {
    let until = ingest.next_arrival();
    let id = ErasedId { id: Some(user.into()), hash: KEY.hash(user), until };
    ingest.erased().are(KEY, &[id]);
    until
}

#[tokio::test(start_paused = true)]
async fn accepted_events_of_an_erased_user_are_let_go_and_others_are_stored() {
    let setup = Setup::default();
    let running = setup.start_prepared(false);
    let mixed = (0..40).map(|id| event(["ann", "bob"][id % 2], &id.to_string()));
    running.admit(mixed.collect()).await.unwrap();
    let waited = running.admit_waiting(vec![event("ann", "waited")]).await;
    erase(&running.ingest, "ann");
    running.admit(vec![event("ann", "new")]).await.unwrap();
    running.prepared.send_replace(true);
    running.emptied().await;
    assert_eq!(waited.await.unwrap(), Waited::default(), "whoever waits is answered");
    let of_bob: Vec<String> = (1..40).step_by(2).map(|id| id.to_string()).collect();
    let mut stored = running.stored_ids();
    stored.retain(|id| id != "new");
    assert_eq!(stored, of_bob);
    assert_eq!(running.stored_ids().len(), 21, "what came later is new");
    let counted = &running.ingest.statistics;
    assert_eq!((counted.erased.get(), counted.stored.get()), (21, 21));
    assert_eq!(running.ingest.erased().take_dropped("ann").events, 21);
}

/// The next process reads the journal back.
#[tokio::test(start_paused = true)]
async fn what_an_earlier_process_accepted_of_an_erased_user_is_not_stored_by_the_next() {
    let setup = Setup::default();
    let (ingest, _) = setup.open();
    admit(&ingest, events("ann", 0..300)).await.unwrap();
    admit(&ingest, events("bob", 0..3)).await.unwrap();
    ingest.close_journal();
    let running = setup.start_prepared(false);
    erase(&running.ingest, "ann");
    running.prepared.send_replace(true);
    running.emptied().await;
    assert_eq!(running.stored_ids(), ["0", "1", "2"]);
}

#[tokio::test(start_paused = true)]
async fn what_an_earlier_try_kept_of_people_is_forgotten_before_an_event_is_let_go() {
    let setup = Setup::default();
    let said = Event {
        anonymous_id: Some("device".into()),
        session_id: Some("s-1".into()),
        ..event("ann", "e-1")
    };
    let before = setup.start();
    before.admit(vec![said.clone()]).await.unwrap();
    before.emptied().await;
    assert!(setup.people.row("device").unwrap().link().is_some());
    drop(before);
    let running = Setup { disk: MemoryDisk::default(), ..setup.clone() }.start_prepared(false);
    running.admit(vec![Event { id: StoreId::derive("ann", "e-2"), ..said }]).await.unwrap();
    setup.people.is_away.store(true, Ordering::SeqCst);
    erase(&running.ingest, "ann");
    let calls = setup.people.calls.load(Ordering::SeqCst);
    running.prepared.send_replace(true);
    let limit = Instant::now() + Duration::from_secs(120);
    while setup.people.calls.load(Ordering::SeqCst) < calls + 3 {
        assert!(Instant::now() < limit, "nothing is asked to be forgotten");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(running.ingest.held().events, 1, "it stays until that is done");
    setup.people.is_away.store(false, Ordering::SeqCst);
    running.emptied().await;
    assert_eq!(setup.people.row("device").unwrap().link(), None);
    assert_eq!(setup.people.session_user("s-1").await.unwrap(), None);
    let dropped = running.ingest.erased().take_dropped("ann");
    assert_eq!(dropped, Dropped { events: 1, sessions: 1 }, "it is told once, whatever was tried");
}

#[tokio::test(start_paused = true)]
async fn events_of_blocked_users_never_come_into_the_journal() {
    let setup = Setup::default();
    let running = setup.start();
    running.ingest.erased().block(KEY, [KEY.hash("ann")]);
    running.admit(vec![event("ann", "marked-1"), event("bob", "e-1")]).await.unwrap();
    running.admit(vec![event("ann", "marked-2")]).await.unwrap();
    let waited = running.admit_waiting(vec![event("ann", "marked-3")]).await;
    assert_eq!(waited.await.unwrap(), Waited::default());
    running.emptied().await;
    assert_eq!(running.stored_ids(), ["e-1"]);
    assert!(!setup.disk.holds(b"marked-"));
    let counted = &running.ingest.statistics;
    assert_eq!((counted.blocked.get(), counted.accepted.get()), (3, 1));
}

/// After a start it is not known who is blocked before the store can be asked.
#[tokio::test(start_paused = true)]
async fn what_was_accepted_of_a_blocked_user_before_that_was_known_is_let_go() {
    let setup = Setup::default();
    let running = setup.start_prepared(false);
    running.admit(vec![event("ann", "e-1"), event("bob", "e-2")]).await.unwrap();
    running.ingest.erased().block(KEY, [KEY.hash("ann")]);
    running.prepared.send_replace(true);
    running.emptied().await;
    assert_eq!(running.stored_ids(), ["e-2"]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    /// Whatever the store answers, in whatever order users come and are erased.
    #[test]
    fn accepted_is_stored_or_erased_and_what_came_later_is_all_there(
        batches in prop::collection::vec(prop::collection::vec(0..4_u8, 1..12), 1..10),
        erasing in prop::collection::vec((0..10_usize, 0..4_u8), 0..4),
        unwritable in prop::collection::vec(any::<bool>(), 0..40),
    ) {
        on_a_paused_clock(async {
            let setup = Setup { rules: WriteRules { max_events: 7, ..RULES }, ..Setup::default() };
            for (event, is_unwritable) in unwritable.iter().enumerate() {
                if *is_unwritable {
                    let user = event % 4;
                    let id = StoreId::derive(&user.to_string(), &event.to_string());
                    setup.store.unwritable.lock().push(id);
                }
            }
            let running = setup.start();
            let (mut number, mut accepted, mut until) = (0, Vec::new(), [None; 4]);
            let mut ids: Vec<ErasedId> = Vec::new();
            for (place, users) in batches.iter().enumerate() {
                let batch = users.iter().map(|user| {
                    number += 1;
                    accepted.push((*user, number));
                    event(&user.to_string(), &number.to_string())
                });
                running.admit(batch.collect()).await.unwrap();
                for (_, user) in erasing.iter().filter(|(when, _)| *when == place) {
                    let (id, end) = (user.to_string(), running.ingest.next_arrival());
                    ids.push(ErasedId { hash: KEY.hash(&id), id: Some(id.into()), until: end });
                    running.ingest.erased().are(KEY, &ids);
                    until[usize::from(*user)] = Some(number);
                }
            }
            setup.store.unwritable.lock().clear();
            running.emptied().await;
            let stored: Vec<(u8, usize)> = running.store.stored.lock().iter()
                .map(|one| (user_of(one), one.event.event_id.parse().unwrap()))
                .collect();
            let erased = running.ingest.statistics.erased.get();
            // One that was stored behind another of its user that was not may be both.
            assert!(stored.len() as u64 + erased >= accepted.len() as u64);
            for user in 0..4 {
                let of = |all: &[(u8, usize)]| -> Vec<usize> {
                    all.iter().filter(|one| one.0 == user).map(|one| one.1).collect()
                };
                let stored = of(&stored);
                let later = of(&accepted).into_iter()
                    .filter(|number| until[usize::from(user)].is_none_or(|until| *number > until));
                let missing: Vec<_> = later.filter(|number| !stored.contains(number)).collect();
                assert!(missing.is_empty(), "of {user} these are missing: {missing:?}");
            }
        });
    }
}

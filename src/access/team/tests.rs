#![allow(clippy::unwrap_used)]

mod memory_team;

use std::collections::BTreeMap;

use tokio::time::advance;

use self::memory_team::MemoryTeam;
use super::draft::Draft;
use super::*;
use crate::access::memory_store::TestClock;

const MOMENT: Duration = Duration::from_millis(1);

/// What several instances share.
#[derive(Default)]
struct Setup {
    store: Arc<MemoryTeam>,
    clock: Arc<TestClock>,
}

impl Setup {
    /// An instance that has just started.
    fn started(&self) -> Arc<Team> {
        let (store, clock) = (Arc::clone(&self.store), Arc::clone(&self.clock));
        Arc::new(Team::new(store, clock))
    }
}

fn saying(text: &str) -> TeamSettings {
    let mut draft = Draft::default();
    draft.say("order_placed", text);
    draft.finish().unwrap()
}

/// What is said of an event.
fn said(settings: &TeamSettings) -> Option<String> {
    settings.sentences.get("order_placed").map(ToString::to_string)
}

async fn now(team: &Team) -> Option<String> {
    let settings = team.now().await;
    said(&settings)
}

#[tokio::test(start_paused = true)]
async fn before_anything_was_set_nothing_is_in_force() {
    let setup = Setup::default();
    let team = setup.started();
    assert_eq!(*team.now().await, TeamSettings::default());
    assert_eq!(*team.read().await.unwrap(), TeamSettings::default());
}

#[tokio::test(start_paused = true)]
async fn what_is_set_is_in_force_here_at_once_and_elsewhere_once_a_copy_is_old() {
    let setup = Setup::default();
    let (here, there) = (setup.started(), setup.started());
    assert_eq!(now(&there).await, None);
    setup.clock.advance_millis(7);
    let mut wanted = saying("Placed {orderId} {{");
    wanted.hidden_types.insert("page_leave".into());
    wanted.asks_for_reason = true;
    let kept = here.set(wanted.clone()).await.unwrap();
    let updated_at = Some(setup.clock.now());
    assert_eq!(*kept, TeamSettings { updated_at, ..wanted });
    assert_eq!(here.now().await, kept);

    advance(FRESH - MOMENT).await;
    assert_eq!(now(&there).await, None);
    advance(MOMENT).await;
    assert_eq!(there.now().await, kept);
}

#[tokio::test(start_paused = true)]
async fn the_store_is_asked_once_for_all_who_come_while_a_copy_is_good() {
    let setup = Setup::default();
    let team = setup.started();
    for round in 1..=3 {
        let readers: Vec<_> = (0..20)
            .map(|_| {
                let team = Arc::clone(&team);
                tokio::spawn(async move { team.now().await })
            })
            .collect();
        for reader in readers {
            reader.await.unwrap();
        }
        assert_eq!(setup.store.reads(), round);
        advance(FRESH - MOMENT).await;
        team.now().await;
        assert_eq!(setup.store.reads(), round);
        advance(MOMENT).await;
    }
}

#[tokio::test(start_paused = true)]
async fn while_the_store_is_away_what_was_known_last_is_in_force() {
    let setup = Setup::default();
    let team = setup.started();
    setup.started().set(saying("Placed")).await.unwrap();
    assert_eq!(now(&team).await.unwrap(), "Placed");
    setup.store.set_away(true);
    advance(FRESH).await;
    assert_eq!(now(&team).await.unwrap(), "Placed");
    assert_eq!(said(&team.read().await.unwrap()).unwrap(), "Placed");
    assert!(team.set(saying("Ordered")).await.is_err());
    assert_eq!(now(&team).await.unwrap(), "Placed", "what was not kept is not in force");
}

#[tokio::test(start_paused = true)]
async fn where_the_store_never_answered_pages_have_the_defaults_and_who_asks_is_told() {
    let setup = Setup::default();
    setup.started().set(saying("Placed")).await.unwrap();
    setup.store.set_away(true);
    let team = setup.started();
    for _ in 0..2 {
        assert_eq!(now(&team).await, None);
        assert!(matches!(team.read().await, Err(StoreError::Unavailable(_))));
    }
    setup.store.set_away(false);
    advance(FRESH).await;
    assert_eq!(said(&team.read().await.unwrap()).unwrap(), "Placed");

    // What was set here is known, also where it was never read.
    let other = setup.started();
    other.set(saying("Ordered")).await.unwrap();
    setup.store.set_away(true);
    assert_eq!(said(&other.read().await.unwrap()).unwrap(), "Ordered");
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_longer_than_one_look_for_a_store_that_does_not_answer() {
    let setup = Setup::default();
    let team = setup.started();
    let _held = setup.store.hold_answers().await;
    let begun = Instant::now();
    let readers: Vec<_> = (0..20)
        .map(|_| {
            let team = Arc::clone(&team);
            tokio::spawn(async move { team.now().await })
        })
        .collect();
    for reader in readers {
        assert_eq!(*reader.await.unwrap(), TeamSettings::default());
    }
    assert!(begun.elapsed() <= LOOK_LIMIT + MOMENT, "{:?}", begun.elapsed());
    assert_eq!(setup.store.reads(), 1);
    assert!(matches!(team.read().await, Err(StoreError::Unavailable(_))));
}

#[tokio::test(start_paused = true)]
async fn an_answer_from_before_a_change_does_not_undo_it() {
    let setup = Setup::default();
    let team = setup.started();
    team.set(saying("Placed")).await.unwrap();
    let held = setup.store.hold_answers().await;
    let reader = tokio::spawn({
        let team = Arc::clone(&team);
        async move { team.now().await }
    });
    tokio::task::yield_now().await;
    assert_eq!(setup.store.reads(), 1);
    team.set(saying("Ordered")).await.unwrap();
    drop(held);
    assert_eq!(said(&reader.await.unwrap()).unwrap(), "Ordered");
    assert_eq!(now(&team).await.unwrap(), "Ordered");
}

#[tokio::test(start_paused = true)]
async fn a_reader_who_is_gone_keeps_nobody_from_reading() {
    let setup = Setup::default();
    let team = setup.started();
    setup.started().set(saying("Placed")).await.unwrap();
    let held = setup.store.hold_answers().await;
    let mut gone = Box::pin(team.now());
    assert!(futures_util::poll!(&mut gone).is_pending());
    drop((gone, held));
    assert_eq!(now(&team).await.unwrap(), "Placed");
}

#[tokio::test(start_paused = true)]
async fn what_another_program_wrote_against_the_rules_is_left_out_and_nothing_else() {
    let setup = Setup::default();
    let texts = |texts: &[(&str, &str)]| -> BTreeMap<String, String> {
        texts.iter().map(|(kind, text)| (kind.to_string(), text.to_string())).collect()
    };
    let keys = |kind: &str, key: &str| (kind.to_owned(), vec![key.to_owned()]);
    let record = TeamRecord {
        sentences: texts(&[("good", "Placed {id}"), ("open", "Placed {id"), ("empty", "")]),
        hidden_types: vec!["page_leave".to_owned()],
        pinned_keys: [keys("good", "cart.total"), keys("bad", "a..b")].into(),
        asks_for_reason: true,
        updated_at: setup.clock.now(),
    };
    setup.store.set_team(&record).await.unwrap();
    let settings = setup.started().now().await;
    let left: Vec<_> = settings.sentences.keys().chain(settings.pinned_keys.keys()).collect();
    assert_eq!(left, [&"good".into(), &Box::<str>::from("good")]);
    assert!(settings.asks_for_reason && settings.hidden_types.contains("page_leave"));
    let (_, left_out) = TeamSettings::of(&record);
    assert_eq!(left_out, ["sentences.empty", "sentences.open", "pinnedKeys.bad"]);
}

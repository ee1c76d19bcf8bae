//! Promises about what the pages show for the whole team.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::Barrier;
use trailkeep_event::Timestamp;
use trailkeep_store::team::{TeamRecord, TeamStore};

use super::samples::{HOSTILE, at, ends_of_the_calendar};

/// Nothing but what tells one from another.
fn bare(number: i64) -> TeamRecord {
    TeamRecord {
        sentences: BTreeMap::new(),
        hidden_types: Vec::new(),
        pinned_keys: BTreeMap::new(),
        asks_for_reason: false,
        updated_at: at(number),
    }
}

/// One in which all that can be is this text.
pub fn full(text: &str, updated_at: Timestamp) -> TeamRecord {
    let text = || text.to_owned();
    TeamRecord {
        sentences: BTreeMap::from([(text(), text())]),
        hidden_types: vec![text()],
        pinned_keys: BTreeMap::from([(text(), vec![text()])]),
        asks_for_reason: true,
        updated_at,
    }
}

pub async fn a_team_is_none_until_it_is_set_and_then_read_back_unchanged(
    store: Arc<dyn TeamStore>,
) {
    assert_eq!(store.team().await.unwrap(), None);
    let texts = || HOSTILE.iter().map(ToString::to_string);
    for updated_at in ends_of_the_calendar() {
        let team = TeamRecord {
            sentences: texts().zip(texts().rev()).collect(),
            hidden_types: texts().rev().collect(),
            pinned_keys: texts().map(|text| (text, texts().take(3).collect())).collect(),
            asks_for_reason: true,
            updated_at,
        };
        store.set_team(&team).await.unwrap();
        assert_eq!(store.team().await.unwrap(), Some(team));
    }
}

pub async fn a_team_that_is_set_leaves_nothing_of_the_one_before(store: Arc<dyn TeamStore>) {
    for team in [full("a", at(2)), full("b", at(1)), bare(0), full("a", at(0))] {
        for _ in 0..2 {
            store.set_team(&team).await.unwrap();
            assert_eq!(store.team().await.unwrap().as_ref(), Some(&team));
        }
    }
}

pub async fn of_teams_that_are_set_at_once_one_stands_whole(store: Arc<dyn TeamStore>) {
    let barrier = Arc::new(Barrier::new(16));
    let sent: Vec<_> = (0..16).map(|number| full(&number.to_string(), at(number))).collect();
    let calls: Vec<_> = sent
        .iter()
        .cloned()
        .map(|team| {
            let (store, barrier) = (Arc::clone(&store), Arc::clone(&barrier));
            tokio::spawn(async move {
                barrier.wait().await;
                store.set_team(&team).await
            })
        })
        .collect();
    for call in calls {
        call.await.unwrap().unwrap();
    }
    let kept = store.team().await.unwrap().unwrap();
    assert!(sent.contains(&kept), "{kept:?}");
}

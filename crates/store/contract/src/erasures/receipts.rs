//! Erasures themselves, from when they are asked for until nobody has anything.

use std::collections::BTreeMap;

use trailkeep_event::Arrival;
use trailkeep_store::erasures::{ErasedId, Erasure, MAX_ERASED_IDS, Place};
use uuid::Uuid;

use super::samples::{Stores, erasure, hash, ids, sixteen_at_once};
use crate::samples::at;

pub async fn whoever_asks_for_the_key_at_once_gets_the_same(stores: Stores) {
    let keys =
        sixteen_at_once(&stores, |store, _| async move { store.erasure_key().await.unwrap() })
            .await;
    assert!(keys.windows(2).all(|two| two[0] == two[1]));
    assert!(stores.erasures.erasure_key().await.unwrap() == keys[0]);
    assert!(keys[0].0 != [0; 32]);
}

pub async fn an_erasure_is_read_back_unchanged(stores: Stores) {
    let hostile = ids();
    let hostile: Vec<&str> = hostile.iter().map(String::as_str).collect();
    let first = erasure(0, &hostile);
    let second = Erasure {
        ids: vec![
            ErasedId { id: None, hash: hash(1), until: Arrival::from_i64(i64::MAX) },
            ErasedId { id: Some("".into()), hash: hash(255), until: Arrival::from_i64(0) },
        ],
        verified_at: Some(at(9)),
        parts: BTreeMap::from([(Uuid::now_v7(), at(5)), (Uuid::nil(), at(6))]),
        missing: vec![Uuid::max(), Uuid::now_v7()],
        deleted: Place::ALL.iter().zip(0..).map(|(place, number)| (*place, number)).collect(),
        ..erasure(1, &[])
    };
    for erasure in [&first, &second] {
        stores.erasures.add_erasure(erasure).await.unwrap();
        let found = stores.erasures.erasure(erasure.id).await.unwrap();
        assert_eq!(found.as_ref(), Some(erasure));
    }
    assert_eq!(stores.erasures.erasure(Uuid::now_v7()).await.unwrap(), None);
    assert_eq!(stores.erasures.running_erasures().await.unwrap(), [first]);
}

pub async fn an_erasure_of_as_many_ids_as_there_may_be_is_kept(stores: Stores) {
    let ids: Vec<_> = (0..MAX_ERASED_IDS).map(|n| format!("{n:\u{e9}>200}")).collect();
    let large = erasure(0, &ids.iter().map(String::as_str).collect::<Vec<_>>());
    stores.erasures.add_erasure(&large).await.unwrap();
    assert_eq!(stores.erasures.running_erasures().await.unwrap(), std::slice::from_ref(&large));
    stores.erasures.end_erasure(large.id, &[], at(1)).await.unwrap();
    let done = stores.erasures.erasure(large.id).await.unwrap().unwrap();
    let hashes = |erasure: &Erasure| erasure.ids.iter().map(|id| id.hash).collect::<Vec<_>>();
    assert_eq!(hashes(&done), hashes(&large));
}

pub async fn an_erasure_added_again_stays_as_it_is(stores: Stores) {
    let first = erasure(0, &["ann"]);
    stores.erasures.add_erasure(&first).await.unwrap();
    stores.erasures.count_erased(first.id, Place::Events, 3).await.unwrap();
    let again = Erasure { id: first.id, ..erasure(5, &["bob"]) };
    stores.erasures.add_erasure(&again).await.unwrap();
    let kept = Erasure { deleted: BTreeMap::from([(Place::Events, 3)]), ..first };
    assert_eq!(stores.erasures.running_erasures().await.unwrap(), [kept]);
}

pub async fn what_is_counted_adds_up_whoever_counts_at_once(stores: Stores) {
    let first = erasure(0, &["ann"]);
    stores.erasures.add_erasure(&first).await.unwrap();
    let other = erasure(1, &["bob"]);
    stores.erasures.add_erasure(&other).await.unwrap();
    sixteen_at_once(&stores, move |store, number| async move {
        for place in Place::ALL {
            store.count_erased(first.id, place, number.into()).await.unwrap();
        }
    })
    .await;
    stores.erasures.count_erased(first.id, Place::People, 1 << 40).await.unwrap();
    stores.erasures.count_erased(first.id, Place::Feed, 0).await.unwrap();
    let counted = stores.erasures.erasure(first.id).await.unwrap().unwrap();
    for place in Place::ALL {
        let more = if place == Place::People { 1 << 40 } else { 0 };
        assert_eq!(counted.deleted.get(&place), Some(&(120 + more)), "{place:?}");
    }
    assert_eq!(stores.erasures.erasure(other.id).await.unwrap(), Some(other));
}

pub async fn a_part_is_noted_once_for_each_instance(stores: Stores) {
    let running = erasure(0, &["ann"]);
    stores.erasures.add_erasure(&running).await.unwrap();
    let instances: Vec<_> = (0..16).map(|_| Uuid::now_v7()).collect();
    let (id, each) = (running.id, instances.clone());
    sixteen_at_once(&stores, move |store, number| {
        let instance = each[usize::from(number)];
        async move { store.end_part(id, instance, at(i64::from(number))).await.unwrap() }
    })
    .await;
    stores.erasures.end_part(id, instances[3], at(99)).await.unwrap();
    let found = stores.erasures.erasure(id).await.unwrap().unwrap();
    let parts: BTreeMap<_, _> = instances.into_iter().zip((0..).map(at)).collect();
    assert_eq!(found, Erasure { parts, ..running });
}

pub async fn what_is_done_keeps_hashes_and_no_names(stores: Stores) {
    let (first, other) = (erasure(0, &["ann", "$ann", ""]), erasure(1, &["bob"]));
    for erasure in [&first, &other] {
        stores.erasures.add_erasure(erasure).await.unwrap();
    }
    stores.erasures.count_erased(first.id, Place::Events, 2).await.unwrap();
    let (here, away) = (Uuid::now_v7(), Uuid::now_v7());
    stores.erasures.end_part(first.id, here, at(3)).await.unwrap();
    stores.erasures.end_erasure(first.id, &[away], at(4)).await.unwrap();
    let nameless = |id: &ErasedId| ErasedId { id: None, ..id.clone() };
    let done = Erasure {
        ids: first.ids.iter().map(nameless).collect(),
        verified_at: Some(at(4)),
        parts: BTreeMap::from([(here, at(3))]),
        missing: vec![away],
        deleted: BTreeMap::from([(Place::Events, 2)]),
        ..first.clone()
    };
    assert_eq!(stores.erasures.erasure(first.id).await.unwrap(), Some(done.clone()));
    assert_eq!(stores.erasures.running_erasures().await.unwrap(), [other]);
    // The end that there was stays, and who comes late is noted.
    stores.erasures.end_erasure(first.id, &[], at(9)).await.unwrap();
    stores.erasures.add_erasure(&first).await.unwrap();
    assert_eq!(stores.erasures.erasure(first.id).await.unwrap(), Some(done.clone()));
    stores.erasures.end_part(first.id, away, at(10)).await.unwrap();
    let parts = BTreeMap::from([(here, at(3)), (away, at(10))]);
    let late = Erasure { parts, ..done };
    assert_eq!(stores.erasures.erasure(first.id).await.unwrap(), Some(late));
}

pub async fn names_may_be_forgotten_before_the_end(stores: Stores) {
    let (first, other) = (erasure(0, &["ann", "$ann", ""]), erasure(1, &["bob"]));
    for erasure in [&first, &other] {
        stores.erasures.add_erasure(erasure).await.unwrap();
    }
    let nameless = |id: &ErasedId| ErasedId { id: None, ..id.clone() };
    let ids = first.ids.iter().map(nameless).collect();
    let forgotten = Erasure { ids, ..first.clone() };
    for _ in 0..2 {
        stores.erasures.forget_names(first.id).await.unwrap();
        let running = stores.erasures.running_erasures().await.unwrap();
        assert_eq!(running, [forgotten.clone(), other.clone()]);
    }
    stores.erasures.end_erasure(first.id, &[], at(4)).await.unwrap();
    let done = Erasure { verified_at: Some(at(4)), ..forgotten };
    assert_eq!(stores.erasures.erasure(first.id).await.unwrap(), Some(done));
}

pub async fn those_that_are_under_way_come_oldest_first(stores: Stores) {
    assert_eq!(stores.erasures.running_erasures().await.unwrap(), []);
    let all: Vec<_> = (0..20).map(|number| erasure(number / 2, &["ann"])).collect();
    for erasure in all.iter().rev() {
        stores.erasures.add_erasure(erasure).await.unwrap();
    }
    for done in all.iter().step_by(3) {
        stores.erasures.end_erasure(done.id, &[], at(50)).await.unwrap();
    }
    let running = all.iter().enumerate().filter(|(place, _)| place % 3 != 0);
    let running: Vec<_> = running.map(|(_, erasure)| erasure.clone()).collect();
    assert_eq!(stores.erasures.running_erasures().await.unwrap(), running);
}

pub async fn the_newest_come_first_whether_they_are_done_or_not(stores: Stores) {
    let mut all: Vec<_> = (0..5).map(|number| erasure(number, &["ann"])).collect();
    all.sort_by_key(|erasure| erasure.id);
    for erasure in &all {
        stores.erasures.add_erasure(erasure).await.unwrap();
    }
    stores.erasures.end_erasure(all[4].id, &[], at(9)).await.unwrap();
    let newest = stores.erasures.newest_erasures(3).await.unwrap();
    let expected = [all[4].id, all[3].id, all[2].id];
    assert!(newest.iter().map(|erasure| erasure.id).eq(expected));
    assert_eq!(newest[1], all[3]);
    assert_eq!(stores.erasures.newest_erasures(0).await.unwrap(), []);
    assert_eq!(stores.erasures.newest_erasures(9).await.unwrap().len(), 5);
}

pub async fn an_instance_finds_what_it_took_no_part_in(stores: Stores) {
    let (here, there) = (Uuid::now_v7(), Uuid::now_v7());
    let all: Vec<_> = (0..6).map(|number| erasure(number, &["ann"])).collect();
    for erasure in all.iter().rev() {
        stores.erasures.add_erasure(erasure).await.unwrap();
        stores.erasures.end_part(erasure.id, there, at(9)).await.unwrap();
    }
    stores.erasures.end_part(all[3].id, here, at(9)).await.unwrap();
    // The last one is under way.
    for done in &all[..5] {
        stores.erasures.end_erasure(done.id, &[here], at(10)).await.unwrap();
    }
    let without = async |instance, since| -> Vec<Uuid> {
        let found = stores.erasures.erasures_without(instance, at(since)).await.unwrap();
        found.into_iter().map(|erasure| erasure.id).collect()
    };
    assert_eq!(without(here, 0).await, [all[0].id, all[1].id, all[2].id, all[4].id]);
    assert_eq!(without(here, 2).await, [all[2].id, all[4].id]);
    assert!(without(here, 5).await.is_empty());
    assert!(without(there, 0).await.is_empty());
    stores.erasures.end_part(all[2].id, here, at(20)).await.unwrap();
    assert_eq!(without(here, 1).await, [all[1].id, all[4].id]);
}

pub async fn what_is_said_of_an_erasure_that_is_not_there_makes_none(stores: Stores) {
    let unknown = Uuid::now_v7();
    stores.erasures.count_erased(unknown, Place::Events, 1).await.unwrap();
    stores.erasures.end_part(unknown, Uuid::now_v7(), at(1)).await.unwrap();
    stores.erasures.forget_names(unknown).await.unwrap();
    stores.erasures.end_erasure(unknown, &[Uuid::now_v7()], at(2)).await.unwrap();
    assert_eq!(stores.erasures.erasure(unknown).await.unwrap(), None);
    assert_eq!(stores.erasures.running_erasures().await.unwrap(), []);
    assert_eq!(stores.erasures.erasures_without(unknown, at(0)).await.unwrap(), []);
}

//! Promises about whose the sessions of trackers are.

use std::sync::Arc;

use futures_util::future::join_all;
use trailkeep_store::people::PeopleStore;

use super::samples::session;

pub async fn a_session_is_that_of_its_first_event_in_any_order(store: Arc<dyn PeopleStore>) {
    let said = [session("s", "bob", 7), session("s", "ann", 5), session("s", "cem", 9)];
    let first = session("s", "ann", 5);
    for number in 0..3 {
        let mut said = said.clone().map(|one| {
            let session_id = format!("s{number}").into();
            trailkeep_store::people::SessionUser { session_id, ..one }
        });
        said.rotate_left(number);
        let (one, others) = said.split_first().unwrap();
        store.note_sessions(std::slice::from_ref(one)).await.unwrap();
        store.note_sessions(others).await.unwrap();
        store.note_sessions(&said).await.unwrap();
        let session_id = format!("s{number}");
        let found = store.session_user(&session_id).await.unwrap().unwrap();
        assert_eq!((found.since, &found.user_id), (first.since, &first.user_id));
        assert_eq!(&*found.session_id, session_id);
    }
    assert_eq!(store.session_user("S0").await.unwrap(), None);
    store.note_sessions(&[]).await.unwrap();
}

pub async fn of_one_arrival_the_user_whose_id_comes_first_has_a_session(
    store: Arc<dyn PeopleStore>,
) {
    for users in [["ann", "bob"], ["bob", "ann"]] {
        let session_id = users.concat();
        for user in users {
            store.note_sessions(&[session(&session_id, user, 5)]).await.unwrap();
        }
        let found = store.session_user(&session_id).await.unwrap();
        assert_eq!(found, Some(session(&session_id, "ann", 5)));
    }
}

pub async fn of_those_who_note_a_session_at_once_the_first_event_has_it(
    store: Arc<dyn PeopleStore>,
) {
    for round in 0..8 {
        let session_id = format!("round {round}");
        let noting = (0..16).rev().map(|number| {
            let (store, session_id) = (store.clone(), session_id.clone());
            tokio::spawn(async move {
                let noted = session(&session_id, &format!("user {number}"), number);
                store.note_sessions(&[noted]).await
            })
        });
        for noted in join_all(noting).await {
            noted.unwrap().unwrap();
        }
        let found = store.session_user(&session_id).await.unwrap();
        assert_eq!(found, Some(session(&session_id, "user 0", 0)));
    }
}

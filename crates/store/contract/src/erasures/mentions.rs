//! Where else an id is noted.

use trailkeep_store::Id;
use trailkeep_store::erasures::{Mention, MentionedAt};

use super::samples::{Stores, ids, until};
use crate::people::samples::{arrival, decided, person, session};

fn at_session(user: &str, session: &str) -> Mention {
    Mention { user_id: user.into(), at: MentionedAt::Session(session.into()) }
}

fn at_id(user: &str, id: &str) -> Mention {
    Mention { user_id: user.into(), at: MentionedAt::Id(id.into()) }
}

/// All of them, in order.
async fn mentions(stores: &Stores, ids: &[Id]) -> Vec<Mention> {
    let mut found = stores.erasures.mentions(ids, 10_000).await.unwrap();
    found.sort_by(|one, other| (&one.at, &one.user_id).cmp(&(&other.at, &other.user_id)));
    found
}

pub async fn an_id_is_found_where_it_is_noted_as_the_user(stores: Stores) {
    let sessions = [session("s1", "ann", 1), session("s2", "bob", 2), session("s3", "ann", 30)];
    stores.people.note_sessions(&sessions).await.unwrap();
    // A decision has no number.
    let before = arrival(20).moment().plus_millis(-1);
    let people = [
        person("ann").claimed_by("ann", arrival(1)),
        person("hers").claimed_by("ann", arrival(2)),
        person("kiosk").claimed_by("bob", arrival(1)),
        person("kiosk").claimed_by("ann", arrival(2)),
        person("later").claimed_by("ann", arrival(30)),
        person("nobody's"),
        decided("joined", Some("ann"), before),
        decided("left", None, before),
        decided("joined later", Some("ann"), before.plus_millis(1)),
    ];
    stores.people.merge_in(&people).await.unwrap();

    let expected = [
        at_session("ann", "s1"),
        at_id("ann", "hers"),
        at_id("ann", "joined"),
        at_id("ann", "kiosk"),
    ];
    assert_eq!(mentions(&stores, &[until("ann", arrival(20).as_i64())]).await, expected);
    let both = [Id::whole("ann"), until("bob", arrival(2).as_i64())];
    let expected = [
        at_session("ann", "s1"),
        at_session("ann", "s3"),
        at_id("ann", "hers"),
        at_id("ann", "joined"),
        at_id("ann", "joined later"),
        at_id("ann", "kiosk"),
        at_id("bob", "kiosk"),
        at_id("ann", "later"),
    ];
    assert_eq!(mentions(&stores, &both).await, expected);
    assert_eq!(mentions(&stores, &[Id::whole("kiosk")]).await, []);
    assert_eq!(mentions(&stores, &[]).await, []);
}

pub async fn an_id_is_found_byte_for_byte_where_it_is_noted(stores: Stores) {
    let ids = ids();
    let sessions: Vec<_> = ids.iter().map(|id| session(&format!("of {id}"), id, 1)).collect();
    stores.people.note_sessions(&sessions).await.unwrap();
    let devices = ids.iter().map(|id| person(&format!("by {id}")).claimed_by(id, arrival(1)));
    stores.people.merge_in(&devices.collect::<Vec<_>>()).await.unwrap();
    for id in &ids {
        let expected = [at_session(id, &format!("of {id}")), at_id(id, &format!("by {id}"))];
        assert_eq!(mentions(&stores, &[Id::whole(id)]).await, expected, "{id:?}");
    }
}

pub async fn some_are_found_as_long_as_there_are_any(stores: Stores) {
    let sessions: Vec<_> = (1..=7).map(|n| session(&format!("s{n}"), "ann", n)).collect();
    stores.people.note_sessions(&sessions).await.unwrap();
    let mut left = 7;
    while left > 0 {
        let found = stores.erasures.mentions(&[Id::whole("ann")], 3).await.unwrap();
        assert!(!found.is_empty() && found.len() <= 3, "{found:?}");
        for mention in found {
            let MentionedAt::Session(session) = mention.at else { panic!("{mention:?}") };
            left -= stores.people.remove_sessions(&[&session], "ann").await.unwrap();
        }
    }
    assert_eq!(mentions(&stores, &[Id::whole("ann")]).await, []);
}

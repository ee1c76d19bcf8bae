use super::super::Link;
use super::*;

fn link(user: &str, since: i64, until: Option<i64>) -> Option<Link> {
    Some(Link { user: user.into(), since: arrival(since), until: until.map(arrival) })
}

fn device() -> Person {
    Person::new("device")
}

#[test]
fn an_id_is_the_one_s_who_was_signed_in_on_it_first() {
    assert_eq!(device().link(), None);
    assert_eq!(device().claimed_by("ann", arrival(5)).link(), link("ann", 5, None));
    // An event from before came late.
    let earlier = device().claimed_by("ann", arrival(5)).claimed_by("ann", arrival(3));
    assert_eq!(earlier.link(), link("ann", 3, None));
}

#[test]
fn of_two_users_on_one_device_the_second_ends_the_link_in_whatever_order_they_come() {
    let ann = device().claimed_by("ann", arrival(5));
    let bob = device().claimed_by("bob", arrival(9));
    let both = [ann.clone(), bob.clone()];
    let reversed = [bob.clone(), ann.clone()];
    for row in [merged(&both), merged(&reversed)] {
        let found = row.link().unwrap();
        assert_eq!(Some(found.clone()), link("ann", 5, Some(9)));
        // What came before anybody was signed in is hers as well.
        assert!(found.has(arrival(1)) && found.has(arrival(8)));
        assert!(!found.has(arrival(9)) && !found.has(arrival(10)));
    }
    // Of one arrival on two instances, the user whose id comes first.
    let same = device().claimed_by("bob", arrival(5));
    assert_eq!(merged(&[same, ann]).link(), link("ann", 5, Some(5)));
}

#[test]
fn an_id_beside_itself_is_linked_to_nobody() {
    let itself = device().claimed_by("device", arrival(1));
    assert_eq!(itself, device());
    let mut smuggled = device().claimed_by("ann", arrival(5));
    smuggled.claims.take(super::super::Claim { at: arrival(1), user: "device".into() });
    assert_eq!(smuggled.link(), link("ann", 5, None));
    let joined = device().decided(decision(1, "root", Some("device")));
    assert_eq!(joined.link(), None);
}

#[test]
fn a_stranger_who_names_a_known_user_takes_nothing() {
    let known = Person::new("ann").as_user(arrival(5)).claimed_by("mallory", arrival(9));
    assert_eq!(known.link(), None);
    let at_once = Person::new("ann").as_user(arrival(5)).claimed_by("mallory", arrival(5));
    assert_eq!(at_once.link(), None);
}

#[test]
fn a_link_ends_where_its_id_turns_out_to_be_a_users() {
    let named_before = Person::new("ann").claimed_by("mallory", arrival(5)).as_user(arrival(9));
    assert_eq!(named_before.link(), link("mallory", 5, Some(9)));
    let with_another = named_before.clone().claimed_by("bob", arrival(7));
    assert_eq!(with_another.link(), link("mallory", 5, Some(7)));
    let with_a_later = named_before.claimed_by("bob", arrival(12));
    assert_eq!(with_a_later.link(), link("mallory", 5, Some(9)));
}

#[test]
fn of_two_ids_that_name_each_other_one_is_linked_and_not_for_good() {
    // ann beside bob, then bob beside ann.
    let bob = Person::new("bob").claimed_by("ann", arrival(10)).as_user(arrival(20));
    let ann = Person::new("ann").as_user(arrival(10)).claimed_by("bob", arrival(20));
    assert_eq!(bob.link(), link("ann", 10, Some(20)));
    assert_eq!(ann.link(), None);
}

#[test]
fn a_decision_stands_above_what_events_say_and_the_later_stays() {
    let claimed = device().claimed_by("ann", arrival(5)).as_user(arrival(1));
    let joined = claimed.clone().decided(decision(100, "root", Some("bob")));
    let found = joined.link().unwrap();
    assert_eq!((&*found.user, found.since, found.until), ("bob", Arrival::first_at(at(100)), None));
    assert!(found.has(arrival(0)) && found.has(arrival(i64::MAX)));

    let parted = claimed.decided(decision(200, "root", None));
    assert_eq!(parted.link(), None);
    for rows in [[joined.clone(), parted.clone()], [parted, joined]] {
        assert_eq!(merged(&rows).link(), None);
    }
}

#[test]
fn of_an_erased_user_it_stays_known_that_somebody_was_signed_in_and_not_who() {
    let mut shared = device().claimed_by("ann", arrival(5)).claimed_by("bob", arrival(9));
    assert!(shared.forget("ann", arrival(6)));
    assert!(!shared.forget("ann", arrival(6)), "nothing is left of her");
    // Who came second has not become who came first.
    assert_eq!(shared.link(), None);
    assert_eq!(kept(&shared), shared);
    let said = serde_json::to_string(&Parts::of(&shared)).unwrap();
    assert!(!said.contains("ann") && said.contains("bob"), "{said}");
    let mut second = device().claimed_by("ann", arrival(5)).claimed_by("bob", arrival(9));
    assert!(second.forget("bob", arrival(10)));
    assert_eq!(second.link(), link("ann", 5, Some(9)), "where hers ended stays known");
    // What was said later is new.
    let mut later = device().claimed_by("ann", arrival(6));
    assert!(!later.forget("ann", arrival(6)));
    assert_eq!(later.link(), link("ann", 6, None));
    let mut joined = device().decided(decision(1, "root", Some("ann")));
    assert!(!joined.forget("ann", Arrival::first_at(at(1))));
    assert!(joined.forget("ann", Arrival::first_at(at(2))));
    assert_eq!(joined.link(), None);
    assert!(!device().claimed_by("ann", arrival(5)).forget("Ann", arrival(6)));
}

#[test]
fn of_a_row_that_is_emptied_what_decides_about_links_stays_and_nothing_else() {
    let row = identify(r#"{"email":"a@example.com"}"#, 3)
        .seen_at(at(5))
        .named()
        .as_user(arrival(7))
        .claimed_by("bob", arrival(4))
        .claimed_by("eve", arrival(6));
    let emptied = row.emptied(&["bob", "nobody"], arrival(10));
    let mut expected = Person::new("ann")
        .as_user(arrival(7))
        .claimed_by("bob", arrival(4))
        .claimed_by("eve", arrival(6));
    expected.forget("bob", arrival(10));
    assert_eq!(emptied, expected);
    assert_eq!(emptied.emptied(&["bob"], arrival(10)), emptied);
}

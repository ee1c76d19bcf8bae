#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::{HashMap, HashSet};

use proptest::prelude::*;
use sha2::{Digest, Sha256};
use trailkeep_event::payload::PayloadLimits;
use trailkeep_event::{Event, Rules, Timestamp, TypeRule, wire};

use super::visit::{MAX_EVENTS, MAX_LENGTH_MS};
use super::{Kind, Now, Plan, PlanFault, Sample, Samples, payload};
use crate::config::Settings;

fn plan(events: u64, seed: u64) -> Plan {
    Plan {
        events,
        seed,
        users: 1000,
        accounts: 40,
        days: 30,
        until: Timestamp::parse_rfc3339("2025-12-15T10:30:00Z").unwrap(),
        whale: "whale".into(),
        whale_share: 0.2,
    }
}

fn samples(plan: Plan) -> Vec<Sample> {
    Samples::new(plan).unwrap().collect()
}

fn bodies(samples: &[Sample]) -> impl Iterator<Item = Vec<u8>> {
    samples.chunks(1000).map(|chunk| {
        let mut body = vec![b'['];
        for (position, sample) in chunk.iter().enumerate() {
            if position > 0 {
                body.push(b',');
            }
            sample.write_json(&mut body);
        }
        body.push(b']');
        body
    })
}

fn by<'a, K: std::hash::Hash + Eq>(
    samples: &'a [Sample],
    key: impl Fn(&'a Sample) -> K,
) -> HashMap<K, Vec<&'a Sample>> {
    let mut groups: HashMap<K, Vec<&Sample>> = HashMap::new();
    for sample in samples {
        groups.entry(key(sample)).or_default().push(sample);
    }
    groups
}

fn hash(samples: &[Sample]) -> String {
    let mut hash = Sha256::new();
    for body in bodies(samples) {
        hash.update(body);
    }
    let digest = hash.finalize();
    digest[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Changes when the model does, and when a crate that it draws from gives
/// other numbers: then the same seed gives other events than it gave before.
#[test]
fn a_seed_gives_the_events_that_it_has_always_given() {
    assert_eq!(hash(&samples(plan(20_000, 1))), "654af9af412abb97");
}

/// What the service accepts with its default settings.
fn rules() -> Rules {
    let events = Settings::with([]).unwrap().events;
    Rules {
        types: TypeRule::listed(&events.types),
        default_user: None,
        max_events: events.max_per_request,
        payload: PayloadLimits {
            max_bytes: events.max_payload_bytes,
            max_depth: PayloadLimits::MAX_DEPTH,
        },
        max_future_ms: 0,
    }
}

#[test]
fn the_service_reads_from_the_wire_what_is_stored_directly() {
    let samples = samples(Plan { whale: "the \"big\" one".into(), ..plan(20_000, 2) });
    let until = plan(1, 0).until;
    let mut read: Vec<Event> = bodies(&samples)
        .flat_map(|body| wire::read_json(&body, &rules(), until).unwrap())
        .collect();
    for event in &mut read {
        event.received_at = event.occurred_at;
    }
    let direct: Vec<Event> =
        samples.iter().map(|sample| sample.to_event(sample.occurred_at)).collect();
    assert!(read == direct);
}

#[test]
fn payloads_are_of_the_usual_size() {
    let samples = samples(plan(20_000, 3));
    let bytes: usize = samples.iter().map(|sample| sample.payload.len()).sum();
    let mean = bytes / samples.len();
    assert!((80..130).contains(&mean), "{mean} bytes");
    assert!(samples.iter().all(|sample| sample.payload.len() < 256));
}

#[test]
fn ids_are_unique_and_rise_with_time() {
    let samples = samples(plan(50_000, 4));
    let now = Timestamp::now();
    let ids: Vec<_> = samples.iter().map(|sample| sample.to_event(now).id).collect();
    assert!(ids.is_sorted_by_key(|id| &id.as_bytes()[..6]));
    let unique: HashSet<_> = ids.iter().collect();
    assert_eq!(unique.len(), ids.len());
}

#[test]
fn another_seed_gives_other_events() {
    let ids = |seed| -> HashSet<_> {
        samples(plan(2_000, seed)).into_iter().map(|sample| sample.event_id).collect()
    };
    assert!(ids(1).is_disjoint(&ids(2)));
}

#[test]
fn users_and_accounts_are_uneven_and_all_in_use() {
    let samples = samples(plan(100_000, 6));
    let of_accounts = by(&samples, |sample| &sample.account_id);
    assert_eq!(of_accounts.len(), 41);
    let of = |account: &str| of_accounts[&std::sync::Arc::from(account)].len();
    assert!(of("account-0001") > 3 * of("account-0040"), "the first has six times the last");
    assert!(of("whale") > of("account-0001"));

    let of_users = by(&samples, |sample| &sample.user_id);
    assert!((900..=1000).contains(&of_users.len()), "{}", of_users.len());
    let most = of_users.values().map(Vec::len).max().unwrap();
    assert!(most > 10 * samples.len() / of_users.len(), "{most}");
    for events in of_users.values() {
        let accounts: HashSet<_> = events.iter().map(|event| &event.account_id).collect();
        assert_eq!(accounts.len(), 1, "a user belongs to one account");
    }
}

/// Each type's share of the events in percent.
#[test]
fn types_have_their_weights() {
    let samples = samples(plan(100_000, 7));
    let of_kinds = by(&samples, |sample| sample.kind);
    for (kind, percent) in [
        (Kind::SessionStart, 10..16),
        (Kind::PageView, 35..50),
        (Kind::Search, 5..12),
        (Kind::ButtonClick, 10..20),
        (Kind::FormSubmit, 1..5),
        (Kind::VideoPlay, 1..6),
        (Kind::VideoPause, 1..6),
        (Kind::AddToCart, 3..10),
        (Kind::RemoveFromCart, 0..4),
        (Kind::Purchase, 1..5),
        (Kind::Identify, 3..9),
        (Kind::PaymentFailed, 0..3),
        (Kind::Error, 0..3),
    ] {
        let share = of_kinds[&kind].len() * 100 / samples.len();
        assert!(percent.contains(&share), "{share} % are {}", kind.name());
    }
    assert_eq!(of_kinds.len(), Kind::ALL.len());
}

#[test]
fn evenings_are_busier_than_nights_and_weekends_quieter_than_working_days() {
    const HOUR: i64 = 3_600_000;
    let samples = samples(Plan {
        days: 28,
        until: Timestamp::parse_rfc3339("2025-12-15T00:00:00Z").unwrap(),
        ..plan(100_000, 8)
    });
    let hours = |wanted: std::ops::Range<i64>| {
        samples
            .iter()
            .filter(|sample| wanted.contains(&(sample.occurred_at.as_millis() / HOUR % 24)))
            .count()
    };
    assert!(hours(18..22) > 6 * hours(2..6));
    // The epoch began on a Thursday.
    let on = |days: [i64; 2]| {
        samples
            .iter()
            .filter(|sample| days.contains(&(sample.occurred_at.as_millis() / (24 * HOUR) % 7)))
            .count()
    };
    let (weekend, midweek) = (on([2, 3]), on([5, 6]));
    assert!(weekend * 100 < midweek * 80, "{weekend} to {midweek}");
}

/// Each thing that is done was possible after what was done before it.
fn check_visit(events: &[&Sample]) {
    assert_eq!(events[0].kind, Kind::SessionStart);
    assert!(events.len() <= MAX_EVENTS as usize);
    let length =
        events[events.len() - 1].occurred_at.as_millis() - events[0].occurred_at.as_millis();
    assert!(length <= MAX_LENGTH_MS, "{length} ms");
    let (mut cart, mut plays, mut shows_product, mut is_known) = (0, false, false, false);
    for pair in events.windows(2) {
        let (before, event) = (pair[0], pair[1]);
        assert!(before.occurred_at < event.occurred_at);
        assert_eq!(before.user_id, event.user_id);
        match event.kind {
            Kind::SessionStart => panic!("a visit starts twice"),
            Kind::PageView => shows_product = event.payload.starts_with(r#"{"path":"/products/"#),
            Kind::Search => shows_product = false,
            Kind::AddToCart => {
                assert!(shows_product, "what is not shown is put into the cart");
                cart += 1;
            }
            Kind::RemoveFromCart => {
                assert!(cart > 0, "something is taken out of an empty cart");
                cart -= 1;
            }
            Kind::Purchase => {
                assert!(cart > 0, "an empty cart is bought");
                let items = format!(r#""items":{cart},"#);
                assert!(event.payload.contains(&items), "{} {cart}", event.payload);
                cart = 0;
            }
            Kind::VideoPlay => assert!(!std::mem::replace(&mut plays, true)),
            Kind::VideoPause => assert!(std::mem::replace(&mut plays, false)),
            Kind::Identify => {
                assert!(!std::mem::replace(&mut is_known, true));
                assert_eq!(event.payload, payload::identify(number_of(event)));
            }
            Kind::PaymentFailed => assert!(cart > 0, "an empty cart is paid for"),
            Kind::ButtonClick | Kind::FormSubmit | Kind::Error => {}
        }
    }
}

fn number_of(sample: &Sample) -> u32 {
    sample.user_id.strip_prefix("user-").unwrap().parse().unwrap()
}

#[test]
fn names_and_addresses_are_many_and_each_users_own() {
    let people: HashSet<String> = (1..=2000).map(payload::identify).collect();
    assert_eq!(people.len(), 2000, "each has an address of their own");
    let names: HashSet<&str> =
        people.iter().map(|payload| payload.split('"').nth(5).unwrap()).collect();
    assert!(names.len() > 500, "{}", names.len());
}

#[test]
fn what_happens_now_is_as_possible_as_what_happened() {
    let mut now = Now::new(&plan(1, 1));
    let mut at = plan(1, 1).until;
    let mut samples: Vec<Sample> = Vec::new();
    for _ in 0..2_000 {
        at = at.plus_millis(1);
        samples.push(now.next(at));
    }
    for visit in by(&samples, |sample| &sample.session_id).values() {
        check_visit(visit);
    }
}

fn plans() -> impl Strategy<Value = Plan> {
    (
        1..3_000_u64,
        any::<u64>(),
        1..50_u32,
        0..500_u32,
        1..90_u32,
        0..4_000_000_000_000_i64,
        prop_oneof![Just(0.0), Just(1.0), 0.0..1.0],
    )
        .prop_map(|(events, seed, accounts, more_users, days, until, whale_share)| Plan {
            events,
            seed,
            users: accounts + 1 + more_users,
            accounts,
            days,
            until: Timestamp::from_millis(until + i64::from(days) * 86_400_000).unwrap(),
            whale: "whale".into(),
            whale_share,
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_plan_is_kept_to(plan in plans()) {
        let (from, until) = (plan.from(), plan.until);
        let samples = samples(plan.clone());
        prop_assert_eq!(samples.len() as u64, plan.events);
        prop_assert!(samples.is_sorted_by_key(|sample| sample.occurred_at));
        prop_assert!(samples.iter().all(|sample| (from..=until).contains(&sample.occurred_at)));
        for visit in by(&samples, |sample| &sample.session_id).values() {
            check_visit(visit);
        }
        for sample in &samples {
            prop_assert!((1..=plan.users).contains(&number_of(sample)));
        }
    }

    #[test]
    fn the_whale_has_its_share_to_within_a_visit(plan in plans()) {
        let samples = samples(plan.clone());
        let whales = samples.iter().filter(|sample| &*sample.account_id == "whale").count();
        let fair = plan.events as f64 * plan.whale_share;
        prop_assert!((whales as f64 - fair).abs() <= f64::from(MAX_EVENTS), "{} of {}", whales, fair);
    }

    #[test]
    fn the_same_plan_gives_the_same_events(plan in plans()) {
        prop_assert!(samples(plan.clone()) == samples(plan));
    }

    #[test]
    fn the_service_takes_every_event(plan in plans()) {
        let samples = samples(plan.clone());
        for body in bodies(&samples) {
            prop_assert!(wire::read_json(&body, &rules(), plan.until).is_ok());
        }
    }
}

#[test]
fn plans_that_cannot_be_carried_out_are_refused() {
    let refused = |change: fn(&mut Plan)| {
        let mut plan = plan(10, 1);
        change(&mut plan);
        Samples::new(plan).err().expect("a fault")
    };
    assert_eq!(refused(|plan| plan.events = 0), PlanFault::NoEvents);
    assert_eq!(refused(|plan| plan.accounts = 0), PlanFault::NoAccounts);
    assert_eq!(
        refused(|plan| plan.users = 40),
        PlanFault::TooFewUsers { users: 40, accounts: 40, least: 41 }
    );
    assert_eq!(refused(|plan| plan.days = 0), PlanFault::Days);
    assert_eq!(refused(|plan| plan.days = 3651), PlanFault::Days);
    assert_eq!(
        refused(|plan| plan.until = Timestamp::parse_rfc3339("1970-01-30T00:00:00Z").unwrap()),
        PlanFault::Until
    );
    assert_eq!(refused(|plan| plan.whale_share = 1.1), PlanFault::Share);
    assert_eq!(refused(|plan| plan.whale_share = f64::NAN), PlanFault::Share);
    assert_eq!(refused(|plan| plan.whale = "".into()), PlanFault::Name);
    assert_eq!(refused(|plan| plan.whale = "a\nb".into()), PlanFault::Name);
}

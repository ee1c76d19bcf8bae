//! Pages that lead back, and pages around an event.

use std::collections::HashSet;
use std::sync::Arc;

use proptest::prelude::*;
use trailkeep_store::{Order, StoredEvent};

use super::super::cursor::{self, Way};
use super::super::merge::MAX_PAGE_BYTES;
use super::super::{Journeys, Page};
use super::memory_store::MemoryStore;
use super::pages::large;
use super::walks::{admit, block_on, ingest};
use super::{JourneyRange, Spec, journey_of, range, spec, whole};

/// Events of which some are stored and some wait.
#[derive(Debug)]
struct World {
    stored: Vec<(Spec, i64)>,
    waiting: Vec<Spec>,
}

fn world() -> impl Strategy<Value = World> {
    let stored = proptest::collection::vec((spec(), 0_i64..3), 0..12);
    let waiting = proptest::collection::vec(spec(), 0..8);
    (stored, waiting).prop_map(|(stored, waiting)| World { stored, waiting })
}

impl World {
    /// What reads it, and all that is there: of each identity the first.
    async fn journeys(&self) -> (Journeys, Vec<StoredEvent>) {
        let (ingest, _, _) = ingest(100);
        admit(&ingest, self.waiting.iter().map(Spec::event).collect()).await;
        let mut ids = HashSet::new();
        let stored = self.stored.iter();
        let stored = stored.map(|(spec, arrival)| StoredEvent::from(&spec.accepted(*arrival)));
        let stored: Vec<_> = stored.filter(|event| ids.insert(event.id)).collect();
        let waiting = ["ann", "bob"].map(|user| ingest.of_user(user).0).concat();
        let waiting = waiting.iter().map(|accepted| StoredEvent::from(&**accepted));
        let waiting: Vec<_> = waiting.filter(|event| ids.insert(event.id)).collect();
        let store = Arc::new(MemoryStore::new(stored.clone(), Vec::new()));
        (Journeys::new(store, ingest), [stored, waiting].concat())
    }
}

/// The page before one, by its cursor.
async fn page_before(
    journeys: &Journeys,
    range: &JourneyRange,
    page: &Page,
    limit: usize,
) -> Option<Page> {
    let text = cursor::encode(page.previous?, range.order, Way::Back);
    let (position, way) = cursor::decode(&text, range.order).unwrap();
    assert_eq!(way, Way::Back);
    let range = JourneyRange { after: None, ..range.clone() };
    let mut before = journeys.page_before(&range, position, limit).await.unwrap();
    before.turn();
    Some(before)
}

/// The page behind one.
async fn page_behind(
    journeys: &Journeys,
    range: &JourneyRange,
    page: &Page,
    limit: usize,
) -> Option<Page> {
    let range = JourneyRange { after: Some(page.next?), ..range.clone() };
    Some(journeys.page(&range, limit).await.unwrap())
}

/// All that comes before a page and behind it, by the cursors of the pages.
async fn walk_both_ways(
    journeys: &Journeys,
    range: &JourneyRange,
    page: Page,
    limit: usize,
) -> Vec<StoredEvent> {
    let mut events = page.events.clone();
    let mut first = page.clone();
    while let Some(before) = page_before(journeys, range, &first, limit).await {
        assert!((1..=limit).contains(&before.events.len()), "{before:?}");
        events.splice(0..0, before.events.iter().cloned());
        first = before;
    }
    let mut last = page;
    while let Some(behind) = page_behind(journeys, range, &last, limit).await {
        events.extend(behind.events.iter().cloned());
        last = behind;
    }
    events
}

proptest! {
    #[test]
    fn pages_lead_back_as_they_led_on(
        world in world(),
        range in range(),
        limit in 1_usize..5,
        back in 1_usize..5,
    ) {
        block_on(async {
            let (journeys, all) = world.journeys().await;
            let expected = journey_of(&all, &range);
            let mut page = journeys.page(&range, limit).await.unwrap();
            prop_assert_eq!(page.previous, None);
            while let Some(behind) = page_behind(&journeys, &range, &page, limit).await {
                // Where the one before it ends, this one begins.
                let before = page_before(&journeys, &range, &behind, limit).await.unwrap();
                prop_assert_eq!(&before.events, &page.events);
                prop_assert_eq!(before.next, page.next);
                page = behind;
            }
            prop_assert_eq!(walk_both_ways(&journeys, &range, page, back).await, expected);
            Ok(())
        })?;
    }

    #[test]
    fn the_page_around_an_event_has_it_in_its_middle(
        world in world(),
        range in range(),
        limit in 1_usize..7,
        number in 0_u8..16,
    ) {
        block_on(async {
            let (journeys, all) = world.journeys().await;
            let expected = journey_of(&all, &range);
            let event_id = format!("e-{number}");
            let place = range.ids.iter().find_map(|id| {
                let its = all.iter().find(|event| {
                    *event.event_id == *event_id && id.holds(&event.user_id, event.arrival)
                });
                its.map(StoredEvent::position)
            });
            let page = journeys.page_around(&range, &event_id, limit).await.unwrap();
            prop_assert_eq!(page.is_some(), place.is_some());
            let (Some(page), Some(place)) = (page, place) else { return Ok(()) };

            let is_before =
                |event: &&StoredEvent| range.order.compare(event.position(), place).is_lt();
            let middle = expected.iter().take_while(is_before).count();
            let (begin, end) = if middle == expected.len() {
                (middle - (limit / 2).max(1).min(middle), middle)
            } else {
                let begin = middle - (limit / 2).min(middle);
                (begin, (begin + limit).min(expected.len()))
            };
            prop_assert_eq!(&page.events, &expected[begin..end]);
            prop_assert_eq!(page.previous.is_some(), begin > 0);
            prop_assert_eq!(page.next.is_some(), end < expected.len());
            prop_assert_eq!(walk_both_ways(&journeys, &range, page, limit).await, expected);
            Ok(())
        })?;
    }
}

/// With 4 MiB on both of its sides.
#[test]
fn a_page_around_an_event_ends_at_4_mib() {
    let all: Vec<StoredEvent> = (0..=255).map(|number| (&*large(number)).into()).collect();
    let (ingest, _, _) = ingest(100);
    let store = Arc::new(MemoryStore::new(all.clone(), Vec::new()));
    let journeys = Journeys::new(store, ingest);
    for order in [Order::Ascending, Order::Descending] {
        let range = whole(order);
        let page = block_on(journeys.page_around(&range, "e-128", 1000)).unwrap().unwrap();
        let bytes: usize = page.events.iter().map(StoredEvent::bytes).sum();
        assert!(bytes <= MAX_PAGE_BYTES, "{bytes}");
        assert!(bytes > MAX_PAGE_BYTES - (33 << 10), "{bytes}");
        let middle = page.events.iter().position(|event| &*event.event_id == "e-128").unwrap();
        assert!(middle.abs_diff(page.events.len() / 2) <= 2, "{middle}");
        let walked = block_on(walk_both_ways(&journeys, &range, page, 1000));
        assert_eq!(walked, journey_of(&all, &range));
    }
}

/// What was before a page may be removed while somebody reads.
#[test]
fn nothing_before_a_position_is_a_page_without_events() {
    let world = World { stored: Vec::new(), waiting: Vec::new() };
    block_on(async {
        let (journeys, _) = world.journeys().await;
        let gone = StoredEvent::from(&*large(1)).position();
        let page = journeys.page_before(&whole(Order::Ascending), gone, 10).await.unwrap();
        assert_eq!(page, Page::default());
    });
}

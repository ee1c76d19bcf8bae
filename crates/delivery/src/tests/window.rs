use std::collections::BTreeSet;

use super::{entry, process};
use crate::{DocumentId, Effect, Ending, Entry, Found, ParkRecord, Releasing, Window};

fn document(number: u64) -> DocumentId {
    DocumentId { process: process(1), number }
}

/// Takes a document in of whose events none has an outcome.
fn take_in(window: &mut Window, number: u64, entries: &[Entry]) {
    window.take_in(document(number), entries.to_vec());
    let ids = entries.iter().map(|entry| entry.id).collect();
    assert_eq!(window.next_effect(), Some(Effect::LookUp(ids)));
    window.looked_up(&BTreeSet::new());
}

/// What a journal feeds again after a crash is in the feed from before it too, and a
/// tracker may send an event again while it is at the processor.
#[test]
fn an_event_that_is_fed_once_more_while_it_is_on_its_way_is_sent_once() {
    let event = entry(1);
    for steps in 0..3 {
        let mut window = Window::new(1, []);
        take_in(&mut window, 1, &[event]);
        assert_eq!(window.send(event.user), Some((event.arrival, event.id)));
        let step = |window: &mut Window, number: usize| match number {
            0 => {
                window.failed(event.user);
                window.rested(event.user);
                window.send(event.user);
            }
            1 => window.answered(event.user, Ending::Done),
            _ => window.recorded(event.user, event.id, true),
        };
        (0..steps).for_each(|number| step(&mut window, number));
        if steps == 2 {
            let record = Effect::Record { user: event.user, id: event.id };
            assert_eq!(window.next_effect(), Some(record));
        }

        take_in(&mut window, 2, &[event]);

        (steps..3).for_each(|number| step(&mut window, number));
        assert_eq!(window.ready().count(), 0, "after step {steps}");
        assert!(window.is_empty());
        window.renewing();
        window.renewed();
        let effects: Vec<_> = std::iter::from_fn(|| window.next_effect()).collect();
        let forget = Effect::Forget(vec![document(1), document(2)]);
        assert_eq!(effects.last(), Some(&forget), "both are done with");
    }
}

/// An instance that stood still while it inserted a document tries once more when it goes
/// on, and by then the document is done with and gone.
#[test]
fn a_document_that_comes_again_after_it_was_forgotten_is_forgotten_again() {
    let event = entry(1);
    let mut window = Window::new(1, []);
    take_in(&mut window, 1, &[event]);
    let forgotten = |window: &mut Window| {
        window.renewing();
        window.renewed();
        std::iter::from_fn(|| window.next_effect()).collect::<Vec<_>>()
    };
    window.found_again(document(1));
    assert_eq!(forgotten(&mut window), [], "its event is pending");
    window.send(event.user);
    window.answered(event.user, Ending::Done);
    window.next_effect();
    window.recorded(event.user, event.id, true);
    // Before it is forgotten it is there, and that is no news.
    window.found_again(document(1));
    let forget = || [Effect::Forget(vec![document(1)])];
    assert_eq!(forgotten(&mut window), forget());
    assert_eq!(forgotten(&mut window), []);

    window.found_again(document(1));

    assert_eq!(forgotten(&mut window), forget());
}

/// What was read of a user behind the event that holds them is out of memory from then on.
#[test]
fn what_was_read_behind_an_event_that_holds_its_user_is_read_again_when_they_go_on() {
    let [first, second, third] =
        [1, 2, 3].map(|number| Entry { user: entry(1).user, ..entry(number) });
    let user = first.user;
    let place = |entry: Entry| (entry.arrival, entry.id);
    let record = ParkRecord { user, from: first.arrival, epoch: 1, change: 0, held: None };
    let mut window = Window::new(1, [record]);
    let reads = |window: &mut Window| match window.next_effect() {
        Some(Effect::Read { from, .. }) => Some(from),
        _ => None,
    };
    assert_eq!(reads(&mut window), Some(first.arrival));
    // There is more behind the third.
    let pending = [first, second, third].map(place).to_vec();
    window.read(user, Found { pending, up_to: Some(third.arrival) });
    assert_eq!(window.send(user), Some(place(first)));
    window.answered(user, Ending::Held);
    assert!(
        matches!(window.next_effect(), Some(Effect::Park(record)) if record.held == Some(first.id))
    );
    window.parked(user, true);
    window.renewing();
    window.renewed();
    assert_eq!(window.next_effect(), Some(Effect::Record { user, id: first.id }));
    window.recorded(user, first.id, true);
    assert_eq!(window.ready().count(), 0, "a person is waited for");

    assert_eq!(window.release(user, first.id), Releasing::Begun);
    assert!(matches!(window.next_effect(), Some(Effect::Move { .. })));
    window.moved(user, true);

    assert_eq!(reads(&mut window), Some(first.arrival));
    window.read(user, Found { pending: [second, third].map(place).to_vec(), up_to: None });
    assert_eq!(window.send(user), Some(place(second)));
}

//! Promises about what people ask of processors, and what these tell of themselves.

use std::sync::Arc;

use trailkeep_event::Timestamp;
use trailkeep_store::processing::{Command, MAX_COMMANDS, MAX_STEERING_BYTES, ProcessingStore};
use uuid::Uuid;

use super::samples::{NAME, add, command, ends_of_the_calendar, sixteen_at_once};
use crate::samples::at;

const HOUR_MS: i64 = 3_600_000;

async fn add_all(store: &dyn ProcessingStore, commands: &[Command]) {
    for command in commands {
        assert!(store.add_command(command).await.unwrap());
    }
}

/// The command as it is once it is answered.
fn answered(command: Command, answered_at: Timestamp) -> Command {
    Command { answered_at: Some(answered_at), answer: Some("{}".into()), ..command }
}

/// A JSON text of this many bytes.
fn long(bytes: usize) -> Box<str> {
    format!("\"{}\"", "x".repeat(bytes - 2)).into()
}

pub async fn a_command_is_read_back_unchanged(store: Arc<dyn ProcessingStore>) {
    let [first, last] = ends_of_the_calendar();
    let plain = Command {
        id: Uuid::nil(),
        order: r#"{"$set":{"a.b":1},"":[null,"ä\n\u0000"]}"#.into(),
        made_at: first,
        ..command(NAME, 1)
    };
    let full = Command {
        id: Uuid::max(),
        processor: NAME.into(),
        made_at: last,
        order: long(MAX_STEERING_BYTES),
        progress: Some(long(MAX_STEERING_BYTES)),
        answered_at: Some(last),
        answer: Some(long(MAX_STEERING_BYTES)),
    };
    let begun = Command { progress: Some("7".into()), ..command(NAME, 2) };
    let all = [plain, begun, full];
    // Nobody has added the processor.
    add_all(&*store, &all).await;
    assert!(store.commands(NAME).await.unwrap() == all, "changed");
    for command in all {
        let found = store.command(command.id).await.unwrap();
        assert!(found.as_ref() == Some(&command), "changed");
    }
    assert_eq!(store.command(Uuid::from_u128(77)).await.unwrap(), None);
}

pub async fn commands_are_listed_by_processor_oldest_first(store: Arc<dyn ProcessingStore>) {
    add(&*store, NAME).await;
    let at_once = |number| Command { made_at: at(50), ..command(NAME, number) };
    let expected = [command(NAME, 30), at_once(4), at_once(20), at_once(40), command(NAME, 60)];
    for added in expected.iter().rev() {
        add_all(&*store, std::slice::from_ref(added)).await;
    }
    add_all(&*store, &[command("other", 1), command("default.x", 2)]).await;
    assert_eq!(store.commands(NAME).await.unwrap(), expected);
    assert_eq!(store.commands("other").await.unwrap(), [command("other", 1)]);
    assert_eq!(store.commands("nobody").await.unwrap(), []);
}

pub async fn a_command_added_again_stays_as_it_is(store: Arc<dyn ProcessingStore>) {
    let first = command(NAME, 1);
    let again = Command { order: "2".into(), processor: "other".into(), ..first.clone() };
    add_all(&*store, &[first.clone(), again.clone(), first.clone()]).await;
    assert_eq!(store.commands(NAME).await.unwrap(), std::slice::from_ref(&first));
    assert_eq!(store.commands("other").await.unwrap(), []);

    assert!(store.change_command(first.id, Some("1"), Some((at(9), "{}"))).await.unwrap());
    add_all(&*store, std::slice::from_ref(&first)).await;
    let answered = Command { progress: Some("1".into()), ..answered(first, at(9)) };
    assert_eq!(store.commands(NAME).await.unwrap(), [answered]);

    let added = sixteen_at_once(&store, |store, number| async move {
        let own = Command { order: number.to_string().into(), ..command("third", 3) };
        store.add_command(&own).await.unwrap()
    })
    .await;
    assert!(added.iter().all(|is_there| *is_there), "{added:?}");
    assert_eq!(store.commands("third").await.unwrap().len(), 1);
}

pub async fn a_hundred_commands_of_a_processor_may_be_open(store: Arc<dyn ProcessingStore>) {
    assert_eq!(MAX_COMMANDS, 100);
    let hundred: Vec<_> = (0..100).map(|number| command(NAME, number)).collect();
    add_all(&*store, &[answered(command(NAME, 900), at(900)), command("other", 901)]).await;
    add_all(&*store, &hundred).await;
    assert!(!store.add_command(&command(NAME, 100)).await.unwrap());
    assert_eq!(store.command(command(NAME, 100).id).await.unwrap(), None);
    assert_eq!(store.commands(NAME).await.unwrap().len(), 101);
    // One that is there is, and others have room of their own.
    add_all(&*store, &[hundred[99].clone(), command("other", 101)]).await;

    assert!(store.change_command(hundred[7].id, Some("1"), None).await.unwrap());
    assert!(!store.add_command(&command(NAME, 100)).await.unwrap());
    assert!(store.change_command(hundred[7].id, None, Some((at(1), "{}"))).await.unwrap());
    add_all(&*store, &[command(NAME, 100)]).await;
    assert!(!store.add_command(&command(NAME, 102)).await.unwrap());
}

pub async fn answered_commands_go_an_hour_later(store: Arc<dyn ProcessingStore>) {
    let early = answered(command(NAME, 1), at(999));
    let just = answered(command(NAME, 2), at(1_000));
    let late = answered(command(NAME, 3), at(1_001));
    let open = Command { progress: Some("1".into()), ..command(NAME, 4) };
    let others = answered(command("other", 5), at(0));
    let all = [early, just.clone(), late.clone(), open.clone(), others.clone()];
    add_all(&*store, &all).await;

    let next = Command { made_at: at(1_000 + HOUR_MS), ..command(NAME, 6) };
    add_all(&*store, std::slice::from_ref(&next)).await;
    let left = [just, late, open.clone(), next.clone()];
    assert_eq!(store.commands(NAME).await.unwrap(), left);
    assert_eq!(store.commands("other").await.unwrap(), [others]);
    assert_eq!(store.command(command(NAME, 1).id).await.unwrap(), None);

    let last = Command { made_at: at(1_000 * HOUR_MS), ..command(NAME, 7) };
    add_all(&*store, std::slice::from_ref(&last)).await;
    assert_eq!(store.commands(NAME).await.unwrap(), [open, next, last]);
}

pub async fn an_open_command_is_changed_and_an_answered_one_is_not(
    store: Arc<dyn ProcessingStore>,
) {
    let first = command(NAME, 1);
    let second = command(NAME, 2);
    add_all(&*store, &[first.clone(), second.clone()]).await;
    let change = async |progress, answer| {
        let is_changed = store.change_command(first.id, progress, answer).await.unwrap();
        let mut there = store.commands(NAME).await.unwrap();
        assert_eq!(there.pop(), Some(second.clone()));
        (is_changed, there.pop().unwrap())
    };
    assert_eq!(change(None, None).await, (true, first.clone()));
    let progress = |text: &str| Command { progress: Some(text.into()), ..first.clone() };
    assert_eq!(change(Some("1"), None).await, (true, progress("1")));
    assert_eq!(change(Some("2"), None).await, (true, progress("2")));
    assert_eq!(change(Some("2"), None).await, (true, progress("2")));
    assert_eq!(change(None, None).await, (true, progress("2")));
    let done = answered(progress("2"), at(5));
    assert_eq!(change(None, Some((at(5), "{}"))).await, (true, done.clone()));
    for (progress, answer) in [
        (None, None),
        (Some("3"), None),
        (None, Some((at(6), "[]"))),
        (Some("3"), Some((at(6), "[]"))),
        (None, Some((at(5), "{}"))),
    ] {
        assert_eq!(change(progress, answer).await, (false, done.clone()));
    }
    // Both at once.
    let is_changed = store.change_command(second.id, Some("9"), Some((at(7), "{}"))).await;
    assert!(is_changed.unwrap());
    let second = Command { progress: Some("9".into()), ..answered(second, at(7)) };
    assert_eq!(store.commands(NAME).await.unwrap(), [done, second]);
    let unknown = store.change_command(Uuid::from_u128(77), Some("1"), Some((at(5), "{}"))).await;
    assert!(!unknown.unwrap());
    assert_eq!(store.command(Uuid::from_u128(77)).await.unwrap(), None);
}

pub async fn of_those_who_answer_a_command_at_once_one_does(store: Arc<dyn ProcessingStore>) {
    let asked = command(NAME, 1);
    add_all(&*store, std::slice::from_ref(&asked)).await;
    let is_answered = sixteen_at_once(&store, move |store, number| async move {
        let answer = number.to_string();
        let id = command(NAME, 1).id;
        store.change_command(id, None, Some((at(number.into()), answer.as_str()))).await.unwrap()
    })
    .await;
    let who: Vec<_> = (0..16).filter(|number| is_answered[*number]).collect();
    assert_eq!(who.len(), 1, "{is_answered:?}");
    let there = store.command(asked.id).await.unwrap().unwrap();
    assert_eq!(there.answer, Some(who[0].to_string().into()));
    assert_eq!(there.answered_at, Some(at(who[0] as i64)));
}

pub async fn what_was_published_last_is_read(store: Arc<dyn ProcessingStore>) {
    add(&*store, NAME).await;
    let [first, last] = ends_of_the_calendar();
    assert_eq!(store.published(NAME).await.unwrap(), None);
    store.publish("other", at(1), "1").await.unwrap();
    for (moment, state) in [
        (at(5), r#"{"$a.b":"ä"}"#.into()),
        (last, long(MAX_STEERING_BYTES)),
        // The last write counts, and not the latest moment.
        (first, "{}".into()),
        (at(5), "2".into()),
    ] {
        store.publish(NAME, moment, &state).await.unwrap();
        let published = store.published(NAME).await.unwrap();
        assert!(published == Some((moment, state)), "changed");
    }
    assert_eq!(store.published("other").await.unwrap(), Some((at(1), "1".into())));
    sixteen_at_once(&store, |store, number| async move {
        store.publish("third", at(number.into()), &number.to_string()).await.unwrap();
    })
    .await;
    assert!(store.published("third").await.unwrap().is_some());
}

//! The stream of an instance.

use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::{World, told};
use crate::live::instance::InstanceStream;

/// What is told within a time.
async fn within(stream: &mut InstanceStream, limit: Duration) -> Vec<String> {
    let mut all = Vec::new();
    let reading = async {
        loop {
            all.extend(told(&stream.next().await));
        }
    };
    let _: Result<(), _> = timeout(limit, reading).await;
    all
}

fn numbers(range: std::ops::RangeInclusive<i64>) -> Vec<String> {
    range.map(|number| number.to_string()).collect()
}

const MOMENT: Duration = Duration::from_millis(10);
const LONG: Duration = Duration::from_secs(5);

#[tokio::test(start_paused = true)]
async fn the_newest_fifty_are_shown_in_a_second_and_the_others_counted() {
    let mut world = World::new();
    let mut stream = world.live.of_instance(None);
    let began = Instant::now();
    world.accept("ann", 500);
    assert_eq!(within(&mut stream, MOMENT).await, numbers(451..=455), "the first at once");
    assert_eq!(within(&mut stream, Duration::from_millis(950)).await, numbers(456..=500));
    assert_eq!(told(&stream.next().await), ["450 more"]);
    assert_eq!(began.elapsed(), Duration::from_secs(1));
    world.accept("ben", 1);
    assert_eq!(within(&mut stream, LONG).await, ["501"], "then it goes on");
}

#[tokio::test(start_paused = true)]
async fn what_comes_all_the_time_is_shown_of_all_of_the_second() {
    let mut world = World::new();
    let mut stream = world.live.of_instance(None);
    let mut all = Vec::new();
    for _ in 0..300 {
        world.accept("ann", 100);
        all.extend(within(&mut stream, MOMENT).await);
    }
    all.extend(within(&mut stream, LONG).await);
    let skipped =
        |told: &String| told.strip_suffix(" more").map(|count| count.parse::<u64>().unwrap());
    let counted: u64 = all.iter().filter_map(skipped).sum();
    let shown: Vec<u64> = all.iter().filter_map(|told| told.parse().ok()).collect();
    assert!(shown.is_sorted());
    assert_eq!(counted + shown.len() as u64, 30_000, "each is shown or counted");
    assert!((150..=200).contains(&shown.len()), "{} in three seconds", shown.len());
    let of_the_first_second: Vec<u64> = shown.iter().copied().take(50).collect();
    assert!(of_the_first_second.windows(2).all(|two| two[1] - two[0] < 2000));
    assert!(of_the_first_second[49] > 8000, "not of its beginning alone");
}

#[tokio::test(start_paused = true)]
async fn fifty_and_no_more_leave_nothing_to_count() {
    let mut world = World::new();
    let mut stream = world.live.of_instance(None);
    world.accept("ann", 50);
    assert_eq!(within(&mut stream, LONG).await, numbers(1..=50));
    world.accept("ann", 1);
    assert_eq!(within(&mut stream, LONG).await, ["51"]);
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_falls_behind_is_told_how_far() {
    let mut world = World::new();
    let mut stream = world.live.of_instance(None);
    world.accept("ann", 10_051);
    let mut expected = numbers(10_002..=10_051);
    expected.push("10001 more".to_owned());
    assert_eq!(within(&mut stream, LONG).await, expected);
}

#[tokio::test(start_paused = true)]
async fn it_goes_on_where_another_broke() {
    let mut world = World::new();
    let mut stream = world.live.of_instance(None);
    world.accept("ann", 3);
    let id = stream.next().await[0].id.to_string();
    drop(stream);
    world.accept("ann", 1);
    let mut stream = world.live.of_instance(Some(&id));
    assert_eq!(told(&stream.next().await), ["2", "3", "4"]);
    let mut stream = world.live.of_instance(Some("never given"));
    assert_eq!(told(&stream.next().await), ["unknown-id"]);
}

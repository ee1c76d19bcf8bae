//! Streams of accepted events: `GET /users/{userId}/live` and `GET /live`.

mod ends;
mod instance;
mod limits;
mod resume;
mod user;

use crate::sse::Sse;

/// The ids of the next so many events, which are all that is told.
async fn next_ids(stream: &mut Sse, count: usize) -> Vec<String> {
    let mut ids = Vec::new();
    while ids.len() < count {
        let told = stream.next().await;
        assert_eq!(told.name, "message", "{told:?}");
        ids.push(told.event_id().to_owned());
    }
    ids
}

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::stream;

use super::*;

const PIECE: usize = 1 << 10;

/// So many pieces in a body of unknown length, as of one that is decoded, and
/// how many of them were asked for.
fn pieces(count: usize) -> (Body, Arc<AtomicUsize>) {
    let taken = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&taken);
    let pieces = (0..count).map(move |_| {
        counter.fetch_add(1, Ordering::Relaxed);
        Ok::<_, io::Error>(Bytes::from_static(&[b' '; PIECE]))
    });
    (Body::from_stream(stream::iter(pieces)), taken)
}

#[tokio::test]
async fn of_a_body_of_unknown_length_that_is_passed_over_little_is_decoded() {
    let (mut body, taken) = pieces(1 << 20);
    assert!(!pass_over(&mut body, 5 << 20).await);
    let taken = taken.load(Ordering::Relaxed) * PIECE;
    assert!(taken <= LITTLE + PIECE, "{taken} bytes");

    let (mut body, taken) = pieces(3);
    assert!(pass_over(&mut body, 5 << 20).await, "it came to its end");
    assert_eq!(taken.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn a_body_of_known_length_is_passed_over_to_its_end_unless_it_is_too_long() {
    let mut body = Body::from(vec![b' '; 4 * LITTLE]);
    assert!(pass_over(&mut body, 4 * LITTLE).await);
    assert!(body.is_end_stream());

    let mut body = Body::from(vec![b' '; 4 * LITTLE]);
    assert!(!pass_over(&mut body, 4 * LITTLE - 1).await);
    assert!(!body.is_end_stream(), "nothing of it was read");
}

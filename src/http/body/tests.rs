use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::stream;

use super::*;
use crate::http::budget::Budget;

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

const LIMITS_BYTES: usize = 4 << 20;

fn limits(budget: &Budget) -> BodyLimits<'_> {
    BodyLimits { max_bytes: LIMITS_BYTES, timeout: Duration::from_secs(15), budget }
}

fn encoded(encoding: Encoding, bytes: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    match encoding {
        Encoding::Identity => bytes.to_vec(),
        Encoding::Unsaid | Encoding::Gzip => {
            let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            out.write_all(bytes).unwrap();
            out.finish().unwrap()
        }
        Encoding::Deflate => {
            let mut out = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
            out.write_all(bytes).unwrap();
            out.finish().unwrap()
        }
        Encoding::Brotli => {
            let mut out = Vec::new();
            let mut writer = brotli::CompressorWriter::new(&mut out, 4096, 5, 22);
            writer.write_all(bytes).unwrap();
            drop(writer);
            out
        }
        Encoding::Zstd => zstd::encode_all(bytes, 3).unwrap(),
    }
}

const ENCODINGS: [Encoding; 6] = [
    Encoding::Identity,
    Encoding::Unsaid,
    Encoding::Gzip,
    Encoding::Deflate,
    Encoding::Brotli,
    Encoding::Zstd,
];

/// A body in pieces, with what comes after them.
fn in_pieces(
    bytes: &[u8],
    and_then: impl futures_util::Stream<Item = Bytes> + Send + 'static,
) -> Body {
    use futures_util::StreamExt as _;
    let pieces: Vec<Bytes> = bytes.chunks(1 << 14).map(Bytes::copy_from_slice).collect();
    Body::from_stream(stream::iter(pieces).chain(and_then).map(Ok::<_, io::Error>))
}

#[tokio::test]
async fn a_body_is_read_as_it_was_before_it_was_encoded_and_holds_room_until_it_is_dropped() {
    let budget = Budget::new(64 << 20);
    for length in [1, 100, 70_000, LIMITS_BYTES] {
        let text: Vec<u8> = (0..length).map(|n| b' ' + (n % 91) as u8).collect();
        for encoding in ENCODINGS {
            let sent = encoded(encoding, &text);
            for body in [Body::from(sent.clone()), in_pieces(&sent, stream::empty())] {
                let held = read(body, encoding, limits(&budget)).await;
                let held = held.unwrap_or_else(|error| panic!("{encoding:?}: {error:?}"));
                assert!(held.bytes == text, "{encoding:?}, {length} bytes");
                assert!(budget.used() >= PER_BYTE * length);
                assert!(budget.used() <= OVERHEAD + PER_BYTE * (2 * length + FIRST));
                drop(held);
                assert_eq!(budget.used(), 0);
            }
        }
    }
}

#[tokio::test]
async fn a_byte_too_many_is_too_large_in_every_encoding() {
    let budget = Budget::new(64 << 20);
    let text = vec![b' '; LIMITS_BYTES + 1];
    for encoding in ENCODINGS {
        let body = Body::from(encoded(encoding, &text));
        let read = read(body, encoding, limits(&budget)).await;
        assert_eq!(read.err(), Some(BodyError::TooLarge), "{encoding:?}");
        assert_eq!(budget.used(), 0);
    }
}

#[tokio::test]
async fn what_is_not_what_its_encoding_says_is_broken() {
    let budget = Budget::new(64 << 20);
    // Of one that is not said nothing can be wrong.
    let said = ENCODINGS.iter().filter(|encoding| **encoding != Encoding::Unsaid);
    for encoding in said.skip(1) {
        let whole = encoded(*encoding, &[b'x'; 5000]);
        let mut longer = whole.clone();
        longer.push(b'x');
        for bytes in [&whole[..whole.len() - 1], b"{}", &longer, b"\x11\x1e"] {
            let body = Body::from(bytes.to_vec());
            let read = read(body, *encoding, limits(&budget)).await;
            let error = read.err();
            assert!(matches!(error, Some(BodyError::Broken(_))), "{encoding:?}: {error:?}");
            assert_eq!(budget.used(), 0);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn half_a_body_holds_its_bytes_and_no_decoder_and_gives_way_to_others() {
    let budget = Budget::new(1 << 20);
    for encoding in ENCODINGS {
        let half = encoded(encoding, &[b'x'; 5000])[..8].to_vec();
        let budget = budget.clone();
        let reader = {
            let budget = budget.clone();
            let body = in_pieces(&half, stream::pending());
            tokio::spawn(async move { read(body, encoding, limits(&budget)).await.err() })
        };
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!((1..=20 << 10).contains(&budget.used()), "{}", budget.used());

        let mut others = budget.charge();
        others.hold(1 << 20, Size::Small).await.unwrap();
        assert_eq!(reader.await.unwrap(), Some(BodyError::GaveWay));
    }
    assert_eq!(budget.used(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_goes_away_gives_its_room_back() {
    let budget = Budget::new(1 << 20);
    let body = in_pieces(&[b'x'; 50_000], stream::pending());
    let reading = timeout(Duration::from_secs(1), read(body, Encoding::Identity, limits(&budget)));
    assert!(reading.await.is_err());
    assert_eq!(budget.used(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_body_for_which_there_is_no_room_is_refused_after_a_while() {
    let budget = Budget::new(1 << 20);
    let mut others = budget.charge();
    others.hold(1 << 20, Size::Small).await.unwrap();
    let refused = read(Body::from("{}"), Encoding::Identity, limits(&budget)).await;
    assert_eq!(refused.err(), Some(BodyError::NoRoom));
}

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};
use tokio::time::Instant;

use super::*;

const LIMIT: Duration = Duration::from_secs(15);

#[tokio::test(start_paused = true)]
async fn a_write_fails_once_the_reader_has_taken_nothing_for_the_limit() {
    let (ours, _theirs) = duplex(1 << 10);
    let mut stream = Stall::new(ours, Patience::new(LIMIT, CancellationToken::new()));
    let began = Instant::now();

    let error = stream.write_all(&[0; 1 << 20]).await.unwrap_err();

    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    assert!(began.elapsed() >= LIMIT);
    assert!(began.elapsed() < LIMIT + Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_takes_a_little_now_and_then_is_served_for_hours() {
    let (ours, mut theirs) = duplex(1 << 10);
    let mut stream = Stall::new(ours, Patience::new(LIMIT, CancellationToken::new()));
    let began = Instant::now();
    let reader = async {
        let mut taken = 0;
        let mut piece = [0; 64];
        while taken < 64 << 10 {
            tokio::time::sleep(LIMIT - Duration::from_secs(1)).await;
            taken += theirs.read(&mut piece).await.unwrap();
        }
    };

    let (written, ()) = tokio::join!(stream.write_all(&[0; 64 << 10]), reader);

    written.unwrap();
    assert!(began.elapsed() > Duration::from_secs(3 * 60 * 60));
}

#[tokio::test(start_paused = true)]
async fn time_in_which_nothing_waits_to_be_written_does_not_count() {
    let (ours, mut theirs) = duplex(1 << 10);
    let mut stream = Stall::new(ours, Patience::new(LIMIT, CancellationToken::new()));
    for _ in 0..3 {
        stream.write_all(&[0; 1 << 10]).await.unwrap();
        tokio::time::sleep(10 * LIMIT).await;
        theirs.read_exact(&mut [0; 1 << 10]).await.unwrap();
    }
    tokio::time::sleep(10 * LIMIT).await;

    // The clock that a write starts does not run on from an earlier one.
    let reader = async {
        tokio::time::sleep(LIMIT / 2).await;
        theirs.read_exact(&mut [0; 2 << 10]).await.unwrap();
    };
    let (written, ()) = tokio::join!(stream.write_all(&[0; 2 << 10]), reader);
    written.unwrap();
}

#[tokio::test(start_paused = true)]
async fn reading_has_no_limit() {
    let (ours, mut theirs) = duplex(1 << 10);
    let mut stream = Stall::new(ours, Patience::new(LIMIT, CancellationToken::new()));
    let writer = async {
        tokio::time::sleep(100 * LIMIT).await;
        theirs.write_all(b"late").await.unwrap();
    };
    let mut read = [0; 4];
    let (taken, ()) = tokio::join!(stream.read_exact(&mut read), writer);
    taken.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_stop_cuts_a_stream_that_nobody_reads_and_nothing_else() {
    for is_stream in [true, false] {
        let stop = CancellationToken::new();
        let patience = Patience::new(LIMIT, stop.clone());
        if is_stream {
            patience.mark().set();
        }
        let (ours, _theirs) = duplex(1 << 10);
        let mut stream = Stall::new(ours, patience);
        let began = Instant::now();
        let stopping = async {
            tokio::time::sleep(Duration::from_secs(5)).await;
            stop.cancel();
        };

        let (written, ()) = tokio::join!(stream.write_all(&[0; 1 << 20]), stopping);

        assert_eq!(written.unwrap_err().kind(), io::ErrorKind::TimedOut);
        let expected = if is_stream { Duration::from_secs(5) + AT_STOP } else { LIMIT };
        assert!(began.elapsed() >= expected, "{:?}", began.elapsed());
        assert!(began.elapsed() < expected + Duration::from_secs(1), "{:?}", began.elapsed());
    }
}

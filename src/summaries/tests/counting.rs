//! Promises about the pieces in which a summary is counted.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};

use async_trait::async_trait;

use super::*;
use crate::store::summaries::UserEvents;

/// What a piece takes of the database's time.
const PIECE: Duration = Duration::from_millis(4);
/// What a whole account does.
const WHOLE: Duration = Duration::from_secs(1);

/// Accounts that are named after the number of their pieces. Each piece is one
/// millisecond long, and has one event of a user who is in every piece and one
/// of a user who is in no other.
#[derive(Default)]
struct PiecewiseStore {
    running: AtomicUsize,
    most_running: AtomicUsize,
    pieces: AtomicUsize,
    wholes: AtomicUsize,
    /// The first millisecond has more events than fit into a piece.
    is_dense: AtomicBool,
}

#[async_trait]
impl AccountStore for PiecewiseStore {
    async fn summary(&self, _: &SummaryRange, _: Duration) -> Result<Summary, QueryError> {
        self.wholes.fetch_add(1, SeqCst);
        tokio::time::sleep(WHOLE).await;
        Ok(Summary {
            total: 77,
            ..Summary::default()
        })
    }

    async fn piece(
        &self,
        range: &SummaryRange,
        max_events: usize,
        limit: Duration,
    ) -> Result<Option<Piece>, QueryError> {
        assert_eq!(max_events, LIMITS.piece_events);
        if limit < PIECE {
            tokio::time::sleep(limit).await;
            return Err(QueryError::OutOfTime(limit));
        }
        let running = self.running.fetch_add(1, SeqCst) + 1;
        self.most_running.fetch_max(running, SeqCst);
        tokio::time::sleep(PIECE).await;
        self.running.fetch_sub(1, SeqCst);
        self.pieces.fetch_add(1, SeqCst);
        if self.is_dense.load(SeqCst) {
            return Ok(None);
        }
        let last: i64 = range.account_id.parse().unwrap();
        let begin = Window::Last24h.ends(noon()).0;
        let number = range.from.as_millis() - begin.as_millis() + 1;
        Ok(Some(Piece {
            types: vec![("t".to_owned(), 2)],
            users: vec![
                ("faithful".to_owned(), 1),
                (format!("of piece {number:06}"), 1),
            ],
            rest: (number < last).then(|| range.from.plus_millis(1)),
        }))
    }

    async fn account_ends(&self, _: Duration) -> Result<Option<(String, String)>, QueryError> {
        Ok(None)
    }

    async fn accounts_from(
        &self,
        _: &str,
        _: usize,
        _: Duration,
    ) -> Result<Vec<String>, QueryError> {
        Ok(Vec::new())
    }
}

struct Counter {
    store: Arc<PiecewiseStore>,
    is_writing: Arc<AtomicBool>,
    summaries: Arc<Summaries>,
}

impl Counter {
    fn new(limits: Limits) -> Self {
        let store = Arc::<PiecewiseStore>::default();
        let is_writing = Arc::<AtomicBool>::default();
        let clock = Arc::new(SetClock(Mutex::new(noon())));
        let asked = Arc::clone(&is_writing);
        let summaries = Summaries::new(
            Arc::clone(&store) as Arc<dyn AccountStore>,
            clock,
            limits,
            Arc::new(move || asked.load(SeqCst)),
        );
        Self {
            store,
            is_writing,
            summaries,
        }
    }

    /// The summary of an account of so many pieces, and how long it took.
    async fn count(&self, pieces: usize) -> (Result<Summary, SummaryError>, Duration) {
        let began = Instant::now();
        let answer = self.summaries.summary(of(&pieces.to_string())).await;
        let summary = answer.map(|answer| answer.counted.summary.clone());
        (summary, began.elapsed())
    }
}

#[tokio::test(start_paused = true)]
async fn pieces_make_up_the_whole() {
    let (summary, took) = Counter::new(LIMITS).count(250).await;
    let summary = summary.unwrap();
    assert_eq!(summary.total, 500);
    assert_eq!(summary.unique_users, 251);
    let first = UserEvents {
        user_id: "faithful".to_owned(),
        events: 250,
    };
    assert_eq!(summary.top_users[0], first);
    assert_eq!(summary.top_users[1].user_id, "of piece 000001");
    assert_eq!(took, 250 * PIECE, "nothing is written, so nothing waits");
}

#[tokio::test(start_paused = true)]
async fn while_events_are_written_each_piece_is_followed_by_a_pause_as_long() {
    let counter = Counter::new(LIMITS);
    counter.is_writing.store(true, SeqCst);
    let (summary, took) = counter.count(250).await;
    assert_eq!(summary.unwrap().total, 500);
    assert_eq!(took, 250 * PIECE + 249 * PIECE);
}

#[tokio::test(start_paused = true)]
async fn a_summary_stops_giving_way_when_half_of_its_time_is_gone() {
    let limits = Limits {
        query_timeout: 200 * PIECE,
        ..LIMITS
    };
    let counter = Counter::new(limits);
    counter.is_writing.store(true, SeqCst);
    let (summary, took) = counter.count(140).await;
    assert_eq!(summary.unwrap().total, 280);
    // The first 8 before it was known to have many, then 50, then those left.
    assert_eq!(took, 2 * 8 * PIECE + 2 * 50 * PIECE + 82 * PIECE);
}

#[tokio::test(start_paused = true)]
async fn the_time_of_a_summary_is_that_of_all_its_pieces() {
    let limits = Limits {
        query_timeout: 100 * PIECE,
        ..LIMITS
    };
    let (told, took) = Counter::new(limits).count(109).await;
    let is_told = matches!(
        told,
        Err(SummaryError::Query(QueryError::OutOfTime(limit))) if limit == limits.query_timeout
    );
    assert!(is_told, "{told:?}");
    assert_eq!(took, (8 + 100) * PIECE);
}

#[tokio::test(start_paused = true)]
async fn accounts_with_few_events_do_not_wait_for_those_with_many() {
    let limits = Limits {
        max_queries: 1,
        max_counting: 8,
        ..LIMITS
    };
    let counter = Counter::new(limits);
    let mut many = Vec::new();
    for pieces in 1000..1012 {
        many.push(ask(&counter.summaries, &pieces.to_string()).await);
    }
    // Until they turn out to have many.
    tokio::time::sleep(200 * PIECE).await;
    for few in 1..5 {
        let (summary, took) = counter.count(few).await;
        assert!(summary.is_ok(), "{summary:?}");
        assert!(took <= 2 * few as u32 * PIECE, "{took:?} for {few} pieces");
    }
    assert_eq!(counter.store.most_running.load(SeqCst), 1);
    let many = futures_util::future::join_all(many).await;
    let (counted, refused): (Vec<_>, Vec<_>) = many
        .into_iter()
        .map(|answer| answer.unwrap())
        .partition(Result::is_ok);
    assert_eq!(counted.len(), 1);
    for refused in refused {
        assert!(matches!(refused, Err(SummaryError::Busy)), "{refused:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn accounts_with_many_events_have_all_of_the_time_once_it_is_their_turn() {
    let limits = Limits {
        query_timeout: 120 * PIECE,
        max_wait: 1000 * PIECE,
        max_queries: 1,
        max_counting: 8,
        ..LIMITS
    };
    let counter = Counter::new(limits);
    let mut asked = Vec::new();
    for pieces in 100..104 {
        asked.push(ask(&counter.summaries, &pieces.to_string()).await);
    }
    for answer in futures_util::future::join_all(asked).await {
        let answer = answer.unwrap();
        assert!(answer.is_ok(), "{answer:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn more_users_than_there_is_memory_for_are_counted_at_one_go() {
    let limits = Limits {
        max_counting_bytes: 10 * 1024,
        ..LIMITS
    };
    let counter = Counter::new(limits);
    let (summary, _) = counter.count(1000).await;
    assert_eq!(summary.unwrap().total, 77);
    assert_eq!(counter.store.wholes.load(SeqCst), 1);
    let pieces = counter.store.pieces.load(SeqCst);
    assert!((80..150).contains(&pieces), "{pieces}");
    // What the first one held is free again.
    let (summary, _) = counter.count(80).await;
    assert_eq!(summary.unwrap().total, 160);
}

#[tokio::test(start_paused = true)]
async fn more_events_in_a_millisecond_than_a_piece_holds_are_counted_at_one_go() {
    let counter = Counter::new(LIMITS);
    counter.store.is_dense.store(true, SeqCst);
    let (summary, took) = counter.count(10).await;
    assert_eq!(summary.unwrap().total, 77);
    assert_eq!(took, PIECE + WHOLE);
}

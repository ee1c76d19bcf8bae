//! Which index answers for journeys.
//!
//! Ours begins with the [period](super::periods). Two others count besides: that
//! of an older version begins with the user, and is replaced while the service
//! works ([`takeover`](super::takeover)); and behind `mongos` it stays, for a
//! collection that is sharded by the user needs an index that begins with it,
//! and each shard has a part of it only.

use std::sync::atomic::{AtomicBool, Ordering};

use bson::{Document, doc};
use mongodb::error::Error;

use super::errors::code_of;

/// How journeys are indexed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// By the user, in order of time.
    ByUser,
    /// By the period, then as above.
    ByPeriod,
}

impl Layout {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::ByUser, Self::ByPeriod];

    /// What is wanted of a server that describes itself so. Behind `mongos`, an
    /// index that begins with the user is there anyway, or will be needed once the
    /// collection is sharded.
    pub fn wanted(hello: &Document) -> Self {
        if is_mongos(hello) { Self::ByUser } else { Self::ByPeriod }
    }

    /// The keys of its index.
    pub fn keys(self) -> Document {
        match self {
            Self::ByUser => doc! { "userId": 1, "occurredAt": 1, "arrival": 1 },
            Self::ByPeriod => doc! { "period": 1, "userId": 1, "occurredAt": 1, "arrival": 1 },
        }
    }

    fn other(self) -> Self {
        match self {
            Self::ByUser => Self::ByPeriod,
            Self::ByPeriod => Self::ByUser,
        }
    }
}

/// The layout that reads go by.
///
/// Where both indexes are there, that of the user has to be used: an older version
/// made it, and may have written documents without their period.
#[derive(Default)]
pub struct LayoutInUse {
    is_by_period: AtomicBool,
}

impl LayoutInUse {
    /// In which order indexes are to be tried; with none of them left, a journey
    /// is found without.
    pub fn candidates(&self) -> [Option<Layout>; 3] {
        let first = self.get();
        [Some(first), Some(first.other()), None]
    }

    /// Reads go by it from now on.
    pub fn set(&self, layout: Layout) {
        self.is_by_period.store(layout == Layout::ByPeriod, Ordering::Relaxed);
    }

    fn get(&self) -> Layout {
        if self.is_by_period.load(Ordering::Relaxed) { Layout::ByPeriod } else { Layout::ByUser }
    }
}

/// Whether a server that describes itself so is a router of a sharded cluster.
pub fn is_mongos(hello: &Document) -> bool {
    hello.get_str("msg").is_ok_and(|message| message == "isdbgrid")
}

/// Whether a query failed because its index is not there, not ready, or was
/// dropped while it ran: another instance may have replaced it.
pub fn lacks_index(error: &Error) -> bool {
    const BAD_VALUE: i32 = 2;
    const QUERY_PLAN_KILLED: i32 = 175;
    match code_of(error) {
        Some(QUERY_PLAN_KILLED) => true,
        Some(BAD_VALUE) => error.to_string().contains("hint"),
        _ => false,
    }
}

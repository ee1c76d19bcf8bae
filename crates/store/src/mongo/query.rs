//! A range of a journey as a query that one index scan answers, at the same
//! cost on the first page and on the thousandth.
//!
//! For that the place to go on from is said twice: as a bound on `occurredAt`,
//! which becomes a bound of the scan, and as an `$or` that drops the events of
//! the same millisecond that came before.

use bson::spec::BinarySubtype;
use bson::{Binary, Bson, DateTime, Document, doc};
use trailkeep_event::{Arrival, StoreId, Timestamp};

use super::layout::Layout;
use super::periods::Periods;
use crate::{JourneyRange, Order};

/// The documents of a range from a place on, itself included, for the index of a
/// layout.
///
/// Always bounded in time at both ends: `occurredAt` values that are no dates,
/// or dates that RFC 3339 cannot write, have no place in a journey, and here
/// they cost nothing.
pub fn filter(
    range: &JourneyRange,
    start: Option<(Timestamp, Arrival)>,
    layout: Layout,
    known: &Periods,
) -> Document {
    let mut earliest = range.from.unwrap_or(Timestamp::from_millis_clamped(i64::MIN));
    let mut latest = range.to.unwrap_or(Timestamp::from_millis_clamped(i64::MAX));
    if let Some((time, _)) = start {
        match range.order {
            Order::Ascending => earliest = earliest.max(time),
            Order::Descending => latest = latest.min(time),
        }
    }
    let mut filter = doc! {
        "userId": &range.user_id,
        "occurredAt": { "$gte": date(earliest), "$lte": date(latest) },
    };
    if !range.types.is_empty() {
        filter.insert("type", doc! { "$in": &range.types });
    }
    if let Some(session_id) = &range.session_id {
        filter.insert("sessionId", session_id);
    }
    // What counts as 0 comes first in its millisecond: nothing is before it.
    if let Some((time, arrival)) = start
        && (arrival > Arrival::from_i64(0) || range.order == Order::Descending)
    {
        filter.insert("$or", from_on(time, arrival, range.order));
    }
    if layout == Layout::ByPeriod {
        filter.insert("period", periods(earliest, latest, known));
    }
    filter
}

/// The periods of what happened between two moments, as one range of the index
/// that the server passes through by skipping from user to user. It is open where
/// there may be periods that are not known.
pub fn periods(earliest: Timestamp, latest: Timestamp, known: &Periods) -> Bson {
    let start = |time| known.start_of(time).map(DateTime::from_millis);
    match (start(earliest), start(latest), known.reach(latest)) {
        (None, None, true) => Bson::Null,
        // What has no period comes first; a comparison with a date would leave it out.
        (None, Some(last), true) => doc! { "$not": { "$gt": last } }.into(),
        (None, _, false) => doc! { "$gte": Bson::MinKey }.into(),
        (Some(first), Some(last), true) => doc! { "$gte": first, "$lte": last }.into(),
        (Some(first), _, _) => doc! { "$gte": first }.into(),
    }
}

/// The order of a journey, which is that of its index in one direction or the
/// other.
pub fn sort(order: Order, layout: Layout) -> Document {
    let direction = match order {
        Order::Ascending => 1,
        Order::Descending => -1,
    };
    let of_user = doc! { "occurredAt": direction, "arrival": direction };
    match layout {
        Layout::ByUser => of_user,
        Layout::ByPeriod => doc! { "period": direction }.into_iter().chain(of_user).collect(),
    }
}

/// The documents with these identities.
pub fn any_of(ids: &[StoreId]) -> Document {
    let ids: Vec<Bson> = ids.iter().map(binary).collect();
    doc! { "_id": { "$in": ids } }
}

/// What is at a place and what comes after it.
fn from_on(time: Timestamp, arrival: Arrival, order: Order) -> Vec<Document> {
    let (time, arrival) = (date(time), arrival.as_i64());
    match order {
        Order::Ascending => vec![
            doc! { "occurredAt": { "$gt": time } },
            doc! { "occurredAt": time, "arrival": { "$gte": arrival } },
        ],
        Order::Descending => vec![
            doc! { "occurredAt": { "$lt": time } },
            doc! { "occurredAt": time, "arrival": { "$lte": arrival } },
            // No arrival counts as 0, but `$lte` does not match it.
            doc! { "occurredAt": time, "arrival": null },
        ],
    }
}

fn date(moment: Timestamp) -> DateTime {
    DateTime::from_millis(moment.as_millis())
}

fn binary(id: &StoreId) -> Bson {
    Bson::Binary(Binary { subtype: BinarySubtype::Uuid, bytes: id.as_bytes().to_vec() })
}

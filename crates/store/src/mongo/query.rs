//! A range of a journey as a query that scans of one index answer, at the same
//! cost on the first page and on the thousandth.
//!
//! Each id is a branch of an `$or`, which is one scan; the server merges what they
//! give, in the order of the index. An `$in` would do where the index begins with the
//! user. Where it begins with the period the server reads the whole ranges and sorts.
//!
//! The place to go on from makes two scans of each branch: what shares its
//! millisecond, and what comes after. As one scan with a condition on both, the
//! server would make an `$or` in the `$or` of it, and try several plans.

use bson::spec::BinarySubtype;
use bson::{Binary, Bson, DateTime, Document, doc};
use trailkeep_event::{Arrival, StoreId, Timestamp};

use super::layout::Layout;
use super::periods::Periods;
use crate::{Id, JourneyRange, Order};

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
    let mut branches = Vec::with_capacity(2 * range.ids.len());
    for id in &range.ids {
        let scans = Branch::of(range, id).from(start, range.order);
        branches.extend(scans.into_iter().flatten().map(|scan| scan.filter(layout, known)));
    }
    let mut filter = match branches.len() {
        1 => branches.remove(0),
        // No id, or none with anything left: an `$or` of nothing is an error.
        0 => doc! { "userId": { "$in": [] } },
        _ => doc! { "$or": branches },
    };
    if !range.types.is_empty() {
        filter.insert("type", doc! { "$in": &range.types });
    }
    if let Some(session_id) = &range.session_id {
        filter.insert("sessionId", session_id);
    }
    filter
}

/// One scan: what an id has between two moments.
#[derive(Clone, Copy)]
struct Branch<'a> {
    id: &'a str,
    earliest: Timestamp,
    latest: Timestamp,
    /// No number below it.
    lowest: Option<Arrival>,
    /// No number above it.
    highest: Option<Arrival>,
}

impl<'a> Branch<'a> {
    fn of(range: &JourneyRange, id: &'a Id) -> Self {
        Self {
            id: &id.id,
            earliest: range.from.unwrap_or(Timestamp::from_millis_clamped(i64::MIN)),
            latest: range.to.map_or(id.latest(), |to| to.min(id.latest())),
            lowest: None,
            highest: id.highest(),
        }
    }

    /// The same from a place on, in this order.
    fn from(self, start: Option<(Timestamp, Arrival)>, order: Order) -> [Option<Self>; 2] {
        let Some((time, arrival)) = start else {
            return [Some(self), None];
        };
        let mut same = Self { earliest: time, latest: time, ..self };
        let mut rest = self;
        match order {
            // What counts as 0 comes first in its millisecond: nothing is before it.
            Order::Ascending if arrival <= Arrival::from_i64(0) => {
                return [Some(Self { earliest: self.earliest.max(time), ..self }), None];
            }
            Order::Ascending => {
                same.lowest = Some(arrival);
                rest.earliest = rest.earliest.max(time.plus_millis(1));
            }
            Order::Descending => {
                same.highest = Some(self.highest.map_or(arrival, |highest| highest.min(arrival)));
                rest.latest = rest.latest.min(time.plus_millis(-1));
            }
        }
        let is_in_range = (self.earliest..=self.latest).contains(&time);
        [is_in_range.then_some(same), (rest.earliest <= rest.latest).then_some(rest)]
    }

    fn filter(&self, layout: Layout, known: &Periods) -> Document {
        let time = doc! { "$gte": date(self.earliest), "$lte": date(self.latest) };
        let mut filter = doc! { "userId": self.id, "occurredAt": time };
        let mut arrival = Document::new();
        if let Some(lowest) = self.lowest {
            arrival.insert("$gte", lowest.as_i64());
        }
        if let Some(highest) = self.highest {
            // No arrival counts as 0, but `$lte` does not match it.
            arrival.insert("$not", doc! { "$gt": highest.as_i64() });
        }
        if !arrival.is_empty() {
            filter.insert("arrival", arrival);
        }
        if layout == Layout::ByPeriod {
            filter.insert("period", periods(self.earliest, self.latest, known));
        }
        filter
    }
}

/// The periods of what happened between two moments, as one range of the index
/// that the server passes through by skipping from user to user. It is open where
/// there may be periods that are not known.
///
/// No range is ever `period: null`: the server can tell that from a missing field only
/// by the document, and a merge of scans takes a field that a document lacks for
/// earlier than the null that the index has for it. So events without a period would
/// come in two orders, by which of the scans they are from.
pub fn periods(earliest: Timestamp, latest: Timestamp, known: &Periods) -> Bson {
    let start = |time| known.start_of(time).map(DateTime::from_millis);
    match (start(earliest), start(latest), known.reach(latest)) {
        // What has no period comes first; a comparison with a date would leave it out.
        (None, None, true) => doc! { "$not": { "$gte": DateTime::MIN } }.into(),
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

fn date(moment: Timestamp) -> DateTime {
    DateTime::from_millis(moment.as_millis())
}

fn binary(id: &StoreId) -> Bson {
    Bson::Binary(Binary { subtype: BinarySubtype::Uuid, bytes: id.as_bytes().to_vec() })
}

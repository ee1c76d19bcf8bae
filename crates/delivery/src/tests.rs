#![allow(clippy::unwrap_used)]

mod feed;
mod lease;
mod reader;
mod window;

use trailkeep_event::{Arrival, StoreId};

use crate::{Entry, Process, UserKey};

fn entry(number: u8) -> Entry {
    Entry {
        user: UserKey([number; 16]),
        id: StoreId::from_bytes([number; 16]),
        arrival: Arrival::from_i64(i64::from(number)),
    }
}

fn process(number: u8) -> Process {
    Process([number; 8])
}

//! What an `ErasureStore` promises, with the stores whose things it finds and removes.

pub mod blocking;
pub mod instances;
pub mod mentions;
pub mod pending_removed;
pub mod receipts;
pub mod removals;
pub mod samples;
pub mod traces;

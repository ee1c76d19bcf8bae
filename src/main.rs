//! Trailkeep.
fn main() {}

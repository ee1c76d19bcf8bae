//! Whether the service is well, and what it counts. Told by the parts that know;
//! read by monitors.

pub mod health;
pub mod statistics;

//! Whether the service is well, what it counts, which build it is, and the memory
//! and the disk that it has. Told by the parts that know; read by monitors.

pub mod disk;
pub mod health;
pub mod history;
pub mod memory;
pub mod names;
pub mod refusals;
pub mod statistics;
pub mod version;

//! Which build this is.

use prometheus::{IntGauge, Opts, Registry};

use super::names;

/// The version of the program.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The commit that it was built from; `unknown` where the build could not tell.
pub const COMMIT: &str = env!("TRAILKEEP_COMMIT");

/// Both, for people.
pub const FULL: &str = concat!(env!("CARGO_PKG_VERSION"), " (", env!("TRAILKEEP_COMMIT"), ")");

/// Adds both to what `/metrics` says, as labels.
pub fn register(registry: &Registry) -> Result<(), prometheus::Error> {
    let (name, help) = names::BUILD_INFO;
    let opts = Opts::new(name, help).const_label("version", VERSION).const_label("commit", COMMIT);
    let gauge = IntGauge::with_opts(opts)?;
    gauge.set(1);
    registry.register(Box::new(gauge))
}

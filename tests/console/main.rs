//! Browser tests of the console: the real binary, Debian's Chromium, its driver.
//!
//! Where there is no Chromium these tests are left out, and say so; with `CI` or
//! `TRAILKEEP_REQUIRE_TOOLS=1` in the environment they fail. The tests share one
//! driver and, where they do nothing to it that others would see, one service
//! ([`stage`]); each has a browser of its own, with an empty profile. The names of the
//! tests are the promises they check; whatever a page violates of its policy and every
//! script error fails the test that saw it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use trailkeep_testkit::browser;

mod axe;
mod stage;
mod story;
mod views;

mod every_view;
mod finding;
mod hostile;
mod keyboard;
mod live;
mod pictures;
mod reading;
mod scriptless;
mod sessions;
mod sizes;
mod trouble;

//! Tests with the SDKs of other collectors as their registries have them: nothing but host
//! and key is set.
//!
//! Each tracks through its own queue while the service is killed and comes back, and while
//! it refuses everything for a while. What was tracked is held against the journeys. Where
//! there is no node, npm or python3 with pip the tests are left out, and say so; with `CI`
//! or `TRAILKEEP_REQUIRE_TOOLS=1` in the environment they fail.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod delivery;
mod packages;
mod sdk;

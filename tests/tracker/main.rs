//! Tests of the tracker for pages: the real binary, Debian's Chromium, pages of another
//! origin than the service, and somebody between the two who does what networks do.
//!
//! What a page tracked is held against what the journey of its visitor has: nothing is lost
//! and nothing is there twice. Where there is no Chromium these tests are left out, and say
//! so; with `CI` or `TRAILKEEP_REQUIRE_TOOLS=1` in the environment they fail.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod gate;
mod net;
mod site;
mod visit;

mod answers;
mod bounds;
mod consent;
mod deeds;
mod keeping;
mod pages;
mod policy;
mod served;
mod sessions;
mod tabs;

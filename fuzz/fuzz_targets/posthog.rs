//! Any bytes as a body of PostHog's SDKs. How to run it stands at the head of `body.rs`: the
//! same, with `posthog` for `body` and `fuzz/seeds/posthog` for the seeds.

#![no_main]

mod dialects;

use libfuzzer_sys::fuzz_target;
use trailkeep_event::dialect::posthog::{Unwanted, read};

fuzz_target!(|body: &[u8]| {
    let unwanted: Unwanted = ["$snapshot"].map(Box::from).into_iter().collect();
    dialects::on_terms(|terms| dialects::check(&read(body, None, &unwanted, terms)));
});

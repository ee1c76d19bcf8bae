//! Any bytes as a batch, and as a call, of Segment's or RudderStack's SDKs. How to run it
//! stands at the head of `body.rs`: the same, with `segment` for `body` and
//! `fuzz/seeds/segment` for the seeds.

#![no_main]

mod dialects;

use libfuzzer_sys::fuzz_target;
use trailkeep_event::dialect::segment::{Call, read_batch, read_call};

fuzz_target!(|body: &[u8]| {
    dialects::on_terms(|terms| {
        for is_import in [false, true] {
            dialects::check(&read_batch(body, is_import, terms));
        }
        for call in [Call::Track, Call::Identify, Call::Group, Call::Alias] {
            dialects::check(&read_call(body, call, terms));
        }
    });
});

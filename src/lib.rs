//! Trailkeep collects events that trackers post, keeps them, and gives a
//! user's journey back.
//!
//! # The way of an event
//!
//! ```text
//! HTTP body -> drafts -> Event -> journal -> buffer -> flusher -> store
//!                                               |                   |
//!                                   journey <---+-------------------+
//! ```
//!
//! To follow one, read these six files in this order:
//!
//! 1. `http/events.rs`: bytes, media type and encoding; the answer.
//! 2. `event/wire.rs`: the body becomes drafts, in one pass.
//! 3. `event/normalize.rs`: each rule about events; a draft becomes an
//!    [`Event`](event::Event) or a list of faults.
//! 4. `pipeline/admission.rs`: room for the whole batch, or none of it; onto the
//!    disk, and into the buffer.
//! 5. `pipeline/flusher.rs`: when a batch goes out, and what happens when that
//!    fails.
//! 6. `store/mongo/insert.rs` or `store/embedded/writer.rs`: into the database.
//!
//! # Where things are
//!
//! | module | what it knows |
//! | --- | --- |
//! | [`event`] | what an event is; pure, imports nothing of ours |
//! | [`store`] | one trait, two homes: MongoDB and an embedded SQLite file |
//! | [`pipeline`] | from accepted to stored: journal, buffer, flusher, health, counters |
//! | [`journey`] | stored and buffered events as one list; cursors, exports |
//! | [`summaries`] | events of business accounts, counted; what is kept, what may run |
//! | [`http`] | the HTTP contract; alone knows status codes |
//! | [`config`] | every setting, where it came from, what is allowed |
//! | [`seed`] | sample data: the events of an invented shop; pure, uses `event` alone |
//! | [`telemetry`] | logs, names of metrics, memory |
//! | [`access`] | accounts, sessions, tokens, write keys, limits, the audit trail |
//! | [`app`] | puts the parts together, starts and stops them in order |
//! | [`shutdown`] | signals and exit codes |
//! | [`cli`] | arguments in, exit code out |
//!
//! Imports point one way:
//! `http -> {journey, summaries, pipeline, access} -> store -> event`.

pub mod access;
pub mod app;
pub mod cli;
pub mod config;
pub mod event;
pub mod http;
pub mod journey;
pub mod pipeline;
pub mod seed;
pub mod shutdown;
pub mod store;
pub mod summaries;
pub mod telemetry;

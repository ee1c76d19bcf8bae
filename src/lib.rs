//! Trailkeep collects events that trackers post, keeps them, and gives a
//! user's journey back.
//!
//! # The way of an event
//!
//! ```text
//! who? full? -> body -> event -> journal, synced -> 202
//!                                   |
//!                      backlog -----+--> queue, one FIFO a user
//!                                          |          |
//!                                      journeys     writer --> store --> ack
//! ```
//!
//! An event goes one way, and the only thing that comes back is the
//! acknowledgement. To follow one, read these files in this order; the first, the
//! fifth and the tenth call what comes after them one by one:
//!
//! 1. `src/http/events.rs`: who sends, and what is answered.
//! 2. `src/http/body.rs`: bytes, media type and encoding, within limits.
//! 3. `crates/event/src/wire.rs`: the body becomes drafts, in one pass.
//! 4. `crates/event/src/normalize.rs`: each rule about events; a draft becomes an
//!    [`Event`](trailkeep_event::Event) or a list of faults.
//! 5. `src/ingest/admission.rs`: all of the batch, or none of it. Whether it is full is
//!    asked of the [room](ingest::room) alone.
//! 6. `src/ingest/record.rs`: the batch becomes a record.
//! 7. `crates/journal/src/writer.rs`: onto the disk (`disk.rs` beside it syncs), with
//!    all that comes at the same time. Then it calls what admission handed in.
//! 8. `src/ingest/backlog.rs`: accepted and not stored; memory holds its head.
//! 9. `src/ingest/queue.rs`: a FIFO for each user.
//! 10. `src/ingest/writer.rs`: takes from the queue when a write is due; what follows
//!     what the store says.
//! 11. `src/ingest/bisect.rs`: an event that the store chokes on is found among the
//!     others.
//! 12. `crates/store/src/mongo/mod.rs` or `crates/store/src/embedded/mod.rs`, behind
//!     the trait [`Store`](trailkeep_store::Store): into the database, by `insert.rs`
//!     and `writer.rs` beside them.
//!
//! What the store answered goes back through `src/ingest/ack.rs`: room is given back,
//! and the journal may forget, once `src/ingest/feeding.rs` has told processors of what
//! is stored. How events go on from there is at the head of [`processing`].
//!
//! # Where things are
//!
//! | crate | what it knows |
//! | --- | --- |
//! | [`trailkeep_event`] | what an event is; pure, imports nothing of ours |
//! | [`trailkeep_journal`] | an append-only log of opaque records on disk; imports nothing of ours |
//! | [`trailkeep_delivery`] | whose event goes to a processor next; pure, model-checked |
//! | [`trailkeep_store`] | what is kept: small traits, two homes, MongoDB and an embedded SQLite file |
//!
//! | module | what it knows |
//! | --- | --- |
//! | [`ingest`] | from accepted to stored: room, backlog, queue, writers |
//! | [`monitoring`] | whether the service is well, what it counts, which build it is, the memory and the disk it has |
//! | [`dead_letters`] | what a person does about events that the database refused |
//! | [`people`] | who is who: what events say of ids, and what is known to be kept of it |
//! | [`journeys`] | stored and not yet stored events as one list; cursors, exports |
//! | [`privacy`] | what has to do with a person's rights to their data: all that is known, as a file |
//! | [`live`] | accepted events as they come, of a user or of this instance |
//! | [`processing`] | users' events on their way to processors over HTTP |
//! | [`summaries`] | events of business accounts, counted; what is kept, what may run |
//! | [`http`] | the HTTP contract; alone knows which status is answered |
//! | [`console`] | the pages: one file a page, its template beside it |
//! | [`config`] | every setting, where it came from, what is allowed |
//! | [`seed`] | sample data: the events of an invented shop; pure, uses `event` alone |
//! | [`telemetry`] | logs |
//! | [`access`] | accounts, sessions, tokens, write keys, limits, the audit trail, and what pages show for the team |
//! | [`app`] | puts the parts together, starts and stops them in order |
//! | [`shutdown`] | signals and exit codes |
//! | [`backoff`] | how long to wait before the next try |
//! | [`origins`] | what a browser sends as the origin of a page |
//! | [`cli`] | arguments in, exit code out |
//!
//! Imports point one way: `cli -> app -> console -> http -> {journeys, processing, summaries,
//! dead_letters, seed} -> ingest -> people -> {access, monitoring} -> store -> delivery ->
//! event`. Who may import what stands beside that (`journal`, `config`, `telemetry`,
//! [`shutdown`], [`backoff`], [`origins`]) is in `tests/house/order.rs`, which holds all of it.

pub mod access;
pub mod app;
pub mod backoff;
pub mod cli;
pub mod config;
pub mod console;
pub mod dead_letters;
pub mod http;
pub mod ingest;
pub mod journeys;
pub mod live;
pub mod monitoring;
pub mod origins;
pub mod people;
pub mod privacy;
pub mod processing;
pub mod seed;
pub mod shutdown;
pub mod summaries;
pub mod telemetry;

//! The HTTP contract: one file a resource. This layer alone knows status
//! codes; it knows no rule about events.
//!
//! `routes` lists all routes, and [`state`] is what their handlers work with; what of it a
//! reload may change is in [`terms`].
//! [`server`] accepts connections, [`trace`] gives each request its id and its
//! log line, [`path`] and [`body`] read what was sent, and [`problem`] is the one
//! shape in which errors are answered. Who may call a route stands in its handler's
//! signature, by the extractors of [`guard`]; [`peer`] knows the shell by its connection.

pub mod accounts;
pub mod audit;
pub mod auth;
pub mod body;
pub mod browser;
pub mod budget;
pub mod dead_letters;
pub mod docs;
pub mod encoding;
pub mod erasures;
pub mod etag;
pub mod events;
pub mod guard;
pub mod health;
pub mod input;
pub mod instances;
pub mod journeys;
pub mod links;
pub mod listener;
pub mod live;
pub mod metrics;
pub mod on_terms;
pub mod own_address;
pub mod own_sessions;
pub mod paging;
pub mod path;
pub mod peer;
pub mod posting;
pub mod privacy;
pub mod problem;
pub mod processors;
pub mod query;
pub mod reason;
pub mod refused;
pub mod reload;
mod routes;
pub mod same_origin;
pub mod search;
pub mod server;
pub mod sessions;
pub mod staff;
pub mod stall;
pub mod state;
pub mod stats;
pub mod team;
pub mod terms;
mod to_its_end;
pub mod tokens;
pub mod trace;
pub mod tracker;
pub mod users;
pub mod wires;
pub mod write_keys;
pub mod writing;

pub use routes::{router, with_sessions};
pub use state::{Options, Service, SessionOptions};

//! POST /events: what is taken, what is refused, and how that is said.

mod checking;
mod cors;
mod fields;
mod forms;
mod limits;
mod older;
mod published;
mod refusals;
mod routes;
mod waiting;

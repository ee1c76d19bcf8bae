//! From the 202 to the database, and what stands in the way.

mod backpressure;
mod counts;
mod outages;
mod shares;

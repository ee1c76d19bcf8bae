//! What processing keeps, as a MongoDB keeps it.

mod concerns;
mod documents;
mod faults;
mod indexes;
mod plans;
mod walking;

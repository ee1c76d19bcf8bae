//! The staff, and the tokens of machines.

mod everybody;
pub mod person;
mod roles;
pub mod tokens;

pub use everybody::{add, make_token, page, to_page};

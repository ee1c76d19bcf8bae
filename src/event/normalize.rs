//! To come.
/// To come.
pub struct Rules;

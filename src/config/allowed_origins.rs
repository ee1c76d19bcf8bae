//! Whose pages may post events.

use serde::Deserialize;

use crate::origins::{self, is_origin};

/// The origins that cross-origin requests may come from.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Vec<String>")]
pub enum AllowedOrigins {
    /// Any page's.
    Any,
    /// Only these, each as browsers send it in `Origin`; none if empty.
    Listed(Vec<String>),
}

impl TryFrom<Vec<String>> for AllowedOrigins {
    /// What is allowed.
    type Error = String;

    fn try_from(origins: Vec<String>) -> Result<Self, String> {
        if let [only] = &origins[..]
            && only == "*"
        {
            return Ok(Self::Any);
        }
        match origins.iter().find(|origin| !is_origin(origin)) {
            None => Ok(Self::Listed(origins)),
            Some(wrong) => Err(format!(
                "must be \"*\" alone, or origins as browsers send them; {wrong:?} is not {}",
                origins::FORM
            )),
        }
    }
}

#[cfg(test)]
mod tests;

//! An account that is to be made.

use trailkeep_event::Fault;

use crate::access::error::AccessError;
use crate::access::{email, password_rules};

const MAX_NAME_BYTES: usize = 200;

/// An account that is to be made, as somebody typed it.
#[derive(Clone)]
pub struct NewStaff {
    /// The address, in any form.
    pub email: String,
    /// How the person is called: 1 to 200 bytes.
    pub name: String,
    pub password: String,
}

/// The account with its values in their kept form, or all that is wrong.
pub(super) fn checked(new: NewStaff) -> Result<NewStaff, AccessError> {
    let mut faults = Vec::new();
    let email = email::normalize(&new.email).unwrap_or_else(|fault| {
        faults.push(fault);
        String::new()
    });
    if let Err(fault) = password_rules::check(&new.password, &email, "password") {
        faults.push(fault);
    }
    let name = new.name.trim().to_owned();
    if !(1..=MAX_NAME_BYTES).contains(&name.len()) || name.contains(char::is_control) {
        let rule = format!("must have 1 to {MAX_NAME_BYTES} bytes without control characters");
        faults.push(Fault::of("name", rule));
    }
    if faults.is_empty() {
        let password = new.password;
        Ok(NewStaff { email, name, password })
    } else {
        Err(AccessError::Invalid(faults))
    }
}

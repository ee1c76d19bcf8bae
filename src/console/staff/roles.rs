//! One of the staff, and what they may be.

use trailkeep_store::access::{Role, StaffAccount};

use crate::console::sight::{Sight, When};
use crate::http::guard::Staff;
use crate::http::query::Parameters;

/// Where the staff is.
pub const PAGE: &str = "/console/staff";

/// Roles: as forms call them, as people do, and what they are for.
pub const ROLES: [(Role, &str, &str, &str); 3] = [
    (Role::Support, "support", "Support", "looks at journeys"),
    (Role::Staff, "staff", "Staff", "looks at journeys and exports them"),
    (Role::Admin, "admin", "Administrator", "everything, this page too"),
];

/// One of the staff.
pub struct Person {
    pub name: String,
    pub email: String,
    pub role: &'static str,
    pub is_you: bool,
    pub is_disabled: bool,
    pub made: When,
    pub link: String,
}

impl Person {
    pub fn of(account: StaffAccount, staff: &Staff, sight: &Sight) -> Self {
        Self {
            role: role_name(account.role),
            is_you: account.id == staff.account.id,
            is_disabled: account.is_disabled,
            made: sight.date(account.created_at),
            link: format!("{PAGE}/{}", account.id),
            name: account.name,
            email: account.email,
        }
    }
}

/// A role, as people call it.
fn role_name(role: Role) -> &'static str {
    ROLES.iter().find(|(known, ..)| *known == role).map_or("", |(_, _, name, _)| *name)
}

/// The role that a form names.
pub fn role(form: &mut Parameters) -> (String, Option<Role>) {
    let text = form.text("role").unwrap_or_default();
    let role = ROLES.iter().find(|(_, known, ..)| *known == text).map(|(role, ..)| *role);
    if role.is_none() {
        form.fault("role", "must be support, staff or admin");
    }
    (text, role)
}

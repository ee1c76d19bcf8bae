//! Who pages for administrators are for.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use trailkeep_store::access::Role;

use crate::http::Service;
use crate::http::guard::Staff;
use crate::http::problem::Problem;

/// An administrator who is signed in: for the right, and for the frame of the page.
pub struct Administrator(pub Staff);

impl FromRequestParts<Arc<Service>> for Administrator {
    type Rejection = Problem;

    async fn from_request_parts(
        parts: &mut Parts,
        service: &Arc<Service>,
    ) -> Result<Self, Problem> {
        let staff = Staff::from_request_parts(parts, service).await?;
        match staff.account.role {
            Role::Admin => Ok(Self(staff)),
            Role::Staff | Role::Support => Err(Problem::admins_only()),
        }
    }
}

//! Who is at a page that is there also while the database is away.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use trailkeep_store::StoreError;

use super::frame::{Frame, Part};
use super::sight::Sight;
use crate::http::Service;
use crate::http::guard::{Monitor, Staff, is_known_before};
use crate::http::problem::Problem;

/// Somebody who may watch the service; `None` where it is only known that they were signed
/// in when the database could last be asked.
pub struct Watcher(Option<Staff>);

impl FromRequestParts<Arc<Service>> for Watcher {
    type Rejection = Problem;

    async fn from_request_parts(
        parts: &mut Parts,
        service: &Arc<Service>,
    ) -> Result<Self, Problem> {
        let _monitor = Monitor::from_request_parts(parts, service).await?;
        if is_known_before(parts) {
            return Ok(Self(None));
        }
        let staff = Staff::from_request_parts(parts, service).await;
        Ok(Self(staff.ok()))
    }
}

impl Watcher {
    /// What stands around the page.
    pub fn frame(&self, service: &Service, sight: Sight, part: Part, title: &str) -> Frame {
        match &self.0 {
            Some(staff) => Frame::new(service, staff, sight, part, title),
            None => Frame::while_away(service, sight, part, title),
        }
    }

    /// The person, for what only the database knows.
    pub fn staff(&self) -> Result<&Staff, Problem> {
        let away = || StoreError::Unavailable("it did not answer who this is".to_owned());
        self.0.as_ref().ok_or_else(|| away().into())
    }
}

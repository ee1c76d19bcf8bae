//! What somebody chose for this browser.

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Redirect, Response};

use super::failure;
use super::links::HOME;
use super::sight::{THEME, Theme};
use crate::http::input::Form;
use crate::http::problem::Problem;

/// For as long as browsers keep a cookie.
const YEAR: u32 = 34_560_000;

/// Keeps the colours, and goes back to where they were chosen.
pub async fn keep(Form(mut form): Form) -> Result<Response, Problem> {
    let theme = form.text("theme").as_deref().and_then(Theme::named);
    let back = form.text("back").unwrap_or_default();
    if theme.is_none() {
        form.fault("theme", "must be auto, light or dark");
    }
    form.finish()?;
    let name = theme.unwrap_or(Theme::Auto).name();

    let cookie = format!("{THEME}={name}; Path=/console; Max-Age={YEAR}; SameSite=Lax");
    let mut response = Redirect::to(failure::way_back(&back).unwrap_or(HOME)).into_response();
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

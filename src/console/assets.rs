//! What pages need beside themselves: one stylesheet, one script, one file of icons.
//!
//! `build.rs` puts them into the binary, compressed, under names that have their hash in
//! them; so browsers keep them for good, and a new version has new names.

use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};

use crate::http::encoding::takes_gzip;
use crate::http::path::PathText;
use crate::http::problem::Problem;

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

const FOR_GOOD: &str = "public, max-age=31536000, immutable";

/// One file.
pub struct Asset {
    file: &'static str,
    media_type: &'static str,
    plain: &'static [u8],
    gzip: &'static [u8],
}

/// A file by the name that pages have for it.
pub async fn asset(PathText(file): PathText, headers: HeaderMap) -> Response {
    let Some(asset) = ALL.iter().find(|asset| asset.file == file) else {
        return Problem::not_found().into_response();
    };
    let takes_gzip = takes_gzip(&headers);
    let mut response = if takes_gzip { asset.gzip } else { asset.plain }.into_response();
    let told = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, asset.media_type),
        (header::CACHE_CONTROL, FOR_GOOD),
        (header::VARY, "accept-encoding"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        told.insert(name, HeaderValue::from_static(value));
    }
    if takes_gzip {
        told.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

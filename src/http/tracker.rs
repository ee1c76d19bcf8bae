//! `GET /t.js`: the tracker for pages, and its builds by their hash.
//!
//! All builds of `web/tracker/builds/` are in the binary (`build.rs` puts them there), so
//! that a page that names one by its hash, and has the browser check it, never breaks.
//! Pages of any origin may read them: they are the same for everybody.

use axum::Router;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha384};
use utoipa::OpenApi;
use utoipa::openapi::OpenApi as Document;

use super::encoding::takes_gzip;
use super::etag;
use super::problem::{MEDIA_TYPE, Problem};

include!(concat!(env!("OUT_DIR"), "/tracker.rs"));

/// The path as the document has it before the setting.
const USUAL_PATH: &str = "/t.js";

/// An hour: a new version is in all pages by then.
const FOR_AN_HOUR: &str = "public, max-age=3600";

const FOR_GOOD: &str = "public, max-age=31536000, immutable";

/// One build.
pub struct Build {
    hash: &'static str,
    plain: &'static [u8],
    gzip: &'static [u8],
}

impl Build {
    /// The newest one.
    pub fn present() -> &'static Self {
        &BUILDS[PRESENT]
    }

    /// Where it is served for good: `/t.0123456789ab.js`.
    pub fn path(&self, tracker_path: &str) -> String {
        by_hash(tracker_path, self.hash)
    }

    /// What a page has its browser check it by: the attribute `integrity`.
    pub fn integrity(&self) -> String {
        format!("sha384-{}", STANDARD.encode(Sha384::digest(self.plain)))
    }

    fn answer(&self, request: &HeaderMap, cached: &'static str) -> Response {
        // Weak, for it is one tag of two encodings.
        let tag = etag::tag(self.plain);
        let mut response = if etag::has(request, &tag) {
            StatusCode::NOT_MODIFIED.into_response()
        } else if takes_gzip(request) {
            ([(header::CONTENT_ENCODING, "gzip")], self.gzip).into_response()
        } else {
            self.plain.into_response()
        };
        let told = response.headers_mut();
        if let Ok(tag) = HeaderValue::from_str(&format!("W/{tag}")) {
            told.insert(header::ETAG, tag);
        }
        for (name, value) in [
            (header::CONTENT_TYPE, "text/javascript; charset=utf-8"),
            (header::CACHE_CONTROL, cached),
            (header::VARY, "accept-encoding"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
            (HeaderName::from_static("cross-origin-resource-policy"), "cross-origin"),
        ] {
            told.insert(name, HeaderValue::from_static(value));
        }
        response
    }
}

fn by_hash(tracker_path: &str, hash: &str) -> String {
    let name = tracker_path.strip_suffix(".js").unwrap_or(tracker_path);
    format!("{name}.{hash}.js")
}

/// The routes, below the path of the setting.
pub fn router(tracker_path: &str) -> Router {
    let newest = Router::new().route(
        tracker_path,
        get(async |request: HeaderMap| Build::present().answer(&request, FOR_AN_HOUR)),
    );
    BUILDS.iter().fold(newest, |router, build| {
        let answer = async |request: HeaderMap| build.answer(&request, FOR_GOOD);
        router.route(&build.path(tracker_path), get(answer))
    })
}

/// The documentation of the routes, with the path of the setting.
pub fn document(tracker_path: &str) -> Document {
    let mut document = Described::openapi();
    let paths = std::mem::take(&mut document.paths.paths);
    document.paths.paths = paths
        .into_iter()
        .map(|(path, item)| match path == USUAL_PATH {
            true => (tracker_path.to_owned(), item),
            false => (by_hash(tracker_path, "{hash}"), item),
        })
        .collect();
    document
}

#[derive(OpenApi)]
#[openapi(paths(tracker_script, tracker_build))]
struct Described;

/// The tracker for pages
///
/// A script for a page's `<script>`, whose attributes are its options; docs/TRACKING.md has
/// them. It is asked for again after an hour.
#[utoipa::path(
    get,
    path = "/t.js",
    tag = "Events",
    responses(
        (status = 200, description = "The script.", body = String, content_type = "text/javascript"),
        (status = 304, description = "The client has it."),
    )
)]
#[expect(dead_code, reason = "what it documents is answered by `router`")]
fn tracker_script() {}

/// One build of the tracker
///
/// Any that was ever released, by its hash. It stays as it is, so that a page may have the
/// browser check it (`integrity`).
#[utoipa::path(
    get,
    path = "/t.{hash}.js",
    tag = "Events",
    params(("hash" = String, Path, description = "The beginning of its hash.", example = "0123456789ab")),
    responses(
        (status = 200, description = "The script.", body = String, content_type = "text/javascript"),
        (status = 304, description = "The client has it."),
        (status = 404, description = "There is no such build.", body = Problem, content_type = MEDIA_TYPE),
    )
)]
#[expect(dead_code, reason = "what it documents is answered by `router`")]
fn tracker_build() {}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a page may cost whoever opens it.
    const MOST_BYTES: usize = 2560;

    #[test]
    fn the_present_build_is_as_small_as_was_promised() {
        let size = Build::present().gzip.len();
        assert!(size <= MOST_BYTES, "{size} bytes, compressed");
    }

    #[test]
    fn a_build_lies_beside_the_script_under_its_hash() {
        assert_eq!(by_hash("/t.js", "0123456789ab"), "/t.0123456789ab.js");
        assert_eq!(by_hash("/shop.js", "0123456789ab"), "/shop.0123456789ab.js");
    }

    #[test]
    fn each_build_is_named_by_its_own_hash() {
        for build in &BUILDS {
            let hash = sha2::Sha256::digest(build.plain);
            let hash: String = hash.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(build.hash, hash, "builds never change");
        }
    }
}

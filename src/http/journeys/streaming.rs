//! A journey as a stream of pages: lines of JSON, or CSV.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use futures_util::stream;

use super::format::Format;
use super::request::{JourneyRequest, Told, tell_incomplete};
use crate::http::problem::Problem;
use crate::http::state::Service;
use crate::journeys::export;

/// Events that an export has in memory at once.
const EXPORT_PAGE: usize = 200;

/// An export on its way to a client: what is still to come.
struct Export {
    service: Arc<Service>,
    request: JourneyRequest,
    format: Format,
    left: usize,
    next: Option<Told>,
}

/// Sends the whole range page by page. The first page is read before the
/// answer begins, so that a database that is away can still be said with a
/// status; when it goes away later, the connection is cut, and the client sees
/// that the export is not whole.
pub async fn stream_export(
    service: Arc<Service>,
    request: JourneyRequest,
    format: Format,
) -> Result<Response, Problem> {
    let left = request.limit.unwrap_or(usize::MAX);
    let first = request.read_page(&service, left.min(EXPORT_PAGE)).await?;
    let mut response = Response::default();
    tell_incomplete(&first.page, &mut response);
    let export = Export { service, request, format, left, next: Some(first) };
    let head = match format {
        Format::Csv => export::csv_head().map_err(|_| Problem::internal())?,
        _ => Vec::new(),
    };
    let pages = stream::unfold((export, head), |(mut export, out)| async move {
        let page = export.next.take()?;
        let chunk = export.send(page, out).await;
        Some((chunk, (export, Vec::new())))
    });
    *response.body_mut() = Body::from_stream(pages);
    let media_type = HeaderValue::from_static(format.media_type());
    response.headers_mut().insert(header::CONTENT_TYPE, media_type);
    Ok(response)
}

impl Export {
    /// Writes a page behind what `out` holds and reads the one after it.
    async fn send(&mut self, told: Told, mut out: Vec<u8>) -> std::io::Result<Vec<u8>> {
        self.write(&told, &mut out)?;
        let page = told.page;
        self.left -= page.events.len().min(self.left);
        if let (Some(position), 1..) = (page.next, self.left) {
            self.request.range.after = Some(position);
            let limit = self.left.min(EXPORT_PAGE);
            let next = self.request.read_page(&self.service, limit).await;
            self.next = Some(next.map_err(std::io::Error::other)?);
        }
        Ok(out)
    }

    fn write(&self, told: &Told, out: &mut Vec<u8>) -> std::io::Result<()> {
        for (index, event) in told.page.events.iter().enumerate() {
            if self.format == Format::Csv {
                export::write_csv(event, out)?;
            } else {
                told.write_json(index, event, out);
                out.push(b'\n');
            }
        }
        Ok(())
    }
}

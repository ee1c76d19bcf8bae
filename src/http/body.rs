//! The bytes that a client sends, within limits of size and time.

use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody as _};
use axum::http::{HeaderMap, header};
use http_body_util::BodyExt as _;
use tokio::time::timeout;

use super::problem::Problem;

/// How the events in a body are written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// One JSON text.
    Json,
    /// One JSON text a line.
    Ndjson,
}

/// The form that the headers name.
pub fn form_of(headers: &HeaderMap) -> Result<Form, Problem> {
    // The layer in front of the handler takes away the name of an encoding
    // that it decodes; what it leaves is one it does not know.
    match headers.get(header::CONTENT_ENCODING) {
        Some(encoding) if !encoding.as_bytes().eq_ignore_ascii_case(b"identity") => {
            return Err(Problem::unsupported_encoding());
        }
        _ => {}
    }
    let media_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let essence = media_type
        .unwrap_or_default()
        .split(';')
        .next()
        .unwrap_or_default()
        .trim();
    let is = |media_type: &str| essence.eq_ignore_ascii_case(media_type);
    if is("application/json") || is("text/plain") {
        Ok(Form::Json)
    } else if is("application/x-ndjson") {
        Ok(Form::Ndjson)
    } else {
        Err(Problem::unsupported_media_type())
    }
}

/// Why a body was not read.
#[derive(Debug, PartialEq, Eq)]
pub enum BodyError {
    /// More bytes than allowed; reading stopped there.
    TooLarge,
    /// Not at its end in time.
    TimedOut,
    /// Broken off, or not what its encoding says.
    Broken(String),
}

/// Reads a body to its end. Of one that is too large no more than the limit
/// and the piece that passed it are ever in memory.
pub async fn read(body: Body, max_bytes: usize, limit: Duration) -> Result<Bytes, BodyError> {
    timeout(limit, collect(body, max_bytes))
        .await
        .unwrap_or(Err(BodyError::TimedOut))
}

/// Reads away what a client still sends after its answer is decided. An answer
/// is easily lost when the connection is closed while the client writes; one
/// that goes on for long is cut off all the same. Answers whether it came to its
/// end, so that the connection can be used on.
pub async fn linger(body: &mut Body) -> bool {
    discard(body, 16 << 20, Duration::from_millis(500)).await
}

/// As [`linger`], of a body that is not looked at at all, and of which no more
/// than `max_bytes` would be. Refusing it may not cost more than taking it would:
/// one whose length is not known may be small only as long as it is not decoded,
/// and of one that is too long nothing is read.
pub async fn pass_over(body: &mut Body, max_bytes: usize) -> bool {
    match body.size_hint().exact() {
        None => discard(body, LITTLE, Duration::from_millis(100)).await,
        Some(length) if length > max_bytes as u64 => false,
        Some(_) => linger(body).await,
    }
}

/// Bytes that are read away of a body whose length is not known.
const LITTLE: usize = 64 << 10;

/// Reads a body away, up to so many bytes and for so long; answers whether it
/// came to its end.
async fn discard(body: &mut Body, max_bytes: usize, limit: Duration) -> bool {
    let discard = async {
        let mut left = max_bytes;
        while let Some(frame) = body.frame().await {
            let length = frame.map(|frame| frame.data_ref().map_or(0, Bytes::len));
            match length.ok().and_then(|length| left.checked_sub(length)) {
                Some(rest) => left = rest,
                None => return false,
            }
        }
        true
    };
    timeout(limit, discard).await.unwrap_or(false)
}

async fn collect(mut body: Body, max_bytes: usize) -> Result<Bytes, BodyError> {
    let mut first = Bytes::new();
    let mut rest = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| BodyError::Broken(root_cause(&error)))?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if first.len() + rest.len() + data.len() > max_bytes {
            linger(&mut body).await;
            return Err(BodyError::TooLarge);
        }
        // Most bodies come in one piece, which then is not copied.
        if first.is_empty() {
            first = data;
        } else {
            rest.extend_from_slice(&data);
        }
    }
    if rest.is_empty() {
        return Ok(first);
    }
    let mut whole = Vec::with_capacity(first.len() + rest.len());
    whole.extend_from_slice(&first);
    whole.append(&mut rest);
    Ok(whole.into())
}

fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests;

//! The bytes that a client sends, within limits of size, of time and of memory.

mod decode;
mod limits;

use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody as _};
use axum::http::{HeaderMap, header};
use http_body_util::BodyExt as _;
use tokio::time::timeout;

use super::budget::{Budget, Charge, Size};
use super::problem::Problem;
pub use decode::Encoding;
pub use limits::{BodyError, BodyLimits};
use limits::{FIRST, OVERHEAD, PER_BYTE, PER_ENCODED_BYTE};

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
    let media_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = media_type.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    let is = |media_type: &str| essence.eq_ignore_ascii_case(media_type);
    if is("application/json") || is("text/plain") {
        Ok(Form::Json)
    } else if is("application/x-ndjson") {
        Ok(Form::Ndjson)
    } else {
        Err(Problem::unsupported_media_type())
    }
}

/// A body that was read, and what it holds of the budget until it is dropped.
pub struct Held {
    /// As it was before it was encoded.
    pub bytes: Bytes,
    charge: Charge,
}

impl Held {
    /// Makes sure that what comes of the body has room beside it. The most that
    /// may come of it is reckoned generously, so half of the budget is enough for
    /// a body of any kind.
    pub async fn room_for(&mut self, parsed: usize) -> Result<(), BodyError> {
        let size = Size::of(self.bytes.len());
        let bytes = OVERHEAD + self.bytes.len() + parsed;
        Ok(self.charge.hold_at_most(bytes, size).await?)
    }

    /// Bytes that came in a head, and so are few.
    pub async fn of_head(bytes: Vec<u8>, budget: &Budget) -> Result<Self, BodyError> {
        let mut charge = budget.charge();
        charge.hold(OVERHEAD + PER_BYTE * bytes.len(), Size::of(bytes.len())).await?;
        Ok(Self { bytes: bytes.into(), charge })
    }

    /// Puts in the place of the bytes what they say in other words, which is at most three
    /// times as long: so much is charged for what comes of them.
    pub fn reworded(&mut self, bytes: Vec<u8>) {
        self.bytes = bytes.into();
    }

    /// Decodes the bytes once more, where their beginning says that they are encoded.
    pub async fn decoded(mut self, max_bytes: usize) -> Result<Self, BodyError> {
        let encoding = Encoding::Unsaid.said_by(&self.bytes);
        if encoding != Encoding::Identity {
            let Self { bytes, charge } = &mut self;
            let held = OVERHEAD + PER_BYTE * bytes.len();
            let decoded = decode::decode(bytes, encoding, held, charge, max_bytes).await?;
            charge.shrink_to(OVERHEAD + PER_BYTE * decoded.capacity());
            self.bytes = decoded.into();
        }
        Ok(self)
    }

    /// Lets the bytes go, in whose place there is now something of this size.
    pub fn turned_into(self, bytes: usize) -> Charge {
        let Self { bytes: raw, mut charge } = self;
        drop(raw);
        charge.becomes(OVERHEAD + bytes);
        charge
    }
}

/// Reads a body to its end. Of one that is too large no more than the limit
/// and the piece that passed it are ever in memory.
pub async fn read(
    mut body: Body,
    encoding: Encoding,
    limits: BodyLimits<'_>,
) -> Result<Held, BodyError> {
    let read = timeout(limits.timeout, collect(&mut body, encoding, limits)).await;
    let read = read.unwrap_or(Err(BodyError::TimedOut));
    if let Err(BodyError::TooLarge | BodyError::NoRoom) = read {
        linger(&mut body).await;
    }
    read
}

async fn collect(
    body: &mut Body,
    encoding: Encoding,
    limits: BodyLimits<'_>,
) -> Result<Held, BodyError> {
    let mut charge = limits.budget.charge();
    let per_byte = match encoding {
        Encoding::Identity | Encoding::Unsaid => PER_BYTE,
        _ => PER_ENCODED_BYTE,
    };
    let mut bytes = as_sent(body, per_byte, &mut charge, limits.max_bytes).await?;
    let encoding = encoding.said_by(&bytes);
    if encoding != Encoding::Identity {
        let held = OVERHEAD + per_byte * bytes.len();
        let decoded = decode::decode(&bytes, encoding, held, &mut charge, limits.max_bytes).await?;
        charge.shrink_to(OVERHEAD + PER_BYTE * decoded.capacity());
        bytes = decoded.into();
    }
    Ok(Held { bytes, charge })
}

/// The bytes as they come. Nothing is charged before the first of them: what
/// lies in the connection's buffer is the connection's.
async fn as_sent(
    body: &mut Body,
    per_byte: usize,
    charge: &mut Charge,
    max_bytes: usize,
) -> Result<Bytes, BodyError> {
    let Some(first) = next_piece(body, charge).await? else {
        return Ok(Bytes::new());
    };
    if first.len() > max_bytes {
        return Err(BodyError::TooLarge);
    }
    // Most bodies come in one piece, which then is not copied.
    if body.is_end_stream() {
        let bytes = OVERHEAD + per_byte * first.len();
        charge.hold(bytes, Size::of(first.len())).await?;
        return Ok(first);
    }
    charge.open();
    // What the sender announces is charged at once: of bodies that are all half
    // there, none might come to its end.
    let rest = body.size_hint().exact();
    let rest = rest.and_then(|rest| usize::try_from(rest).ok());
    let announced = rest.map_or(FIRST, |rest| first.len().saturating_add(rest));
    let mut whole = Vec::new();
    let mut next = Some(first);
    while let Some(piece) = next {
        let length = whole.len() + piece.len();
        if length > max_bytes {
            return Err(BodyError::TooLarge);
        }
        if length > whole.capacity() {
            let capacity = announced.max(length).max(2 * whole.capacity());
            let capacity = capacity.min(max_bytes);
            let bytes = OVERHEAD + per_byte * capacity;
            charge.hold(bytes, Size::of(capacity)).await?;
            whole.reserve_exact(capacity - whole.len());
        }
        // A copy, because the piece would keep the connection's whole buffer.
        whole.extend_from_slice(&piece);
        charge.progress(piece.len());
        drop(piece);
        next = next_piece(body, charge).await?;
    }
    Ok(whole.into())
}

/// The next bytes, unless the body is told to give way while it waits for them.
async fn next_piece(body: &mut Body, charge: &Charge) -> Result<Option<Bytes>, BodyError> {
    loop {
        let frame = tokio::select! {
            biased;
            () = charge.told_to_give_way() => return Err(BodyError::GaveWay),
            frame = body.frame() => frame,
        };
        let Some(frame) = frame else {
            return Ok(None);
        };
        let frame = frame.map_err(|error| BodyError::broken(&error))?;
        match frame.into_data() {
            Ok(data) if !data.is_empty() => return Ok(Some(data)),
            _ => {}
        }
    }
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
/// one whose length is not known may be very long, and of one that is too long
/// nothing is read.
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

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests;

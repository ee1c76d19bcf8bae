//! Bodies that were compressed.
//!
//! A body is decoded once it is there as a whole, and at one go: so there are
//! decoders, of which each takes more than most bodies do, for as many bodies as
//! there are processors, and none for a client that sends half a body and waits.

use async_compression::tokio::bufread::{BrotliDecoder, GzipDecoder, ZlibDecoder, ZstdDecoder};
use async_compression::zstd::DParameter;
use axum::http::{HeaderMap, header};
use tokio::io::{AsyncRead, AsyncReadExt as _};

use super::limits::{BodyError, FIRST, PER_BYTE};
use crate::http::budget::{Charge, Size};
use crate::http::problem::Problem;

/// How a body was encoded for its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Not at all.
    Identity,
    /// As its first bytes say: gzip, or not at all.
    Unsaid,
    /// gzip.
    Gzip,
    /// deflate: zlib's format.
    Deflate,
    /// Brotli.
    Brotli,
    /// Zstandard.
    Zstd,
}

impl Encoding {
    /// The one that the headers name.
    pub fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        let Some(name) = headers.get(header::CONTENT_ENCODING) else {
            return Ok(Self::Identity);
        };
        let name = name.as_bytes();
        let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
        if is("identity") {
            Ok(Self::Identity)
        } else if is("gzip") {
            Ok(Self::Gzip)
        } else if is("deflate") {
            Ok(Self::Deflate)
        } else if is("br") {
            Ok(Self::Brotli)
        } else if is("zstd") {
            Ok(Self::Zstd)
        } else {
            Err(Problem::unsupported_encoding())
        }
    }

    /// The one of a body that begins like this.
    pub fn said_by(self, body: &[u8]) -> Self {
        /// RFC 1952, 2.3.1.
        const GZIP: [u8; 2] = [0x1f, 0x8b];
        match self {
            Self::Unsaid if body.starts_with(&GZIP) => Self::Gzip,
            Self::Unsaid => Self::Identity,
            said => said,
        }
    }

    /// Bytes that its decoder takes for this body at the most.
    fn decoder_bytes(self, body: &[u8]) -> Result<usize, BodyError> {
        match self {
            Self::Identity | Self::Unsaid => Ok(0),
            Self::Gzip | Self::Deflate => Ok(64 << 10),
            Self::Brotli => Ok((1 << brotli_window(body)?) + (4 << 20)),
            Self::Zstd => Ok((1 << ZSTD_WINDOW) + (512 << 10)),
        }
    }
}

/// The largest window of zstd that is decoded, as a power of two: 8 MiB, what
/// RFC 9659 allows in HTTP.
const ZSTD_WINDOW: u32 = 23;

/// The window of a Brotli stream as a power of two, from its first bits (RFC 7932,
/// 9.1). Its decoder would take more than the RFC allows.
fn brotli_window(body: &[u8]) -> Result<u32, BodyError> {
    let first = u32::from(body.first().copied().unwrap_or_default());
    match (first & 1, first >> 1 & 7, first >> 4 & 7) {
        (0, _, _) => Ok(16),
        (_, 0, 0) => Ok(17),
        (_, 0, 1) => Err(BodyError::Broken("not a Brotli stream".to_owned())),
        (_, 0, bits) => Ok(8 + bits),
        (_, bits, _) => Ok(17 + bits),
    }
}

/// What a body was before it was encoded. `held` is what it holds as it is.
pub async fn decode(
    body: &[u8],
    encoding: Encoding,
    held: usize,
    charge: &mut Charge,
    max_bytes: usize,
) -> Result<Vec<u8>, BodyError> {
    let room = Room {
        held: held + encoding.decoder_bytes(body)?,
        first: body.len().saturating_mul(4),
        charge,
        max_bytes,
    };
    // Before there is a decoder.
    room.charge.hold_in_turn(room.held, Size::of(body.len())).await?;
    match encoding {
        Encoding::Identity | Encoding::Unsaid => Ok(body.to_vec()),
        Encoding::Gzip => inflate(GzipDecoder::new(body), GzipDecoder::into_inner, room).await,
        Encoding::Deflate => inflate(ZlibDecoder::new(body), ZlibDecoder::into_inner, room).await,
        Encoding::Brotli => {
            inflate(BrotliDecoder::new(body), BrotliDecoder::into_inner, room).await
        }
        Encoding::Zstd => {
            let window = [DParameter::window_log_max(ZSTD_WINDOW)];
            let mut decoder = ZstdDecoder::with_params(body, &window);
            decoder.multiple_members(true);
            inflate(decoder, ZstdDecoder::into_inner, room).await
        }
    }
}

struct Room<'c> {
    /// What is held already.
    held: usize,
    /// How long the decoded body is likely to be.
    first: usize,
    charge: &'c mut Charge,
    max_bytes: usize,
}

async fn inflate<'b, D: AsyncRead + Unpin>(
    mut decoder: D,
    rest: impl FnOnce(D) -> &'b [u8],
    room: Room<'_>,
) -> Result<Vec<u8>, BodyError> {
    let mut decoded = Vec::new();
    loop {
        if decoded.len() == decoded.capacity() {
            if decoded.len() > room.max_bytes {
                return Err(BodyError::TooLarge);
            }
            let capacity = room.first.max(FIRST).max(2 * decoded.capacity());
            // One more, which says that it is too large.
            let capacity = capacity.next_power_of_two().min(room.max_bytes + 1);
            let bytes = room.held + PER_BYTE * capacity;
            room.charge.hold_in_turn(bytes, Size::of(capacity)).await?;
            decoded.reserve_exact(capacity - decoded.len());
            // Others get their turn before more is decoded.
            tokio::task::yield_now().await;
        }
        match decoder.read_buf(&mut decoded).await {
            Ok(0) => break,
            Ok(_) => {}
            Err(error) => return Err(BodyError::broken(&error)),
        }
    }
    if decoded.len() > room.max_bytes {
        return Err(BodyError::TooLarge);
    }
    if !rest(decoder).is_empty() {
        let reason = "there is more after the end of what was encoded";
        return Err(BodyError::Broken(reason.to_owned()));
    }
    Ok(decoded)
}

//! Records as bytes, and back. Pure.
//!
//! The layout of a frame stands at the head of [`journal`](super). Its checksum
//! covers the number of the segment and the offset in it, so a frame counts
//! only where it was written.

use bytes::{Buf as _, BufMut as _};

use super::place::{MARK_BYTES, Mark};

/// Begins every frame of one use of a segment. Drawn at random, so that nobody
/// can plant a frame in what a record holds.
pub type Marker = [u8; 8];

/// A segment, as its frames are checked against it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    pub number: u64,
    /// What its frames begin with.
    pub marker: Marker,
}

/// Bytes of a frame in front of its body.
pub const HEAD: usize = 32;
/// What the offset of every frame is a multiple of.
pub const ALIGNMENT: usize = 8;
/// Kinds that owners may give their records begin here.
pub const FIRST_KIND: u8 = 1;
/// The kind of a frame that notes the low watermark.
const MARK: u8 = 0;

/// What the journal knows of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// What it is, to its owner; at least [`FIRST_KIND`].
    pub kind: u8,
    /// The version of that kind.
    pub version: u8,
    /// How much it counts, in whatever the owner counts.
    pub weight: u32,
    /// A number that only grows; the highest is told at a start.
    pub number: i64,
}

/// What the owner of a journal has kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// What the journal knows of it.
    pub header: Header,
    /// The rest, which the journal does not look into.
    pub body: Vec<u8>,
}

impl Record {
    /// Bytes of the frame that holds it, up to where the next one begins.
    pub fn frame_bytes(&self) -> u64 {
        frame_bytes(self.body.len()) as u64
    }

    /// Appends its frame for this place.
    pub fn write(&self, segment: Segment, offset: u64, out: &mut Vec<u8>) {
        write(self.header, &self.body, segment, offset, out);
    }
}

/// Appends the frame that notes a low watermark, for this place.
pub fn write_mark(mark: Mark, segment: Segment, offset: u64, out: &mut Vec<u8>) {
    let header = Header { kind: MARK, version: 1, weight: 0, number: i64::MIN };
    let mut body = Vec::with_capacity(MARK_BYTES);
    mark.write(&mut body);
    write(header, &body, segment, offset, out);
}

/// Bytes of the frame with a body of so many bytes.
pub fn frame_bytes(body: usize) -> usize {
    (HEAD + body).next_multiple_of(ALIGNMENT)
}

/// The part of the head that the checksum covers.
const CHECKED: usize = 16;

fn write(header: Header, body: &[u8], segment: Segment, offset: u64, out: &mut Vec<u8>) {
    let mut checked = [0; CHECKED];
    let mut rest = &mut checked[..];
    rest.put_slice(&[header.kind, header.version, 0, 0]);
    rest.put_u32_le(header.weight);
    rest.put_i64_le(header.number);
    let end = out.len() + frame_bytes(body.len());
    // Nothing that is admitted comes near 4 GiB.
    let length = u32::try_from(body.len()).unwrap_or(u32::MAX);
    out.put_slice(&segment.marker);
    out.put_u32_le(length);
    out.put_u32_le(checksum(segment.number, offset, &checked, body));
    out.put_slice(&checked);
    out.put_slice(body);
    out.resize(end, 0);
}

fn checksum(segment: u64, offset: u64, head: &[u8], body: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&segment.to_le_bytes());
    hasher.update(&offset.to_le_bytes());
    hasher.update(&(body.len() as u64).to_le_bytes());
    hasher.update(head);
    hasher.update(body);
    hasher.finalize()
}

/// A frame that was found whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    pub header: Header,
    body: &'a [u8],
}

impl<'a> Frame<'a> {
    /// The frame that these bytes begin with, which stand at `offset` of the
    /// segment; `None` if it is no whole frame of that segment.
    pub fn read(bytes: &'a [u8], segment: Segment, offset: u64) -> Option<Self> {
        bytes.starts_with(&segment.marker).then_some(())?;
        Self::read_but_for_marker(bytes, segment.number, offset)
    }

    fn read_but_for_marker(bytes: &'a [u8], segment: u64, offset: u64) -> Option<Self> {
        let length = usize::try_from(bytes.get(8..12)?.get_u32_le()).ok()?;
        let body = bytes.get(HEAD..HEAD.checked_add(length)?)?;
        let mut rest = bytes.get(12..HEAD)?;
        let expected = rest.get_u32_le();
        (checksum(segment, offset, rest, body) == expected).then_some(())?;
        let (kind, version) = (rest.get_u8(), rest.get_u8());
        rest.advance(2);
        let header = Header { kind, version, weight: rest.get_u32_le(), number: rest.get_i64_le() };
        Some(Self { header, body })
    }

    /// Bytes up to where the next frame begins.
    pub fn bytes(self) -> u64 {
        frame_bytes(self.body.len()) as u64
    }

    /// The low watermark that it notes; `None` if it holds a record.
    pub fn mark(self) -> Option<Mark> {
        (self.header.kind == MARK).then(|| Mark::read(self.body))?
    }

    /// Whether it holds a record of the journal's owner.
    pub fn is_record(self) -> bool {
        self.header.kind >= FIRST_KIND
    }

    pub fn to_record(self) -> Record {
        Record { header: self.header, body: self.body.to_vec() }
    }
}

/// Where the next whole frame begins behind a place that cannot be read: an
/// index into these bytes, which stand at `offset` of the segment.
pub fn next_frame(bytes: &[u8], segment: Segment, offset: u64) -> Option<usize> {
    (ALIGNMENT..bytes.len())
        .step_by(ALIGNMENT)
        .find(|&at| Frame::read(&bytes[at..], segment, offset + at as u64).is_some())
}

/// The marker that the frames of a segment begin with, as they tell it that are
/// whole but for it. One of two in a row that is damaged is outvoted.
pub fn marker_of_frames(segment: &[u8], number: u64, first: usize) -> Option<Marker> {
    let places = (first..segment.len()).step_by(ALIGNMENT);
    let marker = |at: usize| {
        let bytes = &segment[at..];
        Frame::read_but_for_marker(bytes, number, at as u64)?;
        Marker::try_from(bytes.get(..size_of::<Marker>())?).ok()
    };
    let found: Vec<Marker> = places.filter_map(marker).take(3).collect();
    let is_twice = |marker: &&Marker| found.iter().filter(|other| other == marker).count() > 1;
    found.iter().find(is_twice).or(found.first()).copied()
}

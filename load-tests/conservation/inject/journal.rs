//! Damage to the journal's files.

use std::fs;
use std::ops::Range;
use std::path::PathBuf;

use rand::Rng as _;
use rand::rngs::StdRng;
use trailkeep_testkit::trouble::{Trouble, While as _};

use super::moment::a_moment;
use crate::fault::Fault;
use crate::load::Load;
use crate::scene::Scene;

/// Damages the segment in use while the service is down.
pub async fn damage(scene: &mut Scene, load: &Load, rng: &mut StdRng) -> Result<(), Trouble> {
    for _ in 0..2 {
        load.wait_for_more(rng.random_range(100..1500)).await?;
        a_moment(scene, 0..100, rng).await;
        scene.kill_service().await?;
        if scene.fault == Fault::CutFile {
            cut(scene, rng)?;
        } else {
            flip_a_bit(scene, rng)?;
        }
        scene.start().await?;
    }
    load.wait_for_more(100).await
}

/// Where the frames of the segment in use end.
pub fn end_of_frames(scene: &Scene) -> Result<u64, Trouble> {
    let segment = segment_in_use(scene)?;
    let frames = frames(&segment.bytes);
    Ok(frames.last().map_or(HEAD_BYTES, |last| last.end) as u64)
}

/// In the head, which costs nothing, since it is there twice; or in a frame, and
/// whose batch is in that is noted. The last frame is left alone: it may be one
/// that was being written.
fn flip_a_bit(scene: &Scene, rng: &mut StdRng) -> Result<(), Trouble> {
    let mut segment = segment_in_use(scene)?;
    let mut frames = frames(&segment.bytes);
    frames.pop();
    let hit = if frames.is_empty() || rng.random_bool(0.1) {
        0..HEAD_USED
    } else {
        let frame = frames.swap_remove(rng.random_range(0..frames.len()));
        scene.oracle.note_hit(&segment.bytes[frame.clone()]);
        frame
    };
    segment.bytes[rng.random_range(hit)] ^= 1 << rng.random_range(0..8);
    fs::write(&segment.path, segment.bytes).during("writing a segment")
}

/// Takes the last frames away, one of them in part. All of them are noted.
fn cut(scene: &Scene, rng: &mut StdRng) -> Result<(), Trouble> {
    let segment = segment_in_use(scene)?;
    let mut frames = frames(&segment.bytes);
    let gone = frames.split_off(frames.len() - frames.len().min(rng.random_range(1..4)));
    let Some(first) = gone.first() else {
        return Ok(());
    };
    let end = rng.random_range(first.clone());
    for frame in gone {
        scene.oracle.note_hit(&segment.bytes[frame]);
    }
    fs::write(&segment.path, &segment.bytes[..end]).during("writing a segment")
}

/// A segment with a head.
struct Segment {
    path: PathBuf,
    bytes: Vec<u8>,
}

/// The one in use: the last with a head, for names grow, and one that was made
/// ahead has none.
fn segment_in_use(scene: &Scene) -> Result<Segment, Trouble> {
    let files = fs::read_dir(scene.folder().join("journal")).during("the journal's folder")?;
    let mut paths: Vec<PathBuf> = files
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|end| end == "journal"))
        .collect();
    paths.sort_unstable();
    for path in paths.into_iter().rev() {
        let bytes = fs::read(&path).during("reading a segment")?;
        if bytes.starts_with(MAGIC) {
            return Ok(Segment { path, bytes });
        }
    }
    Err(Trouble("the journal has no segment".to_owned()))
}

const MAGIC: &[u8] = b"TKJRNL2\n";
const HEAD_BYTES: usize = 4096;
/// Bytes of the first of the two copies of the head's words.
const HEAD_USED: usize = 84;
const MARKER: Range<usize> = 16..24;
const FRAME_HEAD: usize = 32;
const ALIGNMENT: usize = 8;

/// Where frames lie in a segment. Told from the format's description
/// (`crates/journal/src/lib.rs`) rather than with its code, which is what is put to the
/// test.
fn frames(segment: &[u8]) -> Vec<Range<usize>> {
    let mut frames = Vec::new();
    let mut offset = HEAD_BYTES;
    while let Some(head) = segment.get(offset..offset + FRAME_HEAD) {
        if head[..8] != segment[MARKER] {
            break;
        }
        let length = u32::from_le_bytes([head[8], head[9], head[10], head[11]]) as usize;
        let end = offset + FRAME_HEAD + length;
        if end > segment.len() {
            break;
        }
        frames.push(offset..end);
        offset = end.next_multiple_of(ALIGNMENT);
    }
    frames
}

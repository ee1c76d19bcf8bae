//! Damage to the journal's files.

use std::fs;
use std::ops::Range;
use std::path::PathBuf;

use rand::Rng as _;
use rand::rngs::StdRng;

use super::a_moment;
use crate::load::Load;
use crate::scene::Scene;
use crate::trouble::{Trouble, While as _};

/// Flips a bit in a frame while the service is down.
pub async fn flip_a_bit(scene: &mut Scene, load: &Load, rng: &mut StdRng) -> Result<(), Trouble> {
    for _ in 0..2 {
        load.wait_for_more(rng.random_range(100..1500)).await?;
        a_moment(scene, 0..100, rng).await;
        scene.take_service()?.kill().await?;
        flip(scene, rng)?;
        scene.start().await?;
    }
    load.wait_for_more(100).await
}

/// Whose batch is in the frame is noted. The last frame is left alone: it may
/// be one that was being written.
fn flip(scene: &Scene, rng: &mut StdRng) -> Result<(), Trouble> {
    let segment = last_segment(scene)?;
    let mut bytes = fs::read(&segment).during("reading a segment")?;
    let mut frames = frames(&bytes);
    frames.pop();
    if frames.is_empty() {
        return Ok(());
    }
    let frame = frames.swap_remove(rng.random_range(0..frames.len()));
    scene.oracle.note_hit(&bytes[frame.clone()]);
    bytes[rng.random_range(frame)] ^= 1 << rng.random_range(0..8);
    fs::write(&segment, bytes).during("writing a segment")
}

/// The one in use: names grow.
fn last_segment(scene: &Scene) -> Result<PathBuf, Trouble> {
    let files = fs::read_dir(scene.folder().join("journal")).during("the journal's folder")?;
    files
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "journal")
        })
        .max()
        .ok_or_else(|| Trouble("the journal has no segment".to_owned()))
}

const HEAD_BYTES: usize = 4096;
const MARKER: Range<usize> = 16..24;
const FRAME_HEAD: usize = 16;
const ALIGNMENT: usize = 8;

/// Where frames lie in a segment. Told from the format's description
/// (`src/pipeline/journal/mod.rs`) rather than with its code, which is what is
/// put to the test.
fn frames(segment: &[u8]) -> Vec<Range<usize>> {
    let mut frames = Vec::new();
    let mut offset = HEAD_BYTES;
    while let Some(head) = segment.get(offset..offset + FRAME_HEAD) {
        if head[..8] != segment[MARKER] {
            break;
        }
        let length = u32::from_le_bytes([head[8], head[9], head[10], head[11]]) as usize;
        let end = offset + FRAME_HEAD + length;
        frames.push(offset..end);
        offset = end.next_multiple_of(ALIGNMENT);
    }
    frames
}

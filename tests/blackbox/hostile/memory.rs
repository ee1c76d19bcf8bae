//! Requests that would have us hold more than we must.

use std::io::Write as _;

use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};
use reqwest::Method;

use super::{assert_unharmed, start};

const MEBIBYTE: u64 = 1024 * 1024;

/// 1 GiB of blanks as a valid gzip file of about 1 MiB: a mebibyte is
/// compressed once, up to a byte's border, and repeated.
fn bomb() -> Vec<u8> {
    let blanks = [b' '; MEBIBYTE as usize];
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&blanks).expect("memory");
    encoder.flush().expect("memory");
    let part = encoder.get_ref().clone();

    let (mut crc_of_part, mut crc) = (Crc::new(), Crc::new());
    crc_of_part.update(&blanks);
    for _ in 0..1024 {
        crc.combine(&crc_of_part);
    }

    const HEAD: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    const LAST_EMPTY_BLOCK: [u8; 5] = [1, 0, 0, 0xff, 0xff];
    let length = 1024 * MEBIBYTE as u32;
    let mut file = HEAD.to_vec();
    file.extend(part.repeat(1024));
    file.extend(LAST_EMPTY_BLOCK);
    file.extend(crc.sum().to_le_bytes());
    file.extend(length.to_le_bytes());
    file
}

#[tokio::test]
async fn a_gzip_bomb_is_refused_with_memory_flat() {
    let (_home, service) = start().await;
    assert_unharmed(&service).await;
    service.wait_until_flushed().await;
    let before = service.peak_memory();
    let bomb = bomb();

    let bombs = (0..4).map(|_| {
        let request = service
            .request(Method::POST, "/events")
            .header("content-type", "application/json")
            .header("content-encoding", "gzip")
            .body(bomb.clone());
        service.send(request)
    });
    for answer in futures_util::future::join_all(bombs).await {
        answer.problem(413);
    }

    let grown = service.grown_since(before);
    assert!(grown < 40 * MEBIBYTE, "memory grew by {grown} bytes");
    assert_unharmed(&service).await;
}

#[tokio::test]
async fn a_request_full_of_faults_is_answered_with_few_of_them() {
    let (_home, service) = start().await;
    let body = format!("[{}]", vec!["{}"; 1000].join(","));
    let answer = service.post_as("application/json", body).await;
    assert_eq!(answer.faults().len(), 100);

    let unknown: Vec<_> = (0..100_000).map(|n| format!("\"k{n}\":0")).collect();
    let body = format!("{{{}}}", unknown.join(","));
    let answer = service.post_as("application/json", body).await;
    assert_eq!(answer.faults().len(), 100);

    let long = format!("{{\"{}\":1}}", "k".repeat(4_000_000));
    let answer = service.post_as("application/json", long).await;
    assert!(answer.body.len() < 64 * 1024, "a fault repeats a field of 4 MB");
    answer.problem(400);
    assert_unharmed(&service).await;
}

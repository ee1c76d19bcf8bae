//! JSON that is none, or that means to exhaust its reader.

use super::{assert_unharmed, start};

#[tokio::test]
async fn truncated_json_is_refused_wherever_it_ends() {
    let (_home, service) = start().await;
    let whole = r#"[{"userId":"u","type":"search","payload":{"a":[1,"é",{"b":null}]}}]"#;
    for end in 1..whole.len() {
        let body = whole.as_bytes()[..end].to_vec();
        service.post_as("application/json", body).await.problem(400);
    }
    assert_unharmed(&service).await;
}

#[tokio::test]
async fn nesting_100_000_deep_is_refused() {
    let (_home, service) = start().await;
    let deep = 100_000;
    let arrays = "[".repeat(deep) + &"]".repeat(deep);
    let objects = r#"{"a":"#.repeat(deep) + "1" + &"}".repeat(deep);
    for body in [
        arrays.clone(),
        "[".repeat(deep),
        objects.clone(),
        format!(r#"{{"userId":"u","type":"search","payload":{objects}}}"#),
        format!(r#"{{"userId":"u","type":"search","payload":{{"a":{arrays}}}}}"#),
        format!(r#"{{"userId":"u","type":"search","unknown":{arrays}}}"#),
        format!(r#"{{"userId":{arrays},"type":"search"}}"#),
        format!(r#"{{"events":{arrays}}}"#),
    ] {
        service.post_as("application/json", body).await.problem(400);
    }
    assert_unharmed(&service).await;
}

#[tokio::test]
async fn duplicate_keys_are_refused() {
    let (_home, service) = start().await;
    for body in [
        r#"{"userId":"u","type":"search","userId":"u"}"#,
        r#"{"userId":"u","type":"search","type":"search"}"#,
        r#"{"userId":"u","type":"search","payload":{"a":1,"a":1}}"#,
        r#"{"userId":"u","type":"search","payload":{"x":[{"a":1,"b":2,"a":1}]}}"#,
        r#"{"userId":"u","type":"search","payload":{"a":1,"\u0061":1}}"#,
        r#"{"events":[],"events":[{"userId":"u","type":"search"}]}"#,
    ] {
        service.post_as("application/json", body).await.problem(400);
    }
    assert_unharmed(&service).await;
}

#[tokio::test]
async fn text_that_is_not_utf_8_is_refused() {
    let (_home, service) = start().await;
    for bytes in [&[0xff][..], &[0xc3, 0x28], &[0xed, 0xa0, 0x80], &[0xc0, 0x80]] {
        for field in ["userId", "payload"] {
            let mut body = match field {
                "userId" => br#"{"type":"search","userId":"u"#.to_vec(),
                _ => br#"{"type":"search","userId":"u","payload":{"a":"#.to_vec(),
            };
            if field == "payload" {
                body.push(b'"');
            }
            body.extend_from_slice(bytes);
            body.extend_from_slice(if field == "userId" { b"\"}" } else { b"\"}}" });
            service.post_as("application/json", body).await.problem(400);
        }
    }
    assert_unharmed(&service).await;
}

#[tokio::test]
async fn lone_surrogates_are_refused() {
    let (_home, service) = start().await;
    for surrogate in [r"\ud800", r"\udc00", r"\ud800x", r"\ud800\ud800", r"\udc00\ud800"] {
        for body in [
            format!(r#"{{"userId":"u{surrogate}","type":"search"}}"#),
            format!(r#"{{"userId":"u","type":"search","payload":{{"a":"{surrogate}"}}}}"#),
            format!(r#"{{"userId":"u","type":"search","payload":{{"{surrogate}":1}}}}"#),
        ] {
            service.post_as("application/json", body).await.problem(400);
        }
    }
    assert_unharmed(&service).await;
}

//! Answers that are none, or no end of one.

use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::listener::serving;
use super::*;

#[tokio::test]
async fn of_a_body_of_ten_megabytes_the_beginning_is_read_and_the_connection_closed() {
    let (closed, mut was_closed) = mpsc::unbounded_channel();
    let listener = Listener::start(serving(move |mut peer| {
        let closed = closed.clone();
        async move {
            peer.request().await;
            let size = 10 << 20;
            peer.send(format!("HTTP/1.1 200 OK\r\ncontent-length: {size}\r\n\r\n").as_bytes())
                .await;
            let mut sent = 0;
            while sent < size && peer.send(&[b'x'; 64 << 10]).await {
                sent += 64 << 10;
            }
            closed.send(sent).unwrap();
        }
    }))
    .await;
    let client = client(&listener.url());
    for connections in 1..=2 {
        let answer = client.send(&delivery()).await;
        assert!(result(&answer).len() < 2_000);
        assert_eq!(response(answer).body.len(), MAX_BODY_BYTES + 1);
        assert!(was_closed.recv().await.unwrap() < 10 << 20);
        assert_eq!(listener.accepted(), connections);
    }
}

#[tokio::test]
async fn a_body_of_16_kib_is_whole_and_one_byte_more_is_cut() {
    let of_size = |size: usize| format!(r#"{{"a":"{}"}}"#, "x".repeat(size - 8));
    let answer = answered(ok(&of_size(MAX_BODY_BYTES))).await;
    assert_eq!(result(&answer), of_size(MAX_BODY_BYTES));
    let answer = answered(ok(&of_size(MAX_BODY_BYTES + 1))).await;
    assert!(result(&answer).starts_with(r#"{"status":"success","message":"{\"a\":\"xxx"#));
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_a_reset() {
    for part in [
        "",
        "HTTP/1.1 200",
        "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"a\"",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\n{\"a\"\r\n",
    ] {
        let answer = answered(part).await;
        assert_eq!(class(&answer), Class::Reset, "{part} {answer:?}");
    }
}

/// Closes with a request unread, which the kernel answers with a reset.
#[tokio::test]
async fn a_connection_that_is_reset_is_a_reset() {
    let listener = Listener::start(serving(|peer| async move {
        peer.stream.readable().await.unwrap();
    }))
    .await;
    let answer = client(&listener.url()).send(&delivery()).await;
    assert_eq!(class(&answer), Class::Reset, "{answer:?}");
}

#[tokio::test]
async fn what_is_no_http_is_unreadable() {
    let head = "HTTP/1.1 200 OK\r\n";
    for garbage in [
        "SSH-2.0-OpenSSH_9.6\r\n".to_owned(),
        "HTTP/1.1 abc OK\r\n\r\n".to_owned(),
        format!("{head}content-length: many\r\n\r\n"),
        format!("{head}transfer-encoding: chunked\r\n\r\nwhat?\r\n"),
        // A head without an end.
        format!("{head}x: {}", "x".repeat(1 << 20)),
        format!("{head}{}\r\n", "x: y\r\n".repeat(101)),
    ] {
        let answer = answered(garbage).await;
        assert!(matches!(answer, Answer::Fault(Fault::Unreadable(_))), "{answer:?}");
        assert_eq!(class(&answer), Class::Other);
    }
}

#[tokio::test]
async fn an_answer_that_does_not_end_in_time_is_a_timeout_and_its_connection_closed() {
    for part in ["", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{"] {
        let (closed, mut was_closed) = mpsc::unbounded_channel();
        let listener = Listener::start(serving(move |mut peer| {
            let closed = closed.clone();
            async move {
                peer.request().await;
                peer.send(part.as_bytes()).await;
                peer.closed().await;
                closed.send(()).unwrap();
            }
        }))
        .await;
        let answer = impatient(&listener.url()).send(&delivery()).await;
        assert_eq!(fault(answer), Fault::Timeout(SHORT), "{part}");
        was_closed.recv().await.unwrap();
    }
}

/// A processor that refuses a large event by its head alone.
#[tokio::test]
async fn an_answer_that_comes_before_the_request_was_read_counts() {
    let listener = Listener::start(serving(|mut peer| async move {
        peer.stream.readable().await.unwrap();
        peer.send(b"HTTP/1.1 413 x\r\ncontent-length: 0\r\n\r\n").await;
        // Nothing is read before the client has seen it.
        std::future::pending::<()>().await;
    }))
    .await;
    let client = client(&listener.url());
    let large = Delivery { body: vec![b'x'; 32 << 20].into(), ..delivery() };
    for connections in 1..=2 {
        let answer = client.send(&large).await;
        assert!(matches!(verdict(&answer), Verdict::GiveUp { .. }), "{answer:?}");
        assert_eq!((listener.accepted(), client.pool.len()), (connections, 0));
    }
}

#[tokio::test]
async fn an_attempt_that_is_dropped_closes_its_connection() {
    let (events, mut happened) = mpsc::unbounded_channel();
    let listener = Listener::start(serving(move |mut peer| {
        let events = events.clone();
        async move {
            peer.request().await;
            events.send("asked").unwrap();
            peer.closed().await;
            events.send("closed").unwrap();
        }
    }))
    .await;
    let client = client(&listener.url());
    let request = delivery();
    tokio::select! {
        answer = client.send(&request) => panic!("{answer:?}"),
        event = happened.recv() => assert_eq!(event, Some("asked")),
    }
    assert_eq!(happened.recv().await, Some("closed"));
}

#[tokio::test]
async fn a_port_where_nothing_listens_refuses() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let answer = client(&format!("http://{address}")).send(&delivery()).await;
    assert_eq!(class(&answer), Class::Unreachable);
    assert_eq!(fault(answer), Fault::Refused);
}

#[tokio::test]
async fn a_name_without_an_address_is_told() {
    let answer = client("http://nothing.invalid").send(&delivery()).await;
    assert_eq!(class(&answer), Class::Unreachable);
    assert!(matches!(fault(answer), Fault::Dns(_)));
}

/// `localhost` may be an address at which nothing listens, and another.
#[tokio::test]
async fn a_name_is_looked_up_and_each_of_its_addresses_tried() {
    let listener = Listener::start(answering(ok("{}"))).await;
    let url = format!("http://localhost:{}", listener.port());
    assert_eq!(result(&client(&url).send(&delivery()).await), "{}");
}

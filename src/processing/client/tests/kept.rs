//! Connections between two requests.

use futures_util::future::join_all;
use tokio::sync::{Barrier, mpsc};

use super::listener::{answering_all, serving};
use super::*;

#[tokio::test]
async fn a_connection_is_used_again() {
    let listener = Listener::start(answering_all(ok("{}"))).await;
    let client = client(&listener.url());
    for _ in 0..5 {
        assert_eq!(result(&client.send(&delivery()).await), "{}");
        assert_eq!(client.pool.len(), 1);
    }
    assert_eq!((listener.accepted(), listener.requests().len()), (1, 5));
}

/// A failure that was answered in order leaves the connection as it was.
#[tokio::test]
async fn an_error_keeps_the_connection() {
    let error = "HTTP/1.1 500 x\r\ncontent-length: 3\r\n\r\nno!";
    let listener = Listener::start(answering_all(error)).await;
    let client = client(&listener.url());
    for _ in 0..2 {
        assert_eq!(response(client.send(&delivery()).await).status, 500);
    }
    assert_eq!(listener.accepted(), 1);
}

#[tokio::test]
async fn a_connection_that_the_processor_closes_is_not_used_again() {
    for head in ["HTTP/1.1 200 OK\r\nconnection: close", "HTTP/1.1 200 OK\r\nkeep-alive: timeout=1"]
    {
        let answer = format!("{head}\r\ncontent-length: 2\r\n\r\n{{}}");
        let listener = Listener::start(answering_all(answer)).await;
        let client = client(&listener.url());
        for connections in 1..=2 {
            assert_eq!(result(&client.send(&delivery()).await), "{}");
            assert_eq!((client.pool.len(), listener.accepted()), (0, connections), "{head}");
        }
    }
}

/// What usual servers do after some seconds.
#[tokio::test]
async fn a_connection_that_was_closed_while_it_was_idle_is_no_failure() {
    let (close, may_close) = mpsc::unbounded_channel::<()>();
    let (closed, mut was_closed) = mpsc::unbounded_channel();
    let may_close = Arc::new(tokio::sync::Mutex::new(may_close));
    let listener = Listener::start(serving(move |mut peer| {
        let (closed, may_close) = (closed.clone(), Arc::clone(&may_close));
        async move {
            peer.request().await;
            peer.send(ok("{}").as_bytes()).await;
            may_close.lock().await.recv().await;
            drop(peer);
            closed.send(()).unwrap();
        }
    }))
    .await;
    let client = client(&listener.url());
    for connections in 1..=5 {
        assert_eq!(result(&client.send(&delivery()).await), "{}");
        assert_eq!((client.pool.len(), listener.accepted()), (1, connections));
        close.send(()).unwrap();
        was_closed.recv().await.unwrap();
    }
}

/// As above, with a close that comes when the connection has been taken already.
#[tokio::test]
async fn a_request_that_meets_a_closed_connection_was_not_sent() {
    let (close, may_close) = tokio::sync::oneshot::channel::<()>();
    let may_close = parking_lot::Mutex::new(Some(may_close));
    let listener = Listener::start(serving(move |mut peer| {
        let may_close = may_close.lock().take();
        async move {
            peer.request().await;
            peer.send(ok("{}").as_bytes()).await;
            may_close.unwrap().await.unwrap();
        }
    }))
    .await;
    let client = client(&listener.url());
    let limit = Limit { deadline: Instant::now() + LONG, whole: LONG };
    let connection = client.connector.connect(&client.address, limit).await.unwrap();
    let exchanged = connection.exchange(client.request(&delivery()), limit).await;
    let (connection, _) = exchanged.unwrap().1.expect("it is kept");
    assert!(connection.is_quiet());
    close.send(()).unwrap();
    connection.socket().readable().await.unwrap();
    assert!(!connection.is_quiet());
    let failure = connection.exchange(client.request(&delivery()), limit).await;
    assert!(matches!(failure, Err(Failure::Unsent)));
    assert_eq!(listener.requests().len(), 1);
}

#[tokio::test]
async fn bytes_that_nobody_asked_for_end_a_connection() {
    let listener = Listener::start(serving(|mut peer| async move {
        peer.request().await;
        peer.send(format!("{}{}", ok("{}"), ok("{\"another\":1}")).as_bytes()).await;
        peer.closed().await;
    }))
    .await;
    let client = client(&listener.url());
    for _ in 0..3 {
        assert_eq!(result(&client.send(&delivery()).await), "{}");
    }
}

#[tokio::test]
async fn as_many_idle_connections_are_kept_as_there_are_attempts_at_once() {
    let together = Arc::new(Barrier::new(7));
    let listener = Listener::start(serving(move |mut peer| {
        let together = Arc::clone(&together);
        async move {
            peer.request().await;
            together.wait().await;
            peer.send(ok("{}").as_bytes()).await;
            peer.closed().await;
        }
    }))
    .await;
    let client = client(&listener.url());
    let request = delivery();
    let answers = join_all((0..7).map(|_| client.send(&request))).await;
    assert!(answers.iter().all(|answer| result(answer) == "{}"));
    assert_eq!((listener.accepted(), client.pool.len()), (7, 4));
}

#[tokio::test]
async fn a_connection_that_nobody_uses_is_closed_after_a_while() {
    let (closed, mut was_closed) = mpsc::unbounded_channel();
    let listener = Listener::start(serving(move |mut peer| {
        let closed = closed.clone();
        async move {
            peer.request().await;
            peer.send(ok("{}").as_bytes()).await;
            peer.closed().await;
            closed.send(peer.number).unwrap();
        }
    }))
    .await;
    let client = Client { pool: Pool::new(4, SHORT), ..client(&listener.url()) };
    for connection in 1..=2 {
        assert_eq!(result(&client.send(&delivery()).await), "{}");
        assert_eq!(was_closed.recv().await, Some(connection));
        assert_eq!(client.pool.len(), 0);
    }
}

#[tokio::test]
async fn a_client_that_is_dropped_closes_its_connections() {
    let (closed, mut was_closed) = mpsc::unbounded_channel();
    let listener = Listener::start(serving(move |mut peer| {
        let closed = closed.clone();
        async move {
            peer.request().await;
            peer.send(ok("{}").as_bytes()).await;
            peer.closed().await;
            closed.send(()).unwrap();
        }
    }))
    .await;
    let client = client(&listener.url());
    client.send(&delivery()).await;
    assert_eq!(client.pool.len(), 1);
    drop(client);
    was_closed.recv().await.unwrap();
}

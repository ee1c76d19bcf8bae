//! Promises about feeds.

use std::sync::Arc;

use trailkeep_delivery::DocumentId;
use trailkeep_store::processing::{FeedDocument, MAX_FEED_BYTES, ProcessingStore};

use super::samples::{NAME, add, document, document_id, sixteen_at_once};

async fn append(store: &dyn ProcessingStore, process: u8, numbers: impl IntoIterator<Item = u64>) {
    for number in numbers {
        store.append(NAME, &document(process, number)).await.unwrap();
    }
}

/// The numbers of a process's documents, all of them.
async fn numbers(store: &dyn ProcessingStore, process: u8) -> Vec<u64> {
    let documents = store.documents(NAME, document_id(process, 0), 1_000).await.unwrap();
    documents.into_iter().map(|document| document.id.number).collect()
}

pub async fn documents_are_read_back_unchanged(store: Arc<dyn ProcessingStore>) {
    add(&*store, NAME).await;
    let all_bytes: Vec<u8> = (0..=u8::MAX).cycle().take(MAX_FEED_BYTES).collect();
    let documents: Vec<_> = [Vec::new(), vec![0], all_bytes]
        .into_iter()
        .zip(1..)
        .map(|(entries, number)| FeedDocument { id: document_id(1, number), entries })
        .collect();
    for document in &documents {
        store.append(NAME, document).await.unwrap();
    }
    let read = store.documents(NAME, document_id(1, 1), 10).await.unwrap();
    assert!(read == documents, "changed");
}

pub async fn a_document_appended_again_is_one(store: Arc<dyn ProcessingStore>) {
    add(&*store, NAME).await;
    for _ in 0..2 {
        store.append(NAME, &document(1, 1)).await.unwrap();
    }
    sixteen_at_once(&store, |store, _| async move {
        store.append(NAME, &document(1, 2)).await.unwrap();
    })
    .await;
    let read = store.documents(NAME, document_id(1, 0), 10).await.unwrap();
    assert_eq!(read, [document(1, 1), document(1, 2)]);
}

pub async fn documents_of_a_process_are_read_in_order_from_a_number_on(
    store: Arc<dyn ProcessingStore>,
) {
    add(&*store, NAME).await;
    // Numbers of more than one byte, so that their order is not that of their texts.
    let all = [1, 2, 255, 256, 65_536, 1 << 40, i64::MAX as u64];
    append(&*store, 1, all.into_iter().rev()).await;
    append(&*store, 0, [7]).await;
    append(&*store, 2, [7]).await;
    for (place, from) in all.into_iter().enumerate() {
        for limit in [1, 3, all.len()] {
            let read = store.documents(NAME, document_id(1, from), limit).await.unwrap();
            let expected = all[place..].iter().take(limit).map(|number| document(1, *number));
            assert_eq!(read, expected.collect::<Vec<_>>());
        }
    }
    let read = store.documents(NAME, document_id(1, 3), 1).await.unwrap();
    assert_eq!(read, [document(1, 255)]);
    assert_eq!(store.documents(NAME, document_id(1, 0), 0).await.unwrap(), []);
    assert_eq!(store.documents(NAME, document_id(3, 0), 10).await.unwrap(), []);
}

pub async fn processes_are_found_with_their_lowest_numbers(store: Arc<dyn ProcessingStore>) {
    add(&*store, NAME).await;
    add(&*store, "other").await;
    assert_eq!(store.feeding(NAME).await.unwrap(), []);
    // The first and the last that there can be are among them.
    let expected: Vec<DocumentId> =
        [(0, 300), (1, 1), (7, 2), (254, 5), (255, 9)].map(|(p, n)| document_id(p, n)).into();
    for id in expected.iter().rev() {
        let process = id.process.0[0];
        append(&*store, process, id.number..id.number + 3).await;
    }
    store.append("other", &document(3, 1)).await.unwrap();
    assert_eq!(store.feeding(NAME).await.unwrap(), expected);

    let gone = [document_id(7, 2), document_id(7, 3), document_id(7, 4), document_id(0, 300)];
    store.remove_documents(NAME, &gone).await.unwrap();
    let expected = [(0, 301), (1, 1), (254, 5), (255, 9)].map(|(p, n)| document_id(p, n));
    assert_eq!(store.feeding(NAME).await.unwrap(), expected);
    assert_eq!(store.feeding("other").await.unwrap(), [document_id(3, 1)]);
}

pub async fn removed_documents_are_gone_and_no_others(store: Arc<dyn ProcessingStore>) {
    add(&*store, NAME).await;
    add(&*store, "other").await;
    append(&*store, 1, 1..6).await;
    append(&*store, 2, 1..3).await;
    store.append("other", &document(1, 2)).await.unwrap();
    let gone = [document_id(1, 2), document_id(1, 4), document_id(9, 9)];
    for _ in 0..2 {
        store.remove_documents(NAME, &gone).await.unwrap();
        store.remove_documents(NAME, &[]).await.unwrap();
        assert_eq!(numbers(&*store, 1).await, [1, 3, 5]);
        assert_eq!(numbers(&*store, 2).await, [1, 2]);
    }
    let others = store.documents("other", document_id(1, 0), 10).await.unwrap();
    assert_eq!(others, [document(1, 2)]);
}

pub async fn the_size_of_a_feed_is_that_of_its_documents(store: Arc<dyn ProcessingStore>) {
    add(&*store, NAME).await;
    add(&*store, "other").await;
    assert_eq!(store.feed_size(NAME).await.unwrap(), 0);
    append(&*store, 1, 1..6).await;
    append(&*store, 2, 3..5).await;
    store.append("other", &document(1, 1)).await.unwrap();
    assert_eq!(store.feed_size(NAME).await.unwrap(), 7);
    assert_eq!(store.feed_size("other").await.unwrap(), 1);
    store.remove_documents(NAME, &[document_id(1, 1), document_id(2, 4)]).await.unwrap();
    assert_eq!(store.feed_size(NAME).await.unwrap(), 5);
    assert_eq!(store.feed_size("nobody").await.unwrap(), 0);
}

//! What goes of what is pending: of feeds, commands and states.

use std::slice::from_ref;

use trailkeep_store::processing::FeedDocument;

use super::samples::Stores;
use crate::processing::samples::{NAME, add, command, document, document_id, process};
use crate::samples::at;

async fn fed(stores: &Stores, name: &str) -> Vec<FeedDocument> {
    stores.processing.documents(name, document_id(1, 0), 100).await.unwrap()
}

pub async fn a_document_is_replaced_where_it_is_there(stores: Stores) {
    for name in [NAME, "other"] {
        add(&*stores.processing, name).await;
        for number in 1..4 {
            stores.processing.append(name, &document(1, number)).await.unwrap();
        }
    }
    let shorter = FeedDocument { entries: b"shorter".to_vec(), ..document(1, 2) };
    for _ in 0..2 {
        stores.erasures.replace_document(NAME, &shorter).await.unwrap();
        let expected = [document(1, 1), shorter.clone(), document(1, 3)];
        assert_eq!(fed(&stores, NAME).await, expected);
    }
    let empty = FeedDocument { entries: Vec::new(), ..document(1, 2) };
    for _ in 0..2 {
        stores.erasures.replace_document(NAME, &empty).await.unwrap();
        assert_eq!(fed(&stores, NAME).await, [document(1, 1), document(1, 3)]);
    }
    // What was delivered meanwhile does not come back.
    stores.erasures.replace_document(NAME, &shorter).await.unwrap();
    assert_eq!(fed(&stores, NAME).await, [document(1, 1), document(1, 3)]);
    assert_eq!(fed(&stores, "other").await, [1, 2, 3].map(|number| document(1, number)));
    stores.erasures.replace_document("unknown", &shorter).await.unwrap();
    assert_eq!(stores.processing.feeding(NAME).await.unwrap()[0].process, process(1));
}

pub async fn a_command_is_removed_and_no_other(stores: Stores) {
    add(&*stores.processing, NAME).await;
    let (first, second) = (command(NAME, 1), command(NAME, 2));
    for command in [&first, &second] {
        assert!(stores.processing.add_command(command).await.unwrap());
    }
    for _ in 0..2 {
        stores.erasures.remove_command(first.id).await.unwrap();
        assert_eq!(stores.processing.commands(NAME).await.unwrap(), from_ref(&second));
        assert_eq!(stores.processing.command(first.id).await.unwrap(), None);
    }
}

pub async fn what_was_published_goes_until_it_is_published_again(stores: Stores) {
    for name in [NAME, "other"] {
        stores.processing.publish(name, at(1), "{}").await.unwrap();
    }
    for _ in 0..2 {
        stores.erasures.unpublish(NAME).await.unwrap();
        assert_eq!(stores.processing.published(NAME).await.unwrap(), None);
    }
    let other = stores.processing.published("other").await.unwrap();
    assert_eq!(other, Some((at(1), "{}".into())));
    stores.processing.publish(NAME, at(2), "{}").await.unwrap();
    assert!(stores.processing.published(NAME).await.unwrap().is_some());
}

pub async fn what_is_scrubbed_is_as_it_was(stores: Stores) {
    add(&*stores.processing, NAME).await;
    stores.processing.append(NAME, &document(1, 1)).await.unwrap();
    stores.erasures.scrub().await.unwrap();
    assert_eq!(fed(&stores, NAME).await, [document(1, 1)]);
}

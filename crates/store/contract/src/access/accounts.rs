//! Promises about accounts.

use std::sync::Arc;

use trailkeep_store::access::{
    AccessStore, Admission, Created, MAX_PLACES, Role, StaffAccount, StaffChange,
};
use uuid::Uuid;

use super::samples::{HOSTILE, account, at, count, ends_of_the_calendar, hash, sixteen_at_once};

async fn make(store: &dyn AccessStore, account: &StaffAccount) {
    let made = store.create_account(account, Admission::Any).await.unwrap();
    assert_eq!(made, Created::Created);
}

/// All accounts, by their addresses.
async fn addresses(store: &dyn AccessStore) -> Vec<String> {
    let accounts = store.accounts(None, 1_000).await.unwrap();
    accounts.into_iter().map(|account| account.email).collect()
}

pub async fn an_account_is_read_back_unchanged(store: Arc<dyn AccessStore>) {
    let plain = account("ann@example.com");
    let full = StaffAccount {
        name: "Zażółć \"🦀\" \0 O'Neill".to_owned(),
        role: Role::Admin,
        is_disabled: true,
        session_epoch: i64::MAX,
        places: vec![hash(2), hash(1)],
        created_at: at(-1),
        ..account("zoe@example.com")
    };
    for account in [&plain, &full] {
        make(&*store, account).await;
        let by_id = store.account(account.id).await.unwrap();
        assert_eq!(by_id.as_ref(), Some(account));
        let by_email = store.account_by_email(&account.email).await.unwrap();
        assert_eq!(by_email.as_ref(), Some(account));
    }
    let all = store.accounts(None, 10).await.unwrap();
    assert_eq!(all, [plain, full]);
}

pub async fn unknown_accounts_are_none(store: Arc<dyn AccessStore>) {
    assert_eq!(store.accounts(None, 10).await.unwrap(), []);
    make(&*store, &account("ann@example.com")).await;
    assert_eq!(store.account(Uuid::new_v4()).await.unwrap(), None);
    assert_eq!(store.account_by_email("").await.unwrap(), None);
    let change = StaffChange { is_disabled: Some(true), ..StaffChange::default() };
    let nobody = Uuid::new_v4();
    assert_eq!(store.change_account(nobody, &change).await.unwrap(), None);
    let nothing = StaffChange::default();
    assert_eq!(store.change_account(nobody, &nothing).await.unwrap(), None);
    assert_eq!(addresses(&*store).await, ["ann@example.com"]);
}

pub async fn an_address_has_one_account_whoever_comes_at_the_same_moment(
    store: Arc<dyn AccessStore>,
) {
    for email in ["first@example.com", "second@example.com"] {
        let made = sixteen_at_once(&store, |store, _| async move {
            let account = account(email);
            store.create_account(&account, Admission::Any).await.unwrap()
        })
        .await;
        assert_eq!(count(&made, &Created::Created), 1, "{made:?}");
        assert_eq!(count(&made, &Created::EmailTaken), 15, "{made:?}");
    }
    let all = ["first@example.com", "second@example.com"];
    assert_eq!(addresses(&*store).await, all);
}

pub async fn of_first_accounts_at_the_same_moment_one_is_made(store: Arc<dyn AccessStore>) {
    let made = sixteen_at_once(&store, |store, number| async move {
        let account = account(&format!("{number}@example.com"));
        store.create_account(&account, Admission::First).await.unwrap()
    })
    .await;
    assert_eq!(count(&made, &Created::Created), 1, "{made:?}");
    assert_eq!(count(&made, &Created::NotFirst), 15, "{made:?}");
    let winner = made.iter().position(|made| *made == Created::Created);
    let winner = format!("{}@example.com", winner.unwrap());
    assert_eq!(addresses(&*store).await, [winner]);
}

pub async fn a_first_account_is_refused_once_there_is_any(store: Arc<dyn AccessStore>) {
    let disabled = StaffAccount { is_disabled: true, ..account("ann@example.com") };
    make(&*store, &disabled).await;
    for email in ["bob@example.com", "ann@example.com"] {
        let refused = store.create_account(&account(email), Admission::First).await;
        assert_eq!(refused.unwrap(), Created::NotFirst, "{email}");
    }
    assert_eq!(addresses(&*store).await, ["ann@example.com"]);
    make(&*store, &account("bob@example.com")).await;
}

pub async fn others_are_let_in_while_first_ones_come(store: Arc<dyn AccessStore>) {
    let made = sixteen_at_once(&store, |store, number| async move {
        let account = account(&format!("{number}@example.com"));
        let admission = if number % 2 == 0 { Admission::Any } else { Admission::First };
        (admission, store.create_account(&account, admission).await.unwrap())
    })
    .await;
    let others = count(&made, &(Admission::Any, Created::Created));
    assert_eq!(others, 8, "{made:?}");
    let first = count(&made, &(Admission::First, Created::Created));
    assert!(first <= 1, "{made:?}");
    let refused = count(&made, &(Admission::First, Created::NotFirst));
    assert_eq!(first + refused, 8, "{made:?}");
    assert_eq!(addresses(&*store).await.len(), others + first);
}

pub async fn the_same_account_made_again_counts_as_made(store: Arc<dyn AccessStore>) {
    let first = account("ann@example.com");
    for admission in [Admission::First, Admission::First, Admission::Any] {
        let made = store.create_account(&first, admission).await.unwrap();
        assert_eq!(made, Created::Created, "{admission:?}");
    }
    let second = account("bob@example.com");
    make(&*store, &second).await;
    make(&*store, &second).await;
    assert_eq!(store.accounts(None, 10).await.unwrap(), [first, second]);
}

pub async fn each_field_of_an_account_changes_alone(store: Arc<dyn AccessStore>) {
    let mut ann = account("ann@example.com");
    let bob = account("bob@example.com");
    make(&*store, &ann).await;
    make(&*store, &bob).await;

    let nothing = StaffChange::default;
    let new_hash = StaffChange { password_hash: Some("$argon2id$new".to_owned()), ..nothing() };
    ann.password_hash = "$argon2id$new".to_owned();
    let changed = store.change_account(ann.id, &new_hash).await.unwrap();
    assert_eq!(changed.as_ref(), Some(&ann));

    for role in [Role::Admin, Role::Staff, Role::Support, Role::Admin] {
        ann.role = role;
        let role = StaffChange { role: Some(role), ..nothing() };
        let changed = store.change_account(ann.id, &role).await.unwrap();
        assert_eq!(changed.as_ref(), Some(&ann));
    }
    for is_disabled in [true, false, true, true] {
        ann.is_disabled = is_disabled;
        let disabled = StaffChange { is_disabled: Some(is_disabled), ..nothing() };
        let changed = store.change_account(ann.id, &disabled).await.unwrap();
        assert_eq!(changed.as_ref(), Some(&ann));
    }
    assert_eq!(store.accounts(None, 10).await.unwrap(), [ann, bob]);
}

pub async fn a_change_of_nothing_answers_the_account(store: Arc<dyn AccessStore>) {
    let ann = account("ann@example.com");
    make(&*store, &ann).await;
    let nothing = StaffChange::default();
    let same = store.change_account(ann.id, &nothing).await.unwrap();
    assert_eq!(same, Some(ann));
}

pub async fn changes_of_different_fields_at_the_same_moment_are_all_kept(
    store: Arc<dyn AccessStore>,
) {
    let ann = account("ann@example.com");
    make(&*store, &ann).await;
    let id = ann.id;
    sixteen_at_once(&store, |store, number| async move {
        let mut change = StaffChange::default();
        match number % 3 {
            0 => change.role = Some(Role::Admin),
            1 => change.is_disabled = Some(true),
            _ => change.password_hash = Some("new".to_owned()),
        }
        store.change_account(id, &change).await.unwrap().unwrap()
    })
    .await;
    let expected = StaffAccount {
        role: Role::Admin,
        is_disabled: true,
        password_hash: "new".to_owned(),
        ..ann
    };
    assert_eq!(store.account(id).await.unwrap(), Some(expected));
}

pub async fn a_change_that_ends_sessions_raises_the_epoch_by_one(store: Arc<dyn AccessStore>) {
    let ann = account("ann@example.com");
    let bob = account("bob@example.com");
    make(&*store, &ann).await;
    make(&*store, &bob).await;
    let ending = StaffChange { ends_sessions: true, ..StaffChange::default() };
    let ended = store.change_account(ann.id, &ending).await.unwrap();
    assert_eq!(ended.map(|account| account.session_epoch), Some(1));
    let new_password = StaffChange { password_hash: Some("new".to_owned()), ..ending };
    let id = ann.id;
    sixteen_at_once(&store, |store, _| {
        let change = new_password.clone();
        async move { store.change_account(id, &change).await.unwrap().unwrap() }
    })
    .await;
    let expected = StaffAccount { password_hash: "new".to_owned(), session_epoch: 17, ..ann };
    assert_eq!(store.accounts(None, 10).await.unwrap(), [expected, bob]);
}

pub async fn a_hash_is_renewed_only_in_the_place_of_the_one_that_was_verified(
    store: Arc<dyn AccessStore>,
) {
    let mut ann = account("ann@example.com");
    let bob = account("bob@example.com");
    make(&*store, &ann).await;
    make(&*store, &bob).await;
    let id = ann.id;
    let verified = ann.password_hash.clone();
    let renewed = sixteen_at_once(&store, |store, number| {
        let verified = verified.clone();
        async move {
            let hash = format!("renewed {number}");
            store.renew_password_hash(id, &verified, &hash).await.unwrap()
        }
    })
    .await;
    assert_eq!(count(&renewed, &true), 1, "{renewed:?}");
    let winner = renewed.iter().position(|done| *done).unwrap();
    ann.password_hash = format!("renewed {winner}");
    assert_eq!(store.account(id).await.unwrap().as_ref(), Some(&ann));

    let new_password = StaffChange {
        password_hash: Some("another password".to_owned()),
        ..StaffChange::default()
    };
    store.change_account(id, &new_password).await.unwrap();
    let late = store.renew_password_hash(id, &ann.password_hash, "too late");
    assert!(!late.await.unwrap());
    let nobody = store.renew_password_hash(Uuid::new_v4(), &bob.password_hash, "nobody's");
    assert!(!nobody.await.unwrap());
    ann.password_hash = "another password".to_owned();
    assert_eq!(store.accounts(None, 10).await.unwrap(), [ann, bob]);
}

pub async fn the_last_places_of_an_account_are_kept(store: Arc<dyn AccessStore>) {
    let ann = account("ann@example.com");
    let bob = account("bob@example.com");
    make(&*store, &ann).await;
    make(&*store, &bob).await;
    let places = async || store.account(ann.id).await.unwrap().unwrap().places;
    for number in [1, 2, 1] {
        store.note_place(ann.id, &hash(number)).await.unwrap();
    }
    assert_eq!(places().await, [hash(2), hash(1)]);
    let more: Vec<_> = (10..).map(hash).take(MAX_PLACES - 1).collect();
    for place in &more {
        store.note_place(ann.id, place).await.unwrap();
    }
    assert_eq!(places().await, [&[hash(1)], &more[..]].concat());
    store.note_place(Uuid::new_v4(), &hash(3)).await.unwrap();
    assert_eq!(store.account(bob.id).await.unwrap(), Some(bob));

    sixteen_at_once(&store, |store, number| {
        let place = hash(100 + u8::try_from(number % 4).unwrap());
        let id = ann.id;
        async move { store.note_place(id, &place).await.unwrap() }
    })
    .await;
    let after = places().await;
    assert_eq!(after.len(), MAX_PLACES);
    assert!((100..104).all(|number| after.contains(&hash(number))), "{after:?}");
}

pub async fn accounts_are_paged_by_address(store: Arc<dyn AccessStore>) {
    let mut expected = Vec::new();
    for email in ["b", "a", "ab", "B", "é", "a b", "z", "a@", "🦀", "aa"] {
        make(&*store, &account(email)).await;
        expected.push(email);
    }
    expected.sort_unstable();
    for limit in [1, 3, 9, 10, 11] {
        let mut seen = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let page = store.accounts(after.as_deref(), limit).await.unwrap();
            after = page.last().map(|account| account.email.clone());
            assert!(page.len() <= limit);
            let is_last = page.len() < limit;
            seen.extend(page.into_iter().map(|account| account.email));
            if is_last {
                break;
            }
        }
        assert_eq!(seen, expected, "limit {limit}");
    }
    assert_eq!(store.accounts(None, 0).await.unwrap(), []);
    // An address to go on from need not have an account.
    let page = store.accounts(Some("aaa"), 1).await.unwrap();
    assert_eq!(page[0].email, "ab");
}

pub async fn accounts_are_found_by_their_exact_address(store: Arc<dyn AccessStore>) {
    let mut accounts = Vec::new();
    for text in HOSTILE {
        let account =
            StaffAccount { name: text.to_owned(), password_hash: text.to_owned(), ..account(text) };
        make(&*store, &account).await;
        accounts.push(account);
    }
    for account in accounts {
        let found = store.account_by_email(&account.email).await.unwrap();
        assert_eq!(found.as_ref(), Some(&account));
        let change = StaffChange {
            password_hash: Some(format!("{}, changed", account.email)),
            ..StaffChange::default()
        };
        let changed = store.change_account(account.id, &change).await.unwrap();
        assert_eq!(changed.unwrap().password_hash, format!("{}, changed", account.email));
    }
    assert_eq!(addresses(&*store).await.len(), HOSTILE.len());
    for unknown in ["ann@example", "ANN@EXAMPLE.COM", "a", "ann@example.com\0"] {
        assert_eq!(store.account_by_email(unknown).await.unwrap(), None);
    }
}

pub async fn an_account_is_made_at_the_ends_of_the_calendar(store: Arc<dyn AccessStore>) {
    for created_at in ends_of_the_calendar() {
        let account = StaffAccount { created_at, ..account(&created_at.to_string()) };
        make(&*store, &account).await;
        assert_eq!(store.account(account.id).await.unwrap(), Some(account));
    }
}

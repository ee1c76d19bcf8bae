#![allow(clippy::unwrap_used)]

use axum_login::AuthUser as _;
use futures_util::poll;

use super::*;
use crate::access::memory_store::{MemoryStore, TestClock};
use crate::access::password::HashCost;
use crate::access::sessions::SignedIn;

const PASSWORD: &str = "kx7#mqvz";

fn accounts(is_sign_up_open: bool) -> (StaffAccounts, Arc<MemoryStore>) {
    let store = Arc::new(MemoryStore::default());
    (on(&store, is_sign_up_open, 1), store)
}

fn on(store: &Arc<MemoryStore>, is_sign_up_open: bool, passes: u32) -> StaffAccounts {
    let cost = HashCost { memory_kib: 8, passes, lanes: 1, parallel: 2, waiting: 100 };
    StaffAccounts::new(
        Arc::clone(store) as Arc<dyn AccessStore>,
        Arc::new(TestClock::default()),
        Passwords::new(&cost).unwrap(),
        is_sign_up_open,
    )
}

fn new(email: &str) -> NewStaff {
    NewStaff { email: email.to_owned(), name: "Jo".to_owned(), password: PASSWORD.to_owned() }
}

/// Signs up as somebody who has the set-up code.
async fn sign_up(accounts: &StaffAccounts, new: NewStaff) -> Result<StaffAccount, AccessError> {
    let code = SetUpCode::random();
    accounts.store.add_set_up_code(&code.hash(), accounts.clock.now()).await.unwrap();
    let way = accounts.way_in(Some(&code.to_string())).await?;
    accounts.sign_up(new, way).await
}

#[tokio::test]
async fn the_first_account_needs_the_code_and_the_later_ones_none() {
    for is_open in [false, true] {
        let (accounts, store) = accounts(is_open);
        let code = SetUpCode::random();
        let other = SetUpCode::random().to_string();
        let refused = accounts.way_in(Some(&code.to_string())).await;
        assert!(matches!(refused, Err(AccessError::WrongSetUpCode)), "nobody has it yet");
        store.add_set_up_code(&code.hash(), accounts.clock.now()).await.unwrap();
        assert!(matches!(accounts.way_in(None).await, Err(AccessError::NoSetUpCode)));
        for wrong in ["", "x", other.as_str()] {
            let refused = accounts.way_in(Some(wrong)).await;
            assert!(matches!(refused, Err(AccessError::WrongSetUpCode)), "{wrong:?}");
        }
        let typed = code.to_string().to_lowercase();
        assert_eq!(accounts.way_in(Some(&typed)).await.unwrap(), WayIn::First);

        accounts.create(new("a@example.com"), Role::Staff).await.unwrap();
        for code in [None, Some(typed.as_str()), Some("x")] {
            match accounts.way_in(code).await {
                Ok(way) => assert!(is_open && way == WayIn::Open),
                Err(error) => assert!(!is_open && matches!(error, AccessError::SignUpClosed)),
            }
        }
    }
}

#[tokio::test]
async fn whoever_comes_second_with_the_code_is_no_administrator() {
    let (accounts, _) = accounts(true);
    accounts.sign_up(new("a@example.com"), WayIn::First).await.unwrap();
    let second = accounts.sign_up(new("b@example.com"), WayIn::First).await.unwrap();
    assert_eq!(second.role, Role::Staff);
}

#[tokio::test]
async fn the_first_to_sign_up_is_the_administrator_and_then_it_is_closed() {
    let (accounts, _) = accounts(false);
    let first = sign_up(&accounts, new("A@example.com")).await.unwrap();
    assert_eq!((first.role, first.email.as_str()), (Role::Admin, "a@example.com"));
    let second = sign_up(&accounts, new("b@example.com")).await;
    assert!(matches!(second, Err(AccessError::SignUpClosed)));
}

#[tokio::test]
async fn of_several_first_sign_ups_at_once_one_is_made() {
    let (accounts, store) = accounts(false);
    let accounts = Arc::new(accounts);
    let tries: Vec<_> = (0..8)
        .map(|number| {
            let accounts = Arc::clone(&accounts);
            let new = new(&format!("a{number}@example.com"));
            tokio::spawn(async move { sign_up(&accounts, new).await.is_ok() })
        })
        .collect();
    let mut made = 0;
    for one in tries {
        made += usize::from(one.await.unwrap());
    }
    assert_eq!(made, 1);
    assert_eq!(store.accounts(None, 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn open_sign_up_makes_staff_and_one_account_an_address() {
    let (accounts, _) = accounts(true);
    sign_up(&accounts, new("a@example.com")).await.unwrap();
    let second = sign_up(&accounts, new("b@example.com")).await.unwrap();
    assert_eq!(second.role, Role::Staff);
    let again = sign_up(&accounts, new("B@example.com")).await;
    assert!(matches!(again, Err(AccessError::EmailTaken)));
}

#[tokio::test]
async fn every_fault_is_named() {
    let (accounts, _) = accounts(false);
    let refused = accounts
        .sign_up(
            NewStaff {
                email: "nobody".to_owned(),
                name: "  ".to_owned(),
                password: "short".to_owned(),
            },
            WayIn::First,
        )
        .await;
    let Err(AccessError::Invalid(faults)) = refused else {
        unreachable!("all of it is wrong");
    };
    let fields: Vec<_> = faults.iter().map(|fault| &*fault.field).collect();
    assert_eq!(fields, ["email", "password", "name"]);
}

#[tokio::test]
async fn whoever_may_not_sign_in_is_told_the_same() {
    let (accounts, _) = accounts(true);
    sign_up(&accounts, new("a@example.com")).await.unwrap();
    let b = sign_up(&accounts, new("b@example.com")).await.unwrap();
    accounts.change(b.id, may(None, Some(true))).await.unwrap();
    accounts.sign_in(" A@Example.com", PASSWORD.to_owned()).await.unwrap();
    for (email, password) in [
        ("a@example.com", "kx7#mqv"),
        ("nobody@example.com", PASSWORD),
        ("b@example.com", PASSWORD),
        ("no address", PASSWORD),
        ("a@example.com", &"x".repeat(2000)),
    ] {
        let refused = accounts.sign_in(email, password.to_owned()).await;
        assert!(matches!(refused, Err(AccessError::WrongCredentials)), "{email}");
    }
}

#[tokio::test]
async fn a_hash_of_another_cost_is_renewed_at_sign_in() {
    let (accounts, store) = accounts(false);
    let first = sign_up(&accounts, new("a@example.com")).await.unwrap();
    let costlier = on(&store, false, 2);
    costlier.sign_in("a@example.com", PASSWORD.to_owned()).await.unwrap();
    let kept = store.account(first.id).await.unwrap().unwrap();
    assert!(kept.password_hash.contains("t=2"), "{}", kept.password_hash);
    assert!(is_good(&first, &kept), "its sessions go on");
    costlier.sign_in("a@example.com", PASSWORD.to_owned()).await.unwrap();
}

fn may(role: Option<Role>, is_disabled: Option<bool>) -> AccountChange {
    AccountChange { role, is_disabled, password: None }
}

/// Whether a session that was opened for an account as it was then is good for
/// the account as it is now.
fn is_good(then: &StaffAccount, now: &StaffAccount) -> bool {
    let epoch = |account: &StaffAccount| {
        let signed_in = SignedIn::new(account.clone());
        signed_in.session_auth_hash().to_vec()
    };
    epoch(then) == epoch(now)
}

#[test]
fn a_sign_in_at_the_same_time_does_not_undo_a_new_password() {
    // One thread verifies passwords, and is held up to begin with.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .max_blocking_threads(1)
        .build()
        .unwrap();
    runtime.block_on(a_sign_in_while_a_password_changes());
}

async fn a_sign_in_while_a_password_changes() {
    let (accounts, store) = accounts(false);
    sign_up(&accounts, new("a@example.com")).await.unwrap();
    let costlier = on(&store, false, 2);
    let (go, held_up) = std::sync::mpsc::channel::<()>();
    let held_up = tokio::task::spawn_blocking(move || held_up.recv());
    let mut signing_in = Box::pin(costlier.sign_in("a@example.com", PASSWORD.to_owned()));
    // It has read the account, and waits for the password to be verified.
    assert!(poll!(&mut signing_in).is_pending());
    drop(go);
    assert!(held_up.await.unwrap().is_err());
    let changed = costlier.reset_password("a@example.com", "another-one".to_owned()).await.unwrap();

    let signed_in = signing_in.await.unwrap();

    assert!(!is_good(&signed_in, &changed), "its session has ended too");
    let kept = store.account(changed.id).await.unwrap().unwrap();
    assert_eq!(kept, changed);
    costlier.sign_in("a@example.com", "another-one".to_owned()).await.unwrap();
    let old = costlier.sign_in("a@example.com", PASSWORD.to_owned()).await;
    assert!(matches!(old, Err(AccessError::WrongCredentials)));
}

#[tokio::test]
async fn what_ends_the_sessions_of_an_account_ends_those_opened_meanwhile() {
    let (accounts, _) = accounts(true);
    sign_up(&accounts, new("a@example.com")).await.unwrap();
    let mut then = sign_up(&accounts, new("b@example.com")).await.unwrap();
    for (role, is_disabled) in
        [(Some(Role::Admin), None), (Some(Role::Staff), None), (None, Some(false))]
    {
        let now = accounts.change(then.id, may(role, is_disabled)).await.unwrap();
        assert!(is_good(&then, &now), "{role:?}, {is_disabled:?}");
    }
    accounts.change(then.id, may(None, Some(true))).await.unwrap();
    let now = accounts.change(then.id, may(None, Some(false))).await.unwrap();
    assert!(!is_good(&then, &now), "was disabled");
    then = now;
    // Also to the password that it was.
    let again = PASSWORD.to_owned();
    let now = accounts.change_password(&then, again.clone(), again).await;
    assert!(!is_good(&then, now.as_ref().unwrap()), "has a new password");
    then = now.unwrap();
    let now = accounts.reset_password("b@example.com", "another-one".to_owned()).await.unwrap();
    assert!(!is_good(&then, &now), "was reset");
    then = now;
    let password = Some("a-third-one".to_owned());
    let change = AccountChange { password, ..may(Some(Role::Admin), None) };
    let now = accounts.change(then.id, change).await.unwrap();
    assert!(!is_good(&then, &now), "was set by somebody else");
}

#[tokio::test]
async fn changing_a_password_takes_the_current_one_and_a_good_new_one() {
    let (accounts, _) = accounts(false);
    let first = sign_up(&accounts, new("a@example.com")).await.unwrap();
    let change = |current: &str, new: &str| {
        accounts.change_password(&first, current.to_owned(), new.to_owned())
    };
    assert!(matches!(change("wrong", "another-one").await, Err(AccessError::WrongCredentials)));
    assert!(matches!(change(PASSWORD, "password").await, Err(AccessError::Invalid(_))));
    change(PASSWORD, "another-one").await.unwrap();
    accounts.sign_in("a@example.com", "another-one".to_owned()).await.unwrap();
    let old = accounts.sign_in("a@example.com", PASSWORD.to_owned()).await;
    assert!(matches!(old, Err(AccessError::WrongCredentials)));
}

#[tokio::test]
async fn a_password_that_is_set_for_somebody_keeps_to_the_rules_or_nothing_changes() {
    let (accounts, _) = accounts(false);
    let first = sign_up(&accounts, new("a@example.com")).await.unwrap();
    let kim = accounts.create(new("kim@example.com"), Role::Staff).await.unwrap();
    let set = |id, password: &str| {
        let password = Some(password.to_owned());
        accounts.change(id, AccountChange { password, ..may(Some(Role::Admin), None) })
    };
    let Err(AccessError::Invalid(faults)) = set(kim.id, "password1").await else {
        unreachable!("it is guessed first");
    };
    assert_eq!(faults[0].field, "password");
    assert!(matches!(set(Uuid::nil(), "another-one").await, Err(AccessError::Unknown)));
    let last = AccountChange { password: Some("another-one".to_owned()), ..may(None, Some(true)) };
    let refused = accounts.change(first.id, last).await;
    assert!(matches!(refused, Err(AccessError::LastAdmin)));
    for email in ["a@example.com", "kim@example.com"] {
        let as_before = accounts.sign_in(email, PASSWORD.to_owned()).await.unwrap();
        assert_eq!(as_before.role == Role::Admin, as_before.id == first.id);
    }
    assert_eq!(set(kim.id, "another-one").await.unwrap().role, Role::Admin);
    accounts.sign_in("kim@example.com", "another-one".to_owned()).await.unwrap();
}

#[tokio::test]
async fn the_last_enabled_administrator_stays() {
    let (accounts, _) = accounts(false);
    let a = sign_up(&accounts, new("a@example.com")).await.unwrap();
    let b = accounts.create(new("b@example.com"), Role::Staff).await.unwrap();
    let last = |outcome| matches!(outcome, Err(AccessError::LastAdmin));
    assert!(last(accounts.change(a.id, may(None, Some(true))).await));
    assert!(last(accounts.change(a.id, may(Some(Role::Staff), None)).await));
    accounts.change(b.id, may(Some(Role::Admin), None)).await.unwrap();
    accounts.change(a.id, may(Some(Role::Staff), None)).await.unwrap();
    assert!(last(accounts.change(b.id, may(None, Some(true))).await));
    let unknown = accounts.change(Uuid::nil(), may(None, Some(true))).await;
    assert!(matches!(unknown, Err(AccessError::Unknown)));
}

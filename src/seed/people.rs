//! Who visits: accounts, and the users that belong to them.

use std::sync::Arc;

use rand::Rng;
use rand::distr::Distribution as _;
use rand_distr::Zipf;

use super::Plan;

/// How uneven the accounts are.
const ACCOUNTS_EXPONENT: f64 = 0.5;

/// How uneven the users of an account are.
const USERS_EXPONENT: f64 = 0.8;

/// Who makes a visit.
#[derive(Debug, Clone)]
pub struct Visitor {
    pub user_id: Arc<str>,
    pub account_id: Arc<str>,
    /// Which of the users it is.
    pub number: u32,
}

/// All users, numbered from 1 on: those of ordinary accounts first, dealt out
/// to them in turn, then those of the whale.
pub struct People {
    accounts: u32,
    ordinary_users: u32,
    account: Law,
    /// For the accounts that got a user less than others when they were dealt
    /// out, and for those others.
    user: [Law; 2],
    whale: Arc<str>,
    whale_user: Law,
}

/// Zipf's law over the ranks 1 to `ranks`.
struct Law {
    ranks: u32,
    zipf: Option<Zipf<f64>>,
}

impl Law {
    fn new(ranks: u32, exponent: f64) -> Self {
        Self { ranks, zipf: Zipf::new(f64::from(ranks), exponent).ok() }
    }

    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // 1 to `ranks`
    fn rank(&self, chance: &mut impl Rng) -> u32 {
        let rank = self.zipf.map_or(1.0, |zipf| zipf.sample(chance));
        (rank as u32).clamp(1, self.ranks.max(1))
    }
}

impl People {
    /// The plan has been checked.
    pub fn new(plan: &Plan) -> Self {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a share of `users`
        let fair = (f64::from(plan.users) * plan.whale_share).round() as u32;
        let whale_users = fair.clamp(1, plan.users - plan.accounts);
        let ordinary_users = plan.users - whale_users;
        let each = ordinary_users / plan.accounts;
        Self {
            accounts: plan.accounts,
            ordinary_users,
            account: Law::new(plan.accounts, ACCOUNTS_EXPONENT),
            user: [each, each + 1].map(|users| Law::new(users, USERS_EXPONENT)),
            whale: plan.whale.as_ref().into(),
            whale_user: Law::new(whale_users, USERS_EXPONENT),
        }
    }

    /// A user of the whale.
    pub fn of_whale(&self, chance: &mut impl Rng) -> Visitor {
        let number = self.ordinary_users + self.whale_user.rank(chance);
        Visitor { user_id: user_id(number), account_id: Arc::clone(&self.whale), number }
    }

    /// A user of an ordinary account.
    pub fn ordinary(&self, chance: &mut impl Rng) -> Visitor {
        let account = self.account.rank(chance);
        let has_one_more = account <= self.ordinary_users % self.accounts;
        let rank = self.user[usize::from(has_one_more)].rank(chance);
        let number = account + (rank - 1) * self.accounts;
        let account_id = format!("account-{account:04}").into();
        Visitor { user_id: user_id(number), account_id, number }
    }
}

fn user_id(number: u32) -> Arc<str> {
    format!("user-{number:06}").into()
}

//! Some accounts that have events, without looking at the events of any.
//!
//! From a random place between the first and the last account on, in order,
//! and from the first on where the last is reached: `wanted` + 3 steps into
//! the index at the most, and all accounts where there are no more than wanted.

use rand::Rng;
use rand::seq::IndexedRandom as _;

use super::{Summaries, SummaryError};

/// Characters that are drawn behind what the first and the last account share.
const DRAWN: usize = 4;

impl Summaries {
    /// Some accounts, at most as many as wanted, in no promised order.
    pub async fn sample(&self, wanted: usize) -> Result<Vec<String>, SummaryError> {
        let limit = self.limits.query_timeout;
        self.query(&self.sampling, async {
            let Some((first, last)) = self.store.account_ends(limit).await? else {
                return Ok(Vec::new());
            };
            let start = between(&first, &last, &mut rand::rng());
            let mut accounts = self.store.accounts_from(&start, wanted, limit).await?;
            let missing = wanted.saturating_sub(accounts.len());
            if missing > 0 {
                let from_first = self.store.accounts_from(&first, missing, limit).await?;
                let is_new = |account: &String| *account < start;
                accounts.extend(from_first.into_iter().filter(is_new));
            }
            Ok(accounts)
        })
        .await
    }
}

/// A text that lies, as a rule, between two others: what they share, then
/// characters of the kinds that they go on with. Where it lies beyond one of
/// them, a sample begins at the first account.
pub(super) fn between(first: &str, last: &str, random: &mut impl Rng) -> String {
    let shared: String = first
        .chars()
        .zip(last.chars())
        .take_while(|(one, other)| one == other)
        .map(|(one, _)| one)
        .collect();
    let (low, high) = (&first[shared.len()..], &last[shared.len()..]);
    let alphabet = alphabet(&format!("{low}{high}"));
    let lowest = low.chars().next().unwrap_or(char::MIN);
    let highest = high.chars().next().unwrap_or(char::MAX);
    let is_between = |c: &char| (lowest..=highest).contains(c);
    let leading: Vec<char> = alphabet.iter().copied().filter(is_between).collect();
    let mut text = shared;
    text.extend(leading.choose(random));
    text.extend((1..DRAWN).filter_map(|_| alphabet.choose(random)));
    text
}

/// The characters of a text, and those of their kinds: digits, hexadecimal
/// digits, letters.
fn alphabet(text: &str) -> Vec<char> {
    let mut alphabet: Vec<char> = text.chars().collect();
    for (first, last) in [('0', '9'), ('a', 'f'), ('A', 'F'), ('g', 'z'), ('G', 'Z')] {
        if text.chars().any(|c| (first..=last).contains(&c)) {
            alphabet.extend(first..=last);
        }
    }
    alphabet.sort_unstable();
    alphabet.dedup();
    alphabet
}

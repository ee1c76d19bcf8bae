//! Some accounts that have events, without looking at the events of any.
//!
//! From a random place between the first and the last account on, in order,
//! and from the first on where the last is reached: `wanted` + 3 steps into
//! the index at the most, and all accounts where there are no more than wanted.

use rand::Rng;

use super::counting::Deadline;
use super::{Summaries, SummaryError};

/// Characters that are drawn behind what the first and the last account share.
const DRAWN: usize = 4;

impl Summaries {
    /// Some accounts, at most as many as wanted, in no promised order.
    pub async fn sample(&self, wanted: usize) -> Result<Vec<String>, SummaryError> {
        let _turn = self.turn(&self.sampling, 1).await?;
        let deadline = Deadline::begin(self.limits.query_timeout);
        self.unless_closing(async {
            let ends = self.store.account_ends(deadline.left()?).await?;
            let Some((first, last)) = ends else {
                return Ok(Vec::new());
            };
            let start = between(&first, &last, &mut rand::rng());
            let mut accounts = self
                .store
                .accounts_from(&start, wanted, deadline.left()?)
                .await?;
            let missing = wanted.saturating_sub(accounts.len());
            if missing > 0 {
                let from_first = self
                    .store
                    .accounts_from(&first, missing, deadline.left()?)
                    .await?;
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
    let rest = |text: &str| text[shared.len()..].to_owned();
    let (low, high) = (rest(first), rest(last));
    let alphabet = alphabet(&format!("{low}{high}"));
    let is_between = |c: &char| {
        low.chars().next().is_none_or(|low| *c >= low)
            && high.chars().next().is_none_or(|high| *c <= high)
    };
    let leading: Vec<char> = alphabet.iter().copied().filter(is_between).collect();
    let mut text = shared;
    for place in 0..DRAWN {
        let from = if place == 0 { &leading } else { &alphabet };
        if !from.is_empty() {
            text.push(from[random.random_range(0..from.len())]);
        }
    }
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

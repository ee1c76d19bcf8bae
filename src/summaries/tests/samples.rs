use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;

use super::super::sample::between;
use super::*;

async fn sample(accounts: &BTreeSet<String>, wanted: usize) -> (Vec<String>, usize) {
    let store = FakeStore::with(accounts.clone());
    let sample = over(&store).sample(wanted).await.unwrap();
    (sample, store.steps())
}

proptest! {
    #[test]
    fn a_sample_is_of_accounts_that_exist_as_many_as_wanted_each_once(
        accounts in prop::collection::btree_set("\\PC{1,6}|a[0-9]{1,3}|[0-9a-f]{8}", 0..30),
        wanted in 1_usize..20,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (sample, steps) = runtime.block_on(sample(&accounts, wanted));
        prop_assert_eq!(sample.len(), wanted.min(accounts.len()));
        let distinct: BTreeSet<_> = sample.iter().cloned().collect();
        prop_assert_eq!(distinct.len(), sample.len());
        prop_assert!(distinct.is_subset(&accounts));
        prop_assert!(steps <= wanted + 4, "{} steps for {}", steps, wanted);
    }
}

/// How often each first account comes in 2,000 samples.
fn starts(accounts: &BTreeSet<String>) -> BTreeMap<&str, usize> {
    let (first, last) = (accounts.first().unwrap(), accounts.last().unwrap());
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let mut starts = BTreeMap::new();
    for _ in 0..2000 {
        let start = between(first, last, &mut random);
        let found = accounts.range(start..).next().unwrap_or(first);
        *starts.entry(found.as_str()).or_default() += 1;
    }
    starts
}

#[test]
fn samples_begin_anywhere_whatever_the_ids_are_made_of() {
    let numbered = (0..200).map(|number| format!("acct-{number:03}"));
    let hashed = (0..200_u32).map(|number| format!("{:08x}", number.wrapping_mul(2_654_435_761)));
    for accounts in [numbered.collect::<BTreeSet<_>>(), hashed.collect::<BTreeSet<_>>()] {
        let starts = starts(&accounts);
        assert!(starts.len() > 150, "only {} places", starts.len());
        let most = starts.values().max().unwrap();
        assert!(*most < 200, "one of them {most} times in 2000");
    }
}

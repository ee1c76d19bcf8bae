//! What erased ids are called of which hashes alone are left.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use trailkeep_store::StoreError;
use trailkeep_store::erasures::{ErasedId, Erasure, ErasureKey, ErasureStore, IdHash};

/// The same erasures with the names of all ids that anything is kept of. Reads all that is
/// kept, where there are ids without names.
///
/// # Errors
///
/// Those of the store.
pub async fn with_names(
    store: &dyn ErasureStore,
    key: ErasureKey,
    erasures: &[Erasure],
) -> Result<Vec<Erasure>, StoreError> {
    let ids = erasures.iter().flat_map(|erasure| &erasure.ids);
    let hashes: HashSet<IdHash> =
        ids.filter(|erased| erased.id.is_none()).map(|erased| erased.hash).collect();
    if hashes.is_empty() {
        return Ok(erasures.to_vec());
    }
    let found = store.ids_with(key, Arc::new(hashes)).await?;
    let names: HashMap<IdHash, Box<str>> =
        found.into_iter().map(|id| (key.hash(&id), id)).collect();
    Ok(erasures.iter().map(|erasure| named(erasure, &names)).collect())
}

fn named(erasure: &Erasure, names: &HashMap<IdHash, Box<str>>) -> Erasure {
    let named = |erased: &ErasedId| {
        let id = erased.id.clone().or_else(|| names.get(&erased.hash).cloned());
        ErasedId { id, ..erased.clone() }
    };
    Erasure { ids: erasure.ids.iter().map(named).collect(), ..erasure.clone() }
}

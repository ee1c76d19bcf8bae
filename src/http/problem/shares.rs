//! The problems of tenants that hold their share of the room for events.

use super::{Problem, kinds};
use crate::ingest::quota::{OverShare, Shares, Tenant};

impl Problem {
    /// 429: a tenant of the batch holds its share; or 413: the batch alone is
    /// larger than that.
    pub fn over_share(over: &OverShare, shares: Shares) -> Self {
        let (whose, percent) = match &over.tenant {
            Tenant::Account(id) => (format!("Account \"{id}\""), shares.per_account),
            Tenant::Key(_) => ("This write key".to_owned(), shares.per_key),
        };
        if over.is_for_good {
            let detail = format!(
                "{whose} may have {percent} % of the room for events that wait for the database, \
                 and this request has more of its events than that; nothing was taken. Send them \
                 in parts."
            );
            return Self::new(kinds::LARGER_THAN_SHARE, detail);
        }
        let detail = format!(
            "{whose} may have {percent} % of the room for events that wait for the database, and \
             with this request it would have more; nothing of the request was taken. Send it again \
             later; events of others are taken."
        );
        Self::new(kinds::OVER_SHARE, detail)
    }
}

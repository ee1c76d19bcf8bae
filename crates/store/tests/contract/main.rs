//! Both stores keep the contract, and what they promise besides.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod answering;
mod homes;
mod mongo;

mod on_mongo {
    trailkeep_store_contract::contract!(crate::homes::open_mongo);
}

mod on_embedded {
    trailkeep_store_contract::contract!(crate::homes::open_embedded);
}

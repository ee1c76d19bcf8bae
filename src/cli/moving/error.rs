//! Why not all went over, and what a person does about it.

use std::path::PathBuf;

use trailkeep_store::StoreError;
use trailkeep_store::embedded::OpenError;
use trailkeep_store::mongo::MongoOpenError;

use crate::app::StartError;

/// Why not all went over.
#[derive(Debug, thiserror::Error)]
pub enum MoveError {
    #[error(
        "where to? Name the MongoDB in MONGODB_URI, in the environment or in .env, or with --to \
         mongodb://..., which others on this machine can read"
    )]
    NoTarget,
    #[error("{0}")]
    Source(#[from] OpenError),
    #[error(transparent)]
    Uri(#[from] MongoOpenError),
    #[error(transparent)]
    System(#[from] StartError),
    #[error(
        "the database {to} is not empty: there are documents in {}. Name another one, or drop it \
         if nothing in it is needed", .collections.join(", ")
    )]
    Taken { to: String, collections: Vec<String> },
    #[error(
        "in the database {to} is another move, of another folder or one that was given up. Name \
         another database, or drop it if nothing in it is needed"
    )]
    Another { to: String },
    #[error(
        "this folder was moved to {to} before. If that is not in use, remove {}, and it can be \
         moved again", .mark.display()
    )]
    Elsewhere { to: String, mark: PathBuf },
    #[error("the embedded store: {0}")]
    Reading(StoreError),
    #[error("MongoDB: {0}. What went over stays; run the command again to go on")]
    Writing(StoreError),
    #[error(
        "not the same: {table} has {here} rows here, and {there} there. Somebody else has written \
         to the database: drop it, remove {}, and move again", .mark.display()
    )]
    Counts { table: &'static str, here: u64, there: u64, mark: PathBuf },
    #[error(
        "not the same: the journey of {user:?}, at its event {place}. The embedded store is as it \
         was; drop the database, remove {}, and go on with the embedded store", .mark.display()
    )]
    Journey { user: String, place: u64, mark: PathBuf },
    #[error(
        "not the same: who is linked to {user:?}. The embedded store is as it was; drop the \
         database, remove {}, and go on with the embedded store", .mark.display()
    )]
    Links { user: String, mark: PathBuf },
}

impl MoveError {
    /// Whether another command line would help, and nothing else.
    pub fn is_of_arguments(&self) -> bool {
        matches!(self, Self::NoTarget)
    }
}

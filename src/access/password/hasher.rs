//! Argon2id, and what its hashes look like.
//!
//! The memory of a hash is taken for it and given back after it: a service that
//! nobody signs in to holds none, and one that is flooded holds as many pieces
//! as hashes are made at once. This needs an allocator that really gives them
//! back, as the binary's does: the system's kept one for every thread that ever
//! made a hash, which under 200 sign-ins at once came to 1.1 GB.

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Params, Version};

/// What new hashes are made with.
const ALGORITHM: Algorithm = Algorithm::Argon2id;
const VERSION: Version = Version::V0x13;

/// What a hash costs, and how many are made at once.
#[derive(Debug, Clone, Copy)]
pub struct HashCost {
    /// KiB of memory; at least 8 for each lane.
    pub memory_kib: u32,
    /// Passes over that memory.
    pub passes: u32,
    /// Lanes that could be filled in parallel.
    pub lanes: u32,
    /// Hashes made at once.
    pub parallel: usize,
    /// Hashes that may wait for their turn.
    pub waiting: usize,
}

impl HashCost {
    /// What a hash costs here. Memory, passes and lanes are OWASP's first choice; a
    /// hash made at another cost is renewed when its owner next signs in. Two at
    /// once, because each takes a core for some tens of milliseconds, and ingestion
    /// needs cores too. As many wait as are hashed in a second or two, since nobody
    /// waits for longer.
    pub const IN_FORCE: Self =
        Self { memory_kib: 19_456, passes: 2, lanes: 1, parallel: 2, waiting: 64 };
}

/// Why there is no hash and no verdict.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// The queue is full.
    #[error("too many passwords wait to be checked")]
    Busy,
    /// The parameters or a kept hash cannot be used, or memory is short.
    #[error("a password cannot be hashed: {0}")]
    Failed(String),
}

/// Whether a password is the right one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Wrong,
    Right,
    /// It is, and its hash was made at another cost: this is the new one.
    Outdated(String),
}

pub(super) struct Hasher {
    params: Params,
}

impl Hasher {
    pub(super) fn new(cost: &HashCost) -> Result<Self, PasswordError> {
        let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, None).map_err(failed)?;
        Ok(Self { params })
    }

    /// The hash of a new password, in its PHC form.
    pub(super) fn hash(&self, password: &[u8]) -> Result<String, PasswordError> {
        let salt = new_salt()?;
        let argon2 = Argon2::new(ALGORITHM, VERSION, self.params.clone());
        let output = output(&argon2, password, &salt)?;
        self.phc(salt, output)
    }

    /// A hash that no password is known to have. Checking one against it takes
    /// what checking against any other takes.
    pub(super) fn nobodys(&self) -> Result<String, PasswordError> {
        let bytes = rand::random::<[u8; Params::DEFAULT_OUTPUT_LEN]>();
        self.phc(new_salt()?, Output::new(&bytes).map_err(failed)?)
    }

    fn phc(&self, salt: Salt, output: Output) -> Result<String, PasswordError> {
        let hash = PasswordHash {
            algorithm: ALGORITHM.ident(),
            version: Some(VERSION.into()),
            params: ParamsString::try_from(&self.params).map_err(failed)?,
            hash: Some(output),
            salt: Some(salt),
        };
        Ok(hash.to_string())
    }

    pub(super) fn verify(&self, password: &[u8], kept: &str) -> Result<Verdict, PasswordError> {
        let unreadable = |error| failed(format!("a kept hash is unreadable: {error}"));
        let kept = PasswordHash::new(kept).map_err(|error| unreadable(error.to_string()))?;
        let (Some(salt), Some(expected)) = (kept.salt, kept.hash) else {
            return Err(unreadable("it has no salt or no hash".to_owned()));
        };
        let algorithm = Algorithm::try_from(kept.algorithm.as_str()).map_err(failed)?;
        let version = kept.version.map_or(Ok(VERSION), Version::try_from);
        let params = Params::try_from(&kept).map_err(failed)?;
        let is_current = algorithm == ALGORITHM && self.is_current(&params);
        let argon2 = Argon2::new(algorithm, version.map_err(failed)?, params);
        // `Output` compares in constant time.
        if output(&argon2, password, &salt)? != expected {
            return Ok(Verdict::Wrong);
        }
        if is_current {
            return Ok(Verdict::Right);
        }
        Ok(Verdict::Outdated(self.hash(password)?))
    }

    fn is_current(&self, params: &Params) -> bool {
        let costs = |params: &Params| (params.m_cost(), params.t_cost(), params.p_cost());
        costs(params) == costs(&self.params)
    }
}

fn new_salt() -> Result<Salt, PasswordError> {
    Salt::new(&rand::random::<[u8; Salt::RECOMMENDED_LENGTH]>()).map_err(failed)
}

fn output(argon2: &Argon2<'_>, password: &[u8], salt: &Salt) -> Result<Output, PasswordError> {
    let length = argon2.params().output_len();
    let mut out = vec![0; length.unwrap_or(Params::DEFAULT_OUTPUT_LEN)];
    argon2.hash_password_into(password, salt, &mut out).map_err(failed)?;
    Output::new(&out).map_err(failed)
}

fn failed(error: impl ToString) -> PasswordError {
    PasswordError::Failed(error.to_string())
}

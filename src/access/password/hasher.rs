//! Argon2id in memory that is kept and used again.
//!
//! Memory that is taken anew for each hash is not given back: the allocator
//! keeps a piece for every thread that ever made one, which under 200 sign-ins
//! at once came to 1.1 GB. So there is one piece for each hash made at once.

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use parking_lot::Mutex;

use super::{HashCost, PasswordError, Verdict};

pub(super) struct Hasher {
    params: Params,
    unused: Mutex<Vec<Vec<Block>>>,
}

impl Hasher {
    pub(super) fn new(cost: &HashCost) -> Result<Self, PasswordError> {
        let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, None).map_err(failed)?;
        Ok(Self {
            params,
            unused: Mutex::default(),
        })
    }

    /// The hash of a new password, in its PHC form.
    pub(super) fn hash(&self, password: &[u8]) -> Result<String, PasswordError> {
        let salt = Salt::new(&rand::random::<[u8; Salt::RECOMMENDED_LENGTH]>()).map_err(failed)?;
        self.hash_with(password, salt)
    }

    fn hash_with(&self, password: &[u8], salt: Salt) -> Result<String, PasswordError> {
        let (algorithm, version) = (Algorithm::Argon2id, Version::V0x13);
        let argon2 = Argon2::new(algorithm, version, self.params.clone());
        let hash = PasswordHash {
            algorithm: algorithm.ident(),
            version: Some(version.into()),
            params: ParamsString::try_from(&self.params).map_err(failed)?,
            hash: Some(self.output(&argon2, password, &salt)?),
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
        let version = kept.version.map_or(Ok(Version::V0x13), Version::try_from);
        let params = Params::try_from(&kept).map_err(failed)?;
        let is_current = algorithm == Algorithm::Argon2id && self.is_current(&params);
        let argon2 = Argon2::new(algorithm, version.map_err(failed)?, params);
        // `Output` compares in constant time.
        if self.output(&argon2, password, &salt)? != expected {
            return Ok(Verdict::Wrong);
        }
        if is_current {
            return Ok(Verdict::Right);
        }
        // The salt stays, because sessions are bound to it: see `binding`.
        Ok(Verdict::Outdated(self.hash_with(password, salt)?))
    }

    fn is_current(&self, params: &Params) -> bool {
        let costs = |params: &Params| (params.m_cost(), params.t_cost(), params.p_cost());
        costs(params) == costs(&self.params)
    }

    fn output(
        &self,
        argon2: &Argon2<'_>,
        password: &[u8],
        salt: &Salt,
    ) -> Result<Output, PasswordError> {
        let params = argon2.params();
        let mut out = vec![0; params.output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN)];
        let mut memory = self.unused.lock().pop().unwrap_or_default();
        if memory.len() < params.block_count() {
            memory.resize(params.block_count(), Block::new());
        }
        let made = argon2.hash_password_into_with_memory(password, salt, &mut out, &mut memory);
        self.unused.lock().push(memory);
        made.map_err(failed)?;
        Output::new(&out).map_err(failed)
    }
}

fn failed(error: impl ToString) -> PasswordError {
    PasswordError::Failed(error.to_string())
}

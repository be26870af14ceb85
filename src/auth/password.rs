//! Hashes of passwords.

use crate::model::password::Password;
use crate::model::secret::Secret;
use argon2::password_hash::SaltString;
use argon2::{Algorithm, Argon2, Params, PasswordHash, PasswordHasher as _, PasswordVerifier as _, Version};
use std::fmt;
use tokio::sync::Semaphore;

/// Hashing failed, which says something of this machine and nothing of the password.
#[derive(Debug, thiserror::Error)]
#[error("a password could not be hashed: {0}")]
pub struct HashError(String);

/// Hashes and verifies passwords with Argon2id, off the threads that serve requests.
pub struct PasswordHasher {
    /// Each hash takes 19 MiB and tens of milliseconds of a core: more at once would only starve everything else.
    slots: Semaphore,
    /// The hash that is verified where there is no account, so that an unknown one takes as long as a known one.
    decoy: Secret<String>,
}

/// Hashes that run at the same time.
const SLOTS: usize = 2;

impl PasswordHasher {
    /// A hasher; computes one hash itself.
    pub fn new() -> Result<Self, HashError> {
        let decoy = hash_now(&hex::encode(rand::random::<[u8; 16]>()))?;
        Ok(Self { slots: Semaphore::new(SLOTS), decoy })
    }

    /// The hash to store, as a PHC string with a random salt.
    pub async fn hash(&self, password: Password) -> Result<Secret<String>, HashError> {
        self.off_thread(move || hash_now(password.as_str())).await?
    }

    /// Whether a password is the one that a stored hash was made of. Without a stored hash the answer is `false`, after
    /// the same work.
    pub async fn verify(
        &self,
        password: Secret<String>,
        stored: Option<Secret<String>>,
    ) -> Result<bool, HashError> {
        // Too long for a password: no account has it, and it must not buy more work than another.
        let password =
            if password.expose().len() > Password::MAX_BYTES { Secret::default() } else { password };
        let known = stored.is_some();
        let hash = stored.unwrap_or_else(|| self.decoy.clone());
        let matches = self.off_thread(move || verify_now(password.expose(), hash.expose())).await??;
        Ok(known && matches)
    }

    async fn off_thread<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, HashError> {
        let _slot = self.slots.acquire().await.map_err(|error| HashError(error.to_string()))?;
        tokio::task::spawn_blocking(work).await.map_err(|error| HashError(error.to_string()))
    }
}

impl fmt::Debug for PasswordHasher {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("PasswordHasher").finish_non_exhaustive()
    }
}

/// Argon2id with 19 MiB, 2 passes, 1 lane: the first choice of OWASP's Password Storage Cheat Sheet.
fn argon2() -> Result<Argon2<'static>, HashError> {
    let parameters = Params::new(19 * 1024, 2, 1, None).map_err(|error| HashError(error.to_string()))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters))
}

fn hash_now(password: &str) -> Result<Secret<String>, HashError> {
    let salt =
        SaltString::encode_b64(&rand::random::<[u8; 16]>()).map_err(|error| HashError(error.to_string()))?;
    let hash = argon2()?.hash_password(password.as_bytes(), &salt);
    hash.map(|hash| Secret::new(hash.to_string())).map_err(|error| HashError(error.to_string()))
}

fn verify_now(password: &str, stored: &str) -> Result<bool, HashError> {
    let stored = PasswordHash::new(stored).map_err(|error| HashError(error.to_string()))?;
    match argon2()?.verify_password(password.as_bytes(), &stored) {
        Ok(()) => Ok(true),
        Err(argon2::password_hash::Error::Password) => Ok(false),
        Err(error) => Err(HashError(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    fn secret(text: &str) -> Secret<String> {
        Secret::new(text.to_owned())
    }

    #[tokio::test]
    async fn verifies_what_it_hashed_and_nothing_else() {
        let hasher = PasswordHasher::new().unwrap();
        let hash = hasher.hash("correct horse".parse().unwrap()).await.unwrap();
        assert!(hash.expose().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", hash.expose());
        assert!(hasher.verify(secret("correct horse"), Some(hash.clone())).await.unwrap());
        for wrong in ["", "correct hors", "Correct horse", &"x".repeat(10_000)] {
            assert!(!hasher.verify(secret(wrong), Some(hash.clone())).await.unwrap(), "{wrong}");
        }
    }

    #[tokio::test]
    async fn an_unknown_account_costs_the_same_work() {
        let hasher = PasswordHasher::new().unwrap();
        let hash = hasher.hash("correct horse".parse().unwrap()).await.unwrap();
        let time = async |stored: Option<Secret<String>>| {
            let mut best = std::time::Duration::MAX;
            for _ in 0..5 {
                let begin = Instant::now();
                assert!(!hasher.verify(secret("wrong"), stored.clone()).await.unwrap());
                best = best.min(begin.elapsed());
            }
            best
        };
        let (known, unknown) = (time(Some(hash)).await, time(None).await);
        // Wide, because other tests share the machine; without the decoy the factor is in the thousands.
        assert!(unknown * 4 > known && known * 4 > unknown, "known {known:?}, unknown {unknown:?}");
    }

    #[test]
    fn equal_passwords_have_different_hashes() {
        assert_ne!(hash_now("correct horse").unwrap().expose(), hash_now("correct horse").unwrap().expose());
    }
}

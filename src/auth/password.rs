//! Hashes of passwords.

use crate::model::admission::Admission;
use crate::model::password::Password;
use crate::model::secret::Secret;
use argon2::password_hash::SaltString;
use argon2::{Algorithm, Argon2, Params, PasswordHash, PasswordHasher as _, PasswordVerifier as _, Version};
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// No password was hashed, which says something of this machine and nothing of the password.
#[derive(Debug, thiserror::Error)]
pub enum HashError {
    #[error("a password could not be hashed: {0}")]
    Failed(String),
    /// Too many wait already.
    #[error("too many passwords are being checked")]
    Busy,
}

/// Hashes and verifies passwords with Argon2id, off the threads that serve requests.
pub struct PasswordHasher {
    /// Each hash takes 19 MiB and tens of milliseconds of a core: more at once would only starve everything else.
    slots: Arc<Semaphore>,
    /// Those who wait for a slot, and who have one.
    queue: Admission,
    /// The hash that is verified where there is no account, so that an unknown one takes as long as a known one.
    decoy: Secret<String>,
}

/// Hashes that run at the same time.
const SLOTS: usize = 2;
/// Hashes that run or wait, in all and for one peer: about two seconds of work, a quarter of it for one.
const QUEUE: usize = 64;
const QUEUE_OF_PEER: usize = 16;

impl PasswordHasher {
    /// A hasher; computes one hash itself.
    pub fn new() -> Result<Self, HashError> {
        let decoy = hash_now(&hex::encode(rand::random::<[u8; 16]>()))?;
        let slots = Arc::new(Semaphore::new(SLOTS));
        Ok(Self { slots, queue: Admission::new(QUEUE, QUEUE_OF_PEER), decoy })
    }

    /// The hash to store, as a PHC string with a random salt; `peer` is who asks for the work.
    ///
    /// # Errors
    /// [`HashError::Busy`] at once, rather than a long wait, when too many passwords wait already, or too many of the
    /// peer's.
    pub async fn hash(&self, password: Password, peer: IpAddr) -> Result<Secret<String>, HashError> {
        self.off_thread(peer, move || hash_now(password.as_str())).await?
    }

    /// Whether a password is the one that a stored hash was made of. Without a stored hash the answer is `false`, after
    /// the same work.
    ///
    /// # Errors
    /// As of [`PasswordHasher::hash`].
    pub async fn verify(
        &self,
        password: Secret<String>,
        stored: Option<Secret<String>>,
        peer: IpAddr,
    ) -> Result<bool, HashError> {
        // Too long for a password: no account has it, and it must not buy more work than another.
        let password =
            if password.expose().len() > Password::MAX_BYTES { Secret::default() } else { password };
        let known = stored.is_some();
        let hash = stored.unwrap_or_else(|| self.decoy.clone());
        let matches = self.off_thread(peer, move || verify_now(password.expose(), hash.expose())).await??;
        Ok(known && matches)
    }

    async fn off_thread<T: Send + 'static>(
        &self,
        peer: IpAddr,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, HashError> {
        let place = self.queue.admit(peer).map_err(|_| HashError::Busy)?;
        let slot = Arc::clone(&self.slots).acquire_owned().await.map_err(|error| failed(&error))?;
        // The work keeps its places: it goes on when whoever waits for it has gone.
        let work = move || {
            let done = work();
            drop((slot, place));
            done
        };
        tokio::task::spawn_blocking(work).await.map_err(|error| failed(&error))
    }
}

fn failed(error: &impl fmt::Display) -> HashError {
    HashError::Failed(error.to_string())
}

impl fmt::Debug for PasswordHasher {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("PasswordHasher").finish_non_exhaustive()
    }
}

/// Argon2id with 19 MiB, 2 passes, 1 lane: the first choice of OWASP's Password Storage Cheat Sheet.
fn argon2() -> Result<Argon2<'static>, HashError> {
    let parameters = Params::new(19 * 1024, 2, 1, None).map_err(|error| failed(&error))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters))
}

fn hash_now(password: &str) -> Result<Secret<String>, HashError> {
    let salt = SaltString::encode_b64(&rand::random::<[u8; 16]>()).map_err(|error| failed(&error))?;
    let hash = argon2()?.hash_password(password.as_bytes(), &salt);
    hash.map(|hash| Secret::new(hash.to_string())).map_err(|error| failed(&error))
}

fn verify_now(password: &str, stored: &str) -> Result<bool, HashError> {
    let stored = PasswordHash::new(stored).map_err(|error| failed(&error))?;
    match argon2()?.verify_password(password.as_bytes(), &stored) {
        Ok(()) => Ok(true),
        Err(argon2::password_hash::Error::Password) => Ok(false),
        Err(error) => Err(failed(&error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn secret(text: &str) -> Secret<String> {
        Secret::new(text.to_owned())
    }

    #[tokio::test]
    async fn verifies_what_it_hashed_and_nothing_else() {
        let hasher = PasswordHasher::new().unwrap();
        let hash = hasher.hash("correct horse".parse().unwrap(), PEER).await.unwrap();
        assert!(hash.expose().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", hash.expose());
        assert!(hasher.verify(secret("correct horse"), Some(hash.clone()), PEER).await.unwrap());
        for wrong in ["", "correct hors", "Correct horse", &"x".repeat(10_000)] {
            assert!(!hasher.verify(secret(wrong), Some(hash.clone()), PEER).await.unwrap(), "{wrong}");
        }
    }

    #[tokio::test]
    async fn an_unknown_account_costs_the_same_work() {
        let hasher = PasswordHasher::new().unwrap();
        let hash = hasher.hash("correct horse".parse().unwrap(), PEER).await.unwrap();
        let time = async |stored: Option<Secret<String>>| {
            let mut best = std::time::Duration::MAX;
            for _ in 0..5 {
                let begin = Instant::now();
                assert!(!hasher.verify(secret("wrong"), stored.clone(), PEER).await.unwrap());
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

    #[tokio::test]
    async fn who_asks_for_too_much_at_once_is_refused_and_others_are_not() {
        let hasher = PasswordHasher::new().unwrap();
        let many = (0..128).map(|_| hasher.verify(secret("guess"), None, PEER));
        let other = hasher.verify(secret("mine"), None, IpAddr::from([192, 0, 2, 1]));
        let (many, other) = tokio::join!(futures_util::future::join_all(many), other);
        let busy = many.iter().filter(|outcome| matches!(outcome, Err(HashError::Busy))).count();
        assert_eq!(busy, 128 - QUEUE_OF_PEER);
        assert!(!other.unwrap());
        // Places are given back.
        assert!(!hasher.verify(secret("guess"), None, PEER).await.unwrap());
    }

    #[tokio::test]
    async fn work_that_nobody_waits_for_keeps_its_place() {
        let hasher = PasswordHasher::new().unwrap();
        let (done, wait) = std::sync::mpsc::channel::<()>();
        let work = hasher.off_thread(PEER, move || wait.recv().is_ok());
        assert!(tokio::time::timeout(std::time::Duration::from_millis(100), work).await.is_err());
        assert_eq!(hasher.slots.available_permits(), SLOTS - 1);
        drop(done);
        let all = u32::try_from(SLOTS).unwrap();
        let _all = hasher.slots.acquire_many(all).await.unwrap();
    }
}

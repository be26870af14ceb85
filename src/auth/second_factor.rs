//! The second factor of an account: enrolled, confirmed, asked for at a login, removed.

use crate::auth::accounts::{AccountError, Accounts};
use crate::auth::opaque_token;
use crate::auth::origin::Origin;
use crate::auth::totp::TotpSecret;
use crate::model::id::UserId;
use crate::model::second_factor::{SecondFactor, seal_purpose};
use crate::model::secret::Secret;
use crate::model::time::now;
use crate::model::user::User;
use crate::store::StoreError;
use data_encoding::BASE32_NOPAD;

/// Codes that stand in for a lost phone, each once.
const RECOVERY_CODES: usize = 10;
/// Bytes of one: 80 random bits cannot be guessed, so that a fast hash is enough.
const RECOVERY_BYTES: usize = 10;

/// A secret that is to be confirmed.
#[derive(Debug)]
pub struct Enrolment {
    /// To be typed in, in base 32.
    pub secret: Secret<String>,
    /// To be scanned.
    pub otpauth_url: Secret<String>,
}

/// What a login's second factor was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Right, or none is asked for.
    Passed,
    /// One is asked for and was not given.
    Missing,
    Wrong,
}

impl Accounts {
    /// The second factor of an account, where it has one.
    pub async fn second_factor(&self, user_id: UserId) -> Result<Option<SecondFactor>, AccountError> {
        Ok(self.store.second_factor(user_id).await?)
    }

    /// Makes a secret for an account, to be confirmed with a code of it.
    ///
    /// # Errors
    /// [`AccountError::SecondFactorIsOn`] when there is a confirmed one.
    pub async fn enrol_second_factor(
        &self,
        user: &User,
        password: Secret<String>,
        issuer: &str,
        origin: Origin,
    ) -> Result<Enrolment, AccountError> {
        self.confirm_password(user, password, origin).await?;
        let secret = TotpSecret::generate();
        let sealed = self.master_key.seal(&seal_purpose(user.id), &secret.base32());
        match self.store.propose_second_factor(user.id, &sealed).await {
            Ok(()) => {}
            Err(StoreError::Stale) => return Err(AccountError::SecondFactorIsOn),
            Err(error) => return Err(error.into()),
        }
        let otpauth_url = secret.otpauth_url(issuer, user.email.as_str());
        Ok(Enrolment { secret: secret.base32(), otpauth_url })
    }

    /// Turns the second factor on, if a code of the secret is right. Gives the recovery codes, which are not shown again.
    pub async fn confirm_second_factor(
        &self,
        user: &User,
        code: &str,
        origin: Origin,
    ) -> Result<Vec<Secret<String>>, AccountError> {
        let factor = self.store.second_factor(user.id).await?.ok_or(AccountError::NoSecondFactor)?;
        if factor.confirmed_at.is_some() {
            return Err(AccountError::SecondFactorIsOn);
        }
        let attempt = self.begin_attempt(&user.email, origin)?;
        let secret = self.opened(user.id, &factor)?;
        let Some(step) = secret.step_of(code, now()) else { return Err(AccountError::WrongSecondFactor) };
        self.throttle.undecided(attempt);
        let codes: Vec<_> = std::iter::repeat_with(recovery_code).take(RECOVERY_CODES).collect();
        let hashes: Vec<_> = codes.iter().map(|code| recovery_hash(code.expose())).collect();
        match self.store.confirm_second_factor(user.id, step, &hashes).await {
            Ok(()) => Ok(codes),
            Err(StoreError::Stale) => Err(AccountError::SecondFactorIsOn),
            Err(error) => Err(error.into()),
        }
    }

    /// Turns the second factor off, confirmed or not.
    pub async fn remove_second_factor(
        &self,
        user: &User,
        password: Secret<String>,
        origin: Origin,
    ) -> Result<(), AccountError> {
        self.confirm_password(user, password, origin).await?;
        match self.store.remove_second_factor(user.id).await {
            Err(StoreError::NotFound) => Err(AccountError::NoSecondFactor),
            outcome => Ok(outcome?),
        }
    }

    /// Judges what a login brought as its second factor, and takes it: it is right once.
    pub(super) async fn check_second_factor(
        &self,
        user_id: UserId,
        code: Option<&Secret<String>>,
    ) -> Result<Verdict, AccountError> {
        let factor = self.store.second_factor(user_id).await?;
        let Some(factor) = factor.filter(|factor| factor.confirmed_at.is_some()) else {
            return Ok(Verdict::Passed);
        };
        let Some(code) = code.map(|code| code.expose().trim()) else { return Ok(Verdict::Missing) };
        let passed = match self.opened(user_id, &factor)?.step_of(code, now()) {
            Some(step) => self.store.use_second_factor(user_id, step).await?,
            None => self.store.use_recovery_code(user_id, &recovery_hash(code)).await?,
        };
        Ok(if passed { Verdict::Passed } else { Verdict::Wrong })
    }

    fn opened(&self, user_id: UserId, factor: &SecondFactor) -> Result<TotpSecret, AccountError> {
        let secret = self.master_key.open(&seal_purpose(user_id), &factor.sealed_secret)?;
        TotpSecret::from_base32(&secret).ok_or(AccountError::Sealed(crate::secrets::SealError::Damaged))
    }
}
/// `abcd-efgh-ijkl-mnop`
fn recovery_code() -> Secret<String> {
    let text = BASE32_NOPAD.encode(&rand::random::<[u8; RECOVERY_BYTES]>()).to_ascii_lowercase();
    let groups: Vec<&str> = (0..4).filter_map(|group| text.get(group * 4..group * 4 + 4)).collect();
    Secret::new(groups.join("-"))
}

/// The hash of a recovery code, however it was typed.
fn recovery_hash(code: &str) -> String {
    let plain: String = code.chars().filter(char::is_ascii_alphanumeric).collect();
    opaque_token::hash(&Secret::new(plain.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recovery_code_may_be_typed_in_any_way() {
        let code = recovery_code().into_exposed();
        assert_eq!((code.len(), code.matches('-').count()), (19, 3), "{code}");
        let hash = recovery_hash(&code);
        assert_eq!(recovery_hash(&code.to_uppercase().replace('-', " ")), hash);
        assert_ne!(recovery_hash(&recovery_code().into_exposed()), hash);
    }
}

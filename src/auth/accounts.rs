//! Accounts: signing up, logging in, staying logged in, logging out.

use crate::auth::access_token::{AccessTokens, Identity};
pub use crate::auth::error::AccountError;
use crate::auth::opaque_token::{self, Kind};
use crate::auth::origin::Origin;
use crate::auth::password::PasswordHasher;
use crate::auth::principal::{Credential, Principal};
use crate::auth::second_factor::Verdict;
use crate::auth::signing_keys;
use crate::auth::throttle::{Attempt, Throttle};
use crate::config::Registration;
use crate::model::id::TokenFamilyId;
use crate::model::name::{Email, Username};
use crate::model::password::Password;
use crate::model::secret::Secret;
use crate::model::time::now;
use crate::model::user::User;
use crate::secrets::MasterKey;
use crate::store::{NewSession, NewUser, RefreshToken, RotateOutcome, Store, StoreError};
use chrono::TimeDelta;
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, MutexGuard};

/// Days after which an unused refresh token is not accepted any more.
const REFRESH_DAYS: i64 = 30;

/// Everything that has to do with who somebody is, apart from SSH keys.
#[derive(Debug)]
pub struct Accounts {
    pub(super) store: Store,
    pub(super) tokens: AccessTokens,
    pub(super) hasher: PasswordHasher,
    pub(super) throttle: Throttle,
    registration: Registration,
    pub(super) master_key: MasterKey,
    first_account: Mutex<()>,
}

/// Somebody who signs up.
#[derive(Debug)]
pub struct SignUp {
    pub email: Email,
    pub username: Username,
    pub password: Password,
    /// What an operator has sent them.
    pub invitation: Option<Secret<String>>,
}

/// What somebody logs in with.
#[derive(Debug)]
pub struct Proof {
    pub email: Email,
    pub password: Secret<String>,
    /// A code of the second factor, or a recovery code.
    pub code: Option<Secret<String>>,
}

/// What was found of somebody who wants to sign up and may.
struct Admitted<'a> {
    /// Held until the first account is there.
    _turn: Option<MutexGuard<'a, ()>>,
    /// The hash of the invitation that is to be used.
    invitation: Option<String>,
}

/// A login: two tokens and whose they are.
#[derive(Debug)]
pub struct Session {
    pub user: User,
    pub access_token: Secret<String>,
    pub refresh_token: Secret<String>,
}

impl Accounts {
    /// The accounts of a server.
    pub async fn open(
        store: Store,
        master_key: MasterKey,
        registration: Registration,
    ) -> Result<Self, AccountError> {
        Ok(Self {
            tokens: AccessTokens::new(signing_keys::token_keys(&store, &master_key).await?),
            store,
            hasher: PasswordHasher::new()?,
            throttle: Throttle::default(),
            registration,
            master_key,
            first_account: Mutex::new(()),
        })
    }

    /// Makes an account. The first one of a server is its operator, and may be made on a closed server too: without it
    /// nobody could open it. It is made on the server's own machine: of all who reach the API, whoever comes first must
    /// not become the operator.
    pub async fn register(&self, sign_up: SignUp, origin: Origin) -> Result<User, AccountError> {
        let SignUp { email, username, password, invitation } = sign_up;
        let admitted = self.admit(&email, invitation, origin).await?;
        let password_hash = self.hasher.hash(password, origin.peer).await?;
        let new = NewUser { email: email.clone(), username: username.clone(), password_hash };
        let made = match &admitted.invitation {
            None => self.store.create_user(new).await,
            Some(hash) => self.store.create_invited_user(new, hash).await,
        };
        match made {
            Err(StoreError::Stale) => Err(AccountError::InvitationRefused),
            // It names one of them.
            Err(StoreError::Conflict { .. }) if self.store.are_taken(&email, &username).await? => {
                Err(AccountError::EmailAndUsernameTaken)
            }
            outcome => Ok(outcome?),
        }
    }

    /// Whether somebody may sign up. Of many that race to be the first account, one gets in.
    async fn admit(
        &self,
        email: &Email,
        invitation: Option<Secret<String>>,
        origin: Origin,
    ) -> Result<Admitted<'_>, AccountError> {
        let turn = self.first_account.lock().await;
        if self.store.count_users().await? == 0 {
            return if origin.local {
                Ok(Admitted { _turn: Some(turn), invitation: None })
            } else {
                Err(AccountError::FirstAccountIsLocal)
            };
        }
        match self.registration {
            Registration::Open => Ok(Admitted { _turn: None, invitation: None }),
            Registration::Invite => {
                let hash = opaque_token::hash(&invitation.ok_or(AccountError::InvitationRequired)?);
                // Before anything is hashed for them; what counts is asked again when the account is made.
                if self.store.is_invited(&hash, email).await? {
                    Ok(Admitted { _turn: None, invitation: Some(hash) })
                } else {
                    Err(AccountError::InvitationRefused)
                }
            }
            Registration::Closed => Err(AccountError::RegistrationClosed),
        }
    }

    /// Starts a login. Takes as long for an unknown address as for a known one.
    ///
    /// # Errors
    /// [`AccountError::TooMany`] for an unknown address as for a known one, and for the right password as for a wrong one.
    pub async fn login(
        &self,
        proof: Proof,
        origin: Origin,
        user_agent: Option<String>,
    ) -> Result<Session, AccountError> {
        let Proof { email, password, code } = proof;
        let attempt = self.begin_attempt(&email, origin)?;
        let judged = async {
            let Some((user, hash)) = self.check(&email, password, origin).await? else { return Ok(None) };
            let verdict = self.check_second_factor(user.id, code.as_ref()).await?;
            Ok(Some((user, hash, verdict)))
        };
        match judged.await {
            Ok(Some((user, hash, Verdict::Passed))) => {
                self.throttle.succeeded(attempt, Instant::now());
                self.start((user, hash), origin, user_agent).await
            }
            // Not a guess: the client asks its user for the code and comes back.
            Ok(Some((_, _, Verdict::Missing))) => {
                self.throttle.undecided(attempt);
                Err(AccountError::SecondFactorRequired)
            }
            Ok(Some((_, _, Verdict::Wrong))) => Err(AccountError::WrongSecondFactor),
            Ok(None) => Err(AccountError::WrongCredentials),
            Err(error) => {
                self.throttle.undecided(attempt);
                Err(error)
            }
        }
    }

    /// Begins an attempt to prove something of an account.
    pub(super) fn begin_attempt(&self, email: &Email, origin: Origin) -> Result<Attempt, AccountError> {
        let begun = self.throttle.begin(email, origin.peer, Instant::now());
        // Whole seconds, as a client is told them.
        begun.map_err(|wait| AccountError::too_many(wait + Duration::from_millis(999)))
    }

    /// The account of an e-mail address and its password, with the hash of that.
    async fn check(
        &self,
        email: &Email,
        password: Secret<String>,
        origin: Origin,
    ) -> Result<Option<(User, Secret<String>)>, AccountError> {
        let found = self.store.user_credentials(email).await?;
        let stored = found.as_ref().map(|(_, hash)| hash.clone());
        let matches = self.hasher.verify(password, stored, origin.peer).await?;
        Ok(found.filter(|(user, _)| matches && user.disabled_at.is_none()))
    }

    /// Trades a refresh token for a new pair of tokens.
    ///
    /// A token that was traded before has been copied: whoever holds the newer ones loses them too.
    pub async fn refresh(&self, token: &Secret<String>) -> Result<Session, AccountError> {
        let (next, stored) = new_refresh_token();
        match self.store.rotate_refresh_token(&opaque_token::hash(token), stored).await? {
            RotateOutcome::Rotated { user, family_id } if user.disabled_at.is_none() => {
                self.session(user, family_id, next)
            }
            RotateOutcome::Reused => {
                tracing::warn!("a refresh token was used twice; its login is ended");
                Err(AccountError::RefreshTokenRefused)
            }
            RotateOutcome::Rotated { .. } | RotateOutcome::Unknown | RotateOutcome::Expired => {
                Err(AccountError::RefreshTokenRefused)
            }
        }
    }

    /// Ends the login that a refresh token belongs to, with its access tokens, and tells whose it was. An unknown token
    /// ends nothing.
    pub async fn logout(&self, token: &Secret<String>) -> Result<Option<User>, AccountError> {
        Ok(self.store.revoke_family(&opaque_token::hash(token)).await?)
    }

    /// Whom an access token or an API key stands for.
    pub async fn authenticate(&self, token: &str) -> Result<Principal, AccountError> {
        if token.starts_with(Kind::ApiKey.prefix()) {
            return self.principal_of_key(token).await;
        }
        let identity = self.tokens.verify(token).map_err(|error| {
            tracing::debug!(%error, "access token refused");
            AccountError::AccessTokenRefused
        })?;
        match self.user_of(identity).await? {
            Some(user) => Ok(Principal { user, credential: Credential::Session(identity) }),
            None => Err(AccountError::AccessTokenRefused),
        }
    }

    /// The account of somebody who was let in before, unless the login has ended, the key was removed or rotated, or the
    /// account is disabled by now.
    pub async fn user_still(&self, credential: &Credential) -> Result<Option<User>, AccountError> {
        match credential {
            Credential::Session(identity) => self.user_of(*identity).await,
            Credential::ApiKey { hash, .. } => {
                let found = self.store.api_key_by_hash(hash, now()).await?;
                Ok(found.map(|(_, user)| user).filter(|user| user.disabled_at.is_none()))
            }
        }
    }

    /// The account of a login, unless the login has ended or the account is disabled by now.
    async fn user_of(&self, identity: Identity) -> Result<Option<User>, AccountError> {
        let user = self.store.user_with_tokens(identity.user_id, identity.session).await?;
        Ok(user.filter(|user| user.disabled_at.is_none()))
    }

    async fn start(
        &self,
        (user, password_hash): (User, Secret<String>),
        origin: Origin,
        user_agent: Option<String>,
    ) -> Result<Session, AccountError> {
        let (refresh_token, token) = new_refresh_token();
        let family_id = TokenFamilyId::generate();
        let peer = Some(origin.peer.to_string());
        let new = NewSession { user_id: user.id, password_hash, family_id, token, peer, user_agent };
        match self.store.start_session(new).await {
            Ok(()) => self.session(user, family_id, refresh_token),
            // The password was changed while the old one was checked, or the account removed.
            Err(StoreError::Stale) => Err(AccountError::WrongCredentials),
            Err(error) => Err(error.into()),
        }
    }

    fn session(
        &self,
        user: User,
        session: TokenFamilyId,
        refresh_token: Secret<String>,
    ) -> Result<Session, AccountError> {
        let identity = Identity { user_id: user.id, session };
        let access_token = self.tokens.issue(identity, now()).map_err(AccountError::Signing)?;
        Ok(Session { user, access_token, refresh_token })
    }
}

fn new_refresh_token() -> (Secret<String>, RefreshToken) {
    let token = opaque_token::generate(Kind::Refresh);
    let stored =
        RefreshToken { hash: opaque_token::hash(&token), expires_at: now() + TimeDelta::days(REFRESH_DAYS) };
    (token, stored)
}

#[cfg(test)]
#[path = "accounts_tests.rs"]
mod tests;

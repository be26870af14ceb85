//! Why somebody is not let in, or something of an account is not done.

use crate::auth::access_token::AccessTokenError;
use crate::auth::password::HashError;
use crate::secrets::SealError;
use crate::store::StoreError;
use std::time::Duration;

/// When to try again where too many passwords are being checked: by then those that wait now have been.
const BUSY_WAIT: Duration = Duration::from_secs(3);

/// Why somebody is not let in.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    #[error("Registration is closed on this server. Its operator can open it with GILGAL_REGISTRATION=open.")]
    RegistrationClosed,
    /// It would be the first account, and comes from elsewhere.
    #[error(
        "The first account is the operator's, and is made on the machine of the server: send this to the API's own \
         address there, not through a proxy."
    )]
    FirstAccountIsLocal,
    #[error("One needs an invitation to sign up here. The operator of this server can send one.")]
    InvitationRequired,
    /// It is unknown, used, expired, or for another address: nobody can tell which.
    #[error("This invitation cannot be used, or not with this e-mail address. Ask for another one.")]
    InvitationRefused,
    /// The e-mail address is unknown, the password is wrong or the account is disabled: nobody can tell which.
    #[error("The e-mail address or the password is not right.")]
    WrongCredentials,
    /// Of somebody who is logged in.
    #[error("The password is not right.")]
    WrongPassword,
    #[error("This needs the password of the account.")]
    PasswordRequired,
    /// The password was right.
    #[error("Send a code of the second factor, or a recovery code, as `code`.")]
    SecondFactorRequired,
    #[error("The code of the second factor is not right, or was used before.")]
    WrongSecondFactor,
    #[error("The second factor is on. Turn it off first.")]
    SecondFactorIsOn,
    #[error("There is no second factor to confirm or to turn off.")]
    NoSecondFactor,
    /// Unknown, expired, revoked or used before. The last one has also ended the login that it came from.
    #[error("This refresh token is not accepted. Log in again.")]
    RefreshTokenRefused,
    /// It would have another secret, and still not be accepted.
    #[error("This API key has expired, and would be expired with another secret too. Make a new one.")]
    ApiKeyExpired,
    /// No access token of a present login, and no API key, of an enabled account.
    #[error("The access token or API key is not valid or has expired.")]
    AccessTokenRefused,
    /// The account or the peer has failed too often, or too many passwords are being checked.
    #[error("Too many attempts to log in. Try again in {} s.", wait.as_secs())]
    TooMany { wait: Duration },
    #[error("the secret of a second factor cannot be read")]
    Sealed(#[from] SealError),
    #[error(transparent)]
    Hash(HashError),
    #[error(transparent)]
    Signing(AccessTokenError),
    #[error("This email and this username are taken.")]
    EmailAndUsernameTaken,
    /// [`StoreError::Conflict`] names the field of an account that is taken.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl AccountError {
    pub(super) fn too_many(wait: Duration) -> Self {
        Self::TooMany { wait: Duration::from_secs(wait.as_secs()) }
    }
}

impl From<HashError> for AccountError {
    fn from(error: HashError) -> Self {
        match error {
            HashError::Busy => Self::too_many(BUSY_WAIT),
            error @ HashError::Failed(_) => Self::Hash(error),
        }
    }
}

//! Who is asking: the token that a request carries, replaced before it expires.

use super::credentials::{Credentials, Login, Tokens};
use super::failure::{Exit, Failure};
use super::server::ServerUrl;
use crate::model::secret::Secret;
use crate::model::time::{Timestamp, now};
use crate::wire::account::SessionBody;
use chrono::TimeDelta;

/// An access token is replaced this long before it expires, so that no request arrives with one that just has.
const MARGIN: TimeDelta = TimeDelta::seconds(30);

/// Where the token of a request comes from.
#[derive(Debug, Clone)]
pub(super) enum Identity {
    /// `GILGAL_TOKEN`, or a token that is tried at a login.
    Given(Secret<String>),
    /// The file with the logins.
    Kept(Credentials),
    /// Nobody: for what everybody may ask.
    Nobody,
}

/// What is known of the token that would be sent.
#[derive(Debug)]
pub(super) enum Bearer {
    /// To be sent as it is.
    Good(Secret<String>),
    /// The tokens of a session of which the access token has expired.
    Expired(Tokens),
    None,
}

impl Identity {
    /// The token for a server.
    ///
    /// # Errors
    /// When the file with the logins cannot be read.
    pub(super) fn bearer(&self, server: &ServerUrl, now: Timestamp) -> Result<Bearer, Failure> {
        let credentials = match self {
            Self::Given(token) => return Ok(Bearer::Good(token.clone())),
            Self::Nobody => return Ok(Bearer::None),
            Self::Kept(credentials) => credentials,
        };
        Ok(match credentials.read()?.servers.remove(server) {
            Some(Login::Token { token }) => Bearer::Good(token),
            Some(Login::Session(tokens)) if tokens.expires_at - MARGIN > now => {
                Bearer::Good(tokens.access_token)
            }
            Some(Login::Session(tokens)) => Bearer::Expired(tokens),
            None => Bearer::None,
        })
    }
}

impl Tokens {
    /// The tokens of a session that has just begun or was refreshed.
    pub(super) fn of(session: SessionBody) -> Self {
        let SessionBody { access_token, token_type: _, expires_in, refresh_token, user: _ } = session;
        let expires_at = now() + TimeDelta::seconds(expires_in);
        let (access_token, refresh_token) = (Secret::new(access_token), Secret::new(refresh_token));
        Self { access_token, expires_at, refresh_token }
    }
}

/// What is said to whoever is not logged in.
pub(super) fn not_logged_in(server: &ServerUrl) -> Failure {
    Failure::new(format!("You are not logged in to {server}."))
        .with_hint(format!("Log in: gilgal login {server}"))
        .with_exit(Exit::Denied)
}

/// What is said to whoever was logged in until now.
pub(super) fn login_has_ended(server: &ServerUrl) -> Failure {
    Failure::new(format!("Your login to {server} has ended."))
        .with_hint(format!("Log in again: gilgal login {server}"))
        .with_exit(Exit::Denied)
}

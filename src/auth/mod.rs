//! Who somebody is, and what they may do: passwords, tokens, the access table.
//!
//! The only folder that knows `argon2` and `jsonwebtoken`. It knows nothing of HTTP and nothing of SSH's wire: the
//! front doors bring what was shown to them (a password, a token, a key) and get an account or a refusal.

pub mod access;
pub mod access_token;
pub mod accounts;
pub mod api_keys;
mod error;
mod hs256;
pub mod invitations;
pub mod opaque_token;
pub mod origin;
pub mod password;
pub mod principal;
pub mod profile;
pub mod second_factor;
pub mod signing_keys;
mod throttle;
pub mod totp;

//! Who somebody is, and what they may do: passwords, tokens, SSH keys, the access table.
//!
//! The only folder that knows `argon2` and `jsonwebtoken`. It knows nothing of HTTP and nothing of SSH's wire: the
//! front doors bring what was shown to them (a password, a token, a key) and get an account or a refusal.

pub mod access;
pub mod access_token;
pub mod accounts;
mod hs256;
pub mod origin;
pub mod password;
pub mod refresh_token;
pub mod ssh_public_key;
mod throttle;

//! Encryption at rest: sealed values and the key they are sealed with.
//!
//! A sealed value is `v1.<fingerprint of the key>.<base64url of nonce and ciphertext>`; the fingerprint tells a value
//! of another key from a damaged one, and lets keys be rotated. The cipher is AES-256-GCM (NIST SP 800-38D) with a
//! random 96-bit nonce; the purpose of a value (for example the environment it belongs to) is authenticated with it,
//! so that a sealed value cannot be moved to another place.
//!
//! Beside it, how what is sent to webhooks is signed.

mod config;
mod key;
mod master;
mod signature;

pub use config::{ClosedVariable, open_files, open_variables};
pub use key::SealError;
pub use master::{KeyError, MasterKey};
pub use signature::signature;

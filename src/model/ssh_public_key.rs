//! Public SSH keys as people paste them.

use ssh_key::public::RsaPublicKey;
use ssh_key::{HashAlg, PublicKey};
use std::str::FromStr;

/// A public key that is strong enough to identify somebody, in its one canonical form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SshPublicKey {
    line: String,
    comment: Option<String>,
    fingerprint: String,
}

/// Why a text is not accepted as a key. Each is a sentence with a way out, for the person who pasted it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SshKeyError {
    #[error(
        "This is a private key. Keep it to yourself; paste the public one, from the file that ends in `.pub`."
    )]
    PrivateKey,
    #[error("Paste one public key, as one line.")]
    ManyLines,
    #[error(
        "This key is in the RFC 4716 or PEM format. Convert it with `ssh-keygen -i -f FILE` and paste the line."
    )]
    OtherFormat,
    #[error("This is not a public key in OpenSSH's format, such as `ssh-ed25519 AAAA… you@host`.")]
    Unreadable,
    #[error(
        "RSA keys need at least {MIN_RSA_BITS} bits, this one has {0}. Make one with `ssh-keygen -t ed25519`."
    )]
    WeakRsa(u32),
    #[error("RSA keys may have at most {MAX_RSA_BITS} bits, this one has {0}.")]
    HugeRsa(u32),
    #[error("Certificates are not accepted. Paste the public key that was certified.")]
    Certificate,
    #[error("Keys of the type `{0}` are not accepted. Make one with `ssh-keygen -t ed25519`.")]
    Unsupported(String),
}

/// Types as OpenSSH names them (`ssh -Q key`), less DSA and the certificates.
const ACCEPTED_KINDS: [&str; 7] = [
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "ssh-rsa",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
];
/// Below this RSA is not expected to hold beyond 2030 (NIST SP 800-57 part 1, table 4).
const MIN_RSA_BITS: u32 = 3072;
/// What OpenSSH itself refuses to go beyond (`SSHBUF_MAX_BIGNUM`).
const MAX_RSA_BITS: u32 = 16_384;
/// Longer than the line of the longest accepted key with a long comment.
const MAX_BYTES: usize = 8 * 1024;

impl SshPublicKey {
    /// Type and key in OpenSSH's format: no options, no comment, no end of line.
    #[must_use]
    pub fn line(&self) -> &str {
        &self.line
    }

    /// What stood behind the key, usually `user@host`.
    #[must_use]
    pub fn comment(&self) -> Option<&str> {
        self.comment.as_deref()
    }

    /// `SHA256:…` as `ssh-keygen -l` prints it.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }
}

impl FromStr for SshPublicKey {
    type Err = SshKeyError;

    /// Reads a line of a `.pub` file or of an `authorized_keys` file; options in front are dropped, since none of them
    /// means anything here.
    fn from_str(text: &str) -> Result<Self, SshKeyError> {
        let text = text.trim();
        refuse_other_things(text)?;
        let Parts { kind, key, comment } = Parts::of(text).ok_or(SshKeyError::Unreadable)?;
        refuse_foreign(kind)?;
        let key = PublicKey::from_openssh(&format!("{kind} {key}")).map_err(|_| SshKeyError::Unreadable)?;
        refuse_weak(&key)?;
        // Written anew from the parsed key: equal keys have equal lines, however they were pasted.
        let line = key.to_openssh().map_err(|_| SshKeyError::Unreadable)?.trim_end().to_owned();
        Ok(Self {
            line,
            comment: Some(comment).filter(|comment| !comment.is_empty()),
            fingerprint: key.fingerprint(HashAlg::Sha256).to_string(),
        })
    }
}

struct Parts<'a> {
    kind: &'a str,
    key: &'a str,
    comment: String,
}

impl<'a> Parts<'a> {
    /// Options in front, which may hold spaces in quotes, are passed over: the key is the first word that begins like
    /// one (`AAAA`, the length of its type), its type the word before.
    fn of(text: &'a str) -> Option<Self> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let key = words.iter().position(|word| word.starts_with("AAAA")).filter(|key| *key > 0)?;
        Some(Self { kind: words[key - 1], key: words[key], comment: words[key + 1..].join(" ") })
    }
}

/// Recognises what people paste by mistake, to name it.
fn refuse_other_things(text: &str) -> Result<(), SshKeyError> {
    if text.contains("PRIVATE KEY-----") || text.starts_with("PuTTY-User-Key-File") {
        Err(SshKeyError::PrivateKey)
    } else if text.starts_with("----") {
        Err(SshKeyError::OtherFormat)
    } else if text.contains(['\n', '\r']) {
        Err(SshKeyError::ManyLines)
    } else if text.is_empty() || text.len() > MAX_BYTES || text.chars().any(|c| c.is_control() && c != '\t') {
        Err(SshKeyError::Unreadable)
    } else {
        Ok(())
    }
}

fn refuse_foreign(kind: &str) -> Result<(), SshKeyError> {
    if kind.contains("-cert-v") {
        return Err(SshKeyError::Certificate);
    }
    if ACCEPTED_KINDS.contains(&kind) {
        return Ok(());
    }
    Err(SshKeyError::Unsupported(kind.chars().take(64).collect()))
}

fn refuse_weak(key: &PublicKey) -> Result<(), SshKeyError> {
    match key.key_data().rsa().map(RsaPublicKey::key_size) {
        Some(bits) if bits < MIN_RSA_BITS => Err(SshKeyError::WeakRsa(bits)),
        Some(bits) if bits > MAX_RSA_BITS => Err(SshKeyError::HugeRsa(bits)),
        Some(_) | None => Ok(()),
    }
}

#[cfg(test)]
#[path = "ssh_public_key_tests.rs"]
mod tests;

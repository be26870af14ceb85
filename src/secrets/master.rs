//! The master key, and those before it while it is being replaced.

use super::key::{Key, SealError, take_apart};
use crate::config::{self, Home};
use crate::model::config::Values;
use crate::model::id::ProjectId;
use crate::model::secret::Secret;
use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

/// The key from which everything secret on this server follows: what is sealed is sealed with it. Beside it are the keys
/// that a rotation has not replaced everywhere yet; they only open.
#[derive(Clone)]
pub struct MasterKey {
    current: Key,
    old: Vec<Key>,
    /// What stands for values is made with it. It stays when the key is replaced: what was made before is compared with what
    /// is made later, and cannot be made again.
    digests: Key,
}

/// In the file, before the key of digests: there from the first rotation on. Until then it follows from the master key.
const DIGESTS: &str = "digests ";

impl std::fmt::Debug for MasterKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("MasterKey").field(&self.fingerprint()).finish()
    }
}

/// Why the master key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("{} does not hold a key of 64 hexadecimal digits", .0.display())]
    Malformed(PathBuf),
    #[error("cannot use the key in {}", path.display())]
    Io { path: PathBuf, source: io::Error },
}

impl MasterKey {
    /// The key of a home, made on first use (mode 0600).
    ///
    /// # Errors
    /// When the file cannot be read or made, or holds something else.
    pub fn of(home: &Home) -> Result<Self, KeyError> {
        let path = home.master_key();
        let text = config::read_or_create(&path, || format!("{}\n", Key::generate().to_text()))
            .map_err(|source| KeyError::Io { path: path.clone(), source })?;
        Self::from_text(&text).ok_or(KeyError::Malformed(path))
    }

    /// The keys of a file: the current one, those before it, and that of the digests, each in a line.
    fn from_text(text: &str) -> Option<Self> {
        let (digests, keys): (Vec<&str>, Vec<&str>) =
            text.trim().lines().map(str::trim).partition(|line| line.starts_with(DIGESTS));
        let keys: Option<Vec<Key>> = keys.into_iter().map(Key::from_text).collect();
        let mut keys = keys?.into_iter();
        let (current, old) = (keys.next()?, keys.collect::<Vec<Key>>());
        let digests = match digests.as_slice() {
            [] => Self::digests_of(old.last().unwrap_or(&current)),
            [line] => Key::from_text(line.strip_prefix(DIGESTS)?)?,
            _ => return None,
        };
        Some(Self { current, old, digests })
    }

    /// The key of digests of a home whose first key is this one.
    fn digests_of(first: &Key) -> Key {
        Key::from_bytes(*first.derive("digests").expose())
    }

    /// A key of given bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        let current = Key::from_bytes(bytes);
        Self { digests: Self::digests_of(&current), current, old: Vec::new() }
    }

    /// Makes a new key of a home, beside the one that everything is sealed with until now. Where that was done before and
    /// not ended, the key that was made then is the new one.
    ///
    /// # Errors
    /// As of [`MasterKey::of`].
    pub fn begin_rotation(home: &Home) -> Result<Self, KeyError> {
        let before = Self::of(home)?;
        if before.is_rotating() {
            return Ok(before);
        }
        let rotating = Self { current: Key::generate(), old: vec![before.current], digests: before.digests };
        rotating.write(home)?;
        Ok(rotating)
    }

    /// Forgets the keys before this one: nothing must be sealed with them any more.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn end_rotation(self, home: &Home) -> Result<Self, KeyError> {
        let ended = Self { old: Vec::new(), ..self };
        ended.write(home)?;
        Ok(ended)
    }

    fn write(&self, home: &Home) -> Result<(), KeyError> {
        let path = home.master_key();
        let keys = std::iter::once(&self.current).chain(&self.old);
        let mut text: String = keys.map(|key| key.to_text() + "\n").collect();
        text.push_str(&format!("{DIGESTS}{}\n", self.digests.to_text()));
        config::write_whole(&path, &text).map_err(|source| KeyError::Io { path, source })
    }

    /// Whether there may be values that an older key has sealed.
    #[must_use]
    pub const fn is_rotating(&self) -> bool {
        !self.old.is_empty()
    }

    /// The name of the key, which says nothing about it.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        self.current.fingerprint()
    }

    /// A key for one purpose, which says nothing about the master key or the keys of other purposes.
    #[must_use]
    pub fn derive(&self, purpose: &str) -> Secret<[u8; 32]> {
        self.current.derive(purpose)
    }

    /// Stands for a text: 32 hexadecimal digits that nobody can guess who has not this key, and that survive a rotation.
    #[must_use]
    pub fn digest(&self, text: &str) -> String {
        hex::encode(&self.digests.derive(text).expose()[..16])
    }

    /// Stands for the build variables of a project: equal ones have the same, also after a rotation, and it says nothing about
    /// them to anybody who has not this key.
    #[must_use]
    pub fn variables_digest(&self, project: ProjectId, variables: &Values) -> String {
        let pairs: BTreeMap<&str, &str> =
            variables.iter().map(|(name, value)| (name.as_str(), value.expose().as_str())).collect();
        let text = serde_json::json!(["build variables", project, pairs]).to_string();
        self.digest(&text)
    }

    /// Seals a value for a purpose.
    ///
    /// # Panics
    /// Never: GCM refuses only messages of more than 64 GiB.
    #[must_use]
    pub fn seal(&self, purpose: &str, value: &Secret<String>) -> String {
        self.current.seal(purpose, value)
    }

    /// Opens a value that was sealed for the same purpose.
    ///
    /// # Errors
    /// When it was sealed with another key, for another purpose, or was changed.
    pub fn open(&self, purpose: &str, sealed: &str) -> Result<Secret<String>, SealError> {
        let (fingerprint, body) = take_apart(sealed).ok_or(SealError::Damaged)?;
        let mut keys = std::iter::once(&self.current).chain(&self.old);
        match keys.find(|key| key.fingerprint() == fingerprint) {
            Some(key) => key.open(purpose, body),
            None => Err(SealError::OtherKey(fingerprint.to_owned())),
        }
    }

    /// The same value, sealed with the current key; `None` where it is already.
    ///
    /// # Errors
    /// As of [`MasterKey::open`].
    pub fn reseal(&self, purpose: &str, sealed: &str) -> Result<Option<String>, SealError> {
        if take_apart(sealed).is_some_and(|(fingerprint, _)| fingerprint == self.fingerprint()) {
            return Ok(None);
        }
        self.open(purpose, sealed).map(|value| Some(self.seal(purpose, &value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> MasterKey {
        MasterKey::from_bytes(rand::random())
    }

    #[test]
    fn what_is_sealed_opens_only_with_the_same_key_and_purpose() {
        let key = key();
        let sealed = key.seal("environment 1", &Secret::new("hunter2".to_owned()));
        assert!(!sealed.contains("hunter2"));
        assert_eq!(key.open("environment 1", &sealed).unwrap().expose(), "hunter2");
        assert_eq!(key.open("environment 2", &sealed), Err(SealError::Damaged));
        let other = self::key();
        assert!(matches!(other.open("environment 1", &sealed), Err(SealError::OtherKey(_))));
        let mut changed = sealed.clone().into_bytes();
        let last = changed.len() - 2;
        changed[last] = if changed[last] == b'A' { b'B' } else { b'A' };
        assert_eq!(key.open("environment 1", &String::from_utf8(changed).unwrap()), Err(SealError::Damaged));
        assert_eq!(key.open("environment 1", "hunter2"), Err(SealError::Damaged));
    }

    #[test]
    fn derived_keys_differ_by_purpose() {
        let key = key();
        assert_ne!(key.derive("a"), key.derive("b"));
        assert_eq!(key.derive("a"), key.derive("a"));
    }

    #[test]
    fn a_rotation_opens_what_was_until_it_ends_and_can_be_begun_again() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(folder.path()).unwrap();
        let before = MasterKey::of(&home).unwrap();
        let sealed = before.seal("x", &Secret::new("hunter2".to_owned()));

        let rotating = MasterKey::begin_rotation(&home).unwrap();
        assert_ne!(rotating.fingerprint(), before.fingerprint());
        // Killed, and begun again.
        let again = MasterKey::begin_rotation(&home).unwrap();
        assert_eq!(again.fingerprint(), rotating.fingerprint());
        let after = again.reseal("x", &sealed).unwrap().unwrap();
        assert_eq!(again.reseal("x", &after), Ok(None));
        // A server that is started half way opens both.
        let started = MasterKey::of(&home).unwrap();
        assert!(started.is_rotating());
        for sealed in [&sealed, &after] {
            assert_eq!(started.open("x", sealed).unwrap().expose(), "hunter2");
        }

        again.end_rotation(&home).unwrap();
        let ended = MasterKey::of(&home).unwrap();
        assert!(!ended.is_rotating());
        assert_eq!(ended.open("x", &after).unwrap().expose(), "hunter2");
        assert!(matches!(ended.open("x", &sealed), Err(SealError::OtherKey(_))));
    }

    #[test]
    fn what_stands_for_build_variables_survives_rotations() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(folder.path()).unwrap();
        let project = ProjectId::generate();
        let variables = Values::from([("TOKEN".parse().unwrap(), Secret::new("hunter2".to_owned()))]);
        let before = MasterKey::of(&home).unwrap();
        let digest = before.variables_digest(project, &variables);
        for _ in 0..2 {
            let rotating = MasterKey::begin_rotation(&home).unwrap();
            assert_eq!(rotating.variables_digest(project, &variables), digest);
            assert_eq!(MasterKey::of(&home).unwrap().variables_digest(project, &variables), digest);
            rotating.end_rotation(&home).unwrap();
            assert_eq!(MasterKey::of(&home).unwrap().variables_digest(project, &variables), digest);
        }
        assert_ne!(MasterKey::of(&home).unwrap().fingerprint(), before.fingerprint());
        assert_ne!(key().variables_digest(project, &variables), digest);
        let other = Values::from([("TOKEN".parse().unwrap(), Secret::new("hunter3".to_owned()))]);
        assert_ne!(before.variables_digest(project, &other), digest);
    }

    #[test]
    fn a_file_that_is_no_key_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(folder.path()).unwrap();
        let key = "a".repeat(64);
        for text in [
            "",
            "x",
            "aa\n",
            &format!("{key}\nx"),
            &format!("digests {key}"),
            &format!("{key}\ndigests x"),
            &format!("{key}\ndigests {key}\ndigests {key}"),
        ] {
            std::fs::write(home.master_key(), text).unwrap();
            assert!(matches!(MasterKey::of(&home), Err(KeyError::Malformed(_))), "{text}");
        }
    }
}

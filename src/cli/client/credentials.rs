//! The logins of this person, in one file of the XDG config directory that only they can read.
//!
//! Several gilgals may run at once. Each change is made under a lock, on what the file holds then, and replaces the file
//! whole: a reader needs no lock.

use super::failure::Failure;
use super::server::ServerUrl;
use crate::config::Variables;
use crate::model::secret::Secret;
use crate::model::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// What the file holds.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Logins {
    /// The server that was logged in to last: it is meant where no other one is named.
    pub(super) current: Option<ServerUrl>,
    pub(super) servers: BTreeMap<ServerUrl, Login>,
}

/// How a server knows who is asking.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum Login {
    /// E-mail address and password were given; the tokens are replaced as they are used.
    Session(Tokens),
    /// A token that was given as it is, and is not replaced.
    Token {
        #[serde(with = "exposed")]
        token: Secret<String>,
    },
}

/// The tokens of a session.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Tokens {
    #[serde(with = "exposed")]
    pub(super) access_token: Secret<String>,
    /// When the access token is no longer accepted.
    pub(super) expires_at: Timestamp,
    /// Good for one use.
    #[serde(with = "exposed")]
    pub(super) refresh_token: Secret<String>,
}

/// The file with the logins.
#[derive(Debug, Clone)]
pub(super) struct Credentials {
    folder: PathBuf,
}

/// The right to change the file, held as long as this value lives.
pub(super) struct Locked<'a> {
    credentials: &'a Credentials,
    _lock: File,
}

impl Credentials {
    /// The file of the person whose environment this is (XDG Base Directory Specification).
    ///
    /// # Errors
    /// When there is neither an absolute `XDG_CONFIG_HOME` nor a home.
    pub(super) fn of(variables: &Variables) -> Result<Self, Failure> {
        let configured =
            variables.get("XDG_CONFIG_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
        let folder = configured.or_else(|| variables.get("HOME").map(|home| Path::new(home).join(".config")));
        let folder = folder.ok_or_else(|| {
            Failure::usage("There is no folder to keep a login in.").with_hint("Set HOME or XDG_CONFIG_HOME.")
        })?;
        Ok(Self { folder: folder.join("gilgal") })
    }

    /// Where the logins are.
    pub(super) fn path(&self) -> PathBuf {
        self.folder.join("credentials.json")
    }

    /// What the file holds; nothing where there is none.
    pub(super) fn read(&self) -> Result<Logins, Failure> {
        let path = self.path();
        match fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text).map_err(|error| {
                let hint = format!("Remove it and log in again: rm {}", path.display());
                Failure::new(format!("{} does not hold logins.", path.display()))
                    .caused_by(&error)
                    .with_hint(hint)
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Logins::default()),
            Err(error) => Err(Failure::new(format!("{} cannot be read.", path.display())).caused_by(&error)),
        }
    }

    /// Waits for the right to change the file: for as long as another gilgal is talking to the server about it.
    pub(super) fn lock(&self) -> Result<Locked<'_>, Failure> {
        let locked = || -> io::Result<File> {
            DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
            let path = self.folder.join("credentials.lock");
            let lock = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path)?;
            lock.lock()?;
            Ok(lock)
        };
        match locked() {
            Ok(lock) => Ok(Locked { credentials: self, _lock: lock }),
            Err(error) => {
                Err(Failure::new(format!("{} cannot be used.", self.folder.display())).caused_by(&error))
            }
        }
    }
}

impl Locked<'_> {
    /// Changes what the file holds now.
    pub(super) fn change(&self, change: impl FnOnce(&mut Logins)) -> Result<(), Failure> {
        let mut logins = self.credentials.read()?;
        change(&mut logins);
        let path = self.credentials.path();
        write(&path, &logins)
            .map_err(|error| Failure::new(format!("{} cannot be written.", path.display())).caused_by(&error))
    }
}

/// Replaces the file whole, with mode 0600.
fn write(path: &Path, logins: &Logins) -> io::Result<()> {
    let unfinished = path.with_extension("new");
    // What a crash has left may have any mode: it is not written into.
    fs::remove_file(&unfinished).or_else(|error| match error.kind() {
        io::ErrorKind::NotFound => Ok(()),
        _ => Err(error),
    })?;
    let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&unfinished)?;
    file.write_all(&serde_json::to_vec_pretty(logins)?)?;
    file.sync_all()?;
    fs::rename(unfinished, path)
}

/// A secret on its way into the file and out of it.
mod exposed {
    use crate::model::secret::Secret;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(
        secret: &Secret<String>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(secret.expose())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Secret<String>, D::Error> {
        String::deserialize(deserializer).map(Secret::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn credentials(folder: &Path) -> Credentials {
        Credentials::of(&Variables::from([("XDG_CONFIG_HOME", folder.to_str().unwrap())])).unwrap()
    }

    #[test]
    fn only_the_owner_can_read_what_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let credentials = credentials(folder.path());
        assert!(credentials.read().unwrap().servers.is_empty());
        let server: ServerUrl = "gilgal.example.com".parse().unwrap();
        let login = Login::Token { token: Secret::new("glg_x".to_owned()) };
        fs::create_dir(folder.path().join("gilgal")).unwrap();
        fs::write(folder.path().join("gilgal/credentials.new"), "left by a crash").unwrap();
        let change = |logins: &mut Logins| {
            logins.current = Some(server.clone());
            logins.servers.insert(server.clone(), login.clone());
        };
        credentials.lock().unwrap().change(change).unwrap();
        let read = credentials.read().unwrap();
        assert_eq!(read.current, Some(server.clone()));
        let Login::Token { token } = &read.servers[&server] else { panic!("{read:?}") };
        assert_eq!(token.expose(), "glg_x");
        assert!(!format!("{read:?}").contains("glg_x"));
        assert_eq!(fs::metadata(credentials.path()).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn the_folder_is_the_one_of_the_specification() {
        for (variables, path) in [
            ([("XDG_CONFIG_HOME", "/x"), ("HOME", "/home/ada")], "/x/gilgal/credentials.json"),
            ([("XDG_CONFIG_HOME", "x"), ("HOME", "/home/ada")], "/home/ada/.config/gilgal/credentials.json"),
            ([("XDG_CONFIG_HOME", ""), ("HOME", "/root")], "/root/.config/gilgal/credentials.json"),
        ] {
            assert_eq!(Credentials::of(&Variables::from(variables)).unwrap().path(), Path::new(path));
        }
        assert!(Credentials::of(&Variables::default()).is_err());
    }
}

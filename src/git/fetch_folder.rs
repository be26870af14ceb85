//! The folder that a fetch has for itself: what `ssh` reads, and what git notes of its requests.

use super::fetch::{Access, Fetch};
use super::repository::Repository;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// A folder that nobody else can read; it is gone when this is dropped. What a killed server leaves of it is swept with
/// unfinished repositories.
#[derive(Debug)]
pub(super) struct FetchFolder(PathBuf);

impl Drop for FetchFolder {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            tracing::error!(%error, folder = %self.0.display(), "the folder of a fetch was not removed");
        }
    }
}

impl FetchFolder {
    /// Makes the folder beside a repository, with all that `ssh` needs where the fetch is over SSH.
    pub(super) fn make(repository: &Repository, fetch: &Fetch) -> io::Result<Self> {
        let name = repository.path().file_stem().unwrap_or_default().to_string_lossy();
        let path = repository.path().with_file_name(format!("{name}-{}.new", Uuid::now_v7().simple()));
        DirBuilder::new().mode(0o700).create(&path)?;
        let folder = Self(path);
        if let Access::Key { private_key, alias, host_keys, program: _ } = &fetch.access {
            folder.write("key", private_key.expose())?;
            folder.write("known_hosts", host_keys.as_deref().unwrap_or_default())?;
            folder.write("config", &folder.config(fetch, alias, host_keys.is_some()))?;
        }
        Ok(folder)
    }

    /// Where git notes its requests over HTTP, without what they carry: where a redirect leads is said nowhere else.
    pub(super) fn trace(&self) -> PathBuf {
        self.0.join("trace")
    }

    pub(super) fn ssh_config(&self) -> PathBuf {
        self.0.join("config")
    }

    /// The keys of a host that was not known before.
    pub(super) fn new_host_keys(&self, fetch: &Fetch) -> Option<String> {
        match &fetch.access {
            Access::Key { host_keys: None, .. } => {
                let noted = fs::read_to_string(self.0.join("known_hosts")).ok()?;
                Some(noted).filter(|keys| !keys.trim().is_empty())
            }
            Access::Key { host_keys: Some(_), .. } | Access::Anonymous | Access::Password { .. } => None,
        }
    }

    /// Where the last redirect leads that git was answered with.
    pub(super) fn redirected_to(&self) -> Option<String> {
        let lines = BufReader::new(fs::File::open(self.trace()).ok()?).lines().map_while(Result::ok);
        let location = lines.filter_map(|line| {
            let (_, header) = line.split_once("<= Recv header: ")?;
            let (name, value) = header.split_once(':')?;
            name.eq_ignore_ascii_case("location").then(|| value.trim().to_owned())
        });
        location.last()
    }

    /// Whether git gets the repository file by file, as from a server that knows nothing of git: without one size, and
    /// without a check of each object. A server that knows is asked for nothing but what there is by `GET`.
    pub(super) fn is_file_by_file(&self) -> bool {
        let Ok(file) = fs::File::open(self.trace()) else { return false };
        let mut lines = BufReader::new(file).lines().map_while(Result::ok);
        lines.any(|line| {
            line.split_once("=> Send header: GET ")
                .is_some_and(|(_, rest)| !rest.contains("/info/refs?service=git-upload-pack"))
        })
    }

    fn write(&self, name: &str, text: &str) -> io::Result<()> {
        let path = self.0.join(name);
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?.write_all(text.as_bytes())
    }

    /// What `ssh` may do (`ssh_config(5)`). With `-F` it reads no other file.
    fn config(&self, fetch: &Fetch, alias: &str, is_known: bool) -> String {
        let address = fetch.addresses.first().map(ToString::to_string).unwrap_or_default();
        let checking = if is_known { "yes" } else { "accept-new" };
        let lines = [
            ("HostName", address),
            ("HostKeyAlias", alias.to_owned()),
            ("UserKnownHostsFile", quoted(&self.0.join("known_hosts"))),
            ("GlobalKnownHostsFile", "/dev/null".to_owned()),
            ("StrictHostKeyChecking", checking.to_owned()),
            ("UpdateHostKeys", "no".to_owned()),
            ("HashKnownHosts", "no".to_owned()),
            ("CheckHostIP", "no".to_owned()),
            ("IdentityFile", quoted(&self.0.join("key"))),
            ("IdentitiesOnly", "yes".to_owned()),
            ("IdentityAgent", "none".to_owned()),
            ("PreferredAuthentications", "publickey".to_owned()),
            ("BatchMode", "yes".to_owned()),
            ("ConnectTimeout", "15".to_owned()),
            ("ServerAliveInterval", "15".to_owned()),
            ("ServerAliveCountMax", "4".to_owned()),
            ("ClearAllForwardings", "yes".to_owned()),
            ("ControlPath", "none".to_owned()),
            ("PermitLocalCommand", "no".to_owned()),
            ("LogLevel", "ERROR".to_owned()),
        ];
        lines.into_iter().map(|(name, value)| format!("{name} {value}\n")).collect()
    }
}

/// A path as a word of a configuration in which `%` has a meaning.
fn quoted(path: &Path) -> String {
    format!("\"{}\"", path.display().to_string().replace('%', "%%"))
}

//! Fetching from a repository elsewhere, for one deployment.
//!
//! git is told the addresses that were checked, follows no redirect, speaks one protocol, runs no hook and asks nobody. What
//! it fetches is pinned by the deployment that it is for.

use super::fetch_failure::{FetchError, explain};
use super::fetch_folder::FetchFolder;
use super::process::{GitProcess, version};
use super::references::Pin;
use super::repository::{GitError, Repository};
use super::service::{FRUGAL, Invocation, PRIVATE, environment};
use crate::model::name::CommitId;
use crate::model::repository_url::{ReferenceName, RepositoryUrl, Scheme};
use crate::model::secret::Secret;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::collections::VecDeque;
use std::fs;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::ChildStderr;
use tokio::sync::mpsc;

/// The first release of git that can be told the address of a host.
const CAN_PIN: (u32, u32) = (2, 37);
/// Time that git gets to clean up when it is stopped.
const GRACE: Duration = Duration::from_secs(5);
/// How often it is looked at how git gets what it gets.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Lines of git that explain a failure.
const LAST_LINES: usize = 20;
/// Longest line of the other side that is kept.
const LONGEST_LINE: u64 = 4096;

/// What is fetched, and how far it may go.
#[derive(Debug)]
pub struct Fetch {
    pub url: RepositoryUrl,
    /// `None`: what the `HEAD` of the repository is.
    pub reference: Option<ReferenceName>,
    pub pin: Pin,
    /// The addresses of the host, of which each may be connected to; at least one.
    pub addresses: Vec<IpAddr>,
    pub access: Access,
    /// Of the pack that comes.
    pub most_bytes: u64,
    pub timeout: Duration,
    /// By which the host is known over HTTPS, in PEM; `None`: by what the system trusts.
    pub certificates: Option<PathBuf>,
}

/// Who the other side is told that asks.
#[derive(Debug)]
pub enum Access {
    /// Over HTTP.
    Anonymous,
    Password {
        username: String,
        password: Secret<String>,
    },
    /// Over SSH.
    Key {
        /// In OpenSSH's format.
        private_key: Secret<String>,
        /// The name by which the host's keys are known.
        alias: String,
        /// Lines of `known_hosts`; `None`: the host was never met, and the keys that it shows are taken.
        host_keys: Option<String>,
        /// The script that starts `ssh`.
        program: PathBuf,
    },
}

/// What came of it.
#[derive(Debug)]
pub struct FetchReport {
    /// The keys of a host that was met for the first time, as lines of `known_hosts`.
    pub host_keys: Option<String>,
    pub outcome: Result<CommitId, FetchError>,
}

/// git while it fetches: what it has started ends with it when this is dropped.
struct Running(Option<GitProcess>);

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(git) = &self.0 {
            git.kill();
        }
    }
}

impl Repository {
    /// Fetches a commit with all that it has come from, as far as it is not here yet. Each line that the other side says
    /// goes to `output`. Dropping the future ends git.
    ///
    /// # Errors
    /// When the disk cannot be written or git not be started; what the other side is to blame for is in the report.
    pub async fn fetch(&self, fetch: Fetch, output: mpsc::Sender<String>) -> Result<FetchReport, GitError> {
        if let Some(error) = unless_pinned(&fetch).await? {
            return Ok(FetchReport { host_keys: None, outcome: Err(error) });
        }
        let folder = FetchFolder::make(self, &fetch)?;
        let mut git = GitProcess::watched(invocation(self, &fetch, &folder), self, fetch.most_bytes)?;
        let stderr = git.stderr.take();
        let mut running = Running(Some(git));
        let ended = async {
            let lines = copy_lines(stderr, &output).await;
            let code = match &mut running.0 {
                Some(git) => git.wait().await?,
                None => 0,
            };
            Ok::<_, GitError>((code, lines))
        };
        let ended = async {
            tokio::select! {
                ended = tokio::time::timeout(fetch.timeout, ended) => {
                    ended.map_err(|_elapsed| FetchError::TimedOut { after: fetch.timeout })
                }
                () = until_file_by_file(&folder) => Err(FetchError::FileByFile),
            }
        };
        let ended = match ended.await {
            Ok(ended) => ended,
            Err(cut_off) => {
                if let Some(mut git) = running.0.take() {
                    git.end(GRACE).await;
                }
                return Ok(FetchReport { host_keys: folder.new_host_keys(&fetch), outcome: Err(cut_off) });
            }
        };
        running.0 = None;
        let (code, lines) = ended?;
        let outcome = if folder.is_file_by_file() {
            Err(FetchError::FileByFile)
        } else if code == 0 {
            self.fetched(&fetch.pin)?.ok_or(FetchError::NoCommit)
        } else if self.remove_cut_off_packs(fetch.most_bytes) {
            Err(FetchError::TooLarge { most_mib: fetch.most_bytes >> 20 })
        } else {
            Err(explain(&fetch, &lines, folder.redirected_to()))
        };
        Ok(FetchReport { host_keys: folder.new_host_keys(&fetch), outcome })
    }

    /// Removes packs of exactly the size that a file may have: the process that wrote one was ended there, and could not
    /// remove it. Answers whether there was one.
    fn remove_cut_off_packs(&self, most_bytes: u64) -> bool {
        let packs = fs::read_dir(self.path().join("objects/pack")).into_iter().flatten().flatten();
        let cut_off = packs.filter(|entry| {
            entry.file_name().to_string_lossy().starts_with("tmp_pack_")
                && entry.metadata().is_ok_and(|metadata| metadata.len() == most_bytes)
        });
        cut_off.filter(|entry| fs::remove_file(entry.path()).is_ok()).count() > 0
    }

    /// The commit that was fetched; a tag stands for the one that it names.
    fn fetched(&self, pin: &Pin) -> Result<Option<CommitId>, GitError> {
        let git = self.git2()?;
        let mut reference = git.find_reference(&pin.name())?;
        if let Ok(commit) = reference.peel_to_commit() {
            return Ok(commit.id().to_string().parse().ok());
        }
        reference.delete()?;
        Ok(None)
    }
}

/// Waits until git gets the repository file by file.
async fn until_file_by_file(folder: &FetchFolder) {
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        if folder.is_file_by_file() {
            return;
        }
    }
}

/// Refuses a git over HTTP that does not know `http.curloptResolve` (git 2.37), and would skip it silently.
async fn unless_pinned(fetch: &Fetch) -> Result<Option<FetchError>, GitError> {
    if fetch.url.scheme() == Scheme::Ssh {
        return Ok(None);
    }
    let version = version().await?;
    let mut numbers = version.split('.').map(|number| number.parse::<u32>().unwrap_or(0));
    let release = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    Ok((release < CAN_PIN).then_some(FetchError::GitTooOld { version }))
}

fn invocation(repository: &Repository, fetch: &Fetch, folder: &FetchFolder) -> Invocation {
    let (url, scheme) = (&fetch.url, fetch.url.scheme());
    let mut settings: Vec<String> = [
        PRIVATE,
        "transfer.fsckObjects=true",
        // One file, whose size is limited.
        "fetch.unpackLimit=1",
        "transfer.bundleURI=false",
        "protocol.allow=never",
        "core.hooksPath=/dev/null",
        "credential.helper=",
        "gc.auto=0",
        "pack.threads=1",
        // Nor does git then read from other hosts what a repository says to have there (http-alternates).
        "http.followRedirects=false",
        "http.lowSpeedLimit=1",
        "http.lowSpeedTime=60",
        "http.proxy=",
    ]
    .into_iter()
    .chain(FRUGAL)
    .map(str::to_owned)
    .collect();
    settings.push(format!("protocol.{}.allow=always", scheme.as_str()));
    let mut environment = environment(repository);
    match (&fetch.access, scheme) {
        (Access::Anonymous | Access::Password { .. }, Scheme::Https | Scheme::Http) => {
            // An address is not looked up, and curl takes none of version 6 here.
            if url.host().parse::<IpAddr>().is_err() {
                let addresses: Vec<String> = fetch.addresses.iter().map(bracketed).collect();
                let (host, port) = (url.host(), url.port());
                settings.push(format!("http.curloptResolve={host}:{port}:{}", addresses.join(",")));
            }
            environment.push(("GIT_TRACE_CURL", folder.trace().display().to_string()));
            environment.push(("GIT_TRACE_CURL_NO_DATA", "1".to_owned()));
            // Nothing is inherited, and curl with GnuTLS does not look at SSL_CERT_FILE.
            if let Some(file) = &fetch.certificates {
                environment.push(("GIT_SSL_CAINFO", file.display().to_string()));
            }
        }
        (Access::Key { program, .. }, _) => {
            environment.push(("GIT_SSH", program.display().to_string()));
            environment.push(("GIT_SSH_VARIANT", "ssh".to_owned()));
            environment.push(("GILGAL_SSH_CONFIG", folder.ssh_config().display().to_string()));
        }
        // Without a key there is nobody to log in as: `ssh` is not even started.
        (Access::Anonymous | Access::Password { .. }, Scheme::Ssh) => {
            settings.push("protocol.ssh.allow=never".to_owned());
        }
    }
    if let Access::Password { username, password } = &fetch.access {
        // In the environment, which only this user can read; an argument is seen by everybody on the machine.
        let basic = STANDARD.encode(format!("{username}:{}", password.expose()));
        environment.extend([
            ("GIT_CONFIG_COUNT", "1".to_owned()),
            ("GIT_CONFIG_KEY_0", "http.extraHeader".to_owned()),
            ("GIT_CONFIG_VALUE_0", format!("Authorization: Basic {basic}")),
        ]);
    }
    let wanted = fetch.reference.as_ref().map_or("HEAD", ReferenceName::as_str);
    let options = [
        "fetch",
        "--quiet",
        "--no-tags",
        "--no-recurse-submodules",
        "--no-auto-maintenance",
        "--no-write-fetch-head",
        "--",
    ];
    let mut arguments: Vec<String> =
        settings.into_iter().flat_map(|setting| ["-c".to_owned(), setting]).collect();
    arguments.extend(options.map(str::to_owned));
    arguments.extend([url.to_string(), format!("+{wanted}:{}", fetch.pin.name())]);
    Invocation { arguments, environment }
}

/// An address as curl takes it where a colon may stand behind it.
fn bracketed(address: &IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    }
}

/// Copies what git says, line by line, and answers with the last of it.
async fn copy_lines(stderr: Option<ChildStderr>, output: &mpsc::Sender<String>) -> Vec<String> {
    let mut last = VecDeque::new();
    let Some(stderr) = stderr else { return Vec::new() };
    let mut reader = BufReader::new(stderr);
    let mut line = Vec::new();
    // A line that is too long is cut into several.
    while let Ok(1..) = (&mut reader).take(LONGEST_LINE).read_until(b'\n', &mut line).await {
        let text = String::from_utf8_lossy(&line).trim_end().to_owned();
        line.clear();
        if text.is_empty() {
            continue;
        }
        if last.len() == LAST_LINES {
            last.pop_front();
        }
        last.push_back(text.clone());
        // Nobody listens any more: git goes on all the same.
        let _ = output.send(text).await;
    }
    last.into()
}

#[cfg(test)]
#[path = "fetch_tests.rs"]
mod tests;

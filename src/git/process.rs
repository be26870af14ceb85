//! A running git: its pipes, and how its whole process group is ended.

use super::service::{
    GitProtocol, Invocation, PushEnvironment, SEARCH_PATH, Service, invocation, maintenance,
};
use crate::git::Repository;
use rustix::process::{Pid, Signal, kill_process_group};
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};

/// git could not be started.
#[derive(Debug, thiserror::Error)]
#[error("git cannot be started")]
pub struct SpawnError(#[from] io::Error);

/// A git process with its pipes, in a process group of its own.
#[derive(Debug)]
pub struct GitProcess {
    child: Child,
    group: Option<Pid>,
    pub stdin: Option<ChildStdin>,
    pub stdout: Option<ChildStdout>,
    pub stderr: Option<ChildStderr>,
}

impl GitProcess {
    /// Starts a service of git on a repository. `push` is given for a push only.
    ///
    /// # Errors
    /// When git is not installed or the system has no room for another process.
    pub fn start(
        service: Service,
        repository: &Repository,
        protocol: Option<GitProtocol>,
        push: Option<&PushEnvironment>,
    ) -> Result<Self, SpawnError> {
        Self::spawn(invocation(service, repository, protocol, push), repository, Stdio::piped)
    }

    /// Starts the packing of a repository.
    ///
    /// # Errors
    /// When git is not installed or the system has no room for another process.
    pub(super) fn maintain(repository: &Repository) -> Result<Self, SpawnError> {
        Self::spawn(maintenance(repository), repository, Stdio::null)
    }

    fn spawn(
        invocation: Invocation,
        repository: &Repository,
        stream: fn() -> Stdio,
    ) -> Result<Self, SpawnError> {
        let mut child = Command::new("git")
            .args(&invocation.arguments)
            .env_clear()
            .envs(invocation.environment)
            .current_dir(repository.path())
            .stdin(stream())
            .stdout(stream())
            .stderr(stream())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let group = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        Ok(Self { child, group, stdin, stdout, stderr })
    }

    /// Waits until git ends; answers with its exit code, or 128 + the number of the signal that ended it.
    ///
    /// # Errors
    /// When the system cannot say.
    pub async fn wait(&mut self) -> io::Result<u32> {
        Ok(exit_code(self.child.wait().await?))
    }

    /// Ends git and everything it has started: SIGTERM, and SIGKILL after `grace`.
    pub async fn end(&mut self, grace: Duration) {
        self.signal(Signal::TERM);
        if tokio::time::timeout(grace, self.child.wait()).await.is_err() {
            self.signal(Signal::KILL);
            if let Err(error) = self.child.wait().await {
                tracing::warn!(%error, "git could not be waited for");
            }
        }
    }

    fn signal(&self, signal: Signal) {
        if let Some(group) = self.group {
            // Fails only when the group has ended by itself.
            kill_process_group(group, signal).ok();
        }
    }
}

fn exit_code(status: ExitStatus) -> u32 {
    let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
    u32::try_from(code).unwrap_or(128)
}

/// What `git --version` says, for example `2.47.3`.
///
/// # Errors
/// When git cannot be started.
pub async fn version() -> Result<String, SpawnError> {
    let output = Command::new("git").arg("--version").env_clear().env("PATH", SEARCH_PATH).output().await?;
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text
        .trim()
        .trim_start_matches("git version ")
        .split_whitespace()
        .next()
        .unwrap_or_default()
        .to_owned())
}

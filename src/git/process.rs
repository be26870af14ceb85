//! A running git: its pipes, and how its whole process group is ended.

use super::service::{
    GitProtocol, Invocation, PushEnvironment, SEARCH_PATH, Service, invocation, maintenance,
};
use crate::git::Repository;
use rustix::io::Errno;
use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process_group, prlimit};
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};

/// Memory of each process of git, in bytes: what it writes to, without the packs that it only reads.
const MEMORY_BYTES: u64 = 1024 * 1024 * 1024;

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
        let streams = [Stdio::piped(), Stdio::piped(), Stdio::piped()];
        Self::spawn(invocation(service, repository, protocol, push), repository, streams)
    }

    /// Starts the packing of a repository.
    ///
    /// # Errors
    /// When git is not installed or the system has no room for another process.
    pub(super) fn maintain(repository: &Repository) -> Result<Self, SpawnError> {
        Self::quietly(maintenance(repository), repository)
    }

    /// Starts a git that nobody talks with.
    ///
    /// # Errors
    /// When git is not installed or the system has no room for another process.
    pub(super) fn quietly(invocation: Invocation, repository: &Repository) -> Result<Self, SpawnError> {
        Self::spawn(invocation, repository, [Stdio::null(), Stdio::null(), Stdio::null()])
    }

    /// Starts a git that nobody talks with, and that may write no file of more than so many bytes. What it has to say can be
    /// read.
    ///
    /// # Errors
    /// When git is not installed or the system has no room for another process.
    pub(super) fn watched(
        invocation: Invocation,
        repository: &Repository,
        most_bytes: u64,
    ) -> Result<Self, SpawnError> {
        // It starts its helpers at once: they have the limits only if it has them from its first moment on.
        let mut command = Command::new("prlimit");
        command
            .arg(format!("--data={MEMORY_BYTES}"))
            .arg(format!("--fsize={most_bytes}"))
            .args(["--", "git"]);
        Self::spawn_as(command, invocation, repository, [Stdio::null(), Stdio::null(), Stdio::piped()])
    }

    fn spawn(
        invocation: Invocation,
        repository: &Repository,
        streams: [Stdio; 3],
    ) -> Result<Self, SpawnError> {
        let git = Self::spawn_as(Command::new("git"), invocation, repository, streams)?;
        // What it starts has the limit as well: a service starts nothing before it has read what the client sends.
        limit(git.group, Resource::Data, MEMORY_BYTES)?;
        Ok(git)
    }

    fn spawn_as(
        mut command: Command,
        invocation: Invocation,
        repository: &Repository,
        [stdin, stdout, stderr]: [Stdio; 3],
    ) -> Result<Self, SpawnError> {
        let mut child = command
            .args(&invocation.arguments)
            .env_clear()
            .envs(invocation.environment)
            .current_dir(repository.path())
            .stdin(stdin)
            .stdout(stdout)
            .stderr(stderr)
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

    /// Ends git and everything it has started at once, without waiting for it.
    pub(super) fn kill(&self) {
        self.signal(Signal::KILL);
    }

    fn signal(&self, signal: Signal) {
        if let Some(group) = self.group {
            // Fails only when the group has ended by itself.
            kill_process_group(group, signal).ok();
        }
    }
}

/// Sets a limit from outside: nothing may run between fork and exec here.
fn limit(process: Option<Pid>, of: Resource, most: u64) -> io::Result<()> {
    let limit = Rlimit { current: Some(most), maximum: Some(most) };
    match process.map(|process| prlimit(Some(process), of, limit)) {
        // It has ended already.
        None | Some(Ok(_) | Err(Errno::SRCH)) => Ok(()),
        Some(Err(error)) => Err(error.into()),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::Repositories;
    use crate::model::id::ProjectId;
    use tokio::io::AsyncReadExt;

    #[tokio::test]
    async fn git_has_a_limit_of_memory() {
        let folder = tempfile::tempdir().unwrap();
        let repository =
            Repositories::new(folder.path().to_owned()).open_or_create(ProjectId::generate()).unwrap();
        let mut git = GitProcess::start(Service::ReceivePack, &repository, None, None).unwrap();
        let limits = std::fs::read_to_string(format!("/proc/{}/limits", git.child.id().unwrap())).unwrap();
        let of_data = limits.lines().find(|line| line.starts_with("Max data size")).unwrap();
        assert_eq!(of_data.matches(&MEMORY_BYTES.to_string()).count(), 2, "{of_data}");
        // It works under it.
        let mut said = [0; 4];
        git.stdout.as_mut().unwrap().read_exact(&mut said).await.unwrap();
        git.stdin.take().unwrap();
        git.end(Duration::from_secs(2)).await;
    }
}

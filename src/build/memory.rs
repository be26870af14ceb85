//! A limit on the memory that the commands of a build may use.
//!
//! BuildKit inside Docker Engine 20.10 has none: it ignores `memory`, `memswap` and `cgroupparent` of the request. So the
//! limit is set from outside, on the control group that BuildKit makes for each `RUN`. That needs this server to be root
//! on the engine's machine and to see its control groups; elsewhere builds have no limit but the machine's.
//!
//! To tell the commands of one build from all others, each carries the build's mark in its environment, as a host name in
//! `NO_PROXY`: the one way in that neither changes what BuildKit caches nor stays in the image (proxy settings are left
//! out of both), and that means nothing to any program.

use crate::model::id::DeploymentId;
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::task::JoinHandle;

/// The build argument that becomes part of a command's environment.
pub(super) const ARGUMENT: &str = "NO_PROXY";

/// How often new commands are looked for. What a command can take in this time is more than it should have and less than
/// hurts.
const INTERVAL: Duration = Duration::from_millis(50);

/// Where BuildKit makes its groups: cgroup v1 and v2, with Docker's own and with systemd's parent.
const PARENTS: [&str; 4] = [
    "/sys/fs/cgroup/memory/docker/buildkit",
    "/sys/fs/cgroup/memory/system.slice/buildkit",
    "/sys/fs/cgroup/docker/buildkit",
    "/sys/fs/cgroup/system.slice/buildkit",
];

/// Holds every command of a build below a limit, until it is dropped.
pub(super) struct MemoryLimit {
    watch: JoinHandle<()>,
}

impl MemoryLimit {
    /// Begins to watch for commands with the mark, each of which may use `bytes`.
    pub(super) fn start(mark: String, bytes: u64) -> Self {
        let watch = tokio::spawn(async move {
            let mut ticks = tokio::time::interval(INTERVAL);
            let mut limited: Vec<PathBuf> = Vec::new();
            loop {
                ticks.tick().await;
                for group in groups() {
                    if !limited.contains(&group) && carries(&group, &mark) {
                        match limit(&group, bytes) {
                            Ok(()) => limited.push(group),
                            Err(error) => tracing::warn!(%error, "a build command has no memory limit"),
                        }
                    }
                }
            }
        });
        Self { watch }
    }
}

impl Drop for MemoryLimit {
    fn drop(&mut self) {
        self.watch.abort();
    }
}

/// The mark of a build.
pub(super) fn mark(build: DeploymentId) -> String {
    // `.invalid` is no host's name, ever (RFC 2606 §2).
    format!("gilgal-build-{build}.invalid")
}

/// The control groups of everything that BuildKit runs at the moment.
fn groups() -> impl Iterator<Item = PathBuf> {
    let entries = PARENTS.iter().filter_map(|parent| fs::read_dir(parent).ok()).flatten();
    entries.filter_map(Result::ok).map(|entry| entry.path()).filter(|path| path.is_dir())
}

fn processes(group: &Path) -> Vec<i32> {
    let list = fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default();
    list.lines().filter_map(|line| line.parse().ok()).collect()
}

/// Whether the processes of a group belong to the build with the mark.
fn carries(group: &Path, mark: &str) -> bool {
    processes(group).first().is_some_and(|pid| {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.windows(mark.len()).any(|part| part == mark.as_bytes())
    })
}

/// Sets the limit of a group, without swap where that is counted.
fn limit(group: &Path, bytes: u64) -> io::Result<()> {
    let second_version = group.join("memory.max");
    if second_version.exists() {
        // The kernel makes room by killing, whatever is in use by now.
        fs::write(second_version, bytes.to_string())?;
        let _ = fs::write(group.join("memory.swap.max"), "0");
        return Ok(());
    }
    match fs::write(group.join("memory.limit_in_bytes"), bytes.to_string()) {
        // More is in use already: version 1 refuses a limit that it cannot keep.
        Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {
            for pid in processes(group).into_iter().filter_map(Pid::from_raw) {
                let _ = kill_process(pid, Signal::KILL);
            }
            Ok(())
        }
        result => {
            // Kernels count swap by choice.
            let _ = fs::write(group.join("memory.memsw.limit_in_bytes"), bytes.to_string());
            result
        }
    }
}

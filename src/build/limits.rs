//! Limits on what the commands of a build may use: memory, processes, and a share of the processor.
//!
//! BuildKit inside Docker Engine 20.10 has none: it ignores `memory`, `memswap` and `cgroupparent` of the request. So they
//! are set from outside, on the control group that BuildKit makes for each `RUN`. That needs this server to be root on
//! the engine's machine and to see its files and control groups; elsewhere builds have no limit but the machine's. Each
//! command has its own limit: stages that run side by side have one each.
//!
//! To tell the commands of one build from all others, each carries the build's mark in its environment, as a host name in
//! `NO_PROXY`: the one way in that neither changes what BuildKit caches nor stays in the image (proxy settings are left
//! out of both), and that means nothing to any program. The mark is read from what BuildKit has written down for runc
//! (`buildkit/executor/<id>/config.json` in the engine's folder), not from the process: a command can change its own
//! environment, and not that file. BuildKit adds the proxy settings after every `ENV` of the Dockerfile.

use crate::model::id::DeploymentId;
use bollard::Docker;
use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;
use std::collections::{BTreeMap, HashSet};
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::MissedTickBehavior;

/// The build argument that becomes part of a command's environment.
const ARGUMENT: &str = "NO_PROXY";

/// How often new commands are looked for. What a command can take in this time is more than it should have and less than
/// hurts.
const INTERVAL: Duration = Duration::from_millis(50);

/// Where the control groups are.
const GROUPS: &str = "/sys/fs/cgroup";

/// What each command of a build may use at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BuildLimits {
    pub memory_mib: u32,
    /// Processes and threads.
    pub processes: u32,
}

/// The memory of the command of a build that has used most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryUse {
    pub limit_mib: u32,
    pub peak_mib: u64,
}

/// Holds every command of a build below its limits, until it is dropped.
pub(super) struct Watch {
    task: JoinHandle<()>,
    limits: BuildLimits,
    /// Most bytes that one of the commands has used.
    peak: Arc<AtomicU64>,
}

impl Watch {
    /// Begins to watch for commands with the mark.
    pub(super) fn start(docker: Arc<Docker>, mark: String, limits: BuildLimits) -> Self {
        let peak = Arc::<AtomicU64>::default();
        let seen = Arc::clone(&peak);
        let task = tokio::spawn(async move {
            let Ok(Some(engine_folder)) = docker.info().await.map(|info| info.docker_root_dir) else {
                return;
            };
            let folder = Path::new(&engine_folder).join("buildkit/executor");
            let mut look = Look { folder, mark, limits, done: HashSet::new(), held: Vec::new(), peak: seen };
            let mut ticks = tokio::time::interval(INTERVAL);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                // Files of the kernel can be slow on a busy machine: other tasks must not wait for them.
                let looked = spawn_blocking(move || {
                    look.once();
                    look
                });
                let Ok(after) = looked.await else { return };
                look = after;
            }
        });
        Self { task, limits, peak }
    }

    /// What is known of the memory that the commands have used; `None` where they have no limits.
    pub(super) fn memory(&self) -> Option<MemoryUse> {
        let peak_mib = self.peak.load(Ordering::Relaxed).div_ceil(1024 * 1024);
        (peak_mib > 0).then_some(MemoryUse { limit_mib: self.limits.memory_mib, peak_mib })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The mark of a build.
pub(super) fn mark(build: DeploymentId) -> String {
    // `.invalid` is no host's name, ever (RFC 2606 §2).
    format!("gilgal-build-{build}.invalid")
}

/// A project's build arguments with the mark. What it says itself of `NO_PROXY` comes before the mark and holds: BuildKit
/// reads the name in either case, and takes one of two.
pub(super) fn marked(arguments: BTreeMap<String, String>, mark: &str) -> BTreeMap<String, String> {
    let (own, mut others): (BTreeMap<_, _>, BTreeMap<_, _>) =
        arguments.into_iter().partition(|(name, _)| name.eq_ignore_ascii_case(ARGUMENT));
    let hosts: Vec<&str> = own.values().map(String::as_str).chain([mark]).collect();
    others.insert(ARGUMENT.to_owned(), hosts.join(","));
    others
}

/// What is looked for, and the commands that need no further look.
struct Look {
    folder: PathBuf,
    mark: String,
    limits: BuildLimits,
    done: HashSet<OsString>,
    /// Files that say how much a command has used at most; gone with its group.
    held: Vec<PathBuf>,
    peak: Arc<AtomicU64>,
}

/// The part of the runtime specification's `config.json` that matters here.
#[derive(Deserialize)]
struct Container {
    process: Process,
    linux: Linux,
}

#[derive(Deserialize)]
struct Process {
    #[serde(default)]
    env: Vec<String>,
}

#[derive(Deserialize)]
struct Linux {
    #[serde(rename = "cgroupsPath")]
    group: String,
}

impl Look {
    /// Limits every command of the build that has begun since the last look.
    fn once(&mut self) {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().filter_map(Result::ok);
        for entry in entries {
            let id = entry.file_name();
            if self.done.contains(&id) {
                continue;
            }
            // Still being written, or gone again: the next look tells.
            let Ok(text) = fs::read_to_string(entry.path().join("config.json")) else { continue };
            let Ok(container) = serde_json::from_str::<Container>(&text) else { continue };
            let ours = container.process.env.iter().any(|variable| variable.ends_with(&self.mark));
            if ours {
                let groups = Path::new(GROUPS);
                match limit(groups, &container.linux.group, self.limits) {
                    Ok(true) => {
                        give_way(groups, &container.linux.group);
                        self.held.push(peak_file(groups, &container.linux.group));
                    }
                    Ok(false) => continue,
                    Err(error) => tracing::warn!(%error, "a build command has no limits"),
                }
            }
            self.done.insert(id);
        }
        self.held.retain(|file| {
            let Ok(text) = fs::read_to_string(file) else { return false };
            self.peak.fetch_max(text.trim().parse().unwrap_or(0), Ordering::Relaxed);
            true
        });
    }
}

/// Makes builds together weigh less than one app when there is more to do than the processor can: a quarter. Their groups
/// lie side by side with those of the apps' containers, in one that BuildKit has for all of its own.
fn give_way(groups: &Path, name: &str) {
    let Some(parent) = Path::new(name.trim_start_matches('/')).parent() else { return };
    // Never more than BuildKit's own group: that of all containers has another name.
    if parent.file_name().is_none_or(|name| name != "buildkit") {
        return;
    }
    // Weights of both versions, of which 100 and 1024 are what everybody else has. A kernel without them has no say.
    let weights = [
        (groups.join(parent).join("cpu.weight"), "25"),
        (groups.join("cpu").join(parent).join("cpu.shares"), "256"),
    ];
    for (file, weight) in weights.iter().filter(|(file, _)| file.exists()) {
        if let Err(error) = fs::write(file, weight) {
            tracing::warn!(%error, "builds weigh as much as apps");
        }
    }
}

/// Where the kernel says how much a group has used at most: version 2 since Linux 5.19, version 1 always.
fn peak_file(groups: &Path, name: &str) -> PathBuf {
    let name = name.trim_start_matches('/');
    let second_version = groups.join(name).join("memory.peak");
    if second_version.exists() {
        second_version
    } else {
        groups.join("memory").join(name).join("memory.max_usage_in_bytes")
    }
}

/// Sets the limits of a group; `false` while it does not exist.
fn limit(groups: &Path, name: &str, limits: BuildLimits) -> io::Result<bool> {
    let name = name.trim_start_matches('/');
    let bytes = u64::from(limits.memory_mib) * 1024 * 1024;
    let second_version = groups.join(name);
    let (memory, processes) = (groups.join("memory").join(name), groups.join("pids").join(name));
    if second_version.join("memory.max").exists() {
        fs::write(second_version.join("pids.max"), limits.processes.to_string())?;
        // The kernel makes room by killing, whatever is in use by now.
        fs::write(second_version.join("memory.max"), bytes.to_string())?;
        // Kernels count swap by choice.
        let _ = fs::write(second_version.join("memory.swap.max"), "0");
        Ok(true)
    } else if memory.is_dir() && processes.is_dir() {
        fs::write(processes.join("pids.max"), limits.processes.to_string())?;
        limit_memory(&memory, bytes)?;
        Ok(true)
    } else {
        Ok(false)
    }
}

/// Sets the memory limit of a group of the first version.
fn limit_memory(group: &Path, bytes: u64) -> io::Result<()> {
    match fs::write(group.join("memory.limit_in_bytes"), bytes.to_string()) {
        // More is in use already: version 1 refuses a limit that it cannot keep.
        Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {
            for pid in processes(group).into_iter().filter_map(Pid::from_raw) {
                let _ = kill_process(pid, Signal::KILL);
            }
            Ok(())
        }
        result => {
            let _ = fs::write(group.join("memory.memsw.limit_in_bytes"), bytes.to_string());
            result
        }
    }
}

fn processes(group: &Path) -> Vec<i32> {
    let list = fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default();
    list.lines().filter_map(|line| line.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: BuildLimits = BuildLimits { memory_mib: 2, processes: 7 };

    #[test]
    fn both_versions_of_control_groups_are_limited() {
        let place = tempfile::tempdir().unwrap();
        let read = |path: &str| fs::read_to_string(place.path().join(path)).unwrap();
        assert!(!limit(place.path(), "/docker/buildkit/x", LIMITS).unwrap(), "it is not there yet");
        for controller in ["memory", "pids"] {
            fs::create_dir_all(place.path().join(controller).join("docker/buildkit/x")).unwrap();
        }
        assert!(limit(place.path(), "/docker/buildkit/x", LIMITS).unwrap());
        assert_eq!(read("pids/docker/buildkit/x/pids.max"), "7");
        assert_eq!(read("memory/docker/buildkit/x/memory.limit_in_bytes"), "2097152");

        let second = place.path().join("system.slice/buildkit/y");
        fs::create_dir_all(&second).unwrap();
        fs::write(second.join("memory.max"), "max").unwrap();
        assert!(limit(place.path(), "/system.slice/buildkit/y", LIMITS).unwrap());
        assert_eq!(read("system.slice/buildkit/y/pids.max"), "7");
        assert_eq!(read("system.slice/buildkit/y/memory.max"), "2097152");
    }

    #[test]
    fn builds_give_way_and_nothing_else_does() {
        let place = tempfile::tempdir().unwrap();
        let shares = |group: &str| place.path().join("cpu").join(group).join("cpu.shares");
        for group in ["docker", "docker/buildkit", "docker/buildkit/x"] {
            fs::create_dir_all(shares(group).parent().unwrap()).unwrap();
            fs::write(shares(group), "1024").unwrap();
        }
        give_way(place.path(), "/docker/buildkit/x");
        give_way(place.path(), "/docker/x");
        let read = |group: &str| fs::read_to_string(shares(group)).unwrap();
        assert_eq!(["docker", "docker/buildkit", "docker/buildkit/x"].map(read), ["1024", "256", "1024"]);
    }

    #[test]
    fn a_project_cannot_take_the_mark_away() {
        let given = [("MODE", "x"), ("no_proxy", "a.test"), ("No_Proxy", "b.test")];
        let given = given.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let marked = marked(BTreeMap::from(given), "mark.invalid");
        let marked: Vec<_> = marked.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(marked, [("MODE", "x"), ("NO_PROXY", "b.test,a.test,mark.invalid")]);
    }

    #[test]
    fn only_commands_with_the_mark_are_touched() {
        let place = tempfile::tempdir().unwrap();
        let mark = mark(DeploymentId::generate());
        let write = |id: &str, variable: &str| {
            fs::create_dir(place.path().join(id)).unwrap();
            let config =
                format!(r#"{{"process":{{"env":["{variable}"]}},"linux":{{"cgroupsPath":"/no/{id}"}}}}"#);
            fs::write(place.path().join(id).join("config.json"), config).unwrap();
        };
        write("ours", &format!("NO_PROXY={mark}"));
        write("other", "NO_PROXY=gilgal-build-other.invalid");
        fs::create_dir(place.path().join("unwritten")).unwrap();
        let folder = place.path().to_owned();
        let mut look = Look {
            folder,
            mark,
            limits: LIMITS,
            done: HashSet::new(),
            held: vec![place.path().join("peak")],
            peak: Arc::default(),
        };
        fs::write(place.path().join("peak"), "7000000\n").unwrap();
        look.once();
        // Ours has no group yet, so it is looked at again.
        assert_eq!(look.done, HashSet::from([OsString::from("other")]));
        // The peak is remembered when the group is gone.
        fs::remove_file(place.path().join("peak")).unwrap();
        look.once();
        assert!(look.held.is_empty());
        assert_eq!(look.peak.load(Ordering::Relaxed), 7_000_000);
    }
}

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

mod groups;

use self::groups::Groups;
use crate::model::id::DeploymentId;
use bollard::Docker;
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Once};
use std::time::{Duration, Instant};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::MissedTickBehavior;

/// The build argument that becomes part of a command's environment.
const ARGUMENT: &str = "NO_PROXY";

/// How often new commands are looked for. What a command can take in this time is more than it should have and less than
/// hurts.
const INTERVAL: Duration = Duration::from_millis(50);

/// How long the control group of a command may take to be there, before that is said.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often it is looked for then.
const SELDOM: Duration = Duration::from_secs(1);

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
            tell_once_whether_unreadable(Path::new(&engine_folder));
            let folder = Path::new(&engine_folder).join("buildkit/executor");
            let mut look = Look::new(folder, mark, limits, seen);
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

/// Says once that builds have no limits where the engine's files cannot be seen: to anybody but root, or from a container.
fn tell_once_whether_unreadable(folder: &Path) {
    static TOLD: Once = Once::new();
    if let Err(error) = fs::read_dir(folder) {
        let folder = folder.display();
        TOLD.call_once(|| tracing::warn!(%error, %folder, "a build command has no limits"));
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
    /// Those that have no group yet.
    missing: HashMap<OsString, Missing>,
    groups: Groups,
    /// Files that say how much a command has used at most; gone with its group.
    held: Vec<PathBuf>,
    peak: Arc<AtomicU64>,
}

/// A command without a group.
struct Missing {
    since: Instant,
    /// When it is looked for again.
    next: Instant,
    is_told: bool,
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
    fn new(folder: PathBuf, mark: String, limits: BuildLimits, peak: Arc<AtomicU64>) -> Self {
        Self {
            folder,
            mark,
            limits,
            done: HashSet::new(),
            missing: HashMap::new(),
            groups: Groups::of_this_machine(),
            held: Vec::new(),
            peak,
        }
    }

    /// Limits every command of the build that has begun since the last look.
    fn once(&mut self) {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().filter_map(Result::ok);
        for entry in entries {
            let id = entry.file_name();
            let is_due = |missing: &Missing| missing.next <= Instant::now();
            if self.done.contains(&id) || !self.missing.get(&id).is_none_or(is_due) {
                continue;
            }
            // Still being written, or gone again: the next look tells.
            let Ok(text) = fs::read_to_string(entry.path().join("config.json")) else { continue };
            let Ok(container) = serde_json::from_str::<Container>(&text) else { continue };
            let ours = container.process.env.iter().any(|variable| variable.ends_with(&self.mark));
            if ours {
                match self.groups.limit(&container.linux.group, &id, self.limits) {
                    Ok(Some(peak)) => self.held.push(peak),
                    Ok(None) => {
                        self.note_missing(id, &container.linux.group);
                        continue;
                    }
                    Err(error) => tracing::warn!(%error, "a build command has no limits"),
                }
            }
            self.missing.remove(&id);
            self.done.insert(id);
        }
        self.held.retain(|file| {
            let Ok(text) = fs::read_to_string(file) else { return false };
            self.peak.fetch_max(text.trim().parse().unwrap_or(0), Ordering::Relaxed);
            true
        });
    }

    /// A command whose group is not there is looked for as long as it is; after a while, seldom.
    fn note_missing(&mut self, id: OsString, group: &str) {
        let now = Instant::now();
        let missing = self.missing.entry(id).or_insert(Missing { since: now, next: now, is_told: false });
        if missing.since.elapsed() < PATIENCE {
            return;
        }
        missing.next = now + SELDOM;
        if !std::mem::replace(&mut missing.is_told, true) {
            tracing::warn!(group, "a build command has no limits");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsStr;

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
        let limits = BuildLimits { memory_mib: 2, processes: 7 };
        let mut look = Look::new(folder, mark, limits, Arc::default());
        look.held.push(place.path().join("peak"));
        fs::write(place.path().join("peak"), "7000000\n").unwrap();
        look.once();
        // Ours has no group yet, so it is looked at again.
        assert_eq!(look.done, HashSet::from([OsString::from("other")]));
        // The peak is remembered when the group is gone.
        fs::remove_file(place.path().join("peak")).unwrap();
        look.once();
        assert!(look.held.is_empty());
        assert!(!look.done.contains(OsStr::new("ours")));
        // One that gets none is looked for on, and seldom.
        let missing = look.missing.get_mut(OsStr::new("ours")).unwrap();
        assert!(!missing.is_told);
        missing.since = missing.since.checked_sub(PATIENCE).unwrap();
        look.once();
        let missing = &look.missing[OsStr::new("ours")];
        assert!(missing.is_told && missing.next > Instant::now());
        assert!(!look.done.contains(OsStr::new("ours")));
        assert_eq!(look.peak.load(Ordering::Relaxed), 7_000_000);
    }
}

//! The control groups of the commands of builds.
//!
//! Where a group is depends on the engine: with `cgroupfs` it is what BuildKit has told runc, `/docker/buildkit/<id>`. With
//! systemd that is `system.slice:docker:<id>`, of which runc makes a folder of that name beside the engine's own group, or
//! systemd the scope `docker-<id>.scope`. So where there is nothing at the name, a process is looked for that is in a group
//! with the id in its name.

use super::BuildLimits;
use rustix::process::{Pid, Signal, kill_process};
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Where the kernel shows its control groups, and which process is in which.
pub(super) struct Groups {
    folder: PathBuf,
    processes: PathBuf,
}

impl Groups {
    pub(super) fn of_this_machine() -> Self {
        Self { folder: "/sys/fs/cgroup".into(), processes: "/proc".into() }
    }

    /// Sets the limits of the group of a command, and makes it weigh less than an app. Gives the file that says how much it
    /// has used at most; `None` while there is no group. `name` is what runc was told, `id` the command's own.
    pub(super) fn limit(&self, name: &str, id: &OsStr, limits: BuildLimits) -> io::Result<Option<PathBuf>> {
        let name = name.trim_start_matches('/');
        let found = if limit(&self.folder, name, limits)? {
            name.to_owned()
        } else {
            match self.found(id) {
                Some(found) if limit(&self.folder, &found, limits)? => found,
                Some(_) | None => return Ok(None),
            }
        };
        give_way(&self.folder, &found);
        Ok(Some(peak_file(&self.folder, &found)))
    }

    /// The group of a process that has the id in its name: `9:memory:/docker/buildkit/<id>`,
    /// `0::/system.slice/docker-<id>.scope`.
    fn found(&self, id: &OsStr) -> Option<String> {
        let id = id.to_str().filter(|id| id.len() >= SHORTEST_ID)?;
        let processes = fs::read_dir(&self.processes).ok()?.flatten();
        processes.filter_map(|process| fs::read_to_string(process.path().join("cgroup")).ok()).find_map(
            |text| {
                let groups = text.lines().filter_map(|line| line.splitn(3, ':').nth(2));
                // Beside a hierarchy of the first version the second one can be there without the group.
                let mut of_it =
                    groups.filter(|group| group.rsplit('/').next().is_some_and(|name| name.contains(id)));
                of_it.next().map(|group| group.trim_start_matches('/').to_owned())
            },
        )
    }
}

/// BuildKit's ids have 25 characters. A short one could be in the name of any group.
const SHORTEST_ID: usize = 16;

/// Makes builds weigh less than one app when there is more to do than the processor can: a quarter. Their groups lie side by
/// side with those of the apps' containers: in one that BuildKit has for all of its own, or, with systemd, each by itself.
fn give_way(groups: &Path, name: &str) {
    let own = Path::new(name);
    // Never more than BuildKit's own group: that of all containers has another name.
    let weighed = own
        .parent()
        .filter(|parent| parent.file_name().is_some_and(|name| name == "buildkit"))
        .unwrap_or(own);
    // Weights of both versions, of which 100 and 1024 are what everybody else has. A kernel without them has no say.
    let weights = [
        (groups.join(weighed).join("cpu.weight"), "25"),
        (groups.join("cpu").join(weighed).join("cpu.shares"), "256"),
    ];
    for (file, weight) in weights.iter().filter(|(file, _)| file.exists()) {
        if let Err(error) = fs::write(file, weight) {
            tracing::warn!(%error, "builds weigh as much as apps");
        }
    }
}

/// Where the kernel says how much a group has used at most: version 2 since Linux 5.19, version 1 always.
fn peak_file(groups: &Path, name: &str) -> PathBuf {
    let second_version = groups.join(name).join("memory.peak");
    if second_version.exists() {
        second_version
    } else {
        groups.join("memory").join(name).join("memory.max_usage_in_bytes")
    }
}

/// Sets the limits of a group; `false` while it does not exist.
fn limit(groups: &Path, name: &str, limits: BuildLimits) -> io::Result<bool> {
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
    const ID: &str = "x3bq0g6mza4qqk9e0b1hbrdnq";

    /// A machine made of files.
    struct Machine {
        folder: tempfile::TempDir,
        groups: Groups,
    }

    impl Machine {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let groups =
                Groups { folder: folder.path().join("groups"), processes: folder.path().join("proc") };
            Self { folder, groups }
        }

        fn read(&self, path: &str) -> String {
            fs::read_to_string(self.groups.folder.join(path)).unwrap()
        }

        fn write(&self, path: &str, text: &str) {
            let path = self.folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }

        fn limit(&self, name: &str) -> Option<PathBuf> {
            self.groups.limit(name, OsStr::new(ID), LIMITS).unwrap()
        }
    }

    #[test]
    fn both_versions_of_control_groups_are_limited() {
        let machine = Machine::new();
        let name = format!("/docker/buildkit/{ID}");
        assert_eq!(machine.limit(&name), None, "it is not there yet");
        for file in ["memory/FILE/memory.usage_in_bytes", "pids/FILE/pids.current"] {
            machine.write(&format!("groups/{}", file.replace("/FILE", &name)), "1");
        }
        let peak = machine.groups.folder.join(format!("memory{name}/memory.max_usage_in_bytes"));
        assert_eq!(machine.limit(&name), Some(peak));
        assert_eq!(machine.read(&format!("pids{name}/pids.max")), "7");
        assert_eq!(machine.read(&format!("memory{name}/memory.limit_in_bytes")), "2097152");

        let second = format!("system.slice/buildkit/{ID}");
        machine.write(&format!("groups/{second}/memory.max"), "max");
        machine.limit(&format!("/{second}")).unwrap();
        assert_eq!(machine.read(&format!("{second}/pids.max")), "7");
        assert_eq!(machine.read(&format!("{second}/memory.max")), "2097152");
    }

    #[test]
    fn where_systemd_has_the_groups_the_one_of_a_process_is_limited() {
        for (number, group) in
            [format!("system.slice/system.slice:docker:{ID}"), format!("system.slice/docker-{ID}.scope")]
                .iter()
                .enumerate()
        {
            let machine = Machine::new();
            machine.write("proc/1/cgroup", "0::/init.scope\n");
            machine.write("proc/7/cgroup", "0::/system.slice/docker-0123456789.scope\n");
            for file in ["memory.max", "memory.peak", "cpu.weight"] {
                machine.write(&format!("groups/{group}/{file}"), "100");
                machine.write(&format!("groups/system.slice/{file}"), "100");
            }
            let name = format!("system.slice:docker:{ID}");
            assert_eq!(machine.limit(&name), None, "{number}: nothing runs in it");
            machine.write("proc/42/cgroup", &format!("0::/{group}\n"));
            assert_eq!(machine.limit(&name), Some(machine.groups.folder.join(group).join("memory.peak")));
            let read = |file: &str| machine.read(&format!("{group}/{file}"));
            assert_eq!(["memory.max", "pids.max", "cpu.weight"].map(read), ["2097152", "7", "25"]);
            assert_eq!(machine.read("system.slice/cpu.weight"), "100", "all others weigh what they did");
        }
    }

    #[test]
    fn builds_give_way_and_nothing_else_does() {
        let place = tempfile::tempdir().unwrap();
        let shares = |group: &str| place.path().join("cpu").join(group).join("cpu.shares");
        for group in ["docker", "docker/buildkit", "docker/buildkit/x", "docker/y"] {
            fs::create_dir_all(shares(group).parent().unwrap()).unwrap();
            fs::write(shares(group), "1024").unwrap();
        }
        give_way(place.path(), "docker/buildkit/x");
        let read = |group: &str| fs::read_to_string(shares(group)).unwrap();
        let groups = ["docker", "docker/buildkit", "docker/buildkit/x", "docker/y"];
        assert_eq!(groups.map(read), ["1024", "256", "1024", "1024"]);
    }
}

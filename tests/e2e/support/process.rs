//! Programs that are run to their end.

use rustix::process::Pid;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What a program said and how it ended.
#[derive(Debug)]
pub(crate) struct Output {
    /// `None`: ended by a signal.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Output {
    /// What it printed, after checking that it ended well.
    #[track_caller]
    pub(crate) fn expect_success(self) -> String {
        assert_eq!(self.code, Some(0), "{}{}", self.stdout, self.stderr);
        self.stdout
    }
}

/// Runs a program without anything to read.
pub(crate) fn run(command: &mut Command) -> Output {
    let output = command.stdin(Stdio::null()).output().unwrap();
    Output {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Asks again and again until the answer is yes.
#[track_caller]
pub(crate) fn wait_until(what: &str, limit: Duration, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < limit, "{what}: not within {limit:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Whether a process has this command line: builds run on the engine's machine, which is this one.
pub(crate) fn runs_on_this_machine(command_line: &str) -> bool {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let command_lines = processes.filter_map(|process| std::fs::read(process.path().join("cmdline")).ok());
    command_lines
        .map(|line| String::from_utf8_lossy(&line).replace('\0', " "))
        .any(|line| line.trim_end() == command_line)
}

/// Every process that works in a repository of the home: git, what it starts, and the hooks.
pub(crate) fn git_processes(home: &Path) -> Vec<Pid> {
    let repositories = home.join("repositories");
    let processes = std::fs::read_dir("/proc").unwrap().flatten().filter_map(|process| {
        let id = process.file_name().to_str()?.parse().ok()?;
        let works_in = std::fs::read_link(process.path().join("cwd")).ok()?;
        works_in.starts_with(&repositories).then(|| Pid::from_raw(id)).flatten()
    });
    processes.collect()
}

//! `git push`, and what the pusher sees.

use super::person::Person;
use super::process::wait_until;
use super::server::Server;
use super::transcript;
use super::work_tree::WorkTree;
use rustix::process::{Pid, Signal, kill_process_group};
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// A push that is over.
#[derive(Debug)]
pub(crate) struct Push {
    /// `None`: ended by a signal.
    pub(crate) code: Option<i32>,
    /// Everything on the pusher's terminal, without spaces at the ends of lines.
    pub(crate) transcript: String,
}

impl Push {
    /// Checks the exit code.
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}", self.transcript);
        self
    }

    /// Whether the pusher saw a text.
    pub(crate) fn says(&self, text: &str) -> bool {
        self.transcript.contains(text)
    }

    /// Checks that the pusher saw a text.
    #[track_caller]
    pub(crate) fn expect_text(self, text: &str) -> Self {
        assert!(self.says(text), "nothing says {text:?}:\n{}", self.transcript);
        self
    }

    /// The transcript without what differs from run to run.
    pub(crate) fn redacted(&self, server: &Server) -> String {
        transcript::redact(&self.transcript, server)
    }
}

/// A push under way.
pub(crate) struct RunningPush {
    git: Child,
    seen: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
}

impl RunningPush {
    /// Starts `git push` with these arguments behind the URL of the project.
    pub(crate) fn start(
        server: &Server,
        person: &Person,
        tree: &WorkTree,
        project: &str,
        arguments: &[&str],
    ) -> Self {
        let (options, refs): (Vec<&str>, Vec<&str>) =
            arguments.iter().partition(|argument| argument.starts_with('-'));
        let mut git = person.git_command(server, tree.path());
        git.arg("push").args(options).arg(server.git_url(project)).args(refs);
        Self::spawn(&mut git)
    }

    fn spawn(git: &mut Command) -> Self {
        // A process group of its own, as a shell gives to what is typed at a terminal.
        git.process_group(0).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut git = git.spawn().unwrap();
        let stderr = git.stderr.take().unwrap();
        let seen = Arc::new(Mutex::new(String::new()));
        let written = seen.clone();
        let reader = thread::spawn(move || read_lines(stderr, &written));
        Self { git, seen, reader: Some(reader) }
    }

    /// What the pusher has seen so far.
    pub(crate) fn seen(&self) -> String {
        self.seen.lock().unwrap().clone()
    }

    /// Waits until the pusher has seen a text.
    #[track_caller]
    pub(crate) fn wait_for(&self, text: &str) {
        let begun = std::time::Instant::now();
        while !self.seen().contains(text) {
            let seen = self.seen();
            let over = self.reader.as_ref().is_none_or(JoinHandle::is_finished);
            assert!(
                begun.elapsed() < Duration::from_mins(1) && (!over || self.seen().contains(text)),
                "the pusher has not seen {text:?}:\n{seen}"
            );
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Sends a signal to git and to its `ssh` alike.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process_group(Pid::from_child(&self.git), signal).unwrap();
    }

    /// Ctrl-C: the terminal sends it to git and to its `ssh` alike.
    pub(crate) fn interrupt(mut self) -> Push {
        self.signal(Signal::INT);
        self.wait()
    }

    /// Waits for the end of the push.
    pub(crate) fn finish(mut self) -> Push {
        self.wait()
    }

    /// The same for a build that takes minutes.
    pub(crate) fn finish_within(mut self, time: Duration) -> Push {
        self.wait_for_end(time)
    }

    fn wait(&mut self) -> Push {
        self.wait_for_end(Duration::from_secs(110))
    }

    fn wait_for_end(&mut self, time: Duration) -> Push {
        let git = &mut self.git;
        wait_until("the push ends", time, || git.try_wait().unwrap().is_some());
        let code = git.wait().unwrap().code();
        self.reader.take().unwrap().join().unwrap();
        Push { code, transcript: self.seen() }
    }
}

impl Drop for RunningPush {
    fn drop(&mut self) {
        // Fails only where it has ended already.
        self.git.kill().ok();
        self.git.wait().ok();
    }
}

fn read_lines(stderr: impl Read, seen: &Mutex<String>) {
    for line in BufReader::new(stderr).split(b'\n') {
        let line = line.unwrap();
        let line = String::from_utf8_lossy(&line);
        let mut seen = seen.lock().unwrap();
        seen.push_str(line.trim_end());
        seen.push('\n');
    }
}

//! A person's working copy.

use super::process::run;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

pub(crate) struct WorkTree {
    folder: TempDir,
}

/// `git`, with nothing of the machine's own settings. All commits are made at the same second, so that their ids depend
/// on nothing but what is in them.
pub(super) fn git_command(folder: &Path) -> Command {
    let mut git = Command::new("git");
    git.current_dir(folder).env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null");
    for who in ["AUTHOR", "COMMITTER"] {
        git.env(format!("GIT_{who}_NAME"), "Ada").env(format!("GIT_{who}_EMAIL"), "ada@example.com");
        git.env(format!("GIT_{who}_DATE"), "2026-01-01T00:00:00Z");
    }
    git.env("LC_ALL", "C").env("GIT_TERMINAL_PROMPT", "0");
    git
}

impl WorkTree {
    /// A repository with the branch `main` and no commit.
    pub(crate) fn empty() -> Self {
        let folder = tempfile::Builder::new().prefix("gilgal-work-").tempdir().unwrap();
        let tree = Self { folder };
        tree.git(&["init", "--quiet", "--initial-branch=main"]);
        tree
    }

    /// One commit with these files.
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let tree = Self::empty();
        tree.commit(files);
        tree
    }

    /// One commit with everything of a folder of `examples`, but for what the tests expect of it.
    pub(crate) fn example(name: &str) -> Self {
        let tree = Self::empty();
        copy(&examples().join(name), tree.path());
        fs::remove_file(tree.path().join("expect.toml")).unwrap();
        tree.commit(&[]);
        tree
    }

    /// An app that answers every request for `/` with a word, made in a moment: one layer on `BusyBox`.
    pub(crate) fn answering(word: &str) -> Self {
        Self::of(&[("Dockerfile", DOCKERFILE), ("index.html", word)])
    }

    /// The same, with a build that takes some seconds after having printed a line.
    pub(crate) fn building_slowly(word: &str, seconds: u32) -> Self {
        Self::of(&[("Dockerfile", &slow_dockerfile(seconds)), ("index.html", word)])
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes files and commits everything; gives the commit.
    pub(crate) fn commit(&self, files: &[(&str, &str)]) -> String {
        for (path, text) in files {
            let path = self.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message", "a change"]);
        self.head()
    }

    /// Writes a file that no compression makes smaller, and commits it.
    pub(crate) fn commit_noise(&self, mib: usize) -> String {
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        let mut bytes = Vec::with_capacity(mib << 20);
        while bytes.len() < mib << 20 {
            // Marsaglia's xorshift.
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            bytes.extend(state.to_le_bytes());
        }
        fs::write(self.path().join("noise"), bytes).unwrap();
        self.commit(&[])
    }

    pub(crate) fn head(&self) -> String {
        self.git(&["rev-parse", "HEAD"]).trim().to_owned()
    }

    /// Runs `git` here, which has to succeed.
    #[track_caller]
    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        run(git_command(self.path()).args(arguments)).expect_success()
    }
}

/// Serves the file `index.html` as a user without rights.
const DOCKERFILE: &str = "\
FROM busybox:stable
COPY index.html /www/
USER 65534:65534
CMD exec httpd -f -p \"$PORT\" -h /www
";

/// The Dockerfile of an app whose build takes some seconds after having printed `the slow part begins`.
pub(crate) fn slow_dockerfile(seconds: u32) -> String {
    // What is printed is not in the text of the instruction, which is shown before it runs. Its number keeps the builds
    // of two tests apart: BuildKit does the same instruction once for all.
    let number = uuid::Uuid::now_v7();
    let slow = format!("RUN printf 'the slow part %s\\n' begins && sleep {seconds} && echo {number}\nUSER");
    DOCKERFILE.replace("USER", &slow)
}

pub(crate) fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples")
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            fs::create_dir_all(&target).unwrap();
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

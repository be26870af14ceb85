//! An OpenSSH server that serves repositories of a folder.

use super::process::{run, wait_until};
use super::work_tree::WorkTree;
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

pub(crate) struct Sshd {
    folder: TempDir,
    port: u16,
    process: Child,
}

impl Sshd {
    pub(crate) fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("gilgal-sshd-").tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        fs::write(folder.path().join("authorized_keys"), "").unwrap();
        let process = spawn(&folder, port);
        Self { folder, port, process }
    }

    /// The URL of a repository.
    pub(crate) fn url(&self, name: &str) -> String {
        let user = run(Command::new("id").arg("-un")).expect_success();
        format!("ssh://{}@127.0.0.1:{}{}", user.trim(), self.port, self.folder.path().join(name).display())
    }

    /// Host and port, as the keys of hosts are kept for them.
    pub(crate) fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Brings what is checked out in a working copy into a new repository.
    pub(crate) fn publish(&self, tree: &WorkTree, name: &str) {
        let repository: PathBuf = self.folder.path().join(name);
        let mut git = Command::new("git");
        run(git.args(["init", "--quiet", "--bare", "--initial-branch=main"]).arg(&repository))
            .expect_success();
        tree.git(&["push", "--quiet", repository.to_str().unwrap(), "HEAD:refs/heads/main"]);
    }

    /// Lets the owner of a key in, and nobody else.
    pub(crate) fn authorize(&self, public_key: &str) {
        fs::write(self.folder.path().join("authorized_keys"), format!("{public_key}\n")).unwrap();
    }

    /// Starts it again with another host key.
    pub(crate) fn become_another(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        self.process = spawn(&self.folder, self.port);
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

fn spawn(folder: &TempDir, port: u16) -> Child {
    let path = |name: &str| folder.path().join(name).display().to_string();
    for half in ["host_key", "host_key.pub"] {
        fs::remove_file(path(half)).ok();
    }
    let mut keygen = Command::new("ssh-keygen");
    run(keygen.args(["-q", "-t", "ed25519", "-N", "", "-f", &path("host_key")])).expect_success();
    let config = format!(
        "ListenAddress 127.0.0.1:{port}\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\nStrictModes no\nUsePAM no\n\
         PasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin prohibit-password\n",
        path("host_key"),
        path("authorized_keys")
    );
    fs::write(path("config"), config).unwrap();
    if rustix::process::geteuid().is_root() {
        // It wants the folder that its service would have made.
        fs::create_dir_all("/run/sshd").unwrap();
    }
    let mut sshd = Command::new("/usr/sbin/sshd");
    sshd.args(["-D", "-e", "-f", &path("config")]).stdin(Stdio::null()).stdout(Stdio::null());
    let mut process = sshd.stderr(Stdio::null()).spawn().unwrap();
    wait_until("sshd listens", Duration::from_secs(10), || {
        assert!(process.try_wait().unwrap().is_none(), "sshd has ended");
        TcpStream::connect(("127.0.0.1", port)).is_ok()
    });
    process
}

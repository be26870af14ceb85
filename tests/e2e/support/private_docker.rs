//! A Docker Engine of the test's own, to be stopped and killed: in a network namespace, with its own data. The machine's
//! engine does not notice.

use super::docker::Engine;
use super::process::{run, wait_until};
use super::server::Server;
use rustix::process::{Pid, Signal, kill_process};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use std::fs::File;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// How long an engine may take to start, or to stop its containers.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct PrivateDocker {
    folder: TempDir,
    /// Where the daemon keeps what it has.
    data: PathBuf,
    namespace: String,
    daemon: Option<Child>,
}

impl PrivateDocker {
    /// Starts an engine that has `busybox:stable`. The calling thread, and with it every program that it starts, is in
    /// the engine's network from then on: no other is reached.
    pub(crate) fn start() -> Self {
        Self::start_in(None)
    }

    /// The same, with its images, containers and cache of builds on a certain disk.
    pub(crate) fn on_disk(disk: &Path) -> Self {
        Self::start_in(Some(disk.join("docker")))
    }

    fn start_in(data: Option<PathBuf>) -> Self {
        let image = Command::new("docker").args(["save", "busybox:stable"]).output().unwrap();
        assert!(image.status.success(), "{}", String::from_utf8_lossy(&image.stderr));
        let folder = tempfile::Builder::new().prefix("gilgal-engine-").tempdir().unwrap();
        let namespace = folder.path().file_name().unwrap().to_str().unwrap().to_owned();
        run(Command::new("ip").args(["netns", "add", &namespace])).expect_success();
        let file = File::open(format!("/run/netns/{namespace}")).unwrap();
        move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
        run(Command::new("ip").args(["link", "set", "lo", "up"])).expect_success();
        let data = data.unwrap_or_else(|| folder.path().join("data"));
        let mut docker = Self { folder, data, namespace, daemon: None };
        docker.resume();
        let archive = docker.folder.path().join("busybox.tar");
        std::fs::write(&archive, image.stdout).unwrap();
        run(docker.command().args(["load", "--input"]).arg(&archive)).expect_success();
        docker
    }

    /// In the form of `DOCKER_HOST`.
    pub(crate) fn host(&self) -> String {
        format!("unix://{}/docker.sock", self.folder.path().display())
    }

    /// What a server has on it.
    pub(crate) fn engine(&self, server: &Server) -> Engine {
        server.engine().at(self.host())
    }

    /// Docker's own command, for this engine.
    pub(crate) fn command(&self) -> Command {
        let mut docker = Command::new("docker");
        docker.args(["--host", &self.host()]);
        docker
    }

    /// Starts the daemon, the first time or again.
    pub(crate) fn resume(&mut self) {
        assert!(self.daemon.is_none(), "it runs");
        let at = |name: &str| self.folder.path().join(name);
        let log = File::options().create(true).append(true).open(at("log")).unwrap();
        let daemon = Command::new("dockerd")
            .arg("--data-root")
            .arg(&self.data)
            .arg("--exec-root")
            .arg(at("run"))
            .arg("--pidfile")
            .arg(at("pid"))
            .args(["--host", &self.host()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn();
        self.daemon = Some(daemon.unwrap());
        wait_until("the engine answers", PATIENCE, || run(self.command().arg("info")).code == Some(0));
    }

    /// Stops the daemon, and with it every container.
    pub(crate) fn stop(&mut self) {
        let Some(mut daemon) = self.daemon.take() else { return };
        kill_process(Pid::from_child(&daemon), Signal::TERM).unwrap();
        wait_until("the engine stops", PATIENCE, || daemon.try_wait().unwrap().is_some());
    }
}

impl Drop for PrivateDocker {
    fn drop(&mut self) {
        if let Some(daemon) = &mut self.daemon {
            // Its containers go with it, and leave nothing mounted.
            kill_process(Pid::from_child(daemon), Signal::TERM).ok();
            daemon.wait().ok();
        }
        run(Command::new("ip").args(["netns", "delete", &self.namespace]));
    }
}

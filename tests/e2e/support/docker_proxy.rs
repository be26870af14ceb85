//! A socket of Docker's that can be taken away from one server, without taking Docker away from anybody else.

use std::fs;
use std::io;
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread;
use tempfile::TempDir;

const DOCKER: &str = "/var/run/docker.sock";

pub(crate) struct DockerProxy {
    folder: TempDir,
    /// Both ends of every connection there was.
    connections: Arc<Mutex<Vec<UnixStream>>>,
}

impl DockerProxy {
    pub(crate) fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("gilgal-docker-").tempdir().unwrap();
        let proxy = Self { folder, connections: Arc::default() };
        let listener = UnixListener::bind(proxy.socket()).unwrap();
        let connections = proxy.connections.clone();
        // Ends with the process of the test.
        thread::spawn(move || {
            for client in listener.incoming() {
                let (client, docker) = (client.unwrap(), UnixStream::connect(DOCKER).unwrap());
                let ends = [client.try_clone().unwrap(), docker.try_clone().unwrap()];
                connections.lock().unwrap().extend(ends);
                copy(client.try_clone().unwrap(), docker.try_clone().unwrap());
                copy(docker, client);
            }
        });
        proxy
    }

    /// In the form of `DOCKER_HOST`.
    pub(crate) fn host(&self) -> String {
        format!("unix://{}", self.socket().display())
    }

    /// Ends every connection, and answers no new one.
    pub(crate) fn cut(&self) {
        fs::rename(self.socket(), self.away()).unwrap();
        for connection in self.connections.lock().unwrap().drain(..) {
            // Some have ended long ago.
            connection.shutdown(Shutdown::Both).ok();
        }
    }

    /// Answers again.
    pub(crate) fn restore(&self) {
        fs::rename(self.away(), self.socket()).unwrap();
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("docker.sock")
    }

    fn away(&self) -> PathBuf {
        self.folder.path().join("away.sock")
    }
}

/// Copies one direction until it ends, and hands its end on.
fn copy(mut from: UnixStream, mut to: UnixStream) {
    thread::spawn(move || {
        io::copy(&mut from, &mut to).ok();
        to.shutdown(Shutdown::Write).ok();
    });
}

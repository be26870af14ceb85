//! The server under test: the real program on ports of its own.

use super::docker::Engine;
use super::http::{Answer, Http};
use super::person::Person;
use super::process::{run, wait_until};
use super::push::{Push, RunningPush};
use super::sockets::HeldSockets;
use super::work_tree::WorkTree;
use reqwest::Method;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long a start may take on a busy machine.
const START: Duration = Duration::from_secs(30);
/// How long a stop may take: the server gives running deployments 30 seconds.
const STOP: Duration = Duration::from_secs(45);

/// More of the environment that the server is started with.
pub(crate) type ServerOptions<'a> = &'a [(&'a str, &'a str)];

pub(crate) struct Server {
    /// Holds the server's home, unless it is elsewhere, and whatever else belongs to the test.
    folder: TempDir,
    home: PathBuf,
    process: Option<Running>,
    http_client: Http,
    pub(crate) ssh: SocketAddr,
    pub(crate) api: SocketAddr,
    pub(crate) http: SocketAddr,
    /// What the server listens on, where it does not open it itself.
    sockets: Option<HeldSockets>,
    /// Whose projects are deleted at the end.
    owners: Vec<String>,
}

/// A process of the server with the log that it writes.
struct Running {
    child: Child,
    log: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
}

/// The program under test. nextest says where it is when it runs tests elsewhere than they were built.
#[expect(
    clippy::disallowed_methods,
    reason = "this is no setting of the program, but nextest's word to the tests"
)]
fn program() -> PathBuf {
    std::env::var_os("NEXTEST_BIN_EXE_gilgal")
        .map_or_else(|| env!("CARGO_BIN_EXE_gilgal").into(), PathBuf::from)
}

/// `gilgal` with a home and nothing else of this machine's settings.
pub(crate) fn command(home: &Path, options: ServerOptions) -> Command {
    let mut command = Command::new(program());
    command.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").env("GILGAL_HOME", home);
    for address in ["GILGAL_SSH_ADDR", "GILGAL_API_ADDR", "GILGAL_HTTP_ADDR"] {
        command.env(address, "127.0.0.1:0");
    }
    // The tests have several people; the first one is let in without it.
    command.env("GILGAL_REGISTRATION", "open");
    command.env("GILGAL_LOG_FORMAT", "json").envs(options.iter().copied());
    command
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    pub(crate) fn start_with(options: ServerOptions) -> Self {
        Self::start_on(None, None, options)
    }

    /// A server with a home in a certain place.
    pub(crate) fn start_in(home: &Path, options: ServerOptions) -> Self {
        Self::start_on(None, Some(home), options)
    }

    /// A server on sockets that stay when it ends.
    pub(crate) fn on_held_sockets() -> Self {
        Self::start_on(Some(HeldSockets::open()), None, &[])
    }

    fn start_on(sockets: Option<HeldSockets>, home: Option<&Path>, options: ServerOptions) -> Self {
        let folder = tempfile::Builder::new().prefix("gilgal-e2e-").tempdir().unwrap();
        let home = home.map_or_else(|| folder.path().join("home"), Path::to_owned);
        let (process, [ssh, api, http]) = Running::start(&home, options, sockets.as_ref());
        let server = Self {
            folder,
            home,
            process: Some(process),
            http_client: Http::new(),
            ssh,
            api,
            http,
            sockets,
            owners: Vec::new(),
        };
        server.trust_host_key();
        server
    }

    /// Starts the server again on the same home, on other ports unless its sockets are held.
    pub(crate) fn start_again(&mut self, options: ServerOptions) {
        assert!(self.process.is_none(), "it runs");
        let (process, [ssh, api, http]) = Running::start(&self.home(), options, self.sockets.as_ref());
        (self.process, self.ssh, self.api, self.http) = (Some(process), ssh, api, http);
        self.trust_host_key();
    }

    /// Stops the server as an operator does; it has to end well.
    #[track_caller]
    pub(crate) fn stop(&mut self) {
        let process = self.process.take().unwrap();
        let (code, log) = process.stop();
        assert_eq!(code, Some(0), "the server did not end well:\n{log}");
    }

    /// Ends the server as a power cut does.
    pub(crate) fn kill(&mut self) {
        let mut process = self.process.take().unwrap();
        process.child.kill().unwrap();
        process.child.wait().unwrap();
    }

    /// Waits until the server is gone as by `kill -9`, at a failpoint.
    #[track_caller]
    pub(crate) fn wait_until_killed(&mut self) {
        let mut process = self.process.take().unwrap();
        let log = process.log.clone();
        let begun = Instant::now();
        while process.child.try_wait().unwrap().is_none() {
            if begun.elapsed() > START {
                process.child.kill().unwrap();
                panic!("the server was not killed:\n{}", log.lock().unwrap());
            }
            thread::sleep(Duration::from_millis(10));
        }
        let status = process.child.wait().unwrap();
        assert_eq!(status.signal(), Some(Signal::KILL.as_raw()), "{status}\n{}", log.lock().unwrap());
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.home.clone()
    }

    /// A folder that is gone with the server.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The process that runs.
    pub(crate) fn process_id(&self) -> u32 {
        self.process.as_ref().unwrap().child.id()
    }

    /// What the server has logged since its start.
    pub(crate) fn log(&self) -> String {
        self.process.as_ref().map(|process| process.log.lock().unwrap().clone()).unwrap_or_default()
    }

    pub(crate) fn engine(&self) -> Engine {
        Engine::of(fs::read_to_string(self.home().join("server-id")).unwrap().trim())
    }

    /// Makes an account with a key. Its projects are deleted at the end of the test.
    pub(crate) fn person(&mut self, name: &str) -> Person {
        let person = Person::sign_up(self, name);
        self.owners.push(person.token.clone());
        person
    }

    /// Gives somebody a new access token.
    pub(crate) fn log_in_again(&mut self, person: &mut Person) {
        let before = person.log_in(self);
        for owner in self.owners.iter_mut().filter(|owner| **owner == before) {
            owner.clone_from(&person.token);
        }
    }

    /// Somebody with a key that the server does not know.
    pub(crate) fn stranger(&self, name: &str) -> Person {
        Person::stranger(self, name)
    }

    pub(crate) fn git_url(&self, project: &str) -> String {
        format!("ssh://git@{}/{project}.git", self.ssh)
    }

    /// `git push <url> arguments…`, to its end.
    pub(crate) fn push(&self, person: &Person, tree: &WorkTree, project: &str, arguments: &[&str]) -> Push {
        RunningPush::start(self, person, tree, project, arguments).finish()
    }

    /// A push of `main` that has to go live.
    #[track_caller]
    pub(crate) fn deploy(&self, person: &Person, tree: &WorkTree, project: &str) -> Push {
        self.push(person, tree, project, &["main"]).expect(0)
    }

    pub(crate) fn request(&self, method: Method, path: &str, token: &str, body: Option<&Value>) -> Answer {
        self.http_client.api(self.api, method, path, token, body)
    }

    /// Tells of a push elsewhere, as its provider does.
    pub(crate) fn deliver(&self, path: &str, headers: &[(&str, &str)], body: String) -> Answer {
        self.http_client.deliver(self.api, path, headers, body)
    }

    /// Sends an archive, which is deployed to a project.
    pub(crate) fn upload(&self, person: &Person, project: &str, query: &str, archive: Vec<u8>) -> Answer {
        let path = format!("/api/projects/{project}/deployments{query}");
        self.http_client.upload(self.api, &path, &person.token, archive)
    }

    /// The host name of a project's app.
    pub(crate) fn host(project: &str) -> String {
        format!("{project}.localhost")
    }

    /// `GET` for an app, through the router.
    pub(crate) fn get(&self, project: &str, path: &str) -> Answer {
        self.http_client.app(self.http, &Self::host(project), path).unwrap()
    }

    pub(super) fn known_hosts(&self) -> PathBuf {
        self.folder.path().join("known_hosts")
    }

    fn trust_host_key(&self) {
        let mut keygen = Command::new("ssh-keygen");
        let key =
            run(keygen.args(["-y", "-f"]).arg(self.home().join("ssh_host_ed25519_key"))).expect_success();
        let line = format!("[{}]:{} {key}", self.ssh.ip(), self.ssh.port());
        fs::write(self.known_hosts(), line).unwrap();
    }

    #[expect(clippy::print_stderr, reason = "it stands beside the message of the test that fails")]
    fn show_log(&self) {
        eprintln!("--- the server's log\n{}", self.log());
    }

    fn delete_projects(&self) {
        for token in &self.owners {
            for list in ["/api/projects", "/api/projects?deleted=true"] {
                let projects = self.request(Method::GET, list, token, None).expect(200);
                for project in projects["data"].as_array().unwrap() {
                    let (id, slug) = (project["id"].as_str().unwrap(), project["slug"].as_str().unwrap());
                    let path = format!("/api/projects/{id}?confirm={slug}&now=true");
                    self.request(Method::DELETE, &path, token, None).expect(204);
                }
            }
        }
    }
}

impl Drop for Server {
    /// Deletes every project, stops the server, and proves that nothing of it is left on the engine.
    fn drop(&mut self) {
        let engine = self.home().join("server-id").exists().then(|| self.engine());
        if thread::panicking() {
            self.show_log();
            if let Some(mut process) = self.process.take() {
                process.child.kill().ok();
                process.child.wait().ok();
            }
            if let Some(engine) = engine {
                engine.clear();
            }
            return;
        }
        if self.process.is_some() {
            self.delete_projects();
            self.stop();
        }
        let Some(engine) = engine else { return };
        let left = engine.everything();
        if !left.is_empty() {
            engine.clear();
        }
        assert!(left.is_empty(), "the server has left behind: {left:#?}");
    }
}

impl Running {
    fn start(home: &Path, options: ServerOptions, sockets: Option<&HeldSockets>) -> (Self, [SocketAddr; 3]) {
        let mut serve = command(home, options);
        if let Some(sockets) = sockets {
            sockets.pass_to(&mut serve);
        }
        let mut child = serve.arg("serve").stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let log = Arc::new(Mutex::new(String::new()));
        let written = log.clone();
        let reader = thread::spawn(move || {
            for line in stderr.lines() {
                let mut log = written.lock().unwrap();
                log.push_str(&line.unwrap());
                log.push('\n');
            }
        });
        let mut running = Self { child, log, reader: Some(reader) };
        let addresses = running.wait_until_ready();
        (running, addresses)
    }

    /// The addresses of the line that says that the server is ready.
    fn wait_until_ready(&mut self) -> [SocketAddr; 3] {
        let begun = Instant::now();
        loop {
            let log = self.log.lock().unwrap().clone();
            if let Some(ready) = log.lines().find(|line| line.contains("gilgal is ready")) {
                let ready: Value = serde_json::from_str(ready).unwrap();
                return ["ssh", "api", "http"].map(|name| ready[name].as_str().unwrap().parse().unwrap());
            }
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none() && begun.elapsed() < START, "the server is not ready: {ended:?}\n{log}");
            thread::sleep(Duration::from_millis(10));
        }
    }

    fn stop(mut self) -> (Option<i32>, String) {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        let child = &mut self.child;
        wait_until("the server ends", STOP, || child.try_wait().unwrap().is_some());
        let code = child.wait().unwrap().code();
        self.reader.take().unwrap().join().unwrap();
        let log = self.log.lock().unwrap().clone();
        (code, log)
    }
}

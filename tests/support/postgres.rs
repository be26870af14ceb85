//! A real PostgreSQL cluster for one test: made in a temporary directory, reached through a socket in it, and gone
//! with the value that stands for it.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long the server may take to start or to stop on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running cluster with the database `postgres`, owned by the user `postgres` without a password.
pub(crate) struct Postgres {
    place: TempDir,
    account: Option<Account>,
    server: Option<Child>,
}

/// Whom the server runs as where the tests run as root, which PostgreSQL refuses to.
#[derive(Clone, Copy)]
struct Account {
    user: u32,
    group: u32,
}

impl Postgres {
    /// Makes and starts a cluster.
    ///
    /// # Panics
    /// When PostgreSQL is not installed or does not start.
    pub(crate) fn start() -> Self {
        let place = tempfile::Builder::new().prefix("gilgal-postgres-").tempdir().unwrap();
        let account = (fs::metadata(place.path()).unwrap().uid() == 0).then(Account::unprivileged);
        if let Some(Account { user, group }) = account {
            chown(place.path(), Some(user), Some(group)).unwrap();
        }
        let mut cluster = Self { place, account, server: None };
        cluster.make_data();
        cluster.resume();
        cluster
    }

    /// The URL of its database.
    pub(crate) fn url(&self) -> String {
        let socket = self.place.path().to_str().unwrap().replace('/', "%2F");
        format!("postgres://postgres@{socket}/postgres")
    }

    /// Copies the data of a new cluster, which takes a tenth of the time of making it; the first test makes it.
    fn make_data(&self) {
        let version = programs().parent().unwrap().file_name().unwrap().to_owned();
        let user = self.account.map_or(0, |account| account.user);
        let template = Path::new(env!("CARGO_TARGET_TMPDIR")).join(version).join(user.to_string());
        fs::create_dir_all(&template).unwrap();
        let lock = fs::File::create(template.join("lock")).unwrap();
        lock.lock().unwrap();
        let (template, unfinished) = (template.join("data"), template.join("unfinished"));
        if template.exists() {
            copy(&template, &self.data());
            return;
        }
        let output = self
            .command("initdb")
            .args([
                "--username=postgres",
                "--auth=trust",
                "--encoding=UTF8",
                "--no-locale",
                "--no-sync",
                "-D",
            ])
            .arg(self.data())
            .output()
            .unwrap();
        assert!(output.status.success(), "initdb: {}", String::from_utf8_lossy(&output.stderr));
        fs::remove_dir_all(&unfinished).ok();
        copy(&self.data(), &unfinished);
        fs::rename(unfinished, template).unwrap();
    }

    /// Starts the server, the first time or again.
    pub(crate) fn resume(&mut self) {
        let server = self
            .command("postgres")
            // Everything is thrown away after the test: nothing has to reach the disk.
            .args(["-c", "listen_addresses=", "-c", "fsync=off", "-c", "shared_buffers=16MB", "-k"])
            .arg(self.place.path())
            .arg("-D")
            .arg(self.data())
            .stdout(Stdio::null())
            .stderr(fs::File::create(self.log()).unwrap())
            .spawn()
            .unwrap();
        self.server = Some(server);
        let begun = Instant::now();
        while !self.is_ready() {
            let ended = self.server.as_mut().unwrap().try_wait().unwrap();
            assert!(
                ended.is_none() && begun.elapsed() < PATIENCE,
                "postgres: {}",
                fs::read_to_string(self.log()).unwrap()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Stops the server at once, as its machine's shutdown does: connections are cut.
    pub(crate) fn stop(&mut self) {
        let Some(mut server) = self.server.take() else { return };
        let process = rustix::process::Pid::from_child(&server);
        // SIGINT is PostgreSQL's "fast shutdown".
        rustix::process::kill_process(process, rustix::process::Signal::INT).ok();
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if server.try_wait().unwrap().is_some() {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        server.kill().unwrap();
        server.wait().unwrap();
    }

    fn is_ready(&self) -> bool {
        let answer =
            Command::new(programs().join("pg_isready")).arg("-q").arg("-h").arg(self.place.path()).status();
        answer.unwrap().success()
    }

    fn data(&self) -> PathBuf {
        self.place.path().join("data")
    }

    fn log(&self) -> PathBuf {
        self.place.path().join("log")
    }

    /// One of PostgreSQL's programs, as an account that it accepts, and ended with this process however that ends.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "INT"]);
        if let Some(Account { user, group }) = self.account {
            command.args([format!("--reuid={user}"), format!("--regid={group}")]).arg("--clear-groups");
        }
        command.arg("--").arg(programs().join(program)).current_dir(self.place.path());
        command
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Account {
    /// The account of Debian's package, or the one that owns nothing.
    fn unprivileged() -> Self {
        let accounts = fs::read_to_string("/etc/passwd").unwrap();
        let find = |name: &str| {
            let mut fields = accounts.lines().find(|line| line.starts_with(name))?.split(':').skip(2);
            Some(Self { user: fields.next()?.parse().ok()?, group: fields.next()?.parse().ok()? })
        };
        find("postgres:").or_else(|| find("nobody:")).unwrap()
    }
}

/// Copies a directory with its owners and rights.
fn copy(from: &Path, to: &Path) {
    let status = Command::new("cp").arg("-a").arg("--").arg(from).arg(to).status().unwrap();
    assert!(status.success(), "cp {} {}", from.display(), to.display());
}

/// Where Debian installs the programs of the newest PostgreSQL on this machine.
fn programs() -> PathBuf {
    let version = |path: &Path| path.file_name()?.to_str()?.parse::<u32>().ok();
    fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("bin/initdb").exists())
        .max_by_key(|path| version(path))
        .expect("the tests need PostgreSQL's programs: apt-get install postgresql-15")
        .join("bin")
}

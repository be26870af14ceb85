//! A person at a terminal: the real program with a home and a folder of its own.

use crate::support::{Options, TestServer};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

/// Somebody who types commands.
pub(crate) struct Terminal {
    folder: TempDir,
    server: SocketAddr,
}

/// What stands on the screen after a command.
#[derive(Debug)]
pub(crate) struct Screen {
    command: String,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) code: i32,
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

impl Terminal {
    pub(crate) fn new(server: &TestServer) -> Self {
        let folder = tempfile::Builder::new().prefix("gilgal-cli-").tempdir().unwrap();
        std::fs::create_dir(folder.path().join("work")).unwrap();
        Self { folder, server: server.address }
    }

    /// Somebody who is logged in with an account of their own.
    pub(crate) async fn logged_in(server: &TestServer, username: &str) -> Self {
        server.sign_up(username).await;
        let terminal = Self::new(server);
        terminal.log_in(username).await;
        terminal
    }

    /// A server, somebody who is logged in there, and their project "Shop", whose remote the folder has.
    pub(crate) async fn with_shop(options: Options) -> (TestServer, Self, serde_json::Value) {
        let server = TestServer::start_with(options).await;
        let ada = Self::logged_in(&server, "ada").await;
        ada.init_repository(&[]).await;
        let shop = ada.run(&["create", "Shop", "--json"]).await.expect(0).json();
        (server, ada, shop)
    }

    /// Logs in with the password that every account of the tests has.
    pub(crate) async fn log_in(&self, username: &str) {
        let email = format!("{username}@example.com");
        self.types(&["login", &self.address(), "--email", &email], "correct horse\n").await.expect(0);
    }

    /// As people type it.
    pub(crate) fn address(&self) -> String {
        self.server.to_string()
    }

    /// The folder that the commands are typed in.
    pub(crate) fn work(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    /// The file with the logins.
    pub(crate) fn credentials(&self) -> PathBuf {
        self.folder.path().join(".config/gilgal/credentials.json")
    }

    pub(crate) async fn run(&self, arguments: &[&str]) -> Screen {
        self.types(arguments, "").await
    }

    /// Runs a command that reads what is typed, which is not shown.
    pub(crate) async fn types(&self, arguments: &[&str], typed: &str) -> Screen {
        self.run_with(arguments, &[], typed).await
    }

    /// The same, with more of the environment.
    pub(crate) async fn run_with(
        &self,
        arguments: &[&str],
        variables: &[(&str, &str)],
        typed: &str,
    ) -> Screen {
        let mut gilgal = self.command(&self.work());
        gilgal.args(arguments).envs(variables.iter().copied()).stdin(Stdio::piped());
        let mut child =
            gilgal.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        // A command that reads nothing may have ended already.
        stdin.write_all(typed.as_bytes()).await.ok();
        drop(stdin);
        let output = child.wait_with_output().await.unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Screen {
            command: arguments.join(" "),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
            code: output.status.code().unwrap(),
        }
    }

    /// `gilgal` with nothing of this machine's settings.
    pub(crate) fn command(&self, folder: &Path) -> Command {
        let mut command = Command::new(program());
        command.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").env("HOME", self.folder.path());
        command.env("COLUMNS", "80").current_dir(folder);
        command
    }

    /// Makes the folder a repository with remotes.
    pub(crate) async fn init_repository(&self, remotes: &[(&str, &str)]) {
        self.git(&["init", "--quiet", "--initial-branch=main"]).await;
        for (name, url) in remotes {
            self.git(&["remote", "add", name, url]).await;
        }
    }

    /// `git` in the folder; what it printed.
    pub(crate) async fn git(&self, arguments: &[&str]) -> String {
        let mut git = Command::new("git");
        git.env("HOME", self.folder.path()).current_dir(self.work()).args(arguments);
        let output = git.output().await.unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }
}

impl Screen {
    /// After checking how it ended.
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self}");
        self
    }

    /// What it printed as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self}"))
    }
}

impl std::fmt::Display for Screen {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { command, stdout, stderr, code } = self;
        let command = format!("$ gilgal {command}").trim_end().to_owned();
        write!(formatter, "{command}\n{stderr}{stdout}[{code}]\n")
    }
}

/// Compares what stands on a screen with the snapshot of that name, without what differs from run to run.
macro_rules! assert_screen {
    ($name:expr, $screen:expr) => {{
        // Before the settings are bound: there nothing can be waited for.
        let (name, screen) = ($name, $screen.to_string());
        insta::with_settings!({ filters => crate::cli::terminal::FILTERS.to_vec() }, {
            insta::assert_snapshot!(name, screen);
        })
    }};
}
pub(crate) use assert_screen;

/// What differs from run to run; blanks around times with it, since columns are as wide as their widest time.
pub(crate) const FILTERS: [(&str, &str); 16] = [
    (r"127\.0\.0\.1:\d+", "[server]"),
    (r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}", "[id]"),
    (r"(?m)^[0-9a-f]{8}  ", "[short]   "),
    (r"(deployment|Deployment|attach) [0-9a-f]{8}\b", "$1 [short]"),
    (r"glg_[0-9A-Za-z_-]+", "glg_[key]"),
    (r"glh_[0-9A-Za-z_-]+", "glh_[secret]"),
    (r"ssh-ed25519 AAAA\S+ ", "ssh-ed25519 [key] "),
    (r"redeliver [0-9a-f]{8}\b", "redeliver [short]"),
    (r"sha256:[0-9a-f]{64}", "sha256:[digest]"),
    (r"[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏]", "⠋"),
    (r" +\d+(\.\d)? (s|min)\b", " [t]"),
    (r"\[t\] {2,}", "[t]  "),
    (r"(AGE|TOOK|ADDED) {2,}", "$1  "),
    (r#""(\w+_at)": "[^"]*""#, r#""$1": "[time]""#),
    (r#""(time)": "[^"]*""#, r#""$1": "[time]""#),
    (r"\b20\d\d-\d\d-\d\d\b", "[date]"),
];

//! Somebody with an account and an SSH key.

use super::process::{Output, run};
use super::server::Server;
use reqwest::Method;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;

pub(crate) struct Person {
    /// Of the API.
    pub(crate) token: String,
    pub(super) name: String,
    key: PathBuf,
}

/// Of everybody.
pub(super) const PASSWORD: &str = "correct horse battery staple";

impl Person {
    /// Signs up and adds a key.
    pub(super) fn sign_up(server: &Server, name: &str) -> Self {
        let email = format!("{name}@example.com");
        let register = json!({ "email": email, "username": name, "password": PASSWORD });
        server.request(Method::POST, "/api/auth/register", "", Some(&register)).expect(201);
        let mut person = Self::stranger(server, name);
        person.log_in(server);
        person.add_key(server);
        person
    }

    /// Logs in; gives the token that the person had until now.
    pub(super) fn log_in(&mut self, server: &Server) -> String {
        let login = json!({ "email": format!("{}@example.com", self.name), "password": PASSWORD });
        let session = server.request(Method::POST, "/api/auth/login", "", Some(&login)).expect(200);
        std::mem::replace(&mut self.token, session["access_token"].as_str().unwrap().to_owned())
    }

    /// Somebody whose key the server does not know.
    pub(super) fn stranger(server: &Server, name: &str) -> Self {
        Self { token: String::new(), name: name.to_owned(), key: make_key(server.folder(), name) }
    }

    /// Somebody who has only the public half of this key.
    pub(crate) fn eavesdropper(&self, server: &Server) -> Self {
        let key = server.folder().join("half");
        std::fs::copy(self.key.with_extension("pub"), key.with_extension("pub")).unwrap();
        Self { token: String::new(), name: "eve".to_owned(), key }
    }

    /// The file of the key.
    pub(crate) fn key(&self) -> &str {
        self.key.to_str().unwrap()
    }

    /// Adds the key to the account; gives what the API says of it.
    pub(crate) fn add_key(&self, server: &Server) -> Value {
        let public_key = std::fs::read_to_string(self.key.with_extension("pub")).unwrap();
        let body = json!({ "title": "laptop", "public_key": public_key });
        server.request(Method::POST, "/api/keys", &self.token, Some(&body)).expect(201)
    }

    pub(crate) fn get(&self, server: &Server, path: &str) -> Value {
        server.request(Method::GET, path, &self.token, None).expect(200)
    }

    /// The options of `ssh` that use this key and nothing of the machine's own settings. The server's host key is
    /// known beforehand, so that another one would be refused.
    pub(super) fn ssh_options(&self, server: &Server) -> Vec<String> {
        let known = server.known_hosts();
        let options = [
            "IdentitiesOnly=yes".to_owned(),
            "IdentityAgent=none".to_owned(),
            "StrictHostKeyChecking=yes".to_owned(),
            "GlobalKnownHostsFile=/dev/null".to_owned(),
            format!("UserKnownHostsFile={}", known.display()),
        ];
        let mut arguments = vec!["-F".to_owned(), "/dev/null".to_owned()];
        arguments.extend(["-i".to_owned(), self.key.display().to_string()]);
        arguments.extend(options.into_iter().flat_map(|option| ["-o".to_owned(), option]));
        arguments
    }

    /// `ssh` to the server with a command; none asks for a shell.
    pub(crate) fn ssh(&self, server: &Server, command: &[&str]) -> Output {
        self.ssh_with(server, &[], command)
    }

    /// The same, with more options of `ssh`.
    pub(crate) fn ssh_with(&self, server: &Server, options: &[&str], command: &[&str]) -> Output {
        let mut ssh = Command::new("ssh");
        // No terminal, unless the options ask for one.
        ssh.arg("-T").args(self.ssh_options(server)).args(options);
        ssh.args(["-p", &server.ssh.port().to_string()]);
        run(ssh.arg("git@127.0.0.1").args(command))
    }

    /// `ssh` to the server; what it is to run there goes behind its arguments.
    pub(crate) fn ssh_command(&self, server: &Server) -> Command {
        let mut ssh = Command::new("ssh");
        ssh.args(self.ssh_options(server)).args(["-p", &server.ssh.port().to_string(), "git@127.0.0.1"]);
        ssh
    }

    /// `git` with this key, in a folder.
    pub(crate) fn git(&self, server: &Server, folder: &Path, arguments: &[&str]) -> Output {
        run(self.git_command(server, folder).args(arguments))
    }

    pub(super) fn git_command(&self, server: &Server, folder: &Path) -> Command {
        let ssh = format!("ssh {}", self.ssh_options(server).join(" "));
        let mut git = super::work_tree::git_command(folder);
        git.env("GIT_SSH_COMMAND", ssh);
        git
    }

    /// The commit that a reference points at on the server, as `git ls-remote` shows it.
    pub(crate) fn remote_reference(&self, server: &Server, project: &str, reference: &str) -> Option<String> {
        let url = server.git_url(project);
        let shown = self.git(server, server.folder(), &["ls-remote", &url, reference]).expect_success();
        Some(shown.split_whitespace().next()?.to_owned())
    }
}

fn make_key(folder: &Path, name: &str) -> PathBuf {
    let key = folder.join(format!("key-{name}"));
    let mut keygen = Command::new("ssh-keygen");
    run(keygen.args(["-q", "-t", "ed25519", "-N", "", "-C", name, "-f"]).arg(&key)).expect_success();
    key
}

//! A registry of images: the reference implementation, on a loopback port, which engines speak plain HTTP to.

use super::process::{run, wait_until};
use super::registry_tokens::Tokens;
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// What lets a server pull from this machine.
pub(crate) const LOOPBACK: &[(&str, &str)] = &[("GILGAL_FETCH_ALLOW_NETWORKS", "127.0.0.0/8")];

/// Who may read from a private one.
pub(crate) const USERNAME: &str = "ada";
pub(crate) const PASSWORD: &str = "canary-token";
/// bcrypt of the password.
const PASSWORD_HASH: &str = "$2b$04$7cOCKSYw5Zz.TczZLf1ww.CmI7MHZBKs.N/g6Fd8mNeDCe83LhVIq";
/// base64 of both, as Docker's command keeps it.
pub(super) const KEPT: &str = "YWRhOmNhbmFyeS10b2tlbg==";

pub(crate) struct Registry {
    folder: TempDir,
    port: u16,
    process: Option<Child>,
    tokens: Option<Tokens>,
}

impl Registry {
    pub(crate) fn start() -> Self {
        Self::with("")
    }

    /// One that asks who is there.
    pub(crate) fn private() -> Self {
        Self::with("auth:\n  htpasswd:\n    realm: test\n    path: PASSWORDS\n")
    }

    /// One that takes tokens, which somebody else gives out, as those of the large ones do.
    pub(crate) fn with_tokens() -> Self {
        let tokens = Tokens::start();
        let mut registry = Self::with(&tokens.settings());
        registry.tokens = Some(tokens);
        registry
    }

    /// Whoever was given a token: their names and passwords, and what for.
    pub(crate) fn given_tokens(&self) -> Vec<String> {
        self.tokens.as_ref().unwrap().given()
    }

    fn with(auth: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("gilgal-registry-").tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let path = |name: &str| folder.path().join(name).display().to_string();
        fs::write(path("passwords"), format!("{USERNAME}:{PASSWORD_HASH}\n")).unwrap();
        let auths = format!("{{\"auths\": {{\"127.0.0.1:{port}\": {{\"auth\": \"{KEPT}\"}}}}}}");
        fs::write(path("config.json"), auths).unwrap();
        let config = format!(
            "version: 0.1\nlog:\n  level: error\nstorage:\n  filesystem:\n    rootdirectory: {}\nhttp:\n  addr: \
             127.0.0.1:{port}\n{}",
            path("images"),
            auth.replace("PASSWORDS", &path("passwords"))
        );
        fs::write(path("registry.yml"), config).unwrap();
        let mut registry = Self { folder, port, process: None, tokens: None };
        registry.go_on();
        registry
    }

    /// The name of an image in it.
    pub(crate) fn image(&self, name: &str) -> String {
        format!("127.0.0.1:{}/{name}", self.port)
    }

    /// Host and port, as credentials are kept for them.
    pub(crate) fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The tags of an image that it has.
    pub(crate) fn tags(&self, name: &str) -> Vec<String> {
        let tags = format!("images/docker/registry/v2/repositories/{name}/_manifests/tags");
        let Ok(entries) = fs::read_dir(self.folder.path().join(tags)) else { return Vec::new() };
        let mut tags: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        tags.sort();
        tags
    }

    /// Builds an app that answers `/` with a word, exposes a port and brings it here; nothing of it stays in the engine.
    pub(crate) fn publish(&self, name: &str, word: &str) {
        // What differs from test to test keeps the images of two tests apart.
        let dockerfile = format!(
            "FROM busybox:stable\nENV OF={}\nCOPY index.html /www/\nEXPOSE 3000\nUSER 65534:65534\n\
             CMD exec httpd -f -p \"$PORT\" -h /www\n",
            self.port
        );
        self.publish_built(name, &dockerfile, word);
    }

    /// Brings an image here that is like another one and says a word in a label; nothing of it stays in the engine.
    pub(crate) fn publish_base(&self, name: &str, from: &str, word: &str) {
        self.publish_built(name, &format!("FROM {from}\nLABEL gilgal.test=\"{} {word}\"\n", self.port), word);
    }

    fn publish_built(&self, name: &str, dockerfile: &str, word: &str) {
        let context = tempfile::tempdir().unwrap();
        fs::write(context.path().join("Dockerfile"), dockerfile).unwrap();
        fs::write(context.path().join("index.html"), word).unwrap();
        let image = self.image(name);
        let docker = |arguments: &[&str]| {
            let mut docker = Command::new("docker");
            docker.arg("--config").arg(self.folder.path()).args(arguments);
            // The builder that needs no plug-in.
            run(docker.env("DOCKER_BUILDKIT", "0")).expect_success();
        };
        docker(&["build", "--quiet", "--tag", &image, context.path().to_str().unwrap()]);
        docker(&["push", "--quiet", &image]);
        docker(&["rmi", &image]);
    }

    /// Ends it; its images stay.
    pub(crate) fn pause(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    /// Makes it answer nobody, until [`Self::answer_again`]; connections to it are made all the same.
    pub(crate) fn stall(&self) {
        self.signal(Signal::STOP);
    }

    pub(crate) fn answer_again(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(self.process.as_ref().unwrap()), signal).unwrap();
    }

    /// Starts it again.
    pub(crate) fn go_on(&mut self) {
        let mut registry = Command::new("docker-registry");
        registry.arg("serve").arg(self.folder.path().join("registry.yml"));
        registry.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        self.process = Some(registry.spawn().unwrap());
        wait_until("the registry listens", Duration::from_secs(20), || {
            TcpStream::connect(("127.0.0.1", self.port)).is_ok()
        });
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            process.kill().ok();
            process.wait().ok();
        }
    }
}

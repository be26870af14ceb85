//! Repositories behind nginx, which asks who is there, with git's own `http-backend` behind it over `FastCGI`; with TLS too.

use super::process::{run, wait_until};
use super::work_tree::WorkTree;
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// Who may read.
pub(crate) const USERNAME: &str = "ada";
pub(crate) const PASSWORD: &str = "canary-behind-nginx";

pub(crate) struct GitNginx {
    folder: TempDir,
    port: u16,
    processes: [Child; 2],
}

impl GitNginx {
    /// Over plain HTTP, or with a certificate for a name.
    pub(crate) fn start(certified_for: Option<&str>) -> Self {
        Self::start_with(certified_for, "")
    }

    /// Over plain HTTP, with the API of the provider, which is at an address.
    pub(crate) fn start_before(api: &str) -> Self {
        Self::start_with(None, &format!("location /api/ {{\nauth_basic off;\nproxy_pass http://{api};\n}}\n"))
    }

    fn start_with(certified_for: Option<&str>, more: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("gilgal-git-nginx-").tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let here = folder.path().display().to_string();
        fs::write(folder.path().join("passwords"), format!("{USERNAME}:{{PLAIN}}{PASSWORD}\n")).unwrap();
        let tls = match certified_for {
            Some(name) => {
                let mut openssl = Command::new("openssl");
                openssl.args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj"]);
                openssl.arg(format!("/CN={name}")).args(["-addext", &format!("subjectAltName=DNS:{name}")]);
                openssl.args(["-keyout", "key.pem", "-out", "certificate.pem"]).current_dir(folder.path());
                run(&mut openssl).expect_success();
                format!("ssl_certificate {here}/certificate.pem; ssl_certificate_key {here}/key.pem;")
            }
            None => String::new(),
        };
        let listen = if certified_for.is_some() { format!("{port} ssl") } else { port.to_string() };
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("{kind}_temp_path {here}/{kind};\n"))
            .concat();
        let config = format!(
            "user root;\ndaemon off;\nworker_processes 1;\npid {here}/nginx.pid;\nerror_log {here}/error.log;\n\
             events {{}}\nhttp {{\n{temporary}access_log {here}/access.log;\nserver {{\nlisten 127.0.0.1:{listen};\n{tls}\n\
             auth_basic git;\nauth_basic_user_file {here}/passwords;\n{more}location / {{\n\
             include /etc/nginx/fastcgi_params;\nfastcgi_pass unix:{here}/backend;\n\
             fastcgi_param SCRIPT_FILENAME /usr/lib/git-core/git-http-backend;\n\
             fastcgi_param GIT_PROJECT_ROOT {here};\nfastcgi_param GIT_HTTP_EXPORT_ALL 1;\n\
             fastcgi_param PATH_INFO $uri;\nfastcgi_param REMOTE_USER $remote_user;\n}}\n}}\n}}\n"
        );
        fs::write(folder.path().join("nginx.conf"), config).unwrap();
        let start = |program: &str, arguments: &[&str]| {
            let mut command = Command::new(program);
            command.args(arguments).current_dir(folder.path());
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
        };
        // Alone: killed, it would leave the processes that `-c` makes.
        let backend = start("fcgiwrap", &["-f", "-s", &format!("unix:{here}/backend")]);
        let nginx = start("nginx", &["-p", &here, "-c", &format!("{here}/nginx.conf")]);
        let nginx = Self { folder, port, processes: [nginx, backend] };
        wait_until("nginx listens", Duration::from_secs(20), || {
            TcpStream::connect(("127.0.0.1", port)).is_ok() && nginx.path("backend").exists()
        });
        nginx
    }

    /// Host and port.
    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    /// The certificate, which nobody else has signed.
    pub(crate) fn certificate(&self) -> String {
        self.path("certificate.pem").display().to_string()
    }

    /// Brings everything of a working copy into a repository.
    pub(crate) fn publish(&self, tree: &WorkTree, name: &str) {
        let repository = self.path(name);
        let mut git = Command::new("git");
        git.args(["init", "--quiet", "--bare", "--initial-branch=main"]).arg(&repository);
        run(&mut git).expect_success();
        tree.git(&["push", "--quiet", repository.to_str().unwrap(), "HEAD:refs/heads/main"]);
    }

    /// What was asked for.
    pub(crate) fn asked(&self) -> String {
        fs::read_to_string(self.path("access.log")).unwrap()
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        Path::new(self.folder.path()).join(name)
    }
}

impl Drop for GitNginx {
    fn drop(&mut self) {
        // Its master ends the worker.
        let pid = fs::read_to_string(self.path("nginx.pid")).unwrap_or_default();
        Command::new("kill").args(["-QUIT", pid.trim()]).stderr(Stdio::null()).status().ok();
        for process in &mut self.processes[1..] {
            process.kill().ok();
        }
        for process in &mut self.processes {
            process.wait().ok();
        }
    }
}

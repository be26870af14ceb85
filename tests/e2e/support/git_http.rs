//! Repositories over HTTP: git's own `http-backend` behind a small server, which can also ask who is there, send somebody
//! elsewhere, or say nothing.

use super::process::run;
use super::work_tree::WorkTree;
use crate::provider_api::ProviderApi;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use tempfile::TempDir;

pub(crate) struct GitHttp {
    folder: TempDir,
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    root: PathBuf,
    /// The value of `Authorization` that everybody has to send.
    wanted: Mutex<Option<String>>,
    /// Beginnings of paths, and where whoever asks for one is sent.
    moved: Mutex<BTreeMap<String, String>>,
    /// Every request: its path, and what it said of who is there.
    seen: Mutex<Vec<(String, Option<String>)>>,
    /// Files of Git LFS, by their ids.
    large_files: Mutex<BTreeMap<String, Vec<u8>>>,
    /// What the provider of the repositories is told.
    api: Mutex<Option<ProviderApi>>,
}

struct Request {
    method: String,
    path: String,
    query: String,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

impl GitHttp {
    pub(crate) fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("gilgal-git-http-").tempdir().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared { root: folder.path().to_owned(), ..Shared::default() });
        let serving = shared.clone();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let shared = serving.clone();
                thread::spawn(move || shared.serve(stream));
            }
        });
        Self { folder, address, shared }
    }

    /// The URL of a repository.
    pub(crate) fn url(&self, name: &str) -> String {
        format!("http://{}/{name}", self.address)
    }

    /// Host and port, as credentials are kept for them.
    pub(crate) fn host(&self) -> String {
        self.address.to_string()
    }

    /// Brings everything of a working copy into a repository, which is made where there is none.
    pub(crate) fn publish(&self, tree: &WorkTree, name: &str) {
        self.publish_as(tree, name, "refs/heads/main");
    }

    /// The same as something else than `main`.
    pub(crate) fn publish_as(&self, tree: &WorkTree, name: &str, reference: &str) {
        let repository = self.folder.path().join(name);
        if !repository.exists() {
            make_bare(&repository);
        }
        tree.git(&[
            "push",
            "--quiet",
            "--force",
            "--tags",
            repository.to_str().unwrap(),
            &format!("HEAD:{reference}"),
        ]);
    }

    /// Makes a repository with nothing in it.
    pub(crate) fn publish_nothing(&self, name: &str) {
        make_bare(&self.folder.path().join(name));
    }

    /// From now on everybody has to send this.
    pub(crate) fn ask_for(&self, authorization: &str) {
        *self.shared.wanted.lock().unwrap() = Some(authorization.to_owned());
    }

    /// Sends whoever asks for a path that begins so elsewhere.
    pub(crate) fn redirect(&self, path: &str, to: &str) {
        self.shared.moved.lock().unwrap().insert(path.to_owned(), to.to_owned());
    }

    /// Keeps a file of Git LFS under an id.
    pub(crate) fn keep(&self, oid: &str, content: &[u8]) {
        self.shared.large_files.lock().unwrap().insert(oid.to_owned(), content.to_vec());
    }

    /// Puts the API of a provider beside the repositories.
    pub(crate) fn tell(&self, api: &ProviderApi) {
        *self.shared.api.lock().unwrap() = Some(api.clone());
    }

    /// The paths that were asked for, each with what was said of who is there.
    pub(crate) fn seen(&self) -> Vec<(String, Option<String>)> {
        self.shared.seen.lock().unwrap().clone()
    }
}

fn make_bare(path: &Path) {
    let mut git = Command::new("git");
    run(git.args(["init", "--quiet", "--bare", "--initial-branch=main"]).arg(path)).expect_success();
}

impl Shared {
    fn serve(&self, mut stream: TcpStream) {
        let Some(request) = read(&stream) else { return };
        let authorization = request.headers.get("authorization").cloned();
        self.seen.lock().unwrap().push((request.path.clone(), authorization.clone()));
        if request.path.starts_with("/silent") {
            // Until the other side goes.
            let _ = stream.read(&mut [0]);
            return;
        }
        let api = self.api.lock().unwrap().clone();
        let asked = (&*request.method, &*request.path, &*request.query);
        if let Some((status, body)) =
            api.and_then(|api| api.take(asked, authorization.as_deref(), &request.body))
        {
            let head =
                format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            let _ = stream.write_all(format!("{head}{body}").as_bytes());
            return;
        }
        let moved = self.moved.lock().unwrap().clone();
        let moved = moved.into_iter().find(|(begin, _)| request.path.starts_with(begin));
        let wanted = self.wanted.lock().unwrap().clone();
        let answer = if let Some((begin, to)) = moved {
            let rest = format!("{}?{}", request.path.trim_start_matches(&begin), request.query);
            format!("HTTP/1.1 301 Moved Permanently\r\nLocation: {to}{rest}\r\nContent-Length: 0\r\n\r\n")
                .into_bytes()
        } else if wanted.is_some() && wanted != authorization && !request.path.starts_with("/large/") {
            b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"git\"\r\nContent-Length: 0\r\n\r\n"
                .to_vec()
        } else if request.path.contains("/info/lfs/") || request.path.starts_with("/large/") {
            self.large_file(&request)
        } else {
            self.backend(&request)
        };
        let _ = stream.write_all(&answer);
    }

    /// Where files of Git LFS are, by its batch API, and what they are, for those who say the word that they were told.
    fn large_file(&self, request: &Request) -> Vec<u8> {
        let files = self.large_files.lock().unwrap();
        let (status, body) = if let Some(oid) = request.path.strip_prefix("/large/") {
            match files.get(oid).filter(|_| request.headers.get("x-word").is_some_and(|word| word == "open"))
            {
                Some(content) => ("200 OK", content.clone()),
                None => ("404 Not Found", Vec::new()),
            }
        } else {
            let json = "application/vnd.git-lfs+json";
            assert_eq!((&*request.method, &*request.headers["accept"]), ("POST", json));
            let asked: Value = serde_json::from_slice(&request.body).unwrap();
            assert_eq!((&asked["operation"], &asked["hash_algo"]), (&json!("download"), &json!("sha256")));
            let host = &request.headers["host"];
            let answered = asked["objects"].as_array().unwrap().iter().map(|object| {
                let oid = object["oid"].as_str().unwrap();
                let href = format!("http://{host}/large/{oid}");
                let download = json!({ "href": href, "header": { "X-Word": "open" }, "expires_in": 3600 });
                if files.contains_key(oid) {
                    json!({ "oid": oid, "size": object["size"], "actions": { "download": download } })
                } else {
                    json!({ "oid": oid, "error": { "code": 404, "message": "Object does not exist" } })
                }
            });
            let answer = json!({ "transfer": "basic", "objects": answered.collect::<Vec<_>>() });
            ("200 OK", answer.to_string().into_bytes())
        };
        let head =
            format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
        [head.into_bytes(), body].concat()
    }

    /// What git's program answers (RFC 3875).
    fn backend(&self, request: &Request) -> Vec<u8> {
        let mut git = Command::new("git");
        git.arg("http-backend").env("GIT_HTTP_EXPORT_ALL", "1").env("GIT_PROJECT_ROOT", &self.root);
        git.env("REQUEST_METHOD", &request.method).env("PATH_INFO", &request.path);
        git.env("QUERY_STRING", &request.query).env("CONTENT_LENGTH", request.body.len().to_string());
        for (header, variable) in [
            ("content-type", "CONTENT_TYPE"),
            ("content-encoding", "HTTP_CONTENT_ENCODING"),
            ("git-protocol", "GIT_PROTOCOL"),
        ] {
            if let Some(value) = request.headers.get(header) {
                git.env(variable, value);
            }
        }
        let mut git = git.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut input = git.stdin.take().unwrap();
        let body = request.body.clone();
        let writing = thread::spawn(move || input.write_all(&body));
        let output = git.wait_with_output().unwrap().stdout;
        drop(writing.join());
        let end = output.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap_or(0);
        let (head, body) = output.split_at(end);
        let head = String::from_utf8_lossy(head);
        let status =
            head.lines().find_map(|line| line.strip_prefix("Status: ")).unwrap_or("200 OK").to_owned();
        let headers: Vec<&str> = head.lines().filter(|line| !line.starts_with("Status: ")).collect();
        let body = body.get(4..).unwrap_or_default();
        let head = format!(
            "HTTP/1.1 {status}\r\n{}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            headers.join("\r\n"),
            body.len()
        );
        [head.as_bytes(), body].concat()
    }
}

fn read(stream: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    reader.read_line(&mut first).ok()?;
    let mut words = first.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Request { method, path: path.to_owned(), query: query.to_owned(), headers, body })
}

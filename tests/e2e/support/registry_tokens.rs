//! What gives out tokens for a registry (the distribution project's `auth/token.md`), as it is somewhere else for most of
//! them.

use super::process::run;
use super::registry::KEPT;
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use serde_json::json;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};
use tempfile::TempDir;

pub(crate) struct Tokens {
    folder: Arc<TempDir>,
    address: SocketAddr,
    given: Arc<Mutex<Vec<String>>>,
}

impl Tokens {
    pub(super) fn start() -> Self {
        let folder = Arc::new(tempfile::Builder::new().prefix("gilgal-tokens-").tempdir().unwrap());
        let mut openssl = Command::new("openssl");
        openssl.args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=tokens", "-days", "2"]);
        openssl.args(["-keyout", "key.pem", "-out", "certificate.pem"]).current_dir(folder.path());
        run(&mut openssl).expect_success();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let given = Arc::<Mutex<Vec<String>>>::default();
        let (serving, noting) = (folder.clone(), given.clone());
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                answer(&stream, &serving, &noting);
            }
        });
        Self { folder, address, given }
    }

    /// What a registry is told of it.
    pub(super) fn settings(&self) -> String {
        format!(
            "auth:\n  token:\n    realm: http://{}/token\n    service: registry.test\n    issuer: tokens.test\n    \
             rootcertbundle: {}\n",
            self.address,
            self.folder.path().join("certificate.pem").display()
        )
    }

    pub(super) fn given(&self) -> Vec<String> {
        self.given.lock().unwrap().clone()
    }
}

/// Gives a token to whoever knows the password.
fn answer(mut stream: &TcpStream, folder: &TempDir, given: &Mutex<Vec<String>>) {
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    let first = lines.next().unwrap_or_default();
    let known = lines
        .take_while(|line| !line.is_empty())
        .any(|line| line.to_ascii_lowercase().starts_with("authorization: basic") && line.ends_with(KEPT));
    let asked = first
        .split(' ')
        .nth(1)
        .unwrap_or_default()
        .replace("%3A", ":")
        .replace("%2F", "/")
        .replace("%2C", ",");
    let (status, body) = if known {
        let scope = asked.split("scope=repository:").nth(1).unwrap_or_default().to_owned();
        given.lock().unwrap().push(asked);
        let name = scope.split(':').next().unwrap_or_default();
        // Under both names, as Docker Hub does it.
        let token = token(folder, name);
        ("200 OK", json!({ "token": token, "access_token": token }))
    } else {
        ("401 Unauthorized", json!({ "errors": [{ "code": "UNAUTHORIZED", "message": "wrong password" }] }))
    };
    let body = body.to_string();
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    stream.write_all(format!("{head}{body}").as_bytes()).ok();
}

/// A token for one repository, signed with RSA (RFC 7518 §3.3).
fn token(folder: &TempDir, name: &str) -> String {
    let pem = fs::read_to_string(folder.path().join("certificate.pem")).unwrap();
    let certificate: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let header = json!({ "typ": "JWT", "alg": "RS256", "x5c": [certificate] });
    let access = json!([{ "type": "repository", "name": name, "actions": ["pull", "push"] }]);
    let claims = json!({
        "iss": "tokens.test", "sub": "ada", "aud": "registry.test", "jti": "1",
        "nbf": at - 60, "iat": at, "exp": at + 300, "access": access,
    });
    let signed = [header, claims].map(|part| BASE64_URL_SAFE_NO_PAD.encode(part.to_string())).join(".");
    fs::write(folder.path().join("signed"), &signed).unwrap();
    let mut openssl = Command::new("openssl");
    openssl.args(["dgst", "-sha256", "-sign", "key.pem", "-out", "signature", "signed"]);
    run(openssl.current_dir(folder.path())).expect_success();
    let signature = fs::read(folder.path().join("signature")).unwrap();
    assert!(BASE64_STANDARD.decode(&certificate).is_ok());
    format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
}

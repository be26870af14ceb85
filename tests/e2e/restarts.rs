//! The server is restarted, as for an upgrade, or dies, while systemd holds its listening sockets: what comes meanwhile
//! waits in them.

use crate::support::{Invariants, RequestLoop, Server, WorkTree, command, run, wait_until};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

/// Clients at the same time: those that open a connection for each request, and those that keep theirs.
const CLIENTS: usize = 4;
/// How long a restart may take for those who wait.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// An app whose `/slow` takes three seconds to send, and that echoes what it gets after an upgrade.
const APP: &str = r#"
const server = require("http").createServer((request, response) => {
  if (request.url !== "/slow") return response.end("one");
  let left = 30;
  const timer = setInterval(() => {
    response.write("x".repeat(1000));
    if (--left === 0) { clearInterval(timer); response.end(); }
  }, 100);
});
server.on("upgrade", (request, socket) => {
  socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n");
  socket.pipe(socket);
});
server.listen(process.env.PORT);
"#;

const DOCKERFILE: &str = "FROM node:22-bookworm-slim\nCOPY server.js /\nCMD exec node /server.js\n";

fn clients(server: &Server) -> Vec<RequestLoop> {
    let host = Server::host("shop");
    let new = (0..CLIENTS).map(|_| RequestLoop::start(server.http, &host));
    new.chain((0..CLIENTS).map(|_| RequestLoop::keeping_connections(server.http, &host))).collect()
}

#[test]
fn a_restart_of_the_server_drops_no_request() {
    let mut server = Server::on_held_sockets();
    let ada = server.person("ada");
    server.deploy(&ada, &WorkTree::answering("one"), "shop");
    let clients = clients(&server);
    for _ in 0..3 {
        thread::sleep(Duration::from_millis(300));
        server.stop();
        server.start_again(&[]);
    }
    thread::sleep(Duration::from_millis(300));
    for client in clients {
        let answers = client.finish();
        assert!(answers.len() > 20, "{}", answers.len());
        for answer in answers {
            let answer = answer.unwrap();
            assert_eq!((answer.status, answer.body.as_str()), (200, "one"));
        }
    }
    // The other two doors are the same as before, too.
    assert_eq!(ada.get(&server, "/api/auth/me")["username"], "ada");
    assert!(ada.ssh(&server, &["whoami"]).expect_success().contains("ada"));
    Invariants::of(&server, &ada).hold();
}

#[test]
fn a_kill_of_the_server_loses_only_what_it_was_answering() {
    let mut server = Server::on_held_sockets();
    let ada = server.person("ada");
    server.deploy(&ada, &WorkTree::answering("one"), "shop");
    let clients = clients(&server);
    for _ in 0..3 {
        thread::sleep(Duration::from_millis(300));
        server.kill();
        // Requests come while nobody is there.
        thread::sleep(Duration::from_millis(300));
        server.start_again(&[]);
    }
    thread::sleep(Duration::from_millis(300));
    for client in clients {
        let answers = client.finish();
        assert!(answers.len() > 20, "{}", answers.len());
        let failed = answers.iter().filter(|answer| answer.is_err()).count();
        assert!(failed <= 3, "a client has one request at a time, and lost {failed} in three kills");
        assert!(answers.iter().flatten().all(|answer| answer.status == 200 && answer.body == "one"));
    }
    Invariants::of(&server, &ada).hold();
}

#[test]
fn a_download_and_a_websocket_end_before_a_stopped_server_does() {
    let mut server = Server::on_held_sockets();
    let ada = server.person("ada");
    server.deploy(&ada, &WorkTree::of(&[("Dockerfile", DOCKERFILE), ("server.js", APP)]), "shop");
    let mut socket = TcpStream::connect(server.http).unwrap();
    let host = Server::host("shop");
    let upgrade =
        format!("GET /chat HTTP/1.1\r\nHost: {host}\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n");
    socket.write_all(upgrade.as_bytes()).unwrap();
    let mut heard = BufReader::new(socket.try_clone().unwrap());
    let mut line = String::new();
    while line != "\r\n" {
        line.clear();
        heard.read_line(&mut line).unwrap();
    }
    let mut download = TcpStream::connect(server.http).unwrap();
    write!(download, "GET /slow HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
    download.read_exact(&mut [0; 500]).unwrap();

    let (router, begun) = (server.http, Instant::now());
    let chatting = thread::spawn(move || {
        for _ in 0..15 {
            thread::sleep(Duration::from_millis(100));
            socket.write_all(b"hello\n").unwrap();
            let mut line = String::new();
            heard.read_line(&mut line).unwrap();
            assert_eq!(line, "hello\n");
        }
    });
    let downloading = thread::spawn(move || {
        let mut rest = Vec::new();
        download.read_to_end(&mut rest).unwrap();
        rest.iter().copied().filter(|byte| *byte == b'x').count()
    });
    // Others do not wait for the two: some are answered while the server ends.
    let others = RequestLoop::start(router, &host);
    server.stop();
    assert!(begun.elapsed() > Duration::from_secs(2), "it has waited for the download");
    chatting.join().unwrap();
    assert!(downloading.join().unwrap() > 29_000);
    server.start_again(&[]);
    let answers = others.finish();
    assert!(answers.len() > 50, "{} answers in three seconds", answers.len());
    assert!(answers.iter().all(|answer| answer.as_ref().is_ok_and(|answer| answer.body == "one")));
    Invariants::of(&server, &ada).hold();
}

#[test]
fn nothing_waits_longer_than_a_start_takes() {
    let mut server = Server::on_held_sockets();
    let ada = server.person("ada");
    server.deploy(&ada, &WorkTree::answering("one"), "shop");
    server.stop();
    let client = RequestLoop::start(server.http, &Server::host("shop"));
    thread::sleep(Duration::from_millis(500));
    let begun = Instant::now();
    server.start_again(&[]);
    wait_until("the app answers", LONGEST_WAIT, || server.get("shop", "/").body == "one");
    assert!(begun.elapsed() < LONGEST_WAIT);
    assert!(client.finish().iter().all(|answer| answer.as_ref().is_ok_and(|answer| answer.body == "one")));
    Invariants::of(&server, &ada).hold();
}

#[test]
fn sockets_without_a_name_of_ours_are_refused() {
    let home = tempfile::tempdir().unwrap();
    let mut told = String::new();
    for names in ["ssh:api:gilgal.socket", "ssh:api:ssh"] {
        let sockets = crate::support::HeldSockets::open();
        let mut serve = command(home.path(), &[]);
        sockets.pass_to(&mut serve);
        let started = run(serve.env("LISTEN_FDNAMES", names).arg("serve"));
        assert_eq!(started.code, Some(2), "{}", started.stderr);
        told.push_str(&started.stderr);
    }
    insta::assert_snapshot!(told);
}

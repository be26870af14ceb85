//! What clients see of a deployment: of connections that are open at the switch, of instances that they stay with, and of a
//! release that has to stop before the next one starts.

use crate::support::{
    Invariants, PATIENCE, RequestLoop, RunningPush, Server, WorkTree, deployments, docker, expect_live,
    expect_served, wait_until, wait_until_all_have_ended,
};
use reqwest::Method;
use serde_json::json;
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// `/download` takes four seconds to send, `/events` says something ten times a second and never ends, and what is upgraded
/// gets back what it sends.
const STREAMING: &str = r#"
const server = require("http").createServer((request, response) => {
  if (request.url === "/events") response.writeHead(200, { "content-type": "text/event-stream" });
  if (request.url !== "/download" && request.url !== "/events") return response.end("one");
  let left = request.url === "/download" ? 40 : Infinity;
  const timer = setInterval(() => {
    response.write(request.url === "/download" ? "x".repeat(1000) : "data: tick\n\n");
    if (--left === 0) { clearInterval(timer); response.end(); }
  }, 100);
});
server.on("upgrade", (request, socket) => {
  socket.on("error", () => {});
  socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n");
  socket.pipe(socket);
});
server.listen(process.env.PORT);
"#;

const NODE: &str = "FROM node:22-bookworm-slim\nCOPY server.js /\nCMD exec node /server.js\n";

/// Seconds that what is open at the switch has to end.
const DRAIN: u64 = 7;

/// A request that is sent and not read yet.
fn ask(server: &Server, path: &str, headers: &str) -> TcpStream {
    let mut stream = TcpStream::connect(server.http).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let host = Server::host("shop");
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\n{headers}\r\n").unwrap();
    stream
}

/// The whole answer: its head in lower case, and its body.
fn answer(server: &Server, path: &str, headers: &str) -> (String, String) {
    let mut answer = String::new();
    ask(server, path, &format!("Connection: close\r\n{headers}")).read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_ascii_lowercase(), body.to_owned())
}

/// Counts the lines that come until the connection ends, and says when that was.
fn count_lines(stream: TcpStream) -> (Arc<AtomicUsize>, thread::JoinHandle<Instant>) {
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    let reader = thread::spawn(move || {
        let mut lines = BufReader::new(stream).split(b'\n');
        while let Some(Ok(_)) = lines.next() {
            counted.fetch_add(1, Ordering::Relaxed);
        }
        Instant::now()
    });
    (count, reader)
}

#[test]
fn what_is_open_at_the_switch_has_its_time_to_end_and_is_cut_after_it() {
    let mut server = Server::start();
    let ada = server.person("ada");
    let drain = format!("[deploy]\ndrain = \"{DRAIN}s\"\n");
    let tree = WorkTree::of(&[("Dockerfile", NODE), ("server.js", STREAMING), ("gilgal.toml", &drain)]);
    server.deploy(&ada, &tree, "shop");
    let old = server.engine().containers();
    let (ticks, events) = count_lines(ask(&server, "/events", ""));
    let chat = ask(&server, "/chat", "Connection: upgrade\r\nUpgrade: websocket\r\n");
    let mut talker = chat.try_clone().unwrap();
    let (echoes, chatting) = count_lines(chat);
    wait_until("both are open", PATIENCE, || {
        ticks.load(Ordering::Relaxed) > 0 && echoes.load(Ordering::Relaxed) > 0
    });
    let requests = RequestLoop::start(server.http, &Server::host("shop"));

    let commit = tree.commit(&[("server.js", &STREAMING.replace("\"one\"", "\"two\""))]);
    let push = RunningPush::start(&server, &ada, &tree, "shop", &["main"]);
    push.wait_for("Starting web");
    let download = ask(&server, "/download", "Connection: close\r\n");
    let downloading = thread::spawn(move || {
        let mut whole = Vec::new();
        BufReader::new(download).read_to_end(&mut whole).unwrap();
        String::from_utf8_lossy(&whole).matches('x').count()
    });
    // Those who watch it do not wait for them.
    push.finish().expect(0).expect_text(&format!("still run on v1 and have {DRAIN} s to end"));
    let switched = Instant::now();
    assert_eq!(server.get("shop", "/").body, "two");
    // They go on as if nothing were.
    let before = (ticks.load(Ordering::Relaxed), echoes.load(Ordering::Relaxed));
    wait_until("both say more", Duration::from_secs(DRAIN), || {
        talker.write_all(b"hello\n").unwrap();
        let now = (ticks.load(Ordering::Relaxed), echoes.load(Ordering::Relaxed));
        now.0 > before.0 + 5 && now.1 > before.1 + 2
    });
    // With a few letters of its head.
    assert!((40_000..40_100).contains(&downloading.join().unwrap()), "the download is whole");
    for ended in [events.join().unwrap(), chatting.join().unwrap()] {
        assert!(ended > switched, "they were cut before the switch");
    }
    expect_live(&server, &ada, &commit, "two");
    assert!(!server.engine().containers().contains(&old[0]));
    let log = ada.ssh(&server, &["logs", "shop"]).expect_success();
    assert!(log.contains("2 connections to the old release were cut at the end of their time."), "{log}");
    for answer in requests.finish() {
        assert_eq!(answer.unwrap().status, 200);
    }
}

#[test]
fn a_rollback_waits_for_no_drain_and_cuts_nothing() {
    let mut server = Server::start();
    let ada = server.person("ada");
    let settings = "[deploy]\ndrain = \"25s\"\n";
    let tree = WorkTree::of(&[("Dockerfile", NODE), ("server.js", STREAMING), ("gilgal.toml", settings)]);
    server.deploy(&ada, &tree, "shop");
    let (ticks, events) = count_lines(ask(&server, "/events", ""));
    wait_until("it is open", PATIENCE, || ticks.load(Ordering::Relaxed) > 0);
    tree.commit(&[("server.js", &STREAMING.replace("\"one\"", "\"two\""))]);
    server.deploy(&ada, &tree, "shop");
    let switched = Instant::now();
    assert_eq!(server.get("shop", "/").body, "two");

    ada.ssh(&server, &["rollback", "shop"]).expect_success();
    assert!(switched.elapsed() < Duration::from_secs(15), "{:?}", switched.elapsed());
    assert_eq!(server.get("shop", "/").body, "one");
    let ended = events.join().unwrap();
    assert!(ended > switched + Duration::from_secs(20), "{:?}", ended - switched);
    wait_until("what is old has ended", PATIENCE, || server.engine().containers().len() == 1);
    wait_until_all_have_ended(&server, &ada);
    assert_eq!(server.get("shop", "/").body, "one");
    Invariants::of(&server, &ada).hold();
}

#[test]
fn what_ends_right_after_the_switch_is_started_again() {
    let mut server = Server::start();
    let ada = server.person("ada");
    let settings = "[deploy]\ndrain = \"30s\"\n";
    let tree = WorkTree::of(&[("Dockerfile", NODE), ("server.js", STREAMING), ("gilgal.toml", settings)]);
    server.deploy(&ada, &tree, "shop");
    let (ticks, _events) = count_lines(ask(&server, "/events", ""));
    wait_until("it is open", PATIENCE, || ticks.load(Ordering::Relaxed) > 0);
    let ending = STREAMING
        .replace("\"one\"", "\"two\"")
        .replace("  let left", "  if (request.url === \"/exit\") process.exit(0);\n  let left");
    let ending = ending.replace("!== \"/events\")", "!== \"/events\" && request.url !== \"/exit\")");
    tree.commit(&[("server.js", &ending)]);
    let push = RunningPush::start(&server, &ada, &tree, "shop", &["main"]);
    push.wait_for("Switching traffic");
    wait_until("the new one has ended", PATIENCE, || server.get("shop", "/exit").status != 200);
    wait_until("it serves again", Duration::from_secs(15), || server.get("shop", "/").body == "two");
    push.finish().expect(0);
    Invariants::of(&server, &ada).hold();
}

#[test]
fn a_client_stays_with_its_instance_until_that_is_gone() {
    let mut server = Server::start();
    let ada = server.person("ada");
    let dockerfile = "FROM busybox:stable\n\
        RUN mkdir -p /tmp /www/cgi-bin && echo up > /www/index.html && printf '#!/bin/sh\\n\
        printf \"Content-Type: text/plain\\\\r\\\\n\\\\r\\\\nI am %%s.\" $(cat /tmp/me)\\n' > /www/cgi-bin/who \
        && chmod 755 /www/cgi-bin/who\n\
        CMD cat /proc/sys/kernel/random/uuid > /tmp/me; exec httpd -f -p $PORT -h /www\n";
    let settings = "[deploy]\nsticky = true\n[processes.web]\ninstances = 2\n";
    let tree = WorkTree::of(&[("Dockerfile", dockerfile), ("gilgal.toml", settings)]);
    server.deploy(&ada, &tree, "shop");
    // Who answers, and the cookie that is set.
    let who = |cookie: &str| {
        let (head, body) = answer(&server, "/cgi-bin/who", cookie);
        assert!(head.starts_with("http/1.1 200"), "{head}");
        let name = body.split_once("I am ").unwrap().1.split_once('.').unwrap().0.to_owned();
        let set = head.lines().find_map(|line| line.strip_prefix("set-cookie: "));
        (name, set.map(|set| set.split_once(';').unwrap().0.to_owned()))
    };
    let (mine, cookie) = who("");
    let cookie = format!("Cookie: theme=dark; {}\r\n", cookie.unwrap());
    for _ in 0..10 {
        assert_eq!(who(&cookie), (mine.clone(), None), "it stays, and is given nothing anew");
    }
    let others: BTreeSet<String> = (0..10).map(|_| who("").0).collect();
    assert_eq!(others.len(), 2, "those who have none go to both: {others:?}");

    // A restart of the server is no reason to go elsewhere, and a deployment is.
    server.stop();
    server.start_again(&[]);
    wait_until("it is served again", PATIENCE, || server.get("shop", "/").status == 200);
    let asked = |server: &Server, cookie: &str| answer(server, "/cgi-bin/who", cookie);
    let (head, body) = asked(&server, &cookie);
    assert!(body.contains(&mine) && !head.contains("set-cookie"), "{head} {body}");
    tree.commit(&[("note", "another release")]);
    server.deploy(&ada, &tree, "shop");
    let (head, body) = asked(&server, &cookie);
    assert!(head.starts_with("http/1.1 200") && head.contains("set-cookie: gilgal_instance="), "{head}");
    assert!(!body.contains(&mine), "{body}");
    Invariants::of(&server, &ada).hold();
}

/// Answers some time after it was started; of its `[deploy]` the settings are these.
fn slow(word: &str, deploy: &str) -> [(&'static str, String); 2] {
    let dockerfile = format!(
        "FROM busybox:stable\nRUN mkdir /www && echo {word} > /www/index.html\n\
         CMD sleep 2; exec httpd -f -p $PORT -h /www\n"
    );
    let health = "timeout = \"1s\"\nlive_interval = \"1s\"\nlive_failures = 2\n";
    [("Dockerfile", dockerfile), ("gilgal.toml", format!("[deploy]\n{deploy}\n[deploy.health]\n{health}"))]
}

fn commit(tree: &WorkTree, files: &[(&str, String)]) -> String {
    tree.commit(&files.iter().map(|(path, text)| (*path, text.as_str())).collect::<Vec<_>>())
}

#[test]
fn a_release_that_is_recreated_stops_before_the_next_one_starts() {
    let mut server = Server::start();
    let ada = server.person("ada");
    let tree = WorkTree::empty();
    commit(&tree, &slow("one", ""));
    server.deploy(&ada, &tree, "shop");
    // Said by the environment, of a project that does not say it itself.
    let change = json!({ "strategy": "recreate" });
    let path = "/api/environments/shop:production";
    let set = server.request(Method::PATCH, path, &ada.token, Some(&change)).expect(200);
    assert_eq!(set["strategy"], "recreate");
    let requests = RequestLoop::start(server.http, &Server::host("shop"));
    let second = commit(&tree, &slow("two", ""));
    let push = RunningPush::start(&server, &ada, &tree, "shop", &["main"]);
    push.wait_for("Stopping v1");
    let mut refusal = String::new();
    wait_until("requests are turned away", PATIENCE, || {
        refusal = answer(&server, "/", "").0;
        refusal.starts_with("http/1.1 503")
    });
    assert!(refusal.contains("retry-after: "), "{refusal}");
    let push = push.finish().expect(0).expect_text("No instance ran for ");
    let place = |text: &str| push.transcript.find(text).unwrap();
    assert!(place("Stopping v1") < place("Starting web"), "{}", push.transcript);
    assert!(!push.says("Holding requests") && !push.says("were held"), "{}", push.transcript);
    expect_live(&server, &ada, &second, "two\n");
    // At any time somebody has answered, or said when to come again.
    let mut seen = Vec::new();
    for answer in requests.finish().into_iter().map(Result::unwrap) {
        assert!([200, 503].contains(&answer.status), "{answer:?}");
        seen.push(if answer.status == 200 { answer.body } else { answer.status.to_string() });
    }
    seen.dedup();
    assert_eq!(seen, ["one\n", "503", "two\n"]);

    // One that does not start brings the one before back.
    commit(&tree, &[("Dockerfile", "FROM busybox:stable\nCMD exit 4\n".to_owned())]);
    server.push(&ada, &tree, "shop", &["main"]).expect(1).expect_text("web.1 crashed with exit code 4");
    wait_until_all_have_ended(&server, &ada);
    let before = deployments(&server, &ada).remove(1);
    expect_served(&server, &ada, &before, &second, "two\n");
}

#[test]
fn nobody_is_sent_to_an_instance_that_is_stopped_to_be_started_anew() {
    let mut server = Server::start();
    let ada = server.person("ada");
    let tree = WorkTree::empty();
    let head = commit(&tree, &slow("one", "strategy = \"recreate\""));
    server.deploy(&ada, &tree, "shop");
    let container = server.engine().containers().remove(0);
    docker(&["exec", &container, "killall", "-STOP", "httpd"]);
    wait_until("it is being replaced", PATIENCE, || {
        server.log().contains("an instance that does not answer is replaced")
    });
    // From the moment on at which nobody is sent there any more.
    wait_until("requests are turned away", PATIENCE, || server.get("shop", "/").status == 503);
    let mut seen = BTreeSet::new();
    wait_until("it answers again", PATIENCE, || {
        let answer = server.get("shop", "/");
        seen.insert(answer.status);
        answer.status == 200
    });
    assert_eq!(seen, BTreeSet::from([200, 503]));
    let log = ada.ssh(&server, &["logs", "shop", "--app"]).expect_success();
    assert!(log.contains("gilgal[web.1]: It was stopped and started anew."), "{log}");
    expect_live(&server, &ada, &head, "one\n");
}

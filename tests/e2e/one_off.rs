//! One-off commands, over SSH and over a WebSocket, and the app's log as it is followed.

use crate::support::{Person, Server, Socket, Talk, WorkTree, wait_until};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(30);

/// Serves a page, and prints a line each half second on one of its outputs.
const DOCKERFILE: &str = "\
FROM busybox:stable
COPY index.html /www/
USER 65534:65534
CMD (n=0; while true; do n=$((n+1)); echo tick $n; echo tock $n >&2; sleep 0.5; done) & exec httpd -f -p \"$PORT\" -h /www
";

fn shop(server: &mut Server) -> (Person, String) {
    let ada = server.person("ada");
    server.deploy(&ada, &WorkTree::of(&[("Dockerfile", DOCKERFILE), ("index.html", "hello")]), "shop");
    let environments = ada.get(server, "/api/projects/shop/environments");
    let id = environments["data"][0]["id"].as_str().unwrap().to_owned();
    (ada, id)
}

fn commands(server: &Server) -> Vec<String> {
    let mut names = server.engine().containers();
    names.retain(|name| name.contains("run"));
    names
}

#[track_caller]
fn expect_none_left(server: &Server) {
    wait_until("the container of the command is gone", PATIENCE, || commands(server).is_empty());
}

fn ssh(server: &Server, ada: &Person, options: &[&str], line: &str) -> std::process::Command {
    let mut ssh = ada.ssh_command(server);
    // Options before the host are options of ssh; those behind it would be the command.
    ssh.args(options).arg(line);
    ssh
}

#[test]
fn a_command_over_ssh_has_its_outputs_its_input_and_its_exit_code() {
    let mut server = Server::start();
    let (ada, _) = shop(&mut server);
    let ran = Talk::start(&mut ssh(&server, &ada, &["-T"], "run shop echo out; echo err >&2; exit 3"));
    let said = ran.finish();
    assert_eq!((said.code, said.output.as_str(), said.errors.as_str()), (Some(3), "out\n", "err\n"));
    let listed = ada.ssh(&server, &["ps", "shop"]).expect_success();
    assert!(listed.contains("web.1") && !listed.contains("run."), "{listed}");
    expect_none_left(&server);

    let mut ran = Talk::start(&mut ssh(&server, &ada, &["-T"], "run shop cat"));
    ran.types("hello\n");
    ran.wait_for("hello\n", |_| {});
    ran.close_input();
    assert_eq!(ran.finish().code, Some(0), "the end of the input is its end");
    expect_none_left(&server);
}

#[test]
fn a_command_over_ssh_has_a_terminal_whose_size_changes() {
    let mut server = Server::start();
    let (ada, _) = shop(&mut server);
    let line = "run shop stty size; while read word; do stty size; [ \"$word\" = end ] && exit 7; done";
    let mut ran = Talk::in_terminal(ssh(&server, &ada, &["-tt"], line), 100, 30);
    // An engine before Docker 23 says the first size a moment after the start.
    ran.wait_for("30 100", |ran| ran.types("\n"));
    ran.resize(120, 50);
    ran.wait_for("50 120", |ran| ran.types("\n"));
    ran.types("end\n");
    assert_eq!(ran.finish().code, Some(7));
    expect_none_left(&server);
}

#[test]
fn a_command_ends_with_its_time_and_with_its_client() {
    let mut server = Server::start_with(&[("GILGAL_RUN_SECONDS", "5")]);
    let (ada, environment) = shop(&mut server);
    let begun = Instant::now();
    let over_ssh = Talk::start(&mut ssh(&server, &ada, &["-T"], "run shop sleep 1000"));
    let over_socket = Socket::run(&server, &ada, &environment, &json!({ "command": ["sleep", "1000"] }));
    let said = over_ssh.finish();
    assert_eq!(said.code, Some(124), "{said:?}");
    assert!(said.errors.contains("it ran for 5 seconds"), "{said:?}");
    let (_, errors, last, code) = over_socket.finish();
    assert!(errors.contains("it ran for 5 seconds"), "{errors}");
    assert_eq!((last, code), (json!({ "exit_code": 124 }), 1000));
    assert!(begun.elapsed() >= Duration::from_secs(5));
    expect_none_left(&server);
    drop(server);

    let mut server = Server::start();
    let (ada, environment) = shop(&mut server);
    let over_ssh = Talk::start(&mut ssh(&server, &ada, &["-T"], "run shop sleep 1000"));
    let over_socket = Socket::run(&server, &ada, &environment, &json!({ "command": ["sleep", "1000"] }));
    wait_until("both run", PATIENCE, || commands(&server).len() == 2);
    over_ssh.kill();
    over_socket.drop_connection();
    expect_none_left(&server);
}

#[test]
fn a_command_over_a_websocket_has_its_outputs_its_input_and_its_exit_code() {
    let mut server = Server::start();
    let (ada, environment) = shop(&mut server);
    let run = |first| Socket::run(&server, &ada, &environment, &first);
    let both = run(json!({ "command": ["sh", "-c", "echo out; echo err >&2; exit 3"] }));
    let finished = both.finish();
    assert_eq!(finished, ("out\n".to_owned(), "err\n".to_owned(), json!({ "exit_code": 3 }), 1000));

    let mut cat = run(json!({ "command": ["cat"], "terminal": null, "process": "web" }));
    cat.types("hello\n");
    cat.types("again\n");
    cat.says(&json!({ "end_of_input": true }));
    assert_eq!(cat.finish(), ("hello\nagain\n".to_owned(), String::new(), json!({ "exit_code": 0 }), 1000));

    let mut terminal = run(json!({
        "command": ["sh", "-c", "stty size; while read word; do stty size; [ \"$word\" = end ] && exit 7; done"],
        "terminal": { "columns": 100, "rows": 30 },
    }));
    terminal.read_until("30 100", |terminal| terminal.types("\n"));
    terminal.says(&json!({ "resize": { "columns": 120, "rows": 50 } }));
    terminal.types("\n");
    terminal.read_until("50 120", |_| {});
    terminal.types("end\n");
    let (_, _, last, code) = terminal.finish();
    assert_eq!((last, code), (json!({ "exit_code": 7 }), 1000));

    let unknown = run(json!({ "command": ["ls"], "process": "worker" }));
    let (_, _, last, code) = unknown.finish();
    assert_eq!((&last["error"]["code"], code), (&json!("invalid_fields"), 1000), "{last}");
    let mut confused = run(json!({ "command": ["sleep", "1000"] }));
    confused.says(&json!({ "resize": 5 }));
    let (_, _, last, code) = confused.finish();
    assert_eq!((&last["error"]["code"], code), (&json!("malformed_body"), 1000), "{last}");
    // More than anybody keeps: whoever types waits for the command, and nothing is lost.
    let mut counted = run(json!({ "command": ["sh", "-c", "sleep 2; wc -c"] }));
    for _ in 0..64 {
        counted.types(&"x".repeat(64 * 1024));
    }
    counted.says(&json!({ "end_of_input": true }));
    assert_eq!(counted.finish().0.trim(), (64 * 64 * 1024).to_string());
    expect_none_left(&server);
}

#[test]
fn a_client_may_take_nothing_for_longer_than_half_a_minute() {
    let mut server = Server::start();
    let (ada, environment) = shop(&mut server);
    // More than all buffers on the way hold: the command waits.
    let line = "head -c 33554432 /dev/zero; echo end >&2";
    let paused = Socket::run(&server, &ada, &environment, &json!({ "line": line }));
    std::thread::sleep(Duration::from_secs(35));
    let (stdout, stderr, last, code) = paused.finish();
    assert_eq!((stdout.len(), stderr.as_str()), (33_554_432, "end\n"));
    assert_eq!((last, code), (json!({ "exit_code": 0 }), 1000));
}

#[test]
fn what_an_app_prints_is_followed_over_ssh_and_over_a_websocket() {
    let mut server = Server::start();
    let (ada, environment) = shop(&mut server);
    let mut followed = Talk::start(&mut ssh(&server, &ada, &["-T"], "logs shop --app -f -n 1"));
    let path = format!("/api/environments/{environment}/logs/stream?tail=1");
    let mut socket = Socket::open(&server, &ada, &path, None);
    let line: serde_json::Value = serde_json::from_str(socket.next().to_text().unwrap()).unwrap();
    assert_eq!(line["process"], "web.1");
    assert!(
        line["time"].is_string() && ["stdout", "stderr"].contains(&line["stream"].as_str().unwrap()),
        "{line}"
    );
    // Those that are printed from now on, of both outputs.
    for wanted in ["stdout", "stderr"] {
        while !socket.next().to_text().unwrap().contains(wanted) {}
    }
    followed.wait_for("app[web.1]: tick", |_| {});
    followed.wait_for("app[web.1]: tock", |_| {});
    // Also of instances that come later.
    ada.ssh(&server, &["scale", "shop", "web=2"]).expect_success();
    followed.wait_for("app[web.2]: tick", |_| {});
    while !socket.next().to_text().unwrap().contains("web.2") {}
    followed.kill();
}

/// A key that was removed ends what runs for it, and what was done with it is known from its begin on.
#[test]
fn a_removed_key_ends_what_it_has_begun() {
    let mut server = Server::start();
    let (ada, _) = shop(&mut server);
    let ran = Talk::start(&mut ssh(&server, &ada, &["-T"], "run shop sleep 1000"));
    let followed = Talk::start(&mut ssh(&server, &ada, &["-T"], "logs shop --app -f"));
    wait_until("it runs", PATIENCE, || commands(&server).len() == 1);
    let audited = |server: &Server| {
        let entries = ada.get(server, "/api/audit?action=run");
        let after = |entry: &Value| (entry["request_id"].clone(), entry["after"].clone());
        entries["data"].as_array().unwrap().iter().map(after).collect::<Vec<_>>()
    };
    wait_until("its begin is written down", PATIENCE, || !audited(&server).is_empty());
    assert_eq!(audited(&server)[0].1, json!({ "begun": true }));
    let keys = ada.get(&server, "/api/keys");
    let path = format!("/api/keys/{}", keys["data"][0]["id"].as_str().unwrap());
    server.request(Method::DELETE, &path, &ada.token, None).expect(204);
    for said in [ran.finish(), followed.finish()] {
        assert_eq!(said.code, Some(128), "{said:?}");
        assert!(said.errors.contains("This key is not accepted any more."), "{said:?}");
    }
    expect_none_left(&server);
    let entries = audited(&server);
    let end = json!({ "failed": "This key is not accepted any more." });
    assert_eq!(entries, [(entries[1].0.clone(), end), entries[1].clone()], "the end, then the begin");
}

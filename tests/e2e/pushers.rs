//! Pushers who stop reading, stop sending or leave, and what they can see.

use crate::queue::{newest_deployment, wait_for_status};
use crate::support::{
    Invariants, PATIENCE, RunningPush, Server, WorkTree, expect_live, git_processes, run, wait_until,
};
use reqwest::Method;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

/// A release command that waits a little and then prints more than a connection and everything on the way can hold.
const TALKING: &str = "web: exec httpd -f -p $PORT -h /www\n\
    release: printf 'it begins %s\\n' 'to talk'; sleep 3; yes $(seq 1 1600 | tr '\\n' -) | head -n 1500\n";
/// How much that is at least, in bytes.
const PRINTED: u64 = 10_000_000;

/// The bytes that the most talkative program of a push has got rid of.
fn written_by_git(server: &Server) -> u64 {
    let written = git_processes(&server.home()).into_iter().filter_map(|process| {
        let numbers = std::fs::read_to_string(format!("/proc/{}/io", process.as_raw_nonzero())).ok()?;
        numbers.lines().find_map(|line| line.strip_prefix("wchar: ")?.parse().ok())
    });
    written.max().unwrap_or_default()
}

fn repositories(server: &Server) -> Vec<String> {
    let entries = std::fs::read_dir(server.home().join("repositories")).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn a_pusher_who_leaves_while_git_takes_nothing_leaves_nothing() {
    let mut server = Server::start();
    let ada = server.person("ada");
    let mut ssh = ada.ssh_command(&server);
    ssh.arg("git-receive-pack 'shop.git'").stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut client = ssh.spawn().unwrap();
    let minute = Duration::from_mins(1);
    wait_until("git runs", minute, || !git_processes(&server.home()).is_empty());
    for process in git_processes(&server.home()) {
        kill_process(process, Signal::STOP).unwrap();
    }
    // More than the pipe to git can hold.
    client.stdin.as_mut().unwrap().write_all(&vec![b'x'; 512 * 1024]).unwrap();
    client.kill().unwrap();
    client.wait().unwrap();
    wait_until("git is ended", Duration::from_secs(20), || git_processes(&server.home()).is_empty());
    // The project that the push had made is taken back with everything of it.
    wait_until("nothing is left", minute, || repositories(&server).is_empty());
    assert_eq!(ada.get(&server, "/api/projects")["data"], json!([]));
    Invariants::of(&server, &ada).hold();
}

#[test]
fn an_account_runs_a_bounded_number_of_gits() {
    let mut server = Server::start();
    let ada = server.person("ada");
    let socket = server.folder().join("mux").display().to_string();
    let mut master = ada.ssh_command(&server);
    let mut master = master.args(["-M", "-S", &socket, "-N"]).stdin(Stdio::null()).spawn().unwrap();
    let minute = Duration::from_mins(1);
    wait_until("somebody is logged in", minute, || Path::new(&socket).exists());
    // On the connection that there is, and on no other.
    let on_it = |command: &str| {
        let mut ssh = ada.ssh_command(&server);
        ssh.args(["-T", "-S", &socket, "-o", "ProxyCommand=false", command]);
        ssh
    };
    let mut clients: Vec<_> = (0..8)
        .map(|_| {
            let mut client = on_it("git-receive-pack 'shop'");
            client.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
        })
        .collect();
    wait_until("all of them run", minute, || git_processes(&server.home()).len() == clients.len());
    let refused = run(&mut on_it("git-receive-pack 'shop'"));
    assert!(refused.code == Some(128) && refused.stderr.contains("8 pushes and fetches"), "{refused:?}");
    assert!(run(&mut on_it("whoami")).stdout.starts_with("ada "), "what needs no git is not bounded by it");
    // The end of one is the place of another.
    for mut client in clients.drain(..1) {
        client.kill().unwrap();
        client.wait().unwrap();
    }
    wait_until("there is a place", minute, || {
        run(&mut on_it("git-upload-archive 'nothing'")).stderr.contains("There is no project")
    });
    for client in clients.iter_mut().chain([&mut master]) {
        client.kill().unwrap();
        client.wait().unwrap();
    }
    wait_until("git is ended", Duration::from_secs(20), || git_processes(&server.home()).is_empty());
}

#[test]
fn a_pusher_who_stops_reading_does_not_stop_the_deployment() {
    let mut server = Server::start();
    let ada = server.person("ada");
    let tree = WorkTree::answering("one");
    tree.commit(&[("Procfile", TALKING)]);
    let push = RunningPush::start(&server, &ada, &tree, "shop", &["main"]);
    push.wait_for("it begins to talk");
    push.signal(Signal::STOP);
    let mut before = 0;
    wait_until("git cannot get rid of what it has", PATIENCE, || {
        thread::sleep(Duration::from_secs(1));
        let now = written_by_git(&server);
        now > 1 << 20 && std::mem::replace(&mut before, now) == now
    });
    assert!(before < PRINTED, "all of {before} bytes were taken");
    wait_for_status(&server, &ada.token, "success");
    assert_eq!(server.get("shop", "/").body, "one");
    assert_eq!(written_by_git(&server), before, "nobody has read meanwhile");
    push.signal(Signal::CONT);
    let push = push.finish().expect(0).expect_text("Application deployed");
    assert!(push.transcript.len() as u64 > PRINTED, "{} bytes have come", push.transcript.len());
    Invariants::of(&server, &ada).hold();
}

#[test]
fn an_environment_can_have_its_deployments_end_with_their_pusher() {
    let mut server = Server::start();
    let ada = server.person("ada");
    let tree = WorkTree::answering("one");
    let live = tree.head();
    server.deploy(&ada, &tree, "shop");
    let policy = json!({ "on_hang_up": "cancel" });
    let production = "/api/environments/shop:production";
    server.request(Method::PATCH, production, &ada.token, Some(&policy)).expect(200);

    tree.commit(&[("Dockerfile", &crate::support::slow_dockerfile(60)), ("index.html", "two")]);
    let push = RunningPush::start(&server, &ada, &tree, "shop", &["main"]);
    push.wait_for("the slow part begins");
    assert_ne!(push.interrupt().code, Some(0));
    wait_for_status(&server, &ada.token, "cancelled");
    assert_eq!(newest_deployment(&server, &ada.token)["reason"], "The deployment was cancelled.");
    assert_eq!(ada.remote_reference(&server, "shop", "refs/heads/main"), Some(live));
    assert_eq!(server.get("shop", "/").body, "one");
    Invariants::of(&server, &ada).hold();
    wait_until("git is ended", Duration::from_secs(20), || git_processes(&server.home()).is_empty());
}

#[test]
fn a_server_that_stops_cancels_nothing_of_those_it_cuts_off() {
    let mut server = Server::start();
    let ada = server.person("ada");
    let tree = WorkTree::answering("one");
    server.deploy(&ada, &tree, "shop");
    let policy = json!({ "on_hang_up": "cancel" });
    let production = "/api/environments/shop:production";
    server.request(Method::PATCH, production, &ada.token, Some(&policy)).expect(200);

    let commit = tree.commit(&[("Dockerfile", &crate::support::slow_dockerfile(15)), ("index.html", "two")]);
    let push = RunningPush::start(&server, &ada, &tree, "shop", &["main"]);
    push.wait_for("the slow part begins");
    let process = Pid::from_raw(server.process_id().try_into().unwrap()).unwrap();
    kill_process(process, Signal::TERM).unwrap();
    wait_until("it stops", PATIENCE, || server.log().contains("stopping: no new work is taken"));
    assert_ne!(push.interrupt().code, Some(0));
    server.stop();
    server.start_again(&[]);
    expect_live(&server, &ada, &commit, "two");
}

#[test]
fn colours_reach_a_terminal_and_nothing_else() {
    let mut server = Server::start();
    let ada = server.person("ada");
    let printing = "RUN printf '\\033[31mred\\033[0m \\033[8mhidden\\033[2J\\n' &&";
    let dockerfile = crate::support::slow_dockerfile(1).replace("RUN", printing);
    let tree = WorkTree::of(&[("Dockerfile", &dockerfile), ("index.html", "one")]);
    let piped = server.push(&ada, &tree, "shop", &["main"]).expect(0);
    assert!(piped.says("remote:        red ^[[8mhidden^[[2J\n"), "{}", piped.transcript);
    assert!(!piped.transcript.contains('\u{1b}'), "{}", piped.transcript);

    // git takes this for a terminal, and says so to the server.
    tree.commit(&[]);
    let shown = server.push(&ada, &tree, "shop", &["--progress", "-ogilgal.no-cache", "main"]).expect(0);
    assert!(shown.says("\u{1b}[31mred\u{1b}[0m ^[[8mhidden^[[2J"), "{}", shown.transcript);
}

//! Environments whose web instances are stopped as nobody asks for them, and started for the first who does.

use crate::support::{
    Answer, Http, Invariants, PATIENCE, Person, RequestLoop, Server, WorkTree, docker, wait_until,
    wait_until_all_have_ended,
};
use reqwest::Method;
use std::thread;

const PRODUCTION: &str = "/api/environments/shop:production";
const WORKER: &str = "[processes.worker]\ncommand = \"sleep 1000000\"\ninstances = 1\n";

/// Asleep after so many seconds, with a command that begins its web server.
fn files(seconds: u32, before: &str) -> [(&'static str, String); 2] {
    let dockerfile = format!(
        "FROM busybox:stable\nRUN mkdir /www && echo one > /www/index.html\nCMD {before} exec httpd -f -p $PORT -h /www\n"
    );
    [("Dockerfile", dockerfile), ("gilgal.toml", format!("[deploy]\nsleep = {seconds}\n{WORKER}"))]
}

fn tree_of(files: &[(&'static str, String); 2]) -> WorkTree {
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
    WorkTree::of(&files)
}

#[track_caller]
fn wait_until_asleep(server: &Server, ada: &Person) {
    let engine = server.engine();
    wait_until("only the worker runs", PATIENCE, || {
        let asleep = &server.request(Method::GET, PRODUCTION, &ada.token, None).expect(200)["asleep_at"];
        let left = engine.containers();
        asleep.is_string() && left.len() == 1 && left[0].contains("worker")
    });
}

/// So many requests at once, each over a connection of its own.
fn burst(server: &Server, count: usize) -> Vec<Answer> {
    let (router, host) = (server.http, Server::host("shop"));
    let threads: Vec<_> = (0..count)
        .map(|_| {
            let host = host.clone();
            thread::spawn(move || Http::new().app(router, &host, "/").unwrap())
        })
        .collect();
    threads.into_iter().map(|thread| thread.join().unwrap()).collect()
}

#[track_caller]
fn expect_all_answered(answers: Vec<Answer>) {
    for answer in answers {
        assert_eq!((answer.status, answer.body.as_str()), (200, "one\n"));
    }
}

#[test]
fn a_burst_wakes_what_is_asleep_once_and_none_of_it_fails() {
    let mut server = Server::start();
    let ada = server.person("ada");
    // Long enough that all of them wait.
    server.deploy(&ada, &tree_of(&files(2, "sleep 1;")), "shop");
    wait_until_all_have_ended(&server, &ada);
    wait_until_asleep(&server, &ada);
    let listed = ada.ssh(&server, &["ps", "shop"]).expect_success();
    assert!(listed.contains("web.1     asleep") && listed.contains("worker.1  running"), "{listed}");

    expect_all_answered(burst(&server, 20));
    let woken = server.log().lines().filter(|line| line.contains("an environment is woken")).count();
    assert_eq!(woken, 1);
    assert_eq!(server.engine().containers().len(), 2);
    let listed = ada.ssh(&server, &["ps", "shop"]).expect_success();
    assert!(listed.contains("web.1     running"), "{listed}");
    let log = ada.ssh(&server, &["logs", "shop", "--app"]).expect_success();
    assert!(
        log.contains("gilgal[web]: Nobody has asked for it") && log.contains("its instances run after"),
        "{log}"
    );

    // Again, and over restarts of the server: a stop, and a kill.
    wait_until_asleep(&server, &ada);
    server.stop();
    server.start_again(&[]);
    expect_all_answered(burst(&server, 5));
    wait_until_asleep(&server, &ada);
    server.kill();
    server.start_again(&[]);
    expect_all_answered(burst(&server, 5));
}

#[test]
fn a_deployment_wakes_what_is_asleep_and_one_that_fails_does_not() {
    let mut server = Server::start();
    let ada = server.person("ada");
    let tree = tree_of(&files(2, ""));
    server.deploy(&ada, &tree, "shop");
    wait_until_all_have_ended(&server, &ada);
    wait_until_asleep(&server, &ada);
    tree.commit(&[("Dockerfile", "FROM busybox:stable\nCMD exit 7\n")]);
    let push = server.push(&ada, &tree, "shop", &["main"]);
    push.expect(1);
    wait_until_asleep(&server, &ada);
    expect_all_answered(burst(&server, 3));

    wait_until_asleep(&server, &ada);
    // What is asleep is no instance to add to.
    ada.ssh(&server, &["scale", "shop", "web=2"]).expect_success();
    wait_until_all_have_ended(&server, &ada);
    expect_all_answered(burst(&server, 3));
    assert_eq!(server.engine().containers().len(), 3);
    wait_until_asleep(&server, &ada);
    expect_all_answered(burst(&server, 3));
    assert_eq!(server.engine().containers().len(), 3);

    // Stopped is not asleep.
    wait_until_asleep(&server, &ada);
    ada.ssh(&server, &["stop", "shop"]).expect_success();
    wait_until("it says so", PATIENCE, || server.get("shop", "/").body.contains("The app is stopped"));
    ada.ssh(&server, &["start", "shop"]).expect_success();
    expect_all_answered(burst(&server, 3));
}

#[test]
fn a_kill_in_the_middle_of_waking_starts_nothing_twice() {
    let mut server = Server::start();
    let ada = server.person("ada");
    server.deploy(&ada, &tree_of(&files(2, "sleep 3;")), "shop");
    wait_until_all_have_ended(&server, &ada);
    wait_until_asleep(&server, &ada);
    let engine = server.engine();
    let (router, host) = (server.http, Server::host("shop"));
    let lost = thread::spawn(move || Http::new().app(router, &host, "/"));
    wait_until("it is being started", PATIENCE, || engine.containers().len() == 2);
    server.kill();
    assert!(lost.join().unwrap().is_err(), "it was in flight");
    server.start_again(&[]);
    expect_all_answered(burst(&server, 5));
    assert_eq!(engine.containers().len(), 2);
    // Somebody asks for it meanwhile, so that it is awake.
    let requests = RequestLoop::start(server.http, &Server::host("shop"));
    Invariants::of(&server, &ada).hold();
    assert!(requests.finish().iter().all(|answer| answer.as_ref().is_ok_and(|answer| answer.status == 200)));
    wait_until_asleep(&server, &ada);
}

#[test]
fn a_start_that_fails_says_so_and_is_tried_again() {
    let mut server = Server::start();
    let ada = server.person("ada");
    // A second start fails, until there is a folder.
    let before = "test -e /state/begun && ! test -e /state/mended && exit 7; touch /state/begun;";
    let [dockerfile, (path, settings)] = files(2, before);
    let settings = format!("{settings}[volumes]\nstate = \"/state\"\n");
    let tree = tree_of(&[dockerfile, (path, settings)]);
    server.deploy(&ada, &tree, "shop");
    wait_until_all_have_ended(&server, &ada);
    wait_until_asleep(&server, &ada);
    let answer = server.get("shop", "/");
    assert_eq!(answer.status, 503);
    assert!(answer.body.contains("The app did not start"), "{}", answer.body);
    let log = ada.ssh(&server, &["logs", "shop", "--app"]).expect_success();
    assert!(
        log.contains("gilgal[web]: It did not start: web.1: the new instance ended with exit code 7."),
        "{log}"
    );
    wait_until_asleep(&server, &ada);
    docker(&["exec", &server.engine().containers()[0], "touch", "/state/mended"]);
    wait_until("it is tried again", PATIENCE, || server.get("shop", "/").status == 200);
}

//! Apps that went live and then do what they should not: they are killed for their memory, are well and unwell by turns, or
//! do not end when they are told to.

use crate::support::{
    Engine, Invariants, PATIENCE, RequestLoop, Server, WorkTree, deployments, docker, expect_live,
    expect_served, wait_until,
};
use std::time::{Duration, Instant};

/// Takes more memory than it may when somebody asks for `/cgi-bin/eat`.
const EATING: &str = "FROM busybox:stable\n\
    RUN mkdir -p /tmp /www/cgi-bin && echo one > /www/index.html && printf '#!/bin/sh\\ntouch /tmp/eat\\n\
    printf \"Content-Type: text/plain\\\\r\\\\n\\\\r\\\\n\"\\n' > /www/cgi-bin/eat && chmod 755 /www/cgi-bin/eat\n\
    CMD httpd -p $PORT -h /www; while [ ! -e /tmp/eat ]; do sleep 0.1; done; rm /tmp/eat; \
    exec dd if=/dev/zero of=/dev/null bs=128M count=1\n";

/// `/cgi-bin/up` is well and unwell by turns.
const FLAPPING: &str = "FROM busybox:stable\n\
    RUN mkdir -p /tmp /www/cgi-bin && echo flapping > /www/index.html && printf '#!/bin/sh\\n\
    if rmdir /tmp/unwell; then s=\"503 Unwell\"; else mkdir /tmp/unwell; s=\"200 OK\"; fi 2> /dev/null\\n\
    echo \"$s\" >> /tmp/answers\\nprintf \"Status: $s\\\\r\\\\n\\\\r\\\\n\"\\n' > /www/cgi-bin/up \
    && chmod 755 /www/cgi-bin/up\n\
    CMD exec httpd -f -p $PORT -h /www\n";

#[test]
fn an_app_that_is_killed_for_its_memory_after_the_switch_is_started_again() {
    let mut server = Server::start();
    let ada = server.person("ada");
    let little = "[processes.web]\nmemory = \"32M\"\n";
    let tree = WorkTree::of(&[("Dockerfile", EATING), ("gilgal.toml", little)]);
    server.deploy(&ada, &tree, "shop");
    let container = server.engine().containers().remove(0);
    server.get("shop", "/cgi-bin/eat");
    wait_until("it was started again", PATIENCE, || Engine::inspect(&container)["RestartCount"] == 1);
    wait_until("it was seen", PATIENCE, || {
        let log = server.log();
        log.lines().any(|line| line.contains("has ended by itself") && line.contains("\"code\":137"))
    });
    // Once is no reason to go back.
    Invariants::of(&server, &ada).hold();
    assert_eq!(server.get("shop", "/").body, "one\n");
    assert_eq!(server.engine().containers(), [container]);
    assert_eq!(deployments(&server, &ada).len(), 1);
    let log = ada.ssh(&server, &["logs", "shop", "--app"]).expect_success();
    assert!(
        log.contains("gilgal[web.1]: It was killed (exit code 137), most likely as it needed more memory"),
        "{log}"
    );
    let listed = ada.ssh(&server, &["ps", "shop"]).expect_success();
    assert!(listed.contains("web.1    running") && !listed.contains("crash loop"), "{listed}");
}

#[test]
fn an_app_that_flaps_does_not_go_live_and_is_not_replaced_for_it() {
    let mut server = Server::start();
    let ada = server.person("ada");
    let tree = WorkTree::answering("steady");
    server.deploy(&ada, &tree, "shop");
    let live = tree.head();
    // Two good answers in a row do not come.
    let health = "[deploy.health]\npath = \"/cgi-bin/up\"\ninterval = \"200ms\"\ndeadline = \"3s\"\n";
    let twice = format!("{health}threshold = 2\n");
    tree.commit(&[("Dockerfile", FLAPPING), ("gilgal.toml", &twice)]);
    let push = server.push(&ada, &tree, "shop", &["main"]).expect(1);
    push.expect_text("web.1 was not healthy within 3.0 s: ");
    let before = deployments(&server, &ada).remove(1);
    expect_served(&server, &ada, &before, &live, "steady");

    // And one after the other does not make it one that does not answer.
    let once = format!("{health}threshold = 1\nlive_interval = \"1s\"\nlive_failures = 2\n");
    let commit = tree.commit(&[("gilgal.toml", &once)]);
    server.deploy(&ada, &tree, "shop");
    expect_live(&server, &ada, &commit, "flapping\n");
    let engine = server.engine();
    let containers = engine.containers();
    wait_until("it was unwell again and again", PATIENCE, || {
        let answers = docker(&["exec", &containers[0], "cat", "/tmp/answers"]);
        answers.iter().filter(|answer| *answer == "503 Unwell").count() > 2
    });
    assert_eq!(engine.containers(), containers, "{}", server.log());
    expect_live(&server, &ada, &commit, "flapping\n");
}

#[test]
fn an_app_that_ignores_its_signal_is_killed_when_its_time_is_over() {
    let mut server = Server::start();
    let ada = server.person("ada");
    let tree = WorkTree::answering("one");
    let dockerfile = std::fs::read_to_string(tree.path().join("Dockerfile")).unwrap();
    let deaf = dockerfile.replace("CMD exec", "CMD trap '' TERM; exec");
    tree.commit(&[("Dockerfile", &deaf)]);
    server.deploy(&ada, &tree, "shop");
    let engine = server.engine();
    let old = engine.containers();
    let requests = RequestLoop::start(server.http, &Server::host("shop"));
    let commit = tree.commit(&[("Dockerfile", &dockerfile), ("index.html", "two")]);
    server.deploy(&ada, &tree, "shop");
    let switched = Instant::now();
    // Nobody waits for it.
    assert_eq!(server.get("shop", "/").body, "two");
    assert!(engine.containers().contains(&old[0]));
    wait_until("it is gone", PATIENCE, || !engine.containers().contains(&old[0]));
    assert!(switched.elapsed() > Duration::from_secs(5), "it had its time: {:?}", switched.elapsed());
    expect_live(&server, &ada, &commit, "two");
    let answers = requests.finish();
    assert!(answers.iter().all(|answer| answer.as_ref().is_ok_and(|answer| answer.status == 200)));
}

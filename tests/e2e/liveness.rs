//! Instances that run and do not answer any more, and instances that end again and again.

use crate::support::{Invariants, PATIENCE, Server, WorkTree, docker, wait_until};
use std::time::{SystemTime, UNIX_EPOCH};

/// Asked every second, and replaced after two failures.
const GILGAL_TOML: &str = "\
[deploy.health]
timeout = \"1s\"
live_interval = \"1s\"
live_failures = 2
";

/// Stops the web server in a container without ending it: the kernel takes connections, and nobody answers.
fn freeze(container: &str) {
    docker(&["exec", container, "killall", "-STOP", "httpd"]);
}

#[test]
fn an_instance_that_does_not_answer_is_replaced() {
    let mut server = Server::start();
    let ada = server.person("ada");
    let tree = WorkTree::answering("one");
    tree.commit(&[("gilgal.toml", GILGAL_TOML)]);
    server.deploy(&ada, &tree, "shop");
    let engine = server.engine();
    let before = engine.containers();
    freeze(&before[0]);
    wait_until("another instance is there alone", PATIENCE, || {
        let now = engine.containers();
        now.len() == 1 && now != before
    });
    assert_eq!(server.get("shop", "/").body, "one");
    let policy = &crate::support::Engine::inspect(&engine.containers()[0])["HostConfig"]["RestartPolicy"];
    assert_eq!(policy["Name"], "unless-stopped");

    let listed = ada.ssh(&server, &["ps", "shop"]).expect_success();
    assert!(listed.contains("web.1    running"), "{listed}");
    assert!(listed.contains("web.1: in place of one that did not answer (1 in the last hour)"), "{listed}");
    let log = ada.ssh(&server, &["logs", "shop", "--app"]).expect_success();
    assert!(log.contains("gilgal[web.1]: It does not answer (no answer in time) and is replaced."), "{log}");
    assert!(log.contains("gilgal[web.1]: A new instance has taken its place."), "{log}");
    assert!(server.log().contains("an instance was replaced"), "{}", server.log());

    // What took a place is an instance like any other.
    tree.commit(&[("index.html", "two")]);
    server.deploy(&ada, &tree, "shop");
    assert_eq!(server.get("shop", "/").body, "two");
    wait_until("the old one is gone", PATIENCE, || engine.containers().len() == 1);
    Invariants::of(&server, &ada).hold();
}

#[test]
fn of_several_the_others_serve_meanwhile() {
    let mut server = Server::start();
    let ada = server.person("ada");
    let tree = WorkTree::answering("one");
    let two = format!("{GILGAL_TOML}[processes.web]\ninstances = 2\n");
    tree.commit(&[("gilgal.toml", &two)]);
    server.deploy(&ada, &tree, "shop");
    let engine = server.engine();
    let before = engine.containers();
    freeze(&before[0]);
    wait_until("it is taken out", PATIENCE, || {
        let log = server.log();
        log.lines()
            .any(|line| line.contains("a route was brought up to date") && line.contains("\"targets\":1"))
    });
    wait_until("two others are there", PATIENCE, || {
        // None of the requests is sent to the one that does not answer.
        assert_eq!(server.get("shop", "/").body, "one");
        let now = engine.containers();
        now.len() == 2 && !now.contains(&before[0])
    });
    assert!(engine.containers().contains(&before[1]), "the one that answers stays");
    Invariants::of(&server, &ada).hold();
}

#[test]
fn one_that_cannot_be_replaced_stays() {
    let mut server = Server::start();
    let ada = server.person("ada");
    let until = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() + 25;
    let dockerfile = format!(
        "FROM busybox:stable\nRUN mkdir /www && echo one > /www/index.html\n\
         CMD test $(date +%s) -lt {until} || exit 7; httpd -f -p $PORT -h /www\n"
    );
    let tree = WorkTree::of(&[("Dockerfile", &dockerfile), ("gilgal.toml", GILGAL_TOML)]);
    server.deploy(&ada, &tree, "shop");
    let before = server.engine().containers();
    wait_until("the time is over in which it can be started", PATIENCE, || {
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() > until
    });
    freeze(&before[0]);
    wait_until("it was tried", PATIENCE, || server.log().contains("an instance was not replaced"));
    let log = ada.ssh(&server, &["logs", "shop", "--app"]).expect_success();
    assert!(
        log.contains(
            "It was not replaced: the new instance ended with exit code 7. It is tried again in 30 s."
        ),
        "{log}"
    );
    let engine = server.engine();
    wait_until("what was tried is gone", PATIENCE, || engine.containers() == before);
    let listed = ada.ssh(&server, &["ps", "shop"]).expect_success();
    assert!(listed.contains("web.1    not answering"), "{listed}");
    docker(&["exec", &before[0], "killall", "-CONT", "httpd"]);
    wait_until("it answers again", PATIENCE, || {
        ada.ssh(&server, &["ps", "shop"]).expect_success().contains("web.1    running")
    });
    assert_eq!(server.get("shop", "/").body, "one\n");
    Invariants::of(&server, &ada).hold();
}

#[test]
fn what_ends_again_and_again_is_called_so() {
    let mut server = Server::start();
    let ada = server.person("ada");
    let dockerfile = "FROM busybox:stable\nCMD httpd -f -p $PORT -h /etc & sleep 1; exit 3\n";
    let tree = WorkTree::of(&[("Dockerfile", dockerfile)]);
    server.deploy(&ada, &tree, "shop");
    wait_until("it is seen as what it is", PATIENCE, || {
        ada.ssh(&server, &["ps", "shop"]).expect_success().contains("crash loop")
    });
}

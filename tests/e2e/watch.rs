//! Releases that fail soon after they went live are taken back.

use crate::support::{
    Invariants, PATIENCE, Person, Server, WorkTree, deployments, wait_until, wait_until_all_have_ended,
};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

/// Healthy when it is checked, and ended a moment later.
fn crashing(word: &str) -> String {
    format!(
        "FROM busybox:stable\nRUN mkdir /www && echo {word} > /www/index.html\n\
         CMD httpd -f -p $PORT -h /www & sleep 2; exit 3\n"
    )
}

/// `/cgi-bin/buy` answers with a status.
fn selling(status: &str) -> String {
    format!(
        "FROM busybox:stable\nRUN mkdir -p /www/cgi-bin && echo {status} > /www/index.html \
         && printf '#!/bin/sh\\nprintf \"Status: {status}\\\\r\\\\n\\\\r\\\\n\"\\n' > /www/cgi-bin/buy \
         && chmod 755 /www/cgi-bin/buy\nCMD exec httpd -f -p $PORT -h /www\n"
    )
}

/// Waits until the newest deployment is one that the server has started by itself, and has ended.
fn taken_back(server: &Server, ada: &Person) -> Value {
    wait_until("it is taken back", PATIENCE, || {
        let newest = deployments(server, ada).remove(0);
        newest["source"] == "rollback" && !newest["finished_at"].is_null()
    });
    Invariants::of(server, ada).hold();
    deployments(server, ada).remove(0)
}

#[test]
fn a_crash_loop_is_rolled_back_once_and_never_to_another_one() {
    let mut server = Server::start();
    let ada = server.person("ada");
    let tree = WorkTree::answering("good");
    server.deploy(&ada, &tree, "shop");
    tree.commit(&[("Dockerfile", &crashing("bad"))]);
    server.deploy(&ada, &tree, "shop");
    let rollback = taken_back(&server, &ada);
    assert_eq!((&rollback["status"], &rollback["version"]), (&"success".into(), &3.into()), "{rollback:#}");
    assert_eq!(rollback["author"], Value::Null);
    let reason = rollback["reason"].as_str().unwrap();
    assert!(reason.starts_with("web.1 ended 3 times within "), "{reason}");
    assert_eq!(server.get("shop", "/").body, "good");
    let log = ada.ssh(&server, &["logs", "shop"]).expect_success();
    assert!(log.contains("Rolling back shop in production to v1"), "{log}");
    assert!(log.contains("v2 is taken back. web.1 ended 3 times"), "{log}");

    // Somebody who insists gets it, and it is not watched.
    ada.ssh(&server, &["rollback", "shop", "v2"]).expect_success();
    wait_until_all_have_ended(&server, &ada);
    // What comes next fails as well: v4 is what v2 was, so it goes back to v3.
    tree.commit(&[("Dockerfile", &crashing("worse"))]);
    server.deploy(&ada, &tree, "shop");
    let rollback = taken_back(&server, &ada);
    assert_eq!(
        (&rollback["made_from"]["version"], &rollback["version"]),
        (&3.into(), &6.into()),
        "{rollback:#}"
    );
    assert_eq!(server.get("shop", "/").body, "good");
}

#[test]
fn nothing_done_to_a_crashing_release_makes_it_a_good_one() {
    let mut server = Server::start();
    let ada = server.person("ada");
    let tree = WorkTree::answering("good");
    tree.commit(&[("gilgal.toml", "[deploy]\nwatch = \"1s\"\n")]);
    server.deploy(&ada, &tree, "shop");
    // It has proved itself: else there is none that is known to be better than what was replaced as soon.
    std::thread::sleep(Duration::from_millis(1500));
    // What is done takes a moment, and each is checked as well.
    let crashing = crashing("bad").replace("sleep 2", "sleep 5");
    for doing in ["scale", "restart", "config"] {
        tree.commit(&[("Dockerfile", &crashing), ("gilgal.toml", ""), ("before", doing)]);
        server.deploy(&ada, &tree, "shop");
        assert_eq!(server.get("shop", "/").body, "bad\n");
        let (method, what, body) = match doing {
            "scale" => (Method::PUT, "formation", Some(json!({ "web": 2 }))),
            "restart" => (Method::POST, "restart", None),
            _ => (Method::PATCH, "config", Some(json!({ "A": "b" }))),
        };
        let path = format!("/api/environments/shop:production/{what}");
        let asked = server.request(method, &path, &ada.token, body.as_ref());
        assert!([200, 202].contains(&asked.status), "{asked:?}");
        let rollback = taken_back(&server, &ada);
        assert_eq!(rollback["status"], "success", "{doing}: {rollback:#}");
        assert_eq!(server.get("shop", "/").body, "good", "{doing}");
    }
}

#[test]
fn a_fix_that_fails_after_the_window_leaves_nothing_unwatched() {
    let mut server = Server::start();
    let ada = server.person("ada");
    let tree = WorkTree::answering("good");
    server.deploy(&ada, &tree, "shop");
    tree.commit(&[("Dockerfile", &crashing("bad")), ("gilgal.toml", "[deploy]\nwatch = \"20s\"\n")]);
    server.deploy(&ada, &tree, "shop");
    tree.commit(&[("Dockerfile", "FROM busybox:stable\nRUN sleep 30; false\n")]);
    server.push(&ada, &tree, "shop", &["main"]).expect(1);
    let rollback = taken_back(&server, &ada);
    assert_eq!(rollback["status"], "success", "{rollback:#}");
    assert_eq!(server.get("shop", "/").body, "good");
}

#[test]
fn a_release_that_answers_with_errors_is_rolled_back() {
    let mut server = Server::start();
    let ada = server.person("ada");
    let tree = WorkTree::of(&[("Dockerfile", &selling("200 OK"))]);
    server.deploy(&ada, &tree, "shop");
    let buy = |status: u16| {
        for _ in 0..60 {
            assert_eq!(server.get("shop", "/cgi-bin/buy").status, status);
        }
    };
    buy(200);
    tree.commit(&[("Dockerfile", &selling("500 Broken"))]);
    server.deploy(&ada, &tree, "shop");
    buy(500);
    let rollback = taken_back(&server, &ada);
    assert_eq!(rollback["status"], "success", "{rollback:#}");
    let reason = rollback["reason"].as_str().unwrap();
    assert!(reason.contains("answers of v2 were errors, 0 % of those of v1."), "{reason}");
    assert_eq!(server.get("shop", "/cgi-bin/buy").status, 200);
}

#[test]
fn a_release_that_closes_its_port_and_runs_on_is_rolled_back() {
    let mut server = Server::start();
    let ada = server.person("ada");
    let tree = WorkTree::answering("good");
    server.deploy(&ada, &tree, "shop");
    let closing = "FROM busybox:stable\nRUN mkdir /www && echo bad > /www/index.html\n\
                   CMD httpd -f -p $PORT -h /www & web=$!; trap exit TERM; sleep 8; kill $web; sleep 1000 & wait $!\n";
    tree.commit(&[("Dockerfile", closing)]);
    server.deploy(&ada, &tree, "shop");
    wait_until("its port is closed", PATIENCE, || server.get("shop", "/").status == 503);
    wait_until("it is asked by many", PATIENCE, || {
        (0..60).for_each(|_| drop(server.get("shop", "/")));
        deployments(&server, &ada).len() == 3
    });
    let rollback = taken_back(&server, &ada);
    assert_eq!(rollback["status"], "success", "{rollback:#}");
    let reason = rollback["reason"].as_str().unwrap();
    assert!(reason.contains("answers of v2 were errors"), "{reason}");
    assert_eq!(server.get("shop", "/").body, "good");
}

#[test]
fn a_release_that_is_not_to_be_watched_is_not() {
    let mut server = Server::start();
    let ada = server.person("ada");
    let tree = WorkTree::answering("good");
    server.deploy(&ada, &tree, "shop");
    tree.commit(&[("Dockerfile", &crashing("bad")), ("gilgal.toml", "[deploy]\nwatch = 0\n")]);
    server.deploy(&ada, &tree, "shop");
    wait_until("it crashes again and again", PATIENCE, || {
        ada.ssh(&server, &["ps", "shop"]).expect_success().contains("crash loop")
    });
    // Longer than a look takes.
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(deployments(&server, &ada).len(), 2);
}

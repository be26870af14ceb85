//! New instances that get a part of the requests before they get all.

use crate::support::{
    PATIENCE, RequestLoop, RunningPush, Server, WorkTree, deployments, expect_live, wait_until,
    wait_until_all_have_ended,
};
use reqwest::Method;
use std::collections::BTreeMap;

/// Half of the requests for so many seconds.
fn settings(seconds: u32) -> String {
    format!("[deploy]\nstrategy = \"canary\"\ncanary = {{ percent = 50, for = {seconds} }}\n")
}

/// `/cgi-bin/buy` answers with a status.
fn answering(status: &str) -> String {
    format!(
        "FROM busybox:stable\nRUN mkdir -p /www/cgi-bin && echo up > /www/index.html && printf '#!/bin/sh\\nprintf \"Status: {status}\\\\r\\\\n\\\\r\\\\n{status}\"\\n' \
         > /www/cgi-bin/buy && chmod 755 /www/cgi-bin/buy\nCMD exec httpd -f -p $PORT -h /www\n"
    )
}

/// How many answers there were of each body.
fn counted(requests: RequestLoop) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for answer in requests.finish() {
        let answer = answer.unwrap();
        assert_eq!(answer.status, 200, "{}", answer.body);
        *counts.entry(answer.body).or_default() += 1;
    }
    counts
}

#[test]
fn new_instances_get_a_part_of_the_requests_and_then_all() {
    let mut server = Server::start();
    let ada = server.person("ada");
    let tree = WorkTree::answering("one");
    tree.commit(&[("gilgal.toml", &settings(4))]);
    // Nothing is there to be compared with.
    server.deploy(&ada, &tree, "shop").expect_text("no request tries them out");
    wait_until_all_have_ended(&server, &ada);

    let commit = tree.commit(&[("index.html", "two")]);
    let push = RunningPush::start(&server, &ada, &tree, "shop", &["main"]);
    push.wait_for("Sending 50 % of the requests to the new instances for 4 s");
    let requests = RequestLoop::start(server.http, &Server::host("shop"));
    let push = push.finish().expect(0).expect_text("of the new instances, ").expect_text("Released v2");
    let counts = counted(requests);
    let (one, two) = (counts["one"], counts["two"]);
    assert!(one > 10 && two > 10, "{counts:?}\n{}", push.transcript);
    expect_live(&server, &ada, &commit, "two");

    // What somebody goes back to is not tried out.
    let back = ada.ssh(&server, &["rollback", "shop"]).expect_success();
    assert!(!back.contains("Sending"), "{back}");
}

#[test]
fn what_answers_worse_goes_and_nothing_else_changes() {
    let mut server = Server::start();
    let ada = server.person("ada");
    let tree = WorkTree::of(&[("Dockerfile", &answering("200 OK")), ("gilgal.toml", &settings(120))]);
    server.deploy(&ada, &tree, "shop");
    wait_until_all_have_ended(&server, &ada);
    let live = tree.head();
    tree.commit(&[("Dockerfile", &answering("500 Broken"))]);
    let push = RunningPush::start(&server, &ada, &tree, "shop", &["main"]);
    push.wait_for("Sending 50 %");
    let asked = |server: &Server| server.get("shop", "/cgi-bin/buy").status;
    for _ in 0..60 {
        asked(&server);
    }
    push.finish()
        .expect(1)
        .expect_text("answers of the new instances were errors")
        .expect_text("canary failed")
        .expect_text("shop still serves the release before");
    for _ in 0..10 {
        assert_eq!(asked(&server), 200);
    }
    let engine = server.engine();
    wait_until("the new instance is gone", PATIENCE, || engine.containers().len() == 1);
    assert_eq!(ada.remote_reference(&server, "shop", "refs/heads/main"), Some(live));

    // Cancelled in the middle: the same.
    tree.commit(&[("Dockerfile", &answering("201 Created"))]);
    let push = RunningPush::start(&server, &ada, &tree, "shop", &["main"]);
    push.wait_for("Sending 50 %");
    let id = deployments(&server, &ada)[0]["id"].as_str().unwrap().to_owned();
    server.request(Method::DELETE, &format!("/api/deployments/{id}"), &ada.token, None).expect(202);
    push.finish().expect(1);
    for _ in 0..10 {
        assert_eq!(asked(&server), 200);
    }
    wait_until("it is gone", PATIENCE, || engine.containers().len() == 1);
}

#[test]
fn a_kill_in_the_middle_ends_with_one_release() {
    let mut server = Server::start();
    let ada = server.person("ada");
    let tree = WorkTree::answering("one");
    tree.commit(&[("gilgal.toml", &settings(4))]);
    server.deploy(&ada, &tree, "shop");
    wait_until_all_have_ended(&server, &ada);
    let commit = tree.commit(&[("index.html", "two")]);
    let push = RunningPush::start(&server, &ada, &tree, "shop", &["main"]);
    push.wait_for("Sending 50 %");
    server.kill();
    push.finish();
    server.start_again(&[]);
    expect_live(&server, &ada, &commit, "two");
}

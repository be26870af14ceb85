//! PostgreSQL goes away, idle and in the middle of a deployment, and comes back.

use crate::postgres::Postgres;
use crate::support::{
    Invariants, PATIENCE, RequestLoop, RunningPush, Server, WorkTree, deployments, expect_live,
    slow_dockerfile, wait_until,
};
use reqwest::Method;
use std::thread;
use std::time::Duration;

/// Longer than a job is left to a worker that says nothing of it.
const LONG: Duration = Duration::from_secs(35);

#[test]
fn the_apps_are_served_while_the_database_is_away() {
    let mut postgres = Postgres::start();
    let mut server = Server::start_with(&[("DATABASE_URL", &postgres.url())]);
    let ada = server.person("ada");
    let tree = WorkTree::answering("one");
    server.deploy(&ada, &tree, "shop");
    expect_live(&server, &ada, &tree.head(), "one");

    postgres.stop();
    assert_eq!(server.get("shop", "/").body, "one");
    server.request(Method::GET, "/api/projects", &ada.token, None).expect(503);
    let commit = tree.commit(&[("index.html", "two")]);
    let push = server.push(&ada, &tree, "shop", &["main"]);
    assert_ne!(push.code, Some(0), "{}", push.transcript);
    assert_eq!(server.get("shop", "/").body, "one");

    postgres.resume();
    wait_until("the API answers", PATIENCE, || {
        server.request(Method::GET, "/api/projects", &ada.token, None).status == 200
    });
    server.deploy(&ada, &tree, "shop");
    expect_live(&server, &ada, &commit, "two");
}

#[test]
fn a_deployment_waits_for_the_database() {
    let mut postgres = Postgres::start();
    let mut server = Server::start_with(&[("DATABASE_URL", &postgres.url())]);
    let ada = server.person("ada");
    let tree = WorkTree::answering("one");
    server.deploy(&ada, &tree, "shop");

    let commit = tree.commit(&[("Dockerfile", &slow_dockerfile(3)), ("index.html", "two")]);
    let push = RunningPush::start(&server, &ada, &tree, "shop", &["main"]);
    push.wait_for("the slow part begins");
    postgres.stop();
    // The build is done, and nothing that comes after it begins before that is written down.
    push.wait_for("Done in");
    wait_until("it waits", PATIENCE, || server.log().contains("a deployment waits for the database"));
    assert_eq!(server.get("shop", "/").body, "one");
    assert!(!push.seen().contains("Starting web"), "{}", push.seen());
    postgres.resume();
    push.finish().expect(0);
    expect_live(&server, &ada, &commit, "two");
}

#[test]
fn a_deployment_outlives_a_database_that_is_away_for_long() {
    let mut postgres = Postgres::start();
    let mut server = Server::start_with(&[("DATABASE_URL", &postgres.url())]);
    let ada = server.person("ada");
    let tree = WorkTree::answering("one");
    server.deploy(&ada, &tree, "shop");
    let commit = tree.commit(&[("Dockerfile", &slow_dockerfile(3)), ("index.html", "two")]);
    let push = RunningPush::start(&server, &ada, &tree, "shop", &["main"]);
    push.wait_for("the slow part begins");
    let requests = RequestLoop::start(server.http, &Server::host("shop"));
    postgres.stop();
    thread::sleep(LONG);
    server.request(Method::GET, "/api/projects", &ada.token, None).expect(503);
    postgres.resume();
    // Nobody else has taken it, and nothing was done twice.
    let push = push.finish().expect(0);
    assert_eq!(push.transcript.matches("the slow part begins").count(), 1, "{}", push.transcript);
    expect_live(&server, &ada, &commit, "two");
    assert_eq!(deployments(&server, &ada).len(), 2);
    let answers = requests.finish();
    assert!(answers.len() > 100, "{}", answers.len());
    for answer in answers {
        assert_eq!(answer.unwrap().status, 200);
    }
}

#[test]
fn a_push_outlives_a_restart_of_the_database() {
    let mut database = Postgres::start();
    let mut server = Server::start_with(&[("DATABASE_URL", &database.url())]);
    let ada = server.person("ada");
    let tree = WorkTree::building_slowly("one", 6);
    let push = RunningPush::start(&server, &ada, &tree, "shop", &["main"]);
    push.wait_for("the slow part begins");
    // Waits for the other one: its log is nowhere but in the database.
    let waiting_tree = WorkTree::empty();
    waiting_tree.git(&["pull", "--quiet", &tree.path().display().to_string(), "main"]);
    waiting_tree.commit(&[("index.html", "two")]);
    let waiting = RunningPush::start(&server, &ada, &waiting_tree, "shop", &["main"]);
    waiting.wait_for("waiting for another deployment to end");
    database.stop();
    database.resume();
    push.finish().expect(0).expect_text("Application deployed");
    waiting.finish().expect(0).expect_text("Application deployed");
    assert_eq!(server.get("shop", "/").body, "two");
    Invariants::of(&server, &ada).hold();
}

#[test]
fn keys_that_cannot_be_checked_are_not_called_unknown() {
    let mut database = Postgres::start();
    let mut server = Server::start_with(&[("DATABASE_URL", &database.url())]);
    let ada = server.person("ada");
    database.stop();
    for options in [&[][..], &["-o", "BatchMode=yes"]] {
        let refused = ada.ssh_with(&server, options, &["whoami"]);
        assert_eq!(refused.code, Some(255), "{}", refused.stderr);
        assert_eq!(refused.stderr.matches("cannot check keys right now").count(), 1, "{}", refused.stderr);
        assert!(!refused.stderr.contains("knows none of the keys"), "{}", refused.stderr);
    }
    database.resume();
    ada.ssh(&server, &["whoami"]).expect_success();
    Invariants::of(&server, &ada).hold();
}

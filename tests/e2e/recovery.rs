//! A server that is killed, at the worst moments, and started again on the same home.

use crate::support::{
    Engine, PATIENCE, Person, RunningPush, Server, WorkTree, change_database, deployments, expect_live,
    expect_served, files, slow_dockerfile, wait_until, wait_until_all_have_ended,
};
use rustix::process::Signal;
use std::collections::BTreeSet;

#[test]
fn a_build_is_done_again_after_the_server_was_killed() {
    let mut server = Server::start();
    let ada = server.person("ada");
    let tree = WorkTree::building_slowly("one", 5);
    let push = RunningPush::start(&server, &ada, &tree, "shop", &["main"]);
    push.wait_for("the slow part begins");
    server.kill();
    let push = push.finish();
    assert_ne!(push.code, Some(0), "{}", push.transcript);

    server.start_again(&[]);
    expect_live(&server, &ada, &tree.head(), "one");
    assert_eq!(deployments(&server, &ada).len(), 1);
}

#[test]
fn what_can_be_neither_done_nor_ended_ends_when_it_can() {
    let mut server = Server::start();
    let ada = server.person("ada");
    let tree = WorkTree::answering("one");
    server.deploy(&ada, &tree, "shop");
    let (before, live) = (deployments(&server, &ada).remove(0), tree.head());
    tree.commit(&[("Dockerfile", &slow_dockerfile(60)), ("index.html", "two")]);
    let push = RunningPush::start(&server, &ada, &tree, "shop", &["main"]);
    push.wait_for("the slow part begins");
    server.kill();
    assert_ne!(push.finish().code, Some(0));
    change_database(
        &server,
        "UPDATE jobs SET attempts = 40 WHERE state = 'running';
         CREATE TRIGGER refuse BEFORE UPDATE ON deployments BEGIN SELECT RAISE(ABORT, 'refused'); END;",
    );
    server.start_again(&[]);
    wait_until("its end fails", PATIENCE, || {
        server.log().contains("a deployment can be neither done nor ended")
    });
    assert_eq!(server.get("shop", "/").body, "one");
    change_database(&server, "DROP TRIGGER refuse");
    wait_until_all_have_ended(&server, &ada);
    let given_up = deployments(&server, &ada).remove(0);
    assert_eq!(given_up["status"], "failed");
    assert_eq!(given_up["reason"], "The deployment was interrupted too often and was given up.");
    expect_served(&server, &ada, &before, &live, "one");
}

#[test]
fn the_old_release_serves_while_a_killed_check_is_done_again() {
    let mut server = Server::start();
    let ada = server.person("ada");
    let tree = WorkTree::answering("one");
    server.deploy(&ada, &tree, "shop");
    // Listens only after some seconds, so that the check is under way when the server is killed.
    let late =
        "FROM busybox:stable\nCOPY index.html /www/\nCMD sleep 5; exec httpd -f -p \"$PORT\" -h /www\n";
    let commit = tree.commit(&[("Dockerfile", late), ("index.html", "two")]);
    let push = RunningPush::start(&server, &ada, &tree, "shop", &["main"]);
    push.wait_for("Starting web");
    let engine = server.engine();
    wait_until("the new instance runs", PATIENCE, || engine.containers().len() == 2);
    server.kill();
    assert_ne!(push.finish().code, Some(0));

    server.start_again(&[]);
    assert_eq!(server.get("shop", "/").body, "one");
    expect_live(&server, &ada, &commit, "two");
}

#[test]
fn a_check_that_fails_after_a_kill_leaves_the_old_release() {
    let mut server = Server::start();
    let ada = server.person("ada");
    let tree = WorkTree::answering("one");
    server.deploy(&ada, &tree, "shop");
    let live = tree.head();
    let images = server.engine().images();
    tree.commit(&[("Dockerfile", "FROM busybox:stable\nCMD sleep 4; exit 7\n")]);
    let push = RunningPush::start(&server, &ada, &tree, "shop", &["main"]);
    push.wait_for("Starting web");
    let engine = server.engine();
    wait_until("the new instance runs", PATIENCE, || engine.containers().len() == 2);
    server.kill();
    push.finish();

    server.start_again(&[]);
    wait_until_all_have_ended(&server, &ada);
    let ended = deployments(&server, &ada);
    assert_eq!(ended[0]["status"], "failed", "{}", server.log());
    expect_served(&server, &ada, &ended[1], &live, "one");
    assert_eq!(engine.images(), images);
}

/// Pushes a release command that says a word of its own each time it runs, and takes some seconds; waits until it runs.
fn push_with_release_command(server: &Server, ada: &Person, seconds: u32) -> (WorkTree, RunningPush) {
    let once = format!("cat /proc/sys/kernel/random/uuid; sleep {seconds}");
    let procfile = format!("web: exec httpd -f -p $PORT -h /www\nrelease: {once}\n");
    let dockerfile = "FROM busybox:stable\nCOPY index.html /www/\n";
    let tree = WorkTree::of(&[("Dockerfile", dockerfile), ("index.html", "one"), ("Procfile", &procfile)]);
    let push = RunningPush::start(server, ada, &tree, "shop", &["main"]);
    push.wait_for("random/uuid");
    wait_until("it runs", PATIENCE, || server.engine().containers().len() == 1);
    (tree, push)
}

/// The words that release commands have said, each once.
fn words_said(server: &Server, ada: &Person) -> usize {
    let log = ada.ssh(server, &["logs", "shop"]).expect_success();
    let is_word = |line: &&str| line.len() == 36 && line.matches('-').count() == 4;
    log.lines().map(str::trim).filter(is_word).collect::<BTreeSet<_>>().len()
}

#[test]
fn a_release_command_that_ended_after_a_kill_does_not_run_again() {
    let mut server = Server::start();
    let ada = server.person("ada");
    let (tree, push) = push_with_release_command(&server, &ada, 4);
    let container = server.engine().containers().remove(0);
    server.kill();
    push.finish();
    wait_until("it has ended", PATIENCE, || Engine::inspect(&container)["State"]["Status"] == "exited");
    // Nor when its end was seen and not written down.
    server.start_again(&[("GILGAL_FAILPOINTS", "release-end=kill")]);
    server.wait_until_killed();
    server.start_again(&[]);
    expect_live(&server, &ada, &tree.head(), "one");
    assert_eq!(words_said(&server, &ada), 1);
}

#[test]
fn a_release_command_goes_on_while_the_server_is_restarted() {
    let mut server = Server::start();
    let ada = server.person("ada");
    // Longer than the server waits for a deployment.
    let (tree, push) = push_with_release_command(&server, &ada, 40);
    server.stop();
    push.finish();
    server.start_again(&[]);
    expect_live(&server, &ada, &tree.head(), "one");
    assert_eq!(words_said(&server, &ada), 1);
}

#[test]
fn an_idle_server_that_was_killed_goes_on_where_it_was() {
    let mut server = Server::start();
    let ada = server.person("ada");
    let tree = WorkTree::answering("one");
    server.deploy(&ada, &tree, "shop");
    server.kill();
    server.start_again(&[]);
    assert_eq!(server.get("shop", "/").body, "one");
    assert_eq!(server.engine().containers().len(), 1);
    tree.commit(&[("index.html", "two")]);
    server.deploy(&ada, &tree, "shop");
    expect_live(&server, &ada, &tree.head(), "two");
}

#[test]
fn a_pack_that_was_arriving_leaves_nothing_behind_a_kill() {
    let mut server = Server::start();
    let ada = server.person("ada");
    let tree = WorkTree::answering("one");
    server.deploy(&ada, &tree, "shop");
    let live = tree.head();
    wait_until_all_have_ended(&server, &ada);
    let repositories = server.home().join("repositories");
    let before = files(&repositories);

    tree.commit_noise(24);
    let push = RunningPush::start(&server, &ada, &tree, "shop", &["main"]);
    wait_until("the pack arrives", PATIENCE, || {
        files(&repositories).iter().any(|file| file.to_str().unwrap().contains("tmp_objdir-incoming"))
    });
    // What has not been sent by now is not sent any more.
    push.signal(Signal::STOP);
    server.kill();
    push.signal(Signal::CONT);
    assert_ne!(push.finish().code, Some(0));
    server.start_again(&[]);
    let all = deployments(&server, &ada);
    assert_eq!(all.len(), 1, "nothing was queued: {all:#?}");
    expect_served(&server, &ada, &all[0], &live, "one");
    wait_until("nothing is half-written", PATIENCE, || files(&repositories) == before);

    tree.git(&["reset", "--quiet", "--hard", "HEAD~1"]);
    let commit = tree.commit(&[("index.html", "two")]);
    server.deploy(&ada, &tree, "shop");
    expect_live(&server, &ada, &commit, "two");
}

#[test]
fn one_that_runs_and_one_that_waits_go_on_after_a_kill() {
    let mut server = Server::start();
    let ada = server.person("ada");
    let tree = WorkTree::answering("one");
    server.deploy(&ada, &tree, "shop");
    tree.commit(&[("Dockerfile", &slow_dockerfile(3)), ("index.html", "two")]);
    let running = RunningPush::start(&server, &ada, &tree, "shop", &["main"]);
    running.wait_for("the slow part begins");
    let waiting_tree = WorkTree::empty();
    waiting_tree.git(&["pull", "--quiet", &tree.path().display().to_string(), "main"]);
    let commit = waiting_tree.commit(&[("Dockerfile", &slow_dockerfile(0)), ("index.html", "three")]);
    let waiting = RunningPush::start(&server, &ada, &waiting_tree, "shop", &["main"]);
    waiting.wait_for("waiting for another deployment to end");
    server.kill();
    for push in [running, waiting] {
        assert_ne!(push.finish().code, Some(0));
    }

    server.start_again(&[]);
    assert_eq!(server.get("shop", "/").body, "one");
    expect_live(&server, &ada, &commit, "three");
    let all = deployments(&server, &ada);
    let ended: Vec<_> =
        all.iter().map(|deployment| (&deployment["status"], &deployment["version"])).collect();
    let live = "success".into();
    assert_eq!(ended, [(&live, &3.into()), (&live, &2.into()), (&live, &1.into())], "{all:#?}");
}

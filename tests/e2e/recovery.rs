//! A server that is killed, at the worst moments, and started again on the same home.

use crate::support::{
    PATIENCE, RunningPush, Server, WorkTree, deployments, expect_live, expect_served, wait_until,
    wait_until_all_have_ended,
};

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

//! Docker goes away in the middle of a deployment, and comes back.

use crate::support::{
    DockerProxy, PATIENCE, Person, RunningPush, Server, WorkTree, deployments, expect_live, expect_served,
    slow_dockerfile, wait_until, wait_until_all_have_ended,
};
use reqwest::Method;

/// A server that reaches Docker over a socket that can be taken away, with a live release.
fn open(proxy: &DockerProxy) -> (Server, Person, WorkTree) {
    let mut server = Server::start_with(&[("DOCKER_HOST", &proxy.host())]);
    let ada = server.person("ada");
    let tree = WorkTree::answering("one");
    server.deploy(&ada, &tree, "shop");
    expect_live(&server, &ada, &tree.head(), "one");
    (server, ada, tree)
}

/// Takes Docker away, waits for the push to be refused, and gives it back: all is as it was before.
fn expect_refused_and_nothing_left(
    server: &Server,
    ada: &Person,
    push: RunningPush,
    proxy: &DockerProxy,
    live: &str,
) {
    let before = deployments(server, ada).remove(1);
    let engine = server.engine();
    proxy.cut();
    let push = push.finish().expect(1).expect_text("does not answer");
    assert!(push.says("shop still serves the release before."), "{}", push.transcript);
    assert_eq!(server.get("shop", "/").body, "one");
    proxy.restore();
    wait_until_all_have_ended(server, ada);
    let failed = deployments(server, ada).remove(0);
    assert_eq!(failed["status"], "failed");
    assert!(failed["reason"].as_str().unwrap().contains("does not answer"), "{failed:#?}");
    expect_served(server, ada, &before, live, "one");
    wait_until("no image is left", PATIENCE, || engine.images().len() == 1);
}

#[test]
fn docker_goes_away_during_a_build() {
    let proxy = DockerProxy::start();
    let (server, ada, tree) = open(&proxy);
    let live = tree.head();
    tree.commit(&[("Dockerfile", &slow_dockerfile(20)), ("index.html", "two")]);
    let push = RunningPush::start(&server, &ada, &tree, "shop", &["main"]);
    push.wait_for("the slow part begins");
    expect_refused_and_nothing_left(&server, &ada, push, &proxy, &live);

    let commit = tree.commit(&[("Dockerfile", &slow_dockerfile(0))]);
    server.deploy(&ada, &tree, "shop");
    expect_live(&server, &ada, &commit, "two");
}

#[test]
fn docker_goes_away_during_a_health_wait() {
    let proxy = DockerProxy::start();
    let (server, ada, tree) = open(&proxy);
    let live = tree.head();
    let late =
        "FROM busybox:stable\nCOPY index.html /www/\nCMD sleep 20; exec httpd -f -p \"$PORT\" -h /www\n";
    tree.commit(&[("Dockerfile", late), ("index.html", "two")]);
    let push = RunningPush::start(&server, &ada, &tree, "shop", &["main"]);
    push.wait_for("Starting web");
    let engine = server.engine();
    wait_until("the new instance runs", PATIENCE, || engine.containers().len() == 2);
    expect_refused_and_nothing_left(&server, &ada, push, &proxy, &live);
}

#[test]
fn docker_goes_away_at_the_switch() {
    let proxy = DockerProxy::start();
    let (mut server, ada, tree) = open(&proxy);
    let host = proxy.host();
    server.stop();
    server.start_again(&[("DOCKER_HOST", &host), ("GILGAL_FAILPOINTS", "switch-begin=kill")]);
    let commit = tree.commit(&[("index.html", "two")]);
    let push = RunningPush::start(&server, &ada, &tree, "shop", &["main"]);
    server.wait_until_killed();
    push.finish();
    proxy.cut();

    server.start_again(&[("DOCKER_HOST", &host)]);
    assert_eq!(server.get("shop", "/").body, "one");
    let waiting = deployments(&server, &ada).remove(0);
    assert_eq!((&waiting["status"], &waiting["step"]), (&"deploying".into(), &"switch".into()));
    // It is committed: there is no way back.
    let path = format!("/api/deployments/{}", waiting["id"].as_str().unwrap());
    server.request(Method::DELETE, &path, &ada.token, None).expect(409);
    proxy.restore();
    expect_live(&server, &ada, &commit, "two");
}

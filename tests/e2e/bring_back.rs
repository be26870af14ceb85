//! Deployments that stop what is live first, and do not go live: what was live comes back, or people are told why not.

use crate::support::{RunningPush, Server, WorkTree, deployments, docker, expect_live};

const HOLD: &str = "[deploy]\nstrategy = \"hold\"\n";
/// Ends some time after it was started.
const ENDING: &str = "FROM busybox:stable\nCMD sleep 5; exit 4\n";

#[test]
fn who_pushed_is_told_when_what_was_stopped_does_not_come_back() {
    let mut server = Server::start();
    let ada = server.person("ada");
    let tree = WorkTree::answering("one");
    tree.commit(&[("gilgal.toml", HOLD)]);
    server.deploy(&ada, &tree, "shop");
    let image = server.engine().images().remove(0);
    tree.commit(&[("Dockerfile", ENDING)]);
    let push = RunningPush::start(&server, &ada, &tree, "shop", &["main"]);
    push.wait_for("Starting web");
    docker(&["image", "rm", "--force", &image]);
    let push = push.finish().expect(1).expect_text("v1 was not started again: The image ");
    assert!(push.says("Push rejected, crashed."), "{}", push.transcript);
    assert!(!push.says("still serves"), "{}", push.transcript);
    let failed = deployments(&server, &ada).remove(0);
    let reason = failed["reason"].as_str().unwrap();
    assert!(reason.contains("exit code 4") && reason.contains("v1 was not started again"), "{reason}");
    // The next one that is well is served.
    tree.git(&["reset", "--quiet", "--hard", "HEAD~1"]);
    let commit = tree.commit(&[("index.html", "two")]);
    server.deploy(&ada, &tree, "shop");
    expect_live(&server, &ada, &commit, "two");
}

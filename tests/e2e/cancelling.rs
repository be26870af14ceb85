//! A deployment that is cancelled in each of its steps, when the step has done its work; and one whose step never ends.

use crate::support::{
    PATIENCE, RunningPush, Server, WorkTree, deployments, expect_live, expect_served, wait_until,
    wait_until_all_have_ended,
};
use reqwest::Method;

const PROCFILE: &str = "web: exec httpd -f -p $PORT -h /www\nrelease: echo the tables are made\n";

/// Cancels a push in each of the steps, of an app with these settings, and looks whether everything is as it was.
fn expect_cancelled_in_turn(steps: &[&str], settings: &str) {
    let kept: Vec<String> = steps.iter().map(|step| format!("{step}-done=wait")).collect();
    let mut server = Server::start();
    let ada = server.person("ada");
    let tree = WorkTree::answering("first");
    let live = tree.commit(&[("Procfile", PROCFILE), ("gilgal.toml", settings)]);
    server.deploy(&ada, &tree, "shop");
    expect_live(&server, &ada, &live, "first");
    server.stop();
    server.start_again(&[("GILGAL_FAILPOINTS", &kept.join(","))]);
    let images = server.engine().images();
    let before = deployments(&server, &ada).remove(0);
    for (count, step) in steps.iter().enumerate() {
        tree.commit(&[("index.html", step)]);
        let push = RunningPush::start(&server, &ada, &tree, "shop", &["main"]);
        wait_until(&format!("{step} is done"), PATIENCE, || {
            server.log().matches("a failpoint was reached").count() == count + 1
        });
        let cancelled = deployments(&server, &ada).remove(0);
        let path = format!("/api/deployments/{}", cancelled["id"].as_str().unwrap());
        server.request(Method::DELETE, &path, &ada.token, None).expect(202);
        let push = push.finish().expect(1).expect_text("The deployment was cancelled.");
        assert!(push.says("still serves the release before"), "{step}: {}", push.transcript);
        wait_until_all_have_ended(&server, &ada);
        assert_eq!(deployments(&server, &ada)[0]["status"], "cancelled", "{step}");
        expect_served(&server, &ada, &before, &live, "first");
        assert_eq!(server.engine().images(), images, "{step}");
    }
}

#[test]
fn every_step_is_cancelled_in_turn_and_nothing_is_left() {
    expect_cancelled_in_turn(&["fetch", "detect", "build", "release", "start", "check"], "");
}

#[test]
fn what_was_stopped_comes_back_when_the_deployment_is_cancelled() {
    let hold = "[deploy]\nstrategy = \"hold\"\n";
    expect_cancelled_in_turn(&["release", "start", "check"], hold);
}

#[test]
fn a_step_that_never_ends_is_undone_when_the_time_of_the_deployment_is_over() {
    let mut server = Server::start();
    let ada = server.person("ada");
    let tree = WorkTree::answering("first");
    server.deploy(&ada, &tree, "shop");
    expect_live(&server, &ada, &tree.head(), "first");
    server.stop();
    let never = [("GILGAL_FAILPOINTS", "start-done=wait"), ("GILGAL_DEPLOY_TIMEOUT_SECONDS", "20")];
    server.start_again(&never);
    let (live, images) = (tree.head(), server.engine().images());
    let before = deployments(&server, &ada).remove(0);
    tree.commit(&[("index.html", "never")]);
    let push = server.push(&ada, &tree, "shop", &["main"]).expect(1);
    assert!(push.says("The deployment was not ready within 20 s."), "{}", push.transcript);
    wait_until_all_have_ended(&server, &ada);
    assert_eq!(deployments(&server, &ada)[0]["status"], "failed");
    expect_served(&server, &ada, &before, &live, "first");
    assert_eq!(server.engine().images(), images);
}

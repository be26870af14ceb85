//! Several pushes at once, pushers that leave, and deployments that are stopped.

use crate::support::{
    Invariants, RunningPush, Server, WorkTree, deployments, expect_live, runs_on_this_machine,
    slow_dockerfile, wait_until,
};
use reqwest::Method;
use serde_json::Value;
use std::time::Duration;

/// Seconds that a slow build takes: long enough for what a test does meanwhile.
const SLOW: u32 = 6;
const PATIENCE: Duration = Duration::from_mins(1);

/// The newest deployment of the person's only project.
pub(crate) fn newest_deployment(server: &Server, token: &str) -> Value {
    let get = |path: &str| server.request(Method::GET, path, token, None).expect(200);
    let projects = get("/api/projects");
    let id = projects["data"][0]["id"].as_str().unwrap();
    get(&format!("/api/projects/{id}/deployments"))["data"][0].clone()
}

pub(crate) fn wait_for_status(server: &Server, token: &str, status: &str) {
    wait_until(status, PATIENCE, || newest_deployment(server, token)["status"] == status);
}

#[test]
fn a_deployment_goes_on_without_its_pusher() {
    let mut server = Server::start();
    let ada = server.person("ada");
    let tree = WorkTree::building_slowly("one", SLOW);

    let first = RunningPush::start(&server, &ada, &tree, "shop", &["main"]);
    first.wait_for("the slow part begins");
    let seen = first.interrupt();
    assert_ne!(seen.code, Some(0));
    assert_eq!(ada.remote_reference(&server, "shop", "refs/heads/main"), None);

    let second = server.push(&ada, &tree, "shop", &["main"]).expect(0);
    insta::assert_snapshot!(second.redacted(&server));
    assert_eq!(server.get("shop", "/").body, "one");
    assert_eq!(ada.remote_reference(&server, "shop", "refs/heads/main"), Some(tree.head()));
    Invariants::of(&server, &ada).hold();
}

#[test]
fn a_deployment_that_takes_too_long_ends() {
    let mut server = Server::start_with(&[("GILGAL_DEPLOY_TIMEOUT_SECONDS", "3")]);
    let ada = server.person("ada");
    let tree = WorkTree::building_slowly("one", 60);
    let push = server.push(&ada, &tree, "shop", &["main"]).expect(1);
    push.expect_text("The deployment was not ready within 3 s.").expect_text("GILGAL_DEPLOY_TIMEOUT_SECONDS");
    Invariants::of(&server, &ada).hold();
}

#[test]
fn a_detached_push_ends_at_once() {
    let mut server = Server::start();
    let ada = server.person("ada");
    let tree = WorkTree::building_slowly("one", SLOW);
    let push = server.push(&ada, &tree, "shop", &["-ogilgal.detach", "main"]).expect(0);
    insta::assert_snapshot!(push.redacted(&server));
    assert_eq!(server.get("shop", "/").status, 404);
    wait_for_status(&server, &ada.token, "success");
    assert_eq!(server.get("shop", "/").body, "one");
    assert_eq!(ada.remote_reference(&server, "shop", "refs/heads/main"), Some(tree.head()));
}

#[test]
fn a_newer_push_takes_the_place_of_a_waiting_one() {
    let mut server = Server::start();
    let ada = server.person("ada");
    let tree = WorkTree::building_slowly("one", SLOW);
    let running = RunningPush::start(&server, &ada, &tree, "shop", &["main"]);
    running.wait_for("the slow part begins");

    let waiting_tree = WorkTree::empty();
    waiting_tree.git(&["pull", "--quiet", &tree.path().display().to_string(), "main"]);
    waiting_tree.commit(&[("Dockerfile", &slow_dockerfile(0)), ("index.html", "two")]);
    let waiting = RunningPush::start(&server, &ada, &waiting_tree, "shop", &["main"]);
    waiting.wait_for("waiting for another deployment to end");

    let newest_tree = WorkTree::empty();
    newest_tree.git(&["pull", "--quiet", &waiting_tree.path().display().to_string(), "main"]);
    newest_tree.commit(&[("index.html", "three")]);
    let newest = RunningPush::start(&server, &ada, &newest_tree, "shop", &["main"]);

    let superseded = waiting.finish().expect(1);
    insta::assert_snapshot!(superseded.redacted(&server));
    assert!(superseded.says(&newest_tree.head()[..7]), "{}", superseded.transcript);
    running.finish().expect(0);
    newest.finish().expect(0);
    assert_eq!(server.get("shop", "/").body, "three");
    assert_eq!(ada.remote_reference(&server, "shop", "refs/heads/main"), Some(newest_tree.head()));
    Invariants::of(&server, &ada).hold();
}

#[test]
fn a_push_of_what_runs_takes_the_place_of_what_waits_for_it() {
    let mut server = Server::start();
    let ada = server.person("ada");
    let tree = WorkTree::building_slowly("one", SLOW);
    let running = RunningPush::start(&server, &ada, &tree, "shop", &["main"]);
    running.wait_for("the slow part begins");
    let waiting_tree = WorkTree::empty();
    waiting_tree.git(&["pull", "--quiet", &tree.path().display().to_string(), "main"]);
    waiting_tree.commit(&[("index.html", "two")]);
    let waiting = RunningPush::start(&server, &ada, &waiting_tree, "shop", &["main"]);
    waiting.wait_for("waiting for another deployment to end");

    let again = RunningPush::start(&server, &ada, &tree, "shop", &["main"]);
    waiting.finish().expect(1).expect_text(&format!("superseded by {} of ada", &tree.head()[..7]));
    running.finish().expect(0);
    again.finish().expect(0);
    expect_live(&server, &ada, &tree.head(), "one");
}

#[test]
fn two_pushes_of_one_commit_are_one_deployment() {
    let mut server = Server::start();
    let ada = server.person("ada");
    // The project is there: two first pushes would race for making it.
    let tree = WorkTree::answering("one");
    server.deploy(&ada, &tree, "shop");
    tree.commit(&[("Dockerfile", &slow_dockerfile(2)), ("index.html", "two")]);
    let pushes = [(); 2].map(|()| RunningPush::start(&server, &ada, &tree, "shop", &["main"]));
    for push in pushes {
        push.finish().expect(0);
    }
    expect_live(&server, &ada, &tree.head(), "two");
    assert_eq!(deployments(&server, &ada).len(), 2);
}

#[test]
fn no_more_images_are_built_at_once_than_may_be_and_who_waits_knows_their_place() {
    const BEGINS: &str = "the slow part begins";
    let options = [("GILGAL_BUILDS_AT_ONCE", "1"), ("GILGAL_DEPLOYMENTS_AT_ONCE", "3")];
    let mut server = Server::start_with(&options);
    let ada = server.person("ada");
    let push = |project: &str| {
        let tree = WorkTree::building_slowly(project, SLOW);
        (RunningPush::start(&server, &ada, &tree, project, &["main"]), tree)
    };
    let newest = |project: &str| {
        let path = format!("/api/projects/{project}/deployments");
        let all = server.request(Method::GET, &path, &ada.token, None).expect(200);
        let path = format!("/api/deployments/{}", all["data"][0]["id"].as_str().unwrap());
        server.request(Method::GET, &path, &ada.token, None).expect(200)
    };
    let (first, _first_tree) = push("first");
    first.wait_for(BEGINS);
    let (second, _second_tree) = push("second");
    second.wait_for("Waiting for another build to end");
    assert_eq!((&newest("second")["status"], &newest("second")["before"]), (&"building".into(), &0.into()));
    let (third, _third_tree) = push("third");
    third.wait_for("Waiting for other builds (1 before this one)");
    assert_eq!(newest("third")["before"], 1);
    second.wait_for(BEGINS);
    assert!(first.seen().contains("Done in "), "{}", first.seen());
    third.wait_for(BEGINS);
    assert!(second.seen().contains("Done in "), "{}", second.seen());
    for push in [first, second, third] {
        push.finish().expect(0);
    }
    assert_eq!(newest("third")["before"], Value::Null);
}

#[test]
fn a_waiting_deployment_is_cancelled_at_once() {
    let mut server = Server::start();
    let ada = server.person("ada");
    let tree = WorkTree::building_slowly("one", SLOW);
    let running = RunningPush::start(&server, &ada, &tree, "shop", &["main"]);
    running.wait_for("the slow part begins");
    let waiting_tree = WorkTree::empty();
    waiting_tree.git(&["pull", "--quiet", &tree.path().display().to_string(), "main"]);
    waiting_tree.commit(&[("index.html", "two")]);
    let waiting = RunningPush::start(&server, &ada, &waiting_tree, "shop", &["main"]);
    waiting.wait_for("waiting for another deployment to end");

    let deployment = newest_deployment(&server, &ada.token);
    let path = format!("/api/deployments/{}", deployment["id"].as_str().unwrap());
    let cancelled = server.request(Method::DELETE, &path, &ada.token, None).expect(202);
    assert_eq!(
        (&cancelled["status"], &cancelled["reason"]),
        (&"cancelled".into(), &"The deployment was cancelled.".into())
    );
    waiting.finish().expect(1).expect_text("(cancelled)");
    server.request(Method::DELETE, &path, &ada.token, None).expect(409);
    assert!(!running.seen().contains("Starting web"), "it was not waited for:\n{}", running.seen());
    running.finish().expect(0);
    assert_eq!(ada.remote_reference(&server, "shop", "refs/heads/main"), Some(tree.head()));
    assert_eq!(server.get("shop", "/").body, "one");
    Invariants::of(&server, &ada).hold();
}

#[test]
fn a_cancelled_deployment_stops_its_build() {
    let mut server = Server::start();
    let ada = server.person("ada");
    let tree = WorkTree::building_slowly("one", 97);
    let push = RunningPush::start(&server, &ada, &tree, "shop", &["main"]);
    push.wait_for("the slow part begins");
    wait_until("the build sleeps", PATIENCE, || runs_on_this_machine("sleep 97"));

    let deployment = newest_deployment(&server, &ada.token);
    let path = format!("/api/deployments/{}", deployment["id"].as_str().unwrap());
    server.request(Method::DELETE, &path, &ada.token, None).expect(202);
    wait_until("the build is ended", Duration::from_secs(5), || !runs_on_this_machine("sleep 97"));
    let push = push.finish().expect(1);
    insta::assert_snapshot!(push.redacted(&server));
    wait_for_status(&server, &ada.token, "cancelled");
    assert_eq!(ada.remote_reference(&server, "shop", "refs/heads/main"), None);
    assert_eq!(server.engine().containers(), Vec::<String>::new());
    Invariants::of(&server, &ada).hold();
}

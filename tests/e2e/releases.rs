//! Deployments without a build: going back, more and fewer instances, restarts.

use crate::support::{
    Engine, Invariants, Person, RequestLoop, RunningPush, Server, WorkTree, deployments, docker,
    slow_dockerfile, wait_until, wait_until_all_have_ended,
};
use serde_json::json;
use std::thread;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(30);

/// Two releases, of which the second is live.
fn two_releases(server: &mut Server) -> (Person, WorkTree) {
    let ada = server.person("ada");
    let tree = WorkTree::answering("one");
    server.deploy(&ada, &tree, "shop");
    tree.commit(&[("index.html", "two")]);
    server.deploy(&ada, &tree, "shop");
    (ada, tree)
}

fn wait_for_containers(server: &Server, count: usize) -> Vec<String> {
    let engine = server.engine();
    wait_until("the wanted instances and no others run", PATIENCE, || engine.containers().len() == count);
    engine.containers()
}

/// Stops the requests; none of them may have failed.
#[track_caller]
fn expect_none_failed(requests: RequestLoop) -> Vec<String> {
    thread::sleep(Duration::from_millis(200));
    let answers = requests.finish();
    let failed: Vec<_> =
        answers.iter().filter(|answer| answer.as_ref().map_or(true, |answer| answer.status != 200)).collect();
    assert!(failed.is_empty(), "{} of {} requests failed: {failed:#?}", failed.len(), answers.len());
    let mut bodies: Vec<_> = answers.into_iter().map(|answer| answer.unwrap().body).collect();
    bodies.dedup();
    bodies
}

#[test]
fn a_rollback_makes_an_earlier_release_live_again() {
    let mut server = Server::start();
    let (ada, tree) = two_releases(&mut server);
    let images = server.engine().images();
    let requests = RequestLoop::start(server.http, &Server::host("shop"));
    let said = ada.ssh(&server, &["rollback", "shop"]).expect_success();
    assert!(said.contains("Rolling back shop in production to v1"), "{said}");
    assert!(said.contains("Image: another one") && said.contains("Released v3"), "{said}");
    assert!(!said.contains("Building"), "{said}");
    wait_for_containers(&server, 1);
    assert_eq!(expect_none_failed(requests), ["two", "one"]);
    assert_eq!(server.engine().images(), images);
    // The branch is what was pushed: the next push goes on from there.
    assert_eq!(ada.remote_reference(&server, "shop", "refs/heads/main"), Some(tree.head()));

    let said = ada.ssh(&server, &["rollback", "shop", "v2"]).expect_success();
    assert!(said.contains("to v2"), "{said}");
    assert_eq!(server.get("shop", "/").body, "two");
    let newest = &deployments(&server, &ada)[0];
    assert_eq!((&newest["source"], &newest["version"]), (&"rollback".into(), &4.into()));
    for (wanted, sentence) in [("v4", "v4 is what is live"), ("v9", "There is no release v9")] {
        let refused = ada.ssh(&server, &["rollback", "shop", wanted]);
        assert!(refused.code != Some(0) && refused.stderr.contains(sentence), "{}", refused.stderr);
    }

    let log = ada.get(&server, "/api/projects/shop/audit");
    let entries = log["data"].as_array().unwrap();
    let rollback = entries.iter().find(|entry| entry["action"] == "rollback").unwrap();
    assert_eq!(rollback["credential"], "ssh_key");
    assert_eq!((&rollback["username"], &rollback["after"]["exit_code"]), (&json!("ada"), &json!(0)));
    assert!(entries.iter().any(|entry| entry["action"] == "push"), "{log:#}");
}

#[test]
fn a_rollback_without_its_image_says_so_and_can_be_built_again() {
    let mut server = Server::start();
    let (ada, _tree) = two_releases(&mut server);
    let live = Engine::inspect(&wait_for_containers(&server, 1)[0])["Image"].as_str().unwrap().to_owned();
    for image in server.engine().images().iter().filter(|image| **image != live) {
        docker(&["rmi", "--force", image]);
    }
    let listed = ada.ssh(&server, &["releases", "shop"]).expect_success();
    assert!(listed.contains("v1       replaced, image gone  push to main"), "{listed}");
    let releases = ada.get(&server, "/api/environments/shop:production/releases");
    let known = |index: usize| {
        let release = &releases["data"][index];
        (release["image_exists"].clone(), release["source"].clone(), release["branch"].clone())
    };
    let (push, main) = (json!("push"), json!("main"));
    assert_eq!(known(0), (true.into(), push.clone(), main.clone()));
    assert_eq!(known(1), (false.into(), push, main));
    let refused = ada.ssh(&server, &["rollback", "shop", "v1"]);
    assert_eq!(refused.code, Some(1));
    assert!(refused.stdout.contains("The image of v1 is not there any more."), "{}", refused.stdout);
    assert!(refused.stdout.contains("rollback shop v1 --rebuild"), "{}", refused.stdout);
    assert!(!refused.stdout.contains("Starting"), "{}", refused.stdout);
    assert_eq!(server.get("shop", "/").body, "two");

    let said = ada.ssh(&server, &["rollback", "shop", "v1", "--rebuild"]).expect_success();
    assert!(said.contains("Building image") && said.contains("Released v3"), "{said}");
    assert_eq!(server.get("shop", "/").body, "one");
    Invariants::of(&server, &ada).hold();
}

#[test]
fn scaling_adds_and_takes_away_and_leaves_the_others() {
    let mut server = Server::start();
    let ada = server.person("ada");
    server.deploy(&ada, &WorkTree::answering("one"), "shop");
    let first = wait_for_containers(&server, 1).remove(0);
    let requests = RequestLoop::start(server.http, &Server::host("shop"));
    let said = ada.ssh(&server, &["scale", "shop", "web=3"]).expect_success();
    assert!(said.contains("Scaling shop in production"), "{said}");
    assert!(said.contains("Instances: web 1 -> 3") && said.contains("Starting web.2, web.3"), "{said}");
    assert!(wait_for_containers(&server, 3).contains(&first), "the one that ran runs on");
    let listed = ada.ssh(&server, &["ps", "shop"]).expect_success();
    assert_eq!(listed.matches("v2").count(), 3, "{listed}");
    wait_until_all_have_ended(&server, &ada);

    ada.ssh(&server, &["scale", "shop", "web=1"]).expect_success();
    assert_eq!(wait_for_containers(&server, 1), [first]);
    expect_none_failed(requests);
    let said = ada.ssh(&server, &["scale", "shop", "web=1"]).expect_success();
    assert!(said.contains("nothing has to be done for it"), "{said}");
    for (wanted, sentence) in [("nothing=1", "no process type nothing"), ("web=9999", "GILGAL_MAX_INSTANCES")]
    {
        let refused = ada.ssh(&server, &["scale", "shop", wanted]);
        assert!(refused.code != Some(0) && refused.stderr.contains(sentence), "{}", refused.stderr);
    }
}

#[test]
fn a_restart_replaces_every_instance_without_a_failed_request() {
    let mut server = Server::start();
    let ada = server.person("ada");
    server.deploy(&ada, &WorkTree::answering("one"), "shop");
    ada.ssh(&server, &["scale", "shop", "web=2"]).expect_success();
    let before = wait_for_containers(&server, 2);
    wait_until_all_have_ended(&server, &ada);
    let requests = RequestLoop::start(server.http, &Server::host("shop"));
    let said = ada.ssh(&server, &["restart", "shop"]).expect_success();
    assert!(said.contains("Restarting shop in production"), "{said}");
    assert!(said.contains("Starting web x2"), "{said}");
    let after = wait_for_containers(&server, 2);
    assert!(after.iter().all(|name| !before.contains(name)), "{before:?} {after:?}");
    assert_eq!(expect_none_failed(requests), ["one"]);
}

#[test]
fn what_is_asked_for_while_a_push_runs_comes_after_it() {
    let mut server = Server::start();
    let (ada, tree) = two_releases(&mut server);
    tree.commit(&[("Dockerfile", &slow_dockerfile(4)), ("index.html", "three")]);
    let push = RunningPush::start(&server, &ada, &tree, "shop", &["main"]);
    push.wait_for("the slow part begins");
    let said = ada.ssh(&server, &["scale", "shop", "web=2"]).expect_success();
    push.finish().expect(0);
    assert!(said.contains("Starting web.2"), "{said}");
    wait_for_containers(&server, 2);
    assert_eq!(server.get("shop", "/").body, "three");
}

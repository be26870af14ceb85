//! Environments that are taken out of service and put back.

use crate::support::{
    PATIENCE, Server, WorkTree, command, deployments, docker, run, wait_until, wait_until_all_have_ended,
};
use reqwest::Method;
use serde_json::{Value, json};

const PRODUCTION: &str = "/api/environments/shop:production";

#[test]
fn requests_get_a_page_while_an_app_is_worked_on() {
    let mut server = Server::start();
    let ada = server.person("ada");
    let tree = WorkTree::answering("one");
    server.deploy(&ada, &tree, "shop");
    let said = ada.ssh(&server, &["maintenance", "on", "shop"]).expect_success();
    assert!(said.contains("being worked on"), "{said}");
    let is_away = |server: &Server| server.get("shop", "/").status == 503;
    wait_until("requests get the page", PATIENCE, || is_away(&server));
    assert!(server.get("shop", "/").body.contains("Back in a moment"));
    assert!(ada.ssh(&server, &["ps", "shop"]).expect_success().contains("shop is in maintenance"));
    let page = json!({ "maintenance_page": "<h1>Moving the tables</h1>" });
    server.request(Method::PATCH, PRODUCTION, &ada.token, Some(&page)).expect(200);

    // Neither a deployment nor a restart of the server ends it.
    tree.commit(&[("index.html", "two")]);
    server.deploy(&ada, &tree, "shop");
    wait_until_all_have_ended(&server, &ada);
    assert_eq!(server.get("shop", "/").body, "<h1>Moving the tables</h1>");
    server.stop();
    server.start_again(&[]);
    assert!(is_away(&server));
    let ends = server.request(
        Method::POST,
        &format!("{PRODUCTION}/maintenance"),
        &ada.token,
        Some(&json!({ "on": false })),
    );
    assert_eq!(ends.expect(200)["maintenance"], false);
    wait_until("requests are let through", PATIENCE, || server.get("shop", "/").body == "two");
}

#[test]
fn requests_get_the_page_of_an_app_that_does_not_answer() {
    let mut server = Server::start();
    let ada = server.person("ada");
    server.deploy(&ada, &WorkTree::answering("one"), "shop");
    wait_until_all_have_ended(&server, &ada);
    let page = json!({ "error_page": "<h1>Ask Ada</h1>" });
    server.request(Method::PATCH, PRODUCTION, &ada.token, Some(&page)).expect(200);
    let instance = server.engine().containers().remove(0);
    docker(&["kill", &instance]);
    wait_until("requests get its page", PATIENCE, || {
        let answer = server.get("shop", "/");
        answer.status == 503 && answer.body == "<h1>Ask Ada</h1>"
    });
    wait_until("it is started again", PATIENCE, || server.get("shop", "/").body == "one");
}

#[test]
fn what_is_stopped_runs_when_it_is_started_and_not_before() {
    let mut server = Server::start();
    let ada = server.person("ada");
    let tree = WorkTree::answering("one");
    server.deploy(&ada, &tree, "shop");
    wait_until_all_have_ended(&server, &ada);
    let refused = ada.ssh(&server, &["start", "shop"]);
    assert!(refused.stderr.contains("production is not stopped."), "{}", refused.stderr);

    ada.ssh(&server, &["stop", "shop"]).expect_success();
    let engine = server.engine();
    wait_until("nothing runs", PATIENCE, || engine.containers().is_empty());
    assert!(server.get("shop", "/").body.contains("The app is stopped"));
    assert!(ada.ssh(&server, &["ps", "shop"]).expect_success().contains("shop is stopped"));
    // Settings wait for the start, and a restart of the server is none.
    let count = deployments(&server, &ada).len();
    server
        .request(Method::PATCH, &format!("{PRODUCTION}/config"), &ada.token, Some(&json!({ "A": "b" })))
        .expect(200);
    ada.ssh(&server, &["scale", "shop", "web=2"]).expect_success();
    server.stop();
    server.start_again(&[]);
    assert_eq!(deployments(&server, &ada).len(), count);
    assert_eq!(server.get("shop", "/").status, 503);
    assert!(engine.containers().is_empty());

    ada.ssh(&server, &["start", "shop"]).expect_success();
    assert_eq!(server.get("shop", "/").body, "one");
    wait_until("what was set is there", PATIENCE, || engine.containers().len() == 2);
    wait_until_all_have_ended(&server, &ada);

    let stopped = server.request(Method::POST, &format!("{PRODUCTION}/stop"), &ada.token, None).expect(200);
    assert_eq!(stopped["stopped"], true);
    wait_until("nothing runs", PATIENCE, || engine.containers().is_empty());
    // A push starts it, too.
    tree.commit(&[("index.html", "two")]);
    server.deploy(&ada, &tree, "shop");
    assert_eq!(server.get("shop", "/").body, "two");
}

#[test]
fn a_volume_is_taken_out_and_put_back() {
    let mut server = Server::start();
    let ada = server.person("ada");
    let dockerfile = "FROM busybox:stable\nUSER 65534\nCMD exec httpd -f -p $PORT -h /data\n";
    let health = "[volumes]\ndata = \"/data\"\n[deploy.health]\ntcp = true\n";
    let tree = WorkTree::of(&[("Dockerfile", dockerfile), ("gilgal.toml", health)]);
    server.deploy(&ada, &tree, "shop");
    wait_until_all_have_ended(&server, &ada);
    let write = |server: &Server, word: &str| {
        let line = format!("echo {word} > /data/word && chmod 600 /data/word");
        ada.ssh(server, &["run", "shop", &line]).expect_success();
    };
    let word = |server: &Server| server.get("shop", "/word").body;
    write(&server, "old");
    assert_eq!(word(&server), "old\n");

    let home = server.home();
    let gilgal = |arguments: &[&str]| run(command(&home, &[]).arg("volumes").args(arguments));
    let file = server.folder().join("data.tar");
    let file = file.to_str().unwrap();
    assert_eq!(gilgal(&["list"]).expect_success(), "shop  data\n");
    let json = |arguments: &[&str]| -> Value {
        serde_json::from_str(&gilgal(&[arguments, &["--json"]].concat()).expect_success()).unwrap()
    };
    let data = json!({ "project": "shop", "environment": "production", "name": "data" });
    assert_eq!(json(&["list"]), json!([data]));
    let written = json(&["backup", "shop", "data", file]);
    assert_eq!(written["bytes"], std::fs::metadata(file).unwrap().len());
    write(&server, "new");
    assert_eq!(word(&server), "new\n");
    let refused = gilgal(&["restore", "shop", "data", file]);
    assert!(refused.stderr.contains("shop runs. Stop it first"), "{}", refused.stderr);
    ada.ssh(&server, &["stop", "shop"]).expect_success();
    let engine = server.engine();
    wait_until("nothing runs", PATIENCE, || engine.containers().is_empty());
    let refused = gilgal(&["restore", "shop", "data", "/etc/passwd"]);
    assert!(refused.stderr.contains("it is no whole backup of a volume"), "{}", refused.stderr);
    // As on a machine that has never had the app: neither its volume nor its image is there.
    for volume in docker(&["volume", "ls", "--quiet", "--filter", "name=data"]) {
        let ours = engine.everything().contains(&format!("volume {volume}"));
        assert!(!ours || docker(&["volume", "rm", &volume]) == [volume]);
    }
    for image in engine.images() {
        docker(&["image", "rm", "--force", &image]);
    }
    gilgal(&["restore", "shop", "data", file]).expect_success();
    assert!(engine.images().is_empty(), "what helped is gone");
    ada.ssh(&server, &["redeploy", "shop"]).expect_success();
    // Owner and mode are as they were.
    assert_eq!(word(&server), "old\n");
    write(&server, "newer");
}

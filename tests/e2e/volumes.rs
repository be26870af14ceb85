//! Volumes: what is in them stays, and two instances never write one at the same time.

use crate::support::{
    Invariants, PATIENCE, Person, RequestLoop, RunningPush, Server, WorkTree, deployments, docker,
    slow_dockerfile, wait_until, wait_until_all_have_ended,
};
use reqwest::Method;
use std::thread;
use std::time::Duration;

const GILGAL_TOML: &str = "[volumes]\ndata = \"/data\"\n";

/// Keeps words in its volume, as a user without rights, and ends at once where another instance has it.
fn keeping(word: &str) -> String {
    format!(
        "FROM busybox:stable\n\
         RUN mkdir -p /www/cgi-bin && echo {word} > /www/index.html && printf '#!/bin/sh\\n\
         [ -z \"$QUERY_STRING\" ] || echo \"$QUERY_STRING\" >> /data/words\\n\
         printf \"Content-Type: text/plain\\\\r\\\\n\\\\r\\\\n\"; cat /data/words\\n' > /www/cgi-bin/words \
         && chmod 755 /www/cgi-bin/words\n\
         USER 65534:65534\n\
         CMD mkdir /data/lock || exit 9; trap 'rmdir /data/lock; exit 0' TERM; httpd -f -p $PORT -h /www & wait\n"
    )
}

struct Shop {
    server: Server,
    ada: Person,
    tree: WorkTree,
}

impl Shop {
    fn open() -> Self {
        let mut server = Server::start();
        let ada = server.person("ada");
        let tree = WorkTree::of(&[("Dockerfile", &keeping("first")), ("gilgal.toml", GILGAL_TOML)]);
        server.deploy(&ada, &tree, "shop");
        let shop = Self { server, ada, tree };
        shop.add("milk");
        shop
    }

    fn add(&self, word: &str) {
        let answer = self.server.get("shop", &format!("/cgi-bin/words?{word}"));
        assert!(answer.body.contains(word), "{answer:?}");
    }

    fn words(&self) -> String {
        self.server.get("shop", "/cgi-bin/words").body
    }

    fn expect_served(&self, word: &str) {
        let engine = self.server.engine();
        wait_until_all_have_ended(&self.server, &self.ada);
        wait_until("one instance is there", PATIENCE, || engine.containers().len() == 1);
        wait_until("it serves", PATIENCE, || self.server.get("shop", "/").body == format!("{word}\n"));
        assert_eq!(self.words(), "milk\n");
        Invariants::of(&self.server, &self.ada).hold();
    }
}

#[test]
fn what_is_in_a_volume_stays_and_nobody_notices_that_the_old_one_stops_first() {
    let mut shop = Shop::open();
    let requests = RequestLoop::start(shop.server.http, &Server::host("shop"));
    shop.tree.commit(&[("Dockerfile", &keeping("second"))]);
    let push = shop.server.deploy(&shop.ada, &shop.tree, "shop");
    assert!(push.says("Holding requests while v1 stops"), "{}", push.transcript);
    assert!(push.says("No instance ran for"), "{}", push.transcript);
    assert!(push.says("requests were held for up to"), "{}", push.transcript);
    thread::sleep(Duration::from_millis(200));
    let answers = requests.finish();
    let failed: Vec<_> =
        answers.iter().filter(|answer| answer.as_ref().map_or(true, |answer| answer.status != 200)).collect();
    assert!(failed.is_empty(), "{} of {} requests failed: {failed:#?}", failed.len(), answers.len());
    shop.expect_served("second");

    let said = shop.ada.ssh(&shop.server, &["rollback", "shop"]).expect_success();
    assert!(said.contains("Holding requests while v2 stops"), "{said}");
    shop.expect_served("first");
    let listed = shop.ada.ssh(&shop.server, &["volumes", "shop"]).expect_success();
    assert!(listed.contains("data    /data  read and write"), "{listed}");

    // A release that does not name it leaves it alone, and a later one finds it again.
    shop.tree.commit(&[
        ("Dockerfile", "FROM busybox:stable\nCMD exec httpd -f -p $PORT -h /etc\n"),
        ("gilgal.toml", ""),
    ]);
    shop.server.deploy(&shop.ada, &shop.tree, "shop");
    let listed = shop.ada.ssh(&shop.server, &["volumes", "shop"]).expect_success();
    assert!(listed.contains("not used"), "{listed}");
    shop.tree.commit(&[("Dockerfile", &keeping("third")), ("gilgal.toml", GILGAL_TOML)]);
    shop.server.deploy(&shop.ada, &shop.tree, "shop");
    shop.expect_served("third");
    shop.server.stop();
    shop.server.start_again(&[]);
    shop.expect_served("third");
}

#[test]
fn a_release_that_does_not_become_healthy_brings_the_old_one_back() {
    let shop = Shop::open();
    shop.tree.commit(&[("Dockerfile", "FROM busybox:stable\nCMD exit 4\n")]);
    let push = shop.server.push(&shop.ada, &shop.tree, "shop", &["main"]).expect(1);
    assert!(push.says("web.1 crashed with exit code 4"), "{}", push.transcript);
    shop.expect_served("first");
    let listed = shop.ada.ssh(&shop.server, &["ps", "shop"]).expect_success();
    assert!(listed.contains("v1"), "{listed}");
}

#[test]
fn killed_while_requests_are_held_the_new_release_serves_in_the_end() {
    let mut shop = Shop::open();
    shop.server.stop();
    for moment in ["start-begin", "start-stopped", "start-end", "check-end", "switch-begin", "switch-routed"]
    {
        shop.server.start_again(&[("GILGAL_FAILPOINTS", &format!("{moment}=kill"))]);
        shop.tree.commit(&[("Dockerfile", &keeping(moment))]);
        let push = RunningPush::start(&shop.server, &shop.ada, &shop.tree, "shop", &["main"]);
        shop.server.wait_until_killed();
        push.finish();
        shop.server.start_again(&[]);
        shop.expect_served(moment);
        assert_eq!(deployments(&shop.server, &shop.ada)[0]["status"], "success", "{moment}");
        shop.server.stop();
    }
    shop.server.start_again(&[]);
}

#[test]
fn an_image_that_is_gone_is_said_before_the_old_release_stops() {
    let mut shop = Shop::open();
    let engine = shop.server.engine();
    let before = engine.images();
    shop.server.stop();
    shop.server.start_again(&[("GILGAL_FAILPOINTS", "start-begin=kill")]);
    shop.tree.commit(&[("Dockerfile", &keeping("second"))]);
    let push = RunningPush::start(&shop.server, &shop.ada, &shop.tree, "shop", &["main"]);
    shop.server.wait_until_killed();
    push.finish();
    let built: Vec<_> = engine.images().into_iter().filter(|image| !before.contains(image)).collect();
    docker(&["image", "rm", "--force", &built[0]]);
    let serving = engine.containers();
    shop.server.start_again(&[]);
    shop.expect_served("first");
    assert_eq!(engine.containers(), serving);
    let failed = &deployments(&shop.server, &shop.ada)[0];
    assert_eq!(failed["reason"], "The image that was built is not there any more.");
}

#[test]
fn killed_while_it_is_undone_the_old_release_serves_in_the_end() {
    let mut shop = Shop::open();
    shop.server.stop();
    for (number, failpoints) in [
        "start-stopped=fail",
        "start-stopped=fail,undo-begin=kill",
        "check-end=fail,undo-begin=kill",
        "check-end=fail,undo-end=kill",
    ]
    .into_iter()
    .enumerate()
    {
        shop.server.start_again(&[("GILGAL_FAILPOINTS", failpoints)]);
        shop.tree.commit(&[("Dockerfile", &keeping(&format!("next{number}")))]);
        let push = RunningPush::start(&shop.server, &shop.ada, &shop.tree, "shop", &["main"]);
        if failpoints.contains("kill") {
            shop.server.wait_until_killed();
            push.finish();
            shop.server.start_again(&[]);
        } else {
            push.finish().expect(1);
        }
        shop.expect_served("first");
        assert_eq!(deployments(&shop.server, &shop.ada)[0]["status"], "failed", "{failpoints}");
        shop.server.stop();
    }
    shop.server.start_again(&[]);
}

#[test]
fn two_instances_do_not_write_one_volume_unless_that_is_wanted() {
    let shop = Shop::open();
    let sentence = "2 instances of web would write the volume data at the same time.";
    let refused = shop.ada.ssh(&shop.server, &["scale", "shop", "web=2"]);
    assert_eq!(refused.code, Some(128), "{}", refused.stdout);
    assert!(refused.stderr.contains(sentence), "{}", refused.stderr);
    shop.expect_served("first");
    // Nothing of it is left for what comes next.
    assert_eq!(deployments(&shop.server, &shop.ada).len(), 1);
    let said = shop.ada.ssh(&shop.server, &["restart", "shop"]).expect_success();
    assert!(!said.contains("web x2"), "{said}");
    shop.expect_served("first");
    shop.tree.commit(&[("gilgal.toml", "[volumes]\ndata = \"/data\"\n[processes.web]\ninstances = 2\n")]);
    let push = shop.server.push(&shop.ada, &shop.tree, "shop", &["main"]).expect(1);
    assert!(push.says(sentence) && !push.says("Building image"), "{}", push.transcript);
    let dockerfile = "FROM busybox:stable\nCMD exec httpd -f -p $PORT -h /etc\n";
    let told =
        "[volumes]\ndata = \"/data\"\n[deploy]\nstrategy = \"rolling\"\n[processes.web]\ninstances = 2\n";
    shop.tree.commit(&[("Dockerfile", dockerfile), ("gilgal.toml", told)]);
    let push = shop.server.deploy(&shop.ada, &shop.tree, "shop");
    assert!(!push.says("Holding"), "{}", push.transcript);
    // It is read-only where it is said to be.
    shop.tree.commit(&[("gilgal.toml", "[volumes]\ndata = \"/data:ro\"\n")]);
    shop.server.deploy(&shop.ada, &shop.tree, "shop");
    let refused = shop.ada.ssh(&shop.server, &["run", "shop", "touch", "/data/x"]);
    assert!(refused.stderr.contains("Read-only file system"), "{}", refused.stderr);
}

#[test]
fn volumes_go_with_their_environment_only() {
    let mut server = Server::start();
    let ada = server.person("ada");
    let token = ada.token.clone();
    let tree = WorkTree::of(&[("Dockerfile", &keeping("one")), ("gilgal.toml", GILGAL_TOML)]);
    server.deploy(&ada, &tree, "shop");
    let body = serde_json::json!({ "name": "staging", "branch": "staging" });
    server.request(reqwest::Method::POST, "/api/projects/shop/environments", &token, Some(&body)).expect(201);
    tree.git(&["branch", "staging"]);
    server.push(&ada, &tree, "shop", &["staging"]).expect(0);
    let volumes = || {
        docker(&[
            "volume",
            "ls",
            "--quiet",
            "--filter",
            &format!("label=gilgal.server={}", server_id(&server)),
        ])
    };
    assert_eq!(volumes().len(), 2);
    let path = "/api/environments/shop:staging?confirm=staging";
    server.request(reqwest::Method::DELETE, path, &token, None).expect(204);
    assert_eq!(volumes().len(), 1, "production has its own");
}

fn server_id(server: &Server) -> String {
    std::fs::read_to_string(server.home().join("server-id")).unwrap().trim().to_owned()
}

#[test]
fn a_scale_that_a_push_makes_impossible_is_set_back() {
    let mut server = Server::start();
    let ada = server.person("ada");
    let tree = WorkTree::answering("first");
    server.deploy(&ada, &tree, "shop");
    wait_until_all_have_ended(&server, &ada);
    let writing = [("Dockerfile", slow_dockerfile(4)), ("gilgal.toml", GILGAL_TOML.to_owned())];
    tree.commit(&writing.each_ref().map(|(path, text)| (*path, text.as_str())));
    let push = RunningPush::start(&server, &ada, &tree, "shop", &["main"]);
    push.wait_for("the slow part begins");
    // What is live could have two.
    let scaled = ada.ssh(&server, &["scale", "shop", "web=2"]);
    let said = format!("{}{}", scaled.stdout, scaled.stderr);
    assert!(said.contains("It stays as it is live: web=1."), "{said}");
    push.finish().expect(0);
    wait_until_all_have_ended(&server, &ada);
    let shown =
        server.request(Method::GET, "/api/environments/shop:production", &ada.token, None).expect(200);
    assert_eq!(shown["formation"]["web"], 1);
    // What comes next is not refused for it.
    tree.commit(&[("index.html", "second")]);
    server.deploy(&ada, &tree, "shop");
    assert_eq!(server.get("shop", "/").body, "second");
}

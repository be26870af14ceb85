//! Pushing again: what changes, what stays, and that nobody notices the switch.

use crate::support::{
    Engine, RequestLoop, RunningPush, Server, WorkTree, expect_live, slow_dockerfile, wait_until,
};
use std::thread;
use std::time::Duration;

#[test]
fn a_changed_commit_is_switched_to_without_a_failed_request() {
    let mut server = Server::start();
    let ada = server.person("ada");
    let tree = WorkTree::answering("one");
    server.deploy(&ada, &tree, "shop");

    let requests = RequestLoop::start(server.http, &Server::host("shop"));
    for word in ["two", "three"] {
        tree.commit(&[("index.html", word)]);
        server.deploy(&ada, &tree, "shop");
    }
    thread::sleep(Duration::from_millis(200));
    let answers = requests.finish();

    let failed: Vec<_> =
        answers.iter().filter(|answer| answer.as_ref().map_or(true, |answer| answer.status != 200)).collect();
    assert!(failed.is_empty(), "{} of {} requests failed: {failed:#?}", failed.len(), answers.len());
    let mut bodies: Vec<_> = answers.into_iter().map(|answer| answer.unwrap().body).collect();
    bodies.dedup();
    assert_eq!(bodies, ["one", "two", "three"]);
    // They are stopped behind the pusher's back.
    let engine = server.engine();
    wait_until("the old instances are removed", Duration::from_secs(20), || engine.containers().len() == 1);
}

#[test]
fn the_same_files_are_not_built_again() {
    let mut server = Server::start();
    let ada = server.person("ada");
    let tree = WorkTree::answering("one");
    server.deploy(&ada, &tree, "shop");
    let images = server.engine().images();

    tree.commit(&[]);
    let push = server.deploy(&ada, &tree, "shop");
    insta::assert_snapshot!(push.redacted(&server));
    assert_eq!(server.engine().images(), images);
    assert_eq!(server.get("shop", "/").body, "one");

    tree.commit(&[]);
    let push = server.push(&ada, &tree, "shop", &["-ogilgal.no-cache", "main"]).expect(0);
    assert!(!push.says("Reusing"), "{}", push.transcript);
}

#[test]
fn a_failed_push_changes_nothing_and_can_be_repeated() {
    let mut server = Server::start();
    let ada = server.person("ada");
    let tree = WorkTree::answering("one");
    let live = tree.head();
    server.deploy(&ada, &tree, "shop");
    let images = server.engine().images();

    // The engine may drop what a command prints in the moment in which it fails, hence the second.
    let broken = "FROM busybox:stable\nRUN echo no compiler here && sleep 1 && exit 3\n";
    tree.commit(&[("Dockerfile", broken)]);
    for _ in 0..2 {
        let push = server.push(&ada, &tree, "shop", &["main"]).expect(1);
        insta::assert_snapshot!("failed_push", push.redacted(&server));
        assert_eq!(ada.remote_reference(&server, "shop", "refs/heads/main").as_ref(), Some(&live));
        assert_eq!(server.get("shop", "/").body, "one");
    }
    assert_eq!(server.engine().images(), images);
    assert_eq!(server.engine().containers().len(), 1);

    let mended =
        tree.commit(&[("Dockerfile", "FROM busybox:stable\nCMD exec httpd -f -p \"$PORT\" -h /etc\n")]);
    server.deploy(&ada, &tree, "shop");
    assert_eq!(ada.remote_reference(&server, "shop", "refs/heads/main"), Some(mended));
    assert_eq!(server.get("shop", "/passwd").status, 200);
}

#[test]
fn a_log_can_be_read_again_by_the_command_that_the_push_names() {
    let mut server = Server::start();
    let (ada, bob) = (server.person("ada"), server.person("bob"));
    // Not the command of another test: BuildKit runs equal commands of two builds once, and tells one of them.
    let tree = WorkTree::of(&[(
        "Dockerfile",
        "FROM busybox:stable\nRUN echo no linker here && sleep 1 && exit 3\n",
    )]);
    let push = server.push(&ada, &tree, "shop", &["main"]).expect(1);
    let (_, command) = push.transcript.split_once(" logs ").unwrap();
    let id = command.split_whitespace().next().unwrap();

    let log = ada.ssh(&server, &["logs", id]);
    assert_eq!(log.code, Some(1), "{}", log.stderr);
    let said = |line: &str| line.strip_prefix("remote: ").map(|text| text.trim_end().to_owned());
    let seen: Vec<_> = push.transcript.lines().filter_map(said).collect();
    assert_eq!(log.stdout.lines().collect::<Vec<_>>(), seen);
    assert_eq!(ada.ssh(&server, &["logs", "shop"]).stdout, log.stdout);
    // Nothing tells somebody else that there is such a deployment.
    let (hers, nobodys) =
        (bob.ssh(&server, &["logs", id]), bob.ssh(&server, &["logs", &uuid::Uuid::now_v7().to_string()]));
    assert_eq!((hers.code, hers.stderr), (nobodys.code, nobodys.stderr));
}

#[test]
fn what_is_live_can_be_deployed_again_without_a_push() {
    let mut server = Server::start();
    let ada = server.person("ada");
    server.deploy(&ada, &WorkTree::answering("one"), "shop");
    let before = server.engine().containers();
    let redeployed = ada.ssh(&server, &["redeploy", "shop"]).expect_success();
    assert!(redeployed.contains("Reusing the image") && redeployed.contains("Released v2"), "{redeployed}");
    let engine = server.engine();
    wait_until("the old instance is removed", Duration::from_secs(20), || engine.containers().len() == 1);
    assert_ne!(engine.containers(), before);
    assert_eq!(server.get("shop", "/").body, "one");
}

#[test]
fn a_redeployment_deploys_what_is_live_when_its_turn_comes() {
    let mut server = Server::start();
    let ada = server.person("ada");
    let tree = WorkTree::answering("one");
    server.deploy(&ada, &tree, "shop");
    let commit = tree.commit(&[("Dockerfile", &slow_dockerfile(5)), ("index.html", "two")]);
    let push = RunningPush::start(&server, &ada, &tree, "shop", &["main"]);
    push.wait_for("the slow part begins");
    // The branch is still where it was: it moves when the push is live.
    let redeployed = ada.ssh(&server, &["redeploy", "shop"]).expect_success();
    push.finish().expect(0);
    assert!(redeployed.contains(&commit[..7]), "{redeployed}");
    expect_live(&server, &ada, &commit, "two");
}

#[test]
fn an_app_runs_with_little_more_than_it_needs() {
    let mut server = Server::start();
    let ada = server.person("ada");
    server.deploy(&ada, &WorkTree::answering("one"), "shop");

    let containers = server.engine().containers();
    assert_eq!(containers.len(), 1, "{containers:?}");
    let container = Engine::inspect(&containers[0]);
    let (host, config) = (&container["HostConfig"], &container["Config"]);
    assert_eq!(config["User"], "65534:65534");
    assert_eq!(host["Privileged"], false);
    assert_eq!(host["SecurityOpt"], serde_json::json!(["no-new-privileges:true"]));
    assert_eq!(host["CapDrop"], serde_json::json!(["ALL"]));
    assert!(!host["CapAdd"].to_string().contains("NET_RAW"), "{}", host["CapAdd"]);
    assert_eq!(host["Memory"], host["MemorySwap"]);
    for limit in ["Memory", "CpuQuota", "PidsLimit"] {
        assert!(host[limit].as_i64().is_some_and(|limit| limit > 0), "{limit}: {}", host[limit]);
    }
    assert_eq!(host["Init"], true);
    assert_eq!(host["LogConfig"]["Type"], "json-file");
    assert!(host["LogConfig"]["Config"]["max-size"].is_string());
    assert!(
        host["Binds"].is_null() && host["PortBindings"].as_object().is_none_or(serde_json::Map::is_empty)
    );
    // Only what has proved itself is started again after a crash or a restart of Docker.
    assert_eq!(host["RestartPolicy"]["Name"], "unless-stopped");
    for label in ["server", "project", "environment", "deployment", "process", "index", "port"] {
        assert!(config["Labels"][format!("gilgal.{label}")].is_string(), "{label}: {}", config["Labels"]);
    }
    let variables = config["Env"].to_string();
    assert!(variables.contains("PORT=") && !variables.contains("GILGAL"), "{variables}");
}

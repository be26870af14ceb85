//! What happens on the engine behind the server's back.

use crate::support::{Engine, Invariants, PATIENCE, Server, WorkTree, docker, wait_until};
use reqwest::Method;
use std::fs;
use std::thread;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// `--label gilgal.<name>=<value>` for each.
fn labels(of: &[(&str, &str)]) -> Vec<String> {
    of.iter().flat_map(|(name, value)| ["--label".to_owned(), format!("gilgal.{name}={value}")]).collect()
}

fn server_id(server: &Server) -> String {
    fs::read_to_string(server.home().join("server-id")).unwrap().trim().to_owned()
}

#[test]
fn an_instance_of_no_release_is_removed() {
    let mut server = Server::start();
    let ada = server.person("ada");
    server.deploy(&ada, &WorkTree::answering("one"), "shop");
    let live = server.engine().containers();

    let (server_id, nothing) = (server_id(&server), Uuid::now_v7().to_string());
    let labels = labels(&[
        ("server", &server_id),
        ("project", &nothing),
        ("environment", &nothing),
        ("deployment", &nothing),
        ("process", "web"),
        ("index", "1"),
        ("port", "3000"),
    ]);
    let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
    let orphan = [&["run", "--detach"][..], &labels, &["busybox:stable", "sleep", "600"]].concat();
    assert_eq!(docker(&orphan).len(), 1);
    let engine = server.engine();
    wait_until("the orphan is removed", PATIENCE, || engine.containers() == live);
    Invariants::of(&server, &ada).hold();
    assert_eq!(server.get("shop", "/").body, "one");
}

#[test]
fn an_instance_that_was_restarted_is_served_where_it_is() {
    let mut server = Server::start();
    let ada = server.person("ada");
    server.deploy(&ada, &WorkTree::answering("one"), "shop");
    let instance = server.engine().containers().remove(0);
    let address = || {
        let networks = Engine::inspect(&instance)["NetworkSettings"]["Networks"].clone();
        let network = networks.as_object().unwrap().iter().next().unwrap();
        (network.0.clone(), network.1["IPAddress"].as_str().unwrap().to_owned())
    };
    let (network, before) = address();
    // Somebody takes its address while it is away.
    docker(&["stop", "--time", "1", &instance]);
    let squatter = docker(&["run", "--detach", "--network", &network, "busybox:stable", "sleep", "600"]);
    docker(&["start", &instance]);
    let after = address().1;
    let is_served = || server.get("shop", "/").body == "one";
    let begun = Instant::now();
    while !is_served() && begun.elapsed() < PATIENCE {
        thread::sleep(Duration::from_millis(50));
    }
    let is_served = is_served();
    docker(&["rm", "--force", &squatter[0]]);
    assert!(is_served, "{}", server.log());
    assert_ne!(after, before);
    Invariants::of(&server, &ada).hold();
}

#[test]
fn an_instance_that_is_gone_is_started_again() {
    let mut server = Server::start();
    let ada = server.person("ada");
    let tree = WorkTree::answering("one");
    tree.commit(&[("gilgal.toml", "[processes.worker]\ncommand = \"sleep 1000000\"\ninstances = 1\n")]);
    server.deploy(&ada, &tree, "shop");
    let engine = server.engine();
    let label = format!("label=gilgal.server={}", server_id(&server));
    let ids = |of: &str| {
        let of = format!("label=gilgal.process={of}");
        docker(&["ps", "--no-trunc", "--quiet", "--filter", &label, "--filter", &of])
    };
    // Removed by hand, and stopped by hand, which the engine takes for a wish.
    for command in [&["rm", "--force"][..], &["stop", "--time", "1"]] {
        for of in ["web", "worker"] {
            let before = ids(of);
            docker(&[command, &[&before[0]]].concat());
            wait_until(&format!("{of} runs again after {command:?}"), PATIENCE, || {
                let now = ids(of);
                now.len() == 1 && now != before
            });
        }
        wait_until("requests are answered", PATIENCE, || server.get("shop", "/").body == "one");
    }
    wait_until("both are kept running", PATIENCE, || {
        let kept =
            |id: &String| Engine::inspect(id)["HostConfig"]["RestartPolicy"]["Name"] == "unless-stopped";
        [ids("web"), ids("worker")].concat().iter().all(kept)
    });
    let log = ada.ssh(&server, &["logs", "shop", "--app"]).expect_success();
    assert!(log.contains("It was not there any more, and was started again."), "{log}");
    Invariants::of(&server, &ada).hold();

    // What somebody has stopped stays so.
    ada.ssh(&server, &["stop", "shop"]).expect_success();
    wait_until("nothing runs", PATIENCE, || engine.containers().is_empty());
    thread::sleep(Duration::from_secs(7));
    assert!(engine.containers().is_empty());
}

#[test]
fn an_image_and_a_network_of_nothing_are_removed() {
    let mut server = Server::start();
    let ada = server.person("ada");
    server.deploy(&ada, &WorkTree::answering("one"), "shop");
    let images = server.engine().images();
    server.stop();

    // As a server leaves it that is killed between a build and its record.
    let project = docker(&["inspect", "--format", "{{index .Config.Labels \"gilgal.project\"}}", &images[0]]);
    let labels = labels(&[("server", &server_id(&server)), ("project", &project[0])]);
    let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
    let context = WorkTree::of(&[("Dockerfile", "FROM busybox:stable\n")]);
    docker(&[&["build", "--quiet"][..], &labels, &[context.path().to_str().unwrap()]].concat());
    let engine = server.engine();
    assert_eq!(engine.images().len(), 2);
    // As a deletion leaves it that was interrupted.
    let (id, name) = (Uuid::now_v7(), format!("gilgal-{}-", &server_id(&server).replace('-', "")[20..]));
    let labels = self::labels(&[("server", &server_id(&server)), ("project", &id.to_string())]);
    let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
    // Docker's own ranges may be used up.
    let range = format!("10.127.{}.0/24", std::process::id() % 256);
    docker(&[&["network", "create", "--subnet", &range][..], &labels, &[&format!("{name}{id}")]].concat());
    let networks = || engine.everything().iter().filter(|line| line.starts_with("network ")).count();
    assert_eq!(networks(), 2);

    server.start_again(&[]);
    wait_until("the image is removed", PATIENCE, || engine.images() == images);
    wait_until("the network is removed", PATIENCE, || networks() == 1);
    Invariants::of(&server, &ada).hold();
    assert_eq!(server.get("shop", "/").body, "one");
}

#[test]
fn a_deleted_project_is_not_served_again() {
    let mut server = Server::start();
    let ada = server.person("ada");
    server.deploy(&ada, &WorkTree::answering("one"), "shop");
    let projects = server.request(Method::GET, "/api/projects", &ada.token, None).expect(200);
    let path = format!("/api/projects/{}?confirm=shop", projects["data"][0]["id"].as_str().unwrap());
    server.request(Method::DELETE, &path, &ada.token, None).expect(204);
    // The end of its instance makes the reconciler look, in a moment.
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(2) {
        assert_eq!(server.get("shop", "/").status, 404);
        thread::sleep(Duration::from_millis(20));
    }
    assert!(!fs::read_to_string(server.home().join("routes.json")).unwrap().contains("shop"));
}

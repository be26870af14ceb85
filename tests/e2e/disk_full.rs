//! Disks that have too little room, or none: of the repositories, of the database, of the engine.

use crate::support::{
    Invariants, PATIENCE, Person, PrivateDocker, RunningPush, Server, SmallDisk, WorkTree, command,
    deployments, expect_live, files, run, wait_until,
};
use reqwest::Method;
use serde_json::Value;
use std::fs;
use std::os::unix::fs::symlink;

/// A server whose repositories are on a small disk, with a live app.
fn on_small_disk(disk: &SmallDisk, options: &[(&str, &str)]) -> (Server, Person, WorkTree) {
    let mut server = Server::start_with(options);
    // The folder of the repositories is the disk.
    server.stop();
    let repositories = server.home().join("repositories");
    fs::remove_dir(&repositories).unwrap();
    symlink(disk.path(), &repositories).unwrap();
    server.start_again(options);
    let ada = server.person("ada");
    let tree = WorkTree::answering("one");
    server.deploy(&ada, &tree, "shop");
    (server, ada, tree)
}

#[test]
fn full_disk_of_the_repositories_refuses_the_push_before_it_starts() {
    let disk = SmallDisk::new(64);
    let options = [("GILGAL_LEAST_FREE_MIB", "16")];
    let home = disk.path().join("home");
    // The home itself is on it: the usual case.
    let mut server = Server::start_in(&home, &options);
    let ada = server.person("ada");
    let tree = WorkTree::answering("one");
    server.deploy(&ada, &tree, "shop");
    let live = tree.head();
    let before = files(&server.home().join("repositories"));
    disk.fill();

    tree.commit(&[("index.html", "two")]);
    let push = server.push(&ada, &tree, "shop", &["main"]).expect(128);
    assert!(push.says("The disk of the"), "{}", push.transcript);
    assert!(push.says("`gilgal disk` shows what could go"), "{}", push.transcript);
    assert_eq!(server.request(Method::GET, "/ready", "", None).status, 503);
    assert_eq!(server.get("shop", "/").body, "one");
    assert_eq!(files(&server.home().join("repositories")), before, "nothing is half-written");
    assert_eq!(ada.remote_reference(&server, "shop", "refs/heads/main"), Some(live));

    disk.clear();
    server.deploy(&ada, &tree, "shop");
    expect_live(&server, &ada, &tree.head(), "two");
    drop(server);
}

#[test]
fn a_push_that_does_not_fit_on_the_disk_of_the_repositories_is_refused() {
    let disk = SmallDisk::new(64);
    let home = disk.path().join("home");
    let mut server = Server::start_in(&home, &[("GILGAL_LEAST_FREE_MIB", "16")]);
    let ada = server.person("ada");
    let tree = WorkTree::answering("one");
    server.deploy(&ada, &tree, "shop");
    let before = files(&server.home().join("repositories"));
    let free = free_mib(&disk);
    let large = tree.commit_noise(70);
    let push = server.push(&ada, &tree, "shop", &["main"]);
    assert_ne!(push.code, Some(0), "{}", push.transcript);
    assert!(push.says("MiB that this server's disk has room for"), "{}", push.transcript);
    assert_eq!(server.get("shop", "/").body, "one");
    wait_until("what had arrived is gone", PATIENCE, || {
        files(&server.home().join("repositories")) == before && free_mib(&disk).abs_diff(free) < 2
    });
    assert_ne!(ada.remote_reference(&server, "shop", "refs/heads/main"), Some(large));
    Invariants::of(&server, &ada).hold();
    drop(server);
}

#[test]
fn the_disk_of_the_repositories_fills_up_while_a_pack_arrives() {
    let disk = SmallDisk::new(96);
    let (server, ada, tree) = on_small_disk(&disk, &[("GILGAL_LEAST_FREE_MIB", "1")]);
    let live = tree.head();
    let before = files(&disk.path());
    tree.commit_noise(40);
    let push = RunningPush::start(&server, &ada, &tree, "shop", &["main"]);
    wait_until("the pack arrives", PATIENCE, || {
        files(&disk.path()).iter().any(|file| file.to_str().unwrap().contains("tmp_objdir-incoming"))
    });
    disk.fill();
    let push = push.finish();
    assert_ne!(push.code, Some(0), "{}", push.transcript);
    assert!(push.says("No space left on device"), "{}", push.transcript);
    assert_eq!(server.get("shop", "/").body, "one");
    disk.clear();
    wait_until("nothing is half-written", PATIENCE, || files(&disk.path()) == before);
    assert_eq!(ada.remote_reference(&server, "shop", "refs/heads/main"), Some(live));
    tree.git(&["reset", "--quiet", "--hard", "HEAD~1"]);
    let commit = tree.commit(&[("index.html", "two")]);
    server.deploy(&ada, &tree, "shop");
    expect_live(&server, &ada, &commit, "two");
}

#[test]
fn full_disk_of_the_database_refuses_deployments_and_serves_the_apps() {
    let disk = SmallDisk::new(32);
    let url = format!("sqlite://{}/gilgal.db", disk.path().display());
    // Nothing is looked at beforehand: the database itself has to refuse.
    let options = [("DATABASE_URL", url.as_str()), ("GILGAL_LEAST_FREE_MIB", "0")];
    let mut server = Server::start_with(&options);
    let ada = server.person("ada");
    let tree = WorkTree::answering("one");
    server.deploy(&ada, &tree, "shop");
    let live = tree.head();
    disk.fill();

    tree.commit(&[("index.html", "two")]);
    let push = server.push(&ada, &tree, "shop", &["main"]);
    assert_eq!(push.code, Some(1), "{}", push.transcript);
    assert_eq!(server.get("shop", "/").body, "one");
    assert_eq!(server.request(Method::GET, "/health", "", None).status, 200);
    assert_eq!(ada.remote_reference(&server, "shop", "refs/heads/main"), Some(live));
    let redeploy = ada.ssh(&server, &["redeploy", "shop"]);
    assert_ne!(redeploy.code, Some(0), "{}{}", redeploy.stdout, redeploy.stderr);
    assert_eq!(server.get("shop", "/").body, "one");

    disk.clear();
    server.deploy(&ada, &tree, "shop");
    expect_live(&server, &ada, &tree.head(), "two");
    drop(server);
}

#[test]
fn a_nearly_full_disk_of_the_database_refuses_the_push_before_it_starts() {
    let disk = SmallDisk::new(32);
    let url = format!("sqlite://{}/gilgal.db", disk.path().display());
    let mut server = Server::start_with(&[("DATABASE_URL", &url), ("GILGAL_LEAST_FREE_MIB", "16")]);
    let ada = server.person("ada");
    let tree = WorkTree::answering("one");
    server.deploy(&ada, &tree, "shop");
    disk.fill();
    tree.commit(&[("index.html", "two")]);
    let push = server.push(&ada, &tree, "shop", &["main"]).expect(128);
    assert!(push.says("The disk of the database is nearly full"), "{}", push.transcript);
    assert_eq!(server.get("shop", "/").body, "one");
    disk.clear();
    Invariants::of(&server, &ada).hold();
    drop(server);
}

#[test]
fn too_little_room_on_the_disk_of_the_engine_refuses_the_build_before_it_starts() {
    // Room that no disk has.
    let more = [("GILGAL_LEAST_FREE_FOR_BUILDS_MIB", "4000000000")];
    let mut server = Server::start();
    let ada = server.person("ada");
    let tree = WorkTree::answering("one");
    server.deploy(&ada, &tree, "gone");
    let projects = server.request(Method::GET, "/api/projects", &ada.token, None).expect(200);
    let path = format!("/api/projects/{}?confirm=gone", projects["data"][0]["id"].as_str().unwrap());
    server.request(Method::DELETE, &path, &ada.token, None).expect(204);
    // Two that are old, what is rolled back to, and what is live.
    for word in ["older", "old", "before", "live"] {
        tree.commit(&[("index.html", word)]);
        server.deploy(&ada, &tree, "shop");
    }
    server.stop();
    server.start_again(&more);
    tree.commit(&[("index.html", "two")]);
    let push = server.push(&ada, &tree, "shop", &["main"]).expect(1);
    assert!(push.says("The disk of the Docker Engine is nearly full: "), "{}", push.transcript);
    assert!(push.says("`gilgal disk` shows what takes it, and what could go."), "{}", push.transcript);
    assert!(push.says("MB: `docker builder prune` frees it"), "{}", push.transcript);
    assert!(push.says("2 images of old releases take "), "{}", push.transcript);
    assert!(push.says("1 image of deleted projects takes "), "{}", push.transcript);
    assert!(push.says("`gilgal destroy -p SLUG --now`"), "{}", push.transcript);
    assert!(push.says("shop still serves the release before."), "{}", push.transcript);
    assert_eq!(server.get("shop", "/").body, "live");
    assert_eq!(deployments(&server, &ada)[0]["status"], "failed");
    // What was built before needs no room.
    tree.git(&["reset", "--quiet", "--hard", "HEAD~1"]);
    assert_eq!(ada.ssh(&server, &["redeploy", "shop"]).code, Some(0));
    server.request(Method::DELETE, &format!("{path}&now=true"), &ada.token, None).expect(204);
    Invariants::of(&server, &ada).hold();
}

#[test]
fn a_disk_of_the_engine_that_is_full_is_named_and_the_old_release_serves() {
    let disk = SmallDisk::new(192);
    let docker = PrivateDocker::on_disk(&disk.path());
    // Nothing is looked at beforehand: the engine itself has to refuse.
    let options = [("DOCKER_HOST", docker.host()), ("GILGAL_LEAST_FREE_FOR_BUILDS_MIB", "0".to_owned())];
    let options = options.each_ref().map(|(name, value)| (*name, value.as_str()));
    let mut server = Server::start_with(&options);
    let ada = server.person("ada");
    let tree = WorkTree::answering("one");
    server.deploy(&ada, &tree, "shop");
    let live = tree.head();
    let expect_refused = |why: &str| {
        let push = server.push(&ada, &tree, "shop", &["main"]).expect(1);
        assert!(push.says("The disk of the Docker Engine is full"), "{why}: {}", push.transcript);
        assert!(push.says("shop still serves the release before."), "{why}: {}", push.transcript);
        Invariants::of(&server, &ada).on(docker.engine(&server)).hold();
        assert_eq!(server.get("shop", "/").body, "one");
        assert_eq!(ada.remote_reference(&server, "shop", "refs/heads/main").as_ref(), Some(&live));
    };
    let filling = "FROM busybox:stable AS build\nRUN dd if=/dev/zero of=/noise bs=1M count=400\n\
                   FROM busybox:stable\nCOPY --from=build /noise /\n";
    tree.commit(&[("Dockerfile", filling)]);
    expect_refused("a command fills it");

    // To the last block, so that not even the context of a build has room.
    tree.git(&["reset", "--quiet", "--hard", "HEAD~1"]);
    disk.fill();
    tree.commit_noise(3);
    expect_refused("it was full before");
    disk.clear();
    server.deploy(&ada, &tree, "shop");
    Invariants::of(&server, &ada).on(docker.engine(&server)).hold();
    drop(server);
}

#[test]
fn the_disk_is_shown_by_who_uses_it() {
    let mut server = Server::start();
    let ada = server.person("ada");
    let dockerfile = "FROM busybox:stable\nCOPY noise /www/index.html\n\
        CMD dd if=/dev/zero of=/data/file bs=1M count=2; exec httpd -f -p \"$PORT\" -h /www\n";
    let volume = "[volumes]\ndata = \"/data\"\n";
    let tree = WorkTree::of(&[("Dockerfile", dockerfile), ("gilgal.toml", volume)]);
    tree.commit_noise(3);
    server.deploy(&ada, &tree, "shop");
    let shown = run(command(&server.home(), &[]).arg("disk")).expect_success();
    let line = shown.lines().find(|line| line.starts_with("shop ")).unwrap();
    let words: Vec<&str> = line.split_whitespace().collect();
    let ["shop", repository, "MiB", "1", image, "MiB", "2.0", "MiB", logs, "KiB"] = words[..] else {
        panic!("{shown}")
    };
    let line = shown.lines().find(|line| line.starts_with("shop:production data ")).unwrap();
    assert!(line.ends_with(" 2.0 MiB"), "{shown}");
    assert!((3.0..4.0).contains(&repository.parse::<f64>().unwrap()), "{shown}");
    assert!(image.parse::<f64>().unwrap() > 3.0, "{shown}");
    assert!(logs.parse::<f64>().unwrap() > 0.0, "{shown}");
    for part in [" free for ", "Cache of builds: ", "Database, logs included: ", "To make room: "] {
        assert!(shown.contains(part), "{shown}");
    }
    let json = run(command(&server.home(), &[]).args(["disk", "--json"])).expect_success();
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&json["projects"][0]["slug"], &json["projects"][0]["images"]), (&"shop".into(), &1.into()));
    assert_eq!(json["volumes"][0]["bytes"], 2 << 20, "{json}");
    let away = run(command(&server.home(), &[("DOCKER_HOST", "unix:///nowhere.sock")]).arg("disk"));
    assert!(away.expect_success().contains("Images, volumes and the cache of builds are not known: "));
    Invariants::of(&server, &ada).hold();
}

fn free_mib(disk: &SmallDisk) -> u64 {
    let statistics = rustix::fs::statvfs(disk.path()).unwrap();
    (statistics.f_bavail * statistics.f_frsize) >> 20
}

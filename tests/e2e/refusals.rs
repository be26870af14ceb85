//! Pushes that are refused before anything is done: each says what is wrong, and leaves nothing.

use crate::support::{Person, Server, WorkTree, run};
use gilgal::model::time::now;
use gilgal::store::{PageRequest, Presence, Store};
use rand::Rng;
use serde_json::json;
use std::fmt::Write as _;
use std::io::ErrorKind;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

fn expect_nothing_left(server: &Server, person: &Person) {
    assert_eq!(person.get(server, "/api/projects")["data"], json!([]));
    let left: Vec<_> = std::fs::read_dir(server.home().join("repositories")).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_push_that_is_too_large_is_refused_with_the_way_out() {
    let mut server = Server::start_with(&[("GILGAL_MAX_PUSH_MIB", "1")]);
    let ada = server.person("ada");
    let tree = WorkTree::answering("one");
    // Noise cannot be compressed.
    let mut noise = vec![0; 3 * 1024 * 1024];
    rand::rng().fill_bytes(&mut noise);
    std::fs::write(tree.path().join("noise"), noise).unwrap();
    tree.commit(&[]);
    let push = server.push(&ada, &tree, "shop", &["main"]).expect(1);
    assert!(push.says("pack exceeds maximum allowed size"), "{}", push.transcript);
    let sentence = "The push is larger than the 1 MiB that this server takes. Take large files out of its commits, or \
                    ask the operator to raise GILGAL_MAX_PUSH_MIB.";
    assert!(push.says(sentence), "{}", push.transcript);
    expect_nothing_left(&server, &ada);
}

#[test]
fn objects_that_could_write_into_a_repository_are_refused() {
    let mut server = Server::start();
    let ada = server.person("ada");
    let tree = WorkTree::answering("one");
    // A folder `.git`, which git itself would never add: its tree is written byte by byte.
    let folder = tree.git(&["rev-parse", "HEAD^{tree}"]);
    let folder: Vec<u8> =
        (0..20).map(|at| u8::from_str_radix(&folder[at * 2..at * 2 + 2], 16).unwrap()).collect();
    let file = server.folder().join("tree");
    std::fs::write(&file, [b"40000 .git\0".as_slice(), &folder].concat()).unwrap();
    let path = file.display().to_string();
    let evil = tree.git(&["hash-object", "-w", "-t", "tree", "--literally", &path]);
    let commit = tree.git(&["commit-tree", evil.trim(), "-m", "evil"]);
    let push = server.push(&ada, &tree, "shop", &[&format!("{}:refs/heads/main", commit.trim())]).expect(1);
    assert!(push.says("hasDotgit: contains '.git'"), "{}", push.transcript);
    expect_nothing_left(&server, &ada);
}

#[test]
fn a_branch_takes_commits_only() {
    let mut server = Server::start();
    let ada = server.person("ada");
    let tree = WorkTree::answering("one");
    tree.git(&["tag", "--annotate", "--message", "first", "v1"]);
    let mut told = String::new();
    for object in ["v1", "HEAD^{tree}", "HEAD:index.html"] {
        let id = tree.git(&["rev-parse", object]);
        let push = server.push(&ada, &tree, "shop", &[&format!("{}:refs/heads/main", id.trim())]).expect(1);
        for line in push.transcript.lines().filter(|line| line.contains(" !  ")) {
            writeln!(told, "{object}\n{line}").unwrap();
        }
        expect_nothing_left(&server, &ada);
    }
    insta::assert_snapshot!(told);
    // What it says is what works.
    server.push(&ada, &tree, "shop", &["v1^{commit}:refs/heads/main"]).expect(0);
}

#[test]
fn a_first_push_that_is_not_accepted_leaves_no_project() {
    let mut server = Server::start();
    let ada = server.person("ada");
    let tree = WorkTree::answering("one");
    server.push(&ada, &tree, "shop", &["-ogilgal.dry-run", "main"]).expect(1);
    expect_nothing_left(&server, &ada);
    server.push(&ada, &tree, "shop", &["-ogilgal.dryrun", "main"]).expect(1);
    expect_nothing_left(&server, &ada);
    // Nothing is pushed when git only looks.
    let url = server.git_url("shop");
    assert_eq!(ada.git(&server, tree.path(), &["push", "--dry-run", &url, "main"]).code, Some(0));
    expect_nothing_left(&server, &ada);
    // What was stored or tried stays.
    server.push(&ada, &tree, "shop", &["main:side"]).expect(0);
    assert_eq!(ada.get(&server, "/api/projects")["data"].as_array().unwrap().len(), 1);
}

#[test]
fn a_push_to_a_disabled_project_is_refused() {
    let mut server = Server::start();
    let ada = server.person("ada");
    let tree = WorkTree::answering("one");
    server.push(&ada, &tree, "shop", &["main:side"]).expect(0);
    disable_project(&server, true);
    let push = server.push(&ada, &tree, "shop", &["main"]).expect(1);
    assert!(
        push.says("The project shop is disabled. Ask the operator of this server."),
        "{}",
        push.transcript
    );
    assert!(push.says("! [remote rejected]"), "{}", push.transcript);
    assert_eq!(ada.remote_reference(&server, "shop", "refs/heads/main"), None);
    disable_project(&server, false);
    server.push(&ada, &tree, "shop", &["main:other"]).expect(0);
}

/// There is no way to do it from outside yet: it is written where the server keeps it.
fn disable_project(server: &Server, disabled: bool) {
    let url = format!("sqlite://{}", server.home().join("gilgal.db").display());
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(async {
        let store = Store::connect(&url).await.unwrap();
        let project =
            store.projects_of(None, Presence::There, PageRequest::first()).await.unwrap().data.remove(0);
        store.set_project_disabled(project.id, disabled.then(now)).await.unwrap();
    });
}

#[test]
fn what_the_server_keeps_for_itself_is_not_archived() {
    let mut server = Server::start();
    let ada = server.person("ada");
    server.deploy(&ada, &WorkTree::answering("one"), "shop");
    let repository = std::fs::read_dir(server.home().join("repositories")).unwrap().next().unwrap().unwrap();
    let mut git = Command::new("git");
    git.arg("--git-dir").arg(repository.path()).args(["for-each-ref", "--format=%(refname)", "refs/gilgal"]);
    let pin = run(&mut git).expect_success();
    let pin = pin.trim();
    let archive = |name: &str| {
        let remote = format!("--remote={}", server.git_url("shop"));
        ada.git(&server, server.folder(), &["archive", &remote, "--output=archive.tar", name])
    };
    for name in [pin, pin.trim_start_matches("refs/"), &format!("{pin}:index.html")] {
        let refused = archive(name);
        assert_ne!(refused.code, Some(0), "{name}");
        assert!(refused.stderr.contains("There is no such reference."), "{refused:?}");
    }
    archive("main").expect_success();
}

#[test]
fn nobody_else_on_the_machine_can_read_the_home() {
    let mut server = Server::start();
    let ada = server.person("ada");
    server.deploy(&ada, &WorkTree::answering("one"), "shop");
    let mut open = Vec::new();
    find_open(&server.home(), &mut open);
    assert_eq!(open, Vec::<String>::new());
}

/// Files and folders that their owner shares.
fn find_open(folder: &Path, open: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let metadata = entry.metadata().unwrap();
        if metadata.permissions().mode() & 0o077 != 0 {
            open.push(format!("{:o} {}", metadata.permissions().mode(), entry.path().display()));
        }
        if metadata.is_dir() {
            find_open(&entry.path(), open);
        }
    }
}

/// The engine fetches what a build names, from the machine's own network.
#[test]
fn a_build_fetches_nothing_from_where_nothing_may_be_fetched_from() {
    let mut server = Server::start();
    let ada = server.person("ada");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let site = format!("[images]\n\"caddy:2\" = \"{host}/a/caddy:2\"\n");
    let from = format!("ARG BASE={host}/a\nFROM $BASE/b:1\n");
    let add = format!("FROM busybox:stable\nADD http://{host}/secret /www/\n");
    for files in [
        vec![("index.html", "one"), ("gilgal.toml", site.as_str())],
        vec![("Dockerfile", from.as_str())],
        vec![("Dockerfile", add.as_str())],
        vec![("Dockerfile", "FROM busybox:stable\nADD $FROM_THE_BASE /www/\n")],
    ] {
        let push = server.push(&ada, &WorkTree::of(&files), "shop", &["main"]).expect(1);
        let is_said = push.says("127.0.0.1 is 127.0.0.1, which is no address of the internet")
            || push.says("Dockerfile fetches $FROM_THE_BASE, and it cannot be told from where.");
        assert!(is_said, "{files:?}: {}", push.transcript);
        assert_eq!(listener.accept().unwrap_err().kind(), ErrorKind::WouldBlock, "{files:?}: it was asked");
    }
}

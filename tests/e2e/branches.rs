//! What becomes of each reference of a push.

use crate::support::{Person, Server, WorkTree};
use std::process::Command;

/// A server with the app `shop`, live.
fn with_shop() -> (Server, Person, WorkTree) {
    let mut server = Server::start();
    let ada = server.person("ada");
    let tree = WorkTree::answering("one");
    server.deploy(&ada, &tree, "shop");
    (server, ada, tree)
}

#[test]
fn a_branch_that_nothing_follows_is_stored_and_not_deployed() {
    let (server, ada, tree) = with_shop();
    tree.git(&["checkout", "--quiet", "-b", "side"]);
    let side = tree.commit(&[("index.html", "two")]);

    let push = server.push(&ada, &tree, "shop", &["side"]).expect(0);
    insta::assert_snapshot!(push.redacted(&server));
    assert_eq!(ada.remote_reference(&server, "shop", "refs/heads/side"), Some(side.clone()));
    assert_eq!(server.get("shop", "/").body, "one");

    // What it says is what works.
    server.push(&ada, &tree, "shop", &["side:main"]).expect(0).expect_text("Application deployed");
    assert_eq!(ada.remote_reference(&server, "shop", "refs/heads/main"), Some(side));
    assert_eq!(server.get("shop", "/").body, "two");

    server.push(&ada, &tree, "shop", &["--delete", "side"]).expect(0);
    assert_eq!(ada.remote_reference(&server, "shop", "refs/heads/side"), None);
}

#[test]
fn a_tag_is_stored() {
    let (server, ada, tree) = with_shop();
    tree.git(&["tag", "v1"]);
    let push = server.push(&ada, &tree, "shop", &["v1"]).expect(0);
    insta::assert_snapshot!(push.redacted(&server));
    assert_eq!(ada.remote_reference(&server, "shop", "refs/tags/v1"), Some(tree.head()));
}

#[test]
fn each_reference_has_its_own_outcome() {
    let (server, ada, tree) = with_shop();
    let live = tree.head();
    tree.git(&["tag", "v2"]);
    tree.git(&["branch", "side"]);
    tree.commit(&[("Dockerfile", "FROM busybox:stable\nRUN sleep 1 && exit 3\n")]);

    let push = server.push(&ada, &tree, "shop", &["main", "side", "v2"]).expect(1);
    insta::assert_snapshot!(push.redacted(&server));
    assert_eq!(ada.remote_reference(&server, "shop", "refs/heads/main"), Some(live.clone()));
    assert_eq!(ada.remote_reference(&server, "shop", "refs/heads/side"), Some(live.clone()));
    assert_eq!(ada.remote_reference(&server, "shop", "refs/tags/v2"), Some(live));
}

#[test]
fn all_or_nothing_is_not_promised() {
    let (server, ada, tree) = with_shop();
    let live = tree.head();
    tree.git(&["branch", "side"]);
    tree.commit(&[("index.html", "two")]);
    let push = server.push(&ada, &tree, "shop", &["--atomic", "main", "side"]);
    assert!(push.code != Some(0) && push.says("does not support --atomic push"), "{}", push.transcript);
    assert_eq!(ada.remote_reference(&server, "shop", "refs/heads/main"), Some(live));
    assert_eq!(ada.remote_reference(&server, "shop", "refs/heads/side"), None);
}

#[test]
fn the_followed_branch_cannot_be_deleted() {
    let (server, ada, tree) = with_shop();
    let push = server.push(&ada, &tree, "shop", &["--delete", "main"]).expect(1);
    insta::assert_snapshot!(push.redacted(&server));
    assert_eq!(ada.remote_reference(&server, "shop", "refs/heads/main"), Some(tree.head()));
    assert_eq!(server.get("shop", "/").body, "one");
}

#[test]
fn a_rewritten_branch_needs_force() {
    let (server, ada, tree) = with_shop();
    tree.git(&["commit", "--quiet", "--amend", "--message", "another story"]);
    let push = server.push(&ada, &tree, "shop", &["main"]).expect(1);
    insta::assert_snapshot!(push.redacted(&server));
    server.push(&ada, &tree, "shop", &["--force", "main"]).expect(0);
    assert_eq!(ada.remote_reference(&server, "shop", "refs/heads/main"), Some(tree.head()));
}

#[test]
fn a_shallow_clone_is_refused_with_the_way_out() {
    let (server, ada, tree) = with_shop();
    tree.commit(&[("index.html", "two")]);
    tree.commit(&[("index.html", "three")]);
    let shallow = WorkTree::empty();
    let source = format!("file://{}", tree.path().display());
    shallow.git(&["fetch", "--quiet", "--depth", "1", &source, "main"]);
    shallow.git(&["reset", "--quiet", "--hard", "FETCH_HEAD"]);

    let push = server.push(&ada, &shallow, "other", &["main"]).expect(1);
    insta::assert_snapshot!(push.redacted(&server));
    shallow.git(&["fetch", "--quiet", "--unshallow", &source, "main"]);
    server.deploy(&ada, &shallow, "other");
    assert_eq!(server.get("other", "/").body, "three");
}

#[test]
fn an_unknown_push_option_is_refused_by_name() {
    let (server, ada, tree) = with_shop();
    tree.commit(&[]);
    let push = server.push(&ada, &tree, "shop", &["-ogilgal.dryrun", "main"]).expect(1);
    insta::assert_snapshot!(push.redacted(&server));
}

#[test]
fn a_dry_run_shows_the_plan_and_changes_nothing() {
    let mut server = Server::start();
    let ada = server.person("ada");
    let tree = WorkTree::example("node-hello");
    let push = server.push(&ada, &tree, "shop", &["-ogilgal.dry-run", "main"]).expect(1);
    insta::assert_snapshot!(push.redacted(&server));
    assert_eq!(server.engine().everything(), Vec::<String>::new());
}

#[test]
fn a_commit_can_be_stored_without_being_deployed() {
    let (server, ada, tree) = with_shop();
    let stored = tree.commit(&[("index.html", "two")]);
    let push = server.push(&ada, &tree, "shop", &["-ogilgal.no-deploy", "main"]).expect(0);
    insta::assert_snapshot!(push.redacted(&server));
    assert_eq!(ada.remote_reference(&server, "shop", "refs/heads/main"), Some(stored));
    assert_eq!(server.get("shop", "/").body, "one");
}

#[test]
fn what_was_pushed_can_be_fetched_and_archived() {
    let (server, ada, tree) = with_shop();
    let url = server.git_url("shop");
    ada.git(&server, server.folder(), &["clone", "--quiet", &url, "clone"]).expect_success();
    let clone = server.folder().join("clone");
    assert_eq!(std::fs::read_to_string(clone.join("index.html")).unwrap(), "one");

    let newer = tree.commit(&[("index.html", "two")]);
    server.deploy(&ada, &tree, "shop");
    ada.git(&server, &clone, &["fetch", "--quiet"]).expect_success();
    let fetched = ada.git(&server, &clone, &["rev-parse", "origin/main"]).expect_success();
    assert_eq!(fetched.trim(), newer);

    let archive = server.folder().join("shop.tar");
    let output = format!("--output={}", archive.display());
    let remote = format!("--remote={url}");
    ada.git(&server, server.folder(), &["archive", &remote, &output, "main"]).expect_success();
    let mut tar = Command::new("tar");
    let listed = crate::support::run(tar.arg("-tf").arg(&archive)).expect_success();
    assert_eq!(listed, "Dockerfile\nindex.html\n");

    // What the server keeps for itself is shown to nobody.
    let references = ada.git(&server, server.folder(), &["ls-remote", &url]).expect_success();
    assert!(references.contains("refs/heads/main") && !references.contains("gilgal"), "{references}");
    let hidden = ada.git(&server, &clone, &["fetch", "origin", "refs/gilgal/*:refs/x/*"]);
    let seen = ada.git(&server, &clone, &["for-each-ref", "refs/x"]).expect_success();
    assert_eq!(seen, "", "{hidden:?}");
    // And taken from nobody.
    let refused = server.push(&ada, &tree, "shop", &["main:refs/gilgal/mine"]);
    assert_eq!(refused.code, Some(1), "{}", refused.transcript);
}

#[test]
fn an_empty_working_copy_has_nothing_to_push() {
    let mut server = Server::start();
    let ada = server.person("ada");
    let tree = WorkTree::of(&[]);
    let push = server.push(&ada, &tree, "shop", &["main"]).expect(1);
    insta::assert_snapshot!(push.redacted(&server));
}

#[test]
fn a_repository_has_so_many_references_and_no_more() {
    let mut server = Server::start_with(&[("GILGAL_MAX_REFERENCES", "2")]);
    let ada = server.person("ada");
    let tree = WorkTree::answering("one");
    let push = |references: &[&str]| server.push(&ada, &tree, "shop", references);
    push(&["main:refs/tags/a", "main:refs/tags/b"]).expect(0);
    let refused = push(&["main:refs/tags/c"]).expect(1);
    refused.expect_text("more than 2 branches, tags and notes");
    assert_eq!(ada.remote_reference(&server, "shop", "refs/tags/c"), None);
    // One that is there can be moved, and one that is gone makes room.
    push(&["--force", "main:refs/tags/b"]).expect(0);
    push(&[":refs/tags/a"]).expect(0);
    push(&["main:refs/tags/c"]).expect(0);
}

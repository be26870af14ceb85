//! Files of Git LFS, which are elsewhere than the commit that has pointers to them.

use crate::hooks::LOOPBACK;
use crate::submodules::{DOCKERFILE, failed, link, live, set, submodule};
use crate::support::{GitHttp, WorkTree, with_project};
use reqwest::Method;
use serde_json::json;
use sha2::{Digest, Sha256};

/// The pointer to a file, and its id.
fn pointer(content: &[u8]) -> (String, String) {
    let oid = hex::encode(Sha256::digest(content));
    (format!("version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {}\n", content.len()), oid)
}

#[test]
fn files_of_git_lfs_are_a_part_of_the_build_where_somebody_has_said_so() {
    let elsewhere = GitHttp::start();
    let (server, ada) = with_project(LOOPBACK);
    let film = "a film, frame by frame\n".repeat(100_000);
    let (text, oid) = pointer(film.as_bytes());
    let (unneeded, _) = pointer(b"nobody has pushed it");
    let tree = WorkTree::of(&[
        ("Dockerfile", DOCKERFILE),
        (".dockerignore", "raw\n"),
        ("index.html", "shop"),
        ("film.txt", &text),
        ("raw/film.psd", &unneeded),
    ]);
    elsewhere.publish(&tree, "ada/shop.git");
    let url = elsewhere.url("ada/shop.git");
    let log = live(&server, &ada, &url);
    assert!(log.contains("pointers of Git LFS"), "{log}");
    assert_eq!(server.get("shop", "/film.txt").body, text);

    // Who asks is told to the host of the repository; what is left out of the build is not asked for.
    elsewhere.ask_for("Basic YWRhOmNhbmFyeS10b2tlbg==");
    set(&server, &ada, &json!({ "large_files": true }));
    let credential = json!({ "username": "ada", "password": "canary-token" });
    let path = format!("/api/projects/shop/credentials/{}", elsewhere.host());
    server.request(Method::PUT, &path, &ada.token, Some(&credential)).expect(200);
    let log = failed(&server, &ada, &url);
    assert!(log.contains("is not to be had: Object does not exist") && log.contains("git lfs push"), "{log}");
    elsewhere.keep(&oid, film.replace("frame", "Frame").as_bytes());
    let log = failed(&server, &ada, &url);
    assert!(log.contains("is another one"), "{log}");
    elsewhere.keep(&oid, film.as_bytes());
    let log = live(&server, &ada, &url);
    assert!(log.contains("Fetching 1 files of Git LFS") && !log.contains("canary-token"), "{log}");
    assert_eq!(server.get("shop", "/film.txt").body, film);

    // It is kept, and asked for once.
    let asked = elsewhere.seen().iter().filter(|(path, _)| path.starts_with("/large/")).count();
    tree.commit(&[("index.html", "two")]);
    elsewhere.publish(&tree, "ada/shop.git");
    live(&server, &ada, &url);
    assert_eq!(server.get("shop", "/film.txt").body, film);
    assert_eq!(elsewhere.seen().iter().filter(|(path, _)| path.starts_with("/large/")).count(), asked);
}

#[test]
fn files_of_git_lfs_in_submodules_are_asked_for_at_their_own_repository() {
    let elsewhere = GitHttp::start();
    let (server, ada) = with_project(LOOPBACK);
    set(&server, &ada, &json!({ "submodules": true, "large_files": true }));
    let (own, lent) = (pointer(b"of the shop\n"), pointer(b"of the library\n"));
    let library = WorkTree::of(&[("film.txt", &lent.0)]);
    elsewhere.publish(&library, "ada/lib.git");
    let tree = WorkTree::of(&[("Dockerfile", DOCKERFILE), ("index.html", "shop"), ("film.txt", &own.0)]);
    link(&tree, "vendor/lib", &library.head());
    tree.commit(&[(".gitmodules", &submodule("vendor/lib", "../lib.git"))]);
    elsewhere.publish(&tree, "ada/shop.git");
    let url = elsewhere.url("ada/shop.git");
    elsewhere.keep(&own.1, b"of the shop\n");
    let log = failed(&server, &ada, &url);
    assert!(log.contains(&format!("The file {} of Git LFS is not to be had", lent.1)), "{log}");
    elsewhere.keep(&lent.1, b"of the library\n");
    live(&server, &ada, &url);
    assert_eq!(server.get("shop", "/film.txt").body, "of the shop\n");
    assert_eq!(server.get("shop", "/vendor/lib/film.txt").body, "of the library\n");
    let batches =
        elsewhere.seen().into_iter().map(|(path, _)| path).filter(|path| path.ends_with("/objects/batch"));
    assert_eq!(
        batches.collect::<Vec<_>>(),
        [
            "/ada/shop.git/info/lfs/objects/batch",
            "/ada/lib.git/info/lfs/objects/batch",
            // What has come is kept.
            "/ada/lib.git/info/lfs/objects/batch",
        ]
    );
}

#[test]
fn lfsconfig_says_where_files_of_git_lfs_are_but_not_on_any_host() {
    let (elsewhere, other) = (GitHttp::start(), GitHttp::start());
    let (server, ada) = with_project(LOOPBACK);
    set(&server, &ada, &json!({ "large_files": true }));
    let (text, oid) = pointer(b"a film\n");
    let tree = WorkTree::of(&[("Dockerfile", DOCKERFILE), ("index.html", "shop"), ("film.txt", &text)]);
    let url = elsewhere.url("ada/shop.git");
    let say = |server: &str| {
        tree.commit(&[(".lfsconfig", &format!("[lfs]\n\turl = {server}\n"))]);
        elsewhere.publish(&tree, "ada/shop.git");
    };
    for host in [&elsewhere, &other] {
        host.keep(&oid, b"a film\n");
    }
    // Neither the network of the server, nor whoever writes that file, nor another way of reaching it.
    say(&other.url("films.git/info/lfs"));
    let log = failed(&server, &ada, &url);
    assert!(log.contains("which is another host than that of the project"), "{log}");
    assert!(log.contains(&format!("\"hosts\":[\"{}\"]", other.host())), "{log}");
    for (wrong, why) in
        [("file:///etc", "over https and ssh only"), ("nothing", "is not the URL of a repository")]
    {
        say(wrong);
        let log = failed(&server, &ada, &url);
        assert!(log.contains("from where .lfsconfig says") && log.contains(why), "{wrong}: {log}");
    }
    assert!(other.seen().is_empty());
    say(&other.url("films.git/info/lfs"));
    set(&server, &ada, &json!({ "large_files": true, "hosts": [other.host(), "169.254.169.254:80"] }));
    live(&server, &ada, &url);
    assert_eq!(server.get("shop", "/film.txt").body, "a film\n");
    assert_eq!(other.seen()[0].0, "/films.git/info/lfs/objects/batch");
    let (text, oid) = pointer(b"another film\n");
    tree.commit(&[("film.txt", &text)]);
    say("http://169.254.169.254/latest");
    let log = failed(&server, &ada, &url);
    assert!(log.contains("169.254.169.254 is no address of the internet"), "{log}");

    // On the host of the repository it may be anywhere.
    elsewhere.keep(&oid, b"another film\n");
    say(&elsewhere.url("films.git/info/lfs"));
    live(&server, &ada, &url);
    assert_eq!(server.get("shop", "/film.txt").body, "another film\n");
    assert!(elsewhere.seen().iter().any(|(path, _)| path == "/films.git/info/lfs/objects/batch"));
}

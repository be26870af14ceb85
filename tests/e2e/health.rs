//! Apps that do not become healthy, and release commands.

use crate::support::{Invariants, Server, WorkTree};

/// Little time and memory, so that what goes wrong does so soon.
const SETTINGS: &str = "\
[deploy.health]
deadline = \"5s\"
[processes.web]
memory = \"32M\"
";

/// Pushes an app with this start command, which has to be refused, and gives what the pusher saw.
fn refused(command: &str) -> String {
    let mut server = Server::start();
    let ada = server.person("ada");
    let dockerfile = format!("FROM busybox:stable\nCMD {command}\n");
    let tree = WorkTree::of(&[("Dockerfile", &dockerfile), ("gilgal.toml", SETTINGS)]);
    let push = server.push(&ada, &tree, "shop", &["main"]).expect(1);
    Invariants::of(&server, &ada).hold();
    push.redacted(&server)
}

#[test]
fn an_app_that_needs_too_much_memory_is_told_so() {
    insta::assert_snapshot!(refused("dd if=/dev/zero of=/dev/null bs=128M count=1; exit $?"));
}

#[test]
fn an_app_that_only_itself_can_reach_is_told_so() {
    insta::assert_snapshot!(refused("exec httpd -f -p 127.0.0.1:$PORT"));
}

#[test]
fn an_app_that_listens_elsewhere_first_has_its_time() {
    let mut server = Server::start();
    let ada = server.person("ada");
    // Another port first, as for its workers, and only much later the right one.
    let late = "FROM busybox:stable\nRUN mkdir /www && echo late > /www/index.html\n\
                CMD httpd -p 9229 -h /www; sleep 13; exec httpd -f -p $PORT -h /www\n";
    let tree = WorkTree::of(&[("Dockerfile", late)]);
    server.deploy(&ada, &tree, "shop");
    assert_eq!(server.get("shop", "/").body, "late\n");
    Invariants::of(&server, &ada).hold();
}

#[test]
fn an_app_that_closes_connections_listens_where_it_should() {
    // Takes every connection and ends it without a word.
    let transcript = refused("exec nc -ll -p $PORT -e true");
    assert!(
        transcript.contains("web.1 was not healthy within [time]: the connection was closed"),
        "{transcript}"
    );
    assert!(!transcript.contains("and not on port"), "{transcript}");
}

#[test]
fn a_release_command_runs_before_the_app_and_can_refuse_it() {
    let mut server = Server::start();
    let ada = server.person("ada");
    let dockerfile = "FROM busybox:stable\nCOPY index.html /www/\n";
    let procfile = |release: &str| format!("web: exec httpd -f -p $PORT -h /www\nrelease: {release}\n");
    let tree = WorkTree::of(&[
        ("Dockerfile", dockerfile),
        ("index.html", "one"),
        ("Procfile", &procfile("echo the tables are made")),
    ]);
    let passed = server.deploy(&ada, &tree, "shop");
    let live = tree.head();
    tree.commit(&[("index.html", "two"), ("Procfile", &procfile("echo no such column; exit 3"))]);
    let failed = server.push(&ada, &tree, "shop", &["main"]).expect(1);
    insta::assert_snapshot!(format!("{}\n{}", passed.redacted(&server), failed.redacted(&server)));
    assert_eq!(server.get("shop", "/").body, "one");
    assert_eq!(ada.remote_reference(&server, "shop", "refs/heads/main"), Some(live));
    assert_eq!(server.engine().containers().len(), 1);
}

#[test]
fn a_worker_that_crashes_while_the_web_process_starts_keeps_the_old_release() {
    let mut server = Server::start();
    let ada = server.person("ada");
    let tree = WorkTree::answering("one");
    server.deploy(&ada, &tree, "shop");
    let live = tree.head();
    // Both begin well: the worker reads its data for longer than it takes to count as running.
    let settings = "[processes.web]\ncommand = \"sleep 8; exec httpd -f -p $PORT -h /www\"\n\
                    [processes.worker]\ncommand = \"sleep 4; echo no such queue; exit 3\"\ninstances = 1\n";
    tree.commit(&[("index.html", "two"), ("gilgal.toml", settings)]);
    let push = server.push(&ada, &tree, "shop", &["main"]).expect(1);
    push.expect_text("worker.1 crashed with exit code 3").expect_text("no such queue");
    assert_eq!(server.get("shop", "/").body, "one");
    assert_eq!(ada.remote_reference(&server, "shop", "refs/heads/main"), Some(live));
    Invariants::of(&server, &ada).hold();
}

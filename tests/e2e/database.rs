//! A database that is away for a moment.

use crate::postgres::Postgres;
use crate::support::{RunningPush, Server, WorkTree};

#[test]
fn a_push_outlives_a_restart_of_the_database() {
    let mut database = Postgres::start();
    let mut server = Server::start_with(&[("DATABASE_URL", &database.url())]);
    let ada = server.person("ada");
    let tree = WorkTree::building_slowly("one", 6);
    let push = RunningPush::start(&server, &ada, &tree, "shop", &["main"]);
    push.wait_for("the slow part begins");
    // Waits for the other one: its log is nowhere but in the database.
    let waiting_tree = WorkTree::empty();
    waiting_tree.git(&["pull", "--quiet", &tree.path().display().to_string(), "main"]);
    waiting_tree.commit(&[("index.html", "two")]);
    let waiting = RunningPush::start(&server, &ada, &waiting_tree, "shop", &["main"]);
    waiting.wait_for("waiting for another deployment to end");
    database.stop();
    database.resume();
    push.finish().expect(0).expect_text("Application deployed");
    waiting.finish().expect(0).expect_text("Application deployed");
    assert_eq!(server.get("shop", "/").body, "two");
}

#[test]
fn keys_that_cannot_be_checked_are_not_called_unknown() {
    let mut database = Postgres::start();
    let mut server = Server::start_with(&[("DATABASE_URL", &database.url())]);
    let ada = server.person("ada");
    database.stop();
    for options in [&[][..], &["-o", "BatchMode=yes"]] {
        let refused = ada.ssh_with(&server, options, &["whoami"]);
        assert_eq!(refused.code, Some(255), "{}", refused.stderr);
        assert_eq!(refused.stderr.matches("cannot check keys right now").count(), 1, "{}", refused.stderr);
        assert!(!refused.stderr.contains("knows none of the keys"), "{}", refused.stderr);
    }
    database.resume();
    ada.ssh(&server, &["whoami"]).expect_success();
}

//! The Docker Engine: away, or shared with another server.

use crate::support::{Invariants, PATIENCE, Server, WorkTree, wait_until};
use std::fs;

/// A socket at which no engine answers.
const AWAY: &[(&str, &str)] = &[("DOCKER_HOST", "unix:///nonexistent/docker.sock")];

#[test]
fn without_an_engine_a_push_is_refused_with_the_reason() {
    let mut server = Server::start_with(AWAY);
    let ada = server.person("ada");
    let tree = WorkTree::answering("one");
    let push = server.push(&ada, &tree, "shop", &["main"]).expect(1);
    insta::assert_snapshot!(push.redacted(&server));
    let projects = server.request(reqwest::Method::GET, "/api/projects", &ada.token, None).expect(200);
    assert_eq!(projects["data"], serde_json::json!([]), "a project that nothing was taken for stays");

    // Storing needs no engine.
    server.push(&ada, &tree, "shop", &["main:side"]).expect(0);
    let ready = server.request(reqwest::Method::GET, "/ready", "", None);
    assert_eq!(ready.status, 503, "{}", ready.body);

    server.stop();
    server.start_again(&[]);
    server.deploy(&ada, &tree, "shop");
    assert_eq!(server.get("shop", "/").body, "one");
    Invariants::of(&server, &ada).hold();
}

#[test]
fn the_apps_are_served_before_anything_else_answers() {
    let mut server = Server::start();
    let ada = server.person("ada");
    server.deploy(&ada, &WorkTree::answering("one"), "shop");
    server.stop();
    // Nobody can tell the router where the instance is but its own table.
    server.start_again(AWAY);
    assert_eq!(server.get("shop", "/").body, "one");
    server.stop();
    server.start_again(&[]);
    Invariants::of(&server, &ada).hold();
}

#[test]
fn an_app_is_known_where_the_table_of_the_router_was_lost_and_docker_is_away() {
    let mut server = Server::start();
    let ada = server.person("ada");
    server.deploy(&ada, &WorkTree::answering("one"), "shop");
    server.stop();
    fs::remove_file(server.home().join("routes.json")).unwrap();
    server.start_again(AWAY);
    wait_until("the app is known", PATIENCE, || server.get("shop", "/").status == 503);
    assert_eq!(server.get("other", "/").status, 404);
    server.stop();
    server.start_again(&[]);
    wait_until("the app is served", PATIENCE, || server.get("shop", "/").body == "one");
    Invariants::of(&server, &ada).hold();
}

#[test]
fn two_servers_share_an_engine_and_nothing_else() {
    let (mut one, mut other) = (Server::start(), Server::start());
    let (ada, bob) = (one.person("ada"), other.person("bob"));
    let tree = WorkTree::answering("one");
    one.deploy(&ada, &tree, "shop");
    let before = one.engine().everything();
    other.deploy(&bob, &tree, "shop");
    tree.commit(&[("index.html", "two")]);
    other.deploy(&bob, &tree, "shop");
    assert_eq!(
        (one.get("shop", "/").body, other.get("shop", "/").body),
        ("one".to_owned(), "two".to_owned())
    );

    other.stop();
    other.start_again(&[]);
    drop(other);
    assert_eq!(one.engine().everything().len(), before.len());
    assert_eq!(one.engine().containers().len(), 1);
    assert_eq!(one.get("shop", "/").body, "one");
}

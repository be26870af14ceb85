//! Deleting projects, and bringing them back.

use crate::support::{Client, Invariants, PATIENCE, Server, WorkTree, wait_until};
use gilgal::model::time::now;
use gilgal::store::{PageRequest, Presence, Store};
use std::fs;
use std::time::Duration;

#[test]
fn a_deleted_project_comes_back_with_what_it_had_live() {
    let mut server = Server::start();
    let ada = server.person("ada");
    let tree = WorkTree::answering("one");
    server.deploy(&ada, &tree, "shop");
    let client = Client::new(&server, &ada, tree.path());
    client.log_in();
    let deleted = client.run(&["destroy", "-p", "shop", "--confirm", "shop"]);
    assert!(deleted.starts_with("Deleted shop. `gilgal undelete shop` brings it back until "), "{deleted}");
    assert_eq!(server.get("shop", "/").status, 404);
    assert_eq!(server.engine().containers(), [""; 0]);
    assert!(client.run(&["projects", "--deleted"]).contains("shop"));

    let push = server.push(&ada, &tree, "shop", &["main"]);
    assert!(push.says("The project shop was deleted on "), "{}", push.transcript);
    assert!(push.says("`gilgal undelete shop`"), "{}", push.transcript);

    let back = ada.ssh(&server, &["undelete", "shop"]).expect_success();
    assert_eq!(back, "shop is back. What it had live is being started.\n");
    wait_until("it is served again", PATIENCE, || server.get("shop", "/").body == "one");
    tree.commit(&[("revision", "2")]);
    server.deploy(&ada, &tree, "shop");
}

#[test]
fn what_is_deleted_for_good_goes_also_behind_a_kill() {
    let mut server = Server::start();
    let ada = server.person("ada");
    server.deploy(&ada, &WorkTree::answering("one"), "shop");
    let client = Client::new(&server, &ada, server.folder());
    client.log_in();
    client.run(&["destroy", "-p", "shop", "--confirm", "shop"]);
    assert!(!server.engine().images().is_empty());
    server.kill();
    // Its time is over while the server is not there.
    let url = format!("sqlite://{}", server.home().join("gilgal.db").display());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let store = runtime.block_on(async {
        let store = Store::connect(&url).await.unwrap();
        let page = PageRequest::first();
        let shop = store.projects_of(None, Presence::Deleted, page).await.unwrap().data.remove(0);
        store.mark_project_deleted(shop.id, now()).await.unwrap();
        store
    });
    // Killed again while it removes, at any moment.
    for pause in [0, 100, 400] {
        server.start_again(&[]);
        std::thread::sleep(Duration::from_millis(pause));
        server.kill();
    }
    server.start_again(&[]);
    wait_until("the project is removed", PATIENCE, || {
        let page = PageRequest::first();
        runtime.block_on(store.projects_of(None, Presence::Either, page)).unwrap().data.is_empty()
    });
    assert_eq!(server.engine().everything(), [""; 0]);
    let repositories = || fs::read_dir(server.home().join("repositories")).unwrap().count();
    wait_until("its repository is removed", PATIENCE, || repositories() == 0);
    server.deploy(&ada, &WorkTree::answering("two"), "shop");
    Invariants::of(&server, &ada).hold();
}

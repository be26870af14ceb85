//! Projects and keys from the command line.

use super::terminal::{Terminal, assert_screen};
use crate::support::TestServer;
use std::fs;

#[tokio::test(flavor = "multi_thread")]
async fn a_project_is_created_shown_and_destroyed() {
    let server = TestServer::start().await;
    let ada = Terminal::logged_in(&server, "ada").await;
    assert_screen!("no_projects", ada.run(&["projects"]).await);
    ada.init_repository(&[]).await;
    assert_screen!("create", ada.run(&["create", "My Shop"]).await);
    assert_eq!(ada.git(&["remote", "get-url", "gilgal"]).await, "ssh://git@git.test:2222/my-shop.git\n");
    assert_screen!("info", ada.run(&["info"]).await);
    assert_screen!("info_json", ada.run(&["info", "--json"]).await);
    assert_screen!("open", ada.run(&["open"]).await);
    assert_screen!("status", ada.run(&["status"]).await);
    let status = ada.run(&["status", "--json"]).await.json();
    assert_eq!(
        (&status["account"]["username"], &status["project"]["slug"]),
        (&"ada".into(), &"my-shop".into())
    );

    assert_screen!("destroy_unasked", ada.run(&["destroy"]).await);
    assert_screen!("destroy_another", ada.run(&["destroy", "--confirm", "shop"]).await);
    assert!(server.surroundings.removed.lock().unwrap().is_empty());
    assert_screen!("destroy", ada.run(&["destroy", "--confirm", "my-shop"]).await);
    assert_eq!(*server.surroundings.removed.lock().unwrap(), ["my-shop", "images"]);
    assert_screen!("destroyed", ada.run(&["info"]).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_remote_that_is_there_is_left_as_it_is() {
    let server = TestServer::start().await;
    let ada = Terminal::logged_in(&server, "ada").await;
    ada.init_repository(&[("gilgal", "ssh://git@elsewhere/old.git")]).await;
    assert_screen!("remote_is_taken", ada.run(&["create", "Shop"]).await);
    assert_eq!(ada.git(&["remote", "get-url", "gilgal"]).await, "ssh://git@elsewhere/old.git\n");
    ada.run(&["create", "--remote", "live"]).await.expect(0);
    assert_eq!(ada.git(&["remote", "get-url", "live"]).await, "ssh://git@git.test:2222/work.git\n");
    ada.run(&["create", "other", "--no-remote"]).await.expect(0);
    assert_eq!(ada.git(&["remote"]).await, "gilgal\nlive\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_fit_the_terminal() {
    let server = TestServer::start().await;
    let ada = Terminal::logged_in(&server, "ada").await;
    for name in ["Shop", "A project with a name that goes on and on", "日本語 shop"] {
        ada.run(&["create", name]).await.expect(0);
    }
    for columns in [40, 60, 120] {
        let narrow = ada.run_with(&["projects"], &[("COLUMNS", &columns.to_string())], "").await;
        assert!(narrow.stdout.lines().all(|line| line.chars().count() <= columns), "{narrow}");
        assert_eq!(narrow.stdout.lines().count(), 4);
        assert_screen!(format!("projects_in_{columns}_columns"), narrow);
    }
    let json = ada.run(&["projects", "--json"]).await.expect(0).json();
    assert_eq!(json.as_array().unwrap().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_project_is_the_one_that_a_remote_points_at() {
    let server = TestServer::start().await;
    let ada = Terminal::logged_in(&server, "ada").await;
    ada.run(&["create", "shop"]).await.expect(0);
    ada.run(&["create", "blog"]).await.expect(0);
    assert_screen!("which_project", ada.run(&["info"]).await);
    let name =
        async |terminal: &Terminal| terminal.run(&["info", "--json"]).await.expect(0).json()["slug"].clone();

    // Remotes of other servers do not count, whatever they are called.
    let elsewhere = [("origin", "git@github.test:ada/shop.git"), ("old", "ssh://git@git.test:22/blog.git")];
    ada.init_repository(&elsewhere).await;
    assert_eq!(ada.run(&["info"]).await.code, 2);
    ada.git(&["remote", "add", "live", "ssh://git@git.test:2222/shop.git"]).await;
    assert_eq!(name(&ada).await, "shop");
    ada.git(&["remote", "add", "more", "ssh://git@git.test:2222/blog.git"]).await;
    assert_screen!("which_of_two_projects", ada.run(&["info"]).await);
    ada.git(&["remote", "rename", "more", "gilgal"]).await;
    assert_eq!(name(&ada).await, "blog");
    assert_eq!(ada.run(&["info", "-p", "shop", "--json"]).await.json()["slug"], "shop");

    ada.git(&["remote", "set-url", "gilgal", "ssh://git@another.test:2222/blog.git"]).await;
    assert_screen!("remote_of_another_server", ada.run(&["destroy", "--confirm", "blog"]).await);
    assert!(server.surroundings.removed.lock().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_added_listed_and_removed() {
    const KEY: &str = "ssh-ed25519 \
        AAAAC3NzaC1lZDI1NTE5AAAAIHV1Ts2Ai8gMUG+V0ZkPHGFkwjNVTmfZtGzD+vDNYYVr ada@laptop";
    let server = TestServer::start().await;
    let ada = Terminal::logged_in(&server, "ada").await;
    assert_screen!("no_keys", ada.run(&["keys"]).await);
    assert_screen!("no_key_to_add", ada.run(&["keys", "add"]).await);
    fs::write(ada.work().join("id"), "-----BEGIN OPENSSH PRIVATE KEY-----\n").unwrap();
    assert_screen!("private_key", ada.run(&["keys", "add", "id"]).await);
    fs::write(ada.work().join("id.pub"), "ssh-dss AAAA old").unwrap();
    assert_screen!("refused_key", ada.run(&["keys", "add", "id.pub"]).await);
    fs::write(ada.work().join("id.pub"), KEY).unwrap();
    assert_screen!("key_added", ada.run(&["keys", "add", "id.pub"]).await);
    assert_screen!("key_taken", ada.run(&["keys", "add", "id.pub", "--title", "again"]).await);
    assert_screen!("keys", ada.run(&["keys"]).await);
    assert_screen!("no_such_key", ada.run(&["keys", "remove", "laptop"]).await);
    assert_screen!("key_removed", ada.run(&["keys", "remove", "ada@laptop"]).await);
    assert_eq!(ada.run(&["keys", "--json"]).await.json(), serde_json::json!([]));
}

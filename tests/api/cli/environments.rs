//! Environments from the command line.

use super::terminal::{Terminal, assert_screen};
use crate::support::TestServer;

#[tokio::test(flavor = "multi_thread")]
async fn environments_are_made_changed_and_removed() {
    let server = TestServer::start().await;
    let ada = Terminal::logged_in(&server, "ada").await;
    ada.init_repository(&[]).await;
    ada.run(&["create", "Shop"]).await.expect(0);
    assert_screen!("only_production", ada.run(&["env"]).await);
    assert_screen!("created", ada.run(&["env", "create", "staging", "--branch", "dev"]).await);
    assert_screen!("created_without_a_branch", ada.run(&["env", "create", "review"]).await);
    let list = ada.run(&["env", "list"]).await;
    assert_eq!(list.stdout, ada.run(&["environments"]).await.stdout);
    assert_screen!("environments", list);
    assert_eq!(ada.run(&["env", "--json"]).await.json().as_array().unwrap().len(), 3);
    assert_screen!("info", ada.run(&["env", "info", "staging"]).await);
    assert_screen!("opened", ada.run(&["open", "-e", "staging"]).await);
    assert_screen!("followed", ada.run(&["env", "follow", "review", "next"]).await);
    assert_screen!("followed_no_more", ada.run(&["env", "follow", "staging", "--none"]).await);
    assert_screen!("follows_what", ada.run(&["env", "follow", "staging"]).await);
    assert_screen!("destroyed_unasked", ada.run(&["env", "destroy", "staging"]).await);
    assert_screen!("destroyed_another", ada.run(&["env", "destroy", "staging", "--confirm", "shop"]).await);
    assert_screen!("destroyed", ada.run(&["env", "destroy", "staging", "--confirm", "staging"]).await);
    assert_eq!(server.surroundings.removed.lock().unwrap().first().map(String::as_str), Some("staging"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_environment_can_be_is_refused() {
    let server = TestServer::start().await;
    let ada = Terminal::logged_in(&server, "ada").await;
    ada.init_repository(&[]).await;
    ada.run(&["create", "Shop"]).await.expect(0);
    assert_screen!("no_such_environment", ada.run(&["env", "info", "nowhere"]).await);
    assert_screen!("of_no_environment", ada.run(&["config", "-e", "nowhere"]).await);
    assert_screen!("name_is_taken", ada.run(&["env", "create", "production"]).await);
    assert_screen!("branch_is_taken", ada.run(&["env", "create", "other", "--branch", "main"]).await);
    assert_screen!("no_name", ada.run(&["env", "create", "My Env"]).await);
    let production = ["env", "destroy", "production", "--confirm", "production"];
    assert_screen!("production_stays", ada.run(&production).await);
}

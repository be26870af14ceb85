//! Config vars from the command line.

use super::terminal::{Terminal, assert_screen};
use crate::support::{Options, released};
use std::fs;

#[tokio::test(flavor = "multi_thread")]
async fn config_vars_are_set_shown_and_removed() {
    let (_server, ada, _) = Terminal::with_shop(Options::default()).await;
    assert_screen!("no_config", ada.run(&["config"]).await);
    assert_screen!("no_history", ada.run(&["config", "history"]).await);
    assert_screen!("set", ada.run(&["config", "set", "GREETING=hello world", "EMPTY=", "URL=a=b"]).await);
    assert_screen!("set_again", ada.run(&["config", "set", "GREETING=hello world"]).await);
    let secret = ada.types(&["config", "set", "TOKEN", "--secret"], "canary\n").await;
    assert_screen!("set_what_is_asked_for", secret);
    ada.run(&["config", "set", "VITE_TITLE=Shop", "--scope", "both"]).await.expect(0);
    assert_screen!("config", ada.run(&["config"]).await);
    assert_screen!("config_list", ada.run(&["config", "list"]).await);
    assert_screen!("got", ada.run(&["config", "get", "GREETING"]).await);
    assert_eq!(ada.run(&["config", "get", "URL"]).await.stdout, "a=b\n");
    assert_screen!("got_a_secret", ada.run(&["config", "get", "TOKEN"]).await);
    assert_screen!("got_nothing", ada.run(&["config", "get", "NOWHERE"]).await);
    assert_screen!("exported", ada.run(&["config", "export"]).await);
    assert_screen!("unset", ada.run(&["config", "unset", "EMPTY", "URL"]).await);
    assert_screen!("unset_again", ada.run(&["config", "rm", "EMPTY"]).await);
    assert_screen!("history", ada.run(&["config", "history"]).await);
    let all = ada.run(&["config", "--json"]).await;
    assert!(!all.stdout.contains("canary") && all.json().as_array().unwrap().len() == 3, "{all}");
    // Another environment has its own.
    ada.run(&["env", "create", "staging"]).await.expect(0);
    assert_screen!("no_config_of_staging", ada.run(&["config", "-e", "staging"]).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_imported() {
    let (_server, ada, _) = Terminal::with_shop(Options::default()).await;
    fs::write(ada.work().join(".env"), "# of ada\nA=one\nexport B='two words'\n").unwrap();
    assert_screen!("imported", ada.run(&["config", "import", ".env"]).await);
    let typed = ada.types(&["config", "import", "--secret", "--scope", "build"], "C=canary\n").await;
    assert_screen!("imported_what_was_typed", typed);
    assert_screen!("imported_config", ada.run(&["config"]).await);
    fs::write(ada.work().join(".env"), "A=one\nB-B canary\n").unwrap();
    let refused = ada.run(&["config", "import", ".env"]).await;
    assert!(!refused.stderr.contains("canary"), "{refused}");
    assert_screen!("imported_nonsense", refused);
    assert_screen!("imported_no_file", ada.run(&["config", "import", "nowhere.env"]).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_config_var_is_refused() {
    let (_server, ada, _) = Terminal::with_shop(Options::default()).await;
    assert_screen!("no_name", ada.run(&["config", "set", "MY-VAR=1"]).await);
    assert_screen!("a_name_of_the_server", ada.run(&["config", "set", "PORT=80"]).await);
    assert_screen!("an_unknown_reference", ada.run(&["config", "set", "A=${NOWHERE}"]).await);
    assert_screen!("no_value", ada.run(&["config", "set", "TOKEN"]).await);
    assert_screen!("no_scope", ada.run(&["config", "set", "A=1", "--scope", "all"]).await);
    assert_screen!("no_word", ada.run(&["config", "A=1"]).await);
    assert_screen!("the_colon_of_others", ada.run(&["config:set", "A=1"]).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_live_gets_a_change() {
    let (server, ada, shop) = Terminal::with_shop(Options::default()).await;
    Box::pin(released(&server.store, &shop, "sha256:1", &[])).await;
    assert_screen!("restarted", ada.run(&["config", "set", "A=1", "B=2", "--detach"]).await);
    let json = ada.run(&["config", "unset", "A", "--detach", "--json"]).await.expect(0).json();
    assert_eq!((&json["effect"], &json["deployment"]["status"]), (&"restart".into(), &"queued".into()));
}

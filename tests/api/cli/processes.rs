//! What runs, from the command line: `ps`, `scale`, `restart`, `logs --app`, `run`.

use super::terminal::{Terminal, assert_screen};
use crate::support::{Options, released};

#[tokio::test(flavor = "multi_thread")]
async fn what_runs_is_shown_and_changed() {
    let (server, ada, shop) = Terminal::with_shop(Options::default()).await;
    assert_screen!("nothing_runs", ada.run(&["ps"]).await);
    assert_screen!("nothing_is_set", ada.run(&["scale"]).await);
    assert_screen!("nothing_to_scale", ada.run(&["scale", "web=2"]).await);
    assert_screen!("nothing_to_restart", ada.run(&["restart"]).await);
    Box::pin(released(&server.store, &shop, "sha256:1", &[])).await;
    assert_screen!("scaled_already", ada.run(&["scale", "web=1"]).await);
    assert_screen!("scaled", ada.run(&["scale", "web=2", "--detach"]).await);
    assert_screen!("what_is_set", ada.run(&["scale"]).await);
    assert_screen!("no_such_process", ada.run(&["scale", "worker=1"]).await);
    assert_screen!("no_count", ada.run(&["scale", "web"]).await);
    assert_screen!("too_many", ada.run(&["scale", "web=500"]).await);
    assert_screen!("restarted", ada.run(&["restart", "--detach"]).await);
    let json = ada.run(&["restart", "--detach", "--json"]).await.expect(0).json();
    assert_eq!(json["status"], "queued");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_that_has_printed_nothing_is_told() {
    let (_server, ada, _) = Terminal::with_shop(Options::default()).await;
    assert_screen!("nothing_printed", ada.run(&["logs", "--app"]).await);
    assert_screen!("nothing_found", ada.run(&["logs", "--app", "--search", "a b&c", "--since", "1h"]).await);
    assert_screen!("no_moment", ada.run(&["logs", "--app", "--since", "yesterday"]).await);
    assert_screen!("nothing_printed_by_one", ada.run(&["logs", "--app", "--ps", "web.1"]).await);
    assert_eq!(ada.run(&["logs", "--app", "--json"]).await.json(), serde_json::json!([]));
    assert_screen!("no_process", ada.run(&["logs", "--app", "--process", "../x"]).await);
    assert_screen!("lines_of_what", ada.run(&["logs", "-n", "5"]).await);
    let nowhere = Options { docker_host: Some("unix:///nowhere.sock"), ..Options::default() };
    let (_server, ada, _) = Terminal::with_shop(nowhere).await;
    assert_screen!("engine_is_away", ada.run(&["ps"]).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_cannot_run_is_explained() {
    let (_server, ada, _) = Terminal::with_shop(Options::default()).await;
    assert_screen!("nothing_to_run", ada.run(&["run"]).await);
    assert_screen!("runs_beside_nothing", ada.run(&["run", "--", "bash"]).await);
    assert_screen!("runs_nowhere", ada.run(&["run", "-e", "staging", "echo $HOME | wc -c"]).await);
    let nobody = [("GILGAL_TOKEN", "glg_nobody")];
    assert_screen!("runs_for_nobody", ada.run_with(&["run", "ls"], &nobody, "").await);
}

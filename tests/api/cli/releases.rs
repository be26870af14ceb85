//! Releases from the command line: `releases`, `rollback`, `promote`.

use super::terminal::{Terminal, assert_screen};
use crate::support::{Options, released};
use tokio::task::block_in_place;

#[tokio::test(flavor = "multi_thread")]
async fn releases_are_listed_and_gone_back_to() {
    let (server, ada, shop) = Terminal::with_shop(Options::default()).await;
    assert_screen!("no_releases", ada.run(&["releases"]).await);
    assert_screen!("nothing_before", ada.run(&["rollback"]).await);
    Box::pin(released(&server.store, &shop, "sha256:1", &[("A", "sealed"), ("GONE", "sealed")])).await;
    Box::pin(released(&server.store, &shop, "sha256:2", &[("A", "resealed")])).await;
    let list = ada.run(&["releases"]).await;
    assert_eq!(list.stdout, ada.run(&["releases", "list"]).await.stdout);
    assert_screen!("releases", list);
    assert_screen!("release", ada.run(&["releases", "info", "v2"]).await);
    assert_screen!("no_such_release", ada.run(&["releases", "info", "v9"]).await);
    assert_screen!("no_release", ada.run(&["releases", "info", "newest"]).await);
    assert_screen!("rolled_back_to_what_is_live", ada.run(&["rollback", "v2"]).await);
    assert_screen!("rolled_back_to_none", ada.run(&["rollback", "v9"]).await);

    let asked = |more: &[&str], answer: &str| {
        block_in_place(|| {
            let mut window = ada.open(&[&["rollback", "--detach"], more].concat(), 70);
            window.wait_for("Go on?");
            window.types(answer);
            window.finish()
        })
    };
    assert_screen!("rollback_not_confirmed", asked(&[], "n\n"));
    assert_screen!("rollback_with_a_build_not_confirmed", asked(&["--rebuild"], "n\n"));
    assert_screen!("rollback_confirmed", asked(&[], "y\n"));
    let json = ada.run(&["rollback", "1", "--detach", "--json"]).await.expect(0).json();
    assert_eq!((&json["source"], &json["made_from"]["version"]), (&"rollback".into(), &1.into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_is_promoted() {
    let (server, ada, shop) = Terminal::with_shop(Options::default()).await;
    assert_screen!("nothing_to_promote", ada.run(&["promote", "--to", "staging"]).await);
    Box::pin(released(&server.store, &shop, "sha256:1", &[])).await;
    assert_screen!("promoted_to_nowhere", ada.run(&["promote", "--to", "staging"]).await);
    ada.run(&["env", "create", "staging"]).await.expect(0);
    assert_screen!("promoted_to_itself", ada.run(&["promote", "--to", "production"]).await);
    assert_screen!("promoted", ada.run(&["promote", "--to", "staging", "--detach"]).await);
    assert_screen!("deployments_of_two", ada.run(&["deployments"]).await);
    assert_screen!("deployments_of_staging", ada.run(&["deployments", "-e", "staging"]).await);
    assert_screen!("cancelled_of_staging", ada.run(&["cancel", "-e", "staging"]).await);
}

//! API keys from the command line.

use super::terminal::{Terminal, assert_screen};
use crate::support::TestServer;

#[tokio::test(flavor = "multi_thread")]
async fn api_keys_are_made_replaced_and_revoked() {
    let server = TestServer::start().await;
    let ada = Terminal::logged_in(&server, "ada").await;
    assert_screen!("no_tokens", ada.run(&["tokens"]).await);
    let created = ada.run(&["tokens", "create", "ci", "--scope", "read"]).await;
    let key = created.stdout.trim().to_owned();
    assert_screen!("created", created);
    let whoami = async |key: &str| {
        let address = ada.address();
        let variables = [("GILGAL_URL", address.as_str()), ("GILGAL_TOKEN", key)];
        ada.run_with(&["whoami"], &variables, "").await.code
    };
    assert_eq!(whoami(&key).await, 0);
    let json =
        ada.run(&["tokens", "create", "deploys", "--scope", "deploy", "--expires", "30", "--json"]).await;
    assert!(json.expect(0).json()["expires_at"].is_string());
    assert_screen!("tokens", ada.run(&["tokens", "list"]).await);

    let rotated = ada.run(&["tokens", "rotate", "ci"]).await;
    let newer = rotated.stdout.trim().to_owned();
    assert_screen!("rotated", rotated);
    assert_eq!((whoami(&key).await, whoami(&newer).await), (3, 0));
    assert_screen!("overlap_is_too_long", ada.run(&["tokens", "rotate", "ci", "--overlap", "999999"]).await);
    assert_screen!("revoked", ada.run(&["tokens", "revoke", "ci"]).await);
    assert_eq!(whoami(&newer).await, 3);
    assert_screen!("no_such_token", ada.run(&["tokens", "revoke", "ci"]).await);
    assert_screen!("no_scope", ada.run(&["tokens", "create", "ci"]).await);
    assert_screen!("unknown_scope", ada.run(&["tokens", "create", "ci", "--scope", "all"]).await);
    for _ in 0..2 {
        ada.run(&["tokens", "create", "twin", "--scope", "read"]).await.expect(0);
    }
    assert_screen!("which_of_two", ada.run(&["tokens", "revoke", "twin"]).await);
}

/// A key says which scope it lacks.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_does_not_reach_is_told() {
    let server = TestServer::start().await;
    let ada = Terminal::logged_in(&server, "ada").await;
    let key = ada.run(&["tokens", "create", "ci", "--scope", "read"]).await.expect(0).stdout;
    let address = ada.address();
    let variables = [("GILGAL_URL", address.as_str()), ("GILGAL_TOKEN", key.trim())];
    assert_screen!("out_of_reach", ada.run_with(&["create", "Shop"], &variables, "").await);
}

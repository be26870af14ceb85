//! Webhooks from the command line.

use super::terminal::{Screen, Terminal, assert_screen};
use crate::support::{Options, deployment};

/// What stands on a screen, without the ends of ids.
fn redacted(screen: &Screen, ids: &[(&str, &str)]) -> String {
    ids.iter().fold(screen.to_string(), |text, (id, name)| text.replace(id, name))
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_are_added_listed_tested_and_removed() {
    let (server, ada, shop) = Terminal::with_shop(Options::default()).await;
    assert_screen!("none", ada.run(&["webhooks", "-p", "shop"]).await);
    let url = "https://hooks.example.com/in";
    let added = ada.run(&["webhooks", "add", url, "-p", "shop", "--json"]).await.expect(0).json();
    let secret = added["secret"].as_str().unwrap();
    assert!(secret.starts_with("glw_"));
    let id = added["id"].as_str().unwrap();
    let end = &id[id.len() - 8..];
    let slack = ["webhooks", "add", "https://hooks.slack.com/services/x", "-p", "shop", "--format", "slack"];
    let slack = [&slack[..], &["--event", "deployment.failed", "--json"]].concat();
    let slack = ada.run(&slack).await.expect(0).json()["id"].as_str().unwrap().to_owned();
    let other = &slack[slack.len() - 8..];
    let ids = [(end, "[json..]"), (other, "[slack.]")];
    assert_screen!("webhooks", redacted(&ada.run(&["webhooks", "-p", "shop"]).await, &ids));
    assert_screen!("which", ada.run(&["webhooks", "test", "-p", "shop"]).await);
    assert_screen!("test", redacted(&ada.run(&["webhooks", "test", end, "-p", "shop"]).await, &ids));
    deployment(&server.store, &shop).await;
    let log = ada.run(&["webhooks", "deliveries", url, "-p", "shop", "--json"]).await.expect(0).json();
    let kinds: Vec<&str> = log.as_array().unwrap().iter().map(|one| one["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["deployment.queued", "webhook.test"]);
    let delivery = |number: usize| log[number]["id"].as_str().unwrap().to_owned();
    let ends = [0, 1].map(delivery).map(|id| id[id.len() - 8..].to_owned());
    let shown = [(ends[0].as_str(), "[queued]"), (ends[1].as_str(), "[tested]")];
    assert_screen!(
        "deliveries",
        redacted(
            &ada.run(&["webhooks", "deliveries", end, "-p", "shop"]).await,
            &[ids[0], shown[0], shown[1]]
        )
    );
    let again = ada.run(&["webhooks", "redeliver", end, &ends[0], "-p", "shop"]).await;
    assert_screen!("again", redacted(&again, &[ids[0], shown[0]]));
    let rotated = ada.run(&["webhooks", "rotate", end, "-p", "shop", "--overlap", "60"]).await.expect(0);
    assert!(rotated.stdout.starts_with("glw_") && rotated.stdout.trim() != secret);
    assert_screen!(
        "not_signed",
        redacted(&ada.run(&["webhooks", "rotate", other, "-p", "shop"]).await, &ids)
    );
    assert_screen!("removed", redacted(&ada.run(&["webhooks", "remove", other, "-p", "shop"]).await, &ids));
    assert_screen!("no_such", ada.run(&["webhooks", "remove", "12345678", "-p", "shop"]).await);
    assert_screen!(
        "no_mail",
        ada.run(&["webhooks", "add", "ops@example.com", "--format", "email", "-p", "shop"]).await
    );
    assert_screen!(
        "no_event",
        ada.run(&["webhooks", "add", url, "--event", "deployment.exploded", "-p", "shop"]).await
    );
    assert_screen!("inside", ada.run(&["webhooks", "add", "https://10.0.0.1/in", "-p", "shop"]).await);

    // One that takes nothing says so, until somebody begins anew.
    let off =
        gilgal::store::WebhookUpdate { enabled: Some(Err("It has taken nothing.")), ..Default::default() };
    server.store.update_webhook(id.parse().unwrap(), off, None).await.unwrap();
    assert_screen!("disabled", redacted(&ada.run(&["webhooks", "-p", "shop"]).await, &ids));
    assert_screen!("enabled", redacted(&ada.run(&["webhooks", "enable", end, "-p", "shop"]).await, &ids));
    assert!(
        ada.run(&["webhooks", "-p", "shop", "--json"]).await.expect(0).json()[0]["enabled"]
            .as_bool()
            .unwrap()
    );
}

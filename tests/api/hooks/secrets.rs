//! What a delivery is proved by, and what a hook is connected to.

use super::{Hook, PING, PUSH, REPOSITORY, connected, deployments};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_hook_and_a_wrong_signature_are_the_same() {
    let (_server, ada, hook) = connected("github").await;
    let right = format!("sha256={}", hook.mac(&[PUSH]));
    let sha1 = "sha1=0000000000000000000000000000000000000000";
    let other_body = format!("sha256={}", hook.mac(&[PING]));
    let unknown = Hook { path: format!("/webhooks/github/{}", uuid::Uuid::now_v7()), ..hook.clone() };
    let other_provider = Hook { path: hook.path.replace("github", "gitea"), ..hook.clone() };
    let no_provider = Hook { path: hook.path.replace("github", "nothing"), ..hook.clone() };
    let mut said = HashSet::new();
    for (hook, headers) in [
        (&hook, vec![]),
        (&hook, vec![("x-hub-signature-256", "")]),
        (&hook, vec![("x-hub-signature-256", "sha256=")]),
        (&hook, vec![("x-hub-signature-256", &right[7..])]),
        (&hook, vec![("x-hub-signature-256", &right[..69])]),
        (&hook, vec![("x-hub-signature-256", other_body.as_str())]),
        (&hook, vec![("x-hub-signature", sha1)]),
        (&hook, vec![("x-gitlab-token", hook.secret.as_str())]),
        (&hook, vec![("authorization", hook.secret.as_str())]),
        (&unknown, vec![("x-hub-signature-256", right.as_str())]),
        (&no_provider, vec![("x-hub-signature-256", right.as_str())]),
        (&other_provider, vec![("x-gitea-signature", &right[7..])]),
    ] {
        let mut headers = headers;
        headers.extend([("x-github-event", "push"), ("x-github-delivery", "1")]);
        let reply = hook.send(&headers, PUSH).await;
        assert_eq!(reply.refusal(404), "hook_not_found");
        let mut body = reply.expect(404);
        body["error"]["request_id"].take();
        said.insert(body.to_string());
    }
    assert_eq!(said.len(), 1, "{said:?}");
    assert_eq!(deployments(&ada).await, Vec::<Value>::new());
    assert_eq!(ada.get(&format!("{}/deliveries", hook.url())).await.expect(200)["data"], json!([]));
    // Whoever sets it up sees that something came, a moment later.
    while ada.get(&hook.url()).await.expect(200)["refused_at"].is_null() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    hook.github("push", "1", PUSH).await.expect(202);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guesser_has_nothing_written_for_a_minute() {
    let (server, ada, hook) = connected("github").await;
    let guesser = Hook { secret: "glh_guess".to_owned(), ..hook.clone() };
    let refused_at = async || ada.get(&hook.url()).await.expect(200)["refused_at"].take();
    assert_eq!(guesser.github("push", "1", PUSH).await.refusal(404), "hook_not_found");
    while refused_at().await.is_null() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    server.execute("UPDATE hooks SET refused_at = NULL");
    for number in 2..20 {
        guesser.github("push", &number.to_string(), PUSH).await.refusal(404);
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(refused_at().await, Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_shown_once_and_rotated_with_an_overlap() {
    let (server, ada, hook) = connected("github").await;
    for shown in [ada.get(&hook.url()).await, ada.get("/api/projects/shop/hooks").await] {
        assert!(!shown.text.contains("glh_") && shown.status == 200, "{}", shown.text);
    }
    let rotate = format!("{}/rotate", hook.url());
    let rotated = ada.post(&rotate, json!({})).await.expect(200);
    let new = Hook { secret: rotated["secret"].as_str().unwrap().to_owned(), ..hook.clone() };
    assert!(rotated["previous_until"].is_string());
    hook.github("ping", "1", PING).await.expect(200);
    new.github("ping", "2", PING).await.expect(200);

    // The overlap is over.
    let newest = ada.post(&rotate, json!({ "overlap_seconds": 0 })).await.expect(200);
    let newest = Hook { secret: newest["secret"].as_str().unwrap().to_owned(), ..hook.clone() };
    for old in [&hook, &new] {
        assert_eq!(old.github("ping", "3", PING).await.refusal(404), "hook_not_found");
    }
    newest.github("ping", "3", PING).await.expect(200);
    assert_eq!(
        ada.post(&rotate, json!({ "overlap_seconds": 604_801 })).await.refused_fields(),
        ["overlap_seconds"]
    );

    let audit = ada.get("/api/projects/shop/audit").await;
    assert!(audit.text.contains("rotate_hook") && !audit.text.contains("glh_"), "{}", audit.text);
    assert!(!server.database_has("glh_"), "a secret is kept in plain text");
    // It is sealed again with everything else.
    ada.post(&rotate, json!({})).await.expect(200);
    let id = hook.id.parse().unwrap();
    let before = server.store.hook(id).await.unwrap();
    let purpose = gilgal::model::hook::seal_purpose(id);
    let again =
        |named: &str, sealed: &str| Ok::<_, ()>((named == purpose).then(|| format!("again {sealed}")));
    server.store.seal_again(again).await.unwrap().unwrap();
    let after = server.store.hook(id).await.unwrap();
    assert_eq!(after.sealed_secret, format!("again {}", before.sealed_secret));
    assert_eq!(after.sealed_previous, before.sealed_previous.map(|sealed| format!("again {sealed}")));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_connected_is_refused_by_its_field() {
    let (_server, ada, hook) = connected("github").await;
    for (body, field) in [
        (json!({ "provider": "svn", "repository": REPOSITORY }), "provider"),
        (json!({ "provider": "github", "repository": "http://code.example/a" }), "repository"),
        (json!({ "provider": "github", "repository": "https://127.0.0.1/a" }), "repository"),
        (json!({ "provider": "github", "repository": "https://ada:secret@code.example/a" }), "repository"),
        (
            json!({ "provider": "github", "repository": REPOSITORY, "tag_environment": "none" }),
            "tag_environment",
        ),
        (json!({ "provider": "github", "repository": REPOSITORY, "secret": "hunter2" }), "secret"),
    ] {
        let reply = ada.post("/api/projects/shop/hooks", body.clone()).await;
        assert_eq!(reply.refused_fields(), [field], "{body}");
    }
    for _ in 1..20 {
        Hook::create(&ada, "github").await;
    }
    let body = json!({ "provider": "github", "repository": REPOSITORY });
    assert_eq!(ada.post("/api/projects/shop/hooks", body).await.refusal(409), "too_many_hooks");
    ada.delete(&hook.url()).await.expect(204);
    assert_eq!(hook.github("ping", "1", PING).await.refusal(404), "hook_not_found");
}

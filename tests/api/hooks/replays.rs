//! What was seen on its way and is sent again, and the signing tokens of GitLab.

use super::{Hook, PUSH, connected, deployments, push};
use crate::support::{Client, Reply};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gilgal::model::time::now;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

#[tokio::test(flavor = "multi_thread")]
async fn what_is_signed_is_known_under_every_id() {
    let (_server, ada, hook) = connected("github").await;
    let first = hook.github_bytes("push", "1", PUSH).await.expect(202);
    let path = format!("/api/deployments/{}/cancel", first["deployment_id"].as_str().unwrap());
    ada.post(&path, json!({})).await.expect(202);
    for (event, id) in [("push", "2"), ("push", ""), ("pull_request", "3")] {
        let again = hook.github_bytes(event, id, PUSH).await.expect(202);
        assert_eq!((&again["id"], &again["replayed"]), (&first["id"], &json!(true)), "{event} {id}");
    }
    assert_eq!(deployments(&ada).await.len(), 1);
    // Somebody here may ask for it once more, and as often as they want; what is on its way is not known by that.
    let again = format!("{}/deliveries/{}/redeliver", hook.url(), first["id"].as_str().unwrap());
    for _ in 0..2 {
        let again = ada.post(&again, json!({})).await.expect(202);
        assert_eq!((&again["redelivery_of"], &again["replayed"]), (&first["id"], &Value::Null));
    }
    assert_eq!(hook.github_bytes("push", "4", PUSH).await.expect(202)["id"], first["id"]);
    // The same move a second later is another push.
    let later = push(|body| body["repository"]["pushed_at"] = json!(1_700_000_000));
    assert_ne!(hook.github_bytes("push", "5", &later).await.expect(202)["id"], first["id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn gitea_and_data_center_are_known_by_what_they_say() {
    let (_server, ada, hook) = connected("gitea").await;
    let body = json!({
        "ref": "refs/heads/master", "before": "0".repeat(40), "after": "a".repeat(40),
        "commits": [{ "id": "a".repeat(40), "message": "Fix" }],
        "repository": { "full_name": "Codertocat/Hello-World", "updated_at": "2026-01-01T00:00:00Z" },
    })
    .to_string();
    let send = async |delivery: &str| {
        let signature = hook.mac(&[&body]);
        let headers =
            [("x-gitea-event", "push"), ("x-gitea-delivery", delivery), ("x-gitea-signature", &*signature)];
        hook.send(&headers, &body).await.expect(202)["id"].clone()
    };
    assert_eq!(send("1").await, send("2").await);

    let hook = Hook::create(&ada, "bitbucket").await;
    let server = json!({
        "date": "2026-01-01T00:00:00+0000",
        "changes": [{ "ref": { "id": "refs/heads/master" }, "fromHash": "a".repeat(40), "toHash": "b".repeat(40), "type": "UPDATE" }],
        "repository": { "slug": "hello-world", "project": { "key": "CODERTOCAT" } },
    });
    let of = |reply: Reply| reply.expect(202)["id"].clone();
    let server = server.to_string();
    assert_eq!(
        of(hook.bitbucket("repo:refs_changed", &server).await),
        of(hook.bitbucket("repo:refs_changed", &server).await)
    );
    // The cloud says the same of a branch that was moved there, back, and there again.
    let branch = |digit: &str| json!({ "type": "branch", "name": "master", "target": { "hash": digit.repeat(40), "message": "Fix" } });
    let cloud = json!({
        "push": { "changes": [{ "old": branch("a"), "new": branch("b") }] },
        "repository": { "full_name": "codertocat/hello-world" },
    });
    let cloud = cloud.to_string();
    assert_ne!(of(hook.bitbucket("repo:push", &cloud).await), of(hook.bitbucket("repo:push", &cloud).await));
}

/// A request as GitLab signs it.
async fn signed(hook: &Hook, token: &str, (id, at): (&str, i64), body: &str) -> Reply {
    let key = STANDARD.decode(&token["whsec_".len()..]).unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    mac.update(format!("{id}.{at}.{body}").as_bytes());
    let signature = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
    let at = at.to_string();
    let headers = [
        ("x-gitlab-event", "Push Hook"),
        ("idempotency-key", id),
        ("webhook-id", id),
        ("webhook-timestamp", &at),
        ("webhook-signature", &signature),
    ];
    hook.send(&headers, body).await
}

async fn told(hook: &Hook, id: &str, body: &str) -> Reply {
    let headers =
        [("x-gitlab-token", &*hook.secret), ("x-gitlab-event", "Push Hook"), ("idempotency-key", id)];
    hook.send(&headers, body).await
}

async fn take(ada: &Client, hook: &Hook, token: &str, overlap: u32) -> Reply {
    let body = json!({ "signing_token": token, "overlap_seconds": overlap });
    ada.post(&format!("{}/rotate", hook.url()), body).await
}

#[tokio::test(flavor = "multi_thread")]
async fn gitlab_signs_with_a_token_that_it_has_made() {
    let (_server, ada, hook) = connected("gitlab").await;
    let token = |digit: u8| format!("whsec_{}", STANDARD.encode([digit; 32]));
    let (one, other) = (token(1), token(2));
    let body = json!({
        "ref": "refs/heads/master", "before": "0".repeat(40), "after": "a".repeat(40), "checkout_sha": "a".repeat(40),
        "project": { "path_with_namespace": "Codertocat/Hello-World" }, "commits": [],
    })
    .to_string();
    let at = now().timestamp();
    told(&hook, "1", &body).await.expect(202);
    assert_eq!(signed(&hook, &one, ("2", at), &body).await.refusal(404), "hook_not_found");

    // While it is entered on both sides, either is taken.
    let entered = take(&ada, &hook, &one, 3600).await.expect(200);
    assert!(entered["previous_until"].is_string());
    let first = signed(&hook, &one, ("2", at), &body).await.expect(202);
    told(&hook, "3", &body).await.expect(202);
    // From then on only what is signed: with another token, and without the one from before.
    take(&ada, &hook, &one, 0).await.expect(200);
    assert_eq!(told(&hook, "4", &body).await.refusal(404), "hook_not_found");
    assert_eq!(signed(&hook, &other, ("4", at), &body).await.refusal(404), "hook_not_found");
    let itself = Hook { secret: one.clone(), ..hook.clone() };
    assert_eq!(told(&itself, "4", &body).await.refusal(404), "hook_not_found");
    for stale in [at - 400, at + 400, 0] {
        assert_eq!(signed(&hook, &one, ("4", stale), &body).await.refusal(404), "hook_not_found");
    }
    // The id is signed: the same one is the same delivery, and there is no other for the same signature.
    let again = signed(&hook, &one, ("2", at + 1), &body).await.expect(202);
    assert_eq!((&again["id"], &again["replayed"]), (&first["id"], &json!(true)));
    assert_eq!(signed(&hook, &one, ("5", at), &body).await.expect(202)["replayed"], Value::Null);

    // Its next one, with an overlap.
    take(&ada, &hook, &other, 3600).await.expect(200);
    signed(&hook, &one, ("6", at), &body).await.expect(202);
    signed(&hook, &other, ("7", at), &body).await.expect(202);
    assert!(!ada.get(&hook.url()).await.text.contains("whsec_"));
    assert!(!ada.get("/api/projects/shop/audit").await.text.contains("whsec_"));

    for wrong in ["glh_abc", "whsec_", "whsec_AAAA"] {
        assert_eq!(take(&ada, &hook, wrong, 0).await.refused_fields(), ["signing_token"], "{wrong}");
    }
    let github = Hook::create(&ada, "github").await;
    assert_eq!(take(&ada, &github, &one, 0).await.refused_fields(), ["signing_token"]);
}

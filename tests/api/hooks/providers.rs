//! How those that are not GitHub sign, and what they send.

use super::{connected, deployments};
use gilgal::model::time::now;
use serde_json::{Value, json};

const GITLAB_PUSH: &str = include_str!("../payloads/gitlab_push.json");
const GITLAB_TAG: &str = include_str!("../payloads/gitlab_tag_push.json");

#[tokio::test(flavor = "multi_thread")]
async fn gitlab_sends_the_secret_itself() {
    let (_server, _ada, hook) = connected("gitlab").await;
    let send = async |event: &str, delivery: &str, body: &Value| {
        let headers = [
            ("x-gitlab-token", hook.secret.as_str()),
            ("x-gitlab-event", event),
            ("x-gitlab-event-uuid", delivery),
        ];
        hook.send(&headers, &body.to_string()).await
    };
    let body = json!({
        "object_kind": "push", "ref": "refs/heads/master", "before": "0".repeat(40), "after": "a".repeat(40),
        "checkout_sha": "a".repeat(40), "project": { "path_with_namespace": "Codertocat/Hello-World" },
        "commits": [{ "id": "b".repeat(40), "message": "[skip ci]" }, { "id": "a".repeat(40), "message": "Fix" }],
    });
    let first = send("Push Hook", "1", &body).await.expect(202);
    // Each attempt of GitLab has the same id.
    assert_eq!(send("Push Hook", "1", &body).await.expect(202)["id"], first["id"]);
    let mut skipped = body.clone();
    skipped["push_options"] = json!({ "ci": { "skip": true } });
    assert_eq!(send("Push Hook", "2", &skipped).await.expect(200)["reason"], "skip_token");
    let mut deleted = body.clone();
    deleted["after"] = json!("0".repeat(40));
    deleted["checkout_sha"] = Value::Null;
    assert_eq!(send("Push Hook", "3", &deleted).await.expect(200)["reason"], "deleted");
    assert_eq!(send("Note Hook", "4", &body).await.expect(200)["reason"], "other_event");
    let text = body.to_string();
    let wrong = hook.send(&[("x-gitlab-token", "glh_no"), ("x-gitlab-event", "Push Hook")], &text);
    assert_eq!(wrong.await.refusal(404), "hook_not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn gitlab_sends_more_than_is_read() {
    let (_server, ada, hook) = connected("gitlab").await;
    let send = async |event: &str, delivery: &str, body: &str| {
        let headers = [
            ("x-gitlab-token", hook.secret.as_str()),
            ("x-gitlab-event", event),
            ("x-gitlab-event-uuid", delivery),
        ];
        hook.send(&headers, body).await
    };
    assert_eq!(send("Tag Push Hook", "1", GITLAB_TAG).await.expect(200)["reason"], "tag");
    let pushed = send("Push Hook", "2", GITLAB_PUSH).await.expect(202);
    let made = deployments(&ada).await;
    assert_eq!((made.len(), &made[0]["id"]), (1, &pushed["deployment_id"]));
    assert_eq!(made[0]["made_from"]["reference"], "refs/heads/master");
}

#[tokio::test(flavor = "multi_thread")]
async fn gitea_and_forgejo_sign_with_headers_of_their_own() {
    let (_server, _ada, hook) = connected("gitea").await;
    let repository = json!({ "full_name": "Codertocat/Hello-World" });
    let push = json!({
        "ref": "refs/heads/master", "before": "0".repeat(40), "after": "a".repeat(40), "repository": repository,
        "commits": [{ "id": "a".repeat(40), "message": "Fix" }],
    });
    let deletion = json!({ "ref": "master", "ref_type": "branch", "repository": repository });
    for (name, number) in [("gitea", 1), ("forgejo", 2)] {
        let send = async |event: &str, delivery: String, body: &Value| {
            let (body, name) = (body.to_string(), |end: &str| format!("x-{name}-{end}"));
            let (signature, names) =
                (hook.mac(&[&body]), [name("signature"), name("event"), name("delivery")]);
            let headers = [(&*names[0], &*signature), (&*names[1], event), (&*names[2], &*delivery)];
            hook.send(&headers, &body).await
        };
        send("push", format!("{number}"), &push).await.expect(202);
        assert_eq!(send("delete", format!("{number}d"), &deletion).await.expect(200)["reason"], "deleted");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bitbucket_may_send_several_references_at_once() {
    let (_server, ada, hook) = connected("bitbucket").await;
    let send = async |event: &str, body: Value| hook.bitbucket(event, &body.to_string()).await;
    assert_eq!(send("diagnostics:ping", json!({ "test": true })).await.expect(200)["outcome"], "pong");
    let branch = |name: &str| json!({ "type": "branch", "name": name, "target": { "hash": "a".repeat(40), "message": "Fix" } });
    let cloud = json!({
        "push": { "changes": [
            { "old": branch("gone"), "new": null }, { "old": null, "new": branch("other") },
            { "old": branch("master"), "new": branch("master") },
        ] },
        "repository": { "full_name": "codertocat/hello-world" },
    });
    send("repo:push", cloud).await.expect(202);
    let server = json!({
        "changes": [{ "ref": { "id": "refs/heads/master" }, "fromHash": "a".repeat(40), "toHash": "b".repeat(40), "type": "UPDATE" }],
        "repository": { "slug": "hello-world", "project": { "key": "CODERTOCAT" } },
        "toCommit": { "id": "b".repeat(40), "message": "[skip ci]" },
    });
    assert_eq!(send("repo:refs_changed", server).await.expect(200)["reason"], "skip_token");
    assert_eq!(deployments(&ada).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_custom_delivery_is_signed_with_its_time() {
    let (_server, _ada, hook) = connected("custom").await;
    let send = async |at: i64, body: &str| {
        let at = at.to_string();
        let signature = format!("sha256={}", hook.mac(&[&at, ".", body]));
        hook.send(&[("x-gilgal-timestamp", &at), ("x-gilgal-signature", &signature)], body).await
    };
    let body = r#"{"ref": "master"}"#;
    let at = now().timestamp();
    let first = send(at, body).await.expect(202);
    assert_eq!(send(at, body).await.expect(202)["id"], first["id"], "the same bytes are the same delivery");
    assert_ne!(send(at - 200, body).await.expect(202)["id"], first["id"]);
    for stale in [at - 400, at + 400, 0, i64::MIN] {
        assert_eq!(send(stale, body).await.refusal(404), "hook_not_found");
    }
    let without_time = format!("sha256={}", hook.mac(&["", ".", body]));
    assert_eq!(hook.send(&[("x-gilgal-signature", &without_time)], body).await.status, 404);
    assert_eq!(send(at, r#"{"ping": true}"#).await.expect(200)["outcome"], "pong");
    assert_eq!(send(at, "{}").await.expect(200)["reason"], "unreadable");
    assert_eq!(send(at, r#"{"ref": "master", "branch": "x"}"#).await.expect(200)["reason"], "unreadable");
}

//! How many previews there are, and for how long.

use super::{
    CLOSED, OPENED, SYNCHRONIZE, commit, environments, forked, numbered, previews, round, skipped,
    with_previews,
};
use crate::support::Options;
use gilgal::model::id::ProjectId;
use reqwest::Method;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_project_has_so_many_previews_and_no_more() {
    let (server, ada, hook) = with_previews(Options::default(), json!({ "most": 1 })).await;
    hook.tell(OPENED, numbered(1)).await.expect(202);
    assert_eq!(skipped(&hook.tell(OPENED, numbered(2)).await), "preview_limit");
    hook.tell(SYNCHRONIZE, numbered(1)).await.expect(202);
    // What waits takes no place, and takes none from others.
    assert_eq!(skipped(&hook.tell(OPENED, forked(3, 'a')).await), "waits_for_approval");
    let approve = json!({ "commit": commit('a') });
    let refused = ada.post("/api/projects/shop/previews/3/approve", approve.clone()).await;
    assert_eq!(refused.refusal(409), "too_many_previews");
    hook.tell(CLOSED, numbered(1)).await.expect(200);
    ada.post("/api/projects/shop/previews/3/approve", approve).await.expect(202);
    assert_eq!(skipped(&hook.tell(OPENED, numbered(2)).await), "preview_limit");
    round(&server).await;
    assert_eq!(environments(&ada).await, ["production", "pr-3"]);
    ada.send(Method::PATCH, &hook.url(), json!({ "previews": { "most": 2 } })).await.expect(200);
    hook.tell(OPENED, numbered(2)).await.expect(202);
    for (settings, field) in [
        (json!({ "most": 0 }), "previews"),
        (json!({ "most": 101 }), "previews"),
        (json!({ "days": 91 }), "previews"),
        (json!({ "sleep_seconds": 86_401 }), "previews"),
        (json!({ "fork": true }), "previews"),
        (json!(true), "previews"),
    ] {
        let reply = ada.send(Method::PATCH, &hook.url(), json!({ "previews": settings })).await;
        assert_eq!(reply.refused_fields(), [field], "{settings}");
    }
    // The operator's word is the last one.
    let (_server, _ada, hook) =
        with_previews(Options { max_previews: 0, ..Options::default() }, json!({})).await;
    assert_eq!(skipped(&hook.tell(OPENED, |_| {}).await), "preview_limit");
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_fill_nothing_up() {
    let (_server, ada, hook) = with_previews(Options::default(), json!({})).await;
    for number in 1..=100 {
        assert_eq!(skipped(&hook.tell(OPENED, forked(number, 'a')).await), "waits_for_approval");
    }
    assert_eq!(skipped(&hook.tell(OPENED, forked(101, 'a')).await), "preview_limit");
    assert_eq!(skipped(&hook.tell(SYNCHRONIZE, forked(7, 'b')).await), "waits_for_approval");
    hook.tell(OPENED, numbered(102)).await.expect(202);
    assert_eq!(previews(&ada).await.len(), 101);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_pushed_to_for_long_goes() {
    let (server, ada, hook) = with_previews(Options::default(), json!({ "days": 2 })).await;
    hook.tell(OPENED, numbered(1)).await.expect(202);
    hook.tell(OPENED, numbered(2)).await.expect(202);
    server.execute("UPDATE previews SET expires_at = 0");
    hook.tell(SYNCHRONIZE, numbered(2)).await.expect(202);
    round(&server).await;
    assert_eq!(environments(&ada).await, ["production", "pr-2"]);
    // With the previews of its hook, and with the hook.
    ada.send(Method::PATCH, &hook.url(), json!({ "previews": null })).await.expect(200);
    round(&server).await;
    assert_eq!(environments(&ada).await, ["production"]);
    ada.send(Method::PATCH, &hook.url(), json!({ "previews": {} })).await.expect(200);
    hook.tell(OPENED, numbered(3)).await.expect(202);
    ada.delete(&hook.url()).await.expect(204);
    round(&server).await;
    assert_eq!((environments(&ada).await.len(), previews(&ada).await.len()), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn previews_are_beside_the_environments_of_a_project() {
    let (server, ada, hook) = with_previews(Options::default(), json!({})).await;
    for number in 1..=10 {
        hook.tell(OPENED, numbered(number)).await.expect(202);
    }
    // Twenty with production, whatever there is of previews.
    for number in 1..20 {
        let body = json!({ "name": format!("env{number}") });
        ada.post("/api/projects/shop/environments", body).await.expect(201);
    }
    let one_more = ada.post("/api/projects/shop/environments", json!({ "name": "more" })).await;
    assert_eq!(one_more.refusal(409), "too_many_environments");
    // By hand as by a close; what the row says is found by its environment.
    let project: ProjectId = previews(&ada).await[0]["project_id"].as_str().unwrap().parse().unwrap();
    let preview = server.store.preview(project, 10).await.unwrap().unwrap();
    let environment = preview.environment_id.unwrap();
    assert_eq!(server.store.preview_of(environment).await.unwrap().unwrap().number, 10);
    ada.delete("/api/environments/shop:pr-10?confirm=pr-10").await.expect(204);
    assert_eq!(server.store.preview_of(environment).await.unwrap(), None);
    hook.tell(SYNCHRONIZE, numbered(10)).await.expect(202);
    assert!(environments(&ada).await.contains(&"pr-10".to_owned()));
}

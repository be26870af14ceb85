//! One webhook that tells of the repositories of several projects.

use super::checks::{Waiting, waits};
use super::{Hook, REPOSITORY, connected, push};
use crate::support::Client;
use crate::webhooks::eventually;
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

const OTHER: &str = "https://github.com/Codertocat/Other";

/// A project with a hook of the other repository that is told by another hook.
pub(super) async fn told(person: &Client, name: &str, via: &Value) -> Value {
    told_of(person, name, OTHER, via).await
}

/// The same of any repository.
async fn told_of(person: &Client, name: &str, repository: &str, via: &Value) -> Value {
    person.create_project(name).await;
    let slug = name.to_lowercase();
    person
        .send(Method::PATCH, &format!("/api/environments/{slug}:production"), json!({ "branch": "master" }))
        .await
        .expect(200);
    let body = json!({ "provider": "github", "repository": repository, "via": via });
    person.post(&format!("/api/projects/{slug}/hooks"), body).await.expect(201)
}

pub(super) async fn deployments_of(person: &Client, slug: &str) -> Vec<Value> {
    let listed = person.get(&format!("/api/projects/{slug}/deployments")).await.expect(200);
    listed["data"].as_array().unwrap().clone()
}

pub(super) fn about_other(after: &str) -> String {
    push(|body| {
        body["repository"]["full_name"] = json!("codertocat/other");
        body["after"] = json!(after);
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_about_another_repository_is_handed_over() {
    let (_server, ada, hook) = connected("github").await;
    let made = told(&ada, "Blog", &json!(hook.id)).await;
    assert_eq!(made["via"], json!(hook.id));
    let (first, second) = ("a".repeat(40), "b".repeat(40));
    let handed = hook.github("push", "1", &about_other(&first)).await.expect(202);
    let blog = deployments_of(&ada, "blog").await;
    assert_eq!((blog.len(), &blog[0]["id"]), (1, &handed["deployment_id"]));
    assert_eq!(blog[0]["made_from"]["url"], OTHER, "what is fetched is what is connected");
    assert!(deployments_of(&ada, "shop").await.is_empty());
    // Its own is its own, and what nobody is connected to is nobody's.
    hook.github("push", "2", &push(|_| {})).await.expect(202);
    assert_eq!((deployments_of(&ada, "shop").await.len(), deployments_of(&ada, "blog").await.len()), (1, 1));
    let nobodys = push(|body| body["repository"]["full_name"] = json!("codertocat/third"));
    assert_eq!(hook.github("push", "3", &nobodys).await.expect(200)["reason"], "other_repository");

    // It is among the deliveries of both, and asked for once more where it is about: whoever may do so at the other one may
    // have no role here.
    let of = async |id: &str| {
        let listed = ada.get(&format!("/api/hooks/{id}/deliveries")).await.expect(200);
        listed["data"].as_array().unwrap().clone()
    };
    let id = made["id"].as_str().unwrap();
    let there = of(id).await;
    assert_eq!((there.len(), &there[0]["deployment_id"]), (1, &handed["deployment_id"]));
    assert_eq!(of(&hook.id).await.len(), 3);
    let replay = hook.github("push", "1", &about_other(&first)).await.expect(202);
    assert_eq!((&replay["replayed"], of(id).await.len()), (&json!(true), 1));
    let redeliver = async |hook: &str, delivery: &Value| {
        let path = format!("/api/hooks/{hook}/deliveries/{}/redeliver", delivery.as_str().unwrap());
        ada.post(&path, json!({})).await
    };
    redeliver(id, &there[0]["id"]).await.expect(202);
    assert_eq!(redeliver(&hook.id, &handed["id"]).await.expect(200)["reason"], "other_repository");
    assert_eq!(of(id).await.len(), 2);

    // Switched off, it hands nothing over; nor does the other one take anything.
    let switch = async |id: &str, enabled: bool| {
        ada.send(Method::PATCH, &format!("/api/hooks/{id}"), json!({ "enabled": enabled })).await.expect(200)
    };
    switch(id, false).await;
    assert_eq!(hook.github("push", "4", &about_other(&second)).await.expect(200)["reason"], "disabled");
    switch(id, true).await;
    switch(&hook.id, false).await;
    assert_eq!(hook.github("push", "5", &about_other(&second)).await.expect(200)["reason"], "disabled");
    switch(&hook.id, true).await;
    ada.send(Method::PATCH, &format!("/api/hooks/{id}"), json!({ "via": null })).await.expect(200);
    let second = about_other(&"c".repeat(40));
    assert_eq!(hook.github("push", "6", &second).await.expect(200)["reason"], "other_repository");
    // By its own address it is told all the time.
    Hook::of(&ada, &made).github("push", "7", &second).await.expect(202);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_projects_of_one_repository_are_both_told() {
    let (_server, ada, hook) = connected("github").await;
    told_of(&ada, "Engine", REPOSITORY, &json!(hook.id)).await;
    let own = hook.github("push", "1", &push(|_| {})).await.expect(202);
    let (shop, engine) = (deployments_of(&ada, "shop").await, deployments_of(&ada, "engine").await);
    assert_eq!((shop.len(), engine.len()), (1, 1));
    assert_eq!(own["deployment_id"], shop[0]["id"], "its own verdict stands");
    assert_eq!(hook.github("push", "1", &push(|_| {})).await.expect(202)["replayed"], true);
    assert_eq!(deployments_of(&ada, "engine").await.len(), 1);
    // What came before does nothing of what was connected since.
    told_of(&ada, "Late", REPOSITORY, &json!(hook.id)).await;
    hook.github("push", "1", &push(|_| {})).await.expect(202);
    assert!(deployments_of(&ada, "late").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_decided_late_is_noted_where_it_came_from_as_well() {
    let waiting = Waiting::at("github", "/api/v3").await;
    let (ada, api) = (&waiting.ada, &waiting.api);
    let host = api.serve("127.0.0.2");
    let repository = format!("http://{host}/Codertocat/Other.git");
    let first = json!({ "provider": "github", "repository": format!("http://{host}/Codertocat/First.git") });
    let first = Hook::of(ada, &ada.post("/api/projects/shop/hooks", first).await.expect(201));
    let made = told_of(ada, "Blog", &repository, &json!(first.id)).await;
    let told = format!("/api/hooks/{}", made["id"].as_str().unwrap());
    ada.send(Method::PATCH, &told, json!({ "wait_for_checks": true })).await.expect(200);
    let credential = json!({ "username": "ada", "password": "token-1" });
    let path = format!("/api/projects/blog/credentials/{host}");
    assert!(ada.send(Method::PUT, &path, credential).await.status < 300);

    let ended = json!([{ "name": "test", "status": "completed", "conclusion": "success" }]);
    waiting.checks(&json!([]), &ended);
    api.kept.lock().unwrap().delay = Duration::from_millis(700);
    let commit = "a".repeat(40);
    let said = waits(&first.github("push", "1", &about_other(&commit)).await);
    assert_eq!(said, "The provider is being asked for the checks of the commit.");
    for hook in [&first.url(), &told] {
        eventually("it is noted as deployed", async || {
            let path = format!("{hook}/deliveries");
            let delivery = ada.get(&path).await.expect(200)["data"][0].take();
            let blog = deployments_of(ada, "blog").await;
            blog.len() == 1 && delivery["deployment_id"] == blog[0]["id"]
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hook_is_named_by_whoever_may_change_it() {
    let (server, ada, hook) = connected("github").await;
    let eve = server.sign_up("eve").await;
    eve.create_project("Blog").await;
    let name = async |person: &Client, slug: &str, provider: &str, via: Value| {
        // The same name on another host is another repository.
        let (provider, repository) = match provider {
            "elsewhere" => ("github", REPOSITORY.replace("github.com", "code.example")),
            provider => (provider, REPOSITORY.to_owned()),
        };
        let body = json!({ "provider": provider, "repository": repository, "via": via });
        person.post(&format!("/api/projects/{slug}/hooks"), body).await
    };
    for (person, slug, provider, via) in [
        (&eve, "blog", "github", json!(hook.id)),
        (&eve, "blog", "github", json!(uuid::Uuid::now_v7())),
        (&ada, "shop", "github", json!("x")),
        (&ada, "shop", "gitea", json!(hook.id)),
        (&ada, "shop", "elsewhere", json!(hook.id)),
    ] {
        let refused = name(person, slug, provider, via).await;
        assert_eq!(refused.refused_fields(), ["via"], "{}", refused.text);
    }
    // There is no chain.
    let second = name(&ada, "shop", "github", json!(hook.id)).await.expect(201)["id"].clone();
    assert_eq!(name(&ada, "shop", "github", second.clone()).await.refused_fields(), ["via"]);
    let third = name(&ada, "shop", "github", Value::Null).await.expect(201)["id"].clone();
    for (of, via) in [(json!(hook.id), &third), (third.clone(), &third), (second.clone(), &second)] {
        let path = format!("/api/hooks/{}", of.as_str().unwrap());
        let refused = ada.send(Method::PATCH, &path, json!({ "via": via })).await;
        assert_eq!(refused.refused_fields(), ["via"], "{of} {via}");
    }
    let path = format!("/api/hooks/{}", second.as_str().unwrap());
    let refused = eve.send(Method::PATCH, &path, json!({ "via": null })).await;
    assert_eq!(refused.refusal(404), "hook_not_found");
}

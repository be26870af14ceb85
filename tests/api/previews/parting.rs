//! A hook that is over: its provider is told that the previews are gone.

use super::{OPENED, numbered};
use crate::hooks::{Hook, deployments};
use crate::provider_api::{ProviderApi, assert_described};
use crate::support::{Options, TestServer, go_live};
use crate::webhooks::eventually;
use reqwest::Method;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn the_provider_of_a_hook_that_is_over_is_told_that_its_previews_are_gone() {
    for is_moved in [false, true] {
        let server =
            TestServer::start_with(Options { has_plain_repositories: true, ..Options::default() }).await;
        let ada = server.sign_up("ada").await;
        ada.create_project("Shop").await;
        let api = ProviderApi::new("/api/v3");
        let host = api.serve("127.0.0.2");
        let credential = json!({ "username": "ada", "password": "token-1" });
        let path = format!("/api/projects/shop/credentials/{host}");
        assert!(ada.send(Method::PUT, &path, credential).await.status < 300);
        let body = json!({
            "provider": "github",
            "repository": format!("http://{host}/Codertocat/Hello-World.git"),
            "previews": {},
            "feedback": true,
        });
        let hook = Hook::of(&ada, &ada.post("/api/projects/shop/hooks", body).await.expect(201));
        let telling = tokio::spawn(server.notifications.clone().run(std::future::pending()));
        for number in [3, 4] {
            hook.tell(OPENED, numbered(number)).await.expect(202);
        }
        for made in deployments(&ada).await {
            go_live(&server.store, made["id"].as_str().unwrap().parse().unwrap(), "image", &[]).await;
        }
        let last_of = |deployment: u32| {
            let told = api.sent(&format!("/repos/Codertocat/Hello-World/deployments/{deployment}/statuses"));
            told.last().map(|body| body["state"].clone()).unwrap_or_default()
        };
        eventually("both are live there", async || {
            (1..=2).all(|deployment| last_of(deployment) == "success") && api.comments().len() == 2
        })
        .await;
        if is_moved {
            let moved = json!({ "repository": format!("http://{host}/Codertocat/Other.git") });
            ada.send(Method::PATCH, &hook.url(), moved).await.expect(200);
        } else {
            ada.delete(&hook.url()).await.expect(204);
        }
        eventually("both are gone there", async || {
            (1..=2).all(|deployment| last_of(deployment) == "inactive")
                && api.comments().iter().all(|comment| comment.ends_with(": it was removed.\n"))
        })
        .await;
        assert_described("github", &api.told());
        telling.abort();
    }
}

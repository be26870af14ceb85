//! What is made at a provider is changed there, and ended with what it is about.

use super::{Connected, all};
use crate::provider_api::{Told, assert_described};
use crate::support::released;
use gilgal::model::feedback::FeedbackPlace;
use gilgal::model::id::{EnvironmentId, WebhookId};
use gilgal::model::webhook::EventKind;
use gilgal::store::PageRequest;
use serde_json::json;

impl Connected {
    /// What was told of a deployment at GitHub.
    fn states_of(&self, deployment: u64) -> Vec<String> {
        all(&self.api.sent(&format!("/deployments/{deployment}/statuses")), "state")
    }

    /// The feedback, and the environment that it is told of.
    async fn place(&self) -> (WebhookId, EnvironmentId) {
        let webhook = self.webhook.rsplit('/').next().unwrap().parse().unwrap();
        let log = self.setting.server.store.deliveries_of(webhook, PageRequest::first()).await.unwrap();
        (webhook, log.data[0].event.environment.as_ref().unwrap().id)
    }
}

/// Deploys something that goes live: queued, and live.
async fn live(connected: &Connected) {
    released(&connected.setting.server.store, &connected.setting.project, "image", &[]).await;
}

/// Whether a request is about the comments of a pull request.
fn is_of_comments(told: &Told) -> bool {
    told.path.contains("/comments") || told.path.contains("/notes")
}

#[tokio::test(flavor = "multi_thread")]
async fn one_deployment_of_an_environment_is_live_at_github() {
    let connected = Connected::known_to("github", "/api/v3").await;
    let _telling = connected.setting.tell_for_ever();
    live(&connected).await;
    connected.setting.deploy_and_fail().await;
    live(&connected).await;
    live(&connected).await;
    let log = connected.log(9).await;
    assert!(log.iter().all(|delivery| delivery["status"] == "delivered"), "{log:#?}");
    assert_eq!(connected.states_of(1), ["queued", "success", "inactive"]);
    assert_eq!(connected.states_of(2), ["queued", "in_progress", "failure"]);
    assert_eq!(connected.states_of(3), ["queued", "success", "inactive"]);
    assert_eq!(connected.states_of(4), ["queued", "success"]);

    // What is told once more has been live, and is not.
    let first = log[7]["id"].as_str().unwrap();
    let again = format!("{}/deliveries/{first}/redeliver", connected.webhook);
    connected.setting.ada.post(&again, json!({})).await.expect(202);
    connected.log(10).await;
    assert_eq!(connected.states_of(1), ["queued", "success", "inactive", "success", "inactive"]);
    // Somebody has removed the one that is live there.
    connected.api.answer("/deployments/4/statuses", 404, json!({ "message": "Not Found" }));
    connected.tell_of_preview(EventKind::EnvironmentDeleted).await;
    assert_eq!(connected.log(11).await[0]["status"], "delivered");
    assert_eq!(connected.states_of(4), ["queued", "success", "inactive"]);
    assert_described("github", &connected.api.told());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_comment_is_changed_and_not_repeated() {
    for (provider, base, change) in
        [("github", "/api/v3", "PATCH"), ("gitlab", "/api/v4", "PUT"), ("gitea", "/api/v1", "PATCH")]
    {
        let connected = Connected::known_to(provider, base).await;
        for number in 0..120 {
            connected.api.comment(&format!("{number}: <!-- gilgal --> is not at the begin"));
        }
        let _telling = connected.setting.tell_for_ever();
        connected.setting.deploy_and_fail().await;
        for kind in
            [EventKind::DeploymentStarted, EventKind::DeploymentFailed, EventKind::DeploymentSucceeded]
        {
            connected.tell_of_preview(kind).await;
        }
        let log = connected.log(6).await;
        assert!(log.iter().all(|delivery| delivery["status"] == "delivered"), "{log:#?}");
        let comments = connected.api.comments();
        assert_eq!(comments.len(), 121, "{provider}");
        assert!(comments[120].contains("is live: <http://shop.apps.test:8080>"), "{}", comments[120]);
        let made = |method: &str| {
            connected.api.told().iter().filter(|one| one.method == method && is_of_comments(one)).count()
        };
        assert_eq!((made("POST"), made(change)), (1, 2), "{provider}");
        // It is looked for once.
        let pages = if provider == "gitea" { 1 } else { 2 };
        assert_eq!(made("GET"), pages, "{provider}");
        if provider != "gitlab" {
            assert_described(provider, &connected.api.told());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_comment_that_is_not_found_is_made_and_then_known() {
    let connected = Connected::known_to("github", "/api/v3").await;
    for number in 0..1_100 {
        connected.api.comment(&format!("{number}"));
    }
    let _telling = connected.setting.tell_for_ever();
    connected.setting.deploy_and_fail().await;
    connected.tell_of_preview(EventKind::DeploymentStarted).await;
    connected.log(4).await;
    let looked =
        || connected.api.told().iter().filter(|one| one.method == "GET" && is_of_comments(one)).count();
    assert_eq!((connected.api.comments().len(), looked()), (1_101, 10));
    connected.tell_of_preview(EventKind::DeploymentFailed).await;
    connected.log(5).await;
    assert_eq!((connected.api.comments().len(), looked()), (1_101, 10));
    assert!(
        connected.api.comments()[1_100].contains("was not deployed"),
        "{:?}",
        connected.api.comments()[1_100]
    );

    // Somebody has removed it there.
    connected.api.answer("/issues/comments/1101", 404, json!({ "message": "Not Found" }));
    connected.tell_of_preview(EventKind::DeploymentSucceeded).await;
    assert_eq!(connected.log(6).await[0]["status"], "delivered");
    connected.tell_of_preview(EventKind::DeploymentFailed).await;
    connected.log(7).await;
    assert_eq!((connected.api.comments().len(), looked()), (1_102, 10));
    assert!(
        connected.api.comments()[1_101].contains("was not deployed"),
        "{:?}",
        connected.api.comments()[1_101]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_comment_whose_id_was_not_noted_is_found() {
    let connected = Connected::known_to("github", "/api/v3").await;
    let _telling = connected.setting.tell_for_ever();
    connected.setting.deploy_and_fail().await;
    connected.tell_of_preview(EventKind::DeploymentStarted).await;
    connected.log(4).await;
    let (webhook, environment) = connected.place().await;
    let store = &connected.setting.server.store;
    assert_eq!(store.feedback_place(webhook, environment).await.unwrap().comment, Some(1));
    store.put_feedback_place(webhook, environment, FeedbackPlace::default()).await.unwrap();
    connected.tell_of_preview(EventKind::DeploymentSucceeded).await;
    connected.log(5).await;
    assert_eq!(connected.api.comments().len(), 1);
    assert_eq!(store.feedback_place(webhook, environment).await.unwrap().comment, Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_else_begins_as_ours_begin_is_left_alone() {
    for (provider, base) in [("github", "/api/v3"), ("gitlab", "/api/v4"), ("gitea", "/api/v1")] {
        let connected = Connected::known_to(provider, base).await;
        let marker = format!("<!-- gilgal:{}:production", connected.setting.project["id"].as_str().unwrap());
        let foreign = format!("{marker} -->\nmine");
        connected.api.comment(&foreign);
        let _telling = connected.setting.tell_for_ever();
        connected.setting.deploy_and_fail().await;
        connected.tell_of_preview(EventKind::DeploymentFailed).await;
        let log = connected.log(4).await;
        assert!(log.iter().all(|delivery| delivery["status"] == "delivered"), "{log:#?}");
        let comments = connected.api.comments();
        assert_eq!((comments.len(), &comments[0]), (2, &foreign), "{provider}");
        assert!(comments[1].starts_with(&format!("{marker}:")), "{}", comments[1]);
        assert!(comments[1].contains("was not deployed"), "{}", comments[1]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_that_is_removed_is_live_nowhere() {
    for (provider, base) in [("github", "/api/v3"), ("gitlab", "/api/v4"), ("gitea", "/api/v1")] {
        let connected = Connected::known_to(provider, base).await;
        let _telling = connected.setting.tell_for_ever();
        live(&connected).await;
        connected.tell_of_preview(EventKind::DeploymentSucceeded).await;
        connected.setting.deploy_and_fail().await;
        connected.log(6).await;
        connected.api.answer("/environments", 200, json!([{ "id": 9, "state": "available" }]));
        let before = connected.api.told().len();
        connected.tell_of_preview(EventKind::EnvironmentDeleted).await;
        let log = connected.log(7).await;
        assert!(log.iter().all(|delivery| delivery["status"] == "delivered"), "{log:#?}");
        let comments = connected.api.comments();
        assert_eq!(comments.len(), 1, "{provider}");
        assert!(comments[0].ends_with("**shop:production**: it was removed.\n"), "{}", comments[0]);
        let told = connected.api.told().split_off(before);
        match provider {
            "github" => {
                assert_eq!(connected.states_of(1).last().unwrap(), "inactive");
                assert_eq!(connected.states_of(2).last().unwrap(), "failure", "it was never live");
                assert_eq!(told.len(), 2, "nothing is looked for: {told:#?}");
                assert_described("github", &told);
            }
            "gitlab" => assert_eq!(connected.api.sent("/environments/9/stop"), [json!({})]),
            _ => {
                assert_eq!(told.len(), 1, "{told:#?}");
                assert_described(provider, &told);
            }
        }
        let (webhook, environment) = connected.place().await;
        let place = connected.setting.server.store.feedback_place(webhook, environment).await.unwrap();
        assert_eq!(place, FeedbackPlace::default(), "{provider}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_token_may_not_tell_of_what_is_gone_holds_nothing_up() {
    let connected = Connected::known_to("github", "/api/v3").await;
    let _telling = connected.setting.tell_for_ever();
    connected.setting.deploy_and_fail().await;
    connected.log(3).await;
    let refused = json!({ "message": "Resource not accessible by personal access token" });
    for part in ["/deployments", "/comments"] {
        connected.api.answer(part, 403, refused.clone());
    }
    connected.tell_of_preview(EventKind::EnvironmentDeleted).await;
    let log = connected.log(4).await;
    assert_eq!((&log[0]["status"], &log[0]["attempts"]), (&json!("delivered"), &json!(1)));
    assert!(connected.hook().await["feedback_error"].as_str().unwrap().contains("403"));
}

//! What has no preview, or none any more: the hook is another one, or somebody was cut off.

use super::{
    CLOSED, OPENED, SYNCHRONIZE, commit, environments, forked, numbered, previews, round, skipped,
    with_previews,
};
use crate::hooks::{Hook, deployments};
use crate::support::Options;
use reqwest::Method;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn what_was_cut_off_is_done_by_the_clock() {
    let (server, ada, hook) = with_previews(Options::default(), json!({})).await;
    hook.tell(OPENED, |_| {}).await.expect(202);
    hook.tell(CLOSED, |_| {}).await.expect(200);
    *server.surroundings.removing_fails.lock().unwrap() = true;
    round(&server).await;
    assert_eq!(previews(&ada).await[0]["state"], "closing");
    // It is opened again while the one from before is not gone yet, and is made again when it is.
    let first = previews(&ada).await[0]["environment_id"].clone();
    let opened = hook.tell(OPENED, |body| body["action"] = json!("reopened")).await;
    assert_eq!(skipped(&opened), "preview_waits");
    round(&server).await;
    let waiting = previews(&ada).await;
    assert_eq!((&waiting[0]["state"], &waiting[0]["environment_id"]), (&json!("open"), &first));
    *server.surroundings.removing_fails.lock().unwrap() = false;
    // Not while the hook is switched off.
    let switch = async |on: bool| {
        ada.send(Method::PATCH, &hook.url(), json!({ "enabled": on })).await.expect(200);
        round(&server).await;
    };
    switch(false).await;
    assert_eq!(
        (&previews(&ada).await[0]["environment_id"], deployments(&ada).await.len()),
        (&Value::Null, 0)
    );
    switch(true).await;
    let again = previews(&ada).await;
    assert_eq!((again.len(), &again[0]["state"]), (1, &json!("open")));
    assert_ne!(again[0]["environment_id"], first);
    assert_eq!(deployments(&ada).await[0]["environment_id"], again[0]["environment_id"]);

    // The server has ended between making the environment and asking for its deployment, or before both.
    let queued = deployments(&ada).await.len();
    server.execute("PRAGMA foreign_keys = ON; UPDATE previews SET is_asked = 0; DELETE FROM environments WHERE name = 'pr-2'",
    );
    assert_eq!(previews(&ada).await[0]["environment_id"], Value::Null);
    round(&server).await;
    let last = previews(&ada).await[0]["environment_id"].clone();
    assert_eq!(deployments(&ada).await[0]["environment_id"], last);
    server.execute("UPDATE previews SET is_asked = 0");
    round(&server).await;
    round(&server).await;
    assert_eq!(deployments(&ada).await.len(), queued, "it joins the one that waits");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_closed_while_the_hook_is_switched_off_goes_all_the_same() {
    let (server, ada, hook) = with_previews(Options::default(), json!({})).await;
    hook.tell(OPENED, |_| {}).await.expect(202);
    ada.send(Method::PATCH, &hook.url(), json!({ "enabled": false })).await.expect(200);
    let closed = hook.tell(CLOSED, |_| {}).await.expect(200);
    assert_eq!(closed["outcome"], "preview_removed");
    round(&server).await;
    assert_eq!((previews(&ada).await.len(), environments(&ada).await.len()), (0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_have_a_preview_is_told_why() {
    let (_server, ada, hook) = with_previews(Options::default(), json!({})).await;
    ada.post("/api/projects/shop/environments", json!({ "name": "pr-2" })).await.expect(201);
    assert_eq!(skipped(&hook.tell(OPENED, |_| {}).await), "preview_refused");
    assert_eq!(previews(&ada).await, Vec::<Value>::new());
    // Another repository that is connected has a pull request of the same number.
    let other = Hook::create(&ada, "github").await;
    ada.send(Method::PATCH, &other.url(), json!({ "previews": {} })).await.expect(200);
    other.tell(OPENED, numbered(3)).await.expect(202);
    assert_eq!(skipped(&hook.tell(OPENED, numbered(3)).await), "preview_refused");
    assert_eq!(skipped(&hook.tell(CLOSED, numbered(3)).await), "no_preview");
    let elsewhere = |body: &mut Value| body["repository"]["full_name"] = json!("eve/Hello-World");
    assert_eq!(skipped(&hook.tell(OPENED, elsewhere).await), "other_repository");
    for number in [0, 1_000_000_000] {
        assert_eq!(skipped(&hook.tell(OPENED, numbered(number)).await), "unreadable");
    }
    ada.send(Method::PATCH, &hook.url(), json!({ "enabled": false })).await.expect(200);
    assert_eq!(skipped(&hook.tell(OPENED, numbered(4)).await), "disabled");
    // Bitbucket has nothing of a fork in the repository.
    let bitbucket = Hook::create(&ada, "bitbucket").await;
    ada.send(Method::PATCH, &bitbucket.url(), json!({ "previews": {} })).await.expect(200);
    let side = |repository: &str| {
        json!({
            "branch": { "name": "colours" }, "commit": { "hash": "aaaaaaaaaaaa" },
            "repository": { "full_name": repository },
        })
    };
    let of = |source: &str, id: u64| {
        let (source, destination) = (side(source), side("codertocat/hello-world"));
        json!({ "pullrequest": { "id": id, "title": "x", "source": source, "destination": destination } })
    };
    let fork = bitbucket.bitbucket("pullrequest:created", &of("eve/hello-world", 5).to_string()).await;
    assert_eq!(skipped(&fork), "preview_refused");
    let own = of("codertocat/hello-world", 6).to_string();
    bitbucket.bitbucket("pullrequest:created", &own).await.expect(202);
    let made = deployments(&ada).await.remove(0);
    assert_eq!(made["made_from"]["reference"], "refs/heads/colours");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hook_that_is_moved_parts_with_what_it_has_made() {
    let (server, ada, hook) = with_previews(Options::default(), json!({})).await;
    hook.tell(OPENED, numbered(3)).await.expect(202);
    hook.tell(OPENED, forked(4, 'a')).await;
    // Its pull requests are those of another repository from now on.
    let moved = json!({ "repository": "https://github.com/Codertocat/Other" });
    ada.send(Method::PATCH, &hook.url(), moved).await.expect(200);
    let approve = ada.post("/api/projects/shop/previews/4/approve", json!({ "commit": commit('a') })).await;
    assert_eq!(approve.refusal(404), "preview_not_found", "what waited is not let in any more");
    assert_eq!(skipped(&hook.tell(SYNCHRONIZE, numbered(3)).await), "other_repository");
    let other = |number: u64| {
        move |body: &mut Value| {
            body["number"] = json!(number);
            body["repository"]["full_name"] = json!("Codertocat/Other");
            body["pull_request"]["head"]["repo"]["full_name"] = json!("Codertocat/Other");
            body["pull_request"]["base"]["repo"]["full_name"] = json!("Codertocat/Other");
        }
    };
    // Nothing of the other pull request 3 is taken over: that goes first.
    assert_eq!(skipped(&hook.tell(OPENED, other(3)).await), "preview_refused");
    let before = ada.get("/api/environments/shop:pr-3").await.expect(200)["id"].clone();
    round(&server).await;
    assert_eq!(environments(&ada).await, ["production"]);
    assert_eq!(previews(&ada).await, Vec::<Value>::new());
    hook.tell(SYNCHRONIZE, other(3)).await.expect(202);
    assert_ne!(ada.get("/api/environments/shop:pr-3").await.expect(200)["id"], before);
    let made = deployments(&ada).await.remove(0);
    assert_eq!(made["made_from"]["url"], "https://github.com/Codertocat/Other");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_another_hook_has_is_free_once_that_is_gone() {
    let (server, ada, hook) = with_previews(Options::default(), json!({})).await;
    let other = Hook::create(&ada, "github").await;
    ada.send(Method::PATCH, &other.url(), json!({ "previews": {} })).await.expect(200);
    other.tell(OPENED, numbered(3)).await.expect(202);
    let refused = hook.tell(OPENED, numbered(3)).await;
    assert_eq!(skipped(&refused), "preview_refused");
    assert!(refused.text.contains("Another hook of the project has a preview of its pull request 3."));
    // Neither is the one closed by the other.
    assert_eq!(skipped(&hook.tell(CLOSED, numbered(3)).await), "no_preview");
    assert_eq!(previews(&ada).await[0]["state"], "open");
    other.tell(CLOSED, numbered(3)).await.expect(200);
    // What the other one has made goes first.
    assert_eq!(skipped(&hook.tell(OPENED, numbered(3)).await), "preview_refused");
    round(&server).await;
    hook.tell(SYNCHRONIZE, numbered(3)).await.expect(202);
    assert_eq!(previews(&ada).await.len(), 1);
}

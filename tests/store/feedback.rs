//! What tells the provider of a repository: with its hook, and of what.

use crate::fixture::{Database, enqueue, on_both, project, user};
use crate::previews::{connected, house, preview};
use crate::webhooks::{attempt, told, webhook};
use gilgal::model::feedback::FeedbackPlace;
use gilgal::model::hook::{Hook, Provider};
use gilgal::model::id::{EnvironmentId, HookId, WebhookId};
use gilgal::model::project::Project;
use gilgal::model::time::now;
use gilgal::model::webhook::{EventKind, Webhook, WebhookFormat, WebhookStanding};
use gilgal::store::{AfterAttempt, Busy, StoreError};

on_both![
    feedback_comes_and_goes_with_its_hook,
    a_preview_is_told_where_its_pull_request_is,
    what_was_made_at_a_provider_is_known_as_long_as_it_is_that_one,
];

/// What tells the provider of a hook.
fn feedback(project: &Project, hook: HookId, target: &str) -> Webhook {
    let at = now();
    Webhook {
        id: WebhookId::generate(),
        project_id: project.id,
        hook_id: Some(hook),
        format: WebhookFormat::CommitStatus,
        target: target.to_owned(),
        sealed_target: format!("sealed {target}"),
        events: Some(EventKind::of_deployments().collect()),
        sealed_secret: None,
        sealed_previous_secret: None,
        previous_until: None,
        standing: WebhookStanding::default(),
        created_at: at,
        updated_at: at,
    }
}

async fn feedback_comes_and_goes_with_its_hook(database: Database) {
    let store = database.store;
    let ada = user(&store, "ada").await;
    let (shop, production) = project(&store, &ada, "shop").await;
    let at = now();
    let hook = Hook {
        id: HookId::generate(),
        project_id: shop.id,
        provider: Provider::Github,
        repository: "https://github.com/ada/shop".parse().unwrap(),
        tag_environment_id: None,
        previews: None,
        enabled: true,
        wait_for_checks: false,
        via: None,
        sealed_secret: "sealed".to_owned(),
        sealed_previous: None,
        previous_until: None,
        refused_at: None,
        created_at: at,
        updated_at: at,
    };
    let first = feedback(&shop, hook.id, "one");
    store.create_hook(hook.clone(), Some(first.clone()), 1).await.unwrap();
    assert_eq!(store.feedback_of(hook.id).await.unwrap().unwrap().id, first.id);
    // Not one of those that a project may have.
    for _ in 0..3 {
        webhook(&store, &shop, Some(vec![EventKind::ConfigChanged])).await;
    }
    enqueue(&store, &production, '0').await;
    assert_eq!(told(&store, &first).await, ["deployment.queued"]);

    // It leads elsewhere, and is the same with what it is told.
    let moved = Webhook { target: "two".to_owned(), ..first.clone() };
    let hook = store.update_hook(&Hook { wait_for_checks: true, ..hook }, Some(moved)).await.unwrap();
    assert!(hook.wait_for_checks);
    assert_eq!(store.feedback_of(hook.id).await.unwrap().unwrap().target, "two");
    assert_eq!(told(&store, &first).await, ["deployment.queued"]);
    let hook = store.update_hook(&hook, None).await.unwrap();
    assert_eq!(store.feedback_of(hook.id).await.unwrap(), None);
    assert_eq!(store.webhooks_of(shop.id).await.unwrap().len(), 3);
    let second = feedback(&shop, hook.id, "three");
    store.update_hook(&hook, Some(second)).await.unwrap();
    assert!(matches!(store.update_hook(&hook, None).await, Err(StoreError::Stale)));
    // Nothing of what is gone is live there, although nobody has chosen that event.
    let told_now = store.feedback_of(hook.id).await.unwrap().unwrap();
    store.delete_environment(production.id).await.unwrap();
    assert_eq!(told(&store, &told_now).await, ["environment.deleted"]);
    store.delete_hook(hook.id).await.unwrap();
    assert_eq!(store.feedback_of(hook.id).await.unwrap(), None);
    assert_eq!(store.webhooks_of(shop.id).await.unwrap().len(), 3);
}

async fn a_preview_is_told_where_its_pull_request_is(database: Database) {
    let store = database.store;
    let ada = user(&store, "ada").await;
    let (shop, production) = project(&store, &ada, "shop").await;
    let (hook, other) = (connected(&store, &shop).await, connected(&store, &shop).await);
    let (its, others) = (feedback(&shop, hook.id, "one"), feedback(&shop, other.id, "two"));
    let hook = store.update_hook(&hook, Some(its.clone())).await.unwrap();
    store.update_hook(&other, Some(others.clone())).await.unwrap();
    let everybody = webhook(&store, &shop, Some(EventKind::chosen().collect())).await;
    for number in [7, 8] {
        store.put_preview(preview(&shop, Some(hook.id), number), 2).await.unwrap();
    }
    let previews = store.previews_of(shop.id).await.unwrap();
    let seven = house(&store, &shop, &previews[0]).await.unwrap();
    enqueue(&store, &seven, '0').await;
    store.delete_environment(seven.id).await.unwrap();
    assert_eq!(told(&store, &its).await, ["deployment.queued", "environment.deleted"]);
    assert_eq!(told(&store, &others).await, <[&str; 0]>::default());
    assert!(told(&store, &everybody).await.contains(&"environment.deleted"));

    // What is the preview of another repository now is told to none.
    let eight = house(&store, &shop, &previews[1]).await.unwrap();
    let moved = Hook { repository: "https://github.com/ada/other".parse().unwrap(), ..hook };
    store.update_hook(&moved, Some(its.clone())).await.unwrap();
    let before = told(&store, &its).await.len();
    store.delete_environment(eight.id).await.unwrap();
    assert_eq!((told(&store, &its).await.len(), told(&store, &others).await.len()), (before, 0));
    store.delete_environment(production.id).await.unwrap();
    assert_eq!((told(&store, &its).await.len(), told(&store, &others).await.len()), (before + 1, 1));
}

async fn what_was_made_at_a_provider_is_known_as_long_as_it_is_that_one(database: Database) {
    let store = database.store;
    let ada = user(&store, "ada").await;
    let (shop, production) = project(&store, &ada, "shop").await;
    let hook = connected(&store, &shop).await;
    let its = feedback(&shop, hook.id, "one");
    let hook = store.update_hook(&hook, Some(its.clone())).await.unwrap();
    let place = async || store.feedback_place(its.id, production.id).await.unwrap();
    let nothing = FeedbackPlace::default();
    assert_eq!(place().await, nothing);
    let commented = FeedbackPlace { comment: Some(4_000_000_000), ..nothing };
    let both = FeedbackPlace { deployment: Some(2), ..commented };
    for made in [commented, both, nothing, both] {
        store.put_feedback_place(its.id, production.id, made).await.unwrap();
        assert_eq!(place().await, made);
    }
    let hook = store.update_hook(&hook, Some(its.clone())).await.unwrap();
    assert_eq!(place().await, both);
    // Of an environment that is gone it is kept while something is left to be told.
    let gone = EnvironmentId::generate();
    store.put_feedback_place(its.id, gone, both).await.unwrap();
    enqueue(&store, &production, '0').await;
    assert_eq!(store.forget_feedback_places().await.unwrap(), 0);
    for due in store.due_deliveries(now(), &Busy::default()).await.unwrap() {
        store.note_attempt(&due.delivery, &attempt(now(), None), &AfterAttempt::Delivered).await.unwrap();
    }
    assert_eq!(store.forget_feedback_places().await.unwrap(), 1);
    assert_eq!(place().await, both);
    let moved = Hook { repository: "https://github.com/ada/other".parse().unwrap(), ..hook };
    store.update_hook(&moved, Some(its.clone())).await.unwrap();
    assert_eq!(place().await, nothing);
    store.put_feedback_place(its.id, production.id, both).await.unwrap();
    store.delete_hook(moved.id).await.unwrap();
    assert_eq!(place().await, nothing);
    let gone = store.put_feedback_place(its.id, production.id, both).await;
    assert!(matches!(gone, Err(StoreError::NotFound)), "{gone:?}");
}

//! What webhooks are told: written with what happens, told in order, and for how long it is kept.

use crate::configuration::edit;
use crate::fixture::{Database, advance_to, enqueue, on_both, project, user};
use chrono::TimeDelta;
use gilgal::model::deployment::DeploymentState as State;
use gilgal::model::environment::EnvironmentSettings;
use gilgal::model::id::{DeploymentId, WebhookId};
use gilgal::model::instance::InstanceKey;
use gilgal::model::project::Project;
use gilgal::model::time::{Timestamp, now};
use gilgal::model::webhook::{
    Attempt, DeliveryState, EventKind, InstanceFacts, Webhook, WebhookDelivery, WebhookFormat,
    WebhookStanding,
};
use gilgal::store::{
    AfterAttempt, Busy, ConfigurationUpdate, NewEnvironment, PageRequest, Store, StoreError, WEBHOOK_LIMIT,
    WebhookUpdate,
};
use std::convert::Infallible;
use std::sync::Arc;

on_both![
    what_happens_is_written_down_for_whoever_asked,
    one_is_due_for_each_webhook_and_in_order,
    failures_are_noted_and_end_the_webhook,
    the_others_are_told_that_one_is_disabled,
    what_is_old_or_too_much_is_forgotten,
    a_webhook_that_is_removed_takes_no_deployment_with_it,
];

pub(crate) async fn webhook(store: &Store, project: &Project, events: Option<Vec<EventKind>>) -> Webhook {
    let at = now();
    let webhook = Webhook {
        id: WebhookId::generate(),
        project_id: project.id,
        hook_id: None,
        format: WebhookFormat::Json,
        target: "https://hooks.example.com".to_owned(),
        sealed_target: "sealed".to_owned(),
        events,
        sealed_secret: Some("sealed".to_owned()),
        sealed_previous_secret: None,
        previous_until: None,
        standing: WebhookStanding::default(),
        created_at: at,
        updated_at: at,
    };
    store.create_webhook(webhook.clone(), 3).await.unwrap();
    webhook
}

/// What a webhook was and is to be told, oldest first.
async fn log(store: &Store, webhook: &Webhook) -> Vec<WebhookDelivery> {
    let mut page = store.deliveries_of(webhook.id, PageRequest::first()).await.unwrap();
    assert_eq!(page.next, None);
    page.data.reverse();
    page.data
}

pub(crate) async fn told(store: &Store, webhook: &Webhook) -> Vec<&'static str> {
    log(store, webhook).await.iter().map(|delivery| delivery.event.kind.as_str()).collect()
}

pub(crate) fn attempt(at: Timestamp, error: Option<&str>) -> Attempt {
    Attempt {
        at,
        duration_ms: 12,
        response_status: Some(if error.is_some() { 500 } else { 204 }),
        response: Some("a\0b".to_owned()),
        error: error.map(str::to_owned),
    }
}

async fn what_happens_is_written_down_for_whoever_asked(database: Database) {
    let store = database.store;
    let ada = user(&store, "ada").await;
    let (shop, production) = project(&store, &ada, "shop").await;
    let (other, other_production) = project(&store, &ada, "other").await;
    enqueue(&store, &production, '0').await;
    let everything = webhook(&store, &shop, None).await;
    let ends = vec![EventKind::DeploymentSucceeded, EventKind::DeploymentFailed];
    let ending = webhook(&store, &shop, Some(ends)).await;
    let elsewhere = webhook(&store, &other, None).await;

    // One that takes the place of what waits, and fails; then one that goes live, and one that is cancelled.
    let failing = enqueue(&store, &production, 'a').await.deployment;
    advance_to(&store, &failing, State::Building).await;
    let because = Some("npm ci failed with exit code 1.");
    store.finish_deployment(failing.id, State::Building, State::UndoingFailure, None, because).await.unwrap();
    store.finish_deployment(failing.id, State::UndoingFailure, State::Failed, None, because).await.unwrap();
    let live = enqueue(&store, &production, 'b').await.deployment;
    advance_to(&store, &live, State::Live).await;
    let cancelled = enqueue(&store, &production, 'c').await.deployment;
    assert!(store.request_cancel(cancelled.id).await.unwrap());
    assert_eq!(
        told(&store, &everything).await,
        [
            "deployment.superseded",
            "deployment.queued",
            "deployment.started",
            "deployment.failed",
            "deployment.queued",
            "deployment.started",
            "deployment.succeeded",
            "deployment.queued",
            "deployment.cancelled",
        ]
    );
    assert_eq!(told(&store, &ending).await, ["deployment.failed", "deployment.succeeded"]);
    let (failed, same) =
        (log(&store, &ending).await.remove(0).event, log(&store, &everything).await.remove(3).event);
    assert_eq!(failed, same, "one event, whoever is told");
    assert_eq!((failed.reason.as_deref(), failed.place().as_str()), (because, "shop:production"));
    assert_eq!(failed.deployment.unwrap().id, failing.id);

    // What is set, what comes and goes, and what crashes.
    let staging = NewEnvironment {
        project_id: shop.id,
        slug: shop.slug.clone(),
        name: "staging".parse().unwrap(),
        branch: None,
        settings: EnvironmentSettings::default(),
        preview: None,
        at_most: 9,
    };
    let staging = store.create_environment(staging).await.unwrap();
    let update = ConfigurationUpdate {
        author: Some(ada.id),
        edits: vec![edit("DATABASE_URL")],
        ..ConfigurationUpdate::default()
    };
    let changed = store.change_configuration(staging.id, |_| Ok::<_, Infallible>((update, ())));
    changed.await.unwrap().unwrap();
    let key = InstanceKey {
        project_id: shop.id,
        environment_id: production.id,
        deployment_id: live.id,
        process_type: "web".parse().unwrap(),
        index: 1,
    };
    let facts = InstanceFacts { name: "web.1".to_owned(), exit_code: 137, crashes: 1 };
    store.note_crash(&key, facts.clone(), false).await.unwrap();
    store.note_crash(&key, facts.clone(), true).await.unwrap();
    store.delete_environment(staging.id).await.unwrap();
    assert!(matches!(store.delete_environment(staging.id).await, Err(StoreError::NotFound)));
    let log_now = log(&store, &everything).await.split_off(9);
    let kinds: Vec<&str> = log_now.iter().map(|delivery| delivery.event.kind.as_str()).collect();
    let expected = [
        "environment.created",
        "config.changed",
        "instance.crashed",
        "instance.crash_looping",
        "environment.deleted",
    ];
    assert_eq!(kinds, expected);
    assert_eq!(
        (log_now[1].event.edits[0].name.as_str(), log_now[1].event.author.clone()),
        ("DATABASE_URL", Some(ada.username))
    );
    assert_eq!(log_now[2].event.instance, Some(facts));
    assert_eq!(log_now[4].event.place(), "shop:staging", "although it is gone");
    assert_eq!(told(&store, &elsewhere).await, Vec::<&str>::new());

    // Nothing is written for one that is disabled; its project takes it along.
    let off = WebhookUpdate { enabled: Some(Err("turned off")), ..WebhookUpdate::default() };
    store.update_webhook(elsewhere.id, off, None).await.unwrap();
    enqueue(&store, &other_production, 'a').await;
    assert_eq!(told(&store, &elsewhere).await, Vec::<&str>::new());
    for _ in 0..2 {
        webhook(&store, &other, None).await;
    }
    let too_many = store.create_webhook(elsewhere.clone(), 3).await;
    assert!(matches!(too_many, Err(StoreError::Conflict { field: WEBHOOK_LIMIT })), "{too_many:?}");
    store.delete_project(shop.id).await.unwrap();
    assert!(matches!(store.webhook(everything.id).await, Err(StoreError::NotFound)));
}

async fn one_is_due_for_each_webhook_and_in_order(database: Database) {
    let store = database.store;
    let ada = user(&store, "ada").await;
    let (shop, production) = project(&store, &ada, "shop").await;
    let (one, other) = (webhook(&store, &shop, None).await, webhook(&store, &shop, None).await);
    let first = enqueue(&store, &production, 'a').await.deployment;
    advance_to(&store, &first, State::Fetching).await;
    let due = |at| {
        let store = store.clone();
        async move {
            let due = store.due_deliveries(at, &Busy::default()).await.unwrap();
            let kind = |due: &gilgal::store::DueDelivery| (due.webhook.id, due.delivery.event.kind.as_str());
            let mut kinds: Vec<_> = due.iter().map(kind).collect();
            kinds.sort();
            (kinds, due)
        }
    };
    let (kinds, all) = due(now()).await;
    assert_eq!(kinds, [(one.id, "deployment.queued"), (other.id, "deployment.queued")]);
    let beside = async |busy: Busy| {
        let due = store.due_deliveries(now(), &busy).await.unwrap();
        due.iter().map(|due| (due.webhook.id, due.owner)).collect::<Vec<_>>()
    };
    assert_eq!(beside(Busy { webhooks: vec![one.id], ..Busy::default() }).await, [(other.id, ada.id)]);
    assert!(beside(Busy { projects: vec![shop.id], ..Busy::default() }).await.is_empty());
    assert!(beside(Busy { owners: vec![ada.id], ..Busy::default() }).await.is_empty());
    // What has failed holds up what is behind it, and nobody else.
    let later = now() + TimeDelta::hours(1);
    let of_one = all.iter().find(|due| due.webhook.id == one.id).unwrap();
    let of_other = all.iter().find(|due| due.webhook.id == other.id).unwrap();
    store
        .note_attempt(&of_one.delivery, &attempt(now(), Some("away")), &AfterAttempt::Retry(later))
        .await
        .unwrap();
    store.note_attempt(&of_other.delivery, &attempt(now(), None), &AfterAttempt::Delivered).await.unwrap();
    assert_eq!(due(now()).await.0, [(other.id, "deployment.started")]);
    let mut expected = vec![(one.id, "deployment.queued"), (other.id, "deployment.started")];
    expected.sort();
    assert_eq!(due(later).await.0, expected);
    // Whoever was told something longest ago is first, however old what waits for the others is.
    let third = webhook(&store, &shop, None).await;
    store.queue_delivery(third.id, of_one.delivery.event.clone()).await.unwrap();
    let first = store.due_deliveries(later, &Busy::default()).await.unwrap();
    assert_eq!(first.iter().map(|due| due.webhook.id).collect::<Vec<_>>(), [third.id, one.id, other.id]);
    store.delete_webhook(third.id).await.unwrap();
    // Somebody looks: what waits is tried at once, still in order.
    let again = store.queue_delivery(one.id, of_one.delivery.event.clone()).await.unwrap();
    assert_eq!((again.event_id(), again.state), (of_one.delivery.event_id(), DeliveryState::Pending));
    let (_, soon) = due(now()).await;
    let head = soon.iter().find(|due| due.webhook.id == one.id).unwrap();
    assert_eq!((head.delivery.id, head.delivery.attempts), (of_one.delivery.id, 1));
    assert_eq!(told(&store, &one).await, ["deployment.queued", "deployment.started", "deployment.queued"]);
    let missing = store.queue_delivery(WebhookId::generate(), again.event).await;
    assert!(matches!(missing, Err(StoreError::NotFound)), "{missing:?}");
}

async fn failures_are_noted_and_end_the_webhook(database: Database) {
    let store = database.store;
    let ada = user(&store, "ada").await;
    let (shop, production) = project(&store, &ada, "shop").await;
    let hook = webhook(&store, &shop, None).await;
    let first = enqueue(&store, &production, 'a').await.deployment;
    advance_to(&store, &first, State::Fetching).await;
    let [queued, started] = log(&store, &hook).await.try_into().unwrap();
    let (begin, later) = (now(), now() + TimeDelta::minutes(5));
    let again = AfterAttempt::Retry(later);
    store.note_attempt(&queued, &attempt(begin, Some("it is away")), &again).await.unwrap();
    store.note_attempt(&queued, &attempt(later, Some("it is still away")), &again).await.unwrap();
    let standing = store.webhook(hook.id).await.unwrap().standing;
    assert_eq!((standing.failing_since, standing.last_error_at), (Some(begin), Some(later)));
    let kept = store.webhook_delivery(queued.id).await.unwrap();
    assert_eq!(
        (kept.attempts, kept.next_attempt_at, kept.error.as_deref()),
        (2, later, Some("it is still away"))
    );
    assert_eq!(kept.last.unwrap().response.as_deref(), Some("a^@b"));

    store.note_attempt(&queued, &attempt(later, None), &AfterAttempt::Delivered).await.unwrap();
    let standing = store.webhook(hook.id).await.unwrap().standing;
    assert_eq!(
        (standing.failing_since, standing.last_success_at, standing.last_error),
        (None, Some(later), None)
    );
    let disabled = AfterAttempt::Disable("It has taken nothing.".to_owned());
    store.note_attempt(&started, &attempt(later, Some("away")), &disabled).await.unwrap();
    let standing = store.webhook(hook.id).await.unwrap().standing;
    assert!(standing.disabled_at.is_some());
    assert_eq!(standing.disabled_reason.as_deref(), Some("It has taken nothing."));
    assert!(store.due_deliveries(later + TimeDelta::days(1), &Busy::default()).await.unwrap().is_empty());
    let states: Vec<_> = log(&store, &hook).await.iter().map(|delivery| delivery.state).collect();
    assert_eq!(states, [DeliveryState::Delivered, DeliveryState::Failed]);

    let on = WebhookUpdate { enabled: Some(Ok(())), ..WebhookUpdate::default() };
    let standing = store.update_webhook(hook.id, on, None).await.unwrap().standing;
    assert_eq!((standing.disabled_at, standing.disabled_reason, standing.failing_since), (None, None, None));
    advance_to(&store, &first, State::Live).await;
    assert_eq!(told(&store, &hook).await.last(), Some(&"deployment.succeeded"));
    // What is noted late changes nothing of one that was given up, and one that is gone is no error.
    store.note_attempt(&started, &attempt(later, None), &AfterAttempt::Delivered).await.unwrap();
    assert_eq!(store.webhook_delivery(started.id).await.unwrap().state, DeliveryState::Failed);
    store.delete_webhook(hook.id).await.unwrap();
    store.note_attempt(&started, &attempt(later, None), &AfterAttempt::Delivered).await.unwrap();
}

async fn the_others_are_told_that_one_is_disabled(database: Database) {
    let store = database.store;
    let ada = user(&store, "ada").await;
    let (shop, production) = project(&store, &ada, "shop").await;
    let hook = webhook(&store, &shop, None).await;
    let other = webhook(&store, &shop, Some(vec![EventKind::WebhookDisabled])).await;
    enqueue(&store, &production, 'a').await;
    let [queued] = log(&store, &hook).await.try_into().unwrap();
    let disabled = AfterAttempt::Disable("It has taken nothing for a day.".to_owned());
    for _ in 0..2 {
        store.note_attempt(&queued, &attempt(now(), Some("away")), &disabled).await.unwrap();
    }
    let [told] = log(&store, &other).await.try_into().unwrap();
    assert_eq!(told.event.kind, EventKind::WebhookDisabled);
    assert_eq!((&told.event.project.slug, &told.event.environment), (&shop.slug, &None));
    let reason = "https://hooks.example.com is told nothing any more. It has taken nothing for a day.";
    assert_eq!(told.event.reason.as_deref(), Some(reason));
    assert_eq!(log(&store, &hook).await.len(), 1, "it is not told itself");
}

async fn what_is_old_or_too_much_is_forgotten(database: Database) {
    let store = database.store;
    let ada = user(&store, "ada").await;
    let (shop, production) = project(&store, &ada, "shop").await;
    let hook = webhook(&store, &shop, None).await;
    let first = enqueue(&store, &production, 'a').await.deployment;
    advance_to(&store, &first, State::Live).await;
    let told_before = log(&store, &hook).await;
    store.note_attempt(&told_before[0], &attempt(now(), None), &AfterAttempt::Delivered).await.unwrap();
    assert_eq!(store.prune_deliveries(now() - TimeDelta::days(1), 10).await.unwrap(), 0);
    assert_eq!(store.prune_deliveries(now() + TimeDelta::seconds(1), 10).await.unwrap(), 1);
    assert_eq!(told(&store, &hook).await, ["deployment.started", "deployment.succeeded"]);
    // What is too much to wait for is not forgotten silently.
    assert_eq!(store.prune_deliveries(now() - TimeDelta::days(1), 1).await.unwrap(), 0);
    let [started, succeeded] = log(&store, &hook).await.try_into().unwrap();
    assert_eq!((started.state, succeeded.state), (DeliveryState::Failed, DeliveryState::Pending));
    assert_eq!(started.error.as_deref(), Some("More than 1 newer events wait for this webhook."));
    store.note_attempt(&succeeded, &attempt(now(), None), &AfterAttempt::Delivered).await.unwrap();
    assert_eq!(store.prune_deliveries(now() - TimeDelta::days(1), 1).await.unwrap(), 1);
    assert_eq!(told(&store, &hook).await, ["deployment.succeeded"]);
}

async fn a_webhook_that_is_removed_takes_no_deployment_with_it(database: Database) {
    let store = Arc::new(database.store);
    let ada = user(&store, "ada").await;
    let (shop, production) = project(&store, &ada, "shop").await;
    for _ in 0..8 {
        let hook = webhook(&store, &shop, None).await;
        let (queueing, removing) = (Arc::clone(&store), Arc::clone(&store));
        let environment = production.clone();
        let queued: tokio::task::JoinHandle<DeploymentId> =
            tokio::spawn(async move { enqueue(&queueing, &environment, 'a').await.deployment.id });
        let removed = tokio::spawn(async move { removing.delete_webhook(hook.id).await });
        let deployment = queued.await.unwrap();
        removed.await.unwrap().unwrap();
        assert_eq!(store.deployment(deployment).await.unwrap().state, State::Queued);
    }
}

//! The audit log, and requests that must not be carried out twice.

use crate::fixture::{Database, on_both, user};
use crate::migrations::execute;
use chrono::TimeDelta;
use gilgal::model::audit::{Change, CredentialKind};
use gilgal::model::id::{ProjectId, UserId};
use gilgal::model::time::now;
use gilgal::store::{AuditFilter, Begun, PageRequest};
use serde_json::json;

on_both![
    entries_are_read_as_they_were_written,
    of_many_requests_with_one_key_one_is_new,
    a_request_is_forgotten_after_a_while,
    old_entries_are_forgotten,
    where_drains_led_is_not_in_it_any_more,
];

fn change(user_id: UserId, project_id: Option<ProjectId>, action: &str) -> Change {
    Change {
        user_id: Some(user_id),
        username: Some("ada".to_owned()),
        credential: Some(CredentialKind::ApiKey),
        credential_id: Some("x".to_owned()),
        action: action.to_owned(),
        project_id,
        subject: "/api/projects/shop".to_owned(),
        peer: "192.0.2.1".to_owned(),
        request_id: "id".to_owned(),
        before: Some(json!({ "name": "Shop", "nothing": null })),
        after: None,
    }
}

async fn entries_are_read_as_they_were_written(database: Database) {
    let store = database.store;
    let (ada, shop) = (UserId::generate(), ProjectId::generate());
    let changes = [
        change(ada, Some(shop), "one"),
        change(ada, None, "two"),
        change(UserId::generate(), Some(shop), "one"),
    ];
    for change in &changes {
        store.audit(change.clone()).await.unwrap();
    }
    let read = async |filter: AuditFilter| -> Vec<Change> {
        let page = store.audit_log(&filter, PageRequest::first()).await.unwrap();
        page.data.into_iter().map(|entry| entry.what).collect()
    };
    let [first, second, third] = changes;
    assert_eq!(read(AuditFilter::default()).await, [third.clone(), second.clone(), first.clone()]);
    let of_shop = AuditFilter { project_id: Some(shop), ..AuditFilter::default() };
    assert_eq!(read(of_shop).await, [third.clone(), first.clone()]);
    let of_ada = AuditFilter { user_id: Some(ada), ..AuditFilter::default() };
    assert_eq!(read(of_ada).await, [second, first.clone()]);
    let ones = AuditFilter { action: Some("one".parse().unwrap()), ..AuditFilter::default() };
    let page = store.audit_log(&ones, PageRequest::new(1, None)).await.unwrap();
    assert_eq!(page.data[0].what, third);
    let rest = store.audit_log(&ones, PageRequest::new(1, page.next)).await.unwrap();
    assert_eq!((rest.data[0].what.clone(), rest.next), (first, None));
}

async fn of_many_requests_with_one_key_one_is_new(database: Database) {
    let store = database.store;
    let (ada, bob) = (user(&store, "ada").await, user(&store, "bob").await);
    let oldest = now() - TimeDelta::hours(24);
    let tasks: Vec<_> = (0..10)
        .map(|_| {
            let (store, id) = (store.clone(), ada.id);
            tokio::spawn(async move { store.begin_request(id, "key", "hash", oldest).await.unwrap() })
        })
        .collect();
    let mut begun = Vec::new();
    for task in tasks {
        begun.push(task.await.unwrap());
    }
    assert_eq!(begun.iter().filter(|begun| **begun == Begun::New).count(), 1);
    assert_eq!(begun.iter().filter(|begun| **begun == Begun::UnderWay).count(), 9);
    store.answer_request(ada.id, "key", "sealed").await.unwrap();
    let again = async |user, hash| store.begin_request(user, "key", hash, oldest).await.unwrap();
    assert_eq!(again(ada.id, "hash").await, Begun::Answered("sealed".to_owned()));
    assert_eq!(again(ada.id, "another").await, Begun::Other);
    assert_eq!(again(bob.id, "another").await, Begun::New);
    store.forget_request(bob.id, "key").await.unwrap();
    assert_eq!(again(bob.id, "hash").await, Begun::New);
}

async fn a_request_is_forgotten_after_a_while(database: Database) {
    let store = database.store;
    let ada = user(&store, "ada").await;
    let past = now() - TimeDelta::hours(24);
    assert_eq!(store.begin_request(ada.id, "key", "hash", past).await.unwrap(), Begun::New);
    let future = now() + TimeDelta::seconds(1);
    assert_eq!(store.begin_request(ada.id, "key", "another", future).await.unwrap(), Begun::New);
    assert_eq!(store.forget_requests_before(past).await.unwrap(), 0);
    assert_eq!(store.forget_requests_before(future).await.unwrap(), 1);
}

async fn old_entries_are_forgotten(database: Database) {
    let store = database.store;
    store.audit(change(UserId::generate(), None, "one")).await.unwrap();
    assert_eq!(store.forget_audit_before(now() - TimeDelta::days(1)).await.unwrap(), 0);
    assert_eq!(store.forget_audit_before(now() + TimeDelta::days(1)).await.unwrap(), 1);
    let left = store.audit_log(&AuditFilter::default(), PageRequest::first()).await.unwrap();
    assert!(left.data.is_empty());
}

async fn where_drains_led_is_not_in_it_any_more(database: Database) {
    let entry = |action: &str| Change {
        before: Some(json!({ "id": 1, "url": "https://logs.example.com/hunter2" })),
        after: Some(json!({ "url": "syslog+tls://logs.example.com:6514" })),
        ..change(UserId::generate(), None, action)
    };
    let [drain, webhook] = [entry("update_drain"), entry("update_webhook")];
    for change in [&drain, &webhook] {
        database.store.audit(change.clone()).await.unwrap();
    }
    // As it was before drains were sealed.
    execute(&database, "ALTER TABLE drains DROP COLUMN sealed_url").await;
    execute(&database, "DELETE FROM __diesel_schema_migrations WHERE version = '20261128000151'").await;
    database.store.migrate().await.unwrap();
    let page = database.store.audit_log(&AuditFilter::default(), PageRequest::first()).await.unwrap();
    let before = Some(json!({ "id": 1, "url": "…" }));
    let kept: Vec<Change> = page.data.into_iter().map(|entry| entry.what).collect();
    assert_eq!(kept, [webhook, Change { before, ..drain }]);
}

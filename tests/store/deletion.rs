//! Projects that were deleted and are still there, and what lists ask for all at once.

use crate::fixture::{Database, enqueue, new_deployment, on_both, project, user};
use crate::queue::live;
use chrono::TimeDelta;
use gilgal::model::deployment::DeploymentState;
use gilgal::model::time::now;
use gilgal::store::{PageRequest, Presence, ProjectActivity, StoreError};

on_both![
    a_deleted_project_is_kept_and_serves_nothing,
    of_two_ends_of_its_time_the_earlier_one_counts,
    what_lists_show_is_asked_for_at_once,
];

async fn a_deleted_project_is_kept_and_serves_nothing(database: Database) {
    let store = database.store;
    let ada = user(&store, "ada").await;
    let (shop, production) = project(&store, &ada, "shop").await;
    let (blog, _) = project(&store, &ada, "blog").await;
    Box::pin(live(&store, &production, '1')).await;
    assert_eq!(store.undelete_project(shop.id, None).await.unwrap(), None, "it is not deleted");
    let final_at = now() + TimeDelta::days(7);
    let deleted = store.mark_project_deleted(shop.id, final_at).await.unwrap();
    let deletion = deleted.deletion.unwrap();
    assert!(deletion.final_at == final_at && deletion.at > shop.created_at);
    assert!(store.current_releases().await.unwrap().is_empty());
    let refused = store.queue_deployment(new_deployment(&production, 'b'), "x").await;
    assert!(matches!(refused, Err(StoreError::Disabled)), "{refused:?}");
    let listed = async |presence| {
        let page = store.projects_of(Some(ada.id), presence, PageRequest::first()).await.unwrap();
        page.data.into_iter().map(|project| project.id).collect::<Vec<_>>()
    };
    assert_eq!(listed(Presence::There).await, [blog.id]);
    assert_eq!(listed(Presence::Deleted).await, [shop.id]);
    assert_eq!(listed(Presence::Either).await, [blog.id, shop.id]);
    assert_eq!(store.deleted_projects().await.unwrap(), [shop.id]);
    assert!(store.projects_to_remove().await.unwrap().is_empty());

    let long_ago = Some(now() - TimeDelta::hours(1));
    assert_eq!(store.undelete_project(shop.id, long_ago).await.unwrap(), None, "it was changed since");
    let back = store.undelete_project(shop.id, None).await.unwrap().unwrap();
    assert_eq!(back.deletion, None);
    assert_eq!(store.current_releases().await.unwrap().len(), 1);
    // Until what it had live was asked for again: a kill in between is made up for.
    assert_eq!(store.projects_coming_back().await.unwrap().len(), 1);
    store.note_brought_back(shop.id).await.unwrap();
    assert!(store.projects_coming_back().await.unwrap().is_empty());
    assert_eq!(store.undelete_project(shop.id, None).await.unwrap(), None);
}

async fn of_two_ends_of_its_time_the_earlier_one_counts(database: Database) {
    let store = database.store;
    let ada = user(&store, "ada").await;
    let (shop, _) = project(&store, &ada, "shop").await;
    let first = store.mark_project_deleted(shop.id, now() + TimeDelta::days(7)).await.unwrap();
    let later = store.mark_project_deleted(shop.id, now() + TimeDelta::days(9)).await.unwrap();
    assert_eq!(later.deletion, first.deletion);
    store.mark_project_deleted(shop.id, now()).await.unwrap();
    assert_eq!(store.undelete_project(shop.id, None).await.unwrap(), None, "its time is over");
    assert_eq!(store.projects_to_remove().await.unwrap().len(), 1);
    store.delete_project(shop.id).await.unwrap();
    let gone = store.mark_project_deleted(shop.id, now()).await;
    assert!(matches!(gone, Err(StoreError::NotFound)), "{gone:?}");
}

async fn what_lists_show_is_asked_for_at_once(database: Database) {
    let store = database.store;
    let (ada, bob) = (user(&store, "ada").await, user(&store, "bob").await);
    let (shop, production) = project(&store, &ada, "shop").await;
    let (blog, other) = project(&store, &bob, "blog").await;
    let (empty, _) = project(&store, &bob, "empty").await;
    Box::pin(live(&store, &production, '1')).await;
    Box::pin(live(&store, &production, '2')).await;
    enqueue(&store, &production, 'c').await;
    enqueue(&store, &other, 'd').await;
    let activity = store.activity_of(&[shop.id, blog.id, empty.id]).await.unwrap();
    let queued = Some(DeploymentState::Queued);
    assert_eq!(activity[&shop.id], ProjectActivity { newest: queued, serves: true });
    assert_eq!(activity[&blog.id], ProjectActivity { newest: queued, serves: false });
    assert_eq!(activity[&empty.id], ProjectActivity { newest: None, serves: false });
    assert!(store.activity_of(&[]).await.unwrap().is_empty());
    let versions = store.live_versions(&[production.id, other.id]).await.unwrap();
    assert_eq!(versions.into_iter().collect::<Vec<_>>(), [(production.id, 2)]);
    let names = store.usernames(&[ada.id, gilgal::model::id::UserId::generate()]).await.unwrap();
    assert_eq!(names.into_iter().collect::<Vec<_>>(), [(ada.id, ada.username)]);
}

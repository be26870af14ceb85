//! Projects and their environment production.

use crate::fixture::{Database, configure, enqueue, on_both, project, user};
use gilgal::model::environment::{EnvironmentSettings, Probe};
use gilgal::model::id::{ProjectId, UserId};
use gilgal::model::name::BranchName;
use gilgal::model::time::now;
use gilgal::store::{Cursor, NewProject, PageRequest, Presence, StoreError};

on_both![
    a_project_begins_with_production,
    a_slug_is_taken_once,
    a_project_changes,
    projects_come_in_pages,
    a_project_takes_everything_with_it,
    settings_survive,
];

async fn a_project_begins_with_production(database: Database) {
    let store = database.store;
    let ada = user(&store, "ada").await;
    let (shop, production) = project(&store, &ada, "shop").await;
    assert_eq!(store.project(shop.id).await.unwrap(), shop);
    assert_eq!(store.project_by_slug(&shop.slug).await.unwrap(), Some(shop.clone()));
    assert_eq!(store.project_by_slug(&"blog".parse().unwrap()).await.unwrap(), None);
    assert_eq!(store.environments_of(shop.id).await.unwrap(), std::slice::from_ref(&production));
    let following = store.environment_following(shop.id, &BranchName::main()).await.unwrap();
    assert_eq!(following, Some(production));
    let following = store.environment_following(shop.id, &"dev".parse().unwrap()).await.unwrap();
    assert_eq!(following, None);
}

async fn a_slug_is_taken_once(database: Database) {
    let store = database.store;
    let ada = user(&store, "ada").await;
    project(&store, &ada, "shop").await;
    let new = |owner_id, slug: &str| NewProject {
        owner_id,
        name: "X".to_owned(),
        slug: slug.parse().unwrap(),
        at_most: 9,
    };
    let refused = store.create_project(new(ada.id, "shop"), EnvironmentSettings::default()).await;
    assert!(matches!(refused, Err(StoreError::Conflict { field: "slug" })), "{refused:?}");
    let refused = store.create_project(new(UserId::generate(), "blog"), EnvironmentSettings::default()).await;
    assert!(matches!(refused, Err(StoreError::NotFound)), "{refused:?}");
    assert_eq!(store.projects_of(None, Presence::There, PageRequest::first()).await.unwrap().data.len(), 1);
}

async fn a_project_changes(database: Database) {
    let store = database.store;
    let ada = user(&store, "ada").await;
    let (shop, _) = project(&store, &ada, "shop").await;
    let renamed = store.rename_project(shop.id, "The Shop", None).await.unwrap();
    assert_eq!((renamed.name.as_str(), &renamed.slug), ("The Shop", &shop.slug));
    assert!(renamed.updated_at > shop.updated_at);
    store.set_project_framework(shop.id, "Next.js").await.unwrap();
    let since = now();
    let disabled = store.set_project_disabled(shop.id, Some(since)).await.unwrap();
    assert_eq!((disabled.framework.as_deref(), disabled.disabled_at), (Some("Next.js"), Some(since)));
    assert_eq!(store.set_project_disabled(shop.id, None).await.unwrap().disabled_at, None);
    let gone = ProjectId::generate();
    assert!(matches!(store.rename_project(gone, "X", None).await, Err(StoreError::NotFound)));
    assert!(matches!(store.set_project_framework(gone, "X").await, Err(StoreError::NotFound)));
}

async fn projects_come_in_pages(database: Database) {
    let store = database.store;
    let (ada, eve) = (user(&store, "ada").await, user(&store, "eve").await);
    for number in 1..=5 {
        project(&store, &ada, &format!("ada-{number}")).await;
    }
    project(&store, &eve, "eve-1").await;
    let mut seen = Vec::new();
    let mut cursor: Option<Cursor> = None;
    loop {
        let page =
            store.projects_of(Some(ada.id), Presence::There, PageRequest::new(2, cursor)).await.unwrap();
        seen.extend(page.data.into_iter().map(|project| project.slug.to_string()));
        match page.next {
            // What the API hands out and gets back.
            Some(next) => cursor = Some(next.to_string().parse().unwrap()),
            None => break,
        }
    }
    assert_eq!(seen, ["ada-5", "ada-4", "ada-3", "ada-2", "ada-1"]);
    assert_eq!(store.projects_of(None, Presence::There, PageRequest::first()).await.unwrap().data.len(), 6);
}

async fn a_project_takes_everything_with_it(database: Database) {
    let store = database.store;
    let ada = user(&store, "ada").await;
    let (shop, production) = project(&store, &ada, "shop").await;
    let queued = enqueue(&store, &production, 'a').await.deployment;
    store.delete_project(shop.id).await.unwrap();
    assert!(matches!(store.delete_project(shop.id).await, Err(StoreError::NotFound)));
    assert!(matches!(store.environment(production.id).await, Err(StoreError::NotFound)));
    assert!(matches!(store.deployment(queued.id).await, Err(StoreError::NotFound)));
    assert_eq!(store.deployment_events(queued.id).await.unwrap(), []);
    assert_eq!(store.open_jobs().await.unwrap(), 0);
}

async fn settings_survive(database: Database) {
    let store = database.store;
    let ada = user(&store, "ada").await;
    let (_, production) = project(&store, &ada, "shop").await;
    let mut settings = EnvironmentSettings::default();
    // A NUL and a lone quote: what a document may hold, whatever the database thinks of it.
    settings.health.probe = Probe::Http { path: "/\0'".to_owned() };
    settings.formation.0.insert("web".parse().unwrap(), 3);
    let branch: BranchName = "release/1".parse().unwrap();
    let updated = configure(&store, &production, Some(branch.clone()), &settings).await;
    assert_eq!((updated.branch.as_ref(), &updated.settings), (Some(&branch), &settings));
    assert_eq!(store.environment(production.id).await.unwrap(), updated);
    assert_eq!(configure(&store, &production, None, &settings).await.branch, None);
}

//! Previews of pull requests: how many there are, what they belong to, and what becomes of them with it.

use crate::fixture::{Database, commit, on_both, project, user};
use chrono::TimeDelta;
use gilgal::model::environment::{Environment, EnvironmentSettings};
use gilgal::model::hook::{Hook, Provider};
use gilgal::model::id::{HookId, PreviewId};
use gilgal::model::name::EnvironmentName;
use gilgal::model::preview::{Preview, PreviewSettings};
use gilgal::model::project::Project;
use gilgal::model::time::now;
use gilgal::store::{ENVIRONMENT_LIMIT, NewEnvironment, PREVIEW_LIMIT, Store, StoreError};

on_both![
    a_project_has_so_many_and_each_number_once,
    its_environment_is_counted_apart_and_goes_by_itself,
    what_is_over_is_removed_and_what_is_opened_again_stays,
    a_hook_that_makes_none_takes_its_previews_along,
];

pub(crate) fn preview(project: &Project, hook: Option<HookId>, number: u64) -> Preview {
    let now = now();
    Preview {
        id: PreviewId::generate(),
        project_id: project.id,
        hook_id: hook,
        number,
        environment_id: None,
        reference: format!("refs/pull/{number}/head"),
        title: "Nothing\0more".to_owned(),
        author: Some("eve".to_owned()),
        head_branch: "colours".to_owned(),
        head: Some(commit('a')),
        base_branch: Some("main".to_owned()),
        is_fork: false,
        approved: None,
        is_asked: false,
        closed_at: None,
        expires_at: now + TimeDelta::days(7),
        created_at: now,
        updated_at: now,
    }
}

pub(crate) async fn connected(store: &Store, project: &Project) -> Hook {
    let (id, created_at) = (HookId::generate(), now());
    let hook = Hook {
        id,
        project_id: project.id,
        provider: Provider::Github,
        repository: "https://github.com/ada/shop".parse().unwrap(),
        tag_environment_id: None,
        previews: Some(PreviewSettings { days: 3, ..PreviewSettings::default() }),
        wait_for_checks: false,
        via: None,
        enabled: true,
        sealed_secret: "sealed".to_owned(),
        sealed_previous: None,
        previous_until: None,
        refused_at: None,
        created_at,
        updated_at: created_at,
    };
    store.create_hook(hook.clone(), None, 20).await.unwrap();
    assert_eq!(store.hook(id).await.unwrap().previews, hook.previews);
    hook
}

/// Gives a preview its environment.
pub(crate) async fn house(
    store: &Store,
    project: &Project,
    preview: &Preview,
) -> Result<Environment, StoreError> {
    let new = NewEnvironment {
        project_id: project.id,
        slug: project.slug.clone(),
        name: EnvironmentName::of_pull_request(preview.number),
        branch: None,
        settings: EnvironmentSettings::default(),
        preview: Some(preview.id),
        at_most: 1,
    };
    store.create_environment(new).await
}

fn conflict<T: std::fmt::Debug>(result: Result<T, StoreError>) -> &'static str {
    match result {
        Err(StoreError::Conflict { field }) => field,
        other => panic!("{other:?}"),
    }
}

async fn a_project_has_so_many_and_each_number_once(database: Database) {
    let store = database.store;
    let ada = user(&store, "ada").await;
    let (shop, _) = project(&store, &ada, "shop").await;
    let (one, two) = (preview(&shop, None, 1), preview(&shop, None, 2));
    store.put_preview(one.clone(), 1).await.unwrap();
    assert_eq!(conflict(store.put_preview(two.clone(), 1).await), PREVIEW_LIMIT);
    assert_eq!(conflict(store.put_preview(preview(&shop, None, 1), 9).await), "number");
    // What has its place keeps it.
    let pushed = Preview { head: None, ..one.clone() };
    store.put_preview(pushed, 0).await.unwrap();
    let known = store.preview(shop.id, 1).await.unwrap().unwrap();
    assert_eq!((known.title.as_str(), known.head, known.id), ("Nothing^@more", None, one.id));
    // Of several at once one is the last.
    let all: Vec<_> = (3..9)
        .map(|number| {
            let (store, preview) = (store.clone(), preview(&shop, None, number));
            tokio::spawn(async move { store.put_preview(preview, 3).await })
        })
        .collect();
    let mut taken = 0;
    for one in all {
        taken += u8::from(one.await.unwrap().is_ok());
    }
    assert_eq!((taken, store.previews_of(shop.id).await.unwrap().len()), (2, 3));
    // A fork that waits takes none, until it is let in.
    let fork = Preview { is_fork: true, ..two };
    store.put_preview(fork.clone(), 3).await.unwrap();
    let approved = Preview { approved: fork.head.clone(), ..fork };
    assert_eq!(conflict(store.put_preview(approved, 3).await), PREVIEW_LIMIT);
    // Another project has its own.
    let (other, _) = project(&store, &ada, "other").await;
    store.put_preview(preview(&other, None, 1), 1).await.unwrap();
    store.delete_project(other.id).await.unwrap();
    assert_eq!(store.previews_of(other.id).await.unwrap(), []);
}

async fn its_environment_is_counted_apart_and_goes_by_itself(database: Database) {
    let store = database.store;
    let ada = user(&store, "ada").await;
    let (shop, production) = project(&store, &ada, "shop").await;
    let one = preview(&shop, None, 1);
    store.put_preview(one.clone(), 9).await.unwrap();
    let environment = house(&store, &shop, &one).await.unwrap();
    let found = store.preview_of(environment.id).await.unwrap().unwrap();
    assert_eq!((found.id, found.number), (one.id, 1));
    assert_eq!(store.preview_of(production.id).await.unwrap(), None);
    let staging = |at_most| NewEnvironment {
        project_id: shop.id,
        slug: shop.slug.clone(),
        name: "staging".parse().unwrap(),
        branch: None,
        settings: EnvironmentSettings::default(),
        preview: None,
        at_most,
    };
    assert_eq!(conflict(store.create_environment(staging(1)).await), ENVIRONMENT_LIMIT);
    store.create_environment(staging(2)).await.unwrap();
    // One for a preview that is gone is not made.
    let gone = preview(&shop, None, 2);
    assert!(matches!(house(&store, &shop, &gone).await, Err(StoreError::NotFound)));
    assert_eq!(store.environments_of(shop.id).await.unwrap().len(), 3);
    store.delete_environment(environment.id).await.unwrap();
    assert_eq!(store.preview(shop.id, 1).await.unwrap().unwrap().environment_id, None);
    // What is to be merged into a branch is like what follows it, or like production.
    let base = async |branch: Option<&str>| {
        let branch = branch.map(|branch| branch.parse().unwrap());
        store.base_environment(shop.id, branch.as_ref()).await.unwrap().unwrap().id
    };
    for branch in [Some("main"), Some("nobody-follows-it"), None] {
        assert_eq!(base(branch).await, production.id);
    }
}

async fn what_is_over_is_removed_and_what_is_opened_again_stays(database: Database) {
    let store = database.store;
    let ada = user(&store, "ada").await;
    let (shop, _) = project(&store, &ada, "shop").await;
    let [open, closed, expired] = [1, 2, 3].map(|number| preview(&shop, None, number));
    for one in [&open, &closed, &Preview { expires_at: now(), ..expired.clone() }] {
        store.put_preview(one.clone(), 9).await.unwrap();
    }
    let numbers = async |found: Result<Vec<Preview>, StoreError>| {
        found.unwrap().iter().map(|preview| preview.number).collect::<Vec<_>>()
    };
    store.close_preview(closed.id).await.unwrap();
    assert_eq!(numbers(store.previews_to_remove().await).await, [2, 3]);
    assert_eq!(numbers(store.previews_to_start().await).await, [1]);
    store.note_preview_asked(open.id).await.unwrap();
    assert!(numbers(store.previews_to_start().await).await.is_empty());
    assert_eq!(store.begin_preview_removal(closed.id).await.unwrap(), None, "it has no environment");

    let environment = house(&store, &shop, &closed).await.unwrap();
    let kept = house(&store, &shop, &open).await.unwrap();
    assert_eq!(store.begin_preview_removal(open.id).await.unwrap(), None);
    assert_eq!(store.environment(kept.id).await.unwrap().disabled_at, None);
    assert_eq!(store.begin_preview_removal(closed.id).await.unwrap(), Some(environment.id));
    assert!(store.environment(environment.id).await.unwrap().disabled_at.is_some());
    store.forget_preview(closed.id).await.unwrap();
    assert!(store.preview(shop.id, 2).await.unwrap().is_some(), "its environment is still there");

    // Opened again meanwhile: what has begun goes on, and the row stays.
    let again = Preview { environment_id: Some(environment.id), ..closed.clone() };
    store.put_preview(again, 9).await.unwrap();
    assert_eq!(numbers(store.previews_to_remove().await).await, [2, 3]);
    assert_eq!(store.begin_preview_removal(closed.id).await.unwrap(), Some(environment.id));
    store.delete_environment(environment.id).await.unwrap();
    store.forget_preview(closed.id).await.unwrap();
    assert_eq!(numbers(store.previews_to_start().await).await, [2]);
    assert_eq!(numbers(store.previews_to_remove().await).await, [3]);
    store.forget_preview(expired.id).await.unwrap();
    assert_eq!(numbers(store.previews_of(shop.id).await).await, [1, 2]);
}

async fn a_hook_that_makes_none_takes_its_previews_along(database: Database) {
    let store = database.store;
    let ada = user(&store, "ada").await;
    let (shop, _) = project(&store, &ada, "shop").await;
    let (one, other) = (connected(&store, &shop).await, connected(&store, &shop).await);
    for (hook, number) in [(&one, 1), (&one, 2), (&other, 3)] {
        store.put_preview(preview(&shop, Some(hook.id), number), 9).await.unwrap();
    }
    let over = async || {
        let found = store.previews_to_remove().await.unwrap();
        found.iter().map(|preview| preview.number).collect::<Vec<_>>()
    };
    let one = store.update_hook(&one, None).await.unwrap();
    assert!(over().await.is_empty());
    store.update_hook(&Hook { previews: None, ..one }, None).await.unwrap();
    assert_eq!(over().await, [1, 2]);
    store.delete_hook(other.id).await.unwrap();
    assert_eq!(over().await, [1, 2, 3]);
    assert_eq!(store.preview(shop.id, 3).await.unwrap().unwrap().hook_id, None);
    assert!(matches!(store.delete_hook(other.id).await, Err(StoreError::NotFound)));
}

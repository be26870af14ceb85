//! Releases.

use crate::configuration::{apply, edit, file};
use crate::fixture::{Database, advance_to, commit, configure, enqueue, on_both, project, user};
use chrono::TimeDelta;
use gilgal::model::deployment::{Deployment, DeploymentRecord, DeploymentState as State};
use gilgal::model::environment::{
    ConfigScope, ConfigVar, DrainSeconds, Environment, EnvironmentSettings, HangUpPolicy, HealthCheck,
    SleepSeconds, WatchSeconds,
};
use gilgal::model::id::{EnvironmentId, ReleaseId};
use gilgal::model::pins::{BaseImage, Pinned, Pins};
use gilgal::model::plan::BuildPlan;
use gilgal::model::process::{Command, Formation, Limits};
use gilgal::model::release::{Release, ReleaseContent};
use gilgal::model::time::now;
use gilgal::store::{ConfigurationUpdate, NewRelease, PageRequest, RestoredSettings, Store, StoreError};
use std::collections::BTreeMap;

on_both![
    versions_count_up,
    what_is_cancelled_or_not_checked_is_not_committed,
    a_commit_and_a_cancel_exclude_each_other,
    only_a_committed_release_is_current,
    a_disabled_project_serves_nothing,
    releases_come_in_pages,
    a_rollback_sets_back_what_was_set_before_it_was_asked_for,
    builds_go_by_what_went_live_until_it_is_let_go_of,
];

pub(crate) fn new_release(deployment: &Deployment) -> NewRelease {
    let processes = BTreeMap::from([("web".parse().unwrap(), Command::Line("npm start".to_owned()))]);
    let plan = BuildPlan {
        buildpack: "node".to_owned(),
        kind: "Node.js app".to_owned(),
        framework: "Node.js".to_owned(),
        variables: BTreeMap::from([("install".to_owned(), serde_json::json!("npm ci"))]),
        processes: processes.clone(),
        port: 3000,
        ..BuildPlan::default()
    };
    NewRelease {
        id: ReleaseId::generate(),
        environment_id: deployment.environment_id,
        deployment_id: deployment.id,
        commit: Some(commit('a')),
        created_by: None,
        content: ReleaseContent {
            image: "sha256:1".to_owned(),
            port: 3000,
            processes,
            formation: Formation::default(),
            limits: Limits::default(),
            process_limits: BTreeMap::new(),
            health: HealthCheck::default(),
            drain_seconds: DrainSeconds::default(),
            watch_seconds: WatchSeconds::default(),
            sleep_seconds: SleepSeconds::default(),
            canary: None,
            sticky: false,
            volumes: BTreeMap::new(),
            strategy: None,
            cron: BTreeMap::new(),
            variables: BTreeMap::from([("MODE".to_owned(), "test".to_owned())]),
            sealed_config: BTreeMap::new(),
            sealed_files: BTreeMap::new(),
            build_variables: None,
            settings: None,
            instances_of: None,
            plan,
        },
        restores: None,
        pins: None,
    }
}

/// Makes a release that has config vars and files, sealed as given, in it and in the record of its deployment.
pub(crate) async fn release_with(
    store: &Store,
    environment: &Environment,
    config: &[(&str, &str)],
    files: &[(&str, &str)],
) {
    let deployment = enqueue(store, environment, 'a').await.deployment;
    advance_to(store, &deployment, State::Checking).await;
    let mut new = new_release(&deployment);
    let sealed = config.iter().map(|(name, sealed)| ((*name).to_owned(), (*sealed).to_owned()));
    new.content.sealed_config = sealed.collect();
    let sealed = files.iter().map(|(path, sealed)| (path.parse().unwrap(), (*sealed).to_owned()));
    new.content.sealed_files = sealed.collect();
    let record = DeploymentRecord { content: Some(new.content.clone()), ..DeploymentRecord::default() };
    store.commit_release(new, &record).await.unwrap().unwrap();
}

/// Takes a deployment that waits to its commit.
async fn commit_release(store: &Store, deployment: &Deployment) -> Release {
    advance_to(store, deployment, State::Checking).await;
    let record = DeploymentRecord::default();
    Box::pin(store.commit_release(new_release(deployment), &record)).await.unwrap().unwrap()
}

async fn versions_count_up(database: Database) {
    let store = database.store;
    let ada = user(&store, "ada").await;
    let record = DeploymentRecord::default();
    for slug in ["shop", "blog"] {
        let (_, environment) = project(&store, &ada, slug).await;
        for version in 1..=3 {
            let deployment = enqueue(&store, &environment, 'a').await.deployment;
            let release = commit_release(&store, &deployment).await;
            assert_eq!(release.version, version);
            // Asked again after a crash: the same release.
            let again = store.commit_release(new_release(&deployment), &record).await.unwrap();
            assert_eq!(again.as_ref(), Some(&release));
            let committed = store.deployment(deployment.id).await.unwrap();
            assert_eq!((committed.state, committed.version), (State::Switching, Some(version)));
            assert_eq!(store.release(environment.id, version).await.unwrap(), release);
        }
        assert!(matches!(store.release(environment.id, 4).await, Err(StoreError::NotFound)));
        let mut nowhere = new_release(&enqueue(&store, &environment, 'a').await.deployment);
        nowhere.environment_id = EnvironmentId::generate();
        assert!(matches!(store.commit_release(nowhere, &record).await, Err(StoreError::NotFound)));
    }
}

async fn what_is_cancelled_or_not_checked_is_not_committed(database: Database) {
    let store = database.store;
    let ada = user(&store, "ada").await;
    let (_, production) = project(&store, &ada, "shop").await;
    let record = DeploymentRecord::default();
    let deployment = enqueue(&store, &production, 'a').await.deployment;
    let early = store.commit_release(new_release(&deployment), &record).await;
    assert!(matches!(early, Err(StoreError::Stale)), "{early:?}");
    advance_to(&store, &deployment, State::Checking).await;
    assert!(store.request_cancel(deployment.id).await.unwrap());
    assert_eq!(store.commit_release(new_release(&deployment), &record).await.unwrap(), None);
    assert_eq!(store.deployment(deployment.id).await.unwrap().state, State::Checking);
    assert_eq!(store.releases_of(production.id, PageRequest::first()).await.unwrap().data, []);
}

async fn a_commit_and_a_cancel_exclude_each_other(database: Database) {
    let store = database.store;
    let ada = user(&store, "ada").await;
    let (_, production) = project(&store, &ada, "shop").await;
    for _ in 0..10 {
        let deployment = enqueue(&store, &production, 'a').await.deployment;
        advance_to(&store, &deployment, State::Checking).await;
        let (new, record) = (new_release(&deployment), DeploymentRecord::default());
        let (committed, cancelled) =
            tokio::join!(store.commit_release(new, &record), store.request_cancel(deployment.id));
        assert_ne!(committed.unwrap().is_some(), cancelled.unwrap());
    }
}

async fn only_a_committed_release_is_current(database: Database) {
    let store = database.store;
    let ada = user(&store, "ada").await;
    let (shop, production) = project(&store, &ada, "shop").await;
    project(&store, &ada, "never-deployed").await;
    assert_eq!(store.current_release(production.id).await.unwrap(), None);
    assert_eq!(store.current_releases().await.unwrap(), []);

    for reached in [State::Switching, State::Draining, State::Live] {
        let deployment = enqueue(&store, &production, 'a').await.deployment;
        let release = commit_release(&store, &deployment).await;
        advance_to(&store, &deployment, reached).await;
        assert_eq!(store.current_release(production.id).await.unwrap(), Some(release.clone()));
        let all = store.current_releases().await.unwrap();
        assert_eq!(all, [(shop.clone(), production.clone(), release)]);
    }

    // A newer deployment that fails changes nothing.
    let current = store.current_releases().await.unwrap();
    let deployment = enqueue(&store, &production, 'b').await.deployment;
    store.finish_deployment(deployment.id, State::Queued, State::Failed, None, Some("No.")).await.unwrap();
    assert_eq!(store.current_releases().await.unwrap(), current);
}

async fn releases_come_in_pages(database: Database) {
    let store = database.store;
    let ada = user(&store, "ada").await;
    let (_, production) = project(&store, &ada, "shop").await;
    for _ in 0..5 {
        let deployment = enqueue(&store, &production, 'a').await.deployment;
        commit_release(&store, &deployment).await;
    }
    let mut versions = Vec::new();
    let mut cursor = None;
    loop {
        let page = store.releases_of(production.id, PageRequest::new(2, cursor)).await.unwrap();
        versions.extend(page.data.iter().map(|release| release.version));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(versions, [5, 4, 3, 2, 1]);
}

async fn a_disabled_project_serves_nothing(database: Database) {
    let store = database.store;
    let ada = user(&store, "ada").await;
    let (shop, production) = project(&store, &ada, "shop").await;
    let deployment = enqueue(&store, &production, 'a').await.deployment;
    commit_release(&store, &deployment).await;
    assert_eq!(store.current_releases().await.unwrap().len(), 1);
    assert_eq!(store.released_images().await.unwrap(), ["sha256:1".to_owned()].into());
    assert_eq!(store.newest_images_of(production.id, 10).await.unwrap(), ["sha256:1"]);
    assert_eq!(store.newest_images_of(production.id, 0).await.unwrap(), [""; 0]);
    store.set_project_disabled(shop.id, Some(gilgal::model::time::now())).await.unwrap();
    assert!(store.current_releases().await.unwrap().is_empty());
}

async fn a_rollback_sets_back_what_was_set_before_it_was_asked_for(database: Database) {
    let store = database.store;
    let ada = user(&store, "ada").await;
    let (_, production) = project(&store, &ada, "shop").await;
    let released = production.settings.clone();
    let set = async |name_text: &str, sealed: &str, scope, at| {
        let (name, sealed_value) = (name_text.parse().unwrap(), sealed.to_owned());
        let var = ConfigVar { name, sealed_value, scope, secret: false, previews: false, updated_at: at };
        let (set, edits) = (vec![var], vec![edit(name_text)]);
        apply(&store, production.id, ConfigurationUpdate { set, edits, ..Default::default() }).await;
    };
    let before = now() - TimeDelta::seconds(5);
    set("CHANGED", "new", ConfigScope::Runtime, before).await;
    set("ADDED", "new", ConfigScope::Both, before).await;
    set("BUILD", "new", ConfigScope::Build, before).await;
    let mut scaled = released.clone();
    scaled.formation.0.insert("web".parse().unwrap(), 4);
    scaled.on_hang_up = HangUpPolicy::Cancel;
    configure(&store, &production, production.branch.clone(), &scaled).await;
    let mut older = file(production.id, "/a", "new");
    older.updated_at = before;
    let update = ConfigurationUpdate { files: vec![older], edits: vec![edit("/a")], ..Default::default() };
    apply(&store, production.id, update).await;
    let asked_at = now();
    set("LATER", "new", ConfigScope::Both, asked_at + TimeDelta::seconds(5)).await;

    let rollback = async |asked_at| {
        let deployment = enqueue(&store, &production, 'a').await.deployment;
        advance_to(&store, &deployment, State::Checking).await;
        let old =
            [("CHANGED", Some("old")), ("REMOVED", Some("old")), ("LATER", Some("old")), ("ADDED", None)];
        let config = old.map(|(name, value)| (name.to_owned(), value.map(str::to_owned))).into();
        let files = ["/a", "/b"].map(|path| (path.parse().unwrap(), Some("old".to_owned()))).into();
        let restores = Some(RestoredSettings {
            asked_at,
            author: Some(ada.id),
            settings: Some(released.clone()),
            config,
            files,
        });
        let new = NewRelease { restores, ..new_release(&deployment) };
        store.commit_release(new, &DeploymentRecord::default()).await.unwrap().unwrap();
    };
    Box::pin(rollback(asked_at)).await;
    let vars: Vec<_> = store.config_vars(production.id).await.unwrap();
    let vars: Vec<_> =
        vars.iter().map(|var| (var.name.as_str(), var.sealed_value.as_str(), var.secret)).collect();
    assert_eq!(
        vars,
        [
            ("BUILD", "new", false),
            ("CHANGED", "old", true),
            ("LATER", "new", false),
            ("REMOVED", "old", true)
        ]
    );
    let files = store.configuration(production.id).await.unwrap().files;
    let files: Vec<_> =
        files.iter().map(|file| (file.path.as_str(), file.sealed_content.as_str(), file.secret)).collect();
    assert_eq!(files, [("/a", "old", true), ("/b", "old", true)]);
    let restored = store.environment(production.id).await.unwrap().settings;
    assert_eq!(restored.formation, released.formation);
    assert_eq!(restored.on_hang_up, HangUpPolicy::Cancel, "no part of what runs");

    // One that was asked for meanwhile sets it back too: what the first one has set was as of when that was asked for.
    assert!(
        store
            .config_vars(production.id)
            .await
            .unwrap()
            .iter()
            .all(|var| var.updated_at <= asked_at || var.name.as_str() == "LATER")
    );
    let restored = store.environment(production.id).await.unwrap();
    assert!(!restored.settings_set_at.has_later_than(asked_at), "{restored:?}");
    let history = store.config_changes_of(production.id, PageRequest::first()).await.unwrap().data;
    let mut names: Vec<_> = history[0].edits.iter().map(|edit| edit.name.as_str()).collect();
    names.sort_unstable();
    assert_eq!((history[0].author, names), (Some(ada.id), vec!["/a", "/b", "ADDED", "CHANGED", "REMOVED"]));

    // What was set after it was asked for stays, and keeps nothing else.
    configure(&store, &production, production.branch.clone(), &scaled).await;
    let (asked_at, mut with_page) = (now(), scaled.clone());
    with_page.error_page = Some("<p>Soon.</p>".parse().unwrap());
    configure(&store, &production, production.branch.clone(), &with_page).await;
    Box::pin(rollback(asked_at)).await;
    let back = store.environment(production.id).await.unwrap().settings;
    let page = with_page.error_page.clone();
    assert_eq!(
        back,
        EnvironmentSettings { formation: released.formation.clone(), error_page: page, ..scaled.clone() }
    );
    let asked_at = now();
    configure(&store, &production, production.branch.clone(), &scaled).await;
    Box::pin(rollback(asked_at)).await;
    assert_eq!(store.environment(production.id).await.unwrap().settings, scaled);
}

async fn builds_go_by_what_went_live_until_it_is_let_go_of(database: Database) {
    let store = database.store;
    let ada = user(&store, "ada").await;
    let (_, production) = project(&store, &ada, "shop").await;
    let pins = |id: &str| Pins {
        versions: BTreeMap::from([("node".to_owned(), "22".to_owned())]),
        images: BTreeMap::from([("node:22".to_owned(), BaseImage::Id(id.to_owned()))]),
    };
    let go_live = async |pins: Option<Pins>, while_it_runs: bool| {
        let deployment = enqueue(&store, &production, 'a').await.deployment;
        advance_to(&store, &deployment, State::Checking).await;
        if while_it_runs {
            store.let_go_of_pins(production.id).await.unwrap();
        }
        let new = NewRelease { pins, ..new_release(&deployment) };
        store.commit_release(new, &DeploymentRecord::default()).await.unwrap().unwrap();
        advance_to(&store, &store.deployment(deployment.id).await.unwrap(), State::Live).await;
    };
    assert_eq!(store.pinned(production.id).await.unwrap(), Pinned::Nothing);
    assert_eq!(store.let_go_of_pins(production.id).await.unwrap(), Pins::default());
    assert_eq!(store.pinned(production.id).await.unwrap(), Pinned::Nothing);
    Box::pin(go_live(Some(pins("1")), false)).await;
    // Something that built nothing.
    Box::pin(go_live(None, false)).await;
    assert_eq!(store.pinned(production.id).await.unwrap(), Pinned::To(pins("1")));
    assert_eq!(store.all_pins().await.unwrap(), [pins("1")]);

    assert_eq!(store.let_go_of_pins(production.id).await.unwrap(), pins("1"));
    Box::pin(go_live(None, false)).await;
    assert_eq!(store.pinned(production.id).await.unwrap(), Pinned::LetGo);
    Box::pin(go_live(Some(pins("2")), false)).await;
    assert_eq!(store.pinned(production.id).await.unwrap(), Pinned::To(pins("2")));
    // What was being built when it was let go of does not bring it back.
    Box::pin(go_live(Some(pins("2")), true)).await;
    assert_eq!(store.pinned(production.id).await.unwrap(), Pinned::LetGo);
}

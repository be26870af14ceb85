//! Releases.

use crate::fixture::{Database, advance_to, commit, enqueue, on_both, project, user};
use gilgal::model::deployment::{Deployment, DeploymentState as State};
use gilgal::model::id::{EnvironmentId, ReleaseId};
use gilgal::model::plan::BuildPlan;
use gilgal::model::process::{Command, Formation, Limits};
use gilgal::model::release::ReleaseContent;
use gilgal::store::{NewRelease, PageRequest, StoreError};
use std::collections::BTreeMap;

on_both![versions_count_up, only_a_switched_release_is_current, releases_come_in_pages];

fn new_release(deployment: &Deployment) -> NewRelease {
    let processes = BTreeMap::from([("web".parse().unwrap(), Command::Line("npm start".to_owned()))]);
    let plan = BuildPlan {
        buildpack: "node".to_owned(),
        kind: "Node.js app".to_owned(),
        framework: "Node.js".to_owned(),
        evidence: Vec::new(),
        warnings: Vec::new(),
        versions: BTreeMap::new(),
        variables: BTreeMap::from([("install".to_owned(), serde_json::json!("npm ci"))]),
        processes: processes.clone(),
        port: 3000,
        dockerfile: None,
        files: BTreeMap::new(),
        ignore: Vec::new(),
        caches: Vec::new(),
        build_variable_prefixes: Vec::new(),
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
            sealed_config: BTreeMap::new(),
            plan,
        },
    }
}

async fn versions_count_up(database: Database) {
    let store = database.store;
    let ada = user(&store, "ada").await;
    for slug in ["shop", "blog"] {
        let (_, environment) = project(&store, &ada, slug).await;
        for version in 1..=3 {
            let deployment = enqueue(&store, &environment, 'a').await.deployment;
            let release = store.commit_release(new_release(&deployment)).await.unwrap();
            assert_eq!(release.version, version);
            // Asked again after a crash: the same release.
            assert_eq!(store.commit_release(new_release(&deployment)).await.unwrap(), release);
            assert_eq!(store.deployment(deployment.id).await.unwrap().version, Some(version));
            assert_eq!(store.release(environment.id, version).await.unwrap(), release);
        }
        assert!(matches!(store.release(environment.id, 4).await, Err(StoreError::NotFound)));
        let mut nowhere = new_release(&enqueue(&store, &environment, 'a').await.deployment);
        nowhere.environment_id = EnvironmentId::generate();
        assert!(matches!(store.commit_release(nowhere).await, Err(StoreError::NotFound)));
    }
}

async fn only_a_switched_release_is_current(database: Database) {
    let store = database.store;
    let ada = user(&store, "ada").await;
    let (shop, production) = project(&store, &ada, "shop").await;
    project(&store, &ada, "never-deployed").await;
    assert_eq!(store.current_release(production.id).await.unwrap(), None);
    assert_eq!(store.current_releases().await.unwrap(), []);

    for reached in [State::Draining, State::Live] {
        let deployment = enqueue(&store, &production, 'a').await.deployment;
        let before = store.current_release(production.id).await.unwrap();
        advance_to(&store, &deployment, State::Switching).await;
        let release = store.commit_release(new_release(&deployment)).await.unwrap();
        assert_eq!(store.current_release(production.id).await.unwrap(), before);
        advance_to(&store, &deployment, reached).await;
        assert_eq!(store.current_release(production.id).await.unwrap(), Some(release.clone()));
        let all = store.current_releases().await.unwrap();
        assert_eq!(all, [(shop.clone(), production.clone(), release)]);
    }

    // A newer release that fails changes nothing.
    let current = store.current_releases().await.unwrap();
    let deployment = enqueue(&store, &production, 'b').await.deployment;
    store.commit_release(new_release(&deployment)).await.unwrap();
    store.finish_deployment(deployment.id, State::Queued, State::Failed, Some("No.")).await.unwrap();
    assert_eq!(store.current_releases().await.unwrap(), current);
}

async fn releases_come_in_pages(database: Database) {
    let store = database.store;
    let ada = user(&store, "ada").await;
    let (_, production) = project(&store, &ada, "shop").await;
    for _ in 0..5 {
        let deployment = enqueue(&store, &production, 'a').await.deployment;
        store.commit_release(new_release(&deployment)).await.unwrap();
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

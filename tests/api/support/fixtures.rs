//! Deployments and logs, as the parts that make them would.

use super::{Client, TestServer};
use gilgal::git::Repositories;
use gilgal::model::deployment::{
    DeploymentOptions, DeploymentRecord, DeploymentSource, DeploymentState, Step,
};
use gilgal::model::id::{DeploymentId, ProjectId, ReleaseId};
use gilgal::model::log::{Level, LogLine, NewLine, Stream};
use gilgal::model::plan::BuildPlan;
use gilgal::model::time::now;
use gilgal::store::{NewDeployment, NewRelease, Store};
use serde_json::Value;
use std::collections::BTreeMap;

/// A queued deployment of a project, pushed by its owner.
pub(crate) async fn deployment(store: &Store, project: &Value) -> DeploymentId {
    let project = store.project(project["id"].as_str().unwrap().parse().unwrap()).await.unwrap();
    let production = store.environments_of(project.id).await.unwrap().remove(0);
    let new = NewDeployment {
        id: DeploymentId::generate(),
        project_id: project.id,
        environment_id: production.id,
        commit: "1a2b3c4d5e6f7a8b9c0d1e2f3a4b5c6d7e8f9a0b".parse().unwrap(),
        branch: Some("main".parse().unwrap()),
        previous_commit: None,
        author: Some(project.owner_id),
        source: DeploymentSource::Push,
        options: DeploymentOptions::default(),
    };
    Box::pin(store.enqueue_deployment(new, "A newer push took its place.")).await.unwrap().deployment.id
}

/// A server, somebody with a project, and its queued deployment with a log.
pub(crate) async fn with_log(log: &[(Stream, &str)]) -> (TestServer, Client, DeploymentId) {
    let server = TestServer::start().await;
    let ada = server.sign_up("ada").await;
    let project = ada.create_project("Shop").await;
    let id = deployment(&server.store, &project).await;
    lines(&server.store, id, 1, log).await;
    (server, ada, id)
}

/// Moves a deployment through some states.
pub(crate) async fn move_to(store: &Store, id: DeploymentId, states: &[DeploymentState]) {
    for state in states {
        let from = store.deployment(id).await.unwrap().state;
        if state.is_final() {
            store
                .finish_deployment(id, from, *state, None, Some("npm ci failed with exit code 1."))
                .await
                .unwrap();
        } else {
            store.advance_deployment(id, from, *state, &DeploymentRecord::default(), None).await.unwrap();
        }
    }
}

/// A deployment of a project that has made a release, which is live.
pub(crate) async fn released(
    store: &Store,
    project: &Value,
    image: &str,
    config: &[(&str, &str)],
) -> DeploymentId {
    let id = deployment(store, project).await;
    Box::pin(go_live(store, id, image, config)).await;
    id
}

/// Takes a queued deployment to its end, which has made a release.
pub(crate) async fn go_live(store: &Store, id: DeploymentId, image: &str, config: &[(&str, &str)]) {
    move_to(store, id, &[DeploymentState::Checking]).await;
    let deployment = store.deployment(id).await.unwrap();
    let content = serde_json::json!({
        "image": image,
        "port": 5000,
        "processes": { "web": "image" },
        "cron": { "nightly": { "schedule": "0 3 * * *", "command": "true", "overlap": "allow", "timeout_seconds": 60 } },
        "formation": {},
        "limits": {},
        "sealed_config": config.iter().copied().collect::<BTreeMap<_, _>>(),
        "plan": BuildPlan::default(),
    });
    let new = NewRelease {
        id: ReleaseId::generate(),
        environment_id: deployment.environment_id,
        deployment_id: id,
        commit: Some(deployment.commit),
        created_by: deployment.author,
        content: serde_json::from_value(content).unwrap(),
        restores: None,
        pins: None,
    };
    Box::pin(store.commit_release(new, &DeploymentRecord::default())).await.unwrap().unwrap();
    store
        .advance_deployment(
            id,
            DeploymentState::Switching,
            DeploymentState::Draining,
            &DeploymentRecord::default(),
            None,
        )
        .await
        .unwrap();
    store.finish_deployment(id, DeploymentState::Draining, DeploymentState::Live, None, None).await.unwrap();
}

/// Commits an empty tree to a branch of a project, as a push does.
pub(crate) fn commit(repositories: &Repositories, project: &Value, branch: &str) -> String {
    let id: ProjectId = project["id"].as_str().unwrap().parse().unwrap();
    let repository = repositories.open_or_create(id).unwrap();
    let git = git2::Repository::open_bare(repository.path()).unwrap();
    let tree = git.find_tree(git.treebuilder(None).unwrap().write().unwrap()).unwrap();
    let ada = git2::Signature::now("Ada", "ada@example.com").unwrap();
    git.commit(Some(&format!("refs/heads/{branch}")), &ada, &ada, branch, &tree, &[]).unwrap().to_string()
}

/// Writes lines to the log of a deployment, numbered from `first`.
pub(crate) async fn lines(store: &Store, id: DeploymentId, first: i64, texts: &[(Stream, &str)]) {
    let line = |(seq, (stream, text)): (i64, &(Stream, &str))| {
        let step = match stream {
            Stream::Notice => Step::Build,
            Stream::Step | Stream::Outcome | Stream::Detail | Stream::Build | Stream::App => Step::Detect,
        };
        line_of(seq, step, *stream, text)
    };
    let lines: Vec<_> = (first..).zip(texts).map(line).collect();
    store.append_log(id, &lines).await.unwrap();
}

/// A line that belongs to a step.
pub(crate) fn line_of(seq: i64, step: Step, stream: Stream, text: &str) -> LogLine {
    let level = match stream {
        Stream::Notice => Level::Error,
        Stream::Step | Stream::Outcome | Stream::Detail | Stream::Build | Stream::App => Level::Info,
    };
    LogLine { seq, line: NewLine { at: now(), level, step, stream, text: text.to_owned() } }
}

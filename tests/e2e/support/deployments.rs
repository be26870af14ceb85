//! What became of the deployments of a person's only project.

use super::docker::Engine;
use super::invariants::Invariants;
use super::person::Person;
use super::process::wait_until;
use super::server::{Server, ServerOptions};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

/// How long what was broken may take to be as it should be.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// A server that is started with some options, and somebody with an empty project "Shop".
pub(crate) fn with_project(options: ServerOptions) -> (Server, Person) {
    let mut server = Server::start_with(options);
    let ada = server.person("ada");
    let body = json!({ "name": "Shop" });
    server.request(Method::POST, "/api/projects", &ada.token, Some(&body)).expect(201);
    (server, ada)
}

/// Every deployment, newest first; at most a hundred.
pub(crate) fn deployments(server: &Server, person: &Person) -> Vec<Value> {
    let get = |path: &str| server.request(Method::GET, path, &person.token, None).expect(200);
    let projects = get("/api/projects");
    let id = projects["data"][0]["id"].as_str().unwrap();
    get(&format!("/api/projects/{id}/deployments?limit=100"))["data"].as_array().unwrap().clone()
}

/// Asks for a deployment, and gives it as it has ended, together with its log.
#[track_caller]
pub(crate) fn deploy(server: &Server, person: &Person, project: &str, body: &Value) -> (Value, String) {
    let path = format!("/api/projects/{project}/deployments");
    let queued = server.request(Method::POST, &path, &person.token, Some(body)).expect(202);
    ended(server, person, &queued)
}

/// A deployment as it has ended, together with its log.
#[track_caller]
pub(crate) fn ended(server: &Server, person: &Person, queued: &Value) -> (Value, String) {
    let path = format!("/api/deployments/{}", queued["id"].as_str().unwrap());
    let mut deployment = Value::Null;
    wait_until("the deployment has ended", Duration::from_mins(2), || {
        deployment = server.request(Method::GET, &path, &person.token, None).expect(200);
        !deployment["finished_at"].is_null()
    });
    let id = queued["id"].as_str().unwrap();
    // Its exit code says how the deployment has ended.
    let log = person.ssh(server, &["logs", id]).stdout;
    (deployment, log)
}

#[track_caller]
pub(crate) fn wait_until_all_have_ended(server: &Server, person: &Person) {
    wait_until("every deployment has ended", PATIENCE, || {
        deployments(server, person).iter().all(|deployment| !deployment["finished_at"].is_null())
    });
}

/// The newest deployment is live, and nothing else is: one instance, which the router serves, and the branch is there.
#[track_caller]
pub(crate) fn expect_live(server: &Server, person: &Person, commit: &str, body: &str) {
    wait_until_all_have_ended(server, person);
    let deployments = deployments(server, person);
    assert_eq!(deployments[0]["status"], "success", "{:#?}\n{}", deployments[0], server.log());
    assert_eq!(deployments[0]["commit"], commit);
    let mut versions: Vec<_> =
        deployments.iter().filter_map(|deployment| deployment["version"].as_i64()).collect();
    let count = versions.len();
    versions.dedup();
    assert_eq!(versions.len(), count, "every release was made once: {versions:?}");
    expect_served(server, person, &deployments[0], commit, body);
}

/// The instance of one deployment runs and no other, the router serves it, the branch is at its commit, and [`Invariants`]
/// hold.
#[track_caller]
pub(crate) fn expect_served(server: &Server, person: &Person, deployment: &Value, commit: &str, body: &str) {
    let engine = server.engine();
    wait_until("no orphan is left", PATIENCE, || engine.containers().len() == 1);
    let label = &Engine::inspect(&engine.containers()[0])["Config"]["Labels"]["gilgal.deployment"];
    assert_eq!(*label, deployment["id"]);
    wait_until("the router serves it", PATIENCE, || server.get("shop", "/").body == body);
    assert_eq!(person.remote_reference(server, "shop", "refs/heads/main").as_deref(), Some(commit));
    Invariants::of(server, person).hold();
}

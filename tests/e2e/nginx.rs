//! Repositories elsewhere as most of them are: behind a web server that asks who is there, over HTTPS.

use crate::hooks::{Hook, LOOPBACK};
use crate::provider_api::{ProviderApi, assert_described};
use crate::support::{
    GIT_PASSWORD, GIT_USERNAME, GitHttp, GitNginx, Server, WorkTree, deploy, ended, wait_until, with_project,
};
use gilgal::git::{Access, Fetch, FetchError, Pin, Repositories};
use gilgal::model::id::{DeploymentId, ProjectId};
use gilgal::model::secret::Secret;
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::sync::mpsc;

#[test]
fn a_repository_behind_nginx_is_deployed_by_who_may_read_it() {
    let elsewhere = GitNginx::start(None);
    let (server, ada) = with_project(LOOPBACK);
    let tree = WorkTree::answering("one");
    elsewhere.publish(&tree, "shop.git");
    let body = json!({ "repository": format!("http://{}/shop.git", elsewhere.address()) });
    let (deployment, log) = deploy(&server, &ada, "shop", &body);
    assert_eq!(deployment["status"], "failed", "{log}");
    let path = format!("/api/projects/shop/credentials/{}", elsewhere.address());
    assert!(log.contains(&path), "{log}");

    let credential = json!({ "username": GIT_USERNAME, "password": GIT_PASSWORD });
    server.request(Method::PUT, &path, &ada.token, Some(&credential)).expect(200);
    let (deployment, log) = deploy(&server, &ada, "shop", &body);
    assert_eq!(deployment["status"], "success", "{log}");
    assert_eq!((&deployment["commit"], server.get("shop", "/").body), (&json!(tree.head()), "one".into()));
    assert!(elsewhere.asked().contains("POST /shop.git/git-upload-pack"), "{}", elsewhere.asked());
    assert!(!log.contains(GIT_PASSWORD) && !server.log().contains(GIT_PASSWORD));
}

#[test]
fn a_commit_behind_nginx_is_told_of_live_and_said_to_be() {
    let (behind, api) = (GitHttp::start(), ProviderApi::new("/api/v3"));
    behind.tell(&api);
    let elsewhere = GitNginx::start_before(&behind.host());
    let (server, ada) = with_project(LOOPBACK);
    let path = format!("/api/projects/shop/credentials/{}", elsewhere.address());
    let credential = json!({ "username": GIT_USERNAME, "password": GIT_PASSWORD });
    server.request(Method::PUT, &path, &ada.token, Some(&credential)).expect(200);
    let url = format!("http://{}/ada/shop.git", elsewhere.address());
    let body = json!({ "provider": "github", "repository": url, "feedback": true });
    let hook = Hook::with(&server, &ada, &body, &url);
    let tree = WorkTree::answering("one");
    let states =
        |part: &str| -> Vec<Value> { api.sent(part).iter().map(|body| body["state"].clone()).collect() };
    let live = |before: Option<&str>, commit: &str, word: &str, deployment: u32| {
        elsewhere.publish(&tree, "ada/shop.git");
        let told = hook.push(&server, before, commit, &["index.html"]).expect(202);
        let (made, log) = ended(&server, &ada, &json!({ "id": told["deployment_id"] }));
        assert_eq!((&made["status"], &made["commit"]), (&json!("success"), &json!(commit)), "{log}");
        assert_eq!(server.get("shop", "/").body, word);
        let part = format!("/deployments/{deployment}/statuses");
        wait_until("it is told", Duration::from_secs(30), || states(&part).len() == 3);
        assert_eq!(states(&part), ["queued", "in_progress", "success"]);
        let of_commit = format!("/repos/ada/shop/statuses/{commit}");
        assert_eq!(states(&of_commit), ["pending", "pending", "success"]);
        assert_eq!(api.sent(&part)[2]["environment_url"], api.sent(&of_commit)[2]["target_url"]);
        api.sent(&part)[2]["environment_url"].as_str().unwrap().to_owned()
    };
    let first = tree.head();
    let app = live(None, &first, "one", 1);
    let second = tree.commit(&[("index.html", "two")]);
    assert_eq!(live(Some(&first), &second, "two", 2), app);
    wait_until("the first is live no more", Duration::from_secs(30), || {
        states("/deployments/1/statuses").last().is_some_and(|state| state == "inactive")
    });
    let host = app.trim_start_matches("http://").split(':').next().unwrap();
    assert_eq!(host, Server::host("shop"));

    let told = api.told();
    assert_described("github", &told);
    assert!(told.iter().all(|one| one.authorization == format!("Bearer {GIT_PASSWORD}")));
    let asked = elsewhere.asked();
    for part in ["POST /ada/shop.git/git-upload-pack", "POST /api/v3/repos/ada/shop/deployments"] {
        assert!(asked.contains(part), "{asked}");
    }
    assert!(!server.log().contains(GIT_PASSWORD));
}

/// The name is one that there is not (RFC 2606 §2): whoever looked it up once more would find nothing.
#[test]
fn over_https_the_address_is_the_one_that_was_judged_and_the_name_is_proved() {
    const NAME: &str = "git.example";
    let elsewhere = GitNginx::start(Some(NAME));
    let tree = WorkTree::answering("one");
    elsewhere.publish(&tree, "shop.git");
    let home = tempfile::tempdir().unwrap();
    let project = ProjectId::generate();
    let repository = Repositories::new(home.path().to_owned()).open_or_create(project).unwrap();
    let fetched = |host: &str, address: &str, certificates: Option<String>| {
        let fetch = Fetch {
            url: format!("https://{host}:{}/shop.git", elsewhere.port()).parse().unwrap(),
            reference: None,
            pin: Pin::Deployment(DeploymentId::generate()),
            addresses: vec![address.parse().unwrap()],
            access: Access::Password {
                username: GIT_USERNAME.to_owned(),
                password: Secret::new(GIT_PASSWORD.to_owned()),
            },
            most_bytes: 1024 * 1024,
            timeout: Duration::from_secs(20),
            certificates: certificates.map(Into::into),
        };
        let (sender, _lines) = mpsc::channel(100);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(repository.fetch(fetch, sender)).unwrap().outcome
    };
    // Nobody whom this machine believes has signed the certificate.
    let unproved = fetched(NAME, "127.0.0.1", None).unwrap_err();
    assert!(!matches!(unproved, FetchError::TimedOut { .. }), "{unproved}");
    assert_eq!(elsewhere.asked(), "");

    let known = || Some(elsewhere.certificate());
    assert_eq!(fetched(NAME, "127.0.0.1", known()).unwrap().to_string(), tree.head());
    // The same server by another name than its certificate has, and another server by its name.
    assert!(fetched("other.example", "127.0.0.1", known()).is_err());
    assert!(fetched(NAME, "127.0.0.2", known()).is_err());
}

#[test]
fn a_host_is_known_by_the_certificates_of_the_operator() {
    const NETWORKS: (&str, &str) = ("GILGAL_FETCH_ALLOW_NETWORKS", "127.0.0.0/8,::1/128");
    let elsewhere = GitNginx::start(Some("localhost"));
    let (mut server, ada) = with_project(&[NETWORKS]);
    elsewhere.publish(&WorkTree::answering("one"), "shop.git");
    let host = format!("localhost:{}", elsewhere.port());
    let path = format!("/api/projects/shop/credentials/{host}");
    let credential = json!({ "username": GIT_USERNAME, "password": GIT_PASSWORD });
    server.request(Method::PUT, &path, &ada.token, Some(&credential)).expect(200);
    let body = json!({ "repository": format!("https://{host}/shop.git") });
    let (deployment, log) = deploy(&server, &ada, "shop", &body);
    assert_eq!(deployment["status"], "failed", "{log}");
    assert!(log.contains("certificate verification failed"), "{log}");

    server.stop();
    server.start_again(&[NETWORKS, ("SSL_CERT_FILE", &elsewhere.certificate())]);
    let (deployment, log) = deploy(&server, &ada, "shop", &body);
    assert_eq!(deployment["status"], "success", "{log}");
    assert_eq!(server.get("shop", "/").body, "one");
}

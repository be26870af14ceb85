//! Repositories elsewhere as most of them are: behind a web server that asks who is there, over HTTPS.

use crate::support::{GIT_PASSWORD, GIT_USERNAME, GitNginx, WorkTree, deploy, with_project};
use gilgal::git::{Access, Fetch, FetchError, Pin, Repositories};
use gilgal::model::id::{DeploymentId, ProjectId};
use gilgal::model::secret::Secret;
use reqwest::Method;
use serde_json::json;
use std::time::Duration;
use tokio::sync::mpsc;

#[test]
fn a_repository_behind_nginx_is_deployed_by_who_may_read_it() {
    let elsewhere = GitNginx::start(None);
    let (server, ada) = with_project(&[
        ("GILGAL_FETCH_ALLOW_NETWORKS", "127.0.0.0/8"),
        ("GILGAL_FETCH_SCHEMES", "https,ssh,http"),
    ]);
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

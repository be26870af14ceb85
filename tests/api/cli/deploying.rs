//! Deploying from the command line without a push: `deploy`, `redeploy`.

use super::terminal::{Terminal, assert_screen};
use crate::support::{Options, commit};
use std::fs;

/// What a deployment that was asked for is made from, and for which commit.
async fn made(ada: &Terminal, arguments: &[&str]) -> (serde_json::Value, String) {
    let arguments = [&["deploy", "--detach", "--json"], arguments].concat();
    let json = ada.run(&arguments).await.expect(0).json();
    (json["made_from"].clone(), json["commit"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_is_deployed() {
    let (server, ada, shop) = Terminal::with_shop(Options::default()).await;
    assert_screen!("nothing_here", ada.run(&["deploy"]).await);
    for (file, text) in [("index.html", "hello"), (".gitignore", "*.log"), ("debug.log", "canary")] {
        fs::write(ada.work().join(file), text).unwrap();
    }
    fs::create_dir(ada.work().join("app")).unwrap();
    fs::write(ada.work().join("app/index.html"), "app").unwrap();
    assert_screen!("deployed", ada.run(&["deploy", "--detach"]).await);
    let paths = |commit: &str| {
        let id = shop["id"].as_str().unwrap().parse().unwrap();
        let repository = server.deployments.repositories.existing(id).unwrap();
        let tree = repository.tree(&commit.parse().unwrap()).unwrap();
        gilgal::model::source::SourceTree::paths(&tree).to_vec()
    };
    let (from, commit) = made(&ada, &["."]).await;
    assert_eq!(from, serde_json::json!({ "kind": "upload" }));
    assert_eq!(paths(&commit), [".gitignore", "app/index.html", "index.html"]);
    let (_, commit) = made(&ada, &["app/"]).await;
    assert_eq!(paths(&commit), ["index.html"]);
    assert_screen!("a_folder_without_a_slash", ada.run(&["deploy", "app"]).await);
    assert_screen!("no_such_folder", ada.run(&["deploy", "./nowhere"]).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_pushed_is_deployed_again() {
    let (server, ada, shop) = Terminal::with_shop(Options::default()).await;
    assert_screen!("nothing_was_pushed", ada.run(&["redeploy"]).await);
    let main = commit(&server.deployments.repositories, &shop, "main");
    let topic = commit(&server.deployments.repositories, &shop, "topic");
    assert_eq!(made(&ada, &["topic"]).await.1, topic);
    assert_eq!(made(&ada, &[&main]).await.1, main);
    assert_screen!("no_such_branch", ada.run(&["deploy", "nowhere"]).await);
    assert_screen!("no_such_environment", ada.run(&["deploy", "topic", "-e", "staging"]).await);
    assert_screen!("redeployed", ada.run(&["redeploy", "--detach"]).await);
    let newest = ada.run(&["deployments", "--json"]).await.expect(0).json();
    let id = newest[0]["id"].as_str().unwrap();
    let again = ada.run(&["redeploy", id, "--detach", "--json"]).await.expect(0).json();
    assert_eq!(again["commit"], main);
    assert_screen!("no_such_deployment", ada.run(&["redeploy", "v7"]).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn images_and_repositories_elsewhere_are_deployed() {
    let (_server, ada, _) = Terminal::with_shop(Options::default()).await;
    assert_eq!(made(&ada, &["--image", "ghcr.io/ada/shop:1"]).await.0["kind"], "image");
    let repository = ["--repository", "https://code.example/ada/shop.git", "--at", "v1.0"];
    assert_eq!(made(&ada, &repository).await.0["kind"], "repository");
    assert_screen!("no_image", ada.run(&["deploy", "--image", "a b"]).await);
    assert_screen!("no_repository", ada.run(&["deploy", "--repository", "ftp://x/y"]).await);
    assert_screen!("at_of_what", ada.run(&["deploy", "--at", "v1.0"]).await);
    assert_screen!("two_sources", ada.run(&["deploy", "main", "--image", "nginx"]).await);
}

//! Connecting a project to a repository elsewhere from the command line.

use super::terminal::{Terminal, assert_screen};
use crate::support::{Options, Reply};
use reqwest::Method;

#[tokio::test(flavor = "multi_thread")]
async fn a_project_is_connected_step_by_step() {
    let (server, ada, _) = Terminal::with_shop(Options::default()).await;
    assert_screen!("no_hooks", ada.run(&["hooks"]).await);
    assert_screen!("no_hook_to_rotate", ada.run(&["hooks", "rotate"]).await);
    for (name, arguments) in [
        ("connect_github", &["connect", "github", "ada/shop"][..]),
        ("connect_github_https", &["connect", "github", "ada/shop", "--https", "--tags", "production"]),
        ("connect_gitlab", &["connect", "gitlab", "https://gitlab.example/group/sub/shop.git"]),
        ("connect_gitea", &["connect", "gitea", "git@git.example:ada/shop.git"]),
        ("connect_bitbucket", &["connect", "bitbucket", "ada/shop", "--https"]),
        ("connect_custom", &["connect", "custom", "https://code.example/shop.git"]),
        ("connect_github_feedback", &["connect", "github", "ada/shop", "--https", "--feedback"]),
        ("connect_gitlab_checks", &["connect", "gitlab", "ada/shop", "--https", "--wait-for-checks"]),
        ("connect_no_feedback", &["connect", "custom", "https://code.example/shop.git", "--feedback"]),
        ("connect_no_host", &["connect", "gitea", "ada/shop"]),
        ("connect_no_provider", &["connect", "svn", "ada/shop"]),
        ("connect_no_environment", &["connect", "github", "ada/shop", "--tags", "staging"]),
    ] {
        assert_screen!(name, ada.run(arguments).await);
    }
    assert_screen!("which_hook", ada.run(&["hooks", "deliveries"]).await);
    let hooks = ada.run(&["hooks", "--json"]).await.expect(0).json();
    for hook in &hooks.as_array().unwrap()[1..] {
        let id = hook["id"].as_str().unwrap();
        ada.run(&["hooks", "remove", id]).await.expect(0);
    }
    assert_screen!("feedback_on", ada.run(&["hooks", "set", "--feedback", "on"]).await);
    assert_screen!("hooks", ada.run(&["hooks"]).await);
    assert_screen!("checks_on", ada.run(&["hooks", "set", "--wait-for-checks", "on"]).await);
    assert_screen!("nothing_set", ada.run(&["hooks", "set"]).await);
    assert_screen!("feedback_off", ada.run(&["hooks", "set", "--feedback", "off"]).await);

    assert_screen!("no_deliveries", ada.run(&["hooks", "deliveries"]).await);
    ada.run(&["hooks", "remove"]).await.expect(0);
    let connected = ada.run(&["connect", "gitlab", "ada/shop", "--json"]).await.expect(0).json();
    assert!(connected["deploy_key"].as_str().unwrap().starts_with("ssh-ed25519 "));
    // Where the server is from outside, and not as it is reached from here.
    assert_eq!(connected["url"], format!("https://api.test{}", connected["path"].as_str().unwrap()));
    let sent = server.anonymous().request(Method::POST, connected["path"].as_str().unwrap());
    let sent = sent.header("x-gitlab-token", connected["secret"].as_str().unwrap());
    let sent = Reply::of(sent.header("x-gitlab-event", "Pipeline Hook")).await.expect(200);
    assert_screen!("deliveries", ada.run(&["hooks", "deliveries"]).await);
    let id = sent["id"].as_str().unwrap();
    assert_screen!("redelivered", ada.run(&["hooks", "redeliver", &id[28..]]).await);
    assert_screen!("no_such_delivery", ada.run(&["hooks", "redeliver", "nothing"]).await);
    assert_screen!("rotated_hook", ada.run(&["hooks", "rotate"]).await);
    let signing = ["hooks", "rotate", "--signing-token"];
    let token = format!("whsec_{}=\n", "A".repeat(43));
    assert_screen!("signing_token", ada.types(&signing, &token).await);
    assert_screen!("no_signing_token", ada.types(&signing, "glh_x\n").await);
    let via = connected["id"].as_str().unwrap();
    assert_screen!("connect_via", ada.run(&["connect", "gitlab", "ada/blog", "--via", via]).await);
    let hooks = ada.run(&["hooks", "--json"]).await.expect(0).json();
    ada.run(&["hooks", "remove", hooks[1]["id"].as_str().unwrap()]).await.expect(0);
    assert_screen!("disabled_hook", ada.run(&["hooks", "disable"]).await);
    assert_screen!("enabled_hook", ada.run(&["hooks", "enable"]).await);
    assert_screen!("removed_hook", ada.run(&["hooks", "remove"]).await);
}

//! What GitHub publishes of its webhooks, signed and sent by Octokit; and what the documentation shows.

use super::{connected, deployments};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use tokio::process::Command;

/// The packages of `tests/api/octokit`, installed as their lock file has them, outside of the checkout.
async fn installed() -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/api/octokit");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("octokit");
    fs::create_dir_all(&folder).unwrap();
    fs::copy(source.join("send.mjs"), folder.join("send.mjs")).unwrap();
    let lock = fs::read_to_string(source.join("package-lock.json")).unwrap();
    // Written last: it is there once everything else is.
    let done = folder.join("installed");
    if fs::read_to_string(&done).is_ok_and(|installed| installed == lock) {
        return folder;
    }
    for file in ["package.json", "package-lock.json"] {
        fs::copy(source.join(file), folder.join(file)).unwrap();
    }
    let mut npm = Command::new("npm");
    npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(&folder);
    let output = npm.output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    fs::write(done, lock).unwrap();
    folder
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_github_publishes_is_taken() {
    let (_server, ada, hook) = connected("github").await;
    let folder = installed().await;
    let url = format!("http://{}{}", ada.address(), hook.path);
    let mut node = Command::new("node");
    node.arg(folder.join("send.mjs")).args([&url, &hook.secret]);
    let output = node.output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut became: BTreeMap<String, usize> = BTreeMap::new();
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        let sent: Value = serde_json::from_str(line).unwrap();
        let (status, answer) = (sent["status"].as_u64().unwrap(), &sent["answer"]);
        assert!(matches!(status, 200 | 202), "{line}");
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let what = match sent["name"].as_str().unwrap() {
            name @ ("ping" | "push" | "pull_request" | "status" | "check_run" | "check_suite"
            | "workflow_run") => name,
            _ => "others",
        };
        let line = format!("{what} {} {}", word(&answer["outcome"]), word(&answer["reason"]));
        *became.entry(line.trim_end().to_owned()).or_default() += 1;
    }
    let became: Vec<String> = became.into_iter().map(|(what, count)| format!("{count} {what}")).collect();
    insta::assert_snapshot!(became.join("\n"));
    assert!(!deployments(&ada).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_of_the_documentation_starts_a_deployment() {
    let (_server, ada, hook) = connected("custom").await;
    ada.send(
        reqwest::Method::PATCH,
        "/api/environments/shop:production",
        serde_json::json!({ "branch": "main" }),
    )
    .await
    .expect(200);
    let page = include_str!("../../../docs/hooks.md");
    let (_, example) =
        page.split_once("```sh\nurl=https://gilgal.example.com/webhooks/custom/ID secret=glh_…\n").unwrap();
    let (example, _) = example.split_once("```").unwrap();
    let mut bash = Command::new("bash");
    bash.args(["-euo", "pipefail", "-c", example]);
    bash.env("url", format!("http://{}{}", ada.address(), hook.path)).env("secret", &hook.secret);
    let output = bash.env("no_proxy", "*").output().await.unwrap();
    let answer = String::from_utf8(output.stdout).unwrap();
    let answer: Value = serde_json::from_str(&answer).unwrap_or_else(|_| panic!("{answer}"));
    assert_eq!(answer["outcome"], "deployed", "{answer}");
    assert_eq!(deployments(&ada).await[0]["id"], answer["deployment_id"]);
}

//! `gilgal plan` as a person runs it.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn plan(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_gilgal")).arg("plan").arg(folder).args(arguments).output().unwrap()
}

/// What is printed by a command that ends well.
fn printed(folder: &Path, arguments: &[&str]) -> String {
    let output = plan(folder, arguments);
    let refused = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && refused.is_empty(), "{refused}");
    String::from_utf8(output.stdout).unwrap()
}

fn project() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let package = r#"{ "engines": { "node": "22" }, "scripts": { "start": "node server.js" } }"#;
    fs::write(folder.path().join("package.json"), package).unwrap();
    folder
}

#[test]
fn the_plan_is_shown() {
    insta::assert_snapshot!(printed(project().path(), &[]));
}

#[test]
fn json_is_the_whole_plan() {
    let text = printed(project().path(), &["--json"]);
    let plan: serde_json::Value = serde_json::from_str(&text).unwrap();
    insta::assert_snapshot!(text);
    assert_eq!(plan["buildpack"], "node");
}

#[test]
fn the_dockerfile_is_that_of_the_buildpack_or_the_projects_own() {
    let folder = project();
    insta::assert_snapshot!(printed(folder.path(), &["--dockerfile"]));
    fs::write(folder.path().join("Dockerfile"), "FROM busybox\nCMD [\"httpd\"]\n").unwrap();
    assert_eq!(printed(folder.path(), &["--dockerfile"]), "FROM busybox\nCMD [\"httpd\"]\n");
}

#[test]
fn what_cannot_be_planned_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for (path, arguments, code, sentence) in [
        (folder.path().to_owned(), vec![], 1, " !     "),
        (folder.path().join("missing"), vec![], 1, "cannot be read"),
        (folder.path().to_owned(), vec!["--json", "--dockerfile"], 2, "cannot be used with"),
    ] {
        let output = plan(&path, &arguments);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(code), b"".as_slice()), "{said}");
        assert!(said.contains(sentence), "{said}");
    }
}

//! `gilgal eject` as a person runs it: the files that appear, and that a push then builds with them.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn eject(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_gilgal")).arg("eject").arg(folder).args(arguments).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8([output.stdout.clone(), output.stderr.clone()].concat()).unwrap()
}

#[test]
fn the_dockerfile_becomes_the_projects_own() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("package.json"), r#"{ "scripts": { "start": "node server.js" } }"#).unwrap();
    fs::write(folder.path().join(".dockerignore"), "tmp").unwrap();

    let output = eject(folder.path(), &[]);
    assert!(output.status.success());
    insta::assert_snapshot!(said(&output));
    let read = |path: &str| fs::read_to_string(folder.path().join(path)).unwrap();
    insta::assert_snapshot!(format!("{}=== .dockerignore\n{}", read("Dockerfile"), read(".dockerignore")));

    let again = eject(folder.path(), &["--force"]);
    assert!(!again.status.success());
    assert!(said(&again).contains("brings its own Dockerfile"), "{}", said(&again));
}

#[test]
fn nothing_is_overwritten_unasked() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("index.html"), "<p>hello").unwrap();
    fs::create_dir(folder.path().join(".gilgal")).unwrap();
    fs::write(folder.path().join(".gilgal/Caddyfile"), "mine").unwrap();

    let refused = eject(folder.path(), &[]);
    assert!(!refused.status.success());
    assert!(said(&refused).contains(".gilgal/Caddyfile is there already"), "{}", said(&refused));
    assert!(!folder.path().join("Dockerfile").exists());

    assert!(eject(folder.path(), &["--force"]).status.success());
    assert_ne!(fs::read_to_string(folder.path().join(".gilgal/Caddyfile")).unwrap(), "mine");
    assert!(folder.path().join("Dockerfile").exists());
}

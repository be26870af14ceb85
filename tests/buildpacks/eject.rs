//! `gilgal eject` as a person runs it: the files that appear, what is said of what a Dockerfile cannot hold, and that a push would
//! then find them.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn eject(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_gilgal")).arg("eject").arg(folder).args(arguments).output().unwrap()
}

/// What a push would make of the folder: `gilgal plan --json`.
fn planned(folder: &Path) -> serde_json::Value {
    let output =
        Command::new(env!("CARGO_BIN_EXE_gilgal")).args(["plan", "--json"]).arg(folder).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn write(folder: &Path, files: &[(&str, &str)]) {
    for (path, text) in files {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
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
fn a_push_finds_the_dockerfile_and_its_port() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &[("package.json", r#"{ "scripts": { "start": "node server.js" } }"#)]);
    assert!(eject(folder.path(), &[]).status.success());
    let plan = planned(folder.path());
    assert_eq!((&plan["buildpack"], &plan["port"]), (&"dockerfile".into(), &3000.into()));
}

#[test]
fn what_a_dockerfile_cannot_say_is_said() {
    let folder = tempfile::tempdir().unwrap();
    write(
        folder.path(),
        &[
            ("manage.py", ""),
            ("requirements.txt", "django\ngunicorn\n"),
            ("shop/settings.py", "WSGI_APPLICATION = 'shop.wsgi.application'\n"),
            ("shop/migrations/0001_initial.py", ""),
            ("Procfile", "worker: python manage.py work\n"),
            (
                "gilgal.toml",
                "[build]\npackages = [\"ffmpeg\"]\npost_build_command = \"true\"\n[deploy]\nport = 9000\n",
            ),
        ],
    );
    let output = eject(folder.path(), &[]);
    assert!(output.status.success());
    insta::assert_snapshot!(said(&output));
    write(folder.path(), &[("gilgal.toml", "[deploy]\nport = 9000\n")]);
    let plan = planned(folder.path());
    assert_eq!((&plan["buildpack"], &plan["port"]), (&"dockerfile".into(), &9000.into()));
    assert!(plan["processes"].get("worker").is_some(), "{plan}");
}

/// A push looks for it in the root, and it builds what is around that.
#[test]
fn the_dockerfile_of_a_workspace_is_at_its_top_or_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    write(
        folder.path(),
        &[
            ("package.json", r#"{"private":true,"workspaces":["apps/*"]}"#),
            ("package-lock.json", "{}"),
            (
                "apps/api/package.json",
                r#"{"name":"api","scripts":{"start":"node server.js"},"dependencies":{"koa":"3"}}"#,
            ),
            ("gilgal.toml", "[build]\nroot = \"apps/api\"\n"),
        ],
    );
    let refused = eject(folder.path(), &[]);
    assert!(!refused.status.success());
    insta::assert_snapshot!(said(&refused));
    assert!(!folder.path().join("Dockerfile").exists());

    fs::remove_file(folder.path().join("gilgal.toml")).unwrap();
    assert!(eject(folder.path(), &[]).status.success());
    assert_eq!(planned(folder.path())["buildpack"], "dockerfile");
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

    let written = eject(folder.path(), &["--force", "--json"]);
    let written: serde_json::Value = serde_json::from_slice(&written.stdout).unwrap();
    assert_eq!(written["files"], serde_json::json!([".dockerignore", ".gilgal/Caddyfile", "Dockerfile"]));
    assert_eq!(
        (&written["procfile_lines"], &written["taken_over"]),
        (&Vec::<String>::new().into(), &Vec::<String>::new().into())
    );
    assert_ne!(fs::read_to_string(folder.path().join(".gilgal/Caddyfile")).unwrap(), "mine");
    assert!(folder.path().join("Dockerfile").exists());
}

//! Rust: which program of a package or workspace is the app.

use crate::support::{plan, refusal, whole};
use gilgal::model::name::ProcessType;
use insta::assert_snapshot;

const AXUM: &str = "[package]\nname = \"shop\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[dependencies]\naxum = \"0.8.4\"\n";

fn web(files: &[(&str, &str)]) -> String {
    plan(files).processes[&ProcessType::web()].shown()
}

#[test]
fn a_package() {
    assert_snapshot!(whole(&plan(&[
        ("Cargo.toml", AXUM),
        ("Cargo.lock", ""),
        ("src/main.rs", ""),
        ("src/lib.rs", "")
    ])));
}

#[test]
fn a_package_without_a_lock_file() {
    let plan = plan(&[("Cargo.toml", AXUM), ("src/main.rs", "")]);
    assert_eq!(plan.warnings.len(), 1);
    assert!(plan.warnings[0].starts_with("There is no Cargo.lock"), "{:?}", plan.warnings);
}

#[test]
fn rocket_is_told_its_port() {
    let manifest = AXUM.replace("axum = \"0.8.4\"", "rocket = { version = \"0.5\", features = [\"json\"] }");
    assert_snapshot!(whole(&plan(&[("Cargo.toml", &manifest), ("Cargo.lock", ""), ("src/main.rs", "")])));
}

#[test]
fn the_program_is_found_as_cargo_run_would() {
    let default = format!("{AXUM}\n").replace("version = \"0.1.0\"", "default-run = \"server\"");
    let named = format!("{AXUM}\n[[bin]]\nname = \"web\"\npath = \"src/main.rs\"\n");
    for (manifest, files, program) in [
        (AXUM, vec!["src/main.rs"], "shop"),
        (AXUM, vec!["src/bin/web.rs", "src/lib.rs"], "web"),
        (AXUM, vec!["src/bin/web/main.rs", "src/bin/web/routes.rs"], "web"),
        (default.as_str(), vec!["src/main.rs", "src/bin/server.rs"], "server"),
        (named.as_str(), vec!["src/main.rs"], "web"),
    ] {
        let mut tree = vec![("Cargo.toml", manifest)];
        tree.extend(files.iter().map(|path| (*path, "")));
        assert_eq!(web(&tree), format!("/app/bin/{program}"), "{files:?}");
    }
}

#[test]
fn a_workspace_with_one_program() {
    assert_snapshot!(whole(&plan(&[
        (
            "Cargo.toml",
            "[workspace]\nmembers = [\"crates/*\"]\nexclude = [\"crates/old\"]\n\n[workspace.dependencies]\nactix-web = \"4.9\"\n"
        ),
        ("Cargo.lock", ""),
        ("crates/money/Cargo.toml", "[package]\nname = \"money\"\n"),
        ("crates/money/src/lib.rs", ""),
        ("crates/old/Cargo.toml", "[package]\nname = \"old\"\n"),
        ("crates/old/src/main.rs", ""),
        ("crates/web/Cargo.toml", "[package]\nname = \"shop-web\"\n"),
        ("crates/web/src/main.rs", ""),
        ("tools/Cargo.toml", "[package]\nname = \"tools\"\n"),
        ("tools/src/main.rs", ""),
    ])));
}

#[test]
fn several_programs_are_a_question() {
    assert_snapshot!(refusal(&[("Cargo.toml", AXUM), ("src/main.rs", ""), ("src/bin/migrate.rs", "")]));
}

#[test]
fn default_members_answer_it_and_a_procfile_too() {
    let root = "[workspace]\nmembers = [\"a\", \"b\"]\n";
    let members = [
        ("a/Cargo.toml", "[package]\nname = \"a\"\n"),
        ("a/src/main.rs", ""),
        ("b/Cargo.toml", "[package]\nname = \"b\"\n"),
        ("b/src/main.rs", ""),
    ];
    let with = |root: &'static str, more: &[(&'static str, &'static str)]| {
        let mut files = vec![("Cargo.toml", root)];
        files.extend(members);
        files.extend(more);
        files
    };
    assert!(refusal(&with(root, &[])).starts_with("The project has several programs: a and b."));
    assert_eq!(
        web(&with("[workspace]\nmembers = [\"a\", \"b\"]\ndefault-members = [\"b\"]\n", &[])),
        "/app/bin/b"
    );
    assert_snapshot!(whole(&plan(&with(root, &[("Cargo.lock", ""), ("Procfile", "web: a\nworker: b\n")]))));
}

#[test]
fn a_library_has_nothing_to_start() {
    assert_snapshot!(refusal(&[("Cargo.toml", AXUM), ("src/lib.rs", "")]));
}

//! Go: which program of a module is the app.

use crate::support::{plan, refusal, whole};
use gilgal::model::name::ProcessType;
use insta::assert_snapshot;

const MAIN: &str = "package main\n\nfunc main() {}\n";
const GIN: (&str, &str) = (
    "go.mod",
    "module example.com/shop\n\ngo 1.24.0\n\nrequire (\n\tgithub.com/gin-gonic/gin v1.10.1\n\tgolang.org/x/sync v0.12.0 // indirect\n)\n",
);

#[test]
fn one_program_in_the_root() {
    let files = [
        GIN,
        ("go.sum", ""),
        ("main.go", MAIN),
        ("shop/shop.go", "package shop\n"),
        ("templates/index.html", ""),
    ];
    assert_snapshot!(whole(&plan(&files)));
}

#[test]
fn the_only_program_of_cmd() {
    let files = [
        ("go.mod", "module example.com/shop\n\ngo 1.24\n"),
        ("cmd/server/main.go", MAIN),
        ("cmd/server/routes.go", "package main\n"),
        ("internal/tools/main.go", MAIN),
        ("vendor/example.com/x/main.go", MAIN),
    ];
    assert_snapshot!(whole(&plan(&files)));
}

#[test]
fn several_programs_are_a_question() {
    assert_snapshot!(refusal(&[
        GIN,
        ("cmd/api/main.go", MAIN),
        ("cmd/worker/main.go", MAIN),
        ("shop.go", "package shop\n")
    ]));
}

#[test]
fn a_procfile_answers_it() {
    let files = [
        GIN,
        ("go.sum", ""),
        ("cmd/api/main.go", MAIN),
        ("cmd/worker/main.go", MAIN),
        ("Procfile", "web: api\nworker: worker\n"),
    ];
    let plan = plan(&files);
    assert_eq!(plan.processes[&ProcessType::web()].shown(), "api");
    assert_snapshot!(whole(&plan));
}

#[test]
fn a_library_has_nothing_to_start() {
    assert_snapshot!(refusal(&[("go.mod", "module example.com/shop\n"), ("shop.go", "package shop\n")]));
}

#[test]
fn modules_in_the_tree_need_the_source() {
    let local = "module example.com/shop\n\nrequire example.com/money v0.0.0\n\nreplace example.com/money => ./money\n";
    for files in [
        vec![("go.mod", local), ("main.go", MAIN)],
        vec![("go.work", "go 1.24\n\nuse ./shop\n"), ("shop/go.mod", "module x\n"), ("shop/main.go", MAIN)],
    ] {
        assert_eq!(plan(&files).variables["needs_source"], true, "{files:?}");
    }
}

#[test]
fn a_newer_go_than_there_is_is_refused() {
    assert_snapshot!(refusal(&[("go.mod", "module x\n\ngo 1.99\n"), ("main.go", MAIN)]));
}

#[test]
fn assets_are_built_before_they_are_embedded() {
    let package = r#"{"scripts":{"build":"vite build"},"engines":{"node":">=20.9"}}"#;
    assert_snapshot!(whole(&plan(&[
        GIN,
        ("go.sum", ""),
        ("main.go", MAIN),
        ("package.json", package),
        ("package-lock.json", "{}")
    ])));
}

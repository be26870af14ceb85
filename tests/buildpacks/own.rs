//! Buildpacks of an operator's own: the worked example of the documentation, one that takes another's place, and wrong ones.

use crate::documentation::code_block;
use crate::support::Tree;
use gilgal::buildpack::{Catalog, DetectOptions, RenderContext};
use gilgal::model::deployment::Step;
use gilgal::model::name::ProcessType;
use gilgal::model::plan::BuildPlan;
use std::fs;
use std::path::Path;

/// The page with the worked example.
const PAGE: &str = "docs/adding-a-buildpack.md";

fn pack(folder: &Path, name: &str, files: &[(&str, &str)]) {
    fs::create_dir_all(folder.join(name)).unwrap();
    for (file, text) in files {
        fs::write(folder.join(name).join(file), text).unwrap();
    }
}

fn perl(folder: &Path) {
    let manifest = code_block(PAGE, "buildpack.toml");
    let template = code_block(PAGE, "Dockerfile.j2");
    pack(folder, "perl", &[("buildpack.toml", &manifest), ("Dockerfile.j2", &template)]);
}

fn plan(catalog: &Catalog, files: &[(&str, &str)]) -> BuildPlan {
    catalog.detect(&Tree::new(files), &DetectOptions::default()).unwrap()
}

fn dockerfile(catalog: &Catalog, plan: &BuildPlan) -> String {
    let context = RenderContext { cache_scope: "shop".to_owned(), ..RenderContext::default() };
    catalog.dockerfile(plan, &context).unwrap()
}

#[test]
fn the_example_of_the_documentation_works() {
    let folder = tempfile::tempdir().unwrap();
    perl(folder.path());
    let (catalog, broken) = Catalog::with_own(folder.path());
    assert!(broken.is_empty(), "{broken:?}");
    let plan = plan(&catalog, &[("app.psgi", ""), ("cpanfile", "requires 'Dancer2' => '1.1.0';\n")]);
    assert_eq!((plan.buildpack.as_str(), plan.framework.as_str(), plan.port), ("perl", "Dancer2", 5000));
    let row = plan.evidence.iter().find(|row| row.what == "Dancer2 1.1").unwrap();
    assert_eq!(row.from, "cpanfile");
    assert!(plan.processes[&ProcessType::web()].shown().contains("starman"));
    insta::assert_snapshot!(dockerfile(&catalog, &plan));
    let lines = ["Can't locate Dancer2.pm in @INC (you may need to install)".to_owned()];
    let advice = catalog.advice("perl", Step::Check, &lines);
    assert_eq!(advice.len(), 1, "{advice:?}");
}

#[test]
fn one_takes_the_place_of_another() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = "title = \"Hugo\"\nkind = \"Our Hugo\"\norder = 1\nrecognise = { file = \"hugo.toml\" }\nlooked-for = \"hugo.toml\"\nstart-example = \"x\"\n[[start]]\nrun = \"image\"\n[port]\ndefault = 80\n";
    pack(
        folder.path(),
        "hugo",
        &[("buildpack.toml", manifest), ("Dockerfile.j2", "FROM {{ image(\"our/hugo:1\") }}\n")],
    );
    let (catalog, broken) = Catalog::with_own(folder.path());
    assert!(broken.is_empty(), "{broken:?}");
    let plan = plan(&catalog, &[("hugo.toml", "")]);
    assert_eq!(plan.kind, "Our Hugo");
    assert_eq!(dockerfile(&catalog, &plan), "FROM our/hugo:1\n");
}

#[test]
fn wrong_ones_are_named_and_the_others_work() {
    let folder = tempfile::tempdir().unwrap();
    perl(folder.path());
    let manifest = code_block(PAGE, "buildpack.toml");
    pack(folder.path(), "empty", &[]);
    pack(folder.path(), "no-template", &[("buildpack.toml", &manifest)]);
    pack(
        folder.path(),
        "pattern",
        &[("buildpack.toml", &manifest.replace("Can't locate", "Can't (locate")), ("Dockerfile.j2", "")],
    );
    pack(folder.path(), "template", &[("buildpack.toml", &manifest), ("Dockerfile.j2", "{% if %}")]);
    pack(folder.path(), "unknown-key", &[("buildpack.toml", &format!("colour = \"red\"\n{manifest}"))]);
    let (catalog, broken) = Catalog::with_own(folder.path());
    let sentences: String = broken
        .iter()
        .map(|pack| format!("{}: {}\n", pack.name, pack.error.to_string().lines().next().unwrap()))
        .collect();
    insta::assert_snapshot!(sentences);
    assert_eq!(plan(&catalog, &[("app.psgi", "")]).buildpack, "perl");
    assert_eq!(plan(&catalog, &[("index.html", "")]).buildpack, "static");
}

#[test]
fn without_a_folder_there_are_those_of_the_binary() {
    let (catalog, broken) = Catalog::with_own(Path::new("/nonexistent"));
    assert!(broken.is_empty());
    assert_eq!(plan(&catalog, &[("index.html", "")]).buildpack, "static");
}

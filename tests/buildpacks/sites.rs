//! Static sites, and projects that bring their own Dockerfile.

use crate::support::{Tree, detect, plan, whole};
use gilgal::buildpack::{Catalog, DetectOptions, RenderContext, RenderError};
use insta::assert_snapshot;

#[test]
fn a_folder_for_the_public() {
    assert_snapshot!(whole(&plan(&[("public/index.html", ""), ("README.md", "")])));
}

#[test]
fn a_staticfile_for_a_single_page_app() {
    assert_snapshot!(whole(&plan(&[
        ("Staticfile", "root: ./dist/\npushstate: enabled\n"),
        ("dist/index.html", "")
    ])));
}

#[test]
fn a_package_json_for_a_linter_leaves_a_site_a_site() {
    let plan = plan(&[("index.html", ""), ("package.json", r#"{"devDependencies":{"prettier":"3"}}"#)]);
    assert_eq!(plan.buildpack, "static");
    let node = plan.evidence.iter().find(|evidence| evidence.what == "Node.js").unwrap();
    assert_eq!(node.from, "package.json, but nothing to start");
}

#[test]
fn the_input_of_a_bundler_is_no_site() {
    let bundler = r#"{"scripts":{"build":"parcel build"},"devDependencies":{"parcel":"2"}}"#;
    let refusal = detect(&Tree::new(&[("index.html", ""), ("package.json", bundler)])).unwrap_err();
    assert!(
        refusal.to_string().starts_with("This is a Node.js app, but nothing says how to start it."),
        "{refusal}"
    );
}

#[test]
fn an_own_dockerfile_wins() {
    let manifest = ("package.json", r#"{"scripts":{"start":"node x"}}"#);
    let plan = plan(&[("Dockerfile", "FROM busybox\nEXPOSE 80 443\n"), manifest]);
    assert_snapshot!(whole(&plan));
    let rendered = Catalog::embedded().dockerfile(&plan, &RenderContext::default());
    assert!(matches!(rendered, Err(RenderError::OwnDockerfile)));
}

#[test]
fn an_own_dockerfile_with_a_procfile() {
    assert_snapshot!(whole(&plan(&[
        ("Dockerfile", "FROM busybox\n"),
        ("Procfile", "web: ./serve $PORT\nworker: ./work\n")
    ])));
}

#[test]
fn a_root_is_a_project_of_its_own() {
    let tree = Tree::new(&[
        ("Dockerfile", "FROM scratch"),
        ("apps/site/index.html", ""),
        ("apps/site-two/package.json", "{}"),
    ]);
    let detect = |root: &str| {
        Catalog::embedded()
            .detect(&tree, &DetectOptions { root: root.to_owned(), ..DetectOptions::default() })
    };
    assert_eq!(detect("").unwrap().buildpack, "dockerfile");
    assert_eq!(detect("apps/site/").unwrap().buildpack, "static");
    assert!(detect("apps/other").unwrap_err().to_string().contains("no folder apps/other"));
    assert!(detect("../..").is_err());
}

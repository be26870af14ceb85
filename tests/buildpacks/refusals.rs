//! Projects that cannot be built as they are: what the person who pushed reads.

use crate::support::{Tree, detect, refusal, shown_refusal};
use gilgal::buildpack::{Catalog, DetectOptions};
use insta::assert_snapshot;

const DEPENDENCY: (&str, &str) = ("package.json", r#"{"scripts":{"start":"x"},"dependencies":{"koa":"2"}}"#);

#[test]
fn nothing_at_all() {
    assert_snapshot!(refusal(&[]));
}

#[test]
fn nearly_the_right_names() {
    assert_snapshot!(refusal(&[
        ("requirments.txt", "flask"),
        ("app.py", ""),
        ("procfile", ""),
        ("dockerfile", "")
    ]));
}

#[test]
fn django_as_its_starter_leaves_it() {
    let manage = "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')";
    let told = refusal(&[("manage.py", manage), ("shop/settings.py", "DEBUG = True")]);
    let hint = told.lines().nth(1).unwrap();
    assert!(hint.contains("Django and gunicorn into requirements.txt"), "{told}");
    assert!(!told.contains("looks like Python"), "{told}");
}

#[test]
fn a_misspelt_procfile_is_said_when_the_rest_is_fine() {
    let plan = detect(&Tree::new(&[("index.html", ""), ("ProcFile", "web: x")])).unwrap();
    assert_eq!(
        plan.warnings,
        ["ProcFile is not read. If it is meant to be Procfile, rename it: `git mv ProcFile Procfile`."]
    );
}

#[test]
fn an_image_of_another_app() {
    let text = "FROM busybox\nCOPY --from=gilgal/a/b:c /app /app\n";
    let told = refusal(&[("Dockerfile", text)]);
    let elsewhere =
        refusal(&[("a/own.Dockerfile", text), ("gilgal.toml", "[build]\ndockerfile = \"a/own.Dockerfile\"")]);
    assert_eq!(elsewhere, told.replacen("Dockerfile", "a/own.Dockerfile", 1));
    assert_snapshot!("an_image_of_another_app", told);
}

#[test]
fn two_lock_files() {
    let locks = [DEPENDENCY, ("package-lock.json", "{}"), ("pnpm-lock.yaml", "")];
    assert_snapshot!(refusal(&locks));
    assert_snapshot!(refusal(&[
        ("pyproject.toml", "[project]\nname='a'"),
        ("uv.lock", ""),
        ("poetry.lock", "")
    ]));
}

#[test]
fn a_named_manager_and_the_lock_file_of_another_one() {
    let manifest = r#"{"packageManager":"pnpm@10.0.0","dependencies":{"koa":"2"}}"#;
    assert_snapshot!(refusal(&[("package.json", manifest), ("package-lock.json", "{}")]));
}

#[test]
fn managers_that_are_not_supported() {
    let yarn_3 = r#"{"packageManager":"yarn@3.8.7","scripts":{"start":"x"},"dependencies":{"koa":"2"}}"#;
    assert_snapshot!(refusal(&[("package.json", yarn_3), ("yarn.lock", "__metadata:\n  version: 6\n")]));
    assert_snapshot!(refusal(&[("Pipfile", "")]));
}

#[test]
fn a_named_manager_without_its_lock_file() {
    let manifest = r#"{"packageManager":"pnpm@10.0.0","dependencies":{"koa":"2"}}"#;
    assert_snapshot!(refusal(&[("package.json", manifest)]));
}

#[test]
fn broken_files() {
    assert_snapshot!(refusal(&[("package.json", "{\n  \"name\": \"x\",\n}")]));
    assert_snapshot!(refusal(&[("pyproject.toml", "[project\nname = 1")]));
    assert_snapshot!(refusal(&[DEPENDENCY, ("Procfile", "web node x")]));
}

#[test]
fn a_broken_file_of_another_language_does_not_matter() {
    let files = [("Dockerfile", "FROM a"), ("package.json", "{"), ("pyproject.toml", "[")];
    assert_eq!(detect(&Tree::new(&files)).unwrap().buildpack, "dockerfile");
}

#[test]
fn nothing_to_start() {
    assert_snapshot!(refusal(&[("package.json", r#"{"main":"missing.js"}"#), ("Procfile", "worker: x")]));
    assert_snapshot!(refusal(&[("requirements.txt", "flask"), ("app.py", "x = 1")]));
}

#[test]
fn versions_that_are_not_there() {
    assert_snapshot!(refusal(&[("package.json", r#"{"engines":{"node":"^8 || 10"}}"#)]));
    assert_snapshot!(refusal(&[DEPENDENCY, (".nvmrc", "newest")]));
}

#[test]
fn links_in_place_of_deciding_files() {
    for name in ["Dockerfile", "Procfile", "gilgal.toml"] {
        let tree = Tree::new(&[("index.html", "")]).with_link(name);
        assert_eq!(
            shown_refusal(&detect(&tree).unwrap_err()),
            format!("{name} is a symbolic link, which is not followed. Commit the file itself.")
        );
    }
}

#[test]
fn a_buildpack_that_is_not_there() {
    let options = DetectOptions { buildpack: Some("cobol".to_owned()), ..DetectOptions::default() };
    assert_snapshot!(
        Catalog::embedded().detect(&Tree::new(&[("index.html", "")]), &options).unwrap_err().to_string()
    );
}

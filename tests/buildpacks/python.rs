//! Python: package managers, versions, and finding the application.

use crate::support::{plan, whole};
use gilgal::model::name::ProcessType;
use insta::assert_snapshot;

const FLASK: (&str, &str) = ("requirements.txt", "Flask==3.1.0\n");
const APP: (&str, &str) = ("app.py", "from flask import Flask\napp = Flask(__name__)\n");
const PROJECT: &str = "[project]\nname = \"shop\"\nrequires-python = \">=3.12\"\ndependencies = [\"flask>=3.1\", \"gunicorn\"]\n";

#[test]
fn pip_with_gunicorn_added() {
    assert_snapshot!(whole(&plan(&[FLASK, APP, ("runtime.txt", "python-3.12.4\n")])));
}

#[test]
fn pip_with_files_that_refer_to_others() {
    let requirements = "-r requirements/base.txt\nflask\ngunicorn\n";
    assert_snapshot!(whole(&plan(&[("requirements.txt", requirements), APP])));
}

#[test]
fn uv() {
    assert_snapshot!(whole(&plan(&[
        ("pyproject.toml", PROJECT),
        ("uv.lock", ""),
        (".python-version", "3.12\n"),
        APP
    ])));
}

#[test]
fn uv_with_a_package() {
    let project = format!("{PROJECT}\n[build-system]\nrequires = [\"hatchling\"]\n");
    assert_snapshot!(whole(&plan(&[("pyproject.toml", &project), ("uv.lock", ""), APP])));
}

#[test]
fn a_project_without_a_lock_file() {
    assert_snapshot!(whole(&plan(&[("pyproject.toml", PROJECT), APP])));
}

#[test]
fn poetry() {
    let project = "[tool.poetry.dependencies]\npython = \"~3.11\"\nflask = { version = \"^3.0\", extras = [\"async\"] }\n";
    assert_snapshot!(whole(&plan(&[("pyproject.toml", project), ("poetry.lock", ""), APP])));
}

#[test]
fn plain_wsgi_without_dependencies() {
    let wsgi = "def application(environ, start_response):\n    return []\n";
    assert_snapshot!(whole(&plan(&[("wsgi.py", wsgi)])));
}

#[test]
fn the_application_is_found_where_it_is() {
    for (path, text, object) in [
        ("main.py", "from flask import Flask\nserver = Flask(__name__)", "main:server"),
        (
            "shop/__init__.py",
            "from flask import Flask\ndef create_app():\n    return Flask(__name__)",
            "shop:create_app()",
        ),
        ("src/web/app.py", "import flask\napp = flask.Flask(__name__)", "src.web.app:app"),
        ("wsgi.py", "from shop import create_app\napp = create_app()", "wsgi:app"),
        ("wsgi.py", "from shop import app as application", "wsgi:application"),
    ] {
        let plan = plan(&[("requirements.txt", "flask\ngunicorn"), (path, text)]);
        assert_eq!(plan.processes[&ProcessType::web()].shown(), format!("gunicorn {object}"), "{path}");
    }
}

#[test]
fn python_with_a_package_json_is_python() {
    let plan = plan(&[FLASK, APP, ("package.json", r#"{"scripts":{"start":"vite"}}"#)]);
    assert_eq!(plan.buildpack, "python");
    assert!(
        plan.evidence
            .iter()
            .any(|evidence| evidence.what == "Node.js" && evidence.from == "superseded by Flask")
    );
}

#[test]
fn a_pyproject_for_a_linter_is_no_python_app() {
    let node = ("package.json", r#"{"scripts":{"start":"node x"}}"#);
    assert_eq!(plan(&[("pyproject.toml", "[tool.ruff]\n"), node]).buildpack, "node");
}

#[test]
fn a_procfile_that_needs_gunicorn_is_warned_about() {
    let plan = plan(&[FLASK, ("Procfile", "web: gunicorn app:app")]);
    assert_eq!(plan.warnings.len(), 1, "{:?}", plan.warnings);
    assert!(plan.warnings[0].starts_with("The Procfile starts gunicorn"));
}

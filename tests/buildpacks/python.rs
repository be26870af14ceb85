//! Python: package managers, versions, and finding the application.

use crate::support::{CATALOG, dockerfile, plan, refusal, whole};
use gilgal::model::deployment::Step;
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
fn several_applications_are_a_question() {
    let flask = "from flask import Flask\napp = Flask(__name__)\n";
    let files = [FLASK, ("admin.py", flask), ("shop.py", flask)];
    assert_snapshot!(refusal(&files));
    let chosen = plan(&[&files[..], &[("Procfile", "web: gunicorn shop:app\n")]].concat());
    assert_eq!(chosen.processes[&ProcessType::web()].shown(), "gunicorn shop:app");

    let fastapi = "from fastapi import FastAPI\napp = FastAPI()\n";
    let requirements = ("requirements.txt", "fastapi\nuvicorn\n");
    assert_snapshot!(refusal(&[requirements, ("main.py", fastapi), ("admin/main.py", fastapi)]));
    let factory = "from fastapi import FastAPI\ndef create_app():\n    return FastAPI()\n";
    assert_snapshot!(refusal(&[requirements, ("shop.py", factory), ("admin.py", factory)]));
    let two = "from fastapi import FastAPI\nshop = FastAPI()\nadmin = FastAPI()\n";
    assert_snapshot!(refusal(&[requirements, ("main.py", two)]));
}

#[test]
fn what_is_mounted_or_made_for_tests_is_no_application_to_start() {
    let main =
        "from fastapi import FastAPI\nfrom api import api\nsite = FastAPI()\nsite.mount('/api', api)\n";
    let api = "from fastapi import FastAPI\napi = FastAPI()\n";
    let usual =
        "from fastapi import FastAPI\napp = FastAPI()\ninner = FastAPI()\napp.mount('/inner', inner)\n";
    let test = ("test_api.py", "from fastapi import FastAPI\napp = FastAPI()\n");
    for (files, object) in
        [(&[("main.py", main), ("api.py", api), test][..], "main:site"), (&[("main.py", usual)], "main:app")]
    {
        let plan = plan(&[&[("requirements.txt", "fastapi\nuvicorn\n")], files].concat());
        let command = format!("exec uvicorn {object} --host 0.0.0.0 --port \"$PORT\"");
        assert_eq!(plan.processes[&ProcessType::web()].shown(), command);
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

const SETTINGS: &str = "\
DEBUG = os.environ.get('DEBUG') == '1'
ALLOWED_HOSTS = ['shop.example.com']
WSGI_APPLICATION = 'shop.wsgi.application'
STATIC_ROOT = BASE_DIR / 'static'
";

#[test]
fn django() {
    assert_snapshot!(whole(&plan(&[
        ("requirements.txt", "Django==5.2.8\nwhitenoise\npsycopg[binary]\n"),
        ("manage.py", ""),
        ("shop/settings.py", SETTINGS),
        ("shop/wsgi.py", ""),
        ("shop/asgi.py", ""),
        ("products/migrations/0001_initial.py", ""),
    ])));
}

#[test]
fn django_as_startproject_makes_it() {
    let settings = "\
DEBUG = True
ALLOWED_HOSTS = []
WSGI_APPLICATION = 'shop.wsgi.application'
DATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': BASE_DIR / 'db.sqlite3'}}
";
    let plan = plan(&[("requirements.txt", "django\n"), ("manage.py", ""), ("shop/settings.py", settings)]);
    assert_snapshot!(whole(&plan));
}

#[test]
fn django_with_long_connections_and_assets() {
    let asgi = format!("{SETTINGS}ASGI_APPLICATION = 'config.asgi.application'\n");
    assert_snapshot!(whole(&plan(&[
        ("requirements.txt", "-r requirements/production.txt\n"),
        ("requirements/production.txt", "django==5.2\nchannels\ndaphne\n"),
        ("manage.py", ""),
        ("config/settings/base.py", &asgi),
        ("config/settings/local.py", "DEBUG = True\n"),
        ("package.json", r#"{"scripts":{"build":"vite build"}}"#),
        ("yarn.lock", "# yarn lockfile v1\n"),
    ])));
}

#[test]
fn two_django_projects_are_a_question() {
    let other = SETTINGS.replace("shop.wsgi", "admin.wsgi");
    assert_snapshot!(refusal(&[
        ("requirements.txt", "django"),
        ("manage.py", ""),
        ("shop/settings.py", SETTINGS),
        ("admin/settings.py", &other),
    ]));
}

#[test]
fn fastapi() {
    assert_snapshot!(whole(&plan(&[
        ("requirements.txt", "fastapi>=0.115\n"),
        ("app/main.py", "from fastapi import FastAPI\nservice: FastAPI = FastAPI(title='x')\n"),
        ("tests/test_main.py", "app = FastAPI()"),
    ])));
}

#[test]
fn a_fastapi_factory() {
    let plan = plan(&[
        ("requirements.txt", "fastapi\nuvicorn\n"),
        ("shop/__init__.py", "from fastapi import FastAPI\ndef create_app():\n    return FastAPI()\n"),
    ]);
    let command = "exec uvicorn --factory shop:create_app --host 0.0.0.0 --port \"$PORT\"";
    assert_eq!(plan.processes[&ProcessType::web()].shown(), command);
}

#[test]
fn streamlit() {
    assert_snapshot!(whole(&plan(&[
        ("requirements.txt", "streamlit==1.51.0\n"),
        ("dashboard.py", "import streamlit as st\nst.title('x')\n"),
        ("pages/one.py", "import streamlit as st\n"),
    ])));
    assert_snapshot!(refusal(&[
        ("requirements.txt", "streamlit\n"),
        ("one.py", "import streamlit as st\n"),
        ("two.py", "from streamlit import title\n"),
    ]));
}

#[test]
fn pdm() {
    assert_snapshot!(whole(&plan(&[("pyproject.toml", PROJECT), ("pdm.lock", ""), APP])));
}

#[test]
fn pipenv() {
    let pipfile =
        "[packages]\nflask = \"*\"\ngunicorn = \"~=23.0\"\n\n[requires]\npython_version = \"3.12\"\n";
    assert_snapshot!(whole(&plan(&[("Pipfile", pipfile), ("Pipfile.lock", "{}"), APP])));
}

#[test]
fn versions_come_from_the_first_place_that_says_one() {
    for (file, text, version) in [
        (".python-version", "3.11.9\n", "3.11"),
        (".tool-versions", "nodejs 22\npython 3.12.1\n", "3.12"),
        ("mise.toml", "[tools]\npython = \"3.10\"\n", "3.10"),
        ("runtime.txt", "python-3.9.18\n", "3.9"),
    ] {
        assert_eq!(plan(&[FLASK, APP, (file, text)]).versions["python"], version, "{file}");
    }
}

#[test]
fn a_dependency_out_of_a_git_repository_is_installed_with_git() {
    let git = "--no-install-recommends git ca-certificates";
    for (file, text) in [
        ("requirements.txt", "flask\ngunicorn\ntools @ git+https://git.example.com/tools@v1\n"),
        ("uv.lock", "source = { git = \"https://git.example.com/tools?rev=v1#abc\" }\n"),
        ("poetry.lock", "[package.source]\ntype = \"git\"\nurl = \"https://git.example.com/tools\"\n"),
        ("pdm.lock", "git = \"https://git.example.com/tools\"\n"),
        ("Pipfile.lock", "{\"default\": {\"tools\": {\n  \"git\": \"https://git.example.com/tools\"}}}\n"),
    ] {
        let project =
            ("pyproject.toml", "[project]\nname = \"a\"\ndependencies = [\"flask\", \"gunicorn\"]\n");
        let files = [APP, (file, text), project];
        let count = if file == "requirements.txt" { 2 } else { 3 };
        let dockerfile = dockerfile(&plan(&files[..count]));
        let stages: Vec<&str> = dockerfile.split("FROM ").collect();
        assert!(stages[1].contains(git), "{file}: {dockerfile}");
        assert!(!stages[2].contains(git), "only where something is installed: {dockerfile}");
    }
    let without = dockerfile(&plan(&[("requirements.txt", "flask\ngunicorn\n# not git+https://x\n"), APP]));
    assert!(!without.contains(git), "{without}");
}

#[test]
fn known_failures_have_advice() {
    for (line, words) in [
        ("django.core.exceptions.DisallowedHost: Invalid HTTP_HOST header: 'x'", "ALLOWED_HOSTS"),
        ("ModuleNotFoundError: No module named 'requests'", "dependencies"),
        ("error: command 'gcc' failed: No such file or directory", "compiled"),
        ("Error: pg_config executable not found.", "psycopg2-binary"),
        ("error: The lockfile at `uv.lock` needs to be updated, but `--locked` was provided.", "uv lock"),
        (
            "ERROR: Cannot find command 'git' - do you have 'git' installed and in your PATH?",
            "packages = [\"git\"]",
        ),
        ("ERROR: No matching distribution found for flaskk==3", "Check its name"),
    ] {
        let advice = CATALOG.advice("python", Step::Build, &["fine".to_owned(), line.to_owned()]);
        assert!(advice.len() == 1 && advice[0].contains(words), "{line}: {advice:?}");
    }
    assert!(CATALOG.advice("python", Step::Check, &["Listening on 8000".to_owned()]).is_empty());
}

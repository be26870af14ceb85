//! `gilgal.toml`: what it changes of a plan, and what is refused.

use crate::support::{Tree, detect, plan, refusal, shown_refusal, whole};
use gilgal::buildpack::project_file;
use std::fs;
use std::path::Path;

const PACKAGE: (&str, &str) = ("package.json", r#"{ "scripts": { "start": "node server.js" } }"#);

#[test]
fn it_wins_over_the_procfile_and_both_are_named() {
    let plan = plan(&[
        PACKAGE,
        ("Procfile", "web: node old.js\nworker: node worker.js"),
        (
            "gilgal.toml",
            r#"
            [deploy]
            start = "node new.js"
            release = "node migrate.js"
            port = 9000
            drain = 90
            health = { path = "/up", threshold = 2 }
            [processes.worker]
            instances = 2
            memory = "1G"
            cpu = 0.5
            [env]
            LOG_LEVEL = "info"
            "#,
        ),
    ]);
    insta::assert_snapshot!(whole(&plan));
    insta::assert_json_snapshot!(plan.running);
    assert_eq!(plan.declared_in, ["Procfile", "gilgal.toml"]);
}

#[test]
fn a_folder_of_the_repository_can_be_the_project() {
    let files = [
        ("gilgal.toml", "[build]\nroot = \"apps/web\"\nwatch = [\"apps/web/**\"]"),
        ("apps/web/package.json", PACKAGE.1),
        ("apps/api/requirements.txt", "flask"),
        ("Dockerfile", "FROM scratch"),
    ];
    let found = plan(&files);
    assert_eq!((found.buildpack.as_str(), found.root.as_str()), ("node", "apps/web"));
    insta::assert_snapshot!(whole(&found));

    let nearer = plan(&[&files[..], &[("apps/web/gilgal.toml", "[deploy]\nport = 4000")]].concat());
    assert_eq!((nearer.port, nearer.root.as_str()), (4000, "apps/web"));
    let away = [&files[..], &[("apps/web/gilgal.toml", "[build]\nroot = \"src\"")]].concat();
    insta::assert_snapshot!(refusal(&away));
}

#[test]
fn the_dockerfile_can_be_anywhere() {
    let plan = plan(&[
        PACKAGE,
        ("docker/web.Dockerfile", "FROM a AS one\nFROM b\nEXPOSE 7000"),
        (
            "gilgal.toml",
            "[build]\ndockerfile = \"docker/web.Dockerfile\"\ntarget = \"one\"\nargs = { MODE = \"a b\" }",
        ),
    ]);
    assert_eq!(plan.dockerfile.as_deref(), Some("docker/web.Dockerfile"));
    assert_eq!(plan.port, 7000);
    assert_eq!(plan.target.as_deref(), Some("one"));
    assert_eq!(plan.build_arguments["MODE"], "a b");
    insta::assert_snapshot!(whole(&plan));
}

#[test]
fn the_buildpack_can_be_chosen() {
    let files = [PACKAGE, ("index.html", "<p>"), ("gilgal.toml", "[build]\nbuildpack = \"static\"")];
    assert_eq!(plan(&files).buildpack, "static");
}

#[test]
fn what_cannot_be_meant_is_refused_with_a_way_out() {
    let refusals = [
        "[build]\nbuildpack = \"nodejs\"",
        "[build]\nroot = \"apps\"",
        "[build]\ndockerfile = \"Dockerfile.prod\"",
        "[build]\nbuild_comand = \"make\"\n[deploy]\nhealthcheck = \"/\"\n[web]\nport = 1",
        "[deploy]\nstart = \"a\"\n[processes.web]\ncommand = \"b\"",
        "[processes.worker]\ninstances = 2",
        "[deploy]\nport = 0",
        "port = 3000",
        "[build]\nbuildpack = \"static\"\ninstall_command = \"make\"",
        "[deploy.health]\ntcp = true\npath = \"/up\"",
    ]
    .map(|text| format!("{text}\n=> {}\n", refusal(&[PACKAGE, ("gilgal.toml", text)])));
    insta::assert_snapshot!(refusals.join("\n"));
}

#[test]
fn a_link_is_not_followed() {
    for path in ["gilgal.toml", "apps/web/gilgal.toml", "apps/web/Procfile"] {
        let top: &[(&str, &str)] = &[("gilgal.toml", "[build]\nroot = \"apps/web\"")];
        let files: &[(&str, &str)] = if path == "gilgal.toml" { &[] } else { top };
        let tree = Tree::new(&[files, &[("apps/web/package.json", PACKAGE.1)]].concat()).with_link(path);
        let refused = shown_refusal(&detect(&tree).unwrap_err());
        assert!(refused.contains(path.trim_start_matches("apps/web/")), "{path}: {refused}");
        assert!(refused.contains("symbolic link"), "{path}: {refused}");
    }
}

#[test]
fn what_app_json_wants_is_said_unless_it_is_given() {
    let app = r#"{ "env": { "A": { "required": true }, "B": { "required": true } }, "scripts": { "dokku": { "predeploy": "x" } } }"#;
    let files = [
        PACKAGE,
        ("app.json", app),
        ("gilgal.toml", "[env]\nA = \"1\""),
        ("Procfile", "release: y\nweb: z\n"),
    ];
    let plan = plan(&files);
    assert_eq!(plan.warnings, ["app.json wants a value for B. Set it as a config var."]);
    let row = plan.evidence.iter().find(|row| row.what.starts_with("app.json")).unwrap();
    assert_eq!(
        (row.what.as_str(), row.from.as_str()),
        ("app.json: scripts.dokku.predeploy", "superseded by Procfile")
    );
}

/// Editors complete the file by the schema that the documentation publishes.
#[test]
fn the_published_schema_is_that_of_this_version() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/gilgal.schema.json");
    let schema = serde_json::to_string_pretty(&project_file::schema()).unwrap() + "\n";
    let published = fs::read_to_string(&path).unwrap();
    assert!(published == schema, "`gilgal schema > docs/gilgal.schema.json` writes it");
}

#[test]
fn herokus_app_json_is_read_and_gilgal_toml_wins() {
    let app = r#"{
        "env": { "A": "1", "B": { "value": "2" }, "SECRET": { "generator": "secret" }, "C": { "required": true }, "bad name": "x" },
        "formation": { "web": { "quantity": 2 }, "worker": { "quantity": 1 }, "clock": { "quantity": 1000 } },
        "healthchecks": { "web": [{ "type": "uptime", "uptime": 5 }, { "type": "startup", "path": "/up", "timeout": 3 }], "worker": [{ "type": "uptime" }] },
        "scripts": { "postdeploy": "rake db:seed", "dokku": { "predeploy": "rake db:migrate" } },
        "cron": [{ "command": "x", "schedule": "* * * * *" }]
    }"#;
    let file = "[env]\nB = \"3\"\n[processes.web]\ninstances = 4";
    let plan = plan(&[PACKAGE, ("app.json", app), ("gilgal.toml", file)]);
    insta::assert_json_snapshot!((&plan.running, &plan.warnings, &plan.evidence));
    assert_eq!(plan.processes[&"release".parse().unwrap()].shown(), "rake db:migrate");

    let expo =
        super::support::plan(&[PACKAGE, ("app.json", r#"{ "expo": { "name": "x" }, "env": { "A": "1" } }"#)]);
    assert!(expo.running.variables.is_empty());
    assert!(
        refusal(&[PACKAGE, ("app.json", "{")]).starts_with("app.json cannot be used: it is not valid JSON")
    );
}

#[test]
fn an_image_is_run_and_nothing_is_built() {
    let image = ("gilgal.toml", "[build]\nimage = \"ghcr.io/ada/shop:1.2\"\n[deploy]\nport = 4000\n");
    let files =
        [image, ("Procfile", "web: serve --all\nworker: work"), ("Dockerfile", "FROM scratch"), PACKAGE];
    let found = plan(&files);
    insta::assert_snapshot!(gilgal::buildpack::screen(&found));
    let prebuilt = found.prebuilt.unwrap();
    assert_eq!((prebuilt.name.full().as_str(), prebuilt.has_own_port), ("ghcr.io/ada/shop:1.2", true));
    // Without more, all that it says itself.
    let found = plan(&[("gilgal.toml", "[build]\nimage = \"nginx\"")]);
    insta::assert_snapshot!(gilgal::buildpack::screen(&found));
    assert!(!found.prebuilt.unwrap().has_own_port);
    for key in
        ["buildpack = \"node\"", "build_command = \"make\"", "packages = [\"ffmpeg\"]", "target = \"x\""]
    {
        let said = refusal(&[("gilgal.toml", &format!("[build]\nimage = \"nginx\"\n{key}\n"))]);
        let name = key.split(' ').next().unwrap();
        assert!(said.contains("build.image") && said.contains(&format!("build.{name}")), "{said}");
    }
    let said = refusal(&[("gilgal.toml", "[build]\nimage = \"nginx\"\n[static]\nspa = true\n")]);
    assert!(said.contains("[static]"), "{said}");
}

//! Workspaces of JavaScript: which package is the app, and what of the others its image is made of.

use crate::support::{CATALOG, Tree, detect, dockerfile, plan, refusal, whole};
use gilgal::buildpack::DetectOptions;
use gilgal::model::name::ProcessType;
use insta::assert_snapshot;

const TOP: (&str, &str) = ("package.json", r#"{"private":true,"workspaces":["apps/*","packages/*"]}"#);
const NPM_LOCK: (&str, &str) = ("package-lock.json", "{}");
const WEB: (&str, &str) = (
    "apps/web/package.json",
    r#"{"name":"web","scripts":{"build":"vite build"},"dependencies":{"@shop/ui":"*","react":"19"},
        "devDependencies":{"@shop/config":"*","vite":"7"}}"#,
);
const WEB_PAGE: [(&str, &str); 2] = [("apps/web/vite.config.ts", ""), ("apps/web/index.html", "")];
const API: (&str, &str) = (
    "apps/api/package.json",
    r#"{"name":"api","scripts":{"start":"node server.js"},"dependencies":{"@shop/model":"*","koa":"3"}}"#,
);
const UI: (&str, &str) = (
    "packages/ui/package.json",
    r#"{"name":"@shop/ui","scripts":{"build":"tsc"},"dependencies":{"@shop/model":"*"}}"#,
);
const MODEL: (&str, &str) =
    ("packages/model/package.json", r#"{"name":"@shop/model","scripts":{"build":"tsc"}}"#);
const CONFIG: (&str, &str) = ("packages/config/package.json", r#"{"name":"@shop/config","main":"index.js"}"#);

/// A shop with a site and a server, without what says which of them is meant.
fn shop<'a>(more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut files = vec![TOP, NPM_LOCK, WEB, API, UI, MODEL, CONFIG, ("packages/config/index.js", "")];
    files.extend(WEB_PAGE);
    // What is said later of a file holds.
    files.extend(more);
    files
}

fn rooted(root: &str) -> String {
    format!("[build]\nroot = \"{root}\"\n")
}

#[test]
fn a_site_with_what_it_is_built_of() {
    let plan = plan(&shop(&[("gilgal.toml", &rooted("apps/web"))]));
    assert_eq!(plan.root, "");
    assert_eq!(plan.left_out, ["apps/api"]);
    assert_snapshot!(whole(&plan));
}

#[test]
fn a_server_with_what_it_needs_to_run() {
    let plan = plan(&shop(&[("gilgal.toml", &rooted("apps/api"))]));
    assert_eq!(plan.left_out, ["apps/web", "packages/config", "packages/ui"]);
    assert_eq!(plan.ignored().last().unwrap(), "!packages/ui/package.json");
    assert_snapshot!(whole(&plan));
}

/// Its images have no npm.
#[test]
fn on_bun_scripts_are_left_out_with_bun() {
    let api =
        r#"{"name":"api","scripts":{"prepare":"husky","start":"bun server.ts"},"dependencies":{"koa":"3"}}"#;
    let files = [TOP, ("bun.lock", ""), ("apps/api/package.json", api), ("gilgal.toml", &rooted("apps/api"))];
    let text = dockerfile(&plan(&files));
    assert!(text.contains("RUN cd apps/api && bun pm pkg delete scripts.prepare"), "{text}");
    assert!(!text.contains("npm pkg"), "{text}");
}

#[test]
fn several_apps_are_a_question() {
    assert_snapshot!(refusal(&shop(&[])), @r#"The project has several apps: apps/api and apps/web. Name the one to deploy in a gilgal.toml at the top: `build.root = "apps/api"`."#);
}

#[test]
fn the_only_app_needs_no_words() {
    let files: Vec<_> = shop(&[]).into_iter().filter(|file| *file != API).collect();
    let plan = plan(&files);
    assert_eq!(plan.framework, "Vite");
    let only = plan.evidence.iter().find(|evidence| evidence.what == "Root apps/web").unwrap();
    assert_eq!(only.from, "the only app of the workspace");
}

#[test]
fn a_top_that_says_what_runs_is_the_app() {
    let start = r#"{"workspaces":["apps/*","packages/*"],"scripts":{"start":"node serve.js"}}"#;
    for file in [("package.json", start), ("Procfile", "web: npm start --workspace=apps/api\n")] {
        let plan = plan(&shop(&[file]));
        assert!(plan.left_out.is_empty(), "{file:?}");
        assert!(plan.variables["workspace"].is_null(), "{file:?}");
    }
}

#[test]
fn a_package_of_another_language_is_built_as_such() {
    let api = r#"{"name":"api","scripts":{"dev":"flask run"}}"#;
    let files = shop(&[
        ("apps/api/package.json", api),
        ("apps/api/requirements.txt", "flask\n"),
        ("apps/api/app.py", "from flask import Flask\napp = Flask(__name__)\n"),
        ("gilgal.toml", "[build]\nroot = \"apps/api\"\n"),
    ]);
    let plan = plan(&files);
    assert_eq!((plan.framework.as_str(), plan.root.as_str()), ("Flask", "apps/api"));
}

#[test]
fn a_folder_that_is_no_package_of_it_is_on_its_own() {
    let files = shop(&[("tools/x/package.json", r#"{"scripts":{"start":"node x"}}"#)]);
    let options = DetectOptions { root: "tools/x".to_owned(), ..DetectOptions::default() };
    let plan = CATALOG.detect(&Tree::new(&files), &options).unwrap();
    assert_eq!(plan.root, "tools/x");
    assert!(plan.variables["workspace"].is_null());
}

#[test]
fn pnpm_installs_for_the_package_only() {
    let files = [
        ("package.json", r#"{"packageManager":"pnpm@10.4.1"}"#),
        ("pnpm-workspace.yaml", "packages:\n  - apps/*\n  - packages/*\n  - '!packages/config'\n"),
        ("pnpm-lock.yaml", "lockfileVersion: '9.0'\n"),
        API,
        MODEL,
        CONFIG,
    ];
    assert_snapshot!(whole(&plan(&files)));
}

#[test]
fn install_scripts_see_the_source_and_what_they_made_stays() {
    let model = r#"{"name":"@shop/model","scripts":{"postinstall":"node generate.js"}}"#;
    let files = shop(&[
        ("gilgal.toml", "[build]\nroot = \"apps/api\"\n"),
        ("packages/model/package.json", model),
        ("apps/web/package.json", r#"{"name":"web","scripts":{"prepare":"node icons.js"}}"#),
    ]);
    assert_snapshot!(dockerfile(&plan(&files)));
}

#[test]
fn scripts_for_an_editor_do_not_run() {
    let top = r#"{"workspaces":["apps/*","packages/*"],"scripts":{"prepare":"husky"}}"#;
    let files = shop(&[("package.json", top), ("gilgal.toml", "[build]\nroot = \"apps/api\"\n")]);
    let dockerfile = dockerfile(&plan(&files));
    assert!(dockerfile.contains("RUN cd . && npm pkg delete scripts.prepare"), "{dockerfile}");
    assert!(dockerfile.contains("COPY packages/config/package.json ./packages/config/"), "{dockerfile}");
}

#[test]
fn turborepo_builds_what_the_package_depends_on() {
    let top = r#"{"workspaces":["apps/*","packages/*"],"devDependencies":{"turbo":"2"}}"#;
    let next =
        r#"{"name":"web","scripts":{"build":"next build"},"dependencies":{"next":"16","@shop/ui":"*"}}"#;
    let files = shop(&[
        ("package.json", top),
        ("turbo.json", "{}"),
        ("apps/web/package.json", next),
        ("apps/web/next.config.js", "module.exports = { output: \"standalone\" };"),
        ("apps/web/public/robots.txt", ""),
        ("gilgal.toml", "[build]\nroot = \"apps/web\"\n"),
    ]);
    assert_snapshot!(whole(&plan(&files)));
}

#[test]
fn an_own_build_command_comes_after_what_the_package_depends_on() {
    let top = r#"{"workspaces":["apps/*","packages/*"],"devDependencies":{"turbo":"2"}}"#;
    let file = "[build]\nroot = \"apps/web\"\nbuild_command = \"npm run special\"\n";
    let files = shop(&[("package.json", top), ("turbo.json", "{}"), ("gilgal.toml", file)]);
    let dockerfile = dockerfile(&plan(&files));
    assert!(dockerfile.contains("turbo run build --filter=web^...\n"), "{dockerfile}");
    assert!(dockerfile.contains("npm run special\n"), "{dockerfile}");
}

#[test]
fn nx_has_the_dependencies_of_all_packages_at_its_top() {
    let top = r#"{"workspaces":["apps/*","packages/*"],"dependencies":{"react":"19"},"devDependencies":{"nx":"22","vite":"7"}}"#;
    let files = [
        ("package.json", top),
        ("nx.json", "{}"),
        NPM_LOCK,
        ("apps/web/package.json", r#"{"name":"@shop/web"}"#),
        ("apps/web/vite.config.ts", "export default { build: { outDir: './out' } }"),
        ("apps/web/index.html", ""),
        ("apps/web-e2e/package.json", r#"{"name":"@shop/web-e2e","devDependencies":{"@shop/web":"*"}}"#),
    ];
    assert_snapshot!(whole(&plan(&files)));
}

/// A workspace of Nx whose projects have no package.json.
fn described<'a>(more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let top = r#"{"dependencies":{"express":"5","react":"19"},"devDependencies":{"nx":"22","vite":"7"}}"#;
    let web = r#"{"name":"web","projectType":"application","targets":{"build":{"executor":"@nx/vite:build",
        "options":{"outputPath":"dist/apps/web"}}}}"#;
    let tests = r#"{"name":"web-e2e","projectType":"application","targets":{"e2e":{}}}"#;
    let ui = r#"{"name":"ui","projectType":"library","targets":{"build":{"executor":"@nx/js:tsc"}}}"#;
    let mut files = vec![
        ("package.json", top),
        ("nx.json", "{}"),
        NPM_LOCK,
        ("apps/web/project.json", web),
        ("apps/web/vite.config.ts", ""),
        ("apps/web-e2e/project.json", tests),
        ("libs/ui/project.json", ui),
    ];
    files.extend(more);
    files
}

const NX_API: (&str, &str) = (
    "apps/api/project.json",
    r#"{"projectType":"application","targets":{"build":{"executor":"@nx/esbuild:esbuild"}}}"#,
);

#[test]
fn a_project_of_nx_without_a_manifest_is_built_from_the_top() {
    assert_snapshot!("nx_site_without_a_manifest", whole(&plan(&described(&[]))));
    let root = rooted("apps/api");
    let files = described(&[NX_API, ("gilgal.toml", &root)]);
    assert_snapshot!("nx_server_without_a_manifest", whole(&plan(&files)));
}

#[test]
fn several_projects_of_nx_are_a_question() {
    assert_snapshot!(refusal(&described(&[NX_API])), @r#"The project has several apps: apps/api and apps/web. Name the one to deploy in a gilgal.toml at the top: `build.root = "apps/api"`."#);
}

#[test]
fn a_project_of_nx_that_nobody_knows_the_output_of_has_to_say_it() {
    let api = ("apps/api/project.json", r#"{"targets":{"build":{"executor":"@acme/go:build"}}}"#);
    let root = rooted("apps/api");
    assert_snapshot!(refusal(&described(&[api, ("gilgal.toml", &root)])), @r#"apps/api/project.json, of which is not known whether its build makes a site or a server, is not supported. Say it in a gilgal.toml at the top: `[build] build_command = "NX_DAEMON=false NX_NO_CLOUD=true NX_TUI=false nx run api:build"`, and `output` for the folder of a site, or `[deploy] start = "node …"` for a server."#);
    let said = format!("{root}[deploy]\nstart = \"node dist/apps/api/server.js\"\n");
    let plan = plan(&described(&[api, ("gilgal.toml", &said)]));
    assert_eq!(plan.processes[&ProcessType::web()].shown(), "node dist/apps/api/server.js");
    assert!(dockerfile(&plan).contains("nx run api:build\n"), "{}", dockerfile(&plan));
}

#[test]
fn a_procfile_of_the_package_is_its_own() {
    let files = shop(&[
        ("gilgal.toml", "[build]\nroot = \"apps/api\"\n"),
        ("apps/api/Procfile", "web: node server.js --cluster\n"),
    ]);
    let plan = plan(&files);
    assert_eq!(plan.processes[&ProcessType::web()].shown(), "node server.js --cluster");
}

#[test]
fn names_that_would_be_syntax_are_refused() {
    let web = r#"{"name":"$(id)","scripts":{"start":"node x"}}"#;
    let files =
        [TOP, NPM_LOCK, ("apps/web/package.json", web), ("gilgal.toml", "[build]\nroot = \"apps/web\"\n")];
    let refused = detect(&Tree::new(&files)).unwrap_err().to_string();
    assert!(refused.starts_with("apps/web/package.json cannot be used"), "{refused}");
}

//! Vite: where it writes to, and which of its sites are single-page apps.

use crate::package_json::{LOCK, manifest, plan_of, web};
use crate::support::{refusal, whole};
use gilgal::model::plan::BuildPlan;
use insta::assert_snapshot;

#[test]
fn vite_with_react() {
    let manifest = manifest(
        &[("dev", "vite"), ("build", "tsc -b && vite build"), ("preview", "vite preview")],
        &["react", "react-dom"],
        &["vite", "@vitejs/plugin-react", "typescript"],
    );
    let config = "export default defineConfig({ plugins: [react()] })";
    assert_snapshot!(whole(&plan_of(&manifest, &[("vite.config.ts", config), ("index.html", "")])));
}

#[test]
fn where_vite_writes_to_is_found() {
    for (script, config, site) in [
        ("vite build", "export default {}", "dist"),
        ("vite build --outDir www", "export default { build: { outDir: 'other' } }", "www"),
        ("vite build", "export default { build: { outDir: './www/' } }", "www"),
        ("vite build", "export default defineConfig(({ mode }) => ({ build: { outDir: 'www' } }))", "www"),
        ("vite build", "export default { root: 'client' }", "client/dist"),
        ("vite build", "export default { root: 'client', build: { outDir: '../dist' } }", "dist"),
        ("vite build", "export default { build: { outDir: process.env.OUT } }", "dist"),
    ] {
        let manifest = manifest(&[("build", script)], &["vue"], &["vite"]);
        let plan = plan_of(&manifest, &[("vite.config.js", config), ("index.html", "")]);
        assert_eq!(plan.variables["site"], site, "{script} {config}");
    }
    let manifest = manifest(&[("build", "vite build")], &[], &["vite"]);
    let outside = ("vite.config.js", "export default { build: { outDir: '../www' } }");
    let refused = refusal(&[("package.json", &manifest), LOCK, outside, ("index.html", "")]);
    assert_eq!(
        refused,
        "vite.config.js: build.outDir cannot be used: the folder ../www is not below the project."
    );
}

#[test]
fn only_a_single_page_app_gets_its_page_for_every_path() {
    let of = |dependency: &str, files: &[(&str, &str)]| {
        let manifest = manifest(&[("build", "vite build")], &[dependency], &["vite"]);
        plan_of(&manifest, &[&[("index.html", "")], files].concat())
    };
    assert_eq!(of("react", &[]).variables["fallback"], "index.html");
    assert!(of("lodash", &[]).variables["fallback"].is_null());
    assert!(of("react", &[("public/404.html", "")]).variables["fallback"].is_null());
}

#[test]
fn vite_beside_a_server_is_part_of_it() {
    let scripts = [("build", "vite build"), ("start", "NODE_ENV=production node server.js")];
    let manifest = manifest(&scripts, &["express", "react"], &["vite"]);
    let plan = plan_of(&manifest, &[("vite.config.js", ""), ("index.html", ""), ("server.js", "")]);
    assert_eq!((plan.framework.as_str(), plan.port), ("Express", 3000));
    assert!(plan.files.is_empty());
    let with_procfile = manifest_of_vite_with_procfile();
    assert_eq!(web(&with_procfile), "node serve.js");
}

fn manifest_of_vite_with_procfile() -> BuildPlan {
    let manifest = manifest(&[("build", "vite build")], &["react"], &["vite"]);
    plan_of(&manifest, &[("index.html", ""), ("Procfile", "web: node serve.js")])
}

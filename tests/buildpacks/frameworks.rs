//! Frameworks of JavaScript: which one decides, which way it is built, and where its output is.

use crate::package_json::{BUILD, LOCK, manifest, plan_of, web};
use crate::support::{dockerfile, plan, refusal, whole};
use insta::assert_snapshot;
use serde_json::json;

#[test]
fn nuxt() {
    let scripts = [("build", "nuxt build"), ("generate", "nuxt generate"), ("postinstall", "nuxt prepare")];
    let manifest = manifest(&scripts, &["nuxt", "vue"], &[]);
    assert_snapshot!(whole(&plan_of(
        &manifest,
        &[("nuxt.config.ts", "export default defineNuxtConfig({})")]
    )));
}

#[test]
fn sveltekit_by_its_adapter() {
    let scripts = [("build", "vite build"), ("prepare", "svelte-kit sync || echo ''")];
    let of = |adapter: &str, config: &str| {
        let manifest = manifest(&scripts, &["zod"], &["@sveltejs/kit", adapter, "svelte", "vite"]);
        plan_of(&manifest, &[("svelte.config.js", config)])
    };
    assert_snapshot!(whole(&of("@sveltejs/adapter-node", "export default { kit: { adapter: adapter() } }")));
    let auto = of("@sveltejs/adapter-auto", "");
    assert!(dockerfile(&auto).contains("GCP_BUILDPACKS=1"));
    assert!(auto.warnings[0].contains("npm i -D @sveltejs/adapter-node"));
    let config = "export default { kit: { adapter: adapter({ pages: 'www', fallback: '200.html' }) } }";
    let fixed = of("@sveltejs/adapter-static", config);
    assert_eq!((&fixed.variables["site"], &fixed.variables["fallback"]), (&json!("www"), &json!("200.html")));
    let other = manifest(&scripts, &[], &["@sveltejs/kit", "@sveltejs/adapter-vercel"]);
    assert!(refusal(&[("package.json", &other), LOCK]).contains("Install @sveltejs/adapter-node"));
}

#[test]
fn astro_by_its_output() {
    let files = manifest(&[("build", "astro build")], &["astro"], &[]);
    assert_eq!(plan_of(&files, &[]).variables["site"], "dist");
    let server = manifest(&[("build", "astro build")], &["astro", "@astrojs/node"], &[]);
    assert_eq!(web(&plan_of(&server, &[])), "node dist/server/entry.mjs");
    let config = ("astro.config.mjs", "export default defineConfig({ output: 'server' })");
    assert!(refusal(&[("package.json", &files), LOCK, config]).contains("npx astro add node"));
}

#[test]
fn react_router_and_remix() {
    let scripts = [("build", "react-router build"), ("start", "react-router-serve ./build/server/index.js")];
    let manifest_of_router = manifest(&scripts, &["@react-router/serve"], &["@react-router/dev", "vite"]);
    let ssr = ("react-router.config.ts", "export default { ssr: true } satisfies Config");
    assert_eq!(web(&plan_of(&manifest_of_router, &[ssr])), "react-router-serve ./build/server/index.js");
    let spa = ("react-router.config.ts", "export default { ssr: false } satisfies Config");
    let plan = plan_of(&manifest_of_router, &[spa]);
    assert_eq!(plan.variables["site"], "build/client");
    let remix = manifest(&[("build", "remix build")], &["@remix-run/serve"], &["@remix-run/dev"]);
    assert_eq!(web(&plan_of(&remix, &[])), "remix-serve ./build/index.js");
    let with_vite = ("vite.config.ts", "export default {}");
    assert_eq!(web(&plan_of(&remix, &[with_vite])), "remix-serve ./build/server/index.js");
}

#[test]
fn tanstack_start_with_and_without_nitro() {
    let with = manifest(&[("build", "vite build")], &["@tanstack/react-start", "nitro"], &["vite"]);
    assert_eq!(web(&plan_of(&with, &[])), "node .output/server/index.mjs");
    let without = manifest(&[("build", "vite build")], &["@tanstack/react-start", "srvx"], &["vite"]);
    assert_eq!(web(&plan_of(&without, &[])), "srvx --prod --static ../client dist/server/server.js");
}

#[test]
fn angular_by_its_builder() {
    let manifest = manifest(&[("build", "ng build"), ("start", "ng serve")], &["@angular/core"], &[]);
    let of = |builder: &str, options: serde_json::Value| {
        let project = json!({"architect": {"build": {"builder": builder, "options": options}}});
        let text = json!({"projects": {"shop": project}}).to_string();
        plan_of(&manifest, &[("angular.json", &text)])
    };
    let application = "@angular/build:application";
    assert_eq!(of(application, json!({})).variables["site"], "dist/shop/browser");
    assert_eq!(of(application, json!({"outputPath": "www"})).variables["site"], "www/browser");
    let base = json!({"outputPath": {"base": "www", "browser": ""}});
    assert_eq!(of(application, base).variables["site"], "www");
    let webpack = json!({"outputPath": "dist/shop"});
    assert_eq!(of("@angular-devkit/build-angular:browser", webpack).variables["site"], "dist/shop");
    let server = json!({"ssr": {"entry": "src/server.ts"}, "outputMode": "server"});
    assert_eq!(web(&of(application, server)), "node dist/shop/server/server.mjs");
    let static_output = json!({"ssr": true, "outputMode": "static"});
    assert_eq!(of(application, static_output).variables["site"], "dist/shop/browser");
}

#[test]
fn of_several_angular_projects_the_only_application_is_taken() {
    let manifest = manifest(&[("build", "ng build"), ("start", "ng serve")], &["@angular/core"], &[]);
    let project = |kind: &str| json!({"projectType": kind, "architect": {"build": {"builder": "@angular/build:application"}}});
    let with_library =
        json!({"projects": {"shop": project("application"), "kit": project("library")}}).to_string();
    let one = plan_of(&manifest, &[("angular.json", &with_library)]);
    assert_eq!(one.variables["site"], "dist/shop/browser");
    assert!(dockerfile(&one).contains(" ng build shop\n"), "{}", dockerfile(&one));
    let own = manifest.replace("ng build", "ng build --configuration live shop");
    assert!(dockerfile(&plan_of(&own, &[("angular.json", &with_library)])).contains(" npm run build\n"));

    let two = json!({"projects": {"shop": project("application"), "admin": project("application"), "kit": project("library")}}).to_string();
    let files = [("package.json", manifest.as_str()), LOCK, ("angular.json", two.as_str())];
    assert_snapshot!(refusal(&files));
    let chosen = "[build]\nbuild_command = \"ng build admin\"\noutput = \"dist/admin/browser\"\n";
    let chosen = plan(&[files[0], files[1], files[2], ("gilgal.toml", chosen)]);
    assert_eq!(chosen.variables["site"], "dist/admin/browser");
    let outputs: Vec<_> = chosen.evidence.iter().filter(|row| row.what.starts_with("Output")).collect();
    assert_eq!(outputs.len(), 1, "{outputs:?}");
}

#[test]
fn what_cannot_be_started_may_have_files_to_serve() {
    let manifest = manifest(&[("build", "vite build")], &["@sveltejs/kit"], &["vite"]);
    assert!(refusal(&[("package.json", &manifest), LOCK]).starts_with("SvelteKit"));
    let output = ("gilgal.toml", "[build]\noutput = \"build\"\n");
    assert_eq!(plan_of(&manifest, &[output]).variables["site"], "build");
}

#[test]
fn expo_needs_its_packages_for_the_web() {
    let bare = manifest(&[("start", "expo start")], &["expo", "react-native"], &[]);
    assert_snapshot!(refusal(&[("package.json", &bare), LOCK]));
    let web = manifest(&[("start", "expo start")], &["expo", "react-native", "react-native-web"], &[]);
    let plan = plan_of(&web, &[("app.json", r#"{"expo":{"web":{"output":"single"}}}"#)]);
    assert_snapshot!(whole(&plan));
    let pages = plan_of(&web, &[("app.json", r#"{"expo":{"web":{"output":"static"}}}"#)]);
    assert!(pages.variables["fallback"].is_null());
}

#[test]
fn expo_with_server_output_is_served_by_its_own_handler() {
    let server = ("app.json", r#"{"expo":{"web":{"output":"server"}}}"#);
    let of = |sdk: &str| {
        let dependencies = ["expo", "expo-router", "react-native", "react-native-web"];
        let manifest = manifest(&[("start", "expo start")], &dependencies, &["typescript"]);
        manifest.replace(r#""expo":"^1.2.3""#, &format!(r#""expo":"{sdk}""#))
    };
    let plan = plan_of(&of("~58.0.5"), &[server]);
    assert_snapshot!(whole(&plan));
    assert!(plan.files[".gilgal/expo-server.cjs"].contains("expo-server/adapter/http"));
    let told = refusal(&[("package.json", &of("~53.0.1")), LOCK, server]);
    assert!(told.starts_with("Expo with server output"), "{told}");
    assert!(told.contains("Update to Expo SDK 54"), "{told}");
}

#[test]
fn react_native_alone_has_nothing_for_the_web() {
    let manifest = manifest(&[("start", "react-native start")], &["react-native", "react"], &[]);
    assert_snapshot!(refusal(&[("package.json", &manifest), LOCK]));
}

#[test]
fn documents_and_sites() {
    for (scripts, dependency, files, site) in [
        (&[("build", "gatsby build")][..], "gatsby", &[][..], "public"),
        (&[("build", "docusaurus build")], "@docusaurus/core", &[], "build"),
        (&[("build", "eleventy")], "@11ty/eleventy", &[], "_site"),
        (
            &[("build", "eleventy")],
            "@11ty/eleventy",
            &[(".eleventy.js", "module.exports = (c) => { return { dir: { output: 'www' } } }")],
            "www",
        ),
        (&[("docs:build", "vitepress build docs")], "vitepress", &[], "docs/.vitepress/dist"),
        (
            &[("docs:build", "vitepress build")],
            "vitepress",
            &[(".vitepress/config.mjs", "")],
            ".vitepress/dist",
        ),
        (&[("build-storybook", "storybook build")], "storybook", &[], "storybook-static"),
        (&[("build-storybook", "storybook build -o www")], "storybook", &[], "www"),
        (&[("build", "react-scripts build")], "react-scripts", &[], "build"),
        (
            &[("build", "vue-cli-service build")],
            "@vue/cli-service",
            &[("vue.config.js", "module.exports = { outputDir: 'www' }")],
            "www",
        ),
        (&[("build", "nuxt generate")], "nuxt", &[], ".output/public"),
    ] {
        let plan = plan_of(&manifest(scripts, &[], &[dependency]), files);
        assert_eq!(plan.variables["site"], site, "{dependency}");
        assert_eq!(plan.port, 8080, "{dependency}");
        let copied = format!("COPY --from=build /app/{site} .");
        assert!(dockerfile(&plan).contains(&copied), "{}", dockerfile(&plan));
        assert!(plan.files[".gilgal/Caddyfile"].contains("file_server"));
    }
}

#[test]
fn config_vars_that_a_build_writes_out_are_known_by_their_beginnings() {
    for (dependency, prefixes) in [
        ("next", &["NEXT_PUBLIC_"][..]),
        ("react-scripts", &["REACT_APP_"]),
        ("@vue/cli-service", &["VUE_APP_"]),
        ("astro", &["PUBLIC_"]),
        ("nuxt", &["NUXT_PUBLIC_"]),
        ("gatsby", &["GATSBY_"]),
        ("koa", &[]),
    ] {
        let manifest = manifest(&[BUILD, ("start", "node x")], &[dependency], &[]);
        let plan = plan_of(&manifest.replace("node x", "serve"), &[]);
        assert_eq!(plan.build_variable_prefixes, prefixes, "{dependency}");
    }
}

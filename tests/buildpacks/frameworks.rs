//! Frameworks of JavaScript: which one decides, which way it is built, and where its output is.

use crate::support::{CATALOG, dockerfile, plan, refusal, whole};
use gilgal::model::deployment::Step;
use gilgal::model::name::ProcessType;
use gilgal::model::plan::BuildPlan;
use insta::assert_snapshot;
use serde_json::json;

const LOCK: (&str, &str) = ("package-lock.json", "{}");

/// A manifest as a starter writes it: scripts, dependencies, development dependencies.
fn manifest(scripts: &[(&str, &str)], dependencies: &[&str], development: &[&str]) -> String {
    let table = |names: &[&str]| {
        names.iter().map(|name| ((*name).to_owned(), json!("^1.2.3"))).collect::<serde_json::Map<_, _>>()
    };
    let scripts: serde_json::Map<_, _> =
        scripts.iter().map(|(name, command)| ((*name).to_owned(), json!(command))).collect();
    json!({
        "scripts": scripts,
        "dependencies": table(dependencies),
        "devDependencies": table(development),
    })
    .to_string()
}

fn plan_of(manifest: &str, files: &[(&str, &str)]) -> BuildPlan {
    plan(&[&[("package.json", manifest), LOCK], files].concat())
}

fn web(plan: &BuildPlan) -> String {
    plan.processes[&ProcessType::web()].shown()
}

const BUILD: (&str, &str) = ("build", "build");

#[test]
fn next_with_standalone_output() {
    let manifest = manifest(
        &[("build", "next build"), ("start", "next start")],
        &["next", "react", "react-dom"],
        &["typescript", "vite"],
    );
    let config = "import type { NextConfig } from 'next'\nconst config: NextConfig = { output: 'standalone' }\nexport default config";
    assert_snapshot!(whole(&plan_of(&manifest, &[("next.config.ts", config), ("public/robots.txt", "")])));
}

#[test]
fn next_as_it_comes() {
    let manifest =
        manifest(&[("build", "next build"), ("start", "next start")], &["next", "react", "react-dom"], &[]);
    assert_snapshot!(whole(&plan_of(&manifest, &[("next.config.mjs", "export default {}")])));
}

#[test]
fn the_way_next_is_built_is_read_from_its_configuration() {
    let manifest = manifest(&[("build", "next build"), ("start", "next start")], &["next"], &[]);
    for (config, command, says) in [
        ("export default { output: 'export' }", "caddy run", "Static export"),
        ("export default { output: 'export', distDir: 'www' }", "caddy run", "Output www"),
        ("export default { output: \"standalone\" }", "node server.js", "Standalone output"),
        ("export default { webpack(c) { return { output: 'export' } } }", "next start", ""),
        ("// output: 'export'\nexport default { images: { output: 'export' } }", "next start", ""),
        ("export default { output: process.env.OUTPUT }", "next start", ""),
    ] {
        let plan = plan_of(&manifest, &[("next.config.mjs", config)]);
        assert!(web(&plan).starts_with(command), "{config}: {}", web(&plan));
        assert!(plan.evidence.iter().any(|evidence| evidence.what.contains(says)), "{config}");
    }
    let computed = plan_of(&manifest, &[("next.config.mjs", "export default { output: mode() }")]);
    assert!(computed.warnings[0].contains("is an expression"), "{:?}", computed.warnings);
}

#[test]
fn a_server_of_ones_own_in_front_of_next() {
    let manifest = manifest(&[("build", "next build"), ("start", "node server.js")], &["next"], &[]);
    let plan = plan_of(&manifest, &[("next.config.mjs", "export default { output: 'standalone' }")]);
    assert_eq!(web(&plan), "node server.js");
    assert!(dockerfile(&plan).contains("COPY --from=production /app/node_modules"));
}

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
    let server = ("app.json", r#"{"expo":{"web":{"output":"server"}}}"#);
    assert!(refusal(&[("package.json", &web), LOCK, server]).starts_with("Expo with server output"));
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

#[test]
fn a_script_for_editors_and_git_does_not_ask_for_the_source() {
    for (script, command, copies_first) in [
        ("prepare", "husky", true),
        ("prepare", "svelte-kit sync || echo ''", true),
        ("postinstall", "nuxt prepare", true),
        ("prepare", "node build.js", false),
        ("postinstall", "husky && node setup.js", false),
    ] {
        let manifest = manifest(&[(script, command), ("start", "node x")], &["koa"], &[]);
        let dockerfile = dockerfile(&plan_of(&manifest, &[]));
        assert_eq!(
            dockerfile.contains(&format!("npm pkg delete scripts.{script}")),
            copies_first,
            "{command}"
        );
    }
}

#[test]
fn a_start_script_that_runs_a_development_dependency_keeps_it() {
    let manifest = manifest(&[("start", "tsx src/index.ts")], &["koa"], &["tsx"]);
    let plan = plan_of(&manifest, &[]);
    assert!(dockerfile(&plan).contains("npm ci --include=dev"));
    assert!(plan.warnings[0].contains("development dependency"), "{:?}", plan.warnings);
}

#[test]
fn the_first_program_of_the_start_script_says_what_is_kept() {
    for (start, development, keeps) in [
        ("cross-env NODE_ENV=production node server.js", "cross-env", true),
        ("cross-env NODE_ENV=production tsx src/index.ts", "tsx", true),
        ("NODE_ENV=production npx --no-install ts-node-dev src", "ts-node-dev", true),
        ("dotenv -- node server.js", "dotenv-cli", true),
        ("env-cmd -f .env node server.js", "env-cmd", true),
        ("node server.js", "cross-env", false),
        ("crossenv node server.js", "cross-env", false),
    ] {
        let manifest = manifest(&[("start", start)], &["koa"], &[development]);
        let plan = plan_of(&manifest, &[]);
        assert_eq!(
            dockerfile(&plan).contains(
                "AS production\nRUN --mount=type=cache,id=shop-npm,target=/root/.npm npm ci --include=dev"
            ),
            keeps,
            "{start}"
        );
        assert_eq!(
            plan.warnings.iter().any(|line| line.contains("development dependency")),
            keeps,
            "{start}"
        );
    }
    // What is started is another script, or no script at all.
    let nest = manifest(
        &[BUILD, ("start", "cross-env X=1 nest start"), ("start:prod", "node dist/main")],
        &["@nestjs/core"],
        &["cross-env"],
    );
    let site = manifest(&[("build", "vite build"), ("start", "vite")], &["react"], &["vite"]);
    for manifest in [nest, site] {
        let plan = plan_of(&manifest, &[("index.html", "")]);
        let production = dockerfile(&plan)
            .split("AS production")
            .nth(1)
            .map(|text| text.lines().nth(1).unwrap().to_owned());
        assert!(production.is_none_or(|line| line.contains("npm ci --omit=dev")), "{}", dockerfile(&plan));
        assert!(
            plan.warnings.iter().all(|line| !line.contains("development dependency")),
            "{:?}",
            plan.warnings
        );
    }
}

#[test]
fn prisma_finds_openssl_where_it_is_built_and_where_it_runs() {
    let manifest = manifest(&[("start", "node x")], &["@prisma/client"], &["prisma"]);
    let text = dockerfile(&plan_of(&manifest, &[("prisma/schema.prisma", "")]));
    assert_eq!(text.matches("--no-install-recommends openssl ").count(), 2, "{text}");
}

#[test]
fn failed_builds_are_explained() {
    let plan = plan_of(&manifest(&[("start", "node x")], &["koa"], &[]), &[]);
    for (line, advice) in [
        ("Treating warnings as errors because process.env.CI = true.", "Create React App takes its warnings"),
        ("npm error gyp ERR! find Python", "the image has no compiler"),
        (
            "npm error `npm ci` can only install packages when your package.json and package-lock.json",
            "npm install",
        ),
        (" ERR_PNPM_OUTDATED_LOCKFILE  Cannot install", "pnpm install"),
        ("➤ YN0028: │ The lockfile would have been modified", "yarn install"),
        ("error: lockfile had changes, but lockfile is frozen", "bun install"),
        ("npm error code EBADENGINE", "engines.node"),
        ("Error: error:0308010C:digital envelope routines::unsupported", "legacy-provider"),
        ("sh: 1: tsc: not found", "devDependencies"),
    ] {
        let said =
            CATALOG.advice(&plan.buildpack, Step::Build, &["> build".to_owned(), line.to_owned()]).join(" ");
        assert!(said.contains(advice), "{line}: {said}");
    }
    let unknown = ["error TS2304: Cannot find name".to_owned()];
    assert!(CATALOG.advice(&plan.buildpack, Step::Build, &unknown).is_empty());
    for line in ["sh: 1: cross-env: not found", "exec: \"cross-env\": executable file not found in $PATH"] {
        let said = CATALOG.advice(&plan.buildpack, Step::Check, &[line.to_owned()]).join(" ");
        assert!(said.starts_with("The start command calls a program"), "{line}: {said}");
    }
}

#[test]
fn gilgal_toml_has_the_last_word_about_commands_and_packages() {
    let manifest = manifest(&[("build", "vite build")], &["react"], &["vite"]);
    let settings = "[build]\npackages = [\"git\"]\npre_build_command = \"node icons.js\"\nbuild_command = \"vite build --mode staging\"\n";
    let dockerfile = dockerfile(&plan_of(&manifest, &[("index.html", ""), ("gilgal.toml", settings)]));
    let build = dockerfile.split("AS build").nth(1).unwrap();
    let lines: Vec<&str> = build.lines().filter(|line| line.starts_with("RUN")).collect();
    assert_eq!(lines[1..], ["RUN node icons.js", "RUN vite build --mode staging"], "{dockerfile}");
    assert!(dockerfile.contains("--no-install-recommends git"), "{dockerfile}");
}

#[test]
fn a_dependency_out_of_a_git_repository_is_installed_with_git() {
    let git = "--no-install-recommends git ca-certificates";
    for (file, text) in [
        ("package-lock.json", "\"resolved\": \"git+ssh://git@github.com/a/b.git#0123\",\n"),
        ("yarn.lock", "b@a/b:\n  version \"1.0.0\"\n  resolved \"git+https://github.com/a/b.git#0123\"\n"),
        (
            "yarn.lock",
            "\"b@a/b\":\n  version: 1.0.0\n  resolution: \"b@https://github.com/a/b.git#commit=0123\"\n",
        ),
        (
            "pnpm-lock.yaml",
            "    resolution: {commit: 0123, repo: https://git.example.com/b.git, type: git}\n",
        ),
    ] {
        let manifest = manifest(&[("start", "node server.js")], &["b"], &[]);
        let dockerfile = dockerfile(&plan(&[("package.json", &manifest), (file, text), ("server.js", "")]));
        let (base, rest) = dockerfile.split_once("AS production").unwrap();
        assert!(base.contains(git) && !rest.contains(git), "{file}: {dockerfile}");
    }
}

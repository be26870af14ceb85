//! What is installed for a project of JavaScript, what of it the image keeps, and how a build that fails is explained.

use crate::package_json::{BUILD, manifest, plan_of};
use crate::support::{CATALOG, dockerfile, plan};
use gilgal::model::deployment::Step;

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
        ("npm error code ERESOLVE", "legacy-peer-deps=true"),
        ("Error: next/font: error: Failed to fetch `Geist` from Google Fonts.", "next/font/local"),
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

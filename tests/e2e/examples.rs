//! Every folder of `examples` with an `expect.toml`, pushed to a server: what the pusher sees, the exit code, the branch
//! on the server, what the app answers, and that nothing is left behind.

use crate::lean::expect_lean;
use crate::support::{LOOPBACK, Person, Registry, RunningPush, Server, WorkTree, examples, wait_until};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

/// What `expect.toml` holds.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expectation {
    push: ExpectedPush,
    #[serde(default)]
    http: Vec<ExpectedAnswer>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpectedPush {
    exit: i32,
    #[serde(rename = "ref")]
    reference: ExpectedReference,
    /// Texts that the pusher sees, in this order.
    transcript: Vec<String>,
    /// The build fetches from a registry: what it prints differs from day to day and is not in the snapshot.
    #[serde(default)]
    installs: bool,
}

#[derive(Deserialize, PartialEq, Eq, Debug)]
#[serde(rename_all = "snake_case")]
enum ExpectedReference {
    Moved,
    Unchanged,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpectedAnswer {
    path: String,
    status: u16,
    /// Part of the body.
    #[serde(default)]
    body: String,
}

macro_rules! examples {
    ($($test:ident = $name:literal,)+) => {
        pub(super) const TESTED: &[&str] = &[$($name),+];
        $(#[test] fn $test() { push_example($name); })+
    };
}

/// Of each way of building one, in every run.
mod usual {
    use super::push_example;

    examples! {
        bun_hono = "bun-hono",
        deno = "deno",
        django = "django",
        dockerfile_hello = "dockerfile-hello",
        elixir = "elixir",
        fastapi = "fastapi",
        fastify_typescript = "fastify-typescript",
        go = "go",
        hono = "hono",
        hugo = "hugo",
        koa_yarn = "koa-yarn",
        nextjs = "nextjs",
        npm_workspaces = "npm-workspaces",
        pnpm_workspaces = "pnpm-workspaces",
        node_build_fails = "node-build-fails",
        node_crash = "node-crash",
        node_express = "node-express",
        node_hello = "node-hello",
        node_wrong_port = "node-wrong-port",
        php = "php",
        procfile = "procfile",
        python_flask = "python-flask",
        python_missing_package = "python-missing-package",
        ruby = "ruby",
        rust = "rust",
        static_site = "static-site",
        vite_react = "vite-react",
        vite_vue_pnpm = "vite-vue-pnpm",
        yarn_workspaces = "yarn-workspaces",
    }
}

/// The others, each of which takes up to minutes: with the profile `all` (`cargo nextest run --profile all`).
mod others {
    use super::push_example;

    examples! {
        angular = "angular",
        angular_ssr = "angular-ssr",
        astro = "astro",
        astro_server = "astro-server",
        create_react_app = "create-react-app",
        deno_serve = "deno-serve",
        docusaurus = "docusaurus",
        eleventy = "eleventy",
        expo_server = "expo-server",
        expo_web = "expo-web",
        gatsby = "gatsby",
        java_gradle = "java-gradle",
        java_maven = "java-maven",
        nest = "nest",
        nextjs_export = "nextjs-export",
        nextjs_start = "nextjs-start",
        node_yarn = "node-yarn",
        nuxt = "nuxt",
        nx = "nx",
        python_pdm = "python-pdm",
        python_pipenv = "python-pipenv",
        python_poetry = "python-poetry",
        react_router = "react-router",
        react_router_spa = "react-router-spa",
        remix = "remix",
        rust_axum = "rust-axum",
        streamlit = "streamlit",
        sveltekit = "sveltekit",
        sveltekit_node = "sveltekit-node",
        sveltekit_static = "sveltekit-static",
        turborepo = "turborepo",
        vite_svelte = "vite-svelte",
        vitepress = "vitepress",
        vue_cli = "vue-cli",
    }
}

/// Those that need more than a server.
mod special {
    use super::{LOOPBACK, Registry, Server, WorkTree, push_tree};
    use std::fs;

    pub(super) const TESTED: &[&str] = &["prebuilt-image"];

    /// Its image comes from a registry of this machine: others may not be reached from here.
    #[test]
    fn prebuilt_image() {
        let registry = Registry::start();
        registry.publish_base("caddy:2", "caddy:2", "prebuilt");
        let tree = WorkTree::example("prebuilt-image");
        let path = tree.path().join("gilgal.toml");
        let text = fs::read_to_string(&path).unwrap();
        let replaced = text.replace("\"caddy:2\"", &format!("\"{}\"", registry.image("caddy:2")));
        assert_ne!(text, replaced);
        fs::write(path, replaced).unwrap();
        tree.commit(&[]);
        push_tree("prebuilt-image", Server::start_with(LOOPBACK), &tree, |shown| {
            shown.replace(&registry.host(), "[registry]")
        });
    }
}

#[test]
fn every_example_is_tested() {
    let folders = fs::read_dir(examples()).unwrap().map(|entry| entry.unwrap());
    let described = folders.filter(|folder| folder.path().join("expect.toml").exists());
    let found: BTreeSet<_> = described.map(|folder| folder.file_name().into_string().unwrap()).collect();
    let tested = usual::TESTED.iter().chain(others::TESTED).chain(special::TESTED);
    let tested: BTreeSet<_> = tested.map(|&name| name.to_owned()).collect();
    assert_eq!(found, tested);
    // One that has never passed has no transcript.
    let snapshots = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/snapshots");
    let passed = |name: &&String| snapshots.join(format!("e2e__examples__{name}.snap")).exists();
    let never: Vec<_> = tested.iter().filter(|name| !passed(name)).collect();
    assert!(never.is_empty(), "pushed by no test that has passed: {never:?}");
}

/// Their images are not made of a template of ours.
const OWN_IMAGES: &[&str] = &["dockerfile-hello", "prebuilt-image"];

fn push_example(name: &str) {
    push_tree(name, Server::start(), &WorkTree::example(name), |shown| shown);
}

/// Pushes an example; `redact` takes out of what the pusher sees what differs from run to run.
fn push_tree(name: &str, mut server: Server, tree: &WorkTree, redact: impl Fn(String) -> String) {
    let text = fs::read_to_string(examples().join(name).join("expect.toml")).unwrap();
    let expected: Expectation = toml::from_str(&text).unwrap();
    let ada = server.person("ada");

    let push = RunningPush::start(&server, &ada, tree, name, &["main"]);
    let push = push.finish_within(Duration::from_mins(8)).expect(expected.push.exit);
    let mut unseen = push.transcript.as_str();
    for text in &expected.push.transcript {
        let position = unseen.find(text.as_str());
        let position = position.unwrap_or_else(|| panic!("nothing says {text:?}:\n{}", push.transcript));
        unseen = &unseen[position + text.len()..];
    }
    let shown = push.redacted(&server);
    let shown = if expected.push.installs { without_build_output(&shown) } else { shown };
    insta::assert_snapshot!(name, redact(shown));

    let reference = ada.remote_reference(&server, name, "refs/heads/main");
    match expected.push.reference {
        ExpectedReference::Moved => assert_eq!(reference, Some(tree.head())),
        ExpectedReference::Unchanged => assert_eq!(reference, None),
    }
    expect_told_plan(&server, &ada, name, &push.transcript);
    for answer in &expected.http {
        let got = server.get(name, &answer.path);
        assert_eq!(got.status, answer.status, "{}: {}", answer.path, got.body);
        assert!(got.body.contains(&answer.body), "{}: {}", answer.path, got.body);
    }
    if expected.push.reference == ExpectedReference::Moved && !OWN_IMAGES.contains(&name) {
        for container in server.engine().containers() {
            expect_lean(&container, name, tree.path());
        }
    }
    if expected.push.reference == ExpectedReference::Unchanged {
        // Before the project is deleted: a failed deployment cleans up after itself.
        let engine = server.engine();
        wait_until("the instances are removed", Duration::from_secs(10), || engine.containers().is_empty());
        wait_until("the image is removed", Duration::from_secs(10), || engine.images().is_empty());
        assert_eq!(server.get(name, "/").status, 404);
    }
}

/// What the push has shown of the plan is what the API says of it.
fn expect_told_plan(server: &Server, ada: &Person, name: &str, transcript: &str) {
    let deployments = ada.get(server, &format!("/api/projects/{name}/deployments"));
    let id = deployments["data"][0]["id"].as_str().unwrap();
    let deployment = ada.get(server, &format!("/api/deployments/{id}"));
    let evidence = deployment["plan"]["evidence"].as_array().unwrap();
    assert!(!evidence.is_empty(), "{deployment}");
    for seen in evidence {
        let line =
            |line: &str| ["what", "from"].iter().all(|part| line.contains(seen[part].as_str().unwrap()));
        assert!(transcript.lines().any(line), "nothing shows {seen}:\n{transcript}");
    }
}

/// Leaves nothing between the heading of a build and its end.
fn without_build_output(transcript: &str) -> String {
    let mut in_build = false;
    let kept = transcript.lines().filter(|line| {
        let text = line.strip_prefix("remote: ").unwrap_or_default();
        if text.starts_with("-----> ") {
            in_build = ["Building image", "Pulling"].iter().any(|step| text.contains(step));
            return true;
        }
        let text = text.trim_start();
        !in_build || text.starts_with("Done in") || !line.starts_with("remote:")
    });
    kept.collect::<Vec<_>>().join("\n")
}

//! Deno: what is cached, what is started, and whose project it is.

use crate::support::{dockerfile, plan, refusal, whole};
use gilgal::model::name::ProcessType;
use insta::assert_snapshot;

const TASKS: &str = r#"{"tasks":{"start":"deno run -A main.ts","build":"deno run -A build.ts"},"imports":{"hono":"npm:hono@4"}}"#;

#[test]
fn a_task_to_build_and_one_to_start() {
    assert_snapshot!(whole(&plan(&[("deno.json", TASKS), ("deno.lock", "{}"), ("main.ts", "")])));
}

#[test]
fn a_file_by_its_name() {
    let plan = plan(&[("deno.json", "{}"), ("main.ts", "")]);
    assert_eq!(plan.processes[&ProcessType::web()].shown(), "deno run --allow-all main.ts");
    assert!(plan.warnings[0].contains("deno.lock"));
}

#[test]
fn what_deno_init_serve_writes_is_served() {
    let tasks = r#"{"tasks":{"dev":"deno serve --watch -R main.ts"}}"#;
    let server = "export default {\n  fetch(req) {\n    return new Response('hi');\n  },\n} satisfies Deno.ServeDefaultExport;\n";
    let command = r#"exec deno serve --allow-all --host 0.0.0.0 --port "$PORT" main.ts"#;
    for manifest in [tasks, "{}"] {
        let plan = plan(&[("deno.json", manifest), ("main.ts", server)]);
        assert_eq!(plan.processes[&ProcessType::web()].shown(), command, "{manifest}");
    }
    let itself = "export default { fetch() {} };\nDeno.serve(() => new Response('hi'));\n";
    let plan = plan(&[("deno.json", "{}"), ("main.ts", itself)]);
    assert_eq!(plan.processes[&ProcessType::web()].shown(), "deno run --allow-all main.ts");
}

#[test]
fn a_whole_version_is_taken_as_it_is() {
    let app = [("deno.json", "{}"), ("main.ts", "")];
    for (file, version) in [
        ((".deno-version", "v2.5.1\n"), "2.5.1"),
        ((".tool-versions", "deno 2.4.0\n"), "2.4.0"),
        (("mise.toml", "[tools]\ndeno = \"2\"\n"), "2.9.6"),
    ] {
        let plan = plan(&[app[0], app[1], file]);
        assert_eq!(plan.versions["deno"], version, "{file:?}");
        assert!(dockerfile(&plan).contains(&format!("FROM denoland/deno:debian-{version} AS build")));
    }
    let refused = refusal(&[app[0], app[1], (".deno-version", "2.5.1 && true\n")]);
    assert!(refused.contains("2.9.6"), "{refused}");
}

#[test]
fn comments_are_part_of_deno_jsonc() {
    let text = "{\n  // to start\n  \"tasks\": { /* one */ \"start\": \"deno serve main.ts\", },\n}";
    let plan = plan(&[("deno.jsonc", text), ("deno.lock", "{}")]);
    assert_eq!(plan.processes[&ProcessType::web()].shown(), "deno serve main.ts");
}

#[test]
fn a_project_that_npm_installs_is_not_denos() {
    let manifest = r#"{"scripts":{"start":"node x"},"dependencies":{"koa":"2"}}"#;
    let files = [("deno.json", "{}"), ("package.json", manifest), ("package-lock.json", "{}")];
    assert_eq!(plan(&files).buildpack, "node");
}

//! What buildpacks promise of builds and images, and a pack of an operator's own.

use crate::documentation::code_block;
use crate::support::{Server, WorkTree};
use std::fs;

/// The pack that the documentation makes, on a server that has it.
#[test]
fn the_pack_of_the_documentation_is_pushed_to() {
    let folder = tempfile::tempdir().unwrap();
    let pack = folder.path().join("home/buildpacks/perl");
    fs::create_dir_all(&pack).unwrap();
    for file in ["buildpack.toml", "Dockerfile.j2"] {
        fs::write(pack.join(file), code_block("docs/adding-a-buildpack.md", file)).unwrap();
    }
    let mut server = Server::start_in(&folder.path().join("home"), &[]);
    let ada = server.person("ada");
    let app = "sub { [200, ['Content-Type' => 'text/plain'], [\"Hello from Perl\\n\"]] }\n";
    let push = server.deploy(&ada, &WorkTree::of(&[("app.psgi", app)]), "shop");
    assert!(push.says("Perl app detected"), "{}", push.transcript);
    assert_eq!(server.get("shop", "/").body, "Hello from Perl\n");
}

/// As `deno init --serve` and Hono's starter for Bun write them; the second with a hook for git that no image has, and with a
/// script that belongs before the one that starts.
#[test]
fn starters_are_started_as_they_come() {
    let mut server = Server::start();
    let ada = server.person("ada");
    let module = "export default {\n  fetch(_request) {\n    return new Response(\"Hello from deno serve\\n\");\n  },\n} satisfies Deno.ServeDefaultExport;\n";
    let tasks = r#"{"tasks":{"dev":"deno serve --watch -R main.ts"}}"#;
    server.deploy(&ada, &WorkTree::of(&[("deno.json", tasks), ("main.ts", module)]), "serve");
    assert_eq!(server.get("serve", "/").body, "Hello from deno serve\n");

    let app = "import { Hono } from 'hono'\nconst app = new Hono()\napp.get('/', (c) => c.text('Hello Hono!'))\nexport default app\n";
    let starter = r#"{
        "name": "hono", "scripts": { "prepare": "husky", "dev": "bun run --hot src/index.ts" },
        "dependencies": { "hono": "^4.10.0" }, "devDependencies": { "@types/bun": "latest" }
    }"#;
    let tree = WorkTree::of(&[("package.json", starter), ("src/index.ts", app)]);
    let push = server.deploy(&ada, &tree, "hono");
    assert!(push.says("bun src/index.ts"), "{}", push.transcript);
    assert_eq!(server.get("hono", "/").body, "Hello Hono!");
    let other =
        starter.replace("\"dev\": \"bun run --hot", "\"prestart\": \"bun --version\", \"start\": \"bun run");
    tree.commit(&[("package.json", &other)]);
    let push = server.deploy(&ada, &tree, "hono");
    assert!(push.says("bun run start"), "{}", push.transcript);
    assert_eq!(server.get("hono", "/").body, "Hello Hono!");
}

/// Of each step that begins with a command: how often it was taken from the cache, and how often it ran.
fn steps(transcript: &str, command: &str) -> (usize, usize) {
    let steps = transcript.lines().filter_map(|line| line.strip_prefix("remote:        RUN "));
    let steps: Vec<&str> = steps.map(str::trim_end).filter(|step| step.starts_with(command)).collect();
    let cached = steps.iter().filter(|step| step.ends_with(" (cached)")).count();
    (cached, steps.len() - cached)
}

/// Pushes an example, and once more with a text of one of its files in the place of another: what `install` stands for is
/// taken from the cache, and what `build` stands for, where there is such a step, is not.
#[track_caller]
fn expect_nothing_installed_anew(example: &str, file: &str, text: &str, (install, build): (&str, &str)) {
    let mut server = Server::start();
    let ada = server.person("ada");
    let tree = WorkTree::example(example);
    server.deploy(&ada, &tree, example);
    let before = fs::read_to_string(tree.path().join(file)).unwrap();
    assert!(before.contains(text), "{before}");
    tree.commit(&[(file, &before.replace(text, &format!("again {text}")))]);
    let push = server.deploy(&ada, &tree, example);
    let (cached, ran) = steps(&push.transcript, install);
    assert!(cached > 0 && ran == 0, "{cached} cached, {ran} ran:\n{}", push.transcript);
    if !build.is_empty() {
        assert_eq!(steps(&push.transcript, build), (0, 1), "{}", push.transcript);
    }
    let answer = server.get(example, "/");
    assert!(answer.body.contains(&format!("again {text}")), "{}", answer.body);
}

const PIP: &str = "pip --python /opt/venv/bin/python install";

#[test]
fn a_changed_line_of_typescript_installs_nothing_anew() {
    let steps = ("npm ci", "npm run build");
    expect_nothing_installed_anew("fastify-typescript", "src/server.ts", "from Fastify", steps);
}

#[test]
fn a_changed_line_of_flask_installs_nothing_anew() {
    expect_nothing_installed_anew("python-flask", "app.py", "from Flask", (PIP, ""));
}

#[test]
fn a_changed_line_of_nextjs_installs_nothing_anew() {
    expect_nothing_installed_anew("nextjs", "app/page.jsx", "from Next.js", ("npm ci", "npm run build"));
}

#[test]
fn a_changed_line_of_django_installs_nothing_anew() {
    expect_nothing_installed_anew("django", "shop/urls.py", "from Django", (PIP, "SECRET_KEY=build"));
}

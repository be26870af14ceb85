//! What `gilgal.toml` says of building, in every language that has a Dockerfile of ours.

use crate::support::{dockerfile, plan, refusal};

const FILE: &str = "[build]
packages = [\"ffmpeg\"]
pre_build_command = \"echo before\"
build_command = \"make app\"
post_build_command = \"echo after\"
";

#[test]
fn packages_and_commands_are_in_the_dockerfile() {
    for (pack, files) in [
        ("php", vec![("index.php", "")]),
        ("go", vec![("go.mod", "module x\n"), ("main.go", "package main\n")]),
        ("java", vec![("pom.xml", "")]),
        ("java", vec![("build.gradle", "")]),
        ("rust", vec![("Cargo.toml", "[package]\nname = \"x\"\n"), ("src/main.rs", "")]),
        ("jekyll", vec![("_config.yml", ""), ("Gemfile", "gem \"jekyll\"\n")]),
        ("ruby", vec![("Gemfile", "gem \"puma\"\n"), ("config.ru", "")]),
        ("elixir", vec![("mix.exs", "app: :shop\n")]),
        ("python", vec![("requirements.txt", "flask\ngunicorn\n"), ("app.py", "app = Flask(__name__)\n")]),
        ("dotnet", vec![("Shop.csproj", "<Project Sdk=\"Microsoft.NET.Sdk.Web\"/>")]),
        ("hugo", vec![("hugo.toml", "")]),
        ("procfile", vec![("Procfile", "web: ./server\n")]),
        ("deno", vec![("deno.json", "{}"), ("main.ts", "")]),
    ] {
        let mut files = files;
        files.push(("gilgal.toml", FILE));
        let plan = plan(&files);
        assert_eq!(plan.buildpack, pack);
        let dockerfile = dockerfile(&plan);
        let position = |text: &str| {
            dockerfile.find(text).unwrap_or_else(|| panic!("{pack}: nothing says {text:?}:\n{dockerfile}"))
        };
        assert!(dockerfile.contains(" ffmpeg"), "{pack}: {dockerfile}");
        assert!(position("echo before") < position("make app"), "{pack}: {dockerfile}");
        assert!(position("make app") < position("echo after"), "{pack}: {dockerfile}");
    }
}

#[test]
fn dependencies_are_installed_as_the_project_says() {
    for (files, command) in [
        (
            vec![("requirements.txt", "flask\ngunicorn\n"), ("app.py", "app = Flask(__name__)\n")],
            "pip install .",
        ),
        (vec![("Gemfile", "gem \"puma\"\n"), ("config.ru", "")], "bundle install --local"),
        (vec![("config.ru", ""), ("Procfile", "web: rackup\n")], "gem install rack"),
        (vec![("composer.json", "{}"), ("index.php", "")], "composer install --no-dev --no-plugins"),
        (vec![("index.php", "")], "php fetch.php"),
        (vec![("go.mod", "module x\n"), ("go.sum", ""), ("main.go", "package main\n")], "go mod vendor"),
        (vec![("go.mod", "module x\n"), ("main.go", "package main\n")], "go generate"),
        (vec![("mix.exs", "app: :shop\n"), ("mix.lock", "")], "mix deps.get --only prod --no-archives-check"),
        (vec![("mix.exs", "app: :shop\n")], "mix fetch"),
    ] {
        let mut files = files;
        let file = format!("[build]\ninstall_command = \"{command}\"\n");
        files.push(("gilgal.toml", &file));
        let text = dockerfile(&plan(&files));
        let line = text.lines().position(|line| line.contains(command));
        let line = line.unwrap_or_else(|| panic!("nothing says {command:?}:\n{text}"));
        let copied = text.lines().position(|line| line.starts_with("COPY") && line.ends_with(" . ."));
        assert!(copied.is_some_and(|copied| copied < line), "{text}");
        assert_eq!(text.matches(command).count(), 1, "{text}");
    }
}

/// What a pack does not do is not skipped silently: its build fetches what it needs.
#[test]
fn an_installation_of_its_own_is_refused_where_the_build_installs() {
    for files in [
        vec![("pom.xml", "")],
        vec![("build.gradle", "")],
        vec![("Cargo.toml", "[package]\nname = \"x\"\n"), ("src/main.rs", "")],
        vec![("Shop.csproj", "<Project Sdk=\"Microsoft.NET.Sdk.Web\"/>")],
        vec![("_config.yml", ""), ("Gemfile", "gem \"jekyll\"\n")],
        vec![("hugo.toml", "")],
    ] {
        let mut files = files;
        files.push(("gilgal.toml", "[build]\ninstall_command = \"make\"\n"));
        let refusal = refusal(&files);
        assert!(refusal.starts_with("The key build.install_command of gilgal.toml"), "{refusal}");
    }
}

#[test]
fn an_own_installation_of_node_is_pruned() {
    let manifest =
        r#"{"scripts":{"start":"node x"},"dependencies":{"koa":"2"},"devDependencies":{"jest":"30"}}"#;
    let app = [("package.json", manifest), ("package-lock.json", "{}")];
    for (command, copies_first) in
        [("npm ci --legacy-peer-deps", false), ("make install", true), ("npm ci && ./fetch", true)]
    {
        let file = format!("[build]\ninstall_command = \"{command}\"\n");
        let text = dockerfile(&plan(&[app[0], app[1], ("gilgal.toml", &file)]));
        let position = |part: &str| text.find(part).unwrap_or_else(|| panic!("{part}: {text}"));
        assert!(position(command) < position("npm prune --omit=dev"), "{text}");
        assert!(!text.contains("AS production"), "{text}");
        assert_eq!(position("COPY . .") < position(command), copies_first, "{text}");
    }
    let bare = r#"{"scripts":{"start":"node x"}}"#;
    let file = ("gilgal.toml", "[build]\ninstall_command = \"./install\"\n");
    assert!(dockerfile(&plan(&[("package.json", bare), file])).contains("RUN ./install\n"));
}

#[test]
fn an_own_installation_of_a_workspace_is_pruned() {
    let text = dockerfile(&plan(&[
        ("package.json", r#"{"private":true,"workspaces":["apps/*"]}"#),
        ("package-lock.json", "{}"),
        (
            "apps/api/package.json",
            r#"{"name":"api","scripts":{"start":"node x"},"dependencies":{"koa":"2"}}"#,
        ),
        ("gilgal.toml", "[build]\nroot = \"apps/api\"\ninstall_command = \"npm ci --legacy-peer-deps\"\n"),
    ]));
    insta::assert_snapshot!(text);
}

#[test]
fn deno_installs_as_the_project_says() {
    let files = [
        ("deno.json", "{}"),
        ("main.ts", ""),
        ("gilgal.toml", "[build]\ninstall_command = \"deno install --allow-scripts\"\n"),
    ];
    let text = dockerfile(&plan(&files));
    assert!(text.contains("COPY . .\n# What the app imports stays in the image: nothing is fetched when it starts.\nRUN deno install --allow-scripts\n"), "{text}");
}

#[test]
fn base_images_come_from_where_the_project_says() {
    let app = [("package.json", "{\"scripts\":{\"start\":\"node x\"}}"), ("package-lock.json", "{}")];
    let mirror = "[images]\n\"node:22-bookworm-slim\" = \"registry.example.com:5000/node@sha256:ab\"\n";
    let plan = plan(&[app[0], app[1], ("gilgal.toml", mirror)]);
    assert!(
        dockerfile(&plan).contains("FROM registry.example.com:5000/node@sha256:ab\n"),
        "{}",
        dockerfile(&plan)
    );
    for (file, says) in [
        ("[images]\n\"node:20\" = \"x\"", "Its images are node:22-bookworm-slim"),
        ("[images]\n\"node:22-bookworm-slim\" = \"gilgal/shop:1\"", "no base for others"),
        ("[images]\n\"node:22-bookworm-slim\" = \"a b\"", "letters, digits and"),
    ] {
        let refusal = refusal(&[app[0], app[1], ("gilgal.toml", file)]);
        assert!(refusal.contains(says), "{file}\n{refusal}");
    }
    let own = [("Dockerfile", "FROM busybox\n"), ("gilgal.toml", mirror)];
    assert!(refusal(&own).starts_with("The table [images] of gilgal.toml here"), "{}", refusal(&own));
}

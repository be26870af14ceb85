//! Projects that try to get their own text into the Dockerfile or the shell of the build.

use crate::support::{CATALOG, Tree, detect, dockerfile};
use gilgal::buildpack::{RenderContext, explain};
use gilgal::model::name::ProcessType;
use gilgal::model::process::Command;

const HOSTILE: [&str; 10] = [
    "x\nRUN touch /owned",
    "x\r\nRUN touch /owned",
    "$(touch /owned)",
    "`touch /owned`",
    "'; touch /owned; '",
    "\"; touch /owned; \"",
    "x \\",
    "${PATH} {{ 7 * 7 }} {% for %}",
    "--mount=type=bind,source=/,target=/host",
    "\u{2028}RUN touch /owned",
];

/// Instructions that no text of a project may add.
fn instructions(dockerfile: &str) -> Vec<String> {
    dockerfile.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

#[test]
fn a_command_changes_nothing_but_the_command() {
    let harmless = Tree::new(&[("package.json", r#"{"scripts":{"start":"node server.js"}}"#)]);
    let expected = instructions(&dockerfile(&detect(&harmless).unwrap()));
    for text in HOSTILE {
        for key in ["start", "main"] {
            let manifest = if key == "start" {
                serde_json::json!({"scripts": {"start": text}})
            } else {
                serde_json::json!({"main": text})
            };
            let tree = Tree::new(&[("package.json", &manifest.to_string()), (text.trim(), "")]);
            let plan = detect(&tree).unwrap();
            let dockerfile = dockerfile(&plan);
            assert_eq!(instructions(&dockerfile), expected, "{text:?}");
            let command = dockerfile.lines().find_map(|line| line.strip_prefix("CMD ")).unwrap();
            let arguments: Vec<String> = serde_json::from_str(command).unwrap();
            assert!(arguments.join(" ").contains(text.trim()), "{arguments:?}");
        }
    }
}

#[test]
fn script_names_and_values_reach_nothing() {
    for text in HOSTILE {
        let manifest = serde_json::json!({
            "name": text,
            "scripts": {"build": text, "start": "node x", (text): text},
            "dependencies": {(text): text, "koa": text},
            "packageManager": text,
        });
        let tree =
            Tree::new(&[("package.json", &manifest.to_string()), ("package-lock.json", text), (text, text)]);
        let rendered = dockerfile(&detect(&tree).unwrap());
        assert!(!rendered.contains("owned") && !rendered.contains("/host"), "{rendered}");
    }
}

#[test]
fn versions_are_versions() {
    for text in HOSTILE {
        let manifest = serde_json::json!({"scripts": {"start": "node x"}, "engines": {"node": text}});
        let refusal = detect(&Tree::new(&[("package.json", &manifest.to_string())])).unwrap_err().to_string();
        assert!(refusal.starts_with("package.json: engines.node asks for Node "), "{refusal}");
        assert!(!refusal.contains(|c: char| c.is_control()), "{refusal:?}");
    }
}

#[test]
fn a_site_cannot_leave_its_folder() {
    for text in HOSTILE.into_iter().chain(["../../etc", "/etc", "a/../../b", "with space"]) {
        let inside = format!("{text}/index.html");
        let staticfile = format!("root: {text}\n");
        let tree = Tree::new(&[
            ("Staticfile", &staticfile),
            ("x/index.html", ""),
            ("with space/index.html", ""),
            (&inside, ""),
        ]);
        match detect(&tree) {
            // What was read is the first line only.
            Ok(plan) => assert_eq!(plan.variables["root"], "x"),
            Err(refusal) => {
                assert!(refusal.to_string().starts_with("Staticfile cannot be used"), "{refusal}");
            }
        }
    }
}

#[test]
fn a_cache_scope_is_a_word() {
    let tree = Tree::new(&[("package.json", r#"{"scripts":{"start":"x"},"dependencies":{"a":"1"}}"#)]);
    let plan = detect(&tree).unwrap();
    for text in HOSTILE.into_iter().chain(["", "a,target=/", "a b"]) {
        let context = RenderContext { cache_scope: text.to_owned(), ..RenderContext::default() };
        assert!(CATALOG.dockerfile(&plan, &context).is_err(), "{text:?}");
    }
}

#[test]
fn a_plan_that_somebody_changed_is_rendered_safely_or_not_at_all() {
    let tree = Tree::new(&[("package.json", r#"{"scripts":{"start":"x"},"dependencies":{"a":"1"}}"#)]);
    let context = RenderContext { cache_scope: "a".to_owned(), ..RenderContext::default() };
    for text in HOSTILE {
        let mut plan = detect(&tree).unwrap();
        plan.versions.insert("node".to_owned(), text.to_owned());
        assert!(CATALOG.dockerfile(&plan, &context).is_err(), "{text:?}");
        let mut plan = detect(&tree).unwrap();
        plan.processes.insert(ProcessType::web(), Command::Line(text.to_owned()));
        let rendered = CATALOG.dockerfile(&plan, &context).unwrap();
        assert!(!instructions(&rendered).contains(&"RUN touch".to_owned()));
        assert_eq!(rendered.matches("CMD").count(), 1);
    }
}

#[test]
fn what_is_shown_moves_no_cursor() {
    let manifest = serde_json::json!({"scripts": {"start": "node \u{1b}[2J\u{7}\r x"}});
    let plan = detect(&Tree::new(&[("package.json", &manifest.to_string())])).unwrap();
    let screen = explain::screen(&plan);
    assert!(!screen.contains(|c: char| c.is_control() && c != '\n'), "{screen:?}");
}

#[test]
fn deep_documents_are_refused_and_not_overflowed() {
    let deep = "[".repeat(100_000);
    let nested = format!("{}1{}", "{\"a\":".repeat(5000), "}".repeat(5000));
    for text in [deep.as_str(), nested.as_str()] {
        assert!(detect(&Tree::new(&[("package.json", text)])).is_err());
    }
    assert!(detect(&Tree::new(&[("pyproject.toml", &format!("a = {deep}"))])).is_err());
}

#[test]
fn names_in_other_languages_add_no_instruction() {
    let known = ["FROM", "WORKDIR", "ENV", "COPY", "RUN", "USER", "CMD", "#", "", "{"];
    let context = RenderContext { cache_scope: "a".to_owned(), ..RenderContext::default() };
    let mut rendered = 0;
    for text in HOSTILE {
        let name = serde_json::Value::from(text).to_string();
        let cargo = format!("[package]\nname = {name}\n");
        let settings = format!("WSGI_APPLICATION = '{text}.application'\n");
        let composer = format!(
            "{{\"require\":{{\"php\":\"^8.2\",{}:\"*\"}}}}",
            serde_json::Value::from(format!("ext-{text}"))
        );
        let program = format!("cmd/{text}/main.go");
        let project = format!("{text}.csproj");
        let web = "<Project Sdk=\"Microsoft.NET.Sdk.Web\"/>";
        let mix = format!("app: :{text},\n");
        for files in [
            vec![("Cargo.toml", cargo.as_str()), ("src/main.rs", "")],
            vec![("requirements.txt", "django"), ("manage.py", ""), ("shop/settings.py", settings.as_str())],
            vec![("composer.json", composer.as_str()), ("index.php", "")],
            vec![("go.mod", "module x\n"), (program.as_str(), "package main\n")],
            vec![(project.as_str(), web)],
            vec![("mix.exs", mix.as_str())],
        ] {
            // Refused, or not rendered, or rendered without a word of it but in the arguments of the command.
            let Ok(plan) = detect(&Tree::new(&files)) else { continue };
            let Ok(text) = CATALOG.dockerfile(&plan, &context) else { continue };
            let outside = text.lines().filter(|line| !line.starts_with("CMD "));
            for line in outside {
                assert!(!line.contains("owned") && !line.contains("/host"), "{line}");
                let indented = line.starts_with(' ');
                assert!(indented || known.contains(&line.split(' ').next().unwrap_or_default()), "{line}");
            }
            rendered += 1;
        }
    }
    assert!(rendered > 0);
}

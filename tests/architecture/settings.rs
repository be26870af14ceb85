//! Every setting is in `.env.example` and in docs/settings.md, with its default, and nothing else is.

use crate::{assert_none, read};
use std::collections::BTreeMap;

/// What docker-compose.yml reads and the server does not.
const OF_COMPOSE: [&str; 3] = ["POSTGRES_PASSWORD", "POSTGRES_PORT", "GILGAL_IMAGE"];

struct Setting {
    key: Option<String>,
    default: String,
}

/// The settings of src/config/catalogue.rs: `NAME = "VARIABLE", Some("key") | None, "default",`.
fn settings() -> BTreeMap<String, Setting> {
    let text = read("src/config/catalogue.rs");
    let (_, entries) = text.rsplit_once("settings! {").unwrap();
    let settings: BTreeMap<String, Setting> = entries
        .lines()
        .filter(|line| line.contains(" = \""))
        .map(|line| {
            let quoted: Vec<&str> = line.split('"').skip(1).step_by(2).collect();
            let key = (quoted.len() == 3).then(|| quoted[1].to_owned());
            (quoted[0].to_owned(), Setting { key, default: (*quoted.last().unwrap()).to_owned() })
        })
        .collect();
    assert!(settings.len() > 10, "the catalogue is not understood any more");
    settings
}

#[test]
fn the_example_of_the_environment_is_complete() {
    let example = read(".env.example");
    let lines: BTreeMap<&str, &str> = example
        .lines()
        .map(|line| line.trim_start_matches("# "))
        .filter_map(|line| line.split_once('='))
        .filter(|(name, _)| name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_'))
        .collect();
    let settings = settings();
    let mut wrong = Vec::new();
    for (variable, setting) in &settings {
        match lines.get(variable.as_str()) {
            None => wrong.push(format!(".env.example does not have {variable}")),
            Some(value) if *value != setting.default => {
                wrong.push(format!(
                    ".env.example: {variable} is \"{value}\", its default is \"{}\"",
                    setting.default
                ));
            }
            Some(_) => {}
        }
    }
    let known = |name: &&&str| settings.contains_key(**name) || OF_COMPOSE.contains(*name);
    wrong.extend(
        lines.keys().filter(|name| !known(name)).map(|name| format!(".env.example: {name} is no setting")),
    );
    assert_none(&wrong);
}

#[test]
fn the_guide_to_the_settings_is_complete() {
    let guide = read("docs/settings.md");
    let rows: BTreeMap<&str, &str> =
        guide.lines().filter_map(|line| Some((line.strip_prefix("| `")?.split_once('`')?.0, line))).collect();
    let settings = settings();
    let mut wrong = Vec::new();
    for (variable, setting) in &settings {
        let Some(row) = rows.get(variable.as_str()) else {
            wrong.push(format!("docs/settings.md does not have {variable}"));
            continue;
        };
        for word in setting.key.iter().chain([&setting.default]).filter(|word| !word.is_empty()) {
            if !row.contains(&format!("`{word}`")) {
                wrong.push(format!("docs/settings.md: the row of {variable} does not say `{word}`"));
            }
        }
    }
    let unknown = rows.keys().filter(|name| !settings.contains_key(**name));
    wrong.extend(unknown.map(|name| format!("docs/settings.md: {name} is no setting")));
    assert_none(&wrong);
}

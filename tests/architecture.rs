//! Holds ARCHITECTURE.md to the code: which module may use which, where the heavy libraries may be named, how long a
//! file may be, and that every setting and every fault is documented. Reads the source as text; the rules are in `rules`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "architecture/faults.rs"]
mod faults;
#[path = "architecture/log_lines.rs"]
mod log_lines;
#[path = "architecture/paths.rs"]
mod paths;
#[path = "architecture/rules.rs"]
mod rules;
#[path = "architecture/scanner_tests.rs"]
mod scanner_tests;
#[path = "architecture/settings.rs"]
mod settings;
#[path = "architecture/source.rs"]
mod source;

use paths::NamedPath;
use rules::{Arrow, EXCEPTIONS, FENCES, FORBIDDEN, LONG_FILES, LONGEST_FILE, NARROW, ROWS};
use source::Source;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Fails with one line for each thing that is wrong.
fn assert_none(wrong: &[String]) {
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

fn row(module: &str) -> Option<u8> {
    ROWS.iter().find(|(_, modules)| modules.contains(&module)).map(|(row, _)| *row)
}

/// Whether a rule for `src/<place>` is for this file: the file itself, or a folder above it.
fn covers(place: &str, file: &str) -> bool {
    let file = file.strip_prefix("src/").unwrap_or(file);
    if place.ends_with('/') { file.starts_with(place) } else { file == place }
}

fn arrow<'a>(arrows: &'a [Arrow], file: &str, to: &str) -> Option<&'a Arrow> {
    arrows.iter().find(|arrow| arrow.to == to && covers(arrow.from, file))
}

/// Why a file must not use a module, if it must not.
fn objection(file: &Source, to: &str) -> Option<String> {
    let from = file.module.as_str();
    if from == to || arrow(EXCEPTIONS, &file.name, to).is_some() {
        return None;
    }
    if let Some(forbidden) = arrow(FORBIDDEN, &file.name, to) {
        return Some(forbidden.why.to_owned());
    }
    let (Some(from_row), Some(to_row)) = (row(from), row(to)) else {
        return Some("it is not in the table of rows".to_owned());
    };
    if from_row < 6 && to_row >= from_row {
        return Some(format!("`{from}` is in row {from_row}, `{to}` in row {to_row}"));
    }
    let narrow = NARROW.iter().find(|(module, _)| *module == from);
    narrow
        .filter(|(_, allowed)| !allowed.contains(&to))
        .map(|(_, allowed)| format!("only {allowed:?} are allowed"))
}

/// Whether a path begins with what a fence names: `hyper` fences `hyper::Request`, and not `hyper_util`.
fn is_named(path: &NamedPath, fenced: &str) -> bool {
    path.path.strip_prefix(fenced).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

#[test]
fn arrows_point_down() {
    let mut wrong = Vec::new();
    for file in source::read_all(root()) {
        for path in &file.paths {
            let Some(to) = Source::target(path).filter(|to| row(to).is_some()) else { continue };
            if let Some(why) = objection(&file, to) {
                wrong.push(format!(
                    "{}:{}: {} -> {to} ({}): {why}",
                    file.name, path.line, file.module, path.path
                ));
            }
        }
    }
    assert_none(&wrong);
}

#[test]
fn exceptions_are_needed() {
    let files = source::read_all(root());
    let is_used = |exception: &&Arrow| {
        files
            .iter()
            .filter(|file| covers(exception.from, &file.name))
            .any(|file| file.paths.iter().any(|path| Source::target(path) == Some(exception.to)))
    };
    let unused = EXCEPTIONS.iter().filter(|exception| !is_used(exception));
    assert_none(
        &unused
            .map(|arrow| format!("nothing needs {} -> {}: {}", arrow.from, arrow.to, arrow.why))
            .collect::<Vec<_>>(),
    );
}

#[test]
fn libraries_stay_behind_their_fences() {
    let mut wrong = Vec::new();
    for file in source::read_all(root()) {
        for path in &file.paths {
            for fence in FENCES.iter().filter(|fence| fence.names.iter().any(|name| is_named(path, name))) {
                if !fence.only.iter().any(|place| covers(place, &file.name)) {
                    let only = fence.only.join(", ");
                    wrong.push(format!(
                        "{}:{}: {} is for {only}: {}",
                        file.name, path.line, path.path, fence.why
                    ));
                }
            }
        }
    }
    assert_none(&wrong);
}

#[test]
fn fences_are_about_what_is_there() {
    let manifest = read("Cargo.toml").replace('-', "_");
    let mut wrong = Vec::new();
    for fence in FENCES {
        for name in fence.names.iter().filter(|name| !name.contains("::") && !name.ends_with('!')) {
            if !manifest.lines().any(|line| line.starts_with(&format!("{name} ="))) {
                wrong.push(format!("{name} is fenced and not a dependency"));
            }
        }
        for place in fence.only.iter().filter(|place| !root().join("src").join(place).exists()) {
            wrong.push(format!("src/{place} is allowed {:?} and does not exist", fence.names));
        }
    }
    assert_none(&wrong);
}

#[test]
fn every_module_has_a_row_and_a_word() {
    let declared: BTreeSet<String> = read("src/lib.rs")
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';').map(str::to_owned))
        .collect();
    let in_rows: BTreeSet<String> = ROWS
        .iter()
        .flat_map(|(_, modules)| modules.iter())
        .filter(|module| !matches!(**module, "lib" | "main"))
        .map(|module| (*module).to_owned())
        .collect();
    assert_eq!(declared, in_rows, "src/lib.rs and the table of rows");
    let map = read("ARCHITECTURE.md");
    let unsaid = declared.iter().filter(|module| !map.contains(&format!("`{module}`")));
    assert_none(
        &unsaid.map(|module| format!("ARCHITECTURE.md does not mention `{module}`")).collect::<Vec<_>>(),
    );
}

#[test]
fn files_are_short() {
    let mut wrong = Vec::new();
    for file in source::read_all(root()) {
        let is_known = LONG_FILES.iter().any(|(name, _)| *name == file.name);
        if (file.lines > LONGEST_FILE) != is_known {
            wrong.push(format!(
                "{} has {} lines; {LONGEST_FILE} is the most, save for LONG_FILES",
                file.name, file.lines
            ));
        }
    }
    assert_none(&wrong);
}

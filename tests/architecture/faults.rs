//! docs/faults.md names tests that there are, which look at the invariants, and every test of the files that do nothing but
//! break things.

use crate::{assert_none, read, root};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;

/// The files of tests/e2e of which every test is about a fault.
const ALL_OF: [&str; 8] = [
    "chaos",
    "database_away",
    "disk_full",
    "docker_away",
    "engine_restarts",
    "faults",
    "recovery",
    "restarts",
];

/// Tests of faults that do not look at the invariants, and why.
const WITHOUT_INVARIANTS: [(&str, &str); 4] = [
    ("liveness::what_ends_again_and_again_is_called_so", "what is live never runs for long"),
    ("restarts::sockets_without_a_name_of_ours_are_refused", "no server starts"),
    ("start::a_server_can_be_stopped_while_it_waits_for_its_database", "nobody has an account yet"),
    ("start::an_engine_that_does_not_answer_is_named_in_the_log", "nobody has an account yet"),
];

/// Every test of tests/e2e, as `file::test`.
fn tests() -> BTreeSet<String> {
    let files = fs::read_dir(root().join("tests/e2e")).unwrap().map(|entry| entry.unwrap().path());
    let mut tests = BTreeSet::new();
    for file in files.filter(|file| file.extension().is_some_and(|extension| extension == "rs")) {
        let (text, name) = (fs::read_to_string(&file).unwrap(), file.file_stem().unwrap().to_owned());
        let found =
            text.split("#[test]\n").skip(1).filter_map(|rest| rest.strip_prefix("fn ")?.split_once('('));
        tests.extend(found.map(|(test, _)| format!("{}::{test}", name.display())));
    }
    assert!(tests.len() > 100, "the tests are not found any more");
    tests
}

/// What is named in the page.
fn named() -> BTreeSet<String> {
    let page = read("docs/faults.md");
    let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let is_test = |text: &&str| {
        text.split_once("::")
            .is_some_and(|(file, test)| file.chars().all(is_word) && test.chars().all(is_word))
    };
    page.split('`').filter(is_test).map(str::to_owned).collect()
}

#[test]
fn the_page_of_the_faults_names_tests_that_there_are() {
    let (tests, named) = (tests(), named());
    let gone = named.difference(&tests).map(|test| format!("docs/faults.md: there is no test {test}"));
    assert_none(&gone.collect::<Vec<_>>());
}

#[test]
fn every_test_of_a_fault_is_on_the_page() {
    let (tests, named) = (tests(), named());
    let unsaid = tests.difference(&named).filter(|test| {
        let file = test.split_once("::").map_or(test.as_str(), |(file, _)| file);
        ALL_OF.contains(&file)
    });
    assert_none(&unsaid.map(|test| format!("docs/faults.md does not have {test}")).collect::<Vec<_>>());
}

/// The functions of a file by their names, those of its types too.
fn functions(text: &str) -> BTreeMap<&str, &str> {
    let mut functions = BTreeMap::new();
    for (start, _) in text.match_indices("fn ") {
        let line = &text[text[..start].rfind('\n').map_or(0, |end| end + 1)..];
        let indent = &line[..line.len() - line.trim_start_matches(' ').len()];
        let name =
            text[start + 3..].split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
        let end = line.find(&format!("\n{indent}}}\n")).unwrap_or(line.len());
        functions.insert(name, &line[..end]);
    }
    functions
}

/// Whether a function, or one of the same file that it calls, looks at the invariants.
fn looks_at_the_invariants(name: &str, functions: &BTreeMap<&str, &str>) -> bool {
    let (mut seen, mut open) = (BTreeSet::new(), vec![name]);
    while let Some(name) = open.pop() {
        let Some(body) = functions.get(name).filter(|_| seen.insert(name)) else { continue };
        if ["Invariants::of(", "expect_live(&", "expect_served(&"].iter().any(|look| body.contains(look)) {
            return true;
        }
        open.extend(functions.keys().filter(|called| body.contains(&format!("{called}("))));
    }
    false
}

#[test]
fn every_test_of_a_fault_looks_at_the_invariants_at_its_end() {
    let is_excepted = |name: &str| WITHOUT_INVARIANTS.iter().any(|(excepted, _)| *excepted == name);
    let (mut blind, mut needless) = (Vec::new(), Vec::new());
    for named in named() {
        let (file, function) = named.split_once("::").unwrap();
        let text = read(&format!("tests/e2e/{file}.rs"));
        match (looks_at_the_invariants(function, &functions(&text)), is_excepted(&named)) {
            (false, false) => blind.push(format!("{named} does not look at the invariants")),
            (true, true) => needless.push(format!("{named} needs no exception")),
            (true, false) | (false, true) => {}
        }
    }
    assert_none(&[blind, needless].concat());
}

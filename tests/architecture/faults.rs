//! docs/faults.md names tests that there are, and every test of the files that do nothing but break things.

use crate::{assert_none, read, root};
use std::collections::BTreeSet;
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

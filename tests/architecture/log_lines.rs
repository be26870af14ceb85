//! docs/operating.md explains the lines of the server's log on which an operator acts: those that there are, and every error.

use crate::source::texts;
use crate::{assert_none, read, root};
use std::collections::BTreeSet;

/// Warnings on which an operator acts, too.
const ACTED_ON: [&str; 3] = [
    "a deployment waits for the engine",
    "a release fails and there is none to go back to",
    "deployments were interrupted; they go on at the next start",
];

/// The lines that the page explains.
fn explained() -> BTreeSet<String> {
    let page = read("docs/operating.md");
    let (_, table) = page.split_once("What lines of the log mean:\n").unwrap();
    let (table, _) = table.split_once("\n## ").unwrap();
    let firsts = table.lines().filter_map(|line| line.strip_prefix("| `")?.split_once(" |"));
    let lines: BTreeSet<String> =
        firsts.flat_map(|(first, _)| first.trim_end_matches('`').split("`, `")).map(str::to_owned).collect();
    assert!(lines.len() > 60, "the table is not found any more");
    lines
}

/// What is logged by `tracing::error!`: the text that each call ends with.
fn errors(code: &str) -> impl Iterator<Item = &str> {
    code.split("tracing::error!(").skip(1).filter_map(|rest| {
        let ends_the_call = |end: &usize| {
            let after = rest[end + 1..].trim_start_matches([',', ' ', '\n']);
            [");", "),\n"].iter().any(|close| after.starts_with(close))
        };
        let end = rest.match_indices('"').map(|(end, _)| end).find(ends_the_call)?;
        rest[..end].rsplit('"').next()
    })
}

#[test]
fn the_lines_of_the_log_on_which_an_operator_acts_are_explained() {
    let (files, explained) = (texts(root()), explained());
    let gone = explained.iter().filter(|line| !files.iter().any(|(_, code)| code.contains(line.as_str())));
    let mut wrong: Vec<String> =
        gone.map(|line| format!("docs/operating.md: nothing logs `{line}`")).collect();
    for (name, code) in &files {
        for line in errors(code).chain(ACTED_ON.into_iter().filter(|line| code.contains(line))) {
            if !explained.contains(line) {
                wrong.push(format!("docs/operating.md does not explain `{line}` ({name})"));
            }
        }
    }
    assert_none(&wrong);
}

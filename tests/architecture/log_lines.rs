//! docs/operating.md explains the lines of the server's log: every warning and every error, and those of them that there are.

use crate::source::texts;
use crate::{assert_none, read, root};
use std::collections::BTreeSet;

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

/// What is logged by `tracing::error!` and `tracing::warn!`: the text that each call ends with. One that is a variable is given
/// by its callers.
fn logged(code: &str) -> impl Iterator<Item = &str> {
    let calls = ["tracing::error!(", "tracing::warn!("].into_iter().flat_map(|call| code.split(call).skip(1));
    calls.filter_map(|rest| {
        let ends_the_call = |end: &usize| {
            let after = rest[end + 1..].trim_start_matches([',', ' ', '\n']);
            [");", "),\n", ")\n"].iter().any(|close| after.starts_with(close))
        };
        let end = rest.match_indices('"').map(|(end, _)| end).find(ends_the_call)?;
        rest[..end].rsplit('"').next().filter(|line| !line.contains('{'))
    })
}

#[test]
fn the_warnings_and_errors_of_the_log_are_explained() {
    let (files, explained) = (texts(root()), explained());
    let gone = explained.iter().filter(|line| !files.iter().any(|(_, code)| code.contains(line.as_str())));
    let mut wrong: Vec<String> =
        gone.map(|line| format!("docs/operating.md: nothing logs `{line}`")).collect();
    for (name, code) in &files {
        for line in logged(code) {
            if !explained.contains(line) {
                wrong.push(format!("docs/operating.md does not explain `{line}` ({name})"));
            }
        }
    }
    assert_none(&wrong);
}

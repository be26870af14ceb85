//! Heroku's `Procfile`: one process type and its command per line, `web: node server.js`.

use crate::buildpack::refusal::shown;
use crate::model::name::ProcessType;
use crate::model::process::Command;
use std::collections::BTreeMap;

/// Where it is expected: in the root of the project, written exactly so.
pub const PATH: &str = "Procfile";

/// More process types than this are a mistake or an attack.
pub(crate) const MOST_PROCESS_TYPES: usize = 50;

/// Longer commands than this do not fit where they have to be carried.
const LONGEST_COMMAND: usize = 4096;

/// Why a Procfile was refused. Lines count from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProcfileError {
    #[error("Procfile line {line}: \"{}\" has no colon. Write `web: command`.", shown(text))]
    NoColon { line: usize, text: String },
    #[error("Procfile line {line}: {reason}")]
    BadName { line: usize, reason: String },
    #[error(
        "Procfile line {line}: {process_type} has no command. Write it behind the colon, on the same line."
    )]
    NoCommand { line: usize, process_type: ProcessType },
    #[error(
        "Procfile line {line}: {process_type} is already declared on line {first}. Remove one of the two."
    )]
    Twice { line: usize, first: usize, process_type: ProcessType },
    #[error("Procfile line {line}: the command of {process_type} {problem}")]
    BadCommand { line: usize, process_type: ProcessType, problem: &'static str },
    #[error("Procfile line {line}: more than {MOST_PROCESS_TYPES} process types are declared.")]
    TooMany { line: usize },
}

/// Reads a Procfile. Blank lines and lines that start with `#` are skipped; an empty file declares nothing.
///
/// Heroku's own parser takes `^\s*([A-Za-z0-9_-]+)\s*:\s*(.+)$` and ignores every other line; here a line that is no
/// declaration is an error, since it is always a mistake.
///
/// # Errors
/// The first mistake, with its line.
pub fn parse(text: &str) -> Result<BTreeMap<ProcessType, Command>, ProcfileError> {
    let mut processes = BTreeMap::new();
    let mut declared: BTreeMap<ProcessType, usize> = BTreeMap::new();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for (line, content) in (1..).zip(text.lines()) {
        let content = content.trim();
        if content.is_empty() || content.starts_with('#') {
            continue;
        }
        let (process_type, command) = declaration(line, content)?;
        if let Some(first) = declared.insert(process_type.clone(), line) {
            return Err(ProcfileError::Twice { line, first, process_type });
        }
        if declared.len() > MOST_PROCESS_TYPES {
            return Err(ProcfileError::TooMany { line });
        }
        processes.insert(process_type, Command::Line(command));
    }
    Ok(processes)
}

fn declaration(line: usize, content: &str) -> Result<(ProcessType, String), ProcfileError> {
    let Some((name, command)) = content.split_once(':') else {
        return Err(ProcfileError::NoColon { line, text: content.to_owned() });
    };
    let process_type: ProcessType =
        name.trim().parse().map_err(|error| ProcfileError::BadName { line, reason: format!("{error}") })?;
    let command = command.trim();
    let problem = if command.len() > LONGEST_COMMAND {
        Some("is longer than 4096 bytes. Put it into a script.")
    } else if command.contains(|c: char| c.is_control() && c != '\t') {
        Some("contains a control character. Remove it.")
    } else {
        None
    };
    match problem {
        Some(problem) => Err(ProcfileError::BadCommand { line, process_type, problem }),
        None if command.is_empty() => Err(ProcfileError::NoCommand { line, process_type }),
        None => Ok((process_type, command.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commands(text: &str) -> Vec<(String, String)> {
        let processes = parse(text).unwrap();
        processes.iter().map(|(name, command)| (name.to_string(), command.shown())).collect()
    }

    #[test]
    fn declarations_as_heroku_reads_them() {
        let text = "\u{feff}# what runs\r\n\r\n web :  node server.js --port $PORT \nrelease: npm run migrate\nworker-2: a: b";
        let expected =
            [("release", "npm run migrate"), ("web", "node server.js --port $PORT"), ("worker-2", "a: b")];
        let expected: Vec<_> = expected.map(|(name, command)| (name.to_owned(), command.to_owned())).into();
        assert_eq!(commands(text), expected);
        assert!(parse("").unwrap().is_empty());
    }

    #[test]
    fn a_mistake_is_named_with_its_line() {
        for (text, message) in [
            (
                "web node server.js",
                "Procfile line 1: \"web node server.js\" has no colon. Write `web: command`.",
            ),
            ("\nweb:", "Procfile line 2: web has no command. Write it behind the colon, on the same line."),
            (
                "web: a\n\nweb: b",
                "Procfile line 3: web is already declared on line 1. Remove one of the two.",
            ),
            (
                "we b: a",
                "Procfile line 1: \"we b\" is not a process type: use 1 to 32 letters, digits, dashes and underscores.",
            ),
            (
                "web: a\u{1b}[2J",
                "Procfile line 1: the command of web contains a control character. Remove it.",
            ),
            (
                "--privileged: x",
                "Procfile line 1: \"--privileged\" is not a process type: use 1 to 32 letters, digits, dashes and underscores.",
            ),
        ] {
            assert_eq!(parse(text).unwrap_err().to_string(), message);
        }
    }

    #[test]
    fn hostile_files_are_refused_and_shown_harmlessly() {
        let escape = parse("\u{1b}[2J\u{7}\0").unwrap_err().to_string();
        assert!(!escape.contains(|c: char| c.is_control()), "{escape:?}");
        let long = parse(&"x".repeat(1 << 20)).unwrap_err().to_string();
        assert!(long.len() < 400, "{}", long.len());
        let command = format!("web: {}", "x".repeat(5000));
        assert!(matches!(parse(&command), Err(ProcfileError::BadCommand { line: 1, .. })));
        let many: Vec<String> = (0..100).map(|n| format!("w{n}: x")).collect();
        assert_eq!(parse(&many.join("\n")), Err(ProcfileError::TooMany { line: 51 }));
    }
}
